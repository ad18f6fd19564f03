"""Resizing of images. The layers differ only in where the samples are on the input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError
from graphml.ops.kernels import resizing as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._borders import extents
from graphml.ops.layers._integers import to_integers
from graphml.ops.layers.dialect import layer

_SAMPLING: Mapping[str, kernels.Sampling] = {
    "STRICT_ALIGN_ENDPOINTS_MODE": "strict_align_endpoints",
    "ALIGN_ENDPOINTS_MODE": "align_endpoints",
    "UPSAMPLE_MODE": "upsample",
    "ROI_ALIGN_MODE": "roi_align",
}
_UPSAMPLING: Mapping[str, kernels.Sampling] = {
    "DEFAULT": "upsample",
    "ALIGN_CORNERS_TRUE": "strict_align_endpoints",
    "ALIGN_CORNERS_FALSE": "pixel_centers",
}


def _image_size(x: Array) -> tuple[int, int]:
    if x.ndim < 3:
        raise ShapeError(f"x has rank {x.ndim}; it must be [..., channels, height, width]")
    return x.shape[-3], x.shape[-2]


def _upsample_supported(attributes: Mapping[str, Any]) -> str | None:
    fractional = attributes["fractional_scaling_factor"]
    if not fractional:
        return None
    if tuple(attributes["scaling_factor"]) != (1, 1):
        return "it has both integer and fractional scaling factors"
    if attributes["mode"] == "NN" or attributes["linear_upsample_mode"] == "DEFAULT":
        return "fractional scaling factors need bilinear interpolation with ALIGN_CORNERS_TRUE or ALIGN_CORNERS_FALSE"
    return None


@layer("upsample", layout="last", supported=_upsample_supported)
def upsample(
    x: Array,
    *,
    scaling_factor: tuple[int, ...],
    fractional_scaling_factor: tuple[float, ...],
    mode: str,
    linear_upsample_mode: str,
) -> Array:
    """An image enlarged by a factor: pixels repeated (NN), or interpolated (BILINEAR).

    Args:
        x: [..., channels, height, width].
        scaling_factor: integers for height and width, which multiply the size.
        fractional_scaling_factor: in place of `scaling_factor`; the product, taken in float32, is rounded down.
        mode: NN or BILINEAR.
        linear_upsample_mode: DEFAULT starts at the first pixel and steps by 1 / factor, ALIGN_CORNERS_TRUE matches the
            centres of the corner pixels, ALIGN_CORNERS_FALSE their outer edges.

    Returns:
        The rank of x.

    Raises:
        ShapeError: factors are not positive, or no pixel remains.

    Source: UpsampleLayerParams (spec 1; fractional factors and corners spec 5).
    """
    sizes = _image_size(x)
    if fractional_scaling_factor:
        if len(fractional_scaling_factor) != 2 or min(fractional_scaling_factor) <= 0:
            raise ShapeError(
                f"fractional scaling factor is {list(fractional_scaling_factor)}; it must be two positive numbers"
            )
        wanted = [kernels.scaled_size(n, f) for n, f in zip(sizes, fractional_scaling_factor, strict=True)]
        if min(wanted) < 1:
            raise ShapeError(f"{list(sizes)} pixels scaled by {list(fractional_scaling_factor)} leave no pixel")
    else:
        down, across = extents(scaling_factor, "scaling factor")
        if mode == "NN":
            return kernels.upsample_nearest(x, (down, across))
        wanted = [sizes[0] * down, sizes[1] * across]
    sampling = _UPSAMPLING[linear_upsample_mode]
    rows, columns = (kernels.sample_positions(n - 1, m, sampling) for n, m in zip(sizes, wanted, strict=True))
    return kernels.resize_bilinear(x, rows, columns)


@layer("resizeBilinear", layout="last")
def resize_bilinear(x: Array, *, target_size: tuple[int, ...], mode: str) -> Array:
    """An image of a given size, by bilinear interpolation.

    Args:
        x: [..., channels, height, width].
        target_size: (height, width).
        mode: where the samples are on the image: the first and last on the edges (STRICT_ALIGN_ENDPOINTS;
            ALIGN_ENDPOINTS puts a single one into the middle), from the first pixel on with the ratio of the sizes as
            step (UPSAMPLE), or in the middle of equal bins (ROI_ALIGN).

    Returns:
        [..., channels, *target_size].

    Source: ResizeBilinearLayerParams (spec 3).
    """
    sizes, wanted = _image_size(x), extents(target_size, "target size")
    rows, columns = (kernels.sample_positions(n - 1, m, _SAMPLING[mode]) for n, m in zip(sizes, wanted, strict=True))
    return kernels.resize_bilinear(x, rows, columns)


@layer("cropResize", layout="last")
def crop_resize(
    x: Array,
    regions: Array,
    *,
    target_size: tuple[int, ...],
    normalized_coordinates: bool,
    mode: str,
    box_indices_mode: str,
    spatial_scale: float,
) -> Array:
    """Boxes cut out of images and resized, by bilinear interpolation.

    Outside an image its edge is repeated; an image index outside the batch counts as the nearest one.

    Args:
        x: [1, batch, channels, height, width].
        regions: [n, 1, 4, 1, 1], n boxes for every image, or [n, 1, 5, 1, 1], where the index of the image comes first;
            its fraction is dropped.
        target_size: (height, width) of the result.
        normalized_coordinates: whether boxes are multiplied by the image's size minus 1.
        mode: where the samples are in a box, see `resize_bilinear`.
        box_indices_mode: whether boxes are corners, or centre and size; height or width first.
        spatial_scale: factor of the boxes.

    Returns:
        [n, batch, channels, *target_size]; with five values [n, 1, ...].

    Raises:
        ShapeError: images or regions have another shape.

    Source: CropResizeLayerParams (spec 3).
    """
    if x.ndim != 5 or x.shape[0] != 1:
        raise ShapeError(f"the images have shape {_wire_shape(x)}; it must be [1, batch, channels, height, width]")
    if regions.ndim != 5 or regions.shape[1:4] != (1, 1, 1) or regions.shape[4] not in (4, 5):
        raise ShapeError(
            f"the regions have shape {_wire_shape(regions)}; it must be [n, 1, 4, 1, 1] or [n, 1, 5, 1, 1]"
        )
    wanted = extents(target_size, "target size")
    images, values = x[0], regions[:, 0, 0, 0]
    scale = np.full(4, spatial_scale)
    if normalized_coordinates:
        scale = scale * np.tile(np.array(images.shape[1:3]) - 1, 2)
    starts, ends = kernels.box_corners(values[:, -4:], box_indices_mode)
    scale = scale.astype(values.dtype)[:2]
    index = None if values.shape[1] == 4 else to_integers(values[:, 0])
    return kernels.crop_and_resize(images, starts * scale, ends * scale, wanted, _SAMPLING[mode], index)


def _wire_shape(x: Array) -> list[int]:
    """The shape in the format's layout of a channels-last array."""
    return list(jnp.moveaxis(x, -1, -3).shape) if x.ndim >= 3 else list(x.shape)
