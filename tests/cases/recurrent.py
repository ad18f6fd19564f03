"""Recurrent layers, answered by plain loops over the steps of the sequence.

The equations are those of the format's prose. Where Apple's runtime is known to do something else, it is followed:

- forgetBias adds nothing: a trained bias holds the 1 already.
- reverseInput reads the sequence from its end, and the outputs stay in the order in which they were computed, as with
  Keras' `go_backwards`. Only the backward half of a bidirectional LSTM puts each output at the step that it belongs to.
- Activations without numbers have those of the format; scaledTanh without numbers is tanh.
"""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers
from graphml.spec.attributes import Choice


def _sigmoid(v):
    return 1 / (1 + np.exp(-v))


def _activation(choice, v):
    name, given = choice
    if name == "sigmoid":
        return _sigmoid(v)
    if name == "tanh":
        return np.tanh(v)
    if name == "ReLU":
        return np.maximum(v, 0)
    defaults = {"linear": (1.0, 0.0), "scaledTanh": (1.0, 1.0), "sigmoidHard": (0.2, 0.5)}
    a, b = (given["alpha"], given["beta"]) if given else defaults[name]
    if name == "linear":
        return a * v + b
    if name == "scaledTanh":
        return a * np.tanh(b * v)
    return np.clip(a * v + b, 0, 1)


def _clip(v):
    return np.clip(v, -50, 50)


def _steps(x):
    """A blob [sequence, batch, size, 1, 1] as one matrix [batch, size] for each step."""
    return [np.asarray(step, np.float64) for step in x[:, :, :, 0, 0]]


def _state(inputs, position, batch, size):
    """The state before the first step, [batch, size]: zeros unless it is fed; one row serves the whole batch."""
    if position >= len(inputs):
        return np.zeros((batch, size))
    return np.tile(np.asarray(inputs[position], np.float64).reshape(-1, size), (batch, 1))[:batch]


def _blob(*matrices):
    """Matrices [batch, size] as a blob [sequence, batch, size, 1, 1]."""
    return np.stack(matrices)[..., None, None]


def _sum(weights, gate, x, y):
    """W x + R y + b of a gate, for every row of the batch."""
    total = x @ np.float64(weights[f"{gate}weight_matrix"]).T + y @ np.float64(weights[f"{gate}recursion_matrix"]).T
    bias = weights.get(f"{gate}bias_vector")
    return total if bias is None else total + np.float64(bias)


def _simple(inputs, f):
    xs = _steps(inputs[0])
    y = _state(inputs, 1, len(xs[0]), len(f["weight_matrix"]))
    ys = []
    for x in reversed(xs) if f.get("reverse_input") else xs:
        y = _activation(f["activation"], _clip(_sum(f, "", x, y)))
        ys.append(y)
    return _blob(*ys) if f.get("sequence_output") else _blob(y), _blob(y)


def _gru(inputs, f):
    xs = _steps(inputs[0])
    inner, outer = f["activations"]
    y = _state(inputs, 1, len(xs[0]), len(f["update_gate_weight_matrix"]))
    ys = []
    for x in reversed(xs) if f.get("reverse_input") else xs:
        z = _activation(inner, _clip(_sum(f, "update_gate_", x, y)))
        r = _activation(inner, _clip(_sum(f, "reset_gate_", x, y)))
        o = _activation(outer, _clip(_sum(f, "output_gate_", x, y * r)))
        y = (1 - z) * o + z * y
        ys.append(y)
    return _blob(*ys) if f.get("sequence_output") else _blob(y), _blob(y)


