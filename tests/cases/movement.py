"""Moving numbers. The oracles fill the answer element by element."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, filled, kind, moved, numbers, shapes

_X = numbers(2, 3, 4)
_LINE = np.float32([10, 20, 30, 40])
_TWO_BY_THREE = np.float32([[1, 2, 3], [4, 5, 6]])

# Joining and splitting ------------------------------------------------------------------------------------------------


def _stack(inputs, f):
    axis = f["axis"] % (inputs[0].ndim + 1)
    shape = (*inputs[0].shape[:axis], len(inputs), *inputs[0].shape[axis:])
    return filled(shape, lambda place: inputs[place[axis]][(*place[:axis], *place[axis + 1 :])])


@st.composite
def _draw_stack(draw):
    shape = draw(shapes(max_rank=4))
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    return Case(tuple(draw(arrays(shape)) for _ in range(draw(st.integers(1, 3)))), {"axis": axis})


kind(
    "stack",
    oracle=_stack,
    base=Case((_X, _X + 1), {"axis": 1}),
    vary={"axis": [0, -1, -4, 3], "inputs": [Case((_X, _X + 1, _X - 1), {"axis": 1})]},
    draw=_draw_stack(),
    worked=[
        (Case((np.float32([1, 2]), np.float32([3, 4])), {"axis": 0}), [[[1, 2], [3, 4]]]),
        (Case((np.float32([1, 2]), np.float32([3, 4])), {"axis": -1}), [[[1, 3], [2, 4]]]),
    ],
    refuse=[
        (Case((_X, _X), {"axis": 4}), "axis 4 is out of range"),
        (Case((_X, _X[:1]), {"axis": 0}), "must be equal"),
    ],
)


def _concat(inputs, f):
    axis = f["axis"] % inputs[0].ndim
    lengths = [x.shape[axis] for x in inputs]
    if f.get("interleave"):
        order = [(k, i) for i in range(lengths[0]) for k in range(len(inputs))]
    else:
        order = [(k, i) for k, n in enumerate(lengths) for i in range(n)]
    shape = moved(inputs[0].shape, axis, len(order))
    return filled(shape, lambda p: inputs[order[p[axis]][0]][moved(p, axis, order[p[axis]][1])])


@st.composite
def _draw_concat(draw):
    shape = draw(shapes(max_rank=4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    interleave = draw(st.booleans())
    lengths = [shape[axis]] * 3 if interleave else [shape[axis], draw(st.sampled_from([0, 1, 2])), 1]
    inputs = [draw(arrays(moved(shape, axis % len(shape), n))) for n in lengths[: draw(st.integers(1, 3))]]
    return Case(tuple(inputs), {"axis": axis, "interleave": interleave})


_FIRST, _SECOND = np.float32([[1, 2], [3, 4]]), np.float32([[5, 6], [7, 8]])
kind(
    "concatND",
    oracle=_concat,
    base=Case((_X, _X + 5), {"axis": 1, "interleave": False}),
    vary={
        "axis": [0, -1],
        "interleave": [True],
        "inputs": [Case((_X, _X[:, :1], _X[:, :0], _X), {"axis": 1})],
    },
    draw=_draw_concat(),
    worked=[
        (Case((_FIRST, _SECOND), {"axis": 1}), [[[1, 2, 5, 6], [3, 4, 7, 8]]]),
        (Case((_FIRST, _SECOND), {"axis": 1, "interleave": True}), [[[1, 5, 2, 6], [3, 7, 4, 8]]]),
    ],
    refuse=[
        (Case((_X, _X[:, :, :2]), {"axis": 1}), "they must be equal except on axis 1"),
        (Case((_X, _X[0]), {"axis": 1}), "[3, 4]"),
        (Case((_X, _X[:, :1]), {"axis": 1, "interleave": True}), "they must be equal"),
    ],
)


def _split(inputs, f):
    (x,) = inputs
    sizes = f.get("split_sizes")
    parts = (
        np.array_split(x, f["num_splits"], f["axis"]) if not sizes else np.split(x, np.cumsum(sizes)[:-1], f["axis"])
    )
    return tuple(np.asarray(part, np.float64) for part in parts)


@st.composite
def _draw_split(draw):
    shape = draw(shapes(max_rank=4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    x = draw(arrays(shape))
    if draw(st.booleans()):
        count = draw(st.integers(1, 3))
        return Case((x,), {"axis": axis, "num_splits": count}, outputs=count)
    cut = draw(st.integers(0, shape[axis]))
    return Case((x,), {"axis": axis, "split_sizes": (cut, shape[axis] - cut)}, outputs=2)


_SEVEN = np.arange(7, dtype=np.float32)
kind(
    "splitND",
    oracle=_split,
    base=Case((numbers(5, 4),), {"axis": 0, "num_splits": 2}, outputs=2),
    vary={
        "axis": [-1],
        "num_splits": [Case((numbers(5, 4),), {"axis": 0, "num_splits": 3}, outputs=3)],
        "split_sizes": [(1, 4), (5, 0)],
    },
    draw=_draw_split(),
    worked=[
        (Case((_SEVEN,), {"axis": 0, "num_splits": 3}, outputs=3), [[0, 1, 2], [3, 4], [5, 6]]),
        (Case((_SEVEN,), {"axis": -1, "split_sizes": (4, 3)}, outputs=2), [[0, 1, 2, 3], [4, 5, 6]]),
    ],
    refuse=[
        (Case((_SEVEN,), {"axis": 0, "split_sizes": (4, 4)}, outputs=2), "add up to 8; the axis has size 7"),
        (Case((_SEVEN,), {"axis": 0}, outputs=2), "how many parts"),
    ],
)

# Repeating and reordering ---------------------------------------------------------------------------------------------


def _tile(inputs, f):
    x = inputs[0]
    reps = [int(n) for n in (inputs[1] if len(inputs) > 1 else f["reps"])]
    reps = [1] * (x.ndim - len(reps)) + reps
    shape = [n * r for n, r in zip(x.shape, reps, strict=True)]
    return filled(shape, lambda p: x[tuple(i % n for i, n in zip(p, x.shape, strict=True))])


@st.composite
def _draw_tile(draw):
    shape = draw(shapes(max_rank=4))
    reps = draw(st.lists(st.integers(1, 2), min_size=1, max_size=len(shape)))
    x = draw(arrays(shape))
    return Case((x,), {"reps": reps}) if draw(st.booleans()) else Case((x, np.float32(reps)))


kind(
    "tile",
    oracle=_tile,
    base=Case((_X,), {"reps": (2, 3)}),
    vary={"reps": [(3,), (2, 1, 2)], "inputs": [Case((_X, np.float32([3, 1])), {"reps": (2, 3)})]},
    draw=_draw_tile(),
    worked=[
        (Case((np.float32([1, 2]),), {"reps": (3,)}), [[1, 2, 1, 2, 1, 2]]),
        (Case((_TWO_BY_THREE[:, :1],), {"reps": (2,)}), [[[1, 1], [4, 4]]]),
        (Case((_TWO_BY_THREE[:, :1], np.float32([2, 1]))), [[[1], [4], [1], [4]]]),
    ],
    refuse=[
        (Case((_LINE,), {"reps": (1, 2)}), "reps is [1, 2]"),
        (Case((_LINE,)), "reps is []"),
        (Case((_LINE, np.float32([0]))), "reps is [0]"),
    ],
)


def _transpose(inputs, f):
    (x,) = inputs
    axes = f["axes"]
    place_in_x = [axes.index(axis) for axis in range(x.ndim)]
    return filled([x.shape[axis] for axis in axes], lambda p: x[tuple(p[i] for i in place_in_x)])


@st.composite
def _draw_transpose(draw):
    shape = draw(shapes())
    return Case((draw(arrays(shape)),), {"axes": tuple(draw(st.permutations(range(len(shape)))))})


kind(
    "transpose",
    oracle=_transpose,
    base=Case((_X,), {"axes": (2, 0, 1)}),
    vary={"axes": [(0, 1, 2), (1, 2, 0), (0, 2, 1)]},
    draw=_draw_transpose(),
    worked=[
        (Case((_TWO_BY_THREE,), {"axes": (1, 0)}), [[[1, 4], [2, 5], [3, 6]]]),
        # an image and three axes: those of the image
        (Case((_TWO_BY_THREE[None, :, None],), {"axes": (1, 2, 0)}), [[[[1, 4], [2, 5], [3, 6]]]]),
        (Case((_TWO_BY_THREE[None, None, :, None],), {"axes": (1, 2, 0)}), [[[[1, 4], [2, 5], [3, 6]]]]),
    ],
    refuse=[
        (Case((_X,), {"axes": (0, 1, 1)}), "not a permutation"),
        (Case((_X,), {"axes": (1, 0)}), "not a permutation"),
        (Case((numbers(2, 1, 3, 3),), {"axes": (1, 2, 0)}), "not a permutation"),
    ],
)


def _reverse(inputs, f):
    (x,) = inputs
    marks = f["reverse_dim"]
    return filled(x.shape, lambda p: x[tuple(-1 - i if mark else i for i, mark in zip(p, marks, strict=True))])


@st.composite
def _draw_reverse(draw):
    shape = draw(shapes())
    return Case((draw(arrays(shape)),), {"reverse_dim": tuple(draw(st.booleans()) for _ in shape)})


kind(
    "reverse",
    oracle=_reverse,
    base=Case((_X,), {"reverse_dim": (True, False, True)}),
    vary={"reverse_dim": [(False, False, False), (True, True, True)]},
    draw=_draw_reverse(),
    worked=[
        (Case((_TWO_BY_THREE,), {"reverse_dim": (True, False)}), [[[4, 5, 6], [1, 2, 3]]]),
        (Case((_TWO_BY_THREE[None, :, None],), {"reverse_dim": (True, False, False)}), [[[[4, 5, 6]], [[1, 2, 3]]]]),
    ],
    refuse=[(Case((_X,), {"reverse_dim": (True,)}), "needs one for each axis")],
)


def _reverse_seq(inputs, f):
    x, lengths = inputs
    batch, sequence = f["batch_axis"] % x.ndim, f["sequence_axis"] % x.ndim

    def source(place):
        length, i = int(lengths[place[batch]]), place[sequence]
        return x[moved(place, sequence, length - 1 - i if i < length else i)]

    return filled(x.shape, source)


@st.composite
def _draw_reverse_seq(draw):
    shape = draw(shapes(min_rank=2))
    batch = draw(st.integers(0, len(shape) - 2))
    sequence = draw(st.integers(batch + 1, len(shape) - 1))
    lengths = [draw(st.integers(0, shape[sequence])) for _ in range(shape[batch])]
    back = draw(st.sampled_from([0, len(shape)]))
    return Case(
        (draw(arrays(shape)), np.float32(lengths)), {"batch_axis": batch - back, "sequence_axis": sequence - back}
    )


_THREE_ROWS = np.float32([[10, 11, 12, 13], [20, 21, 22, 23], [30, 31, 32, 33]])
kind(
    "reverseSeq",
    oracle=_reverse_seq,
    base=Case((numbers(3, 3, 4), np.float32([1, 3, 2])), {"batch_axis": 0, "sequence_axis": 2}),
    vary={
        "batch_axis": [1],
        "sequence_axis": [1],
        "inputs": [Case((numbers(3, 3, 4), np.float32([0, 4, 3])), {"batch_axis": 0, "sequence_axis": 2})],
    },
    draw=_draw_reverse_seq(),
    whole=(1,),
    worked=[
        (
            Case((_THREE_ROWS, np.float32([2, 4, 1])), {"batch_axis": 0, "sequence_axis": 1}),
            [[[11, 10, 12, 13], [23, 22, 21, 20], [30, 31, 32, 33]]],
        )
    ],
    refuse=[
        (
            Case((_THREE_ROWS, np.float32([2, 4])), {"batch_axis": 0, "sequence_axis": 1}),
            "it must be [3], as the batch",
        ),
        (
            Case((_THREE_ROWS, np.float32([2, 4, 1])), {"batch_axis": 0, "sequence_axis": 0}),
            "they must be different axes",
        ),
    ],
)
