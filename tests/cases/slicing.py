"""Slices. The oracles fill the answer element by element, with positions from Python's ranges."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, filled, kind, moved, numbers, shapes

_X = numbers(2, 3, 4)


def _marked(masks, axis):
    return len(masks) > 0 and bool(masks[axis])


def _sliced(x, begin, end, strides, begin_masks, end_masks, squeeze_masks):
    """The chosen places of each axis as Python's slices of a range choose them, then every combination of them."""
    chosen, squeezed = [], []
    for i, n in enumerate(x.shape):
        squeezed.append(_marked(squeeze_masks, i))
        if squeezed[i]:
            chosen.append([range(n)[int(begin[i])]])
            continue
        first = None if _marked(begin_masks, i) else int(begin[i])
        stop = None if _marked(end_masks, i) else int(end[i])
        chosen.append(range(n)[slice(first, stop, int(strides[i]))])
    full = filled([len(places) for places in chosen], lambda p: x[tuple(c[i] for c, i in zip(chosen, p, strict=True))])
    kept = [len(places) for places, gone in zip(chosen, squeezed, strict=True) if not gone]
    return full.reshape(kept or [1])


_LISTS = ("end_ids", "strides", "begin_masks", "end_masks", "squeeze_masks")


def _slice_static(inputs, f):
    return _sliced(inputs[0], f["begin_ids"], *(f.get(name, ()) for name in _LISTS))


def _slice_dynamic(inputs, f):
    x, begin, *given = inputs
    return _sliced(x, begin, *given, *(f.get(name, ()) for name in _LISTS[len(given) :]))


@st.composite
def _draw_slices(draw):
    shape = draw(shapes(max_rank=4))
    every = range(len(shape))
    ids = [[draw(st.integers(-n - 1, n + 1)) for n in shape] for _ in range(2)]
    strides = [draw(st.sampled_from([1, 2, -1, -2])) for _ in every]
    masks = [[draw(st.booleans()) for _ in every] for _ in range(2)]
    squeeze = [draw(st.sampled_from([False, False, True])) for _ in every]
    ids[0] = [min(max(i, -n), n - 1) if gone else i for i, n, gone in zip(ids[0], shape, squeeze, strict=True)]
    return draw(arrays(shape)), ids[0], dict(zip(_LISTS, (ids[1], strides, *masks, squeeze), strict=True))


@st.composite
def _draw_static(draw):
    x, begin, lists = draw(_draw_slices())
    return Case((x,), {"begin_ids": begin, **lists})


@st.composite
def _draw_dynamic(draw):
    x, begin, lists = draw(_draw_slices())
    wired = draw(st.integers(0, len(_LISTS)))
    inputs = [np.float32(lists[name]) for name in _LISTS[:wired]]
    return Case((x, np.float32(begin), *inputs), {name: lists[name] for name in _LISTS[wired:]})


