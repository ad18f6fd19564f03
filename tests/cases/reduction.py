"""Reductions, the dot product, and positions of extremes."""

import functools
import itertools
import math

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes

# One list of float64 numbers -> one number.
_FUNCTIONS = {
    "SUM": math.fsum,
    "AVG": lambda v: math.fsum(v) / len(v),
    "PROD": lambda v: functools.reduce(lambda a, b: a * b, v, 1.0),
    "SUMSQUARE": lambda v: math.fsum(a * a for a in v),
    "L1": lambda v: math.fsum(abs(a) for a in v),
    "L2": lambda v: math.sqrt(math.fsum(a * a for a in v)),
    "MAX": max,
    "MIN": min,
    "LOGSUM": lambda v: math.log(math.fsum(v)) if math.fsum(v) > 0 else math.nan,
    "LOGSUMEXP": lambda v: max(v) + math.log(math.fsum(math.exp(a - max(v)) for a in v)),
    "ARGMAX": lambda v: v.index(max(v)),
    "ARGMIN": lambda v: v.index(min(v)),
}


def _along(x, axes, function):
    """`function` of all numbers that differ in `axes` only; these axes stay, with size 1."""
    x = np.asarray(x, np.float64)
    axes = {axis % x.ndim for axis in axes}
    y = np.empty([1 if i in axes else n for i, n in enumerate(x.shape)])
    for place in np.ndindex(y.shape):
        ranges = [range(n) if i in axes else [place[i]] for i, n in enumerate(x.shape)]
        y[place] = function([float(x[at]) for at in itertools.product(*ranges)])
    return y


def _reduce(inputs, f):
    axes = {"CHW": (-3, -2, -1), "HW": (-2, -1), "C": (-3,), "H": (-2,), "W": (-1,)}[f.get("axis", "CHW")]
    mode = f.get("mode", "SUM")
    if mode == "LOGSUM":  # the sum of logarithms, unlike reduceLogSum
        shifted = np.asarray(inputs[0], np.float64) + (f.get("epsilon") or 1e-6)
        with np.errstate(all="ignore"):
            return _along(np.log(shifted), axes, math.fsum)
    return _along(inputs[0], axes, _FUNCTIONS[mode])


_MODES = ["SUM", "AVG", "PROD", "LOGSUM", "SUMSQUARE", "L1", "L2", "MAX", "MIN", "ARGMAX"]
_X = numbers(2, 3, 2, 4, low=0.3, high=2.0)


@st.composite
def _draw_reduce(draw):
    mode = draw(st.sampled_from(_MODES))
    axis = draw(st.sampled_from(["C", "H", "W"] if mode == "ARGMAX" else ["CHW", "HW", "C", "H", "W"]))
    x = draw(shapes(min_rank={"CHW": 3, "C": 3, "HW": 2, "H": 2, "W": 1}[axis]).flatmap(arrays))
    if mode == "LOGSUM":
        x = np.abs(x) + np.float32(0.1)
    elif draw(st.booleans()):
        x = np.round(x)  # ties and zeros
    return Case((x,), {"mode": mode, "axis": axis, "epsilon": draw(st.sampled_from([0.0, 1e-3, 2.0]))})


_PAIR = np.float32([[[1, -2], [3, 4]]])

