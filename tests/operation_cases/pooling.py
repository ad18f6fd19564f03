"""Pooling, answered window by window."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, numbers, operations
from operation_cases.convolution import ones_of, padding_of


def _pooled(i, a, function):
    """function: (values of each instance and channel [N, C, n], how many elements count) -> [N, C]."""
    x = np.float64(i["x"])
    axes, kernel = x.ndim - 2, a["kernel_sizes"]
    strides = ones_of(a["strides"], axes)
    padding = padding_of(a, x.shape[2:], kernel, strides, (1,) * axes)
    counts = []
    for n, k, s, (before, after) in zip(x.shape[2:], kernel, strides, padding, strict=True):
        room = n + before + after - k
        count = -(-room // s) + 1 if a["ceil_mode"] else room // s + 1
        if a["ceil_mode"] and before > 0 and (count - 1) * s >= n + before:
            count -= 1
        counts.append(count)
    y = np.zeros((*x.shape[:2], *counts))
    for place in np.ndindex(*counts):
        starts = [p * s - before for p, s, (before, _) in zip(place, strides, padding, strict=True)]
        inside = [
            slice(max(0, start), max(0, min(n, start + k)))
            for start, k, n in zip(starts, kernel, x.shape[2:], strict=True)
        ]
        counted = np.prod(
            [
                min(start + k, n + after) - max(start, -before)
                for start, k, n, (before, after) in zip(starts, kernel, x.shape[2:], padding, strict=True)
            ]
        )
        y[(..., *place)] = function(x[(slice(None), slice(None), *inside)].reshape(*x.shape[:2], -1), counted)
    return y


def _max(i, a):
    return _pooled(i, a, lambda values, counted: values.max(-1, initial=-np.inf))


def _mean(i, a):
    def mean(values, counted):
        return values.sum(-1) / (values.shape[-1] if a["exclude_padding_from_average"] else counted)

    return _pooled(i, a, mean)


def _norm(i, a):
    return _pooled(i, a, lambda values, counted: np.sqrt((values**2).sum(-1)))


_X = numbers(2, 3, 8, 6)
_BASE = Case({"x": _X}, {"kernel_sizes": (3, 2), "strides": (2, 2), "pad_type": "custom", "pad": (1, 1, 1, 1)})
_LINE = np.float32([[[1, 2, 3, 4, 5]]])
_CEIL = {"kernel_sizes": (2,), "strides": (2,), "pad_type": "valid", "ceil_mode": True}
_PADDED = {"kernel_sizes": (2,), "strides": (2,), "pad_type": "custom", "pad": (1, 1)}
_SAME = {"kernel_sizes": (2,), "pad_type": "same"}


@st.composite
def _draw(draw):
    axes = draw(st.integers(1, 3))
    attributes = {
        "kernel_sizes": draw(st.tuples(*[st.integers(2, 3)] * axes)),
        "strides": draw(st.tuples(*[st.integers(1, 3)] * axes)),
        "pad_type": draw(st.sampled_from(["valid", "same", "same_lower", "custom"])),
        "pad": tuple(draw(st.integers(0, 1)) for _ in range(axes) for _ in "ab"),
    }
    if attributes["pad_type"] in ("valid", "custom") and draw(st.booleans()):
        # no window is entirely outside x: the format does not define the average of no elements
        strides = tuple(map(min, attributes["strides"], attributes["kernel_sizes"]))
        attributes |= {"ceil_mode": True, "pad": (1, 1) * axes, "strides": strides}
    return Case({"x": numbers(1, 2, *(6, 5, 4)[:axes], seed=draw(st.integers(0, 3)))}, attributes)


def _worked(one, ceil, padded, same, same_lower):
    """Answers of 1, 2, 3, 4, 5 in windows of 2, every second one: plainly; rounded up; padded, where the last window
    would start in the padding if the number were rounded up; and of 1, 2 with `same` and `same_lower`."""
    plain = {**_CEIL, "ceil_mode": False}
    two = _LINE[..., :2]
    return [
        (Case({"x": _LINE}, plain), [[one]]),
        (Case({"x": _LINE}, _CEIL), [[ceil]]),
        (Case({"x": _LINE}, _PADDED), [[padded]]),
        (Case({"x": _LINE}, {**_PADDED, "ceil_mode": True}), [[padded]]),
        (Case({"x": _LINE}, {**_PADDED, "pad_type": "valid"}), [[one]]),  # `pad` counts for custom alone
        (Case({"x": two}, _SAME), [[same]]),
        (Case({"x": two}, {**_SAME, "pad_type": "same_lower"}), [[same_lower]]),
    ]


_ROOT = {n: n**0.5 for n in (5, 13, 41)}
_VARY = {
    "kernel_sizes": [(2, 3)],
    "strides": [None, (1, 3)],
    "pad_type": ["valid", "same", "same_lower"],
    "pad": [None, (1, 0, 0, 1)],
    "ceil_mode": [True],
    "x": [
        Case({"x": numbers(2, 3, 8)}, {"kernel_sizes": (3,), "strides": (3,), "pad_type": "same"}),
        Case({"x": numbers(1, 2, 4, 3, 5)}, {"kernel_sizes": (2, 3, 2), "strides": (1, 1, 2), "pad_type": "valid"}),
        Case({"x": numbers(1, 2, 4, 4, 4)}, {"kernel_sizes": (2, 2, 2), "pad_type": "custom", "pad": (1,) * 6}),
    ],
}

operations(
    {
        "max_pool": {
            "oracle": _max,
            "vary": _VARY,
            "worked": [
                *_worked([2, 4], [2, 4, 5], [1, 3, 5], [2, 2], [1, 2]),
                (Case({"x": -_LINE}, _PADDED), [[[-1, -2, -4]]]),  # padding never wins
                (
                    Case({"x": _LINE[..., :2]}, {"kernel_sizes": (1,), "pad_type": "custom", "pad": (1, 0)}),
                    [[[-np.inf, 1, 2]]],
                ),
            ],
        },
        "avg_pool": {
            "oracle": _mean,
            "vary": {**_VARY, "exclude_padding_from_average": [True]},
            "worked": [
                *_worked([1.5, 3.5], [1.5, 3.5, 5], [0.5, 2.5, 4.5], [1.5, 1], [0.5, 1.5]),
                (Case({"x": _LINE}, {**_PADDED, "exclude_padding_from_average": True}), [[[1, 2.5, 4.5]]]),
                # in float16 the sum would be infinite
                (
                    Case({"x": np.full((1, 1, 4), 4e4, np.float32)}, {"kernel_sizes": (4,), "pad_type": "valid"}),
                    [[[4e4]]],
                ),
            ],
        },
        "l2_pool": {
            "oracle": _norm,
            "vary": _VARY,
            "worked": _worked([_ROOT[5], 5], [_ROOT[5], 5, 5], [1, _ROOT[13], _ROOT[41]], [_ROOT[5], 2], [1, _ROOT[5]]),
        },
    },
    15,
    base=_BASE,
    draw=_draw(),
    refuse=[
        (Case({"x": _X}, {"kernel_sizes": (9, 2), "pad_type": "valid"}), "a window of 9 does not fit into 8"),
        (Case({"x": _X}, {"kernel_sizes": (2,), "pad_type": "valid"}), "kernel_sizes is [2]"),
        (Case({"x": _X}, {"kernel_sizes": (2, 2), "pad_type": "whole"}), "it must be one of"),
        (_BASE.but(pad_type="same", ceil_mode=True), "ceil_mode needs pad_type valid or custom"),
        (_BASE.but(pad=(1, 0, 1, 1), ceil_mode=True), "it must be the same before and after"),
        (Case({"x": _X[0, 0]}, {"kernel_sizes": (), "pad_type": "valid"}), "with one to three axes of space"),
    ],
)
