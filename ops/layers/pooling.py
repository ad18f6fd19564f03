"""Pooling over images: the maximum, the mean or the norm of each window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphml.errors import ShapeError
from graphml.ops.kernels import pooling as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.reductions import reduce_l2_norm, reduce_max, reduce_mean
from graphml.ops.kernels.windows import Pair, ceil_padding
from graphml.ops.layers._axes import image_axes
from graphml.ops.layers._borders import extents, image_padding
from graphml.ops.layers.dialect import layer
from graphml.spec.attributes import Choice

_NONE = ((0, 0), (0, 0))


def _supported(attributes: Mapping[str, Any]) -> str | None:
    if attributes["pooling_padding_type"] is None and not attributes["global_pooling"]:
        return "the type of padding is not set"
    return None


@layer("pooling", layout="either", supported=_supported)
def pooling(
    x: Array,
    *,
    type: str,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    pooling_padding_type: Choice,
    avg_pool_exclude_padding: bool,
    global_pooling: bool,
) -> Array:
    """The maximum, the mean or the square root of the sum of squares of each window.

    Padding is never the maximum. A window that covers nothing gives 0.

    Args:
        x: [..., batch, channels, height, width].
        type: MAX, AVERAGE or L2.
        kernel_size: (height, width) of a window.
        stride: pixels from one window to the next.
        pooling_padding_type: `valid` or `same`, as for convolutions, or `includeLastPixel`: the same amount on both
            sides, and sizes rounded up, so that windows may reach beyond it.
        avg_pool_exclude_padding: whether a mean divides by the pixels inside the image alone; otherwise those of the
            declared padding count too.
        global_pooling: whether the only window is the image; sizes, strides and padding are then ignored.

    Returns:
        The rank of x.

    Raises:
        ShapeError: the window does not fit.

    Source: PoolingLayerParams (spec 1).
    """
    if x.ndim < 4:
        raise ShapeError(f"x has rank {x.ndim}; it must be [..., batch, channels, height, width]")
    space = image_axes()[1:]
    if global_pooling:
        return pool_everything(x, space, type)
    sizes = tuple(x.shape[axis] for axis in space)
    kernel, stride = extents(kernel_size, "kernel size"), extents(stride, "stride")
    if pooling_padding_type.name == "includeLastPixel":
        declared, padding = _include_last_pixel(pooling_padding_type, sizes, kernel, stride)
    else:
        declared = padding = image_padding(pooling_padding_type, sizes, kernel, stride)
    if type == "MAX":
        return kernels.max_pool(x, space, kernel, stride, padding)
    if type == "AVERAGE":
        counted = _NONE if avg_pool_exclude_padding else declared
        return kernels.average_pool(x, space, kernel, stride, padding, counted)
    return kernels.l2_pool(x, space, kernel, stride, padding)


def pool_everything(x: Array, axes: Sequence[int], type: str) -> Array:
    """One window over all of some axes, which stay with size 1."""
    if type == "MAX":
        return reduce_max(x, axes)
    return reduce_mean(x, axes) if type == "AVERAGE" else reduce_l2_norm(x, axes)


def _include_last_pixel(
    choice: Choice, sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int]
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """(declared, actual) padding with which the last window still contains the last pixel."""
    amounts = extents(choice.fields.get("padding_amounts", ()) or (0, 0), "padding", least=0)
    actual = tuple(
        ceil_padding(n, k, s, amount, last_inside=any(amounts))
        for n, k, s, amount in zip(sizes, kernel, stride, amounts, strict=True)
    )
    return tuple((amount, amount) for amount in amounts), actual
