"""Arithmetic between two arrays, answered number by number in Python's own arithmetic."""

import math

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operations

_INF, _NAN = math.inf, math.nan
_X, _Y = numbers(2, 3, 4, 2), numbers(3, 1, 2, low=0.3, high=1.9, seed=1)
_CHANNELS, _IMAGES = numbers(3, 1, 1, low=0.4, seed=2), numbers(2, 1, 3, 4, 1, low=0.4, seed=3)


def _pairs(function):
    """The oracle that calls a function for each pair of numbers, in the type of the inputs."""

    def oracle(i, a):
        x, y = np.broadcast_arrays(i["x"], i["y"])
        values = [function(v.item(), w.item()) for v, w in zip(x.reshape(-1), y.reshape(-1), strict=True)]
        whole = i["x"].dtype.kind == "i"
        return np.reshape(values, x.shape).astype(np.int32 if whole else np.float64)

    return oracle


@st.composite
def _draw(draw, low=-2.0):
    shapes = [((3,), ()), ((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3, 4, 2), (3, 1, 1)), ((4, 2), (2, 3, 4, 2)), ((), ())]
    x, y = draw(st.sampled_from(shapes))
    return Case({"x": draw(arrays(x, low=low)), "y": draw(arrays(y, low=0.3))})


def _quotient(v, w):
    """Rounded as the type says: integers lose their fraction, and are 0 where the divisor is."""
    if isinstance(v, int):
        return int(v / w) if w else 0
    return v / w if w else v * _INF


def _floor(v, w):
    if not w:
        return 0 if isinstance(v, int) else v * _INF
    if math.isinf(v):
        return _INF if (v > 0) == (w > 0) else -_INF
    return v // w


def _rest(v, w):
    return v % w if w else 0 if isinstance(v, int) else _NAN


def _power(v, w):
    if isinstance(v, int):
        return int(v**w) if v or w >= 0 else 0
    try:
        found = v**w
    except (OverflowError, ZeroDivisionError):
        return _INF
    return _NAN if isinstance(found, complex) else found


def _larger(v, w):
    return _NAN if v != v or w != w else v if v > w else w


def _smaller(v, w):
    return _NAN if v != v or w != w else v if v < w else w


def _worked(x, y, wanted):
    return Case({"x": np.float32(x), "y": np.float32(y)}), wanted


def _whole(x, y, wanted):
    return Case({"x": np.int32(x), "y": np.int32(y)}), np.int32(wanted)


operations(
    {
        "add": {"oracle": _pairs(lambda v, w: v + w), "worked": [_worked([1, 2], [[3], [4]], [[4, 5], [5, 6]])]},
        "sub": {"oracle": _pairs(lambda v, w: v - w), "worked": [_worked([1, 2], [[3], [4]], [[-2, -1], [-3, -2]])]},
        "mul": {"oracle": _pairs(lambda v, w: v * w), "worked": [_worked([1, 2], [[3], [4]], [[3, 6], [4, 8]])]},
        "maximum": {
            "oracle": _pairs(_larger),
            "worked": [_worked([1, 5, _NAN, 0], [3, 2, 0, _NAN], [3, 5, _NAN, _NAN])],
        },
        "minimum": {
            "oracle": _pairs(_smaller),
            "worked": [_worked([1, 5, _NAN, 0], [3, 2, 0, _NAN], [1, 2, _NAN, _NAN])],
        },
        "real_div": {
            "oracle": _pairs(_quotient),
            "worked": [
                _worked([7, -7, 1, -1, 0], [2, 2, 0, 0, 0], [3.5, -3.5, _INF, -_INF, _NAN]),
                _whole([7, -7, 7, -6, 9], [2, 2, -2, 3, 3], [3, -3, -3, -2, 3]),
            ],
        },
        "floor_div": {
            "oracle": _pairs(_floor),
            "worked": [
                _worked([7, -7, 7.5, 1, -1, 0], [2, 2, -2, 0, 0, 0], [3, -4, -4, _INF, -_INF, _NAN]),
                # the float 0.1 is larger than a tenth; the others are multiples
                _worked([5.5, 6, 1], [0.1, 0.75, 0.125], [54, 8, 8]),
                _whole([7, -7, 7, -6, 5], [2, 2, -2, 3, 0], [3, -4, -4, -2, 0]),
            ],
        },
        "mod": {
            "oracle": _pairs(_rest),
            "worked": [
                _worked([7.5, -7.5, 7.5, 5], [2, 2, -2, 0], [1.5, 0.5, -0.5, _NAN]),
                _whole([7, -7, 7, 6], [3, 3, -3, 3], [1, 2, -2, 0]),
            ],
        },
    },
    15,
    base=Case({"x": _X, "y": _Y}),
    # channels of images and images of more axes, which a layout may transpose
    vary={
        "shapes": [
            Case({"x": _X, "y": _CHANNELS}),
            Case({"x": _X, "y": _IMAGES}),
            Case({"x": numbers(2, seed=4), "y": _X}),
        ]
    },
    draw=_draw(),
)

_POSITIVE = numbers(2, 3, 4, 2, low=0.2)

operations(
    {
        "pow": {
            "oracle": _pairs(_power),
            "worked": [
                _worked([2, -8, 0, 4, -2], [3, 1 / 3, 0, -0.5, 3], [8, _NAN, 1, 0.5, -8]),
                _worked([0, 3], 2, [0, 9]),
                _whole([2, 3, -2, 5, 0], [3, 2, 3, 0, 0], [8, 9, -8, 1, 1]),
            ],
        }
    },
    15,
    base=Case({"x": _POSITIVE, "y": _Y}),
    vary={
        "shapes": [Case({"x": _POSITIVE, "y": _CHANNELS}), Case({"x": _POSITIVE, "y": _IMAGES})],
        "fractions": [Case({"x": np.int32([2, -1, -1, 1, 0]), "y": np.int32([-1, -2, -3, -9, -1])})],
    },
    smooth={"fractions": "integers have no gradient"},
    draw=_draw(low=0.2),
)
