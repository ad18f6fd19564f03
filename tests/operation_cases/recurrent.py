"""Recurrent operations, answered by plain loops over the steps.

Gates are stored as the format says: reset, output, update (gru), and input, forget, output, cell (lstm). The reset acts
on the state, as in the format's own tests of gru, or with `reset_after` on its product and bias, as in PyTorch.
"""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation


def _sigmoid(v):
    return 1 / (1 + np.exp(-v))


_FUNCTIONS = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "scaled_tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0),
    "linear": lambda v: v,
    "hard_sigmoid": lambda v: np.clip(0.2 * v + 0.5, 0, 1),
    "sigmoid_hard": lambda v: np.clip(0.2 * v + 0.5, 0, 1),
}


def _wide(i, name, like=None):
    return np.zeros(like) if i[name] is None else np.asarray(i[name], np.float64)


def _ran(i, a, step, state):
    """Outputs and the last state; step: (x of one step, state) -> state, whose first part is the output."""
    x = np.asarray(i["x"], np.float64)
    outputs = []
    for one in x[::-1] if a["direction"] == "reverse" else x:
        state = step(one, state)
        outputs.append(state[0])
    return np.stack(outputs) if a["output_sequence"] else outputs[-1][None], state


def _rnn(i, a):
    w, r = _wide(i, "weight_ih"), _wide(i, "weight_hh")
    b, f = _wide(i, "bias", len(w)), _FUNCTIONS[a["activation"]]
    outputs, (h,) = _ran(i, a, lambda x, s: (f(x @ w.T + s[0] @ r.T + b),), (_wide(i, "initial_h"),))
    return outputs, h


def _gru(i, a):
    (w_r, w_o, w_z), (r_r, r_o, r_z) = np.split(_wide(i, "weight_ih"), 3), np.split(_wide(i, "weight_hh"), 3)
    b_r, b_o, b_z = np.split(_wide(i, "bias", 3 * len(w_r)), 3)
    c_r, c_o, c_z = np.split(_wide(i, "input_bias", 3 * len(w_r)) if "input_bias" in i else np.zeros(3 * len(w_r)), 3)
    f, g = _FUNCTIONS[a["recurrent_activation"]], _FUNCTIONS[a["activation"]]

    def step(x, state):
        (h,) = state
        r = f(x @ w_r.T + h @ r_r.T + b_r + c_r)
        z = f(x @ w_z.T + h @ r_z.T + b_z + c_z)
        inner = r * (h @ r_o.T + b_o) if a.get("reset_after") else (r * h) @ r_o.T + b_o
        return ((1 - z) * g(x @ w_o.T + c_o + inner) + z * h,)

    outputs, (h,) = _ran(i, a, step, (_wide(i, "initial_h"),))
    return outputs, h


def _cell(i, a, ending, direction, h, c):
    w, r = np.split(_wide(i, f"weight_ih{ending}"), 4), np.split(_wide(i, f"weight_hh{ending}"), 4)
    size = len(w[0])
    b = np.split(_wide(i, f"bias{ending}", 4 * size), 4)
    p_i, p_f, p_o = np.split(_wide(i, f"peephole{ending}", 3 * size), 3)
    gate, cell, out = (_FUNCTIONS[a[f"{name}activation"]] for name in ("recurrent_", "cell_", ""))
    limit = np.inf if a["clip"] is None else a["clip"]

    def step(x, state):
        h, c = state
        z_i, z_f, z_o, z_z = (x @ w[k].T + h @ r[k].T + b[k] for k in range(4))
        c = np.clip(gate(z_f + p_f * c) * c + gate(z_i + p_i * c) * cell(z_z), -limit, limit)
        return gate(z_o + p_o * c) * out(c), c

    return _ran(i, {**a, "direction": direction}, step, (h, c))


def _lstm(i, a):
    h, c = _wide(i, "initial_h"), _wide(i, "initial_c")
    if a["direction"] != "bidirectional":
        outputs, (h, c) = _cell(i, a, "", a["direction"], h, c)
        return outputs, h, c
    (h, h_back), (c, c_back) = np.split(h, 2, axis=1), np.split(c, 2, axis=1)
    outputs, ahead = _cell(i, a, "", "forward", h, c)
    outputs_back, back = _cell(i, a, "_back", "reverse", h_back, c_back)
    both = [(outputs, outputs_back[::-1]), *zip(ahead, back, strict=True)]
    return tuple(np.concatenate(pair, axis=-1) for pair in both)


# Cases ---------------------------------------------------------------------------------------------------------------

_STEPS, _BATCH, _IN, _SIZE = 3, 2, 4, 3
_X, _H, _C = numbers(_STEPS, _BATCH, _IN), numbers(_BATCH, _SIZE, seed=1), numbers(_BATCH, _SIZE, seed=2)


