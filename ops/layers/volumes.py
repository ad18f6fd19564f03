"""Convolution and pooling over volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml.catalogue import target
from graphml.errors import ShapeError
from graphml.ops.kernels import pooling as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.convolution import ConvolutionWindow, crop_borders, crop_to_size
from graphml.ops.kernels.convolution_choice import stored_form, stored_transposed_form
from graphml.ops.kernels.windows import Extents, Pair, reach, same_paddings, window_counts
from graphml.ops.layers._borders import extents
from graphml.ops.layers.dialect import layer
from graphml.ops.layers.pooling import pool_everything


def _prepare(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The kernel in the form that is fastest on this platform; the bias unchanged."""
    kernel, groups = weights["weights"], attributes["n_groups"]
    make = stored_transposed_form if attributes["is_deconvolution"] else stored_form
    stride, dilation = _stride(**attributes), _dilation(**attributes)
    form = make(kernel, stride, dilation, groups, platform=target().platform, train=target().train)
    return {**weights, "weights": form}


@layer("convolution3d", wire_only=("output_channels", "has_bias"), prepare=_prepare)
def convolution_3d(
    x: Array,
    *,
    input_channels: int,
    n_groups: int,
    kernel_depth: int,
    kernel_height: int,
    kernel_width: int,
    stride_depth: int,
    stride_height: int,
    stride_width: int,
    dilation_depth: int,
    dilation_height: int,
    dilation_width: int,
    padding_type: str,
    custom_padding_front: int,
    custom_padding_back: int,
    custom_padding_top: int,
    custom_padding_bottom: int,
    custom_padding_left: int,
    custom_padding_right: int,
    is_deconvolution: bool,
    output_shape: tuple[int, ...],
    weights: Any,
    bias: Array | None,
) -> Array:
    """Each output element is the sum of products of a kernel with the window of the volume around it.

    Args:
        x: [batch, channels, depth, height, width].
        input_channels: the channels that the weights expect.
        n_groups: parts of the channels that are convolved separately.
        kernel_depth: size of the kernel.
        kernel_height: size of the kernel.
        kernel_width: size of the kernel.
        stride_depth: elements from one window to the next.
        stride_height: elements from one window to the next.
        stride_width: elements from one window to the next.
        dilation_depth: spreads the kernel.
        dilation_height: spreads the kernel.
        dilation_width: spreads the kernel.
        padding_type: CUSTOM (zeros of given amounts), VALID (none) or SAME (the size divided by the stride; an extra
            zero at the end).
        custom_padding_front: zeros before the depth.
        custom_padding_back: zeros after the depth.
        custom_padding_top: zeros before the height.
        custom_padding_bottom: zeros after the height.
        custom_padding_left: zeros before the width.
        custom_padding_right: zeros after the width.
        is_deconvolution: whether this is the transpose, whose padding crops the result.
        output_shape: size of the result of a deconvolution; takes the place of the padding.
        weights: the form of the kernel, see `_prepare`.
        bias: [out].

    Returns:
        The rank of x, with the output channels of the layer.

    Raises:
        ShapeError: channels do not match, or the window does not fit.

    Source: Convolution3DLayerParams (spec 5).
    """
    fields = locals()
    _check_volume(x)
    if x.shape[1] != input_channels:
        raise ShapeError(f"x has {x.shape[1]} channels, the weights expect {input_channels}")
    x = jnp.moveaxis(x, 1, -1)
    sizes, stride, dilation = x.shape[1:4], _stride(**fields), _dilation(**fields)
    kernel = reach(_kernel(**fields), dilation)
    if is_deconvolution:
        if output_shape or padding_type == "SAME":
            wanted = output_shape or tuple(n * s for n, s in zip(sizes, stride, strict=True))
            crop = crop_to_size(sizes, kernel, stride, extents(wanted, "output shape", axes=3))
        else:
            crop = crop_borders(sizes, kernel, stride, _padding(sizes, kernel, stride, **fields))
        y = weights(x, crop._replace(groups=n_groups))
    else:
        padding = _padding(sizes, kernel, stride, **fields)
        window_counts(sizes, kernel, stride, padding)  # checks that there is at least one on each axis
        y = weights(x, ConvolutionWindow(stride, padding, dilation, n_groups))
    return jnp.moveaxis(y if bias is None else y + bias, -1, 1)


