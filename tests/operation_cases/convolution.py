"""Convolutions, answered element of the kernel by element of the kernel."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, numbers, operation

# How windows move ----------------------------------------------------------------------------------------------------


def ones_of(values, axes):
    return (1,) * axes if values is None else tuple(values)


def padding_of(a, sizes, kernel, strides, dilations):
    """(before, after) of each axis of space: the formula of TensorFlow for `same`."""
    if a["pad_type"] == "custom":
        pad = a["pad"] or (0,) * (2 * len(sizes))
        return list(zip(pad[::2], pad[1::2], strict=True))
    found = []
    for n, k, s, d in zip(sizes, kernel, strides, dilations, strict=True):
        windows = -(-n // s)
        total = max(0, s * windows - n + (k - 1) * d + 1 - s) if (a["pad_type"] or "valid") != "valid" else 0
        less, more = total // 2, total - total // 2
        found.append((more, less) if a["pad_type"] == "same_lower" else (less, more))
    return found


def _with_bias(y, bias):
    return y if bias is None else y + np.float64(bias).reshape(1, -1, *(1,) * (y.ndim - 2))


def _conv(i, a):
    x, w = np.float64(i["x"]), np.float64(i["weight"])
    axes, kernel, outputs, groups = x.ndim - 2, w.shape[2:], len(w), a["groups"] or 1
    strides, dilations = ones_of(a["strides"], axes), ones_of(a["dilations"], axes)
    x = np.pad(x, [(0, 0), (0, 0), *padding_of(a, x.shape[2:], kernel, strides, dilations)])
    size = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)]
    y = np.zeros((len(x), outputs, *size))
    for out in range(outputs):
        first = out // (outputs // groups) * w.shape[1]
        for tap in np.ndindex(*kernel):
            seen = tuple(
                slice(t * d, t * d + (n - 1) * s + 1, s)
                for t, n, s, d in zip(tap, size, strides, dilations, strict=True)
            )
            for channel in range(w.shape[1]):
                y[:, out] += w[(out, channel, *tap)] * x[(slice(None), first + channel, *seen)]
    return _with_bias(y, i["bias"])


def _conv_transpose(i, a):
    x, w = np.float64(i["x"]), np.float64(i["weight"])
    axes, kernel, groups = x.ndim - 2, w.shape[2:], a["groups"]
    strides, dilations = ones_of(a["strides"], axes), ones_of(a["dilations"], axes)
    full = [(n - 1) * s + (k - 1) * d + 1 for n, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)]
    y = np.zeros((len(x), w.shape[1] * groups, *full))
    for channel in range(x.shape[1]):
        group = channel // (x.shape[1] // groups)
        for each, *tap in np.ndindex(*w.shape[1:]):
            hit = tuple(
                slice(t * d, t * d + (n - 1) * s + 1, s)
                for t, n, s, d in zip(tap, x.shape[2:], strides, dilations, strict=True)
            )
            y[(slice(None), group * w.shape[1] + each, *hit)] += w[(channel, each, *tap)] * x[:, channel]
    for axis, n in enumerate(full):
        if a["output_shape"] is not None or a["pad_type"].startswith("same"):
            size = x.shape[2 + axis] * strides[axis]
            size = size if a["output_shape"] is None else a["output_shape"][axis - axes]
            lost = max(0, n - size)
            first = lost - lost // 2 if a["pad_type"] == "same_lower" and a["output_shape"] is None else lost // 2
            widths = [(0, max(0, size - n)) if other == 2 + axis else (0, 0) for other in range(y.ndim)]
            y = np.pad(y, widths).take(range(first, first + size), 2 + axis)
        elif a["pad_type"] == "custom":
            before, after = (a["pad"] or (0,) * (2 * axes))[2 * axis : 2 * axis + 2]
            y = y.take(range(before, n - after), 2 + axis)
    return _with_bias(y, i["bias"])


def _conv_quantized(i, a):
    def each(values):
        return np.float64(values).reshape(-1, *(1,) * (i["weight"].ndim - 1))

    weight = np.float64(i["weight"]) * each(a["quant_scale"]) + each(a["quant_bias"])
    return _conv({**i, "weight": weight}, a)


# Cases ---------------------------------------------------------------------------------------------------------------

_X = numbers(2, 3, 5, 4)
_W = numbers(4, 3, 3, 2, seed=1)
_BIAS = numbers(4, seed=2)
_WIDE = numbers(1, 32, 6, 5)  # as many channels as the fastest forms want
_CUSTOM = {"pad_type": "custom", "pad": (1, 0, 2, 1)}


def _single(*sizes):
    """1, 2, 3 ... in a batch of one with one channel."""
    return np.arange(1, 1 + np.prod(sizes), dtype=np.float32).reshape(1, 1, *sizes)


@st.composite
def _draw_conv(draw):
    axes = draw(st.integers(1, 3))
    groups, each, outputs = draw(st.sampled_from([(1, 2, 3), (2, 1, 4), (3, 2, 3)]))
    kernel = draw(st.tuples(*[st.integers(1, 3)] * axes))
    seed = draw(st.integers(0, 5))
    attributes = {
        "strides": draw(st.tuples(*[st.integers(1, 3)] * axes)),
        "dilations": draw(st.tuples(*[st.integers(1, 2)] * axes)),
        "groups": groups,
        "pad_type": draw(st.sampled_from(["valid", "same", "same_lower", "custom"])),
        "pad": draw(st.tuples(*[st.integers(0, 2)] * (2 * axes))),
    }
    return numbers(2, groups * each, *(6, 5, 5)[:axes], seed=seed), kernel, outputs, attributes


operation(
    "conv",
    15,
    oracle=_conv,
    base=Case({"x": _X, "weight": _W, "bias": _BIAS}, _CUSTOM),
    vary={
        "bias": [None],
        "strides": [(2, 1)],
        "pad_type": ["valid", "same", "same_lower"],
        "pad": [None, (0, 3, 1, 1)],
        "dilations": [(1, 2)],
        "groups": [
            Case({"x": numbers(2, 4, 5, 4), "weight": numbers(4, 1, 3, 2)}, {"groups": 4}),
            Case({"x": numbers(2, 4, 5, 4), "weight": numbers(6, 2, 3, 2)}, {"groups": 2, "strides": (2, 2)}),
            Case({"x": numbers(1, 12, 5, 4), "weight": numbers(12, 6, 2, 2)}, {"groups": 2}),
        ],
        "weight": [
            _W[:, :, :1, :1],
            Case({"x": _WIDE, "weight": numbers(33, 32, 3, 3, low=-0.2, high=0.2)}, {"pad_type": "same"}),
            Case({"x": _WIDE, "weight": numbers(2, 32, 3, 3, low=-0.2, high=0.2)}, {"dilations": (2, 1)}),
        ],
        "x": [
            Case(
                {"x": numbers(2, 3, 7), "weight": numbers(4, 3, 3), "bias": _BIAS}, {"strides": (2,), "dilations": (2,)}
            ),
            Case({"x": numbers(2, 4, 7), "weight": numbers(4, 1, 3)}, {"groups": 4, "pad_type": "same"}),
            Case(
                {"x": numbers(1, 2, 4, 5, 3), "weight": numbers(3, 2, 2, 3, 2)}, {"pad": (1,) * 6, "pad_type": "custom"}
            ),
            Case({"x": numbers(1, 2, 4, 5, 3), "weight": numbers(2, 1, 2, 3, 2)}, {"groups": 2, "strides": (2, 1, 2)}),
        ],
    },
    draw=_draw_conv().map(
        lambda drawn: Case(
            {
                "x": drawn[0],
                "weight": numbers(drawn[2], drawn[0].shape[1] // drawn[3]["groups"], *drawn[1], seed=9),
            },
            drawn[3],
        )
    ),
    worked=[
        (Case({"x": _single(4), "weight": np.float32([[[1, 10]]])}), [[[21, 32, 43]]]),
        # `same` with stride 2 counts the stride: one zero, behind; same_lower has it before
        (
            Case({"x": _single(4), "weight": np.float32([[[1, 10, 100]]])}, {"strides": (2,), "pad_type": "same"}),
            [[[321, 43]]],
        ),
        (
            Case(
                {"x": _single(4), "weight": np.float32([[[1, 10, 100]]])}, {"strides": (2,), "pad_type": "same_lower"}
            ),
            [[[210, 432]]],
        ),
        # `pad` counts for custom alone
        (Case({"x": _single(2), "weight": np.float32([[[1, 10]]])}, {"pad": (5, 5)}), [[[21]]]),
        (
            Case({"x": _single(2), "weight": np.float32([[[1, 10]]])}, {"pad_type": "custom", "pad": (2, 0)}),
            [[[0, 10, 21]]],
        ),
        (
            Case({"x": np.float32([[[1, 2], [3, 4]]]), "weight": np.float32([[[2]], [[3]]])}, {"groups": 2}),
            [[[2, 4], [9, 12]]],
        ),
    ],
    refuse=[
        (Case({"x": _X, "weight": _W[:, :2]}), "x has 3 channels, the weight expects 2"),
        (Case({"x": _X, "weight": _W[..., 0]}), "their ranks must be equal"),
        (Case({"x": _X[0, 0], "weight": _W}), "with one to three axes of space"),
        (Case({"x": _X, "weight": _W}, {"pad_type": "full"}), "it must be one of valid, same, same_lower, custom"),
        (Case({"x": _X, "weight": _W}, {"pad_type": "custom", "pad": (1, 1)}), "it must be 4 amounts"),
        (Case({"x": _X, "weight": _W}, {"strides": (1,)}), "strides is [1]"),
        (Case({"x": _X, "weight": _W}, {"groups": 3}), "groups is 3, which does not divide 4 channels"),
        (Case({"x": _X, "weight": _W}, {"dilations": (3, 1)}), "a window of 7 does not fit into 5"),
    ],
)

operation(
    "conv_quantized",
    15,
    oracle=_conv_quantized,
    base=Case(
        {"x": _X, "weight": np.arange(72, dtype=np.uint8).reshape(4, 3, 3, 2), "bias": _BIAS},
        {**_CUSTOM, "quantization_type": "linear", "quant_scale": (0.01, 0.02, 0.03, 0.04), "quant_bias": -0.5},
    ),
    vary={
        "bias": [None],
        "quant_scale": [0.1],
        "quant_bias": [(0.1, 0.2, 0.3, 0.4)],
        "strides": [(2, 1)],
        "pad_type": ["valid", None],
        "pad": [None],
        "dilations": [(1, 2)],
        "groups": [
            Case(
                {"x": numbers(2, 4, 5, 4), "weight": np.arange(16, dtype=np.uint8).reshape(4, 1, 2, 2)},
                {"groups": 4, "quantization_type": "linear", "quant_scale": 0.1, "quant_bias": -1.0},
            )
        ],
    },
    unseen={
        "quantization_type": "only one value has a meaning, and the other one is among the refusals",
        "nbits": "a code fills a byte whatever its bits, so the number of bits changes nothing",
    },
    draw=st.integers(0, 3).map(
        lambda seed: Case(
            {"x": numbers(1, 2, 5, seed=seed), "weight": np.arange(12, dtype=np.uint8).reshape(3, 2, 2)},
            {"quantization_type": "linear", "quant_scale": 0.5, "quant_bias": float(seed)},
        )
    ),
    worked=[
        (
            Case(
                {"x": _single(3), "weight": np.uint8([[[0, 200]]])},
                {"quantization_type": "linear", "nbits": 8, "quant_scale": 0.1, "quant_bias": -10.0},
            ),
            [[[10, 10]]],
        )
    ],
    refuse=[
        (
            Case(
                {"x": _single(3), "weight": np.uint8([[[0, 1]]])},
                {"quantization_type": "lut", "quant_scale": 1.0, "quant_bias": 0.0},
            ),
            "quantization_type is 'lut'",
        ),
        (
            Case(
                {"x": _single(3), "weight": np.uint8([[[0, 1]]])},
                {"quantization_type": "linear", "quant_scale": (1.0, 2.0), "quant_bias": 0.0},
            ),
            "quant_scale has 2 numbers",
        ),
    ],
)

_T = numbers(3, 4, 3, 2, seed=3)


@st.composite
def _draw_transpose(draw):
    x, kernel, each, attributes = draw(_draw_conv())
    attributes["pad_type"] = draw(st.sampled_from(["valid", "same", "same_lower"]))
    return Case({"x": x, "weight": numbers(x.shape[1], each, *kernel, seed=4)}, attributes)


operation(
    "conv_transpose",
    15,
    oracle=_conv_transpose,
    base=Case({"x": _X, "weight": _T, "bias": _BIAS}, {**_CUSTOM, "strides": (2, 1)}),
    vary={
        "bias": [None],
        "pad": [None, (0, 2, 0, 0)],
        "output_shape": [(2, 4, 10, 4), (9, 5), (12, 4)],
        "pad_type": ["valid", "same", "same_lower"],
        "strides": [None, (3, 2)],
        "dilations": [(1, 2)],
        "groups": [
            Case({"x": numbers(2, 4, 3, 4), "weight": numbers(4, 3, 2, 2)}, {"groups": 2, "strides": (2, 2)}),
            Case({"x": numbers(2, 4, 3, 4), "weight": numbers(4, 1, 2, 2)}, {"groups": 4}),
        ],
        "x": [
            Case({"x": numbers(2, 3, 5), "weight": numbers(3, 2, 4)}, {"strides": (2,), "pad_type": "same"}),
            Case({"x": numbers(2, 3, 5), "weight": numbers(3, 2, 4)}, {"pad_type": "custom", "pad": (1, 2)}),
            Case({"x": numbers(1, 2, 2, 3, 3), "weight": numbers(2, 2, 2, 3, 2)}, {"strides": (2, 1, 2)}),
            Case({"x": numbers(1, 2, 2, 3, 3), "weight": numbers(2, 1, 2, 3, 2)}, {"groups": 2, "pad_type": "same"}),
        ],
    },
    draw=_draw_transpose(),
    worked=[
        (Case({"x": _single(2), "weight": np.float32([[[1, 10]]])}), [[[1, 12, 20]]]),
        (Case({"x": _single(2), "weight": np.float32([[[1, 10]]])}, {"strides": (2,)}), [[[1, 10, 2, 20]]]),
        (Case({"x": _single(2), "weight": np.float32([[[1, 10, 100]]])}, {"pad_type": "same"}), [[[12, 120]]]),
        (Case({"x": _single(2), "weight": np.float32([[[1, 10]]])}, {"pad_type": "same"}), [[[1, 12]]]),
        (Case({"x": _single(2), "weight": np.float32([[[1, 10]]])}, {"pad_type": "same_lower"}), [[[12, 20]]]),
        (
            Case({"x": _single(2), "weight": np.float32([[[1, 10]]])}, {"pad_type": "custom", "pad": (1, 0)}),
            [[[12, 20]]],
        ),
        (
            Case({"x": _single(2), "weight": np.float32([[[1, 10]]])}, {"strides": (2,), "output_shape": (1, 1, 5)}),
            [[[1, 10, 2, 20, 0]]],
        ),
        # weights are [in, out / groups, ...]
        (
            Case({"x": np.float32([[[1], [2]]]), "weight": np.float32([[[1], [10]], [[100], [1000]]])}),
            [[[201], [2010]]],
        ),
    ],
    refuse=[
        (Case({"x": _X, "weight": _W}), "x has 3 channels, the weight expects 4"),
        (Case({"x": _X, "weight": _T}, {"output_shape": (2, 3, 7, 5)}), "the weight makes 4 channels"),
        (Case({"x": _X, "weight": _T}, {"output_shape": (40, 40)}), "exceeds that by a stride or more"),
        (Case({"x": _X, "weight": _T}, {"output_shape": (2, 3, 7)}), "output_shape is [2, 3, 7]"),
        (Case({"x": _X, "weight": _T}, {"pad_type": "custom", "pad": (4, 4, 0, 0)}), "leaves none"),
        (Case({"x": _X, "weight": _T}, {"pad_type": "full"}), "it must be one of"),
    ],
)