def _lstm(xs, y, c, weights, activations, params):
    """Outputs in the order in which they are computed, and the last cell."""
    inner, block, outer = activations
    most = params.get("cell_clip_threshold") or 50.0

    def peep(gate, cell):
        vector = weights.get(f"{gate}peephole_vector")
        return 0.0 if vector is None else np.float64(vector) * cell

    ys = []
    for x in xs:
        i = _activation(inner, _clip(_sum(weights, "input_gate_", x, y) + peep("input_gate_", c)))
        if params.get("coupled_input_and_forget_gate"):
            f = 1 - i
        else:
            f = _activation(inner, _clip(_sum(weights, "forget_gate_", x, y) + peep("forget_gate_", c)))
        z = _activation(block, _clip(_sum(weights, "block_input_", x, y)))
        c = np.clip(c * f + i * z, -most, most)
        o = _activation(inner, _clip(_sum(weights, "output_gate_", x, y) + peep("output_gate_", c)))
        y = _activation(outer, c) * o
        ys.append(y)
    return ys, c


def _uni(inputs, f):
    xs, weights, params = _steps(inputs[0]), f["weight_params"], f.get("params", {})
    y, c = (_state(inputs, n, len(xs[0]), len(weights["input_gate_weight_matrix"])) for n in (1, 2))
    ys, c = _lstm(xs[::-1] if f.get("reverse_input") else xs, y, c, weights, f["activations"], params)
    return _blob(*ys) if params.get("sequence_output") else _blob(ys[-1]), _blob(ys[-1]), _blob(c)


def _bi(inputs, f):
    xs, params = _steps(inputs[0]), f.get("params", {})
    ahead, back = f["weight_params"]
    y, c, y_back, c_back = (_state(inputs, n, len(xs[0]), len(ahead["input_gate_weight_matrix"])) for n in range(1, 5))
    ys, c = _lstm(xs, y, c, ahead, f["activations_forward_lstm"], params)
    ys_back, c_back = _lstm(xs[::-1], y_back, c_back, back, f["activations_backward_lstm"], params)
    last = np.concatenate([ys[-1], ys_back[-1]], axis=1)
    side_by_side = [np.concatenate(pair, axis=1) for pair in zip(ys, reversed(ys_back), strict=True)]
    outputs = _blob(*side_by_side) if params.get("sequence_output") else _blob(last)
    return outputs, _blob(ys[-1]), _blob(c), _blob(ys_back[-1]), _blob(c_back)


# Cases ---------------------------------------------------------------------------------------------------------------

# The activations that the format allows in recurrent layers.
_ACTIVATIONS = {
    "linear": Choice("linear", {"alpha": 0.8, "beta": 0.1}),
    "sigmoid": Choice("sigmoid"),
    "tanh": Choice("tanh"),
    "ReLU": Choice("ReLU"),
    "scaledTanh": Choice("scaledTanh", {"alpha": 1.7159, "beta": 2 / 3}),
    "sigmoidHard": Choice("sigmoidHard", {"alpha": 0.2, "beta": 0.5}),
}
_WITHOUT_NUMBERS = [Choice("linear"), Choice("scaledTanh"), Choice("sigmoidHard")]
# Drawn gates are bounded: with others a cell may grow a hundredfold in a few steps, and so do errors of rounding.
_BOUNDED = [*(_ACTIVATIONS[name] for name in ("sigmoid", "sigmoidHard", "tanh")), *_WITHOUT_NUMBERS[1:]]
_IDENTITY = Choice("linear", {"alpha": 1.0, "beta": 0.0})

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
    every = st.sampled_from([*_ACTIVATIONS.values(), *_WITHOUT_NUMBERS])
    return st.tuples(st.sampled_from(_BOUNDED), *[every] * (count - 1)).map(list)