kind(
    "reduce",
    oracle=_reduce,
    base=Case((_X,), {"mode": "LOGSUM", "epsilon": 0.5, "axis": "HW"}),
    vary={
        "mode": [
            *[m for m in _MODES if m not in ("LOGSUM", "ARGMAX")],
            *[Case((_X,), {"mode": "ARGMAX", "axis": axis}) for axis in "CHW"],
        ],
        "epsilon": [0.0, 2.0],
        "axis": ["CHW", "C", "H", "W", Case((_X[0, 0],), {"mode": "AVG", "axis": "HW"})],
    },
    draw=_draw_reduce(),
    worked=[
        (Case((_PAIR,), {"mode": "SUM", "axis": "CHW"}), [[[[6]]]]),
        (Case((_PAIR,), {"mode": "AVG", "axis": "HW"}), [[[[1.5]]]]),
        (Case((_PAIR,), {"mode": "PROD", "axis": "W"}), [[[[-2], [12]]]]),
        (Case((np.float32([[[0, 3]]]),), {"mode": "LOGSUM", "axis": "W", "epsilon": 1.0}), [[[[math.log(4)]]]]),
        (Case((_PAIR,), {"mode": "SUMSQUARE", "axis": "H"}), [[[[10, 20]]]]),
        (Case((_PAIR,), {"mode": "L1", "axis": "H"}), [[[[4, 6]]]]),
        (Case((_PAIR,), {"mode": "L2", "axis": "W"}), [[[[math.sqrt(5)], [5]]]]),
        (Case((np.zeros((1, 2, 2), np.float32),), {"mode": "L2", "axis": "CHW"}), [[[[0]]]]),
        (Case((_PAIR,), {"mode": "MAX", "axis": "H"}), [[[[3, 4]]]]),
        (Case((_PAIR,), {"mode": "MIN", "axis": "C"}), [_PAIR]),
        (Case((_PAIR,), {"mode": "ARGMAX", "axis": "W"}), [[[[0], [1]]]]),
        (Case((np.float32([2, 7, 7]),), {"mode": "ARGMAX", "axis": "W"}), [[1]]),
    ],
    refuse=[
        (Case((_X,), {"mode": "ARGMAX", "axis": "HW"}), "not HW"),
        (Case((numbers(2, 3),), {"axis": "CHW"}), "rank 2"),
        (Case((numbers(3),), {"axis": "H"}), "rank 1"),
    ],
)


def _dot(inputs, f):
    a, b = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in inputs))
    y = np.zeros((*a.shape[:-3], 1, 1, 1))
    for place in np.ndindex(a.shape[:-3]):
        p, q = a[place][:, 0, 0], b[place][:, 0, 0]
        y[place] = math.fsum(p * q)
        if f.get("cosine_similarity"):
            lengths = math.sqrt(math.fsum(p * p)) * math.sqrt(math.fsum(q * q))
            y[place] = y[place] / lengths if lengths else 0.0
    return y


_VECTORS = (numbers(2, 4, 1, 1), numbers(2, 4, 1, 1, seed=1))


@st.composite
def _draw_dot(draw):
    first, second = draw(
        st.sampled_from(
            [
                ((4, 1, 1), (4, 1, 1)),
                ((2, 3, 1, 1), (2, 3, 1, 1)),
                ((3, 1, 2, 1, 1), (1, 1, 2, 1, 1)),
                ((1, 1, 1), (1, 1, 1)),
            ]
        )
    )
    x = draw(arrays(first)) * np.float32(draw(st.sampled_from([0.0, 1.0])))
    return Case((x, draw(arrays(second))), {"cosine_similarity": draw(st.booleans())})


kind(
    "dot",
    oracle=_dot,
    base=Case(_VECTORS),
    vary={"cosine_similarity": [True]},
    draw=_draw_dot(),
    worked=[
        (Case((np.float32([1, 2]).reshape(2, 1, 1), np.float32([3, 4]).reshape(2, 1, 1))), [[[[11]]]]),
        (
            Case(
                (np.float32([1, 1]).reshape(2, 1, 1), np.float32([0, 5]).reshape(2, 1, 1)), {"cosine_similarity": True}
            ),
            [[[[math.sqrt(0.5)]]]],
        ),
        (
            Case((np.zeros((2, 1, 1), np.float32), np.ones((2, 1, 1), np.float32)), {"cosine_similarity": True}),
            [[[[0]]]],
        ),
    ],
    refuse=[
        (Case((numbers(2, 1, 1), numbers(3, 1, 1))), "equal C"),
        (Case((numbers(2, 2, 1), numbers(2, 2, 1))), "[..., C, 1, 1]"),
        (Case((numbers(2, 2, 1, 1), numbers(2, 1, 1))), "equal ranks"),
        (Case((numbers(2), numbers(2))), "rank 1"),
    ],
)


def _squeezed(y, axes, keep: bool):
    if not keep:
        y = y.reshape([n for i, n in enumerate(y.shape) if i not in {a % y.ndim for a in axes}])
    return y.reshape(y.shape or (1,))  # a blob has at least one axis


