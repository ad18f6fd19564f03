"""Other shapes for the same numbers, and borders. The oracles work on flat lists of numbers."""

import itertools
import math

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes


def _as(x, shape):
    """The numbers of x in order, filled into a shape."""
    out = np.zeros(shape)
    for place, value in zip(itertools.product(*map(range, shape)), x.ravel().tolist(), strict=True):
        out[place] = value
    return out


def _infer(size, target):
    rest = math.prod(n for n in target if n != -1)
    return tuple(size // rest if n == -1 else n for n in target)


_X = numbers(2, 3, 4)
_EMPTY = np.zeros((0, 3), np.float32)

kind(
    "copy",
    oracle=lambda inputs, f: inputs[0].astype(np.float64),
    base=Case((_X,)),
    vary={"inputs": [Case((_X + 1,))]},
    draw=shapes().flatmap(arrays).map(lambda x: Case((x,))),
    worked=[(Case((np.float32([[1, 2]]),)), [[[1, 2]]])],
)


def _squeeze(inputs, f):
    (x,) = inputs
    axes = [axis % x.ndim for axis in f.get("axes", ())]
    kept = [n for axis, n in enumerate(x.shape) if (n != 1 if f.get("squeeze_all") else axis not in axes)]
    return _as(x, kept or [1])


@st.composite
def _draw_squeeze(draw):
    shape = draw(shapes())
    x = draw(arrays(shape))
    ones = [axis - draw(st.sampled_from([0, len(shape)])) for axis, n in enumerate(shape) if n == 1]
    axes = tuple(axis for axis in ones if draw(st.booleans()))
    return Case((x,), {"axes": axes} if axes else {"squeeze_all": True})


_ONES = numbers(1, 4, 1, 3)
kind(
    "squeeze",
    oracle=_squeeze,
    base=Case((_ONES,), {"axes": (0,), "squeeze_all": False}),
    vary={"axes": [(-2,), (0, 2), (-4, 2)], "squeeze_all": [True]},
    draw=_draw_squeeze(),
    worked=[
        (Case((np.float32([[[1], [2]]]),), {"axes": (0, -1)}), [[1, 2]]),
        (Case((np.float32([5]),), {"axes": (0,)}), [[5]]),
        (Case((np.float32([[5]]),), {"squeeze_all": True}), [[5]]),
    ],
    refuse=[
        (Case((_ONES,), {"axes": (1,)}), "cannot squeeze axis 1 of size 4"),
        (Case((_ONES,), {"axes": (4,)}), "axis 4 is out of range"),
    ],
)


def _expand(inputs, f):
    (x,) = inputs
    shape = [None] * (x.ndim + len(f["axes"]))
    for axis in f["axes"]:
        shape[axis] = 1
    sizes = list(x.shape)
    return _as(x, [sizes.pop(0) if n is None else n for n in shape])


@st.composite
def _draw_expand(draw):
    shape = draw(shapes(max_rank=3))
    count = draw(st.integers(1, 2))
    rank = len(shape) + count
    places = draw(st.lists(st.integers(0, rank - 1), min_size=count, max_size=count, unique=True))
    return Case((draw(arrays(shape)),), {"axes": tuple(p - draw(st.sampled_from([0, rank])) for p in places)})


kind(
    "expandDims",
    oracle=_expand,
    base=Case((_X,), {"axes": (1,)}),
    vary={"axes": [(-1,), (-1, 0), (0, 1), (-2, -1)]},
    draw=_draw_expand(),
    worked=[(Case((np.float32([1, 2]),), {"axes": (-1, 0)}), [[[[1], [2]]]])],
    refuse=[
        (Case((_X,), {"axes": (0, -5)}), "names an axis twice"),
        (Case((_X,), {"axes": (4,)}), "axis 4 is out of range"),
    ],
)


def _flatten(inputs, f):
    (x,) = inputs
    axis = f["axis"] if f["axis"] >= 0 else f["axis"] + x.ndim
    rows = 1
    for n in x.shape[:axis]:
        rows *= n
    return _as(x, (rows, x.size // rows))


@st.composite
def _draw_flatten(draw):
    shape = draw(shapes())
    return Case((draw(arrays(shape)),), {"axis": draw(st.integers(-len(shape), len(shape)))})


kind(
    "flattenTo2D",
    oracle=_flatten,
    base=Case((_X,), {"axis": 1}),
    vary={"axis": [0, 2, -1, 3]},
    draw=_draw_flatten(),
    worked=[
        (Case((np.float32([1, 2, 3]),), {"axis": -1}), [[[1, 2, 3]]]),
        (Case((np.float32([1, 2, 3]),), {"axis": 1}), [[[1], [2], [3]]]),
        (Case((_EMPTY,), {"axis": 1}), [_EMPTY]),
    ],
    refuse=[(Case((_X,), {"axis": 4}), "axis 4 is out of range")],
)

# Shapes of 24 numbers for any of 24 numbers, and some for a single one
_TARGETS = st.sampled_from([(24,), (2, 3, 4), (4, 6), (1, 24), (2, 1, 3, 2, 2)])


@st.composite
def _draw_reshape(draw, free):
    x = draw(arrays(draw(_TARGETS)))
    target = list(draw(_TARGETS))
    if free and draw(st.booleans()):
        target[draw(st.integers(0, len(target) - 1))] = -1
    return x, tuple(target)


_DO_NOT_FILL = "its 24 elements do not fill"
kind(
    "reshapeLike",
    oracle=lambda inputs, f: _as(inputs[0], inputs[1].shape),
    base=Case((_X, numbers(4, 6))),
    vary={"inputs": [Case((_X, numbers(6, 4)))]},
    draw=_draw_reshape(False).map(lambda drawn: Case((drawn[0], np.zeros(drawn[1], np.float32)))),
    worked=[(Case((np.float32([1, 2, 3, 4]), np.zeros((2, 2), np.float32))), [[[1, 2], [3, 4]]])],
    refuse=[(Case((_X, numbers(5, 5))), _DO_NOT_FILL)],
)
kind(
    "reshapeStatic",
    oracle=lambda inputs, f: _as(inputs[0], _infer(inputs[0].size, f["target_shape"])),
    base=Case((_X,), {"target_shape": (4, 6)}),
    vary={"target_shape": [(6, 4), (-1,), (2, -1, 2)]},
    draw=_draw_reshape(True).map(lambda drawn: Case(drawn[:1], {"target_shape": drawn[1]})),
    worked=[
        (Case((np.float32([1, 2, 3, 4]),), {"target_shape": (2, -1)}), [[[1, 2], [3, 4]]]),
        (Case((_EMPTY,), {"target_shape": (-1, 5)}), [np.zeros((0, 5))]),
    ],
    refuse=[
        (Case((_X,), {"target_shape": (5, -1)}), _DO_NOT_FILL),
        (Case((_X,), {"target_shape": (0, 6, 4)}), _DO_NOT_FILL),
        (Case((_X,), {"target_shape": (-1, -1, 4)}), "at most one -1"),
    ],
)
kind(
    "reshapeDynamic",
    oracle=lambda inputs, f: _as(inputs[0], _infer(inputs[0].size, [int(n) for n in inputs[1]])),
    base=Case((_X, np.float32([4, 6]))),
    vary={"inputs": [Case((_X, np.float32([6, 4]))), Case((_X, np.float32([-1])))]},
    draw=_draw_reshape(True).map(lambda drawn: Case((drawn[0], np.float32(drawn[1])))),
    worked=[(Case((np.float32([1, 2, 3, 4]), np.float32([2, -1]))), [[[1, 2], [3, 4]]])],
    refuse=[
        (Case((_X, np.float32([5, 5]))), _DO_NOT_FILL),
        (Case((_X, np.float32([[4, 6]]))), "a list of numbers (rank 1)"),
    ],
)


def _preserving(inputs, f):
    (x,) = inputs
    target = [n if wanted == 0 else wanted for n, wanted in zip(x.shape, f["target_shape"], strict=True)]
    return _as(x, _infer(x.size, target))


kind(
    "rankPreservingReshape",
    oracle=_preserving,
    base=Case((_X,), {"target_shape": (4, 6, 1)}),
    vary={"target_shape": [(0, 4, 3), (0, -1, 1), (-1, 0, 2)]},
    draw=st.builds(
        lambda x, target: Case((x,), {"target_shape": target}),
        arrays((2, 3, 4)),
        st.sampled_from([(0, 0, 0), (3, 2, 4), (-1, 0, 1), (0, -1, 2), (1, -1, 0), (24, 1, 1)]),
    ),
    worked=[(Case((np.float32([[1, 2], [3, 4], [5, 6]]),), {"target_shape": (-1, 3)}), [[[1, 2, 3], [4, 5, 6]]])],
    refuse=[
        (Case((_X,), {"target_shape": (4, 6)}), "x has rank 3"),
        (Case((_X,), {"target_shape": (0, 0, 5)}), _DO_NOT_FILL),
    ],
)

# Borders --------------------------------------------------------------------------------------------------------------


def _pad(inputs, f):
    x, *wired = inputs
    amounts = [int(n) for n in (wired[0] if wired else f["pad_amounts"])]
    before = []
    shape = []
    for n, first, last in zip(x.shape, amounts[::2], amounts[1::2], strict=True):
        if f.get("pad_to_given_output_size_mode"):
            first, last = (amount - n if amount > n else 0 for amount in (first, last))
        before.append(first)
        shape.append(first + n + last)
    out = np.full(shape, float(f.get("value", 0.0)))
    for place in np.ndindex(*x.shape):
        out[tuple(i + b for i, b in zip(place, before, strict=True))] = x[place]
    return out


@st.composite
def _draw_pad(draw):
    shape = draw(shapes(max_rank=4))
    to_size = draw(st.booleans())
    amounts = [draw(st.integers(0, 3)) for _ in range(2 * len(shape))]
    if to_size:
        for i in range(len(shape)):
            amounts[2 * i + draw(st.integers(0, 1))] = 0
    fields = {"value": draw(st.sampled_from([0.0, -2.5])), "pad_to_given_output_size_mode": to_size}
    x = draw(arrays(shape))
    if draw(st.booleans()):
        return Case((x, np.float32(amounts)), fields)
    return Case((x,), {**fields, "pad_amounts": amounts})


_SIX = np.float32([[1, 2, 3], [4, 5, 6]])
_PAD = {"value": 9.0, "pad_amounts": (1, 0, 0, 2)}
_TO_SIZE = {"value": 9.0, "pad_amounts": (0, 4, 0, 0), "pad_to_given_output_size_mode": True}
kind(
    "constantPad",
    oracle=_pad,
    base=Case((_SIX,), {**_PAD, "pad_to_given_output_size_mode": False}),
    vary={
        "value": [0.0, -1.0],
        "pad_amounts": [(0, 0, 0, 2), (0, 1, 0, 2), (1, 0, 2, 0)],
        "pad_to_given_output_size_mode": [
            Case((_SIX,), _TO_SIZE),
            Case((_SIX,), {**_TO_SIZE, "pad_amounts": (4, 0, 0, 5)}),
        ],
        "inputs": [Case((_SIX, np.float32([0, 2, 2, 0])), _PAD)],
    },
    draw=_draw_pad(),
    worked=[
        (Case((_SIX,), _PAD), [[[9, 9, 9, 9, 9], [1, 2, 3, 9, 9], [4, 5, 6, 9, 9]]]),
        (Case((_SIX,), _TO_SIZE), [[[1, 2, 3], [4, 5, 6], [9, 9, 9], [9, 9, 9]]]),
        (Case((_SIX,), {**_TO_SIZE, "pad_amounts": (3, 0, 0, 1)}), [[[9, 9, 9], [1, 2, 3], [4, 5, 6]]]),
        (Case((np.float32([1]), np.float32([1, 2])), {}), [[0, 1, 0, 0]]),
    ],
    refuse=[
        (Case((_SIX,), {"pad_amounts": (1, 2)}), "x needs 4 of them"),
        (Case((_SIX,), {**_TO_SIZE, "pad_amounts": (4, 4, 0, 0)}), "on one side only"),
        (Case((_SIX, np.float32([0, -1, 0, 0])), {}), "none negative"),
    ],
)
