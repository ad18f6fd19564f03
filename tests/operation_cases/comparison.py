"""Comparison, logic and choice, answered number by number."""

import math

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, operations

_NAN = math.nan
_X, _Y = np.rint(numbers(2, 3, 4, 2)), np.rint(numbers(3, 1, 2, seed=1))  # many are equal
_SHAPES = [((3,), ()), ((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3, 4, 2), (3, 1, 1)), ((4, 2), (2, 3, 4, 2)), ((), ())]


def _pairs(function):
    def oracle(i, a):
        x, y = np.broadcast_arrays(i["x"], i["y"])
        pairs = zip(x.reshape(-1).tolist(), y.reshape(-1).tolist(), strict=True)
        return np.reshape([function(v, w) for v, w in pairs], x.shape).astype(np.bool_)

    return oracle


@st.composite
def _draw(draw):
    x, y = draw(st.sampled_from(_SHAPES))
    return Case({"x": np.rint(draw(arrays(x))), "y": np.rint(draw(arrays(y)))})


def _row(function, answers):
    """Facts of a comparison. answers: whether it holds for a smaller, an equal and a larger number, and for NaN."""
    x, y = [1, 2, 3, _NAN], [2, 2, 2, 2]
    worked = [(Case({"x": np.float32(x), "y": np.float32(y)}), answers)]
    worked.append((Case({"x": np.int32(x[:3]), "y": np.int32(2)}), answers[:3]))
    return {"oracle": _pairs(function), "worked": worked}


operations(
    {
        "equal": _row(lambda v, w: v == w, [False, True, False, False]),
        "not_equal": _row(lambda v, w: v != w, [True, False, True, True]),
        "less": _row(lambda v, w: v < w, [True, False, False, False]),
        "less_equal": _row(lambda v, w: v <= w, [True, True, False, False]),
        "greater": _row(lambda v, w: v > w, [False, False, True, False]),
        "greater_equal": _row(lambda v, w: v >= w, [False, True, True, False]),
    },
    15,
    base=Case({"x": _X, "y": _Y}),
    vary={"shapes": [Case({"x": _X, "y": _X[0, :, :1, :1]}), Case({"x": _X[0, 0, 0], "y": _X})]},
    draw=_draw(),
)

_BOTH = Case({"x": np.array([[False], [True]]), "y": np.array([False, True])})

operations(
    {
        "logical_and": {"oracle": _pairs(lambda v, w: v and w), "worked": [(_BOTH, [[False, False], [False, True]])]},
        "logical_or": {"oracle": _pairs(lambda v, w: v or w), "worked": [(_BOTH, [[False, True], [True, True]])]},
        "logical_xor": {"oracle": _pairs(lambda v, w: v is not w), "worked": [(_BOTH, [[False, True], [True, False]])]},
    },
    15,
    base=Case({"x": _X > 0, "y": _Y > 0}),
    vary={"shapes": [Case({"x": _X > 0, "y": _X[0, :, :1, :1] > 0})]},
    draw=_draw().map(lambda case: Case({name: value > 0 for name, value in case.inputs.items()})),
)


def _select(i, a):
    cond, one, other = np.broadcast_arrays(i["cond"], i["a"], i["b"])
    triples = zip(cond.reshape(-1), one.reshape(-1), other.reshape(-1), strict=True)
    return np.reshape([v if c else w for c, v, w in triples], cond.shape).astype(i["a"].dtype)


@st.composite
def _draw_select(draw):
    shapes = [((3,), (), (3,)), ((2, 3), (3,), (2, 1)), ((), (2,), (2,)), ((3, 1, 1), (2, 3, 4, 2), ())]
    cond, one, other = (draw(arrays(shape)) for shape in draw(st.sampled_from(shapes)))
    return Case({"cond": cond > 0, "a": one, "b": other})


_COND, _A, _B = numbers(3, 1, 1) > 0, numbers(2, 3, 4, 2), numbers(4, 2, seed=1)

operation(
    "select",
    15,
    oracle=_select,
    base=Case({"cond": _COND, "a": _A, "b": _B}),
    vary={"cond": [~_COND, _A > 0], "a": [_A + 1], "b": [_A[:1] + 1]},
    draw=_draw_select(),
    worked=[
        (
            Case({"cond": np.array([[True], [False]]), "a": np.float32([1, 2]), "b": np.float32([[3, 4], [5, 6]])}),
            [[1, 2], [5, 6]],
        ),
        # what is not chosen does not count
        (Case({"cond": np.array([True, False]), "a": np.float32([1, _NAN]), "b": np.float32([_NAN, 4])}), [1, 4]),
        (Case({"cond": np.array([True, False]), "a": np.int32([1, 2]), "b": np.int32(5)}), np.int32([1, 5])),
    ],
)
