"""Gathering and scattering. The oracles visit the indices one by one, with Python's own indexing."""

import itertools

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers

_MODES = {
    "SCATTER_UPDATE": lambda old, new: new,
    "SCATTER_ADD": lambda old, new: old + new,
    "SCATTER_SUB": lambda old, new: old - new,
    "SCATTER_MUL": lambda old, new: old * new,
    "SCATTER_DIV": lambda old, new: old / new,
    "SCATTER_MAX": np.maximum,
    "SCATTER_MIN": np.minimum,
}


def _places(shape):
    return itertools.product(*map(range, shape))


def _at(x, where):
    """x[where], or None if the index is out of range."""
    try:
        return x[where]
    except IndexError:
        return None


def _gathered(shape, cell, x, where):
    """An array of `shape` whose cells are x[where(place)], of shape `cell`; NaN for places that do not exist."""
    out = np.full((*shape, *cell), np.nan)
    for place in _places(shape):
        found = _at(x, where(place))
        if found is not None:
            out[place] = found
    return out


def _scattered(x, shape, where, updates, mode):
    out = np.array(x, np.float64)
    for place in _places(shape):
        target = where(place)
        if _at(out, target) is not None:
            out[target] = _MODES[mode](out[target], updates(place))
    return out


# Along one axis -------------------------------------------------------------------------------------------------------


def _gather(inputs, f):
    x, indices = inputs
    axis = f["axis"] % x.ndim
    rows = np.moveaxis(x, axis, 0)
    picked = _gathered(indices.shape, rows.shape[1:], rows, lambda p: int(indices[p]))
    front = range(indices.ndim)  # the axes of the indices come where the axis was
    rest = range(indices.ndim, picked.ndim)
    return picked.transpose(*rest[:axis], *front, *rest[axis:])


def _scatter(inputs, f):
    x, indices, updates = inputs
    axis = f["axis"] % x.ndim
    of_indices = range(axis, axis + indices.ndim)
    updates = updates.transpose(*of_indices, *(i for i in range(updates.ndim) if i not in of_indices))
    rows = np.moveaxis(x, axis, 0)
    out = _scattered(rows, indices.shape, lambda p: int(indices[p]), lambda p: updates[p], f["mode"])
    return np.moveaxis(out, 0, axis)


def _indices(low, high, shape):
    count = int(np.prod(shape))
    return st.lists(st.integers(low, high), min_size=count, max_size=count).map(
        lambda values: np.float32(values).reshape(shape)
    )


_INDEX_SHAPES = st.sampled_from([(1,), (3,), (2, 2)])
_DATA_SHAPES = st.sampled_from([(3,), (2, 3), (2, 1, 3), (2, 3, 4, 2)])


@st.composite
def _draw_gather(draw):
    shape = draw(_DATA_SHAPES)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    indices = draw(_indices(-shape[axis], shape[axis] - 1, draw(_INDEX_SHAPES)))
    return Case((draw(arrays(shape)), indices), {"axis": axis})


def _modes(repeats):
    """Any mode; but which of several updates of one place wins is not defined."""
    return st.sampled_from([mode for mode in _MODES if not (repeats and mode == "SCATTER_UPDATE")])


@st.composite
def _draw_scatter(draw):
    shape = draw(_DATA_SHAPES)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    indices = draw(_indices(-shape[axis], shape[axis], draw(_INDEX_SHAPES)))
    at = axis % len(shape)
    updates = draw(arrays((*shape[:at], *indices.shape, *shape[at + 1 :]), 0.5, 2))
    mode = draw(_modes(len(set(indices.ravel() % shape[axis])) < indices.size))
    return Case((draw(arrays(shape)), indices, updates), {"axis": axis, "mode": mode})