_BOX = numbers(5, 6, 4)
_BOUNDS = {
    "begin_ids": (1, -4, 3),
    "end_ids": (5, 6, 0),
    "strides": (2, 1, -1),
    "begin_masks": (False, False, False),
    "end_masks": (False, False, False),
    "squeeze_masks": (False, False, False),
}
_RUN = np.float32([10, 20, 30, 40])
_RUN_ALL = {"begin_masks": (False,), "end_masks": (True,), "strides": (1,), "end_ids": (0,)}
_ROWS_FROM_1 = {
    "begin_ids": (1, 0, 0, 0, 0),
    "end_ids": (9, 9, 9, 0, 0),
    "strides": (1, 1, 1, 1, 1),
    **dict.fromkeys(("begin_masks", "end_masks", "squeeze_masks"), (False,) * 5),
}
kind(
    "sliceStatic",
    oracle=_slice_static,
    base=Case((_BOX,), _BOUNDS),
    vary={
        "begin_ids": [(0, -4, 3), (1, -9, 3)],
        "end_ids": [(3, 6, 0), (5, -2, 1), (9, 9, -9)],
        "strides": [(1, 1, -1), (2, 3, -2)],
        "begin_masks": [(True, True, False)],
        "end_masks": [(False, False, True)],
        "squeeze_masks": [(False, True, False), (True, True, True)],
    },
    draw=_draw_static(),
    worked=[
        (Case((_RUN,), {**_RUN_ALL, "begin_ids": (-3,), "strides": (2,)}), [[20, 40]]),
        (Case((_RUN,), {**_RUN_ALL, "begin_ids": (0,), "begin_masks": (True,), "strides": (-1,)}), [[40, 30, 20, 10]]),
        (Case((_RUN,), {**_RUN_ALL, "begin_ids": (-1,), "squeeze_masks": (True,)}), [[40]]),
        (
            Case((_RUN,), {**_RUN_ALL, "begin_ids": (1,), "end_masks": (False,), "end_ids": (2**31 - 1,)}),
            [[20, 30, 40]],
        ),
        # an image and three axes: those of the image
        (Case((_X[None],), {name: values[:3] for name, values in _ROWS_FROM_1.items()}), [_X[1:]]),
        (Case((_X,), _ROWS_FROM_1), [_X[1:]]),
    ],
    refuse=[
        (Case((_X,), {**_ROWS_FROM_1, "strides": (1, 1, 1, 1, 2)}), "strides has 5 values; x has rank 3"),
        (Case((_X,), {**_ROWS_FROM_1, "squeeze_masks": (False,) * 4 + (True,)}), "squeeze masks has 5 values"),
        (Case((_RUN,), {**_RUN_ALL, "begin_ids": (0,), "strides": (0,)}), "stride is 0"),
        (
            Case((_RUN,), {**_RUN_ALL, "begin_ids": (4,), "squeeze_masks": (True,)}),
            "out of range for an axis of size 4",
        ),
        (Case((_X,), {**_RUN_ALL, "begin_ids": (0,)}), "needs one for each axis"),
    ],
)
# as common converters write them, whatever the rank
_FIVE_AXES = {"strides": (1,) * 5} | dict.fromkeys(("begin_masks", "end_masks", "squeeze_masks"), (False,) * 5)
_FIELDS = {name: _BOUNDS[name] for name in _LISTS}
_BEGIN = np.float32(_BOUNDS["begin_ids"])
_ALL_WIRED = tuple(np.float32(_BOUNDS[name]) for name in _LISTS)
kind(
    "sliceDynamic",
    oracle=_slice_dynamic,
    base=Case((_BOX, _BEGIN), _FIELDS),
    vary={
        "end_ids": [(3, 6, 0)],
        "strides": [(1, 1, -1)],
        "begin_masks": [(True, True, False)],
        "end_masks": [(False, False, True)],
        "squeeze_masks": [(False, True, False), (True, True, True)],
        "inputs": [
            Case((_BOX, _BEGIN - 1), _FIELDS),
            # what is wired counts, and not the field of its name
            Case((_BOX, _BEGIN, np.float32([4, -3, 0])), _FIELDS),
            Case((_BOX, _BEGIN, _ALL_WIRED[0], np.float32([1, 2, -2])), _FIELDS),
            Case((_BOX, _BEGIN, *_ALL_WIRED[:2], np.float32([0, 1, 0])), _FIELDS),
            Case((_BOX, _BEGIN, *_ALL_WIRED[:3], np.float32([0, 0, 1])), _FIELDS),
            Case((_BOX, _BEGIN, *_ALL_WIRED[:4], np.float32([1, 0, 0])), _FIELDS),
        ],
    },
    draw=_draw_dynamic(),
    worked=[
        (Case((_RUN, np.float32([-3])), {"end_masks": (True,), "strides": (2,), "end_ids": (0,)}), [[20, 40]]),
        (Case((_RUN, np.float32([1]), np.float32([3])), {"strides": (1,)}), [[20, 30]]),
        (Case((_RUN, np.float32([1]), np.float32([3])), _FIVE_AXES), [[20, 30]]),
        (Case((_RUN, np.float32([1])), {**_FIVE_AXES, "end_ids": (3,)}), [[20, 30]]),
    ],
    refuse=[
        (Case((_X, np.float32([0])), _FIELDS), "begin has 1 values"),
        (Case((_RUN, np.float32([0]), np.float32([4]), np.float32([0]))), "stride is 0"),
        (Case((_RUN, np.float32([np.nan])), {"strides": (1,)}), "all must be finite"),
    ],
)


