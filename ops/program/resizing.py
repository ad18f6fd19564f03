"""Resizing of images, the last two axes of arrays. The operations differ only in where the samples are on the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from graphml.catalogue import Attributes, Layout, Ranks, channel_axis
from graphml.errors import ShapeError, SpecError
from graphml.ops.kernels import resizing as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import working_type
from graphml.ops.program._names import named
from graphml.ops.program.dialect import operation

SAMPLING: Mapping[str, kernels.Sampling] = {
    "STRICT_ALIGN_CORNERS": "strict_align_endpoints",
    "ALIGN_CORNERS": "align_endpoints",
    "DEFAULT": "upsample",
    "OFFSET_CORNERS": "roi_align",
    "UNALIGN_CORNERS": "pixel_centers",
}
"""Sampling modes by their names in the format."""

Sizes: TypeAlias = Mapping[int, int]  # axis, counted from the end of the array that the operation sees -> its new size


def images_last(attributes: Attributes, ranks: Ranks) -> Layout:
    """Channels-last for images [N, C, H, W], as the format says for every other rank."""
    return "last" if ranks[0] == 4 else "wire"


def spatial_axes() -> tuple[int, int]:
    """The axes of height and width in the operation being traced."""
    return (-3, -2) if channel_axis() == -1 else (-2, -1)


def _wanted(x: Array, height: int, width: int, what: str) -> Sizes:
    if x.ndim < 3:
        raise ShapeError(f"x has rank {x.ndim}; it must be [..., channels, height, width]")
    if height < 1 or width < 1:
        raise ShapeError(f"{what} is {[height, width]}; it must be [height, width], each at least 1")
    return dict(zip(spatial_axes(), (height, width), strict=True))


def _scaled(x: Array, factors: Sequence[float]) -> Sizes:
    sizes = [x.shape[axis] for axis in spatial_axes()] if x.ndim >= 3 else [1, 1]
    if min(factors) <= 0:
        raise ShapeError(f"the scale factors are {list(factors)}; they must be positive")
    height, width = (kernels.scaled_size(n, factor) for n, factor in zip(sizes, factors, strict=True))
    return _wanted(x, height, width, f"the size of {sizes} scaled by {list(factors)}")


def _interpolated(x: Array, sizes: Sizes, sampling: kernels.Sampling) -> Array:
    """x with axes resized by linear interpolation. Integers are rounded to the nearest."""
    whole = jnp.issubdtype(x.dtype, jnp.integer)
    y = x.astype(jnp.float32 if whole else working_type(x.dtype))
    for axis, old, new in _resized(x, sizes):
        y = kernels.interpolate(y, kernels.sample_positions(old - 1, new, sampling), axis)
    return (jnp.rint(y) if whole else y).astype(x.dtype)


def _picked(x: Array, sizes: Sizes, pixels: Callable[[int, int], npt.NDArray[np.int32]]) -> Array:
    """x with axes resized by picking pixels. pixels: (old size, new size) -> their indices."""
    return kernels.pick(x, {axis: pixels(old, new) for axis, old, new in _resized(x, sizes)})


def _resized(x: Array, sizes: Sizes) -> Iterator[tuple[int, int, int]]:
    """(axis counted from the start, its size, its new size) of each axis with pixels."""
    for axis, new in sizes.items():
        if x.shape[axis] == 0 and new > 0:
            raise ShapeError(f"cannot resize an empty axis of x to {new}")
        if new > 0:
            yield x.ndim + axis, x.shape[axis], new


# By factors ----------------------------------------------------------------------------------------------------------


@operation("upsample_nearest_neighbor", version=15, layout=images_last)
def upsample_nearest_neighbor(x: Array, *, scale_factor_height: float, scale_factor_width: float) -> Array:
    """An image scaled by factors; each new pixel is the old one in which it begins.

    New pixel i is old pixel floor(i * old size / new size), with the ratio of the sizes, not the factor.

    Args:
        x: [..., height, width], rank 3 or more.
        scale_factor_height: a positive number; the new height is the product, rounded down.
        scale_factor_width: likewise.

    Returns:
        [..., new height, new width].

    Raises:
        ShapeError: the rank is too small, a factor is not positive, or no pixel remains.

    Source: the operation upsample_nearest_neighbor of ML Programs (iOS 15).
    """
    return _picked(x, _scaled(x, (scale_factor_height, scale_factor_width)), kernels.repeating_indices)


@operation("upsample_bilinear", version=15, layout=images_last)
def upsample_bilinear(x: Array, *, scale_factor_height: float, scale_factor_width: float, align_corners: bool) -> Array:
    """An image scaled by factors, by bilinear interpolation. The step between samples follows from the rounded size.

    Args:
        x: [..., height, width], rank 3 or more.
        scale_factor_height: a positive number; the new height is the product, rounded down.
        scale_factor_width: likewise.
        align_corners: whether the centres of the corner pixels match, or their outer edges.

    Returns:
        [..., new height, new width].

    Raises:
        ShapeError: the rank is too small, a factor is not positive, or no pixel remains.

    Source: the operation upsample_bilinear of ML Programs (iOS 15).
    """
    sampling = "strict_align_endpoints" if align_corners else "pixel_centers"
    return _interpolated(x, _scaled(x, (scale_factor_height, scale_factor_width)), sampling)


@operation("upsample_bilinear", version=16, layout=images_last)
def upsample_bilinear_with_centers(
    x: Array,
    *,
    scale_factor_height: float,
    scale_factor_width: float,
    align_corners: bool,
    half_pixel_centers: bool | None,
) -> Array:
    """An image scaled by factors, by bilinear interpolation.

    Args:
        x: [..., height, width], rank 3 or more.
        scale_factor_height: a positive number; the new height is the product, rounded down.
        scale_factor_width: likewise.
        align_corners: whether the centres of the corner pixels match.
        half_pixel_centers: without `align_corners`, whether the outer edges of the corner pixels match, or the first
            sample is the first pixel. When absent, the opposite of `align_corners`.

    Returns:
        [..., new height, new width].

    Raises:
        ShapeError: the rank is too small, a factor is not positive, or no pixel remains.
        SpecError: both `align_corners` and `half_pixel_centers` are true.

    Source: the operation upsample_bilinear of ML Programs (iOS 16).
    """
    centers = not align_corners if half_pixel_centers is None else half_pixel_centers
    if align_corners and centers:
        raise SpecError("align_corners and half_pixel_centers are both true; at most one may be")
    sampling = "strict_align_endpoints" if align_corners else "pixel_centers" if centers else "upsample"
    return _interpolated(x, _scaled(x, (scale_factor_height, scale_factor_width)), sampling)


# To sizes ------------------------------------------------------------------------------------------------------------


@operation("resize_bilinear", version=15, layout=images_last)
def resize_bilinear(x: Array, *, target_size_height: int, target_size_width: int, sampling_mode: str) -> Array:
    """An image of a given size, by bilinear interpolation.

    Args:
        x: [..., height, width], rank 3 or more.
        target_size_height: the new height.
        target_size_width: the new width.
        sampling_mode: the position of sample i of m on n pixels: i (n - 1) / (m - 1) for STRICT_ALIGN_CORNERS and
            ALIGN_CORNERS, which differ where m is 1: 0 and (n - 1) / 2; i n / m for DEFAULT;
            (i + 0.5) max(1, n - 1) / m for OFFSET_CORNERS; (i + 0.5) n / m - 0.5 for UNALIGN_CORNERS; never before the
            first pixel or after the last.

    Returns:
        [..., new height, new width].

    Raises:
        ShapeError: the rank is too small, or a size is not positive.
        SpecError: there is no such mode.

    Source: the operation resize_bilinear of ML Programs (iOS 15).
    """
    sampling = named(sampling_mode, SAMPLING, "the sampling mode")
    return _interpolated(x, _wanted(x, target_size_height, target_size_width, "the target size"), sampling)


@operation("resize_nearest_neighbor", version=15, layout=images_last)
def resize_nearest_neighbor(x: Array, *, target_size_height: int, target_size_width: int) -> Array:
    """An image of a given size; each new pixel is the old one that contains its centre.

    New pixel i is old pixel floor((i + 0.5) * old size / new size). The format says only that this is like
    `upsample_nearest_neighbor`; the common converter writes it for TensorFlow's resizing with half_pixel_centers, and
    `upsample_nearest_neighbor` for that without.

    Args:
        x: [..., height, width], rank 3 or more.
        target_size_height: the new height.
        target_size_width: the new width.

    Returns:
        [..., new height, new width].

    Raises:
        ShapeError: the rank is too small, or a size is not positive.

    Source: the operation resize_nearest_neighbor of ML Programs (iOS 15).
    """
    sizes = _wanted(x, target_size_height, target_size_width, "the target size")
    return _picked(x, sizes, lambda old, new: kernels.nearest_indices(old, new, "pixel_centers"))


def _resize_layout(attributes: Attributes, ranks: Ranks) -> Layout:
    return "last" if ranks[0] == 4 and attributes["resized_dims"] <= 2 else "wire"


@operation("resize", version=17, concrete=(1,), layout=_resize_layout)
def resize(x: Array, shape: Any, *, resized_dims: int, interpolation_mode: str, sampling_mode: str) -> Array:
    """An array with its last axes resized, by interpolation.

    Args:
        x: any shape.
        shape: [k], integers, known when the program is traced; the last ones are the sizes of the last axes of x,
            where 0 keeps the size of an axis.
        resized_dims: how many axes are resized.
        interpolation_mode: LINEAR, or NEAREST_NEIGHBOR, which takes the pixel nearest to the sample (on a tie,
            the later one).
        sampling_mode: where the samples are, see `resize_bilinear`. For NEAREST_NEIGHBOR, DEFAULT is the same as
            UNALIGN_CORNERS: the common converter writes it for TensorFlow's resizing with half_pixel_centers.

    Returns:
        The rank and type of x. Interpolated integers are rounded to the nearest, half to even.

    Raises:
        ShapeError: `shape` is too long or too short, or a size is negative.
        SpecError: there is no such mode.

    Source: the operation resize of ML Programs (iOS 17).
    """
    wanted, count = [int(size) for size in np.asarray(shape).reshape(-1)], int(resized_dims)
    if np.ndim(shape) != 1 or not count <= len(wanted) <= x.ndim:
        raise ShapeError(
            f"shape is {np.asarray(shape).tolist()}; it must be a list of at least {count} sizes (resized_dims) and at "
            f"most {x.ndim} (the rank of x)"
        )
    if any(size < 0 for size in wanted):
        raise ShapeError(f"shape is {wanted}; sizes must not be negative")
    axes = range(-count, 0) if channel_axis() == -3 or not count else spatial_axes()[2 - count :]
    sizes = {axis: size or x.shape[axis] for axis, size in zip(axes, wanted[len(wanted) - count :], strict=True)}
    sampling = named(sampling_mode, SAMPLING, "the sampling mode")
    if named(interpolation_mode, {"LINEAR": True, "NEAREST_NEIGHBOR": False}, "the interpolation mode"):
        return _interpolated(x, sizes, sampling)
    return _picked(x, sizes, lambda old, new: kernels.nearest_indices(old, new, sampling))