def _weights(gates, *, seed=3, into=_IN, size=_SIZE):
    return {
        "weight_ih": numbers(gates * size, into, seed=seed),
        "weight_hh": numbers(gates * size, size, seed=seed + 1),
    }


def _bias(count, seed):
    return numbers(count * _SIZE, seed=seed)


def _draw(kind, gates, states=1, peephole=False):
    @st.composite
    def draw(draw):
        steps, batch, into, size = (draw(st.integers(1, 3)) for _ in range(4))
        directions = ["forward", "reverse", "bidirectional"] if kind == "lstm" else ["forward", "reverse"]
        direction = draw(st.sampled_from(directions))
        endings = ["", "_back"] if direction == "bidirectional" else [""]
        inputs = {"x": draw(arrays((steps, batch, into)))}
        for name in ["initial_h", "initial_c"][:states]:
            inputs[name] = draw(arrays((batch, len(endings) * size)))
        for ending in endings:
            inputs[f"weight_ih{ending}"] = draw(arrays((gates * size, into), low=-1, high=1))
            inputs[f"weight_hh{ending}"] = draw(arrays((gates * size, size), low=-1, high=1))
            if draw(st.booleans()):
                inputs[f"bias{ending}"] = draw(arrays((gates * size,), low=-1, high=1))
            if peephole and draw(st.booleans()):
                inputs[f"peephole{ending}"] = draw(arrays((3 * size,), low=-1, high=1))
        return Case(inputs, {"direction": direction, "output_sequence": draw(st.booleans())})

    return draw()


_ONE = np.float32([[[1]], [[2]]])  # two steps of one number
_ZERO = np.float32([[0]])

operation(
    "rnn",
    15,
    oracle=_rnn,
    base=Case({"x": _X, "initial_h": _H, **_weights(1)}),
    vary={
        "bias": [_bias(1, 5)],
        "direction": ["reverse"],
        "output_sequence": [
            True,
            Case(
                {"x": _X, "initial_h": _H, **_weights(1)},
                {"output_sequence": True, "direction": "reverse"},
            ),
        ],
        "activation": ["relu", "sigmoid", "sigmoid_hard", "linear"],
    },
    draw=_draw("rnn", 1),
    worked=[
        (
            Case(
                {"x": _ONE, "initial_h": np.float32([[10]]), "weight_ih": np.float32([[3]])}
                | {"weight_hh": np.float32([[2]]), "bias": np.float32([1])},
                {"activation": "linear", "output_sequence": True},
            ),
            ([[[24]], [[55]]], [[55]]),  # 3 + 20 + 1, then 6 + 48 + 1
        ),
        (
            Case(
                {"x": _ONE, "initial_h": _ZERO, "weight_ih": np.float32([[1]]), "weight_hh": np.float32([[10]])},
                {"activation": "linear", "output_sequence": True, "direction": "reverse"},
            ),
            ([[[2]], [[21]]], [[21]]),  # the last step is read first, and its output is the first
        ),
        (
            Case(
                {"x": _ONE, "initial_h": _ZERO, "weight_ih": np.float32([[1]]), "weight_hh": np.float32([[0]])},
                {"activation": "scaled_tanh"},
            ),
            ([[[np.tanh(2)]]], [[np.tanh(2)]]),
        ),
    ],
    refuse=[
        (Case({"x": _X[0], "initial_h": _H, **_weights(1)}), "steps, batch"),
        (Case({"x": _X, "initial_h": _H[0], **_weights(1)}), "initial_h"),
        (Case({"x": _X, "initial_h": _H, **_weights(2)}), "weight_ih"),
        (Case({"x": _X, "initial_h": _H, **_weights(1)}, {"direction": "bidirectional"}), "direction"),
        (Case({"x": _X, "initial_h": _H, **_weights(1)}, {"activation": "gelu"}), "gelu"),
    ],
)

_GRU = Case({"x": _X, "initial_h": _H, **_weights(3)})
_GRU_VARIES = {
    "bias": [_bias(3, 5)],
    "direction": ["reverse"],
    "output_sequence": [True],
    "recurrent_activation": ["tanh", "hard_sigmoid"],
    "activation": ["sigmoid", "linear"],
}
# one number: r = z = 1/2, so that o decides
_HALF = {
    "x": np.float32([[[1]]]),
    "initial_h": np.float32([[4]]),
    "weight_ih": np.float32([[0], [3], [0]]),
    "weight_hh": np.float32([[0], [5], [0]]),
    "bias": np.float32([0, 2, 0]),
}
_LINEAR = {"activation": "linear", "recurrent_activation": "sigmoid"}

