"""Activations: functions of each element, and softmax."""

import math

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, operations, shapes

_X = numbers(2, 3, 4)

# Functions of each element -------------------------------------------------------------------------------------------


def _each(function):
    """The oracle that calls a function for each number and the attributes."""
    return lambda i, a: np.reshape([float(function(float(v), a)) for v in i["x"].reshape(-1)], i["x"].shape)


def _row(function, worked, vary=None, **attributes):
    """Facts of an activation. worked: [(x, y)] for these attributes."""
    return {
        "oracle": _each(function),
        "base": Case({"x": numbers(2, 3, 4, low=-4, high=4)}, attributes),
        "vary": vary or {},
        "draw": shapes(0)
        .flatmap(lambda shape: arrays(shape, low=-9, high=9))
        .map(lambda x: Case({"x": x}, attributes)),
        "worked": [(Case({"x": np.float32(x)}, attributes), y) for x, y in worked],
    }


def _sigmoid(v):
    return 1 / (1 + math.exp(-v)) if v > -700 else 0.0


def _softplus(v):
    return max(v, 0) + math.log1p(math.exp(-abs(v)))


_GELU = {
    "EXACT": lambda v: v * (1 + math.erf(v / math.sqrt(2))) / 2,
    "TANH_APPROXIMATION": lambda v: v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) / 2,
    "SIGMOID_APPROXIMATION": lambda v: v * _sigmoid(1.702 * v),
}
_HALF = math.log(3)  # its sigmoid is 3/4, and its hyperbolic tangent 4/5

operations(
    {
        "relu": _row(lambda v, a: max(v, 0), [([-2, 0, 3], [0, 0, 3])]),
        "relu6": _row(lambda v, a: min(max(v, 0), 6), [([-2, 3, 8], [0, 3, 6])]),
        "sigmoid": _row(lambda v, a: _sigmoid(v), [([0, _HALF, 1000, -1000], [0.5, 0.75, 1, 0])]),
        "silu": _row(lambda v, a: v * _sigmoid(v), [([0, _HALF, 1000, -1000], [0, 0.75 * _HALF, 1000, 0])]),
        "softplus": _row(lambda v, a: _softplus(v), [([0, 1000, -1000], [math.log(2), 1000, 0])]),
        "softsign": _row(lambda v, a: v / (1 + abs(v)), [([-3, 0, 1], [-0.75, 0, 0.5])]),
        "clamped_relu": _row(
            lambda v, a: min(a["beta"], v if v >= 0 else a["alpha"] * v),
            [([-2, 0.5, 3], [-0.5, 0.5, 2])],
            {"alpha": [0.5, -1.5], "beta": [1.0]},
            alpha=0.25,
            beta=2.0,
        ),
        "elu": _row(
            lambda v, a: v if v >= 0 else a["alpha"] * math.expm1(v),
            [([-_HALF, 0, 3], [-1, 0, 3])],
            {"alpha": [0.5]},
            alpha=1.5,
        ),
        "gelu": _row(
            lambda v, a: _GELU[a["mode"]](v),
            [([0, 1, -1], [0, 0.84134475, -0.15865525])],
            {"mode": ["TANH_APPROXIMATION", "SIGMOID_APPROXIMATION"]},
        )
        | {"refuse": [(Case({"x": _X}, {"mode": "TANH"}), "mode is 'TANH'; it must be one of EXACT")]},
        "leaky_relu": _row(
            lambda v, a: v if v >= 0 else a["alpha"] * v, [([-4, 0, 3], [-1, 0, 3])], {"alpha": [0.5]}, alpha=0.25
        ),
        "linear_activation": _row(
            lambda v, a: a["alpha"] * v + a["beta"],
            [([-4, 0, 3], [-7, 1, 7])],
            {"alpha": [0.5], "beta": [-1.0]},
            alpha=2.0,
            beta=1.0,
        ),
        "scaled_tanh": _row(
            lambda v, a: a["alpha"] * math.tanh(a["beta"] * v),
            [([2 * _HALF, 0, -1000], [1.6, 0, -2])],
            {"alpha": [0.5], "beta": [1.5]},
            alpha=2.0,
            beta=0.5,
        ),
        "sigmoid_hard": _row(
            lambda v, a: min(max(a["alpha"] * v + a["beta"], 0), 1),
            [([-4, 0, 1, 4], [0, 0.5, 0.75, 1])],
            {"alpha": [0.5], "beta": [0.25]},
            alpha=0.25,
            beta=0.5,
        ),
        "thresholded_relu": _row(
            lambda v, a: v if v >= a["alpha"] else 0, [([0.25, 0.5, 3], [0, 0.5, 3])], {"alpha": [-3.0]}, alpha=0.5
        ),
    },
    15,
)