_X = numbers(4, 3, 5)
_TENS = np.float32([10, 20, 30, 40])
kind(
    "gather",
    oracle=_gather,
    base=Case((_X, np.float32([[2, 0], [-1, 1]])), {"axis": 1}),
    vary={"axis": [0, -1], "inputs": [Case((_X, np.float32([[0, 0], [-3, 1]])), {"axis": 1})]},
    draw=_draw_gather(),
    whole=(1,),
    worked=[
        (Case((_TENS, np.float32([3, 0, -2])), {"axis": 0}), [[40, 10, 30]]),
        (Case((np.float32([[1, 2], [3, 4]]), np.float32([1])), {"axis": -1}), [[[2], [4]]]),
        # indices out of range read nothing; a float within rounding of an integer is that integer
        (Case((_TENS, np.float32([4, -5, 2.9999998])), {"axis": 0}), [[np.nan, np.nan, 40]]),
        # fractions are dropped
        (Case((_TENS, np.float32([0.7, 1.5, 2.99, -1.7, -0.7])), {"axis": 0}), [[10, 20, 30, 40, 10]]),
    ],
    refuse=[(Case((_X, np.float32([0])), {"axis": 3}), "axis 3 is out of range")],
)

_TWO = np.float32([2, 0])
_SCATTER = Case((_X, np.float32([2, 0, -1]), numbers(4, 3, 5, low=0.5, seed=1)), {"axis": 1, "mode": "SCATTER_ADD"})
kind(
    "scatter",
    oracle=_scatter,
    base=_SCATTER,
    vary={
        "axis": [
            _SCATTER.but(axis=0, inputs=(_X, _TWO, numbers(2, 3, 5, low=0.5))),
            _SCATTER.but(axis=-1, inputs=(_X, np.float32([[4, -1]]), numbers(4, 3, 1, 2, low=0.5))),
        ],
        "mode": [
            *[mode for mode in _MODES if mode not in ("SCATTER_UPDATE", "SCATTER_ADD")],
            _SCATTER.but(mode="SCATTER_UPDATE", inputs=(_X, np.float32([2, 0, -2]), numbers(4, 3, 5, seed=1))),
        ],
        "inputs": [
            _SCATTER.but(inputs=(_X, np.float32([9, 0, -1]), _SCATTER.inputs[2])),
            # products of updates of which one or two are zero
            _SCATTER.but(
                mode="SCATTER_MUL",
                inputs=(_X[:, 0, 0], np.float32([0, 0, 1, 1, 2, 2]), np.float32([0, 2, 0, 0, 3, 2])),
                axis=0,
            ),
        ],
    },
    draw=_draw_scatter(),
    whole=(1,),
    worked=[
        (Case((np.ones(4, np.float32), _TWO, np.float32([5, 7])), {"axis": 0, "mode": mode}), [wanted])
        for mode, wanted in {
            "SCATTER_UPDATE": [7, 1, 5, 1],
            "SCATTER_ADD": [8, 1, 6, 1],
            "SCATTER_SUB": [-6, 1, -4, 1],
            "SCATTER_MUL": [7, 1, 5, 1],
            "SCATTER_DIV": [1 / 7, 1, 0.2, 1],
            "SCATTER_MAX": [7, 1, 5, 1],
            "SCATTER_MIN": [1, 1, 1, 1],
        }.items()
    ]
    + [
        # every update of a place counts, and a place that does not exist takes none
        (
            Case((_TENS, np.float32([1, -3, 4]), np.float32([5, 7, 9])), {"axis": 0, "mode": "SCATTER_ADD"}),
            [[10, 32, 30, 40]],
        ),
        (
            Case((_TENS, np.float32([1, -3, 4]), np.float32([5, 2, 9])), {"axis": 0, "mode": "SCATTER_DIV"}),
            [[10, 2, 30, 40]],
        ),
    ],
    refuse=[(_SCATTER.but(inputs=(_X, _TWO, _X)), "require [4, 2, 5]")],
)

# By several coordinates -----------------------------------------------------------------------------------------------


def _coordinates(indices):
    return lambda place: tuple(int(i) for i in indices[place])


def _at_least_1d(x):
    return x.reshape(1) if x.ndim == 0 else x


def _gather_nd(inputs, f):
    x, indices = inputs
    return _at_least_1d(_gathered(indices.shape[:-1], x.shape[indices.shape[-1] :], x, _coordinates(indices)))


def _scatter_nd(inputs, f):
    x, indices, updates = inputs
    single = indices.shape == (x.ndim,)
    return _scattered(
        x, indices.shape[:-1], _coordinates(indices), lambda p: updates[0] if single else updates[p], f["mode"]
    )


