"""Pooling over images: maximum, mean, norm."""

import itertools

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers
from graphml.spec.attributes import Choice


def _oracle(inputs, f):
    """Each window by itself: the pixels in it, and how many places of the padded image it covers."""
    x = np.asarray(inputs[0], np.float64)
    sizes, name = x.shape[-2:], f.get("type", "MAX")
    if f.get("global_pooling"):
        return _pooled(x, name, x.shape[-2] * x.shape[-1])[..., None, None]
    kernel, stride = f.get("kernel_size") or (3, 3), f.get("stride") or (1, 1)
    starts, pads = zip(
        *(_walk(f["pooling_padding_type"], sizes, kernel, stride, axis) for axis in range(2)), strict=True
    )
    y = np.zeros((*x.shape[:-2], len(starts[0]), len(starts[1])))
    for (i, top), (j, left) in itertools.product(enumerate(starts[0]), enumerate(starts[1])):
        seen = x[..., max(top, 0) : max(top + kernel[0], 0), max(left, 0) : max(left + kernel[1], 0)]
        if f.get("avg_pool_exclude_padding"):
            places = seen.shape[-2] * seen.shape[-1]
        else:
            places = 1
            for start, k, n, (before, after) in zip((top, left), kernel, sizes, pads, strict=True):
                places *= len([p for p in range(start, start + k) if -before <= p < n + after])
        if seen.shape[-2] and seen.shape[-1]:
            y[..., i, j] = _pooled(seen, name, places)
    return y


def _pooled(seen, name, places):
    if name == "MAX":
        return seen.max(axis=(-2, -1))
    return seen.sum(axis=(-2, -1)) / places if name == "AVERAGE" else np.sqrt((seen**2).sum(axis=(-2, -1)))


def _walk(choice, sizes, kernel, stride, axis):
    """Where windows start along an axis, and the declared padding there."""
    n, k, s = sizes[axis], kernel[axis], stride[axis]
    if choice.name == "valid":
        before, after = (choice.fields.get("padding_amounts") or ((0, 0), (0, 0)))[axis]
        count = int(np.floor((n + before + after - k) / s)) + 1
    elif choice.name == "same":
        count = int(np.ceil(n / s))
        total = max(0, (count - 1) * s + k - n)
        before = total // 2
        if choice.fields.get("asymmetry_mode") == "TOP_LEFT_HEAVY":
            before = total - before
        after = total - before
    else:
        amounts = choice.fields.get("padding_amounts") or (0, 0)
        before = after = amounts[axis]
        count = int(np.ceil((n + 2 * before - k) / s)) + 1
        if (amounts[0] > 0 or amounts[1] > 0) and (count - 1) * s >= n + before:
            count -= 1
    return [i * s - before for i in range(count)], (before, after)


def _valid(*amounts):
    return Choice("valid", {"padding_amounts": amounts} if amounts else {})


def _complete(*amounts):
    return Choice("includeLastPixel", {"padding_amounts": amounts} if amounts else {})


_SAME, _SAME_TOP = (Choice("same", {"asymmetry_mode": f"{side}_HEAVY"}) for side in ("BOTTOM_RIGHT", "TOP_LEFT"))
_X = numbers(2, 3, 6, 7)
_PADDED = ((1, 2), (0, 1))
_BASE = Case(
    (_X,), {"type": "AVERAGE", "kernel_size": (2, 3), "stride": (2, 2), "pooling_padding_type": _valid(*_PADDED)}
)
_MAX = _BASE.but(type="MAX")

_PADDINGS = [_valid(), _valid((1, 0), (2, 1)), _SAME, _SAME_TOP, _complete(), _complete(1, 1), _complete(0, 1)]


@st.composite
def _draw(draw):
    fields = {
        "type": draw(st.sampled_from(["MAX", "AVERAGE", "L2"])),
        "kernel_size": draw(st.sampled_from([(2, 2), (3, 2), (1, 1), (3, 3)])),
        "stride": draw(st.sampled_from([(1, 1), (2, 2), (2, 3)])),
        "avg_pool_exclude_padding": draw(st.booleans()),
        "pooling_padding_type": draw(st.sampled_from(_PADDINGS)),
        "global_pooling": draw(st.sampled_from([False, False, False, True])),
    }
    x = draw(arrays(draw(st.sampled_from([(1, 2, 5, 5), (2, 1, 2, 4, 7)]))))
    return Case((np.round(x) if draw(st.booleans()) else x,), fields)  # rounded: with ties


