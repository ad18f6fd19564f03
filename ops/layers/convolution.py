"""Convolution over images, and its transpose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graphml.catalogue import target
from graphml.errors import ShapeError
from graphml.ops.layers import windows
from graphml.ops.layers.convolution_forms import Cut, Window, choose, choose_transposed, transposed
from graphml.ops.layers.dialect import layer
from graphml.spec.attributes import Choice


def _prepare(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The kernel in the form in which it is fastest here; a bias as it is."""
    if "weights" not in weights:
        return dict(weights)
    kernel, stride, groups = weights["weights"], windows.extents(attributes["stride"], "stride"), attributes["n_groups"]
    dilation = windows.extents(attributes["dilation_factor"], "dilation factor")
    if attributes["is_deconvolution"]:
        return {**weights, "weights": choose_transposed(transposed(kernel, groups, dilation), stride, groups, target())}
    kernel = kernel.transpose(2, 3, 1, 0)
    return {**weights, "weights": choose(kernel, Window(stride, dilation=dilation, groups=groups), target())}


def _channels(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> int | None:
    return None if "weights" not in weights or attributes["is_deconvolution"] else weights["weights"].shape[0]


def _supported(attributes: Mapping[str, Any]) -> str | None:
    return "the type of padding is not set" if attributes["convolution_padding_type"] is None else None


@layer(
    "convolution",
    layout="last",
    wire_only=("output_channels", "has_bias"),
    prepare=_prepare,
    channels=_channels,
    supported=_supported,
)
def convolution(
    x,
    kernel=None,
    *,
    convolution_padding_type: Choice,
    n_groups: int,
    kernel_channels: int,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation_factor: tuple[int, ...],
    is_deconvolution: bool,
    output_shape: tuple[int, ...],
    weights,
    bias,
):
    """Each output pixel is the sum of products of a kernel with the window of the image around it.

    x: [..., batch, channels, height, width]. kernel: the weights as a second input, [out, in / groups, height, width]
    (spec 4; not for a deconvolution); otherwise `weights`. Returns the rank of x with the layer's output channels.
    Padding is `valid` (with zeros of given amounts) or `same` (the size divided by the stride). A deconvolution is the
    transpose: its padding cuts the result, and `output_shape`, when given, takes the place of the padding.
    `dilation_factor` spreads the kernel of either. For deconvolutions the prose says that it is ignored, but the tools
    of the format rely on it: their shape rules count it, and their converters write it and compare with the source.
    Raises ShapeError when channels do not match or the window does not fit.
    Source: ConvolutionLayerParams (spec 1).
    """
    if x.ndim < 4:
        raise ShapeError(f"x has rank {x.ndim}; it is [..., batch, channels, height, width]")
    stride, dilation = windows.extents(stride, "stride"), windows.extents(dilation_factor, "dilation factor")
    if kernel is not None:
        if is_deconvolution:
            raise ShapeError("a deconvolution takes no weights as an input")
        kernel = kernel.transpose(1, 2, 3, 0)  # channels-last put the input channels at the end
        kernel_size, kernel_channels = kernel.shape[:2], kernel.shape[2]
        form: Any = choose(kernel, Window(stride, dilation=dilation, groups=n_groups), target())
    elif weights is not None:
        form = weights
    else:
        raise ShapeError("the layer has neither weights nor a second input that holds them")
    expected = kernel_channels if is_deconvolution else kernel_channels * n_groups
    if x.shape[-1] != expected:
        raise ShapeError(f"x has {x.shape[-1]} channels, the weights expect {expected}")
    images = x.reshape(math.prod(x.shape[:-3]), *x.shape[-3:])
    sizes, taps = images.shape[1:3], windows.extents(kernel_size, "kernel size")
    reach = windows.reach(taps, dilation)
    if is_deconvolution:
        cut = _cut(sizes, reach, stride, convolution_padding_type, output_shape)
        y = form(images, cut._replace(groups=n_groups))
    else:
        padding = windows.image_padding(convolution_padding_type, sizes, reach, stride)
        y = form(images, Window(stride, padding, dilation, n_groups))
    if bias is not None:
        y = y + bias
    return y.reshape(*x.shape[:-3], *y.shape[1:])


def _cut(sizes, kernel, stride, padding: Choice, output_shape: tuple[int, ...]) -> Cut:
    """What is kept of a full deconvolution. kernel: with its dilation."""
    if output_shape:
        return cut_to(sizes, kernel, stride, windows.extents(output_shape, "output shape"))
    if padding.name == "same":
        wanted = tuple(n * s for n, s in zip(sizes, stride, strict=True))
        return cut_to(sizes, kernel, stride, wanted, padding.fields.get("asymmetry_mode", "BOTTOM_RIGHT_HEAVY"))
    return cut_off(sizes, kernel, stride, windows.borders(padding.fields.get("padding_amounts", ())))


def cut_to(sizes, kernel, stride, wanted, mode: str = "BOTTOM_RIGHT_HEAVY") -> Cut:
    """A deconvolution of a wanted size: both sides are cut, and `mode` says which of them loses the odd pixel. What
    the kernel does not reach, at the end, is zero."""
    full = _full(sizes, kernel, stride)
    if any(n >= f + s for n, f, s in zip(wanted, full, stride, strict=True)):
        raise ShapeError(f"the deconvolution reaches {full} pixels; {list(wanted)} is more than that and a stride")
    start = tuple(windows.halves(max(0, f - n), mode)[0] for f, n in zip(full, wanted, strict=True))
    return Cut(kernel, stride, start, wanted)


def cut_off(sizes, kernel, stride, amounts) -> Cut:
    """A deconvolution without the borders (before, after) of each axis."""
    full = _full(sizes, kernel, stride)
    size = tuple(f - sum(both) for f, both in zip(full, amounts, strict=True))
    if min(size) < 1:
        raise ShapeError(f"the deconvolution reaches {full} pixels; {list(amounts)} cannot be cut off")
    return Cut(kernel, stride, tuple(before for before, _ in amounts), size)


def _full(sizes, kernel, stride) -> list[int]:
    return [(n - 1) * s + k for n, s, k in zip(sizes, stride, kernel, strict=True)]