@layer("pooling3d")
def pooling_3d(
    x: Array,
    *,
    type: str,
    kernel_depth: int,
    kernel_height: int,
    kernel_width: int,
    stride_depth: int,
    stride_height: int,
    stride_width: int,
    padding_type: str,
    custom_padding_front: int,
    custom_padding_back: int,
    custom_padding_top: int,
    custom_padding_bottom: int,
    custom_padding_left: int,
    custom_padding_right: int,
    count_exclude_padding: bool,
) -> Array:
    """The maximum or the mean of each box of a volume.

    Args:
        x: [batch, channels, depth, height, width].
        type: MAX or AVERAGE.
        kernel_depth: size of a box.
        kernel_height: size of a box.
        kernel_width: size of a box.
        stride_depth: elements from one box to the next.
        stride_height: elements from one box to the next.
        stride_width: elements from one box to the next.
        padding_type: as for `convolution_3d`. Padding is never the maximum.
        custom_padding_front: before the depth.
        custom_padding_back: after the depth.
        custom_padding_top: before the height.
        custom_padding_bottom: after the height.
        custom_padding_left: before the width.
        custom_padding_right: after the width.
        count_exclude_padding: whether padding is left out of the count of a mean.

    Returns:
        The rank of x.

    Raises:
        ShapeError: the box does not fit.

    Source: Pooling3DLayerParams (spec 5).
    """
    fields = locals()
    _check_volume(x)
    x = jnp.moveaxis(x, 1, -1)
    sizes, kernel, stride = x.shape[1:4], _kernel(**fields), _stride(**fields)
    padding = _padding(sizes, kernel, stride, **fields)
    window_counts(sizes, kernel, stride, padding)  # checks that there is at least one on each axis
    if type == "MAX":
        y = kernels.max_pool(x, (1, 2, 3), kernel, stride, padding)
    else:
        counted = ((0, 0),) * 3 if count_exclude_padding else padding
        y = kernels.average_pool(x, (1, 2, 3), kernel, stride, padding, counted)
    return jnp.moveaxis(y, -1, 1)


@layer("globalPooling3d")
def global_pooling_3d(x: Array, *, type: str) -> Array:
    """The maximum or the mean of each channel of a volume.

    Args:
        x: [batch, channels, depth, height, width].
        type: MAX or AVERAGE.

    Returns:
        [batch, channels, 1, 1, 1].

    Source: GlobalPooling3DLayerParams (spec 5).
    """
    _check_volume(x)
    return pool_everything(x, (2, 3, 4), type)


def _check_volume(x: Array) -> None:
    if x.ndim != 5:
        raise ShapeError(f"x has rank {x.ndim}; it must be [batch, channels, depth, height, width]")


# The format has a field for each direction ---------------------------------------------------------------------------


def _kernel(*, kernel_depth: int, kernel_height: int, kernel_width: int, **_: Any) -> Extents:
    return extents((kernel_depth, kernel_height, kernel_width), "kernel size", axes=3)


def _stride(*, stride_depth: int, stride_height: int, stride_width: int, **_: Any) -> Extents:
    return extents((stride_depth, stride_height, stride_width), "stride", axes=3)


def _dilation(*, dilation_depth: int, dilation_height: int, dilation_width: int, **_: Any) -> Extents:
    return extents((dilation_depth, dilation_height, dilation_width), "dilation", axes=3)


def _padding(
    sizes: Sequence[int],
    kernel: Extents,
    stride: Extents,
    *,
    padding_type: str,
    custom_padding_front: int,
    custom_padding_back: int,
    custom_padding_top: int,
    custom_padding_bottom: int,
    custom_padding_left: int,
    custom_padding_right: int,
    **_: Any,
) -> tuple[Pair, ...]:
    """(before, after) of depth, height and width."""
    if padding_type == "VALID":
        return ((0, 0),) * 3
    if padding_type == "SAME":
        return same_paddings(sizes, kernel, stride)
    amounts = (
        (custom_padding_front, custom_padding_back),
        (custom_padding_top, custom_padding_bottom),
        (custom_padding_left, custom_padding_right),
    )
    if np.min(amounts) < 0:
        raise ShapeError(f"custom padding is {list(amounts)}; amounts must not be negative")
    return amounts
