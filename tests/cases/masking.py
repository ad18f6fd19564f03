"""Masks, answered element by element."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes


def _where(inputs, f):
    c, x, y = np.broadcast_arrays(*inputs)
    out = np.empty(c.shape)
    for at in np.ndindex(*c.shape):
        out[at] = y[at] if c[at] == 0 else x[at]
    return out


def _positions(inputs, f):
    x = np.asarray(inputs[0])
    found = [at for at in np.ndindex(*x.shape) if x[at] != 0]
    return np.array(found, np.float64).reshape(len(found), x.ndim)


def _part(keep):
    def oracle(inputs, f):
        x = np.array(inputs[0], np.float64)
        for m, n in np.ndindex(*x.shape[-2:]):
            if not keep(m, n, f):
                x[..., m, n] = 0
        return x

    return oracle


def _band(m, n, f):
    lower, upper = f.get("num_lower", 0), f.get("num_upper", 0)
    return (lower < 0 or m - n <= lower) and (upper < 0 or n - m <= upper)


def _one_hot(inputs, f):
    x = np.asarray(inputs[0])
    size = int(np.ravel(inputs[1])[0]) if len(inputs) > 1 else f.get("one_hot_vector_size", 0)
    rows = np.full((x.size, size), f.get("off_value", 0.0))
    for row, index in zip(rows, x.ravel(), strict=True):
        if 0 <= index < size:
            row[int(index)] = f.get("on_value", 0.0)
    axis = f.get("axis", 0)
    return np.moveaxis(rows.reshape(*x.shape, size), -1, axis)


def _sparse(*shape, seed=0):
    """About half of the elements are zero."""
    x = numbers(*shape, seed=seed)
    return np.where(x > 0, x, np.float32(0))


_C, _X, _Y = _sparse(2, 3), numbers(2, 3, seed=1), numbers(2, 3, seed=2)


@st.composite
def _draw_where(draw):
    pool = [((2, 3),) * 3, ((3,), (2, 3), (1,)), ((2, 1, 3), (4, 1), (1, 1)), ((1,), (2, 3, 2, 2), (3, 1, 1))]
    c, x, y = draw(st.sampled_from([*pool, ((0,), (1,), (1,))]))
    return Case((_sparse(*c, seed=draw(st.integers(0, 9))), draw(arrays(x)), draw(arrays(y))))


kind(
    "whereBroadcastable",
    oracle=_where,
    base=Case((_C, _X, _Y)),
    vary={"inputs": [Case((_C[0], _X, _Y)), Case((_C, _X[:1], _Y[:, :1])), Case((_C, _Y, _X))]},
    draw=_draw_where(),
    worked=[
        (Case((np.float32([1, 0, -2]), np.float32([1, 2, 3]), np.float32([9]))), [[1, 9, 3]]),
        # what is not chosen does not matter, not even if it is NaN
        (Case((np.float32([1, 0]), np.float32([1, np.nan]), np.float32([np.inf, 2]))), [[1, 2]]),
    ],
    refuse=[(Case((numbers(2), numbers(3), numbers(3))), "2")],
    # a condition is only ever zero or not, and the base case has zeros
    smooth="a zero in the condition is a kink, as any step from it changes the choice",
)


@st.composite
def _draw_positions(draw):
    shape = draw(shapes())
    return Case(
        (draw(st.sampled_from([_sparse(*shape, seed=3), np.zeros(shape, np.float32), np.ones(shape, np.float32)])),)
    )


kind(
    "whereNonZero",
    oracle=_positions,
    base=Case((_sparse(3, 4),)),
    vary={"inputs": [Case((_sparse(3, 4, seed=1),)), Case((_sparse(6),)), Case((np.zeros((2, 2), np.float32),))]},
    draw=_draw_positions(),
    worked=[
        (Case((np.float32([3, 0, 0, -1]),)), [[[0], [3]]]),
        (Case((np.float32([[0, 5], [6, 0]]),)), [[[0, 1], [1, 0]]]),
        (Case((np.float32([0, 0]),)), [np.zeros((0, 1))]),
    ],
)

_SQUARE = numbers(2, 4, 5)
_SHAPES = st.sampled_from([(4, 5), (1, 1), (2, 3, 3), (2, 1, 3, 2), (1, 4), (0, 3)])
_DIAGONALS = st.integers(-6, 6)
_FULL = np.float32([[1, 2, 3], [4, 5, 6], [7, 8, 9]])

kind(
    "matrixBandPart",
    oracle=_part(_band),
    base=Case((_SQUARE,), {"num_lower": 1, "num_upper": 2}),
    vary={"num_lower": [0, -1, 2], "num_upper": [0, -1, 1], "inputs": [Case((numbers(3, 3),))]},
    draw=st.builds(
        lambda shape, lower, upper: Case((numbers(*shape),), {"num_lower": lower, "num_upper": upper}),
        _SHAPES,
        _DIAGONALS,
        _DIAGONALS,
    ),
    worked=[
        (Case((_FULL,), {"num_lower": 0, "num_upper": 1}), [[[1, 2, 0], [0, 5, 6], [0, 0, 9]]]),
        (Case((_FULL,), {"num_lower": -1, "num_upper": 0}), [[[1, 0, 0], [4, 5, 0], [7, 8, 9]]]),
        # outside is zero, whatever stood there
        (Case((np.float32([[1, np.nan], [np.inf, 2]]),)), [[[1, 0], [0, 2]]]),
    ],
    refuse=[(Case((numbers(3),)), "rank 1")],
)

for _name, _keep, _worked in (
    ("lowerTriangular", lambda m, n, f: n - m <= f.get("k", 0), [[4, 0, 0], [1, 4, 0], [1, 1, 4]]),
    ("upperTriangular", lambda m, n, f: n - m >= f.get("k", 0), [[4, 1, 1], [0, 4, 1], [0, 0, 4]]),
):
    kind(
        _name,
        oracle=_part(_keep),
        base=Case((_SQUARE,)),
        vary={"k": [1, -1, 2], "inputs": [Case((numbers(3, 3),))]},
        draw=st.builds(lambda shape, k: Case((numbers(*shape),), {"k": k}), _SHAPES, _DIAGONALS),
        worked=[
            (Case((np.float32([[4, 1, 1], [1, 4, 1], [1, 1, 4]]),)), [_worked]),
            (Case((_FULL,), {"k": 9 if _name == "lowerTriangular" else -9}), [_FULL]),
        ],
        refuse=[(Case((numbers(3),)), "rank 1")],
    )


_INDEX = np.float32([[2, 0, 5], [-1, 3, 1]])
_MARKS = {"one_hot_vector_size": 4, "axis": -1, "on_value": 5.0, "off_value": -1.0}


@st.composite
def _draw_one_hot(draw):
    shape = draw(shapes(max_rank=4))
    x = np.random.default_rng(draw(st.integers(0, 9))).integers(-2, 6, shape).astype(np.float32)
    fields = {
        "axis": draw(st.integers(-len(shape) - 1, len(shape))),
        "on_value": draw(st.sampled_from([0.0, 1.0, 2.5])),
        "off_value": draw(st.sampled_from([0.0, -1.0])),
        "one_hot_vector_size": draw(st.sampled_from([1, 4])),
    }
    size = (np.float32([draw(st.sampled_from([1, 3]))]),) if draw(st.booleans()) else ()
    return Case((x, *size), fields)


kind(
    "oneHot",
    oracle=_one_hot,
    base=Case((_INDEX,), _MARKS),
    vary={
        "one_hot_vector_size": [3, 7],
        "axis": [0, 1, -3],
        "on_value": [0.0, 1.0],
        "off_value": [0.0],
        "inputs": [Case((_INDEX, np.float32([6])), _MARKS), Case((_INDEX[0],), _MARKS)],
    },
    draw=_draw_one_hot(),
    worked=[
        (Case((np.float32([1, -1]),), {**_MARKS, "one_hot_vector_size": 3}), [[[-1, 5, -1], [-1, -1, -1]]]),
        (Case((np.float32([1, 2]),), {**_MARKS, "one_hot_vector_size": 3, "axis": 0}), [[[-1, -1], [5, -1], [-1, 5]]]),
    ],
    refuse=[
        (Case((_INDEX,), {**_MARKS, "axis": 3}), "axis 3 is out of range"),
        (Case((_INDEX, np.float32([-2])), _MARKS), "the size must not be negative, got -2"),
    ],
)
