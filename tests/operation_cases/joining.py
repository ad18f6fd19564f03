"""Joining and splitting, element by element."""

import numpy as np
from cases import filled, moved
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_A, _B = numbers(2, 3), numbers(2, 3, low=5, high=9)


def _concatenated(i, a):
    values = [np.atleast_1d(x) for x in i["values"]]
    axis = a["axis"] % values[0].ndim
    order = [(k, j) for k, x in enumerate(values) for j in range(x.shape[axis])]
    if a["interleave"]:
        order.sort(key=lambda source: source[1])
    shape = moved(values[0].shape, axis, len(order))
    y = filled(shape, lambda p: values[order[p[axis]][0]][moved(p, axis, order[p[axis]][1])])
    return y.astype(values[0].dtype)


def _values(*values, **attributes):
    return Case({"values": list(values)}, attributes)


@st.composite
def _draw_concat(draw):
    shape = draw(shapes())
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    return _values(*(draw(arrays(moved(shape, axis % len(shape), n))) for n in sizes), axis=axis)


_IMAGES = numbers(2, 3, 4, 1), numbers(2, 3, 4, 1, seed=1)

operation(
    "concat",
    15,
    oracle=_concatenated,
    base=_values(_A, _B, axis=0),
    vary={
        "axis": [1, -1],
        "interleave": [True, _values(_A, _B, axis=1, interleave=True)],
        "values": [_values(_A, numbers(4, 3), _B, axis=-2), _values(_A, axis=0)],
        "images": [
            _values(numbers(2, 3, 4, 1), numbers(2, 1, 4, 1), axis=1),
            _values(*_IMAGES, axis=-1),
            _values(*_IMAGES, axis=1, interleave=True),
        ],
    },
    draw=_draw_concat(),
    unlike_coremltools=dict.fromkeys(("interleave", "images", "worked"), "its values are never interleaved"),
    worked=[
        (_values(np.float32([[1, 2]]), np.float32([[3, 4]]), axis=0), [[1, 2], [3, 4]]),
        (_values(np.float32([1, 2]), np.float32([3, 4]), axis=0, interleave=True), [1, 3, 2, 4]),
        (_values(np.float32(1), np.float32(2), axis=0), [1, 2]),  # scalars make a vector
        (_values(np.float32([]), np.float32([2]), axis=0), [2]),
    ],
    refuse=[
        (
            _values(_A, numbers(2, 4), axis=0),
            "values have shapes [2, 3], [2, 4]; they must be equal except on the axis",
        ),
        (_values(_A, numbers(1, 3), axis=0, interleave=True), "they must be equal"),
        (_values(_A, numbers(3), axis=0), "they must be equal"),
        (_values(_A, _B, axis=2), "axis 2 is out of range"),
    ],
)


def _stacked(i, a):
    values, rank = i["values"], i["values"][0].ndim + 1
    axis = a["axis"] % rank
    shape = (*values[0].shape[:axis], len(values), *values[0].shape[axis:])
    return filled(shape, lambda p: values[p[axis]][(*p[:axis], *p[axis + 1 :])]).astype(values[0].dtype)


operation(
    "stack",
    15,
    oracle=_stacked,
    base=_values(_A, _B, axis=0),
    vary={"axis": [1, 2, -1]},
    draw=st.builds(lambda x: _values(x, x + 1, x - 1, axis=-1), shapes(max_rank=4).flatmap(arrays)),
    worked=[
        (_values(np.float32([1, 2]), np.float32([3, 4]), axis=1), [[1, 3], [2, 4]]),
        (_values(np.float32(1), np.float32(2), axis=0), [1, 2]),
    ],
    refuse=[
        (_values(_A, numbers(3), axis=0), "values have shapes [2, 3], [3]; they must be equal"),
        (_values(_A, _B, axis=3), "axis 3 is out of range for rank 3"),
    ],
)


def _split(i, a):
    axis = a["axis"] % i["x"].ndim
    n = i["x"].shape[axis]
    sizes = [n // a["num_splits"]] * a["num_splits"] if a["split_sizes"] is None else a["split_sizes"]
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return tuple(np.take(i["x"], range(end - size, end), axis) for end, size in zip(ends, sizes, strict=True))


_SPLIT = Case({"x": numbers(6, 4)}, {"num_splits": 2, "axis": 0})

operation(
    "split",
    15,
    oracle=_split,
    base=_SPLIT,
    vary={
        "num_splits": [3, 6],
        "split_sizes": [(1, 5), (2, 4)],
        "axis": [1, -1],
        "images": [
            Case({"x": numbers(2, 6, 2, 3)}, {"split_sizes": (1, 3, 2), "axis": 1}),
            Case({"x": numbers(2, 6, 2, 3)}, {"num_splits": 3, "axis": -1}),
        ],
    },
    draw=st.builds(lambda x: Case({"x": x}, {"num_splits": x.shape[-1], "axis": -1}), shapes().flatmap(arrays)),
    worked=[
        (Case({"x": np.float32([1, 2, 3, 4])}, {"num_splits": 2, "axis": 0}), ([1, 2], [3, 4])),
        (Case({"x": np.float32([1, 2, 3])}, {"split_sizes": (2, 1), "axis": -1}), ([1, 2], [3])),
        (Case({"x": np.float32([1, 2, 3])}, {"split_sizes": (3,), "axis": 0}), ([1, 2, 3],)),
    ],
    refuse=[
        (_SPLIT.but(num_splits=4), "an axis of size 6 cannot be split into 4 equal parts"),
        (_SPLIT.but(num_splits=None), "cannot be split into None equal parts"),
        (_SPLIT.but(split_sizes=(1, 2)), "split_sizes [1, 2] add up to 3; the axis has size 6"),
        (_SPLIT.but(split_sizes=(7, -1)), "split_sizes [7, -1] add up to 6"),
    ],
)
