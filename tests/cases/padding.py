"""Padding and cropping of images."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers
from graphml.spec.attributes import Choice


def _padding(inputs, f):
    """Where each output row and column comes from, one index at a time; -1 is the constant."""
    x = np.asarray(inputs[0])
    name, own = f["padding_type"]
    amounts = f.get("padding_amounts") or ((0, 0), (0, 0))
    for axis, (before, after) in zip((x.ndim - 2, x.ndim - 1), amounts, strict=True):
        n = x.shape[axis]
        parts = []
        for place in range(-before, n + after):
            if name == "reflection":
                place = -place if place < 0 else 2 * (n - 1) - place if place >= n else place
            elif name == "replication":
                place = min(max(place, 0), n - 1)
            inside = 0 <= place < n
            part = (
                np.take(x, place, axis=axis)
                if inside
                else np.full_like(np.take(x, 0, axis=axis), own.get("value", 0.0))
            )
            parts.append(part)
        x = np.stack(parts, axis=axis)
    return x


def _crop(inputs, f):
    x = np.asarray(inputs[0])
    if len(inputs) == 1:
        (top, bottom), (left, right) = f["crop_amounts"]
        return x[..., top : x.shape[-2] - bottom, left : x.shape[-1] - right]
    top, left = f.get("offset") or (0, 0)
    height, width = inputs[1].shape[-2:]
    return np.take(np.take(x, range(top, top + height), -2), range(left, left + width), -1)


_TYPES = [
    Choice("constant", {"value": 0.0}),
    Choice("constant", {"value": -1.5}),
    Choice("reflection"),
    Choice("replication"),
]
_X = numbers(2, 3, 4, 5)


@st.composite
def _draw_padding(draw):
    x = draw(arrays(draw(st.sampled_from([(4, 5), (2, 4, 5), (1, 2, 5, 4), (1, 2, 1, 4, 4)]))))
    amounts = draw(st.sampled_from([(), ((0, 0), (0, 0)), ((1, 2), (0, 3)), ((3, 3), (2, 0))]))
    return Case((x,), {"padding_type": draw(st.sampled_from(_TYPES)), "padding_amounts": amounts})


@st.composite
def _draw_crop(draw):
    front = draw(st.sampled_from([(2,), (1, 2), (2, 1, 2)]))
    x = draw(arrays((*front, 5, 6)))
    if draw(st.booleans()):
        return Case(
            (x,), {"crop_amounts": draw(st.sampled_from([((0, 0), (0, 0)), ((1, 2), (0, 3)), ((4, 0), (2, 1))]))}
        )
    fields = draw(st.sampled_from([{"offset": (1, 2)}, {"offset": (0, 0)}, {}]))
    return Case((x, draw(arrays((*front, 3, 2)))), fields)


_SQUARE = np.float32([[1, 2, 3], [4, 5, 6]])
_ROW = np.float32([[[1, 2, 3, 4]]])

kind(
    "padding",
    oracle=_padding,
    base=Case((_X,), {"padding_type": _TYPES[0], "padding_amounts": ((1, 2), (3, 1))}),
    vary={
        "padding_type": _TYPES[1:],
        "padding_amounts": [((0, 0), (2, 2)), ()],
        "rank": [Case((_X[0, 0],), {"padding_type": _TYPES[1], "padding_amounts": ((1, 0), (0, 2))})],
    },
    draw=_draw_padding(),
    worked=[
        (
            Case((_SQUARE,), {"padding_type": _TYPES[1], "padding_amounts": ((1, 0), (0, 1))}),
            [[[-1.5, -1.5, -1.5, -1.5], [1, 2, 3, -1.5], [4, 5, 6, -1.5]]],
        ),
        (
            Case((_ROW,), {"padding_type": Choice("reflection"), "padding_amounts": ((0, 0), (3, 2))}),
            [[[[4, 3, 2, 1, 2, 3, 4, 3, 2]]]],
        ),
        (
            Case((_ROW,), {"padding_type": Choice("replication"), "padding_amounts": ((1, 0), (0, 2))}),
            [[[[1, 2, 3, 4, 4, 4], [1, 2, 3, 4, 4, 4]]]],
        ),
    ],
    refuse=[
        (Case((_X,), {"padding_type": Choice("reflection"), "padding_amounts": ((4, 0), (0, 0))}), "a reflection of 4"),
        (Case((_X[0, 0, 0],), {"padding_type": _TYPES[0]}), "rank 1"),
        (Case((_X,), {"padding_type": _TYPES[0], "padding_amounts": ((1, 1),)}), "given for 1 axes"),
        (Case((_X,), {"padding_amounts": ((1, 1), (1, 1))}), "padding is not set"),
    ],
)

kind(
    "crop",
    oracle=_crop,
    base=Case((_X,), {"crop_amounts": ((1, 1), (2, 1))}),
    vary={
        "crop_amounts": [((0, 2), (1, 0)), ((0, 0), (0, 0))],
        "offset": [Case((_X, numbers(2, 7, 2, 2)), {"offset": offset}) for offset in ((1, 3), (2, 0))],
        "inputs": [Case((_X, numbers(2, 3, 3, 4)))],
    },
    draw=_draw_crop(),
    worked=[
        (Case((_ROW,), {"crop_amounts": ((0, 0), (1, 2))}), [[[[2]]]]),
        (Case((_ROW, np.zeros((5, 1, 2), np.float32)), {"offset": (0, 2)}), [[[[3, 4]]]]),
    ],
    refuse=[
        (Case((_X,), {"crop_amounts": ((2, 2), (0, 0))}), "cannot crop [0, 5] pixels at [2, 0] from an image of"),
        (Case((_X, numbers(2, 3, 2, 2)), {"offset": (3, 0)}), "cannot crop [2, 2] pixels at [3, 0] from an image of"),
        (Case((_X, numbers(2, 3, 2, 2)), {"offset": (3,)}), "offset is [3]"),
        (Case((_X[0, 0],), {"crop_amounts": ((0, 0), (0, 0))}), "images must have rank 3 or more"),
    ],
)
