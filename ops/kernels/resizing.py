"""Resizing of images, channels last. The methods differ only in where the samples are on the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from graphml.interpreter.budget import check_shape
from graphml.ops.kernels.arrays import Array, array_namespace

Sampling: TypeAlias = Literal["strict_align_endpoints", "align_endpoints", "upsample", "roi_align", "pixel_centers"]

_TIE = 1e-9  # of a pixel: a sample this close to the midpoint between two pixels is a tie
_ROUNDINGS = 4  # in ulps: a sample this close to the edge of an image is on it


def sample_positions(extent: Any, count: int, sampling: Sampling) -> Any:
    """Positions of samples on the interval [0, extent].

    Args:
        extent: a number, or an array of any shape.
        count: the number of samples.
        sampling: "strict_align_endpoints" puts the first and the last sample on the ends, and a single one at 0;
            "align_endpoints" puts a single one into the middle; "upsample" starts at 0 and steps by
            (extent + 1) / count; "roi_align" takes the middles of equal bins; "pixel_centers" the centres of `count`
            new pixels over extent + 1 old ones, whose outer edges match.

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
    if sampling == "pixel_centers":
        return xp.minimum(extent, xp.maximum(0, (steps + 0.5) * ((extent + 1) / count) - 0.5))
    if count > 1:
        return steps * (extent / (count - 1))
    return extent * (0.5 if sampling == "align_endpoints" else 0.0)


def nearest_indices(size: int, count: int, sampling: Sampling) -> npt.NDArray[np.int32]:
    """The pixels nearest to samples; on a tie, the later one.

    Args:
        size: the number of pixels.
        count: the number of samples.
        sampling: where they are, see `sample_positions`. "upsample" means the same as "pixel_centers".

    Returns:
        [count]
    """
    if sampling in ("upsample", "pixel_centers"):
        check_shape((count,), np.int64)
        return ((2 * np.arange(count) + 1) * size // (2 * count)).astype(np.int32)
    positions = sample_positions(size - 1, count, sampling)
    return np.floor(positions + 0.5 + _TIE).clip(0, size - 1).astype(np.int32)


def repeating_indices(size: int, count: int) -> npt.NDArray[np.int32]:
    """The old pixels in which `count` new ones begin, where both rows of pixels cover the same interval: [count]."""
    check_shape((count,), np.int64)
    return (np.arange(count) * size // count).astype(np.int32)


def scaled_size(size: int, factor: float) -> int:
    """size * factor, rounded down after a product in float32: 10 * 1.3 is 13, although the float32 nearest to 1.3
    is below it."""
    return int(np.float32(size) * np.float32(factor))


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
    if xp is np and np.array_equal(positions, np.arange(last + 1)):
        return x
    low = xp.clip(xp.floor(positions), 0, last).astype(np.int32)
    high = xp.minimum(low + 1, last)
    weight = (positions - low).astype(x.dtype).reshape([-1] + [1] * (x.ndim - 1 - axis))
    below, above = (jnp.take(x, index, axis=axis, mode="clip") for index in (low, high))
    return below + (above - below) * weight


def resize_bilinear(x: Array, rows: Any, columns: Any) -> Array:
    """An image at a grid of positions, by bilinear interpolation.

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
    return _repeated(x, {x.ndim - 3: factors[0], x.ndim - 2: factors[1]})


def pick(x: Array, places: Mapping[int, npt.NDArray[np.int32]]) -> Array:
    """An array at known positions along its axes.

    Args:
        x: any rank.
        places: axis, counted from the start and not empty -> the positions to take, in order.

    Returns:
        The rank of x, each axis as long as its places.
    """
    repeats = {axis: len(index) // x.shape[axis] for axis, index in places.items() if _repeats(index, x.shape[axis])}
    for axis in places.keys() - repeats.keys():
        x = jnp.take(x, places[axis], axis=axis, mode="clip")
    return _repeated(x, repeats)


def _repeats(index: npt.NDArray[np.int32], size: int) -> bool:
    """Whether places are all positions of an axis, each equally often."""
    times, rest = divmod(len(index), size)
    return times > 0 and rest == 0 and bool((index == np.arange(len(index)) // times).all())


def _repeated(x: Array, repeats: Mapping[int, int]) -> Array:
    """An array whose elements are repeated along axes, in one step."""
    shape, wide = list[int](), list[int]()
    for axis, size in enumerate(x.shape):
        shape += [size, 1] if axis in repeats else [size]
        wide += [size, repeats[axis]] if axis in repeats else [size]
    whole = [size * repeats.get(axis, 1) for axis, size in enumerate(x.shape)]
    return jnp.broadcast_to(x.reshape(shape), wide).reshape(whole)


def box_corners(boxes: Array, mode: str) -> tuple[Array, Array]:
    """The first and the last corner of boxes, height first.

    Args:
        boxes: [n, 4].
        mode: what they hold, by its name in both formats: CORNERS_ or CENTER_SIZE_, and HEIGHT_FIRST or WIDTH_FIRST.

    Returns:
        Two arrays [n, 2].
    """
    one, two = boxes[:, :2], boxes[:, 2:]
    if mode.endswith("WIDTH_FIRST"):
        one, two = one[:, ::-1], two[:, ::-1]
    return (one, two) if mode.startswith("CORNERS") else (one - two / 2, one + two / 2)


def crop_and_resize(
    images: Array,
    starts: Array,
    ends: Array,
    size: Sequence[int],
    sampling: Sampling,
    image_index: Array | None = None,
    outside: float | None = None,
) -> Array:
    """Boxes cut out of images and resized, by bilinear interpolation.

    Args:
        images: [batch, height, width, channels].
        starts: [boxes, 2], the first corner (row, column) of each box, in pixels.
        ends: [boxes, 2], the last corner.
        size: (height, width) of the result.
        sampling: where the samples are in a box, see `sample_positions`.
        image_index: [boxes], integers: the image of each box; None cuts every box out of every image. An index outside
            the batch means the nearest image.
        outside: the value of samples outside of an image; None repeats its edge.

    Returns:
        [boxes, batch, *size, channels], where batch is 1 with `image_index`.
    """
    slack = _ROUNDINGS * float(np.finfo(np.float32).eps) * max(images.shape[1:3])

    def cut(start: Array, end: Array, source: Array) -> Array:
        inside: list[Array] = []
        for axis in range(2):
            last = images.shape[1 + axis] - 1
            positions = start[axis] + sample_positions(end[axis] - start[axis], size[axis], sampling)
            inside.append((positions >= -slack) & (positions <= last + slack))
            source = interpolate(source, jnp.clip(positions, 0, last), 1 + axis)
        rows, columns = inside
        return source if outside is None else jnp.where((rows[:, None] & columns)[..., None], source, outside)

    if image_index is None:
        return jax.vmap(cut, in_axes=(0, 0, None))(starts, ends, images)
    chosen = jnp.take(images, image_index, axis=0, mode="clip")
    return jax.vmap(cut)(starts, ends, chosen[:, None])