# With numbers for each channel ---------------------------------------------------------------------------------------


def _by_channel(function, names):
    def oracle(i, a):
        x = np.asarray(i["x"], np.float64)
        y = np.empty_like(x)
        for place in np.ndindex(x.shape):
            y[place] = function(x[place], *(float(i[name][place[1]]) for name in names))
        return y

    return oracle


def _draw_channels(*names):
    inputs = {name: arrays((3,), low=0.2) for name in names}
    return st.builds(
        lambda **given: Case(given),
        x=st.sampled_from([(1, 3, 2, 2), (2, 3, 1, 3)]).flatmap(arrays),
        **inputs,
    )


_IMAGES, _ALPHA, _BETA = numbers(2, 3, 4, 2), np.float32([0.1, -0.5, 0.25]), np.float32([1, 2, -3])
_WRONG = [
    (Case({"x": _IMAGES, "alpha": _ALPHA[:1], "beta": _BETA}), "x has 3 channels, alpha has shape [1]"),
    (Case({"x": _IMAGES[0, 0], "alpha": _ALPHA, "beta": _BETA}), "x has rank 2; it must be 3, 4 or 5"),
]
_RANKS = [Case({"x": numbers(2, 3, 4), "alpha": _ALPHA}), Case({"x": numbers(1, 3, 2, 2, 2), "alpha": _ALPHA})]

operation(
    "prelu",
    15,
    oracle=_by_channel(lambda v, alpha: v if v >= 0 else alpha * v, ["alpha"]),
    base=Case({"x": _IMAGES, "alpha": _ALPHA}),
    vary={"alpha": [_BETA], "ranks": _RANKS},
    draw=_draw_channels("alpha"),
    worked=[(Case({"x": np.float32([[[[-4]], [[-2]]]]), "alpha": np.float32([0.5, 3])}), [[[[-2]], [[-6]]]])],
    refuse=[(case.but(beta=None), words) for case, words in _WRONG],
)

operation(
    "softplus_parametric",
    15,
    oracle=_by_channel(lambda v, alpha, beta: alpha * _softplus(beta * v), ["alpha", "beta"]),
    base=Case({"x": _IMAGES, "alpha": _ALPHA, "beta": _BETA}),
    vary={"alpha": [_BETA], "beta": [_ALPHA], "ranks": [case.but(beta=_BETA) for case in _RANKS]},
    draw=_draw_channels("alpha", "beta"),
    worked=[
        (
            Case({"x": np.float32([[[0], [20]]]), "alpha": np.float32([2, 3]), "beta": np.float32([1, 2])}),
            [[[2 * math.log(2)], [120]]],
        )
    ],
    refuse=_WRONG,
)

# Probabilities -------------------------------------------------------------------------------------------------------


def _softmax(i, a):
    x = np.moveaxis(np.asarray(i["x"], np.float64), a["axis"], -1)
    y = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        powers = np.array([np.exp(v - max(x[place])) for v in x[place]])
        y[place] = powers / powers.sum()
    return np.moveaxis(y, -1, a["axis"])


@st.composite
def _draw_softmax(draw):
    x = draw(arrays(draw(shapes()), low=-9, high=9))
    return Case({"x": x}, {"axis": draw(st.integers(-x.ndim, x.ndim - 1))})


operation(
    "softmax",
    15,
    oracle=_softmax,
    base=Case({"x": _X}),
    vary={"axis": [0, 1, -3]},
    draw=_draw_softmax(),
    worked=[
        (Case({"x": np.float32([[0, np.log(3)], [5, 5]])}), [[0.25, 0.75], [0.5, 0.5]]),
        (Case({"x": np.float32([[0, np.log(3)], [0, np.log(3)]])}, {"axis": 0}), [[0.5, 0.5], [0.5, 0.5]]),
        (Case({"x": np.float32([1000, 1000, -1000])}), [0.5, 0.5, 0]),  # no overflow
    ],
    refuse=[
        (Case({"x": _X}, {"axis": 3}), "axis 3 is out of range for rank 3"),
        (Case({"x": np.float32(1)}), "axis -1"),
    ],
)
