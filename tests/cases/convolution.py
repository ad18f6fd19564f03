"""Convolution and deconvolution over images.

A deconvolution honours dilationFactor: the prose calls it ignored there, but the format's own shape rules count it, the
converters write it, and the deconvolution of volumes honours it without question.
"""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers
from graphml.spec.attributes import Choice


def _pads(choice, sizes, kernel, stride):
    """(before, after) for height and width, as the messages on padding define them."""
    if choice.name == "valid":
        amounts = choice.fields.get("padding_amounts") or ((0, 0), (0, 0))
        return [tuple(a) for a in amounts]
    pads = []
    for n, k, s in zip(sizes, kernel, stride, strict=True):
        total = max(0, (int(np.ceil(n / s)) - 1) * s + k - n)
        small, large = int(np.floor(total / 2)), total - int(np.floor(total / 2))
        light_first = choice.fields.get("asymmetry_mode", "BOTTOM_RIGHT_HEAVY") == "BOTTOM_RIGHT_HEAVY"
        pads.append((small, large) if light_first else (large, small))
    return pads


def _oracle(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    w = np.asarray(inputs[1] if len(inputs) > 1 else f["weights"], np.float64)
    images = x.reshape(-1, *x.shape[-3:])
    stride, groups = f.get("stride") or (1, 1), f.get("n_groups") or 1
    run = _deconvolve if f.get("is_deconvolution") else _convolve
    y = run(images, w, stride, groups, f)
    if f.get("bias") is not None:
        y = y + np.asarray(f["bias"], np.float64)[:, None, None]
    return y.reshape(*x.shape[:-3], *y.shape[1:])


def _convolve(x, w, stride, groups, f):
    dilation = f.get("dilation_factor") or (1, 1)
    kernel = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]
    pads = _pads(f["convolution_padding_type"], x.shape[2:], kernel, stride)
    x = np.pad(x, ((0, 0), (0, 0), *pads))
    rows, columns = ((x.shape[2 + a] - kernel[a]) // stride[a] + 1 for a in range(2))
    outputs, fan_in = w.shape[:2]
    y = np.zeros((x.shape[0], outputs, rows, columns))
    for g in range(groups):
        channels = slice(g * fan_in, (g + 1) * fan_in)
        made = slice(g * outputs // groups, (g + 1) * outputs // groups)
        for i in range(w.shape[2]):
            for j in range(w.shape[3]):
                top, left = i * dilation[0], j * dilation[1]
                seen = x[
                    :, channels, top : top + rows * stride[0] : stride[0], left : left + columns * stride[1] : stride[1]
                ]
                y[:, made] += np.einsum("nchw,oc->nohw", seen[:, :, :rows, :columns], w[made, :, i, j], optimize=True)
    return y


def _deconvolve(x, w, stride, groups, f):
    """Each input pixel adds its kernel, spread out by the dilation, to the output; then the border is cut."""
    dilation = f.get("dilation_factor") or (1, 1)
    count, channels, *sizes = x.shape
    each, *kernel = w.shape[1:]
    full = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(sizes, stride, kernel, dilation, strict=True)]
    y = np.zeros((count, each * groups, *full))
    for c in range(channels):
        group = c // (channels // groups)
        made = slice(group * each, (group + 1) * each)
        for i, j in np.ndindex(*sizes):
            for k, l in np.ndindex(*kernel):
                row, column = i * stride[0] + k * dilation[0], j * stride[1] + l * dilation[1]
                y[:, made, row, column] += x[:, c, i, j, None] * w[c, :, k, l]
    return _cut(y, sizes, stride, f)


def _cut(y, sizes, stride, f):
    """A full deconvolution, cropped: without the border of `valid`, or to a size around its middle."""
    size, choice = f.get("output_shape") or None, f["convolution_padding_type"]
    full = y.shape[2:]
    if size is None and choice.name == "valid":
        (top, bottom), (left, right) = choice.fields.get("padding_amounts") or ((0, 0), (0, 0))
        return y[:, :, top : full[0] - bottom, left : full[1] - right]
    heavy_end = size is not None or choice.fields.get("asymmetry_mode", "BOTTOM_RIGHT_HEAVY") == "BOTTOM_RIGHT_HEAVY"
    size = size or [n * s for n, s in zip(sizes, stride, strict=True)]
    for axis, (have, wanted) in enumerate(zip(full, size, strict=True)):
        surplus = max(have - wanted, 0)
        start = surplus // 2 if heavy_end else surplus - surplus // 2
        y = np.take(y, range(start, min(have, start + wanted)), axis=2 + axis)
        missing = [(0, 0)] * 4
        missing[2 + axis] = (0, max(wanted - have, 0))
        y = np.pad(y, missing)
    return y


def _valid(*amounts):
    return Choice("valid", {"padding_amounts": amounts} if amounts else {})


_SAME, _SAME_TOP = (Choice("same", {"asymmetry_mode": f"{side}_HEAVY"}) for side in ("BOTTOM_RIGHT", "TOP_LEFT"))
_X = numbers(2, 4, 6, 5)
_W, _BIAS = numbers(6, 4, 3, 2, seed=1), numbers(6, seed=2)
_BASE = Case((_X,), {"weights": _W, "convolution_padding_type": _valid()})
# a deconvolution stores [channels in, channels out / groups, height, width]
_DECONVOLUTION = Case(
    (_X,),
    {
        "weights": numbers(4, 3, 3, 2, seed=3),
        "is_deconvolution": True,
        "stride": (2, 3),
        "convolution_padding_type": _valid(),
    },
)
_DYNAMIC = Case(
    (_X, _W),
    {
        "output_channels": 6,
        "kernel_channels": 4,
        "kernel_size": (3, 2),
        "convolution_padding_type": _valid((1, 0), (0, 2)),
    },
)

_VARY = {
    "convolution_padding_type": [_valid((1, 2), (0, 3)), _SAME, _SAME_TOP],
    "n_groups": [
        _BASE.but(n_groups=2, weights=_W[:, :2]),
        _BASE.but(n_groups=4, weights=numbers(8, 1, 3, 3, seed=4)),
        Case((numbers(1, 20, 4, 4),), {**_BASE.fields, "n_groups": 2, "weights": numbers(6, 10, 3, 3, seed=5)}),
        _DECONVOLUTION.but(n_groups=2),
        Case(
            (numbers(1, 12, 3, 3),), {**_DECONVOLUTION.fields, "n_groups": 2, "weights": numbers(12, 2, 3, 3, seed=6)}
        ),
    ],
    "kernel_channels": [Case((numbers(1, 2, 4, 4),), {**_BASE.fields, "weights": _W[:, :2]})],
    "kernel_size": [_BASE.but(weights=numbers(6, 4, 1, 1, seed=7)), _BASE.but(weights=numbers(6, 4, 5, 4, seed=8))],
    "stride": [(2, 1), (1, 3)],
    "dilation_factor": [
        (2, 1),
        (1, 2),
        _DECONVOLUTION.but(dilation_factor=(2, 3)),
        _DECONVOLUTION.but(dilation_factor=(1, 4), n_groups=2),
        _DECONVOLUTION.but(dilation_factor=(3, 2), convolution_padding_type=_valid((1, 2), (3, 0))),
        _DECONVOLUTION.but(dilation_factor=(2, 5), convolution_padding_type=_SAME),
        _DECONVOLUTION.but(dilation_factor=(3, 2), convolution_padding_type=_SAME_TOP),
        _DECONVOLUTION.but(dilation_factor=(2, 3), output_shape=(14, 15)),
    ],
    "is_deconvolution": [
        _DECONVOLUTION,
        _DECONVOLUTION.but(stride=None),
        _DECONVOLUTION.but(convolution_padding_type=_valid((1, 0), (2, 1))),
        _DECONVOLUTION.but(convolution_padding_type=_SAME),
        _DECONVOLUTION.but(convolution_padding_type=_SAME_TOP),
    ],
    "output_shape": [_DECONVOLUTION.but(output_shape=(12, 13)), _DECONVOLUTION.but(output_shape=(14, 16))],
    "weights": [-_W],
    "bias": [_BIAS],
    "inputs": [_DYNAMIC, _DYNAMIC.but(n_groups=2, inputs=(_X, _W[:, :2]), kernel_channels=2)],
    "rank": [_BASE.but(inputs=(numbers(2, 1, 4, 5, 5),)), Case((numbers(1, 2, 4, 5, 5),), _BASE.fields, exact=False)],
}

_PADDINGS = [_valid(), _valid((1, 0), (1, 2)), _SAME, _SAME_TOP]


@st.composite
def _draw(draw):
    groups, channels, outputs = draw(
        st.sampled_from([(1, 1, 2), (1, 4, 3), (2, 4, 6), (3, 3, 3), (4, 4, 8), (2, 12, 4)])
    )
    kernel = draw(st.sampled_from([(1, 1), (2, 3), (3, 3)]))
    fields = {
        "stride": draw(st.sampled_from([(1, 1), (2, 3)])),
        "n_groups": groups,
        "convolution_padding_type": draw(st.sampled_from(_PADDINGS)),
    }
    x = draw(arrays((*draw(st.sampled_from([(1,), (2, 1)])), channels, *draw(st.sampled_from([(5, 5), (7, 6)])))))
    fields["dilation_factor"] = draw(st.sampled_from([(1, 1), (1, 2)]))
    if draw(st.booleans()):
        if fields["convolution_padding_type"].name == "same" and draw(st.booleans()):
            fields["output_shape"] = tuple(n * s for n, s in zip(x.shape[-2:], fields["stride"], strict=True))
        weights = draw(arrays((channels, outputs // groups, *kernel)))
        fields |= {"is_deconvolution": True, "weights": weights}
    else:
        weights = draw(arrays((outputs, channels // groups, *kernel)))
        if draw(st.booleans()) and fields["dilation_factor"] == (1, 1):
            fields |= {"output_channels": outputs, "kernel_channels": channels // groups, "kernel_size": kernel}
            return Case((x, weights), fields)
        fields["weights"] = weights
    if draw(st.booleans()):
        fields["bias"] = draw(arrays((outputs,)))
    return Case((x,), fields)


def _ones(*shape):
    return np.ones(shape, np.float32)


_LINE = np.float32([1, 2, 3, 4]).reshape(1, 1, 1, 4)
_ASCENDING = np.float32([1, 10]).reshape(1, 1, 1, 2)

kind(
    "convolution",
    oracle=_oracle,
    base=_BASE,
    vary=_VARY,
    draw=_draw(),
    worked=[
        (Case((_LINE,), {"weights": _ASCENDING, "convolution_padding_type": _valid()}), [[[[[21, 32, 43]]]]]),
        # the odd zero is at the end, or at the beginning
        (Case((_LINE,), {"weights": _ASCENDING, "convolution_padding_type": _SAME}), [[[[[21, 32, 43, 4]]]]]),
        (Case((_LINE,), {"weights": _ASCENDING, "convolution_padding_type": _SAME_TOP}), [[[[[10, 21, 32, 43]]]]]),
        (
            Case((_LINE,), {"weights": _ASCENDING, "dilation_factor": (1, 3), "convolution_padding_type": _valid()}),
            [[[[[41]]]]],
        ),
        # padding crops what a deconvolution gives: here the first and the last two columns
        (
            Case(
                (_LINE,),
                {
                    "weights": _ASCENDING,
                    "is_deconvolution": True,
                    "stride": (1, 2),
                    "convolution_padding_type": _valid((0, 0), (1, 2)),
                },
            ),
            [[[[[10, 2, 20, 3, 30]]]]],
        ),
        # dilated, each pixel adds 1 and 10 two or three columns later: 1 2 13 24 30 40, then its middle
        *(
            (
                Case(
                    (_LINE,),
                    {
                        "weights": _ASCENDING,
                        "is_deconvolution": True,
                        "dilation_factor": (1, dilation),
                        "convolution_padding_type": padding,
                        **more,
                    },
                ),
                [[[[answer]]]],
            )
            for dilation, padding, more, answer in (
                (2, _valid(), {}, [1, 2, 13, 24, 30, 40]),
                (3, _valid(), {}, [1, 2, 3, 14, 20, 30, 40]),
                (2, _valid((0, 0), (2, 1)), {}, [13, 24, 30]),
                (2, _SAME, {}, [2, 13, 24, 30]),
                (3, _SAME, {}, [2, 3, 14, 20]),
                (3, _SAME_TOP, {}, [3, 14, 20, 30]),
                (2, _valid(), {"output_shape": (1, 4)}, [2, 13, 24, 30]),
                (2, _valid(), {"output_shape": (1, 6)}, [1, 2, 13, 24, 30, 40]),
            )
        ),
        # without a kernel size on the wire it is 3x3; the bias of each channel is added
        (
            Case(
                (_ones(1, 1, 3, 3),),
                {"weights": _ones(2, 1, 3, 3), "bias": np.float32([1, -9]), "convolution_padding_type": _valid()},
            ),
            [[[[[10]], [[0]]]]],
        ),
    ],
    refuse=[
        (_BASE.but(inputs=(numbers(1, 3, 5, 5),)), "3 channels, the weights expect 4"),
        (_BASE.but(inputs=(numbers(4, 5, 5),)), "rank 3"),
        (_BASE.but(inputs=(numbers(1, 4, 2, 5),)), "a window of 3 does not fit into 2"),
        (_BASE.but(stride=(0, 1)), "stride is [0, 1]"),
        (_BASE.but(convolution_padding_type=_valid((1, 1))), "border amounts are given for 1 axes"),
        (_DECONVOLUTION.but(output_shape=(30, 16)), "exceeds that"),
        (
            _DECONVOLUTION.but(convolution_padding_type=_valid((9, 9), (0, 0))),
            "cutting off [(9, 9), (0, 0)] leaves none",
        ),
        (_DECONVOLUTION.but(inputs=(_X, _W)), "no weights as an input"),
        (_BASE.but(convolution_padding_type=None), "padding is not set"),
    ],
)
