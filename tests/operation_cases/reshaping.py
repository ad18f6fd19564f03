"""Reshaping: NumPy reads and fills in the same order; what the shapes are is worked out here."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_X = numbers(1, 3, 1, 2)
_NOT_ONE = "its values, unlike its shapes, cannot squeeze axes that are longer than 1, or all axes"


# Axes of length 1 ----------------------------------------------------------------------------------------------------


def _expanded(i, a):
    axes = np.atleast_1d(a["axes"])
    rank = i["x"].ndim + len(axes)
    sizes = iter(i["x"].shape)
    places = {axis + rank if axis < 0 else axis for axis in axes}
    return i["x"].reshape([1 if axis in places else next(sizes) for axis in range(rank)])


@st.composite
def _draw_expand_dims(draw):
    x = draw(arrays(draw(shapes(max_rank=3))))
    return Case({"x": x}, {"axes": (draw(st.integers(-x.ndim - 1, x.ndim)),)})


operation(
    "expand_dims",
    15,
    oracle=_expanded,
    base=Case({"x": numbers(2, 3)}, {"axes": (0,)}),
    vary={"axes": [(1,), (-1,), (0, 2), (-1, -3)]},
    draw=_draw_expand_dims(),
    worked=[
        (Case({"x": np.float32(7)}, {"axes": (0,)}), [7]),
        (Case({"x": np.float32([1, 2])}, {"axes": (0, -1)}), [[[1], [2]]]),  # axes are those of the result
    ],
    refuse=[
        (Case({"x": _X}, {"axes": (1, -5)}), "names an axis twice"),
        (Case({"x": _X}, {"axes": (5,)}), "axis 5 is out of range for rank 5"),
    ],
)


def _squeezed(i, a):
    shape = i["x"].shape
    named = range(len(shape)) if a["axes"] is None else [axis % len(shape) for axis in a["axes"]]
    return i["x"].reshape([n for axis, n in enumerate(shape) if not (axis in named and n == 1)])


operation(
    "squeeze",
    15,
    oracle=_squeezed,
    base=Case({"x": _X}),
    vary={"axes": [(0,), (-2,), (0, 1), (1,)]},
    draw=st.builds(lambda x: Case({"x": x}, {"axes": (0,)}), shapes().flatmap(arrays)),
    unlike_coremltools={"axes": _NOT_ONE, "worked": _NOT_ONE, "drawn": _NOT_ONE},
    worked=[
        (Case({"x": np.float32([[7]])}), 7),
        (Case({"x": np.float32([[[1, 2]]])}, {"axes": (0, 2)}), [[1, 2]]),  # axis 2 is longer than 1 and stays
    ],
    refuse=[(Case({"x": _X}, {"axes": (4,)}), "axis 4 is out of range for rank 4")],
)


# Other shapes --------------------------------------------------------------------------------------------------------


def _reshaped(x, shape):
    known = int(np.prod([n for n in shape if n != -1]))
    return x.reshape([x.size // known if n == -1 else n for n in shape])


def _reshaped_15(i, a):
    x = i["x"]
    return _reshaped(x, [x.shape[axis] if n == 0 else n for axis, n in enumerate(map(int, i["shape"]))])


def _reshaped_17(i, a):
    x, shape = i["x"], [int(n) for n in i["shape"]]
    for back in range(1, len(shape) + 1):
        if shape[-back] == 0:
            shape[-back] = x.shape[-back] if back <= x.ndim else 1
    return _reshaped(x, shape)


def _shape(x, *shape):
    return Case({"x": x, "shape": np.int32(shape)})


_WIDE = numbers(2, 6)
_WAYS = [_shape(_WIDE, *shape) for shape in [(-1, 2), (0, -1), (2, -1, 3), (12,)]]
_DRAW = st.builds(lambda x: _shape(x, -1, x.shape[-1]), shapes().flatmap(arrays))
_ALWAYS = [
    (_shape(np.float32([[1, 2, 3], [4, 5, 6]]), 3, -1), [[1, 2], [3, 4], [5, 6]]),
    (_shape(np.float32([[1, 2, 3], [4, 5, 6]]), 0, -1), [[1, 2, 3], [4, 5, 6]]),
    (_shape(np.float32(7), 1, 1), [[7]]),
    (_shape(np.float32([[7]])), 7),
]
_REFUSED = [
    (_shape(_WIDE, 5, 2), "its 12 elements do not fill [5, 2]"),
    (_shape(_WIDE, 5, -1), "its 12 elements do not fill [5, -1]"),
    (_shape(_WIDE, -1, -1), "at most one -1"),
    (Case({"x": _WIDE, "shape": np.int32([[12]])}), "it must be a list of integers (rank 1)"),
]

operation(
    "reshape",
    15,
    oracle=_reshaped_15,
    base=_shape(_WIDE, 3, 4),
    vary={"shape": [*_WAYS, _shape(numbers(2, 3, 2), 0, -1, 1)]},
    draw=_DRAW,
    worked=_ALWAYS,
    refuse=[*_REFUSED, (_shape(_WIDE, 1, 0, -1, 0), "has another rank")],
)
operation(
    "reshape",
    17,
    oracle=_reshaped_17,
    base=_shape(_WIDE, 3, 4),
    vary={"shape": [*_WAYS, _shape(numbers(2, 3, 2), 0, -1), _shape(_WIDE, 0, 0, 0, 0)]},
    draw=_DRAW,
    worked=[
        *_ALWAYS,
        # a 0 is the axis as far from the end, or 1 where there is none
        (_shape(np.float32([[1, 2, 3], [4, 5, 6]]), 1, 0, -1, 0), [[[[1, 2, 3], [4, 5, 6]]]]),
        (_shape(np.float32([[1, 2, 3], [4, 5, 6]]), -1, 1, 0), [[[1, 2, 3]], [[4, 5, 6]]]),
        (_shape(np.float32([[[1, 2]], [[3, 4]]]), -1, 0), [[1, 2], [3, 4]]),
    ],
    refuse=_REFUSED,
)


def _like(i, a):
    shape = []
    for tensor, begin, end, on in zip(i["ref_tensors"], a["begins"], a["ends"], a["end_masks"], strict=True):
        sizes = list(tensor.shape)
        shape += sizes[begin:] if on else sizes[begin:end]
    return i["x"].reshape(shape)


_LIKE = Case(
    {"x": numbers(12), "ref_tensors": [numbers(1, 2, 3, 1), numbers(2, 1)]},
    {"begins": (0, 0), "ends": (3, 1), "end_masks": (False, True)},
)

operation(
    "reshape_like",
    16,
    oracle=_like,
    base=_LIKE,
    vary={"begins": [(1, 0)], "ends": [(4, 1)], "end_masks": [(False, False)]},
    draw=st.builds(
        lambda x: Case({"x": x, "ref_tensors": [x]}, {"begins": (0,), "ends": (0,), "end_masks": (True,)}),
        shapes().flatmap(arrays),
    ),
    worked=[
        (
            Case(
                {"x": np.float32([1, 2, 3, 4]), "ref_tensors": [np.zeros((5, 2), np.float32), np.int32([[8, 9]])]},
                {"begins": (1, -2), "ends": (2, 2), "end_masks": (False, True)},
            ),
            [[[1, 2]], [[3, 4]]],
        )
    ],
    refuse=[
        (_LIKE.but(begins=(0,)), "each needs one"),
        (_LIKE.but(begins=(2, 0)), "its 12 elements do not fill [3, 2, 1]"),
    ],
)

operation(
    "flatten2d",
    15,
    oracle=lambda i, a: i["x"].reshape(int(np.prod(i["x"].shape[: a["axis"]])), -1),
    base=Case({"x": numbers(2, 3, 4)}),
    vary={"axis": [2, -1, 0]},
    draw=st.builds(lambda x: Case({"x": x}, {"axis": x.ndim - 1}), shapes().flatmap(arrays)),
    unlike_coremltools=dict.fromkeys(("axis", "worked", "drawn"), "its product of no sizes is a float"),
    worked=[
        (Case({"x": np.float32([[[1, 2]], [[3, 4]]])}), [[1, 2], [3, 4]]),
        (Case({"x": np.float32([[1, 2]])}, {"axis": 0}), [[1, 2]]),
    ],
    refuse=[(Case({"x": numbers(2, 3)}, {"axis": 3}), "axis 3 is out of range for rank 2")],
)