_FOUR = np.float32([[1, 2], [3, 6]]).reshape(1, 1, 2, 2)
_LINE = np.float32([1, 3, 2, 4, 9]).reshape(1, 1, 1, 5)

kind(
    "pooling",
    oracle=_oracle,
    base=_BASE,
    vary={
        "type": ["MAX", "L2"],
        "kernel_size": [(3, 3), (2, 2), _MAX.but(kernel_size=(2, 2)), _MAX.but(kernel_size=(7, 7), stride=(1, 1))],
        "stride": [(1, 2), (3, 1)],
        "pooling_padding_type": [
            _valid(),
            _SAME,
            _SAME_TOP,
            _complete(),
            _complete(1, 1),
            _MAX.but(pooling_padding_type=_SAME),
        ],
        "avg_pool_exclude_padding": [True],
        "global_pooling": [
            _BASE.but(type=name, global_pooling=True, pooling_padding_type=None) for name in ("MAX", "AVERAGE", "L2")
        ],
        "rank": [Case((numbers(1, 2, 3, 5, 5),), _BASE.fields, exact=False)],
    },
    draw=_draw(),
    worked=[
        (Case((_FOUR,), {"global_pooling": True, "type": "AVERAGE"}), [[[[[3]]]]]),
        (Case((_FOUR,), {"global_pooling": True, "type": "L2"}), [[[[[np.sqrt(50)]]]]]),
        (
            Case((_LINE,), {"kernel_size": (1, 2), "stride": (1, 2), "pooling_padding_type": _valid()}),
            [[[[[3, 4]]]]],
        ),
        # the size is rounded up, so that the 9 is seen
        (
            Case((_LINE,), {"kernel_size": (1, 2), "stride": (1, 2), "pooling_padding_type": _complete()}),
            [[[[[3, 4, 9]]]]],
        ),
        # with a padding on both sides the last window would start in it, and is left out
        (
            Case((_LINE,), {"kernel_size": (1, 2), "stride": (1, 3), "pooling_padding_type": _complete(0, 1)}),
            [[[[[1, 4]]]]],
        ),
        # the zero in front counts, or not
        (
            Case(
                (_LINE,),
                {
                    "type": "AVERAGE",
                    "kernel_size": (1, 2),
                    "stride": (1, 2),
                    "pooling_padding_type": _valid((0, 0), (1, 0)),
                },
            ),
            [[[[[0.5, 2.5, 6.5]]]]],
        ),
        (
            Case(
                (_LINE,),
                {
                    "type": "AVERAGE",
                    "kernel_size": (1, 2),
                    "stride": (1, 2),
                    "pooling_padding_type": _valid((0, 0), (1, 0)),
                    "avg_pool_exclude_padding": True,
                },
            ),
            [[[[[1, 2.5, 6.5]]]]],
        ),
        # padding never wins, even where all pixels are negative
        (
            Case((-_LINE,), {"kernel_size": (1, 3), "stride": (1, 4), "pooling_padding_type": _valid((0, 0), (1, 1))}),
            [[[[[-1, -4]]]]],
        ),
    ],
    refuse=[
        (_BASE.but(inputs=(numbers(3, 5, 5),)), "rank 3"),
        (_BASE.but(inputs=(numbers(1, 3, 5, 1),), pooling_padding_type=_valid()), "a window of 3 does not fit into 1"),
        (
            _BASE.but(inputs=(numbers(1, 3, 5, 5),), pooling_padding_type=_complete(), kernel_size=(9, 1)),
            "does not fit into 5",
        ),
        (_BASE.but(stride=(1, 0)), "stride is [1, 0]"),
        (_BASE.but(pooling_padding_type=None), "padding is not set"),
    ],
)