def _reduce_nd(function, inputs, f):
    x = np.asarray(inputs[0])
    axes = f.get("axes") or range(x.ndim)
    axes = range(x.ndim) if f.get("reduce_all") else axes
    return _squeezed(_along(x, axes, function), axes, f.get("keep_dims", False))


@st.composite
def _draw_reduce_nd(draw, positive: bool):
    x = draw(shapes().flatmap(arrays))
    x = np.abs(x) + np.float32(0.1) if positive else np.round(x) if draw(st.booleans()) else x
    axes = draw(st.lists(st.integers(0, x.ndim - 1), unique=True, max_size=x.ndim))
    fields = {
        "axes": tuple(axis - x.ndim * draw(st.booleans()) for axis in axes),
        "keep_dims": draw(st.booleans()),
        "reduce_all": draw(st.booleans()),
    }
    return Case((x,), fields)


_TWO = np.float32([[1, 2], [3, 4]])

for _name, _function, _rows in (
    ("reduceL1", "L1", [3, 7]),
    ("reduceL2", "L2", [math.sqrt(5), 5]),
    ("reduceMax", "MAX", [2, 4]),
    ("reduceMin", "MIN", [1, 3]),
    ("reduceSum", "SUM", [3, 7]),
    ("reduceProd", "PROD", [2, 12]),
    ("reduceMean", "AVG", [1.5, 3.5]),
    ("reduceLogSum", "LOGSUM", [math.log(3), math.log(7)]),
    ("reduceSumSquare", "SUMSQUARE", [5, 25]),
    ("reduceLogSumExp", "LOGSUMEXP", [1 + math.log(1 + math.e), 3 + math.log(1 + math.e)]),
):
    kind(
        _name,
        oracle=functools.partial(_reduce_nd, _FUNCTIONS[_function]),
        base=Case((_X,), {"axes": (1, -1)}),
        vary={
            "axes": [(0,), (), (-1, 0, 2)],
            "keep_dims": [True],
            "reduce_all": [True, Case((_X,), {"axes": (1,), "reduce_all": True, "keep_dims": True})],
        },
        draw=_draw_reduce_nd(_name == "reduceLogSum"),
        worked=[
            (Case((_TWO,), {"axes": (1,)}), [_rows]),
            (Case((_TWO[:1],), {"axes": (-1,), "keep_dims": True}), [[_rows[:1]]]),
            (Case((_TWO[0],), {"reduce_all": True}), [_rows[:1]]),
        ],
        refuse=[
            (Case((_TWO,), {"axes": (2,)}), "axis 2 is out of range"),
            (Case((_TWO,), {"axes": (-3,)}), "axis -3 is out of range"),
        ],
    )


def _position(function, inputs, f):
    axis = f.get("axis", 0)
    y = _along(inputs[0], (axis,), function)
    return _squeezed(y, (axis,), not f.get("remove_dim"))


@st.composite
def _draw_position(draw):
    x = draw(shapes().flatmap(arrays))
    x = np.round(x) if draw(st.booleans()) else x
    return Case((x,), {"axis": draw(st.integers(-x.ndim, x.ndim - 1)), "remove_dim": draw(st.booleans())})


for _name, _function, _answer in (("argMax", "ARGMAX", [0, 1]), ("argMin", "ARGMIN", [1, 0])):
    kind(
        _name,
        oracle=functools.partial(_position, _FUNCTIONS[_function]),
        base=Case((_X,), {"axis": 1}),
        vary={"axis": [0, -1], "remove_dim": [True]},
        draw=_draw_position(),
        worked=[
            (Case((np.float32([[5, 1], [0, 9]]),), {"axis": 1, "remove_dim": True}), [_answer]),
            (Case((np.float32([[5, 1], [0, 9]]),), {"axis": -1}), [[[a] for a in _answer]]),
            # equals: the first; and rank 1 has no axis to lose
            (Case((np.float32([4, 4, 4]),), {"remove_dim": True}), [[0]]),
        ],
        refuse=[(Case((_TWO,), {"axis": 2}), "axis 2 is out of range")],
    )
