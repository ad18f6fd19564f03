"""Padding: where each element comes from, worked out axis by axis."""

import numpy as np
from cases import filled
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes


def _source(at, n, mode):
    """The element of an axis of size n that a position outside it reads; None for the constant."""
    if 0 <= at < n:
        return at
    if mode == "constant":
        return None
    if mode == "replicate":
        return 0 if at < 0 else n - 1
    return -at if at < 0 else 2 * (n - 1) - at


def _padded(i, a):
    x, amounts = i["x"], [int(n) for n in i["pad"]]
    amounts = [0] * (2 * x.ndim - len(amounts)) + amounts
    before = amounts[::2]

    def element(place):
        sources = [_source(k - b, n, a["mode"]) for k, b, n in zip(place, before, x.shape, strict=True)]
        return a["constant_val"] if None in sources else x[tuple(sources)]

    shape = [b + n + e for b, n, e in zip(before, x.shape, amounts[1::2], strict=True)]
    return filled(shape, element).astype(x.dtype)


def _pad(x, amounts, **attributes):
    return Case({"x": x, "pad": np.int32(amounts)}, attributes)


_BASE = _pad(numbers(3, 4), [1, 0, 0, 2])
_IMAGE = numbers(2, 3, 4, 5)
_LINE = np.float32([1, 2, 3])

operation(
    "pad",
    15,
    oracle=_padded,
    base=_BASE,
    vary={
        "mode": [
            "reflect",
            "replicate",
            _pad(_IMAGE, [1, 2, 2, 1], mode="reflect"),
            _pad(_IMAGE, [1, 0, 0, 1, 2, 2], mode="replicate"),
        ],
        "constant_val": [1.5],
        "pad": [_pad(numbers(3, 4), [2, 1]), _pad(numbers(3, 4), [0, 0, 0, 0])],
        "images": [_pad(_IMAGE, [1, 2, 0, 1], constant_val=-1.0), _pad(_IMAGE, [0, 1, 1, 0, 0, 2, 1, 1])],
    },
    draw=st.builds(
        lambda x, n, mode: _pad(x, [n, 1], mode=mode),
        shapes().flatmap(arrays),
        st.integers(0, 3),
        st.sampled_from(["constant", "replicate"]),
    ),
    unlike_coremltools={"worked": "it refuses integers, which other tools write"},
    worked=[
        (_pad(_LINE, [2, 1], constant_val=9.0), [9, 9, 1, 2, 3, 9]),
        (_pad(_LINE, [2, 1], mode="reflect"), [3, 2, 1, 2, 3, 2]),
        (_pad(_LINE, [2, 1], mode="replicate"), [1, 1, 1, 2, 3, 3]),
        (_pad(np.float32([[1], [2]]), [1, 0]), [[0, 1], [0, 2]]),  # the last axis
        (_pad(np.int32([5]), [1, 0]), [0, 5]),
    ],
    refuse=[
        (_pad(_LINE, [-1, 0]), "pad is [-1, 0]"),
        (_pad(_LINE, [1, 0, 1, 0]), "pad is [1, 0, 1, 0]"),
        (_pad(_LINE, [1]), "pad is [1]"),
        (_pad(_LINE, [3, 0], mode="reflect"), "a reflection of 3 needs more than the 3 elements"),
        (_pad(_LINE, [1, 0], mode="wrap"), "mode is 'wrap'"),
    ],
)
