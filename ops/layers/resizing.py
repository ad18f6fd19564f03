"""Resizing of images: where the output's grid lies on the input is the whole difference between the layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import target
from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape
from graphml.ops._known import whole
from graphml.ops.layers import windows
from graphml.ops.layers.dialect import layer


def grid(extent, count: int, mode: str) -> Any:
    """Places of `count` samples on an interval [0, extent], for the four sampling modes of the format.

    extent: a number or an array; the samples are appended as last axis. Plain numbers give a NumPy array.
    """
    xp = np if isinstance(extent, int | float | np.ndarray) else jnp
    extent = xp.asarray(extent)[..., None]
    check_shape((*extent.shape[:-1], count), np.float64)
    steps = np.arange(count)
    if mode == "UPSAMPLE_MODE":
        return xp.minimum(extent, steps * ((extent + 1) / count))
    if mode == "ROI_ALIGN_MODE":
        return xp.minimum(extent, (steps + 0.5) * (xp.maximum(1, extent) / count))
    if count > 1:
        return steps * (extent / (count - 1))
    return extent * (0.5 if mode == "ALIGN_ENDPOINTS_MODE" else 0.0)


def interpolate(x, places: Any, axis: int):
    """Linear interpolation of x along an axis at places in [0, size - 1]: the axis becomes as long as `places`."""
    last = x.shape[axis] - 1
    xp = np if isinstance(places, np.ndarray) else jnp
    low = xp.clip(xp.floor(places), 0, last).astype(np.int32)
    high = xp.minimum(low + 1, last)
    weight = (places - low).astype(x.dtype).reshape([-1] + [1] * (x.ndim - 1 - axis))
    below, above = (jnp.take(x, at, axis=axis, mode="clip") for at in (low, high))
    return below + (above - below) * weight


def _resized(x, rows: np.ndarray, columns: np.ndarray):
    """An image [..., height, width, channels] at the crossings of two sets of places."""
    x = interpolate(x, rows, x.ndim - 3)
    if target().platform == "cpu":
        x = lax.optimization_barrier(x)  # or XLA interpolates the rows anew for each column
    return interpolate(x, columns, x.ndim - 2)


def _image(x) -> tuple[int, int]:
    if x.ndim < 3:
        raise ShapeError(f"x has rank {x.ndim}; it is [..., channels, height, width]")
    return x.shape[-3:-1]


def _upsample_supported(attributes: Mapping[str, Any]) -> str | None:
    fractional = attributes["fractional_scaling_factor"]
    if not fractional:
        return None
    if tuple(attributes["scaling_factor"]) != (1, 1):
        return "it has both whole and fractional scaling factors"
    if attributes["mode"] == "NN" or attributes["linear_upsample_mode"] == "DEFAULT":
        return "fractional scaling factors need bilinear interpolation with ALIGN_CORNERS_TRUE or ALIGN_CORNERS_FALSE"
    return None


@layer("upsample", layout="last", supported=_upsample_supported)
def upsample(
    x,
    *,
    scaling_factor: tuple[int, ...],
    fractional_scaling_factor: tuple[float, ...],
    mode: str,
    linear_upsample_mode: str,
):
    """An image made larger by a factor: pixels repeated (NN), or interpolated (BILINEAR).

    x: [..., channels, height, width]. A whole factor multiplies the size; the product with a fractional one, taken in
    float32, is rounded down. linear_upsample_mode: DEFAULT starts at the first pixel and steps by 1 / factor,
    ALIGN_CORNERS_TRUE matches the centres of the corner pixels, ALIGN_CORNERS_FALSE their outer edges.
    Source: UpsampleLayerParams (spec 1; fractional factors and corners spec 5).
    """
    sizes = _image(x)
    if fractional_scaling_factor:
        if len(fractional_scaling_factor) != 2 or min(fractional_scaling_factor) <= 0:
            raise ShapeError(
                f"fractional scaling factor is {list(fractional_scaling_factor)}; it is two positive numbers"
            )
        # in float32 10 * 1.3 is 13, although the float32 next to 1.3 lies below it
        wanted = [int(np.float32(n) * np.float32(f)) for n, f in zip(sizes, fractional_scaling_factor, strict=True)]
        if min(wanted) < 1:
            raise ShapeError(f"{list(sizes)} pixels scaled by {list(fractional_scaling_factor)} leave none")
    else:
        factors = windows.extents(scaling_factor, "scaling factor")
        wanted = [n * f for n, f in zip(sizes, factors, strict=True)]
        if mode == "NN":
            (height, width), (down, across) = sizes, factors
            front, channels = x.shape[:-3], x.shape[-1]
            x = jnp.broadcast_to(x[..., None, :, None, :], (*front, height, down, width, across, channels))
            return x.reshape(*front, *wanted, channels)
    return _resized(x, *(_upsampled(n, m, linear_upsample_mode) for n, m in zip(sizes, wanted, strict=True)))


def _upsampled(size: int, wanted: int, mode: str) -> np.ndarray:
    """The places of an upsampled axis on the original one."""
    if mode == "ALIGN_CORNERS_TRUE":
        return grid(size - 1, wanted, "STRICT_ALIGN_ENDPOINTS_MODE")
    if mode == "DEFAULT":
        return grid(size - 1, wanted, "UPSAMPLE_MODE")
    check_shape((wanted,), np.float64)
    return np.clip((np.arange(wanted) + 0.5) * (size / wanted) - 0.5, 0, size - 1)


@layer("resizeBilinear", layout="last")
def resize_bilinear(x, *, target_size: tuple[int, ...], mode: str):
    """An image of a given size, by bilinear interpolation.

    x: [..., channels, height, width]. mode: where the samples lie on the image, see `grid`: the first and last on the
    edges (STRICT_ALIGN_ENDPOINTS; ALIGN_ENDPOINTS puts a single one into the middle), from the first pixel on with the
    ratio of the sizes as step (UPSAMPLE), or in the middle of equal bins (ROI_ALIGN).
    Source: ResizeBilinearLayerParams (spec 3).
    """
    sizes, wanted = _image(x), windows.extents(target_size, "target size")
    return _resized(x, *(grid(n - 1, m, mode) for n, m in zip(sizes, wanted, strict=True)))


@layer("cropResize", layout="last")
def crop_resize(
    x,
    regions,
    *,
    target_size: tuple[int, ...],
    normalized_coordinates: bool,
    mode: str,
    box_indices_mode: str,
    spatial_scale: float,
):
    """Boxes cut out of images and resized, by bilinear interpolation.

    x: [1, batch, channels, height, width]. regions: [n, 1, 4, 1, 1], n boxes for every image, or [n, 1, 5, 1, 1], where
    the number of the image comes first; its fraction is dropped. Returns [n, batch, channels, *target_size], with five
    values [n, 1, ...].
    Boxes are corners or centre and size, height or width first, times `spatial_scale`, and with normalized coordinates
    times the image's size less one. mode: where the samples lie in the box, see `resize_bilinear`. What lies outside of
    the image repeats its edge; a number of an image outside of the batch counts as the nearest one.
    Source: CropResizeLayerParams (spec 3).
    """
    if x.ndim != 5 or x.shape[0] != 1:
        raise ShapeError(f"the images have shape {_wire(x)}; it is [1, batch, channels, height, width]")
    if regions.ndim != 5 or regions.shape[1:4] != (1, 1, 1) or regions.shape[4] not in (4, 5):
        raise ShapeError(f"the regions have shape {_wire(regions)}; it is [n, 1, 4, 1, 1] or [n, 1, 5, 1, 1]")
    wanted = windows.extents(target_size, "target size")
    images, values = x[0], regions[:, 0, 0, 0]
    scale = np.full(4, spatial_scale)
    if normalized_coordinates:
        scale = scale * np.tile(np.array(images.shape[1:3]) - 1, 2)
    starts, ends = _corners(values[:, -4:], box_indices_mode)
    scale = scale.astype(values.dtype)[:2]

    def cut(start, end, source):
        for axis in range(2):
            places = start[axis] + grid(end[axis] - start[axis], wanted[axis], mode)
            source = interpolate(source, jnp.clip(places, 0, images.shape[1 + axis] - 1), 1 + axis)
        return source

    if values.shape[1] == 4:
        return jax.vmap(cut, in_axes=(0, 0, None))(starts * scale, ends * scale, images)
    chosen = jnp.take(images, whole(values[:, 0]), axis=0, mode="clip")
    return jax.vmap(cut)(starts * scale, ends * scale, chosen[:, None])


def _corners(boxes, mode: str):
    """(first, last) corner of each box, height first: [n, 2] each."""
    one, two = boxes[:, :2], boxes[:, 2:]
    if mode.endswith("WIDTH_FIRST"):
        one, two = one[:, ::-1], two[:, ::-1]
    return (one, two) if mode.startswith("CORNERS") else (one - two / 2, one + two / 2)


def _wire(x) -> list[int]:
    """A shape as the format has it, of an array that came channels-last."""
    return list(jnp.moveaxis(x, -1, -3).shape) if x.ndim >= 3 else list(x.shape)