@st.composite
def _draw_coordinates(draw, beyond):
    shape = draw(_DATA_SHAPES)
    count = draw(st.integers(1, len(shape)))
    front = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    columns = [draw(_indices(-n, n - 1 + beyond, front)) for n in shape[:count]]
    return shape, np.stack(columns, axis=-1)


@st.composite
def _draw_gather_nd(draw):
    shape, indices = draw(_draw_coordinates(0))
    return Case((draw(arrays(shape)), indices))


@st.composite
def _draw_scatter_nd(draw):
    shape, indices = draw(_draw_coordinates(1))
    rest = shape[indices.shape[-1] :]
    updates = draw(arrays((*indices.shape[:-1], *rest) or (1,), 0.5, 2))
    rows = (indices % np.array(shape[: indices.shape[-1]])).reshape(-1, indices.shape[-1])
    mode = draw(_modes(len({tuple(row) for row in rows}) < len(rows)))
    return Case((draw(arrays(shape)), indices, updates), {"mode": mode})


_SQUARE = np.float32([[1, 2], [3, 4]])
kind(
    "gatherND",
    oracle=_gather_nd,
    base=Case((_X, np.float32([[2, 0], [3, 1], [0, 2]]))),
    vary={"inputs": [Case((_X, np.float32([[-1], [0]]))), Case((_X, np.float32([3, 2, -1])))]},
    draw=_draw_gather_nd(),
    whole=(1,),
    worked=[
        (Case((_SQUARE, np.float32([[1, 0], [0, 1]]))), [[3, 2]]),
        (Case((_SQUARE, np.float32([[1]]))), [[[3, 4]]]),
        (Case((_SQUARE, np.float32([[-1, -2], [2, 0]]))), [[3, np.nan]]),
    ],
    refuse=[(Case((_SQUARE, np.float32([[0, 0, 0]]))), "3 coordinates; x has rank 2")],
)

_POINTS = np.float32([[2, 0], [3, 1], [2, 0], [0, -1]])
_SCATTER_ND = Case((_X, _POINTS, numbers(4, 5, low=0.5, seed=1)), {"mode": "SCATTER_ADD"})
kind(
    "scatterND",
    oracle=_scatter_nd,
    base=_SCATTER_ND,
    vary={
        "mode": [
            *[mode for mode in _MODES if mode not in ("SCATTER_UPDATE", "SCATTER_ADD")],
            _SCATTER_ND.but(mode="SCATTER_UPDATE", inputs=(_X, _POINTS[1:], numbers(3, 5, seed=1))),
        ],
        "inputs": [
            _SCATTER_ND.but(inputs=(_X, np.float32([[9, 0], [3, 1]]), numbers(2, 5))),
            _SCATTER_ND.but(inputs=(_X, np.float32([3, 1, 2]), np.float32([4]))),
        ],
    },
    draw=_draw_scatter_nd(),
    whole=(1,),
    worked=[
        (
            Case((np.zeros((3, 2), np.float32), np.float32([[2], [0]]), np.float32([[5, 6], [7, 8]])), {}),
            [[[7, 8], [0, 0], [5, 6]]],
        ),
        (
            Case((_SQUARE, np.float32([[1, 0], [1, 0], [5, 0]]), np.float32([2, 5, 9])), {"mode": "SCATTER_MUL"}),
            [[[1, 2], [30, 4]]],
        ),
    ],
    refuse=[
        (_SCATTER_ND.but(inputs=(_X, _POINTS, _X)), "require [4, 5]"),
        (Case((_SQUARE, np.float32([[0, 0, 0]]), np.float32([1])), {}), "x has rank 2"),
    ],
)

# One index for each element -------------------------------------------------------------------------------------------


def _own_place(indices, axis):
    return lambda p: (*p[:axis], int(indices[p]), *p[axis + 1 :])


def _gather_along(inputs, f):
    x, indices = inputs
    return _gathered(indices.shape, (), x, _own_place(indices, f["axis"] % x.ndim))


def _scatter_along(inputs, f):
    x, indices, updates = inputs
    where = _own_place(indices, f["axis"] % x.ndim)
    return _scattered(x, indices.shape, where, lambda p: updates[p], f["mode"])


