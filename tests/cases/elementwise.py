"""Functions of single numbers. The oracle takes Python's own functions, one number at a time."""

import math

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes


def _each(function):
    def oracle(inputs, f):
        return np.vectorize(lambda x: function(float(x), **f), otypes=[np.float64])(inputs[0])

    return oracle


@st.composite
def _draw(draw, low, high, fields=None, special=()):
    x = draw(arrays(draw(shapes()), low, high)).copy()
    if special:
        x.flat[0] = draw(st.sampled_from(special))
    return Case((x,), {} if fields is None else draw(fields))


def _worked(given, wanted, **fields):
    return (Case((np.float32(given),), fields), [wanted])


# kind: function, range of arguments, numbers worked by hand
_PLAIN = {
    "exp2": (lambda x: 2.0**x, (-5, 5), [_worked([-1, 0, 3], [0.5, 1, 8])]),
    "sin": (math.sin, (-4, 4), [_worked([0, math.pi / 2, math.pi / 6], [0, 1, 0.5])]),
    "cos": (math.cos, (-4, 4), [_worked([0, math.pi, math.pi / 3], [1, -1, 0.5])]),
    "tan": (math.tan, (-1.4, 1.4), [_worked([0, math.pi / 4], [0, 1])]),
    "asin": (math.asin, (-0.95, 0.95), [_worked([-1, 0.5, 1.5], [-math.pi / 2, math.pi / 6, np.nan])]),
    "acos": (math.acos, (-0.95, 0.95), [_worked([-1, 0.5, 1.5], [math.pi, math.pi / 3, np.nan])]),
    "atan": (math.atan, (-5, 5), [_worked([0, 1, -np.inf], [0, math.pi / 4, -math.pi / 2])]),
    "sinh": (math.sinh, (-4, 4), [_worked([0, math.log(2)], [0, 0.75])]),
    "cosh": (math.cosh, (-4, 4), [_worked([0, math.log(2)], [1, 1.25])]),
    "tanh": (math.tanh, (-4, 4), [_worked([0, math.log(2), 50], [0, 0.6, 1])]),
    "asinh": (math.asinh, (-5, 5), [_worked([0, 0.75], [0, math.log(2)])]),
    "acosh": (math.acosh, (1.05, 6), [_worked([1, 1.25, 0.5], [0, math.log(2), np.nan])]),
    "atanh": (math.atanh, (-0.95, 0.95), [_worked([0.6, 1, -1, 2], [math.log(2), np.inf, -np.inf, np.nan])]),
    "erf": (math.erf, (-3, 3), [_worked([0, 0.5, -9], [0, 0.5204999, -1])]),
}
for _kind, (_function, _range, _examples) in _PLAIN.items():
    kind(
        _kind,
        oracle=_each(_function),
        base=Case((numbers(2, 3, 4, low=_range[0], high=_range[1]),)),
        vary={},
        draw=_draw(*_range),
        worked=_examples,
    )

_TIES = (-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.0)
_STEPS = {
    "ceil": (math.ceil, _worked([-1.5, -0.2, 0, 1.2, 3], [-1, 0, 0, 2, 3])),
    "floor": (math.floor, _worked([-1.5, -0.2, 0, 1.2, 3], [-2, -1, 0, 1, 3])),
    "round": (round, _worked([-1.5, -0.5, 0.5, 1.2, 2.5, 3.5], [-2, 0, 0, 1, 2, 4])),
    "sign": (lambda x: (x > 0) - (x < 0), _worked([-0.2, 0, 7], [-1, 0, 1])),
}
for _kind, (_function, _example) in _STEPS.items():
    kind(
        _kind,
        oracle=_each(_function),
        base=Case((numbers(2, 3, 4, low=-5, high=5),)),
        vary={},
        draw=_draw(-5, 5, special=_TIES),
        worked=[_example],
    )

_BOUNDS = st.sampled_from([(-1.0, 0.5), (0.0, 0.0), (0.25, 1.0), (-1.0, -0.5), (0.0, 6.0)])
kind(
    "clip",
    oracle=_each(lambda x, min_val, max_val: sorted((min_val, x, max_val))[1]),
    base=Case((numbers(2, 3, 4),), {"min_val": -0.7, "max_val": 1.2}),
    vary={"min_val": [0.0, -1.5], "max_val": [0.0, 1.5]},
    draw=_draw(-2, 2, _BOUNDS.map(lambda b: {"min_val": b[0], "max_val": b[1]})),
    worked=[_worked([-3, 0, 5], [-1, 0, 2], min_val=-1, max_val=2)],
)


def _gelu(x, mode):
    if mode == "TANH_APPROXIMATION":
        return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    if mode == "SIGMOID_APPROXIMATION":
        return x / (1 + math.exp(-1.702 * x))
    return x * math.erfc(-x / math.sqrt(2)) / 2


_MODES = ["EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION"]
kind(
    "gelu",
    oracle=_each(_gelu),
    base=Case((numbers(2, 3, 4, low=-4, high=4),), {"mode": "EXACT"}),
    vary={"mode": _MODES[1:]},
    draw=_draw(-6, 6, st.sampled_from(_MODES).map(lambda mode: {"mode": mode})),
    worked=[
        _worked([0, 1, -1], [0, 0.8413447, -0.1586553], mode="EXACT"),
        _worked([0, 1], [0, 0.8411920], mode="TANH_APPROXIMATION"),
        _worked([0, 1], [0, 0.8457958], mode="SIGMOID_APPROXIMATION"),
    ],
)

kind(
    "clampedReLU",
    oracle=_each(lambda x, alpha, beta: min(beta, x if x >= 0 else alpha * x)),
    base=Case((numbers(2, 3, 4, low=-4, high=4),), {"alpha": 0.3, "beta": 2.0}),
    vary={"alpha": [0.0, -0.9], "beta": [0.0, 5.0, -0.5]},
    draw=_draw(
        -4,
        4,
        st.sampled_from([(0.0, 0.0), (0.5, 1.0), (-1.0, 2.0), (0.1, -0.2)]).map(
            lambda values: {"alpha": values[0], "beta": values[1]}
        ),
        special=(0.0,),
    ),
    worked=[_worked([-3, 2, 9], [-0.3, 2, 6], alpha=0.1, beta=6)],
)