@st.composite
def _draw_simple(draw):
    steps, batch = draw(st.sampled_from(_SIZES))
    fields = {
        "activation": draw(st.sampled_from([*_ACTIVATIONS.values(), *_WITHOUT_NUMBERS])),
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
# The same without biases: the activation of the gates gives the 1.
_ADDING_UNBIASED = {
    "activations": [Choice("linear", {"alpha": 1.0, "beta": 1.0}), _IDENTITY, _IDENTITY],
    "weight_params": {name: value for name, value in _OPEN.items() if "bias" not in name},
}
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
        "activation": [
            *(_ACTIVATIONS[name] for name in ("linear", "sigmoid", "ReLU", "scaledTanh", "sigmoidHard")),
            Choice("linear"),
            Choice("sigmoidHard"),
        ],
        "sequence_output": [False],
        "reverse_input": [True],
        "weight_matrix": [
            numbers(_OUT, _IN, seed=9),
            # so large that only the clip to +-50 matters
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
        # backwards: first 2*2 + 1 = 5, then 2*1 + 5 + 1 = 8, and so they come out
        (
            Case(
                (_column(1, 2),),
                {**_ONE, "activation": _IDENTITY, "sequence_output": True, "reverse_input": True},
                outputs=2,
            ),
            [_column(5, 8), _column(8)],
        ),
        # a linear function without numbers is the identity, a scaled tanh the tanh: tanh 3 and tanh 5.995055
        (
            Case((_column(1, 2),), {**_ONE, "activation": Choice("linear"), "sequence_output": True}),
            [_column(3, 8)],
        ),
        (
            Case((_column(1, 2),), {**_ONE, "activation": Choice("scaledTanh"), "sequence_output": True}),
            [_column(0.99505475, 0.99998761)],
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
        # backwards from 4: 4/2 = 2, then (2 + 2*2 + 2) / 2 = 4
        (
            Case(
                (_column(2, 4),),
                {**_RU_OPEN, "activations": [_IDENTITY] * 2, "sequence_output": True, "reverse_input": True},
                outputs=2,
            ),
            [_column(2, 4), _column(4)],
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
            {"sequence_output": True, "coupled_input_and_forget_gate": True},
            {"sequence_output": True, "cell_clip_threshold": 0.25},
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
        # forgetBias adds nothing to the gate, with or without biases that could hold the 1
        (
            Case((_column(1, 2, 3),), {**_ADDING, "params": {"sequence_output": True, "forget_bias": True}}),
            [_column(1, 3, 6)],
        ),
        (
            Case((_column(1, 2, 3),), {**_ADDING_UNBIASED, "params": {"sequence_output": True, "forget_bias": True}}),
            [_column(1, 3, 6)],
        ),
        # backwards the cell adds up 3, 2 and 1; the sums come out as they are made
        (
            Case((_column(1, 2, 3),), {**_ADDING, "reverse_input": True}, outputs=3),
            [_column(3, 5, 6), _column(6), _column(6)],
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
        (Case((_x(), numbers(2, 2, 2, 1, 1)), _UNI), "a state has shape [2, 2, 2, 1, 1]; it must be [1, 2, 2, 1, 1]"),
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
    smooth=dict.fromkeys(
        ("activations_forward_lstm", "activations_backward_lstm", "params", "weight_params"),
        "each direction is the cell of uniDirectionalLSTM, whose gradients are checked with the same variations",
    ),
    draw=_draw_bi(),
    worked=[
        # ahead 1, 3, 6; back 6, 5, 3, each at the step that it belongs to; forgetBias adds nothing
        *(
            (
                Case(
                    (_column(1, 2, 3),),
                    {
                        "activations_forward_lstm": [_IDENTITY] * 3,
                        "activations_backward_lstm": [_IDENTITY] * 3,
                        "weight_params": [_OPEN, _OPEN],
                        "params": {"sequence_output": True, "forget_bias": forget_bias},
                    },
                    outputs=5,
                ),
                [np.float32([[1, 6], [3, 5], [6, 3]]).reshape(3, 1, 2, 1, 1), *[_column(6)] * 4],
            )
            for forget_bias in (False, True)
        ),
    ],
    refuse=[
        (Case((_x(),), {**_BI, "weight_params": [_cell(_GATES, 1)]}), "1 sets of weights are stored"),
        (Case((_x(),), {**_BI, "activations_backward_lstm": []}), "activations_backward_lstm holds 0 activations"),
    ],
)