def _by_size(inputs, f):
    x, begin = inputs
    axis = f["axis"] % x.ndim
    first = int(begin.flat[0])
    first = min(first + x.shape[axis] if first < 0 else first, x.shape[axis] - f["size"])
    return filled(moved(x.shape, axis, f["size"]), lambda p: x[moved(p, axis, p[axis] + first)])


@st.composite
def _draw_by_size(draw):
    shape = draw(shapes())
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    size = draw(st.integers(1, shape[axis]))
    begin = draw(st.integers(-shape[axis], shape[axis]))
    return Case((draw(arrays(shape)), np.float32([begin])), {"axis": axis, "size": size})


_FIVE = np.float32([10, 20, 30, 40, 50])
kind(
    "sliceBySize",
    oracle=_by_size,
    base=Case((_X, np.float32([1])), {"axis": 1, "size": 1}),
    vary={
        "axis": [-1],
        "size": [2],
        "inputs": [Case((_X, np.float32([begin])), {"axis": 1, "size": 1}) for begin in (2, -3)],
    },
    draw=_draw_by_size(),
    whole=(1,),
    worked=[
        (Case((_FIVE, np.float32([2])), {"axis": 0, "size": 2}), [[30, 40]]),
        (Case((_FIVE, np.float32([-2])), {"axis": 0, "size": 2}), [[40, 50]]),
        (Case((_FIVE, np.float32([4])), {"axis": 0, "size": 2}), [[40, 50]]),
    ],
    refuse=[
        (Case((_FIVE, np.float32([0])), {"axis": 0, "size": 6}), "from 1 to 5, the size of the axis"),
        (Case((_FIVE, np.float32([0, 1])), {"axis": 0, "size": 2}), "a single number"),
    ],
)


def _windows(inputs, f):
    (x,) = inputs
    axis, width, step = f["axis"] % x.ndim, f["window_size"], f["step"]
    count = 1
    while count * step + width <= x.shape[axis]:
        count += 1
    shape = (*x.shape[:axis], count, width, *x.shape[axis + 1 :])
    return filled(shape, lambda p: x[(*p[:axis], p[axis] * step + p[axis + 1], *p[axis + 2 :])])


@st.composite
def _draw_windows(draw):
    shape = draw(shapes(max_rank=4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    width = draw(st.integers(1, shape[axis]))
    return Case((draw(arrays(shape)),), {"axis": axis, "window_size": width, "step": draw(st.integers(1, 3))})


kind(
    "slidingWindows",
    oracle=_windows,
    base=Case((numbers(2, 8, 6),), {"axis": 1, "window_size": 3, "step": 2}),
    vary={"axis": [-1], "window_size": [1, 4], "step": [1, 3]},
    draw=_draw_windows(),
    worked=[
        (
            Case((np.arange(1, 9, dtype=np.float32),), {"axis": 0, "window_size": 3, "step": 2}),
            [[[1, 2, 3], [3, 4, 5], [5, 6, 7]]],
        )
    ],
    refuse=[
        (Case((_FIVE,), {"axis": 0, "window_size": 6, "step": 1}), "must fit into the axis of size 5"),
        (Case((_FIVE,), {"axis": 0, "window_size": 2, "step": 0}), "step 0"),
    ],
)
