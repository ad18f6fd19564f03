"""Masks, place by place."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_X = numbers(3, 4)


def _band(i, a):
    y = np.array(i["x"])
    for place in np.ndindex(*y.shape):
        row, column = place[-2:]
        below, above = row - column > a["lower"] >= 0, column - row > a["upper"] >= 0
        y[place] = 0 if below or above else y[place]
    return y


operation(
    "band_part",
    15,
    oracle=_band,
    base=Case({"x": _X}),
    vary={"lower": [0, 1], "upper": [0, 1, Case({"x": numbers(2, 3, 3)}, {"lower": 1, "upper": 1})]},
    draw=st.builds(
        lambda x, lower, upper: Case({"x": x}, {"lower": lower, "upper": upper}),
        shapes(min_rank=2).flatmap(arrays),
        st.integers(-1, 2),
        st.integers(-1, 2),
    ),
    worked=[
        (Case({"x": np.float32([[1, 2, 3], [4, 5, 6]])}, {"lower": 0}), [[1, 2, 3], [0, 5, 6]]),
        (Case({"x": np.float32([[1, 2, 3], [4, 5, 6]])}, {"lower": -1, "upper": 0}), [[1, 0, 0], [4, 5, 0]]),
    ],
    refuse=[(Case({"x": numbers(3)}), "x has rank 1; it must be a matrix")],
)


def _places(i, a):
    x = i["x"]
    return np.array([place for place in np.ndindex(*x.shape) if x[place] != 0], np.int32).reshape(-1, x.ndim)


operation(
    "non_zero",
    15,
    oracle=_places,
    base=Case({"x": np.float32([[0, 3, 0], [-1, 0, 0.5]])}),
    vary={"x": [np.float32([0, 0]), np.int32([[0, 7]]), np.array([True, False, True])]},
    draw=st.builds(lambda x: Case({"x": np.rint(x)}), shapes(max_rank=3).flatmap(arrays)),
    worked=[(Case({"x": np.float32([[0, 3], [-1, 0]])}), [[0, 1], [1, 0]])],
)


def _hot(i, a):
    indices, size = np.asarray(i["indices"]), int(i["one_hot_vector_size"])
    on, off = (np.int32(n) if i[name] is None else i[name] for name, n in (("on_value", 1), ("off_value", 0)))
    y = np.full((*indices.shape, size), off, on.dtype)
    for place in np.ndindex(*indices.shape):
        if 0 <= indices[place] < size:
            y[(*place, int(indices[place]))] = on
    return np.moveaxis(y, -1, a["axis"])


def _one_hot(indices, size, *, axis=-1, **values):
    given = {name: np.asarray(value) for name, value in values.items()}
    return Case({"indices": np.int32(indices), "one_hot_vector_size": np.int32(size), **given}, {"axis": axis})


_BASE = _one_hot([[0, 2], [1, 3]], 4)

operation(
    "one_hot",
    15,
    oracle=_hot,
    base=_BASE,
    vary={
        "axis": [0, 1, -2],
        "on_value": [np.asarray(np.int32(5)), _one_hot([1, 0], 2, on_value=np.float32(2), off_value=np.float32(0.5))],
        "off_value": [np.asarray(np.int32(-1))],
        "outside": [_one_hot([-1, 4, 1], 4)],
        "scalar": [_one_hot(2, 3), _one_hot([0, 0], 0)],
    },
    draw=st.builds(lambda n, size: _one_hot([n, 0, -n], size), st.integers(-4, 4), st.integers(1, 4)),
    worked=[
        (_one_hot([1, 0], 3), [[0, 1, 0], [1, 0, 0]]),
        (_one_hot([1, 0], 3, axis=0), [[0, 1], [1, 0], [0, 0]]),
        (_one_hot([-1, 3], 3), [[0, 0, 0], [0, 0, 0]]),  # nothing is on
        (_one_hot(1, 2, on_value=np.float32(0.5), off_value=np.float32(-2)), [-2, 0.5]),
    ],
    refuse=[
        (_BASE.but(axis=3), "axis 3 is out of range for rank 3"),
        (_one_hot([0], -1), "one_hot_vector_size must not be negative, got -1"),
    ],
)
