"""Convolution over images, and its transpose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from graphml.catalogue import target
from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.convolution import (
    ConvolutionWindow,
    TransposedWindow,
    crop_borders,
    crop_to_size,
)
from graphml.ops.kernels.convolution_choice import choose, stored_form, stored_transposed_form
from graphml.ops.kernels.windows import Extents, reach
from graphml.ops.layers._borders import borders, extents, heavy_side, image_padding
from graphml.ops.layers.dialect import layer
from graphml.spec.attributes import Choice


def _prepare(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The kernel in the form that is fastest on this platform; the bias unchanged."""
    if "weights" not in weights:
        return dict(weights)
    kernel, stride, groups = weights["weights"], extents(attributes["stride"], "stride"), attributes["n_groups"]
    dilation = extents(attributes["dilation_factor"], "dilation factor")
    make = stored_transposed_form if attributes["is_deconvolution"] else stored_form
    form = make(kernel, stride, dilation, groups, platform=target().platform, train=target().train)
    return {**weights, "weights": form}


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
    x: Array,
    kernel: Array | None = None,
    *,
    convolution_padding_type: Choice,
    n_groups: int,
    kernel_channels: int,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation_factor: tuple[int, ...],
    is_deconvolution: bool,
    output_shape: tuple[int, ...],
    weights: Any,
    bias: Array | None,
) -> Array:
    """Each output pixel is the sum of products of a kernel with the window of the image around it.

    Args:
        x: [..., batch, channels, height, width].
        kernel: the weights as a second input, [out, in / groups, height, width] (spec 4; not for a deconvolution).
        convolution_padding_type: `valid` (zeros of given amounts) or `same` (the size divided by the stride).
        n_groups: parts of the channels that are convolved separately.
        kernel_channels: input channels of each group.
        kernel_size: (height, width).
        stride: (height, width).
        dilation_factor: spreads the kernel. For deconvolutions the prose says that it is ignored, but the tools of the
            format rely on it: their shape rules count it, and their converters write it and compare with the source.
        is_deconvolution: whether this is the transpose, whose padding crops the result.
        output_shape: size of the result of a deconvolution; takes the place of the padding.
        weights: the form of the kernel, see `_prepare`.
        bias: [out].

    Returns:
        The rank of x, with the output channels of the layer.

    Raises:
        ShapeError: channels do not match, or the window does not fit.

    Source: ConvolutionLayerParams (spec 1).
    """
    if x.ndim < 4:
        raise ShapeError(f"x has rank {x.ndim}; it must be [..., batch, channels, height, width]")
    stride, dilation = extents(stride, "stride"), extents(dilation_factor, "dilation factor")
    if kernel is not None:
        if is_deconvolution:
            raise ShapeError("a deconvolution takes no weights as an input")
        kernel = kernel.transpose(1, 2, 3, 0)  # in channels-last layout the input channels are at the end
        kernel_size, kernel_channels = kernel.shape[:2], kernel.shape[2]
        window = ConvolutionWindow(stride, dilation=dilation, groups=n_groups)
        form: Any = choose(kernel, window, platform=target().platform, train=target().train)
    elif weights is not None:
        form = weights
    else:
        raise ShapeError("the layer has neither stored weights nor a second input with weights")
    expected = kernel_channels if is_deconvolution else kernel_channels * n_groups
    if x.shape[-1] != expected:
        raise ShapeError(f"x has {x.shape[-1]} channels, the weights expect {expected}")
    images = x.reshape(math.prod(x.shape[:-3]), *x.shape[-3:])
    sizes, size = images.shape[1:3], reach(extents(kernel_size, "kernel size"), dilation)
    if is_deconvolution:
        crop = _crop(sizes, size, stride, convolution_padding_type, output_shape)
        y = form(images, crop._replace(groups=n_groups))
    else:
        padding = image_padding(convolution_padding_type, sizes, size, stride)
        y = form(images, ConvolutionWindow(stride, padding, dilation, n_groups))
    if bias is not None:
        y = y + bias
    return y.reshape(*x.shape[:-3], *y.shape[1:])


def _crop(
    sizes: Sequence[int], kernel: Extents, stride: Extents, padding: Choice, output_shape: tuple[int, ...]
) -> TransposedWindow:
    """The part of a full deconvolution that is kept. kernel: its size with dilation."""
    if output_shape:
        return crop_to_size(sizes, kernel, stride, extents(output_shape, "output shape"))
    if padding.name == "same":
        wanted = tuple(n * s for n, s in zip(sizes, stride, strict=True))
        return crop_to_size(sizes, kernel, stride, wanted, heavy_side(padding))
    return crop_borders(sizes, kernel, stride, borders(padding.fields.get("padding_amounts", ())))
