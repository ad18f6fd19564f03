"""Slices: Python's own `range` lists the positions on each axis, and elements are read and written one by one."""

import itertools

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_X = numbers(4, 5)
_IMAGE = numbers(2, 3, 4, 5)
_LISTS = {"stride": 1, "begin_mask": False, "end_mask": False, "squeeze_mask": False}


def _positions(shape, i, a):
    """On each axis, the positions of the slice, and whether the axis is dropped."""
    found = []
    for axis, n in enumerate(shape):
        stride, from_edge, to_edge, drop = (other if a[k] is None else a[k][axis] for k, other in _LISTS.items())
        begin = None if from_edge else int(i["begin"][axis])
        end = None if to_edge else int(i["end"][axis])
        found.append(([range(n)[begin or 0]], True) if drop else (list(range(n)[begin:end:stride]), False))
    return found


def _elements(positions):
    """(place in the array, place in its slice) of each element."""
    for at in itertools.product(*(range(len(places)) for places, _ in positions)):
        place = tuple(places[k] for k, (places, _) in zip(at, positions, strict=True))
        yield place, tuple(k for k, (_, drop) in zip(at, positions, strict=True) if not drop)


def _sliced(i, a):
    positions = _positions(i["x"].shape, i, a)
    y = np.zeros([len(places) for places, drop in positions if not drop], i["x"].dtype)
    for place, at in _elements(positions):
        y[at] = i["x"][place]
    return y


def _slice(x, begin, end, **attributes):
    return Case({"x": x, "begin": np.int32(begin), "end": np.int32(end)}, attributes)


@st.composite
def _draw_slice(draw):
    x = draw(arrays(draw(shapes(max_rank=3))))
    bound = st.integers(-6, 6)
    begin, end = ([draw(bound) for _ in x.shape] for _ in range(2))
    stride = tuple(draw(st.sampled_from([1, 2, -1, -2])) for _ in x.shape)
    masks = {name: tuple(draw(st.booleans()) for _ in x.shape) for name in ("begin_mask", "end_mask")}
    return _slice(x, begin, end, stride=stride, **masks)


_BASE = _slice(_X, [1, 0], [3, -1])
_LINE = np.float32([0, 1, 2, 3, 4])

operation(
    "slice_by_index",
    15,
    oracle=_sliced,
    base=_BASE,
    vary={
        "stride": [(2, 1), (1, 3), _slice(_X, [-1, 4], [0, -4], stride=(-2, -1))],
        "begin_mask": [(True, False), _slice(_X, [1, 1], [0, 2], stride=(-1, -1), begin_mask=(True, True))],
        "end_mask": [(False, True), _slice(_X, [2, 3], [0, 0], stride=(-1, -2), end_mask=(True, True))],
        "squeeze_mask": [
            (True, False),
            (False, True),
            (True, True),
            # every axis is squeezed or taken as a whole: then begin need not be known
            _slice(_X, [-1, 9], [0, 9], begin_mask=(False, True), end_mask=(False, True), squeeze_mask=(True, False)),
            _slice(
                _X,
                [9, 2],
                [9, 0],
                stride=(-2, 7),
                begin_mask=(True, True),
                end_mask=(True, False),
                squeeze_mask=(False, True),
            ),
        ],
        "images": [
            _slice(_IMAGE, [0, 1, 0, -3], [9, 2, 3, 9], stride=(1, 1, 2, 1)),
            _slice(_IMAGE, [0, 2, 0, 3], [2, 0, 0, 0], stride=(1, -1, 1, -2), end_mask=(False, False, True, True)),
        ],
    },
    draw=_draw_slice(),
    unlike_coremltools=dict.fromkeys(
        ("worked", "drawn"), "slices without elements have another shape there, or are refused"
    ),
    worked=[
        (_slice(_LINE, [-3], [-1]), [2, 3]),
        (_slice(_LINE, [-9], [9]), [0, 1, 2, 3, 4]),  # bounds beyond the edges are those
        (_slice(_LINE, [3], [1]), []),
        (_slice(_LINE, [3], [0], stride=(-1,)), [3, 2, 1]),
        (_slice(_LINE, [3], [-1], stride=(-1,)), []),  # -1 is the last element, not the place before the first
        (_slice(_LINE, [3], [0], stride=(-1,), end_mask=(True,)), [3, 2, 1, 0]),
        (_slice(_LINE, [0], [1], stride=(-1,), begin_mask=(True,)), [4, 3, 2]),
        (_slice(_LINE, [-2], [0], squeeze_mask=(True,)), 3),
        (_slice(_LINE, [3], [0], squeeze_mask=(True,), begin_mask=(True,)), 0),
    ],
    refuse=[
        (_slice(_LINE, [5], [9], squeeze_mask=(True,)), "begin 5 is out of range for an axis of size 5"),
        (_slice(_LINE, [0], [9], stride=(0,)), "a stride is 0"),
        (_slice(_X, [0], [9, 9]), "begin has shape [1]; it must be [2]"),
        (_slice(_X, [0, 0], [9, 9], stride=(1,)), "stride has shape [1]; it must be [2]"),
    ],
    typed={"bool": _BASE.but(x=_X > 0)},
)


