"""Reductions: each result is computed from the list of elements that it reduces."""

import math

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, operations, shapes

_INF, _NAN = math.inf, math.nan
_X = numbers(2, 3, 4, 2, low=0.2)


def _reduced(function, x, axes, keep_dims):
    """function of the list of numbers along the axes, for each place on the others."""
    axes = {axis % x.ndim for axis in (range(x.ndim) if axes is None else axes)}
    sizes = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
    y = np.empty(sizes)
    for place in np.ndindex(*sizes):
        along = tuple(slice(None) if axis in axes else at for axis, at in enumerate(place))
        y[place] = function(x[along].reshape(-1).tolist())
    return y if keep_dims else y.reshape([n for axis, n in enumerate(x.shape) if axis not in axes])


def _over(function):
    """The oracle of a reduction. Integers lose their fraction."""

    def oracle(i, a):
        y = _reduced(function, i["x"], a["axes"], a["keep_dims"])
        return np.trunc(y).astype(np.int32) if i["x"].dtype.kind == "i" else y

    return oracle


def _log(v):
    return math.log(v) if v > 0 else -_INF if v == 0 else _NAN


def _log_sum_exp(values):
    top = max(values)
    return top if math.isinf(top) else top + math.log(sum(math.exp(v - top) for v in values))


@st.composite
def _draw(draw):
    x = draw(arrays(draw(shapes()), low=0.2))
    axes = draw(st.none() | st.lists(st.integers(0, x.ndim - 1), unique=True).map(sorted))
    if axes is not None and draw(st.booleans()):
        axes = [axis - x.ndim for axis in axes]
    return Case({"x": x}, {"axes": axes if axes is None else tuple(axes), "keep_dims": draw(st.booleans())})


def _row(function, last, worked):
    """Facts of a reduction. last: results for the rows [1, 2, 4] and [0.5, 0.5, 1]. worked: [(x, y)] over all axes."""
    rows = Case({"x": np.float32([[1, 2, 4], [0.5, 0.5, 1]])}, {"axes": (-1,)})
    return {
        "oracle": _over(function),
        "worked": [(rows, last), *((Case({"x": x}), y) for x, y in worked)],
    }


_WHOLE = np.int32([1, 2, 4])

operations(
    {
        "reduce_sum": _row(
            sum, [7, 2], [(np.float32(3), 3), (np.int32([-1, 2**24 + 2]), np.int32(2**24 + 1)), (_WHOLE, np.int32(7))]
        ),
        "reduce_mean": _row(
            lambda v: sum(v) / len(v),
            [7 / 3, 2 / 3],
            [(_WHOLE, np.int32(2)), (np.int32([-1, -2, -2]), np.int32(-1)), (np.float32(3), 3)],
        ),
        "reduce_max": _row(max, [4, 1], [(_WHOLE, np.int32(4)), (np.float32([-_INF, -3]), -3)]),
        "reduce_min": _row(min, [1, 0.5], [(_WHOLE, np.int32(1)), (np.float32([_INF, -3]), -3)]),
        "reduce_prod": _row(math.prod, [8, 0.25], [(_WHOLE, np.int32(8)), (np.float32([-2, 0]), 0)]),
        "reduce_sum_square": _row(lambda v: sum(n * n for n in v), [21, 1.5], [(-_WHOLE, np.int32(21))]),
        "reduce_l1_norm": _row(lambda v: sum(map(abs, v)), [7, 2], [(-_WHOLE, np.int32(7))]),
        "reduce_l2_norm": _row(
            lambda v: math.sqrt(sum(n * n for n in v)),
            [math.sqrt(21), math.sqrt(1.5)],
            [(np.float32([3, -4]), 5), (_WHOLE, np.int32(4))],
        ),
        "reduce_log_sum": _row(
            lambda v: _log(sum(v)),
            [math.log(7), math.log(2)],
            [(np.float32([1, -1]), -_INF), (np.float32([1, -2]), _NAN), (_WHOLE, np.int32(1))],
        ),
        "reduce_log_sum_exp": _row(
            _log_sum_exp,
            [math.log(math.e + math.e**2 + math.e**4), math.log(2 * math.e**0.5 + math.e)],
            [(np.float32([1000, 1000]), 1000 + math.log(2)), (_WHOLE, np.int32(4))],
        ),
    },
    15,
    base=Case({"x": _X}, {"axes": (1,)}),
    vary={"axes": [None, (), (0, -1), (2, 3), (1, 2, 3), (-3, -4)], "keep_dims": [True]},
    draw=_draw(),
    refuse=[
        (Case({"x": _X}, {"axes": (4,)}), "axis 4 is out of range for rank 4"),
        (Case({"x": _X}, {"axes": (0, -4)}), "axes [0, -4] contain an axis of x, which has rank 4, twice"),
        (Case({"x": np.float32(1)}, {"axes": (0,)}), "x is a scalar and has no axis 0"),
    ],
    atol=2e-5,
    half=3e-3,
    why="a product of 24 numbers is 500, and the logarithm of a sum may be near 0",
)

# Positions -----------------------------------------------------------------------------------------------------------


def _first(best):
    """The oracle that finds the first of the best numbers, or the first NaN."""

    def position(values):
        nans = [place for place, v in enumerate(values) if v != v]
        return nans[0] if nans else values.index(best(values))

    def oracle(i, a):
        found = _reduced(position, i["x"], (a["axis"],), a["keep_dims"])
        return found.astype(a.get("output_dtype", "int32"))

    return oracle


@st.composite
def _draw_position(draw):
    x = np.rint(2 * draw(arrays(draw(shapes()))))  # many are equal
    return Case({"x": x}, {"axis": draw(st.integers(-x.ndim, x.ndim - 1)), "keep_dims": draw(st.booleans())})


_LONG = np.zeros(3000, np.float32)
_LONG[2999] = 1

for _kind, _best, _sign in (("reduce_argmax", max, 1), ("reduce_argmin", min, -1)):
    for _version in (15, 17):
        operation(
            _kind,
            _version,
            oracle=_first(_best),
            base=Case({"x": numbers(2, 3, 4, 2)}, {"axis": 1}),
            vary={"axis": [0, -1, 2, -4], "keep_dims": [True]}
            | ({"output_dtype": ["uint16"]} if _version == 17 else {})
            | {"axis of two": [Case({"x": numbers(3, 4)}, {"axis": 0})]},
            draw=_draw_position(),
            worked=[
                (Case({"x": np.float32([[1, 5, 5], [9, 7, 8]]) * _sign}), np.int32([1, 0])),
                (Case({"x": np.float32([1, _NAN, 5])}), np.int32(1)),
                (Case({"x": np.int32([1, 5, 5]) * _sign}, {"keep_dims": True}), np.int32([1])),
                (Case({"x": _LONG * _sign}), np.int32(2999)),  # which float16 does not have
            ],
            refuse=[
                (Case({"x": _X}, {"axis": 4}), "axis 4 is out of range for rank 4"),
                (Case({"x": np.float32(1)}), "x is a scalar and has no axis -1"),
            ]
            + [(Case({"x": _X}, {"output_dtype": "int8"}), "output_dtype is 'int8'; it must be one of int32, uint16")]
            * (_version == 17),
            **({"gives": lambda a: [a["output_dtype"]]} if _version == 17 else {}),
        )
