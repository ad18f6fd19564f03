"""Recurrent layers, answered one step and one gate at a time, in the order in which the prose writes the equations."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers
from graphml.spec.attributes import Choice

# The activations that the format allows in recurrent layers.
_ACTIVATIONS = {
    "linear": Choice("linear", {"alpha": 0.8, "beta": 0.1}),
    "sigmoid": Choice("sigmoid"),
    "tanh": Choice("tanh"),
    "ReLU": Choice("ReLU"),
    "scaledTanh": Choice("scaledTanh", {"alpha": 1.7159, "beta": 2 / 3}),
    "sigmoidHard": Choice("sigmoidHard", {"alpha": 0.2, "beta": 0.5}),
}
# Drawn gates are bounded: with others a cell may grow a hundredfold in a few steps, and so do errors of rounding.
_BOUNDED = [_ACTIVATIONS[name] for name in ("sigmoid", "sigmoidHard", "tanh")]
_IDENTITY = Choice("linear", {"alpha": 1.0, "beta": 0.0})


def _activated(choice, v):
    name, own = choice
    a, b = own.get("alpha"), own.get("beta")
    return {
        "linear": lambda: a * v + b,
        "sigmoid": lambda: 1 / (1 + np.exp(-v)),
        "tanh": lambda: np.tanh(v),
        "ReLU": lambda: np.where(v > 0, v, 0.0),
        "scaledTanh": lambda: a * np.tanh(b * v),
        "sigmoidHard": lambda: np.minimum(1, np.maximum(0, a * v + b)),
    }[name]()


def _limited(v, limit=50.0):
    return np.minimum(limit, np.maximum(-limit, v))


def _wide(array):
    return None if array is None else np.asarray(array, np.float64)


def _first_state(inputs, position, batch, size):
    if len(inputs) <= position:
        return np.zeros((batch, size))
    return np.zeros((batch, size)) + _wide(inputs[position])[0, :, :, 0, 0]


def _along(x, backwards, every_step, states, step):
    """Outputs and last states of a cell; `step` goes from states to states, of which the first is the output."""
    steps = list(range(x.shape[0]))
    seen = {}
    for t in reversed(steps) if backwards else steps:
        states = step(x[t], states)
        seen[t] = states[0]
    outputs = [seen[t] for t in steps] if every_step else [states[0]]
    shaped = np.array(outputs).reshape(len(outputs), *states[0].shape, 1, 1)
    return shaped, *(s.reshape(1, *s.shape, 1, 1) for s in states)


def _gate(weights, gate, x, y, extra=0.0):
    w, r = _wide(weights[f"{gate}_weight_matrix"]), _wide(weights[f"{gate}_recursion_matrix"])
    bias = _wide(weights.get(f"{gate}_bias_vector"))
    total = np.einsum("oi,bi->bo", w, x) + np.einsum("oi,bi->bo", r, y) + extra
    return total if bias is None else total + bias


def _simple(inputs, f):
    x = _wide(inputs[0])[:, :, :, 0, 0]
    weights = {f"y_{name}": f.get(name) for name in ("weight_matrix", "recursion_matrix", "bias_vector")}
    start = _first_state(inputs, 1, x.shape[1], np.shape(f["weight_matrix"])[0])

    def step(x, states):
        return (_activated(f["activation"], _limited(_gate(weights, "y", x, states[0]))),)

    return _along(x, f.get("reverse_input", False), f.get("sequence_output", False), (start,), step)


def _gru(inputs, f):
    x = _wide(inputs[0])[:, :, :, 0, 0]
    start = _first_state(inputs, 1, x.shape[1], np.shape(f["update_gate_weight_matrix"])[0])
    first, second = f["activations"]

    def step(x, states):
        y = states[0]
        z = _activated(first, _limited(_gate(f, "update_gate", x, y)))
        r = _activated(first, _limited(_gate(f, "reset_gate", x, y)))
        o = _activated(second, _limited(_gate(f, "output_gate", x, y * r)))
        return ((1 - z) * o + z * y,)

    return _along(x, f.get("reverse_input", False), f.get("sequence_output", False), (start,), step)


def _lstm(x, states, weights, activations, p, backwards):
    f, g, h = activations

    def peep(gate, c):
        vector = weights.get(f"{gate}_peephole_vector")
        return 0.0 if vector is None else _wide(vector) * c

    def step(x, states):
        y, c = states
        i = _activated(f, _limited(_gate(weights, "input_gate", x, y, peep("input_gate", c))))
        if p.get("coupled_input_and_forget_gate"):
            kept = 1 - i
        else:
            extra = peep("forget_gate", c) + (1.0 if p.get("forget_bias") else 0.0)
            kept = _activated(f, _limited(_gate(weights, "forget_gate", x, y, extra)))
        z = _activated(g, _limited(_gate(weights, "block_input", x, y)))
        c = _limited(c * kept + i * z, p.get("cell_clip_threshold") or 50.0)
        o = _activated(f, _limited(_gate(weights, "output_gate", x, y, peep("output_gate", c))))
        return _activated(h, c) * o, c

    return _along(x, backwards, p.get("sequence_output", False), states, step)


def _uni(inputs, f):
    x = _wide(inputs[0])[:, :, :, 0, 0]
    size = np.shape(f["weight_params"]["input_gate_weight_matrix"])[0]
    states = tuple(_first_state(inputs, n, x.shape[1], size) for n in (1, 2))
    return _lstm(x, states, f["weight_params"], f["activations"], f.get("params", {}), f.get("reverse_input", False))


def _bi(inputs, f):
    x = _wide(inputs[0])[:, :, :, 0, 0]
    ahead, back = f["weight_params"]
    size = np.shape(ahead["input_gate_weight_matrix"])[0]
    y, c, y_back, c_back = (_first_state(inputs, n, x.shape[1], size) for n in (1, 2, 3, 4))
    p = f.get("params", {})
    one = _lstm(x, (y, c), ahead, f["activations_forward_lstm"], p, False)
    two = _lstm(x, (y_back, c_back), back, f["activations_backward_lstm"], p, True)
    return np.concatenate([one[0], two[0]], axis=2), *one[1:], *two[1:]


# Cases ---------------------------------------------------------------------------------------------------------------

_IN, _OUT = 3, 2
_GATES = ("input_gate", "forget_gate", "block_input", "output_gate")


def _x(steps=4, batch=2, seed=0):
    return numbers(steps, batch, _IN, 1, 1, seed=seed)


def _h(batch=2, seed=5, low=-1.0, high=1.0):
    return numbers(1, batch, _OUT, 1, 1, seed=seed, low=low, high=high)


def _cell(gates, seed, *, bias=True, peepholes=False, spread=1.0):
    weights = {}
    for n, gate in enumerate(gates):
        prefix = f"{gate}_" if gate else ""
        own = seed + 10 * n
        weights[f"{prefix}weight_matrix"] = numbers(_OUT, _IN, low=-spread, high=spread, seed=own)
        weights[f"{prefix}recursion_matrix"] = numbers(_OUT, _OUT, low=-1, high=1, seed=own + 1)
        if bias:
            weights[f"{prefix}bias_vector"] = numbers(_OUT, low=-1, high=1, seed=own + 2)
        if peepholes and gate != "block_input":
            weights[f"{prefix}peephole_vector"] = numbers(_OUT, low=0.2, high=1, seed=own + 3)
    return weights


_SIMPLE = {"activation": _ACTIVATIONS["tanh"], "sequence_output": True, **_cell([""], 1)}
_RU = ("update_gate", "reset_gate", "output_gate")
_GRU_PLAIN = {"activations": [_ACTIVATIONS["sigmoid"], _ACTIVATIONS["tanh"]], "sequence_output": True}
_GRU = {**_GRU_PLAIN, **_cell(_RU, 1)}
_SIGMOID_TANH = [_ACTIVATIONS["sigmoid"], _ACTIVATIONS["tanh"], _ACTIVATIONS["tanh"]]
_OTHER_THREE = [_ACTIVATIONS["sigmoidHard"], _ACTIVATIONS["scaledTanh"], _ACTIVATIONS["linear"]]
_UNI = {"activations": _SIGMOID_TANH, "params": {"sequence_output": True}, "weight_params": _cell(_GATES, 1)}
_BI = {
    "activations_forward_lstm": _SIGMOID_TANH,
    "activations_backward_lstm": _SIGMOID_TANH,
    "params": {"sequence_output": True},
    "weight_params": [_cell(_GATES, 1), _cell(_GATES, 2)],
}
_SIZES = [(4, 2), (1, 1), (3, 1), (2, 10)]  # steps, batch; 10 rows take the form for large batches


@st.composite
def _state_inputs(draw, batch, most):
    return [draw(arrays((1, batch, _OUT, 1, 1), low=-1, high=1)) for _ in range(draw(st.sampled_from([0, most])))]


def _several(count):
    """The activation of the gates, and those of the rest."""
    every = st.sampled_from([*_ACTIVATIONS.values()])
    return st.tuples(st.sampled_from(_BOUNDED), *[every] * (count - 1)).map(list)


@st.composite
def _draw_simple(draw):
    steps, batch = draw(st.sampled_from(_SIZES))
    fields = {
        "activation": draw(st.sampled_from([*_ACTIVATIONS.values()])),
        "sequence_output": draw(st.booleans()),
        "reverse_input": draw(st.booleans()),
        **_cell([""], draw(st.integers(0, 5)), bias=draw(st.booleans())),
    }
    return Case((draw(arrays((steps, batch, _IN, 1, 1))), *draw(_state_inputs(batch, 1))), fields, outputs=2)


@st.composite
def _draw_gru(draw):
    steps, batch = draw(st.sampled_from(_SIZES))
    fields = {
        "activations": draw(_several(2)),
        "sequence_output": draw(st.booleans()),
        "reverse_input": draw(st.booleans()),
        **_cell(_RU, draw(st.integers(0, 5)), bias=draw(st.booleans())),
    }
    return Case((draw(arrays((steps, batch, _IN, 1, 1))), *draw(_state_inputs(batch, 1))), fields, outputs=2)


_PARAMS = st.fixed_dictionaries(
    {
        "sequence_output": st.booleans(),
        "forget_bias": st.booleans(),
        "coupled_input_and_forget_gate": st.booleans(),
        "cell_clip_threshold": st.sampled_from([0.0, 0.5]),
    }
)
_STORED = st.fixed_dictionaries({"bias": st.booleans(), "peepholes": st.booleans()})


@st.composite
def _draw_uni(draw):
    steps, batch = draw(st.sampled_from(_SIZES))
    fields = {
        "activations": draw(_several(3)),
        "params": draw(_PARAMS),
        "reverse_input": draw(st.booleans()),
        "weight_params": _cell(
            _GATES, draw(st.integers(0, 5)), bias=draw(st.booleans()), peepholes=draw(st.booleans())
        ),
    }
    return Case((draw(arrays((steps, batch, _IN, 1, 1))), *draw(_state_inputs(batch, 2))), fields, outputs=3)


@st.composite
def _draw_bi(draw):
    steps, batch = draw(st.sampled_from(_SIZES))
    own = draw(_STORED)
    activations = draw(_several(3))
    fields = {
        "activations_forward_lstm": activations,
        "activations_backward_lstm": activations,
        "params": draw(_PARAMS),
        "weight_params": [_cell(_GATES, draw(st.integers(0, 5)), **own), _cell(_GATES, draw(st.integers(6, 9)), **own)],
    }
    return Case((draw(arrays((steps, batch, _IN, 1, 1))), *draw(_state_inputs(batch, 4))), fields, outputs=5)


def _column(*values):
    return np.float32(values).reshape(-1, 1, 1, 1, 1)


# One channel, everything linear, so that the numbers can be followed on paper.
_ONE = {"weight_matrix": np.float32([[2]]), "recursion_matrix": np.float32([[1]]), "bias_vector": np.float32([1])}
# Gates that are always 1 (only their bias speaks); the block input is x, so the cell adds up what comes.
_OPEN = {
    f"{gate}_{ending}": np.float32(value)
    for gate in _GATES
    for ending, value in (
        ("weight_matrix", [[1.0 if gate == "block_input" else 0.0]]),
        ("recursion_matrix", [[0.0]]),
        ("bias_vector", [0.0 if gate == "block_input" else 1.0]),
    )
}
_ADDING = {"activations": [_IDENTITY] * 3, "weight_params": _OPEN, "params": {"sequence_output": True}}
_RU_OPEN = {
    f"{gate}_{ending}": np.float32(value)
    for gate, bias in zip(_RU, (0.5, 2.0, 0.0), strict=True)
    for ending, value in (
        ("weight_matrix", [[1.0 if gate == "output_gate" else 0.0]]),
        ("recursion_matrix", [[1.0 if gate == "output_gate" else 0.0]]),
        ("bias_vector", [bias]),
    )
}

kind(
    "simpleRecurrent",
    oracle=_simple,
    base=Case((_x(), _h()), _SIMPLE, outputs=2),
    vary={
        "activation": [_ACTIVATIONS[name] for name in ("linear", "sigmoid", "ReLU", "scaledTanh", "sigmoidHard")],
        "sequence_output": [False],
        "reverse_input": [True],
        "weight_matrix": [
            numbers(_OUT, _IN, seed=9),
            # so large that the clip to +-50 is what is left
            Case(
                (_x(),),
                {**_SIMPLE, "activation": _IDENTITY, "weight_matrix": 100 * _SIMPLE["weight_matrix"]},
                outputs=2,
            ),
        ],
        "recursion_matrix": [numbers(_OUT, _OUT, seed=9)],
        "bias_vector": [numbers(_OUT, seed=9), None],
        "inputs": [
            Case((_x(),), _SIMPLE, outputs=2),
            Case((_x(),), _SIMPLE),
            Case((_x(3, 10), _h(1)), _SIMPLE, outputs=2),
        ],
    },
    draw=_draw_simple(),
    worked=[
        # 2*1 + 0 + 1 = 3; 2*2 + 3 + 1 = 8
        (
            Case((_column(1, 2),), {**_ONE, "activation": _IDENTITY, "sequence_output": True}, outputs=2),
            [_column(3, 8), _column(8)],
        ),
        # backwards: 2*2 + 1 = 5 at the second step, then 2*1 + 5 + 1 = 8 at the first
        (
            Case(
                (_column(1, 2),),
                {**_ONE, "activation": _IDENTITY, "sequence_output": True, "reverse_input": True},
                outputs=2,
            ),
            [_column(8, 5), _column(8)],
        ),
        (Case((_column(1, 2),), {**_ONE, "activation": _IDENTITY}), [_column(8)]),
        # clipped to 50 before the activation
        (Case((_column(100),), {**_ONE, "activation": _IDENTITY}), [_column(50)]),
    ],
    refuse=[
        (Case((numbers(4, 2, 5, 1, 1),), _SIMPLE), "[sequence, batch, 3, 1, 1]"),
        (Case((_x(), numbers(1, 2, 3, 1, 1)), _SIMPLE), "a state has shape [1, 2, 3, 1, 1]"),
        (Case((_x(),), {**_SIMPLE, "activation": Choice("PReLU")}), "activation holds PReLU"),
    ],
)

kind(
    "gru",
    oracle=_gru,
    base=Case((_x(), _h()), _GRU, outputs=2),
    vary={
        "activations": [
            [_ACTIVATIONS["sigmoidHard"], _ACTIVATIONS["tanh"]],
            [_ACTIVATIONS["sigmoid"], _ACTIVATIONS["scaledTanh"]],
        ],
        "sequence_output": [False],
        "reverse_input": [True],
        **{name: [value + np.float32(0.5)] for name, value in _cell(_RU, 1).items()},
        "inputs": [Case((_x(),), _GRU, outputs=2), Case((_x(3, 10), _h(10)), _GRU, outputs=2)],
        "has_bias_vectors": [Case((_x(), _h()), {**_GRU_PLAIN, **_cell(_RU, 1, bias=False)}, outputs=2)],
    },
    draw=_draw_gru(),
    worked=[
        # z = 1/2, r = 2: o = x + 2 y, y' = (o + y) / 2, so 2/2 = 1 and (2 + 2 + 1) / 2 = 2.5
        (
            Case((_column(2, 2),), {**_RU_OPEN, "activations": [_IDENTITY] * 2, "sequence_output": True}, outputs=2),
            [_column(1, 2.5), _column(2.5)],
        ),
    ],
    refuse=[
        (Case((numbers(4, 3, 1, 1),), _GRU), "[sequence, batch, 3, 1, 1]"),
        (
            Case((_x(),), {**_GRU, "activations": [_ACTIVATIONS["tanh"]]}),
            "activations holds 1 activations, 2 are needed",
        ),
    ],
)

_PEEPHOLES = _cell(_GATES, 1, peepholes=True)
_WITH_PEEPHOLE = ("input_gate", "forget_gate", "output_gate")
_WILD = _cell(_GATES, 1, spread=100.0)

kind(
    "uniDirectionalLSTM",
    oracle=_uni,
    base=Case((_x(), _h(), _h(seed=6)), _UNI, outputs=3),
    vary={
        "activations": [[*_SIGMOID_TANH[:n], _OTHER_THREE[n], *_SIGMOID_TANH[n + 1 :]] for n in range(3)],
        "params": [
            {},
            {"sequence_output": True, "forget_bias": True},
            {"sequence_output": True, "coupled_input_and_forget_gate": True},
            {"sequence_output": True, "cell_clip_threshold": 0.25},
            # 1 is also added where no biases are stored
            Case((_x(),), {**_UNI, "params": {"forget_bias": True}, "weight_params": _cell(_GATES, 1, bias=False)}),
        ],
        "weight_params": [
            _PEEPHOLES,
            _cell(_GATES, 1, bias=False),
            *(
                {**_PEEPHOLES, f"{gate}_peephole_vector": np.float32([2, -2])}
                for gate in _GATES
                if gate != "block_input"
            ),
            _WILD,
        ],
        "reverse_input": [True],
        "inputs": [
            Case((_x(),), _UNI, outputs=3),
            Case((_x(),), _UNI),
            Case((_x(3, 10), _h(10), _h(10, seed=6)), _UNI, outputs=3),
            Case((_x(3, 10), _h(1), _h(1, seed=6)), _UNI, outputs=3),
        ],
    },
    draw=_draw_uni(),
    worked=[
        # the cell adds up 1, 2 and 3
        (Case((_column(1, 2, 3),), _ADDING, outputs=3), [_column(1, 3, 6), _column(6), _column(6)]),
        # forget bias: the gate is 2, so 1, 2 + 2*1, 3 + 2*4
        (
            Case((_column(1, 2, 3),), {**_ADDING, "params": {"sequence_output": True, "forget_bias": True}}),
            [_column(1, 4, 11)],
        ),
        # coupled: the input gate is 1, so nothing is kept
        (
            Case(
                (_column(1, 2, 3),),
                {**_ADDING, "params": {"sequence_output": True, "coupled_input_and_forget_gate": True}},
            ),
            [_column(1, 2, 3)],
        ),
        # the cell stays within 5, also inside the loop
        (
            Case((_column(1, 2, 3, -1),), {**_ADDING, "params": {"sequence_output": True, "cell_clip_threshold": 5.0}}),
            [_column(1, 3, 5, 4)],
        ),
        # no threshold stored means 50
        (Case((_column(30, 30),), {**_ADDING, "params": {"sequence_output": True}}), [_column(30, 50)]),
        # the output gate looks at the new cell through its peephole: (1 + c) c = 2, then 3 + 9 = 12
        (
            Case(
                (_column(1, 2),),
                {
                    **_ADDING,
                    "weight_params": {
                        **_OPEN,
                        **{
                            f"{gate}_peephole_vector": np.zeros(1, np.float32) for gate in ("input_gate", "forget_gate")
                        },
                        "output_gate_peephole_vector": np.float32([1]),
                    },
                },
            ),
            [_column(2, 12)],
        ),
    ],
    refuse=[
        (Case((numbers(4, 2, 5, 1, 1),), _UNI), "[sequence, batch, 3, 1, 1]"),
        (Case((_x(), numbers(2, 2, 2, 1, 1)), _UNI), "a state has shape [2, 2, 2, 1, 1]; it is [1, 2, 2, 1, 1]"),
        (Case((_x(),), {**_UNI, "activations": _SIGMOID_TANH[:2]}), "activations holds 2 activations, 3 are needed"),
        (
            Case((_x(),), {**_UNI, "weight_params": {k: v for k, v in _cell(_GATES, 1).items() if "forget" not in k}}),
            "forget_gate_recursion_matrix must be stored",
        ),
    ],
)

_BI_STATES = tuple(_h(seed=n) for n in (5, 6, 7, 8))

kind(
    "biDirectionalLSTM",
    oracle=_bi,
    base=Case((_x(), *_BI_STATES), _BI, outputs=5),
    vary={
        "activations_forward_lstm": [_OTHER_THREE],
        "activations_backward_lstm": [_OTHER_THREE],
        "params": [
            {},
            {"sequence_output": True, "forget_bias": True},
            {"sequence_output": True, "coupled_input_and_forget_gate": True},
            {"sequence_output": True, "cell_clip_threshold": 0.25},
        ],
        "weight_params": [
            [_PEEPHOLES, _cell(_GATES, 2, peepholes=True)],
            [_cell(_GATES, 1, bias=False), _cell(_GATES, 2, bias=False)],
            [_cell(_GATES, 2), _cell(_GATES, 1)],
        ],
        "inputs": [
            Case((_x(),), _BI, outputs=5),
            Case((_x(),), _BI),
            Case((_x(3, 10), *(_h(10, seed=n) for n in (5, 6, 7, 8))), _BI, outputs=5),
        ],
    },
    draw=_draw_bi(),
    worked=[
        # ahead 1, 3, 6; back 6, 5, 3, each where it was made
        (
            Case(
                (_column(1, 2, 3),),
                {
                    "activations_forward_lstm": [_IDENTITY] * 3,
                    "activations_backward_lstm": [_IDENTITY] * 3,
                    "weight_params": [_OPEN, _OPEN],
                    "params": {"sequence_output": True},
                },
                outputs=5,
            ),
            [np.float32([[1, 6], [3, 5], [6, 3]]).reshape(3, 1, 2, 1, 1), *[_column(6)] * 4],
        ),
    ],
    refuse=[
        (Case((_x(),), {**_BI, "weight_params": [_cell(_GATES, 1)]}), "1 sets of weights are stored"),
        (Case((_x(),), {**_BI, "activations_backward_lstm": []}), "activations_backward_lstm holds 0 activations"),
    ],
)