@st.composite
def _draw_along(draw, scatters):
    shape = draw(_DATA_SHAPES)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    at = axis % len(shape)
    size = draw(st.sampled_from([1, shape[at], 3]))
    indices = draw(_indices(-shape[at], shape[at] - 1, (*shape[:at], size, *shape[at + 1 :])))
    x = draw(arrays(shape))
    if not scatters:
        return Case((x, indices), {"axis": axis})
    places = np.sort(indices % shape[at], axis=at)
    mode = draw(_modes(bool((np.diff(places, axis=at) == 0).any())))
    return Case((x, indices, draw(arrays(indices.shape, 0.5, 2))), {"axis": axis, "mode": mode})


_ALONG = np.float32(np.arange(4 * 2 * 5).reshape(4, 2, 5) * 7 % 6 - 3)
_SIX = np.float32([[1, 2, 3], [4, 5, 6]])
kind(
    "gatherAlongAxis",
    oracle=_gather_along,
    base=Case((_X, _ALONG), {"axis": 1}),
    vary={
        "axis": [Case((_X, _ALONG[:2, [0, 1, 1]]), {"axis": 0}), Case((_X, _ALONG[:, [0, 1, 1], :3]), {"axis": -1})],
        "inputs": [Case((_X, -1 - _ALONG), {"axis": 1})],
    },
    draw=_draw_along(False),
    whole=(1,),
    worked=[
        (Case((_SIX, np.float32([[2, 0], [-1, 1]])), {"axis": 1}), [[[3, 1], [6, 5]]]),
        (Case((_SIX, np.float32([[3], [-4]])), {"axis": 1}), [[[np.nan], [np.nan]]]),
    ],
    refuse=[
        (Case((_SIX, np.float32([[0]])), {"axis": 1}), "that of x except on axis 1"),
        (Case((_SIX, np.float32([0])), {"axis": 1}), "that of x except on axis 1"),
    ],
)

_UPDATES = numbers(4, 2, 5, low=0.5, seed=1)
_SCATTER_ALONG = Case((_X, _ALONG, _UPDATES), {"axis": 1, "mode": "SCATTER_ADD"})
_DISTINCT = np.float32(np.arange(4 * 2 * 5).reshape(2, 4, 5).transpose(1, 0, 2) // 20 - 1)
kind(
    "scatterAlongAxis",
    oracle=_scatter_along,
    base=_SCATTER_ALONG,
    vary={
        "axis": [
            _SCATTER_ALONG.but(axis=0, inputs=(_X, _ALONG[:2, [0, 1, 1]], numbers(2, 3, 5, low=0.5))),
            _SCATTER_ALONG.but(axis=-1, inputs=(_X, _ALONG[:, [0, 1, 1], :3], numbers(4, 3, 3, low=0.5))),
        ],
        "mode": [
            *[mode for mode in _MODES if mode not in ("SCATTER_UPDATE", "SCATTER_ADD")],
            _SCATTER_ALONG.but(mode="SCATTER_UPDATE", inputs=(_X, _DISTINCT, _UPDATES)),
        ],
        "inputs": [_SCATTER_ALONG.but(inputs=(_X, _ALONG + 3, _UPDATES))],
    },
    draw=_draw_along(True),
    whole=(1,),
    worked=[
        (
            Case(
                (np.zeros((2, 3), np.float32), np.float32([[2, 0], [1, -1]]), np.float32([[5, 6], [7, 8]])), {"axis": 1}
            ),
            [[[6, 0, 5], [0, 7, 8]]],
        ),
        (
            Case((_SIX, np.float32([[0], [7]]), np.float32([[9], [9]])), {"axis": 1, "mode": "SCATTER_MAX"}),
            [[[9, 2, 3], [4, 5, 6]]],
        ),
    ],
    refuse=[
        (_SCATTER_ALONG.but(inputs=(_X, _ALONG, _X)), "require [4, 2, 5]"),
        (_SCATTER_ALONG.but(inputs=(_X, _ALONG[:1], _UPDATES[:1])), "that of x except on axis 1"),
    ],
)
