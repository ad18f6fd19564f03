"""Resizing of images, channels last. Where the samples lie on the image is the whole difference between the methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from graphml.interpreter.budget import check_shape
from graphml.ops.kernels.arrays import Array, array_namespace

Sampling: TypeAlias = Literal["strict_align_endpoints", "align_endpoints", "upsample", "roi_align"]


def sample_positions(extent: Any, count: int, sampling: Sampling) -> Any:
    """Positions of samples on the interval [0, extent].

    Args:
        extent: a number, or an array of any shape.
        count: the number of samples.
        sampling: "strict_align_endpoints" puts the first and the last sample on the ends, and a single one at 0;
            "align_endpoints" puts a single one into the middle; "upsample" starts at 0 and steps by
            (extent + 1) / count; "roi_align" takes the middles of equal bins.

    Returns:
        [*shape of extent, count]; a NumPy array for known values.
    """
    xp = np if isinstance(extent, int | float | np.ndarray) else jnp
    extent = xp.asarray(extent)[..., None]
    check_shape((*extent.shape[:-1], count), np.float64)
    steps = np.arange(count)
    if sampling == "upsample":
        return xp.minimum(extent, steps * ((extent + 1) / count))
    if sampling == "roi_align":
        return xp.minimum(extent, (steps + 0.5) * (xp.maximum(1, extent) / count))
    if count > 1:
        return steps * (extent / (count - 1))
    return extent * (0.5 if sampling == "align_endpoints" else 0.0)


def pixel_center_positions(size: int, count: int) -> npt.NDArray[np.floating[Any]]:
    """Positions of the centres of `count` new pixels on an axis of `size` old ones, whose outer edges match."""
    check_shape((count,), np.float64)
    return np.clip((np.arange(count) + 0.5) * (size / count) - 0.5, 0, size - 1)


def interpolate(x: Array, positions: Any, axis: int) -> Array:
    """Linear interpolation along an axis.

    Args:
        x: any rank.
        positions: [n], in [0, size of the axis - 1].
        axis: counted from the start.

    Returns:
        The shape of x with size n on the axis.
    """
    last = x.shape[axis] - 1
    xp = array_namespace(positions)
    low = xp.clip(xp.floor(positions), 0, last).astype(np.int32)
    high = xp.minimum(low + 1, last)
    weight = (positions - low).astype(x.dtype).reshape([-1] + [1] * (x.ndim - 1 - axis))
    below, above = (jnp.take(x, index, axis=axis, mode="clip") for index in (low, high))
    return below + (above - below) * weight


def resize_bilinear(x: Array, rows: Any, columns: Any) -> Array:
    """An image at the crossings of two sets of positions, by bilinear interpolation.

    Args:
        x: [..., height, width, channels].
        rows: [new height], positions along the height.
        columns: [new width], positions along the width.

    Returns:
        [..., new height, new width, channels].
    """
    return interpolate(interpolate(x, rows, x.ndim - 3), columns, x.ndim - 2)


def upsample_nearest(x: Array, factors: tuple[int, int]) -> Array:
    """An image whose pixels are repeated.

    Args:
        x: [..., height, width, channels].
        factors: how often pixels are repeated along height and width.

    Returns:
        [..., height * factor, width * factor, channels].
    """
    (*front, height, width, channels), (down, across) = x.shape, factors
    x = jnp.broadcast_to(x[..., None, :, None, :], (*front, height, down, width, across, channels))
    return x.reshape(*front, height * down, width * across, channels)


def crop_and_resize(
    images: Array,
    starts: Array,
    ends: Array,
    size: Sequence[int],
    sampling: Sampling,
    image_index: Array | None = None,
) -> Array:
    """Boxes cut out of images and resized, by bilinear interpolation. Outside an image its edge is repeated.

    Args:
        images: [batch, height, width, channels].
        starts: [boxes, 2], the first corner (row, column) of each box, in pixels.
        ends: [boxes, 2], the last corner.
        size: (height, width) of the result.
        sampling: where the samples lie in a box, see `sample_positions`.
        image_index: [boxes], integers: the image of each box; None cuts every box out of every image. An index outside
            the batch means the nearest image.

    Returns:
        [boxes, batch, *size, channels], where batch is 1 with `image_index`.
    """

    def cut(start: Array, end: Array, source: Array) -> Array:
        for axis in range(2):
            positions = start[axis] + sample_positions(end[axis] - start[axis], size[axis], sampling)
            source = interpolate(source, jnp.clip(positions, 0, images.shape[1 + axis] - 1), 1 + axis)
        return source

    if image_index is None:
        return jax.vmap(cut, in_axes=(0, 0, None))(starts, ends, images)
    chosen = jnp.take(images, image_index, axis=0, mode="clip")
    return jax.vmap(cut)(starts, ends, chosen[:, None])