operation(
    "gru",
    15,
    oracle=_gru,
    base=_GRU,
    vary=_GRU_VARIES,
    draw=_draw("gru", 3),
    worked=[(Case(_HALF, _LINEAR), ([[[9.5]]], [[9.5]]))],  # o = 3 + 5 * 2 + 2 = 15, h = (15 + 4) / 2
    refuse=[
        (Case({"x": _X, "initial_h": _H, **_weights(4)}), "3"),
        (Case({"x": _X, "initial_h": _H[:1], **_weights(3)}), "initial_h"),
        (_GRU.but(direction="bidirectional"), "direction"),
    ],
)

_WITH_BIAS = _GRU.but(bias=_bias(3, 5))
operation(
    "gru",
    18,
    oracle=_gru,
    base=_GRU,
    vary={
        **_GRU_VARIES,
        "input_bias": [_bias(3, 6), _WITH_BIAS.but(input_bias=_bias(3, 6))],
        "reset_after": [
            True,
            _WITH_BIAS.but(reset_after=True),
            _WITH_BIAS.but(reset_after=True, input_bias=_bias(3, 6), output_sequence=True),
            _GRU.but(reset_after=True, input_bias=_bias(3, 6), direction="reverse"),
        ],
    },
    draw=_draw("gru", 3),
    worked=[
        (Case(_HALF, _LINEAR), ([[[9.5]]], [[9.5]])),
        # o = 3 + 7 + 1/2 * (5 * 4 + 2) = 21
        (
            Case({**_HALF, "input_bias": np.float32([0, 7, 0])}, {**_LINEAR, "reset_after": True}),
            ([[[12.5]]], [[12.5]]),
        ),
    ],
)

_LSTM = Case({"x": _X, "initial_h": _H, "initial_c": _C, **_weights(4)})
_BOTH = _LSTM.but(
    initial_h=numbers(_BATCH, 2 * _SIZE, seed=1),
    initial_c=numbers(_BATCH, 2 * _SIZE, seed=2),
    **{f"{name}_back": weight for name, weight in _weights(4, seed=8).items()},
    direction="bidirectional",
)
_CELL = {
    "x": np.float32([[[1]]]),
    "initial_h": np.float32([[0]]),
    "initial_c": np.float32([[3]]),
    "weight_ih": np.float32([[0], [0], [0], [8]]),
    "weight_hh": np.float32([[0], [0], [0], [0]]),
}
_LINES = {"cell_activation": "linear", "activation": "linear", "recurrent_activation": "hard_sigmoid"}

operation(
    "lstm",
    15,
    oracle=_lstm,
    base=_LSTM,
    vary={
        "bias": [_bias(4, 5)],
        "peephole": [_bias(3, 6)],
        "direction": ["reverse", _BOTH, _BOTH.but(output_sequence=True)],
        "weight_ih_back": [_BOTH],
        "weight_hh_back": [_BOTH],
        "bias_back": [_BOTH.but(bias_back=_bias(4, 7))],
        "peephole_back": [_BOTH.but(peephole_back=_bias(3, 7), bias=_bias(4, 5))],
        "output_sequence": [True, _LSTM.but(output_sequence=True, direction="reverse")],
        "recurrent_activation": ["tanh"],
        "cell_activation": ["linear"],
        "activation": ["relu", "hard_sigmoid", "linear"],
        "clip": [0.25],
    },
    draw=_draw("lstm", 4, states=2, peephole=True),
    worked=[
        (Case(_CELL, _LINES), ([[[2.75]]], [[2.75]], [[5.5]])),  # all gates 1/2: c = 3 / 2 + 8 / 2, h = c / 2
        (Case(_CELL, {**_LINES, "clip": 2.0}), ([[[1]]], [[1]], [[2]])),
        # the output gate sees the new cell: 0.2 * 5.5 * 0.1 + 0.5 = 0.61; the forget gate 0.2 * 3 * 0.5 + 0.5 = 0.8
        (
            Case({**_CELL, "peephole": np.float32([0, 0, 0.1])}, _LINES),
            ([[[3.355]]], [[3.355]], [[5.5]]),
        ),
        (
            Case({**_CELL, "peephole": np.float32([0, 0.5, 0])}, _LINES),
            ([[[3.2]]], [[3.2]], [[6.4]]),
        ),
    ],
    refuse=[
        (_LSTM.but(direction="sideways"), "sideways"),
        (_LSTM.but(direction="bidirectional"), "weight_ih_back"),
        (_BOTH.but(initial_h=_H), "initial_h"),
        (Case({"x": _X, "initial_h": _H, "initial_c": _C, **_weights(3)}), "4 * 3"),
        (_LSTM.but(x=_X[..., :2]), "steps, batch, 4"),
    ],
)