def _sized(i, a):
    y = i["x"]
    for axis, (begin, size) in enumerate(zip(map(int, i["begin"]), map(int, i["size"]), strict=True)):
        n = y.shape[axis]
        first = min(max(begin + n if begin < 0 else begin, 0), n - size)
        y = np.stack([y.take(first + k, axis) for k in range(size)], axis) if size else y.take([], axis)
    return y


def _size(x, begin, size):
    return Case({"x": x, "begin": np.int32(begin), "size": np.int32(size)})


operation(
    "slice_by_size",
    15,
    oracle=_sized,
    base=_size(_X, [1, 2], [2, 2]),
    vary={
        "begin": [_size(_X, [-3, 0], [2, 3]), _size(_IMAGE, [0, 1, -2, 2], [2, 2, 2, 1])],
        "moved": [_size(_X, [3, 4], [2, 4])],
    },
    draw=st.builds(lambda x: _size(x, [0] * x.ndim, x.shape), shapes().flatmap(arrays)),
    unlike_coremltools={
        "moved": "it clips the values, though not the shape",
        "worked": "it takes a size of 0 for -1 in values",
    },
    worked=[
        (_size(_LINE, [1], [3]), [1, 2, 3]),
        (_size(_LINE, [-2], [2]), [3, 4]),
        (_size(_LINE, [2], [0]), []),
    ],
    refuse=[
        (_size(_LINE, [0], [6]), "cannot take [6] elements of x, which has shape [5]"),
        (_size(_LINE, [6], [-1]), "cannot take [-1] elements"),
        (_size(_X, [0], [1]), "both must be [2]"),
    ],
)


def _windows(i, a):
    axis = a["axis"] % i["x"].ndim
    starts = range(0, i["x"].shape[axis] - a["size"] + 1, a["stride"])
    return np.stack([np.take(i["x"], range(s, s + a["size"]), axis) for s in starts], axis)


operation(
    "sliding_windows",
    15,
    oracle=_windows,
    base=Case({"x": numbers(5, 6)}, {"axis": 0, "size": 2}),
    vary={"axis": [1, -1], "size": [3, 5], "stride": [2, 3]},
    draw=st.builds(
        lambda x, size: Case({"x": x}, {"axis": -1, "size": min(size, x.shape[-1]), "stride": 2}),
        shapes().flatmap(arrays),
        st.integers(1, 3),
    ),
    worked=[(Case({"x": _LINE}, {"axis": 0, "size": 3, "stride": 2}), [[0, 1, 2], [2, 3, 4]])],
    refuse=[
        (Case({"x": _LINE}, {"axis": 0, "size": 6}), "windows must fit into the axis of size 5"),
        (Case({"x": _LINE}, {"axis": 0, "size": 1, "stride": 0}), "the stride must be positive"),
    ],
)


def _updated(i, a):
    y = np.array(i["x"])
    for place, at in _elements(_positions(y.shape, i, a)):
        y[place] = i["update"][at]
    return y


def _update(x, update, begin, end, **attributes):
    return Case({"x": x, "update": update, "begin": np.int32(begin), "end": np.int32(end)}, attributes)


_NEW = numbers(2, 2, low=5, high=9)

operation(
    "slice_update",
    18,
    oracle=_updated,
    base=_update(_X, _NEW, [1, 2], [3, 4]),
    vary={
        "stride": [
            _update(_X, _NEW, [0, 1], [4, 3], stride=(2, 1)),
            _update(_X, _NEW, [3, 4], [0, 0], stride=(-2, -3)),
        ],
        "begin_mask": [_update(_X, _NEW, [1, 2], [2, 4], begin_mask=(True, False))],
        "end_mask": [_update(_X, _NEW, [2, 1], [3, 3], end_mask=(True, False))],
        "squeeze_mask": [
            _update(_X, _NEW[0], [-2, 1], [0, 3], squeeze_mask=(True, False)),
            _update(
                _X,
                numbers(4),
                [9, 3],
                [9, 0],
                begin_mask=(True, False),
                end_mask=(True, False),
                squeeze_mask=(False, True),
            ),
        ],
        "cache": [
            _update(
                numbers(1, 2, 6, 3),
                numbers(1, 2, 1, 3, low=5),
                [0, 0, 4, 0],
                [0, 0, 5, 0],
                begin_mask=(True, True, False, True),
                end_mask=(True, True, False, True),
            )
        ],
        "negative": [_update(_X, _NEW, [-3, -2], [-1, 5])],
    },
    draw=st.builds(
        lambda x: _update(x, x[:1] + 5, [1] + [0] * (x.ndim - 1), [2, *x.shape[1:]]),
        st.sampled_from([(2, 3), (3, 4, 2)]).flatmap(arrays),
    ),
    worked=[
        (_update(_LINE, np.float32([8, 9]), [1], [3]), [0, 8, 9, 3, 4]),
        (_update(_LINE, np.float32([7, 8, 9]), [4], [0], stride=(-2,), end_mask=(True,)), [9, 1, 8, 3, 7]),
        (
            _update(np.float32([[1, 2], [3, 4]]), np.float32([8, 9]), [0, 1], [2, 0], squeeze_mask=(False, True)),
            [[1, 8], [3, 9]],
        ),
    ],
    refuse=[
        (_update(_X, _NEW, [1, 2], [3, 5]), "update has shape [2, 2]; the slice of x has [2, 3]"),
        (_update(_X, _NEW, [1], [3, 4]), "begin has shape [1]; it must be [2]"),
    ],
)
