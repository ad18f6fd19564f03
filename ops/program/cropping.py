"""Parts of images: cropped borders, and boxes cut out and resized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError
from graphml.ops.kernels import resizing as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import widened
from graphml.ops.program._names import named
from graphml.ops.program.dialect import operation
from graphml.ops.program.resizing import SAMPLING, spatial_axes

_BOXES: Mapping[str, str] = {
    name: name
    for name in (
        "CORNERS_HEIGHT_FIRST",
        "CORNERS_WIDTH_FIRST",
        "CENTER_SIZE_HEIGHT_FIRST",
        "CENTER_SIZE_WIDTH_FIRST",
    )
}


@operation("crop", version=15, layout="either")
def crop(x: Array, *, crop_height: Sequence[int], crop_width: Sequence[int]) -> Array:
    """An image without its borders.

    Args:
        x: [..., height, width], rank 3 or more.
        crop_height: how many pixels to remove at the top and at the bottom.
        crop_width: how many at the left and at the right.

    Returns:
        [..., what is left of the height, of the width].

    Raises:
        ShapeError: the rank is too small, an amount is negative, or no pixel is left.

    Source: the operation crop of ML Programs (iOS 15).
    """
    if x.ndim < 3:
        raise ShapeError(f"x has rank {x.ndim}; it must be [..., channels, height, width]")
    kept = [slice(None)] * x.ndim
    for axis, amounts in zip(spatial_axes(), (crop_height, crop_width), strict=True):
        size = x.shape[axis]
        if len(amounts) != 2 or min(amounts) < 0 or sum(amounts) >= size:
            raise ShapeError(
                f"the amounts to crop are {list(amounts)}; they must be two, not negative, and leave some of {size} "
                "pixels"
            )
        kept[axis] = slice(amounts[0], size - amounts[1])
    return x[tuple(kept)]


def _cut(
    x: Array,
    boxes: Array,
    image: Array | None,
    wanted: tuple[int, int],
    *,
    normalized_coordinates: bool,
    spatial_scale: float,
    box_coordinate_mode: str,
    sampling_mode: str,
    pad_value: float,
) -> Array:
    """x [batch, height, width, channels] and boxes [n, 4] -> [n, batch, *wanted, channels]; batch is 1 with image."""
    if x.ndim != 4 or 0 in x.shape[1:3]:
        raise ShapeError(f"x has rank {x.ndim}; it must be [batch, channels, height, width], with pixels")
    if min(wanted) < 1:
        raise ShapeError(f"the target size is {list(wanted)}; it must be [height, width], each at least 1")
    boxes = boxes.astype(jnp.promote_types(boxes.dtype, jnp.float32))
    starts, ends = kernels.box_corners(boxes, named(box_coordinate_mode, _BOXES, "the box coordinate mode"))
    scale = np.array(x.shape[1:3]) - 1 if normalized_coordinates else np.ones(2)
    scale = jnp.asarray(scale * spatial_scale, boxes.dtype)
    sampling = named(sampling_mode, SAMPLING, "the sampling mode")
    images = widened(x)
    cut = kernels.crop_and_resize(images, starts * scale, ends * scale, wanted, sampling, image, pad_value)
    return cut.astype(x.dtype)


def _regions(roi: Array) -> tuple[Array, Array | None]:
    """Boxes [n, 4], and the image of each if they are five numbers."""
    if roi.ndim != 5 or roi.shape[1:4] != (1, 1, 1) or roi.shape[4] not in (4, 5):
        shape = list(jnp.moveaxis(roi, -1, -3).shape) if roi.ndim >= 3 else list(roi.shape)
        raise ShapeError(f"roi has shape {shape}; it must be [n, 1, 4, 1, 1] or [n, 1, 5, 1, 1]")
    values = roi[:, 0, 0, 0]  # images and regions arrive channels-last
    return values[:, -4:], None if values.shape[1] == 4 else values[:, 0].astype(jnp.int32)


@operation("crop_resize", version=15, layout="last")
def crop_resize(
    x: Array,
    roi: Array,
    *,
    target_height: int,
    target_width: int,
    normalized_coordinates: bool,
    spatial_scale: float,
    box_coordinate_mode: str,
    sampling_mode: str,
) -> Array:
    """Boxes cut out of images and resized, by bilinear interpolation; zeros where a box leaves its image.

    Args:
        x: [batch, channels, height, width].
        roi: n boxes for all images [n, 1, 4, 1, 1], or [n, 1, 5, 1, 1], where the index of the image comes first; an
            index outside the batch means the nearest image.
        target_height: of the result.
        target_width: of the result.
        normalized_coordinates: whether boxes are multiplied by the image's size minus 1.
        spatial_scale: another factor of boxes.
        box_coordinate_mode: whether boxes are corners, or centre and size; height or width first.
        sampling_mode: where the samples are in a box, as in an image of its size: see `resize_bilinear`. An axis from
            `start` to `end` has end - start + 1 pixels.

    Returns:
        [n, batch, channels, target height, target width]; with five numbers [n, 1, ...].

    Raises:
        ShapeError: x or roi has another shape, or a size is not positive.
        SpecError: there is no such mode.

    Source: the operation crop_resize of ML Programs (iOS 15).
    """
    boxes, image = _regions(roi)
    return _cut(
        x,
        boxes,
        image,
        (target_height, target_width),
        normalized_coordinates=normalized_coordinates,
        spatial_scale=spatial_scale,
        box_coordinate_mode=box_coordinate_mode,
        sampling_mode=sampling_mode,
        pad_value=0.0,
    )


@operation("crop_resize", version=16, layout="last")
def crop_resize_padded(
    x: Array,
    roi: Array,
    *,
    target_height: int,
    target_width: int,
    normalized_coordinates: bool,
    spatial_scale: float,
    box_coordinate_mode: str,
    sampling_mode: str,
    pad_value: float,
) -> Array:
    """Boxes cut out of images and resized, by bilinear interpolation.

    Args:
        x: see `crop_resize`.
        roi: see `crop_resize`.
        target_height: of the result.
        target_width: of the result.
        normalized_coordinates: see `crop_resize`.
        spatial_scale: see `crop_resize`.
        box_coordinate_mode: see `crop_resize`.
        sampling_mode: see `crop_resize`.
        pad_value: the value of samples outside of an image, before its first or after its last pixel. It is not
            interpolated with pixels.

    Returns:
        As `crop_resize`.

    Raises:
        ShapeError: x or roi has another shape, or a size is not positive.
        SpecError: there is no such mode.

    Source: the operation crop_resize of ML Programs (iOS 16).
    """
    boxes, image = _regions(roi)
    return _cut(
        x,
        boxes,
        image,
        (target_height, target_width),
        normalized_coordinates=normalized_coordinates,
        spatial_scale=spatial_scale,
        box_coordinate_mode=box_coordinate_mode,
        sampling_mode=sampling_mode,
        pad_value=pad_value,
    )


@operation("crop_resize", version=17, layout="last")
def crop_resize_boxes(
    x: Array,
    boxes: Array,
    box_indices: Array | None = None,
    *,
    target_height: int,
    target_width: int,
    normalized_coordinates: bool,
    spatial_scale: float,
    box_coordinate_mode: str,
    sampling_mode: str,
    pad_value: float,
) -> Array:
    """Boxes cut out of one image each and resized, by bilinear interpolation.

    Args:
        x: see `crop_resize`.
        boxes: [n, 4], floats or integers.
        box_indices: [n], the image of each box; when absent, box i is for image i. An index outside the batch means the
            nearest image.
        target_height: of the result.
        target_width: of the result.
        normalized_coordinates: see `crop_resize`.
        spatial_scale: see `crop_resize`.
        box_coordinate_mode: see `crop_resize`.
        sampling_mode: see `crop_resize`.
        pad_value: see `crop_resize_padded`.

    Returns:
        [n, channels, target height, target width].

    Raises:
        ShapeError: an array has another shape, a size is not positive, or there are more boxes than images and
            no `box_indices`.
        SpecError: there is no such mode.

    Source: the operation crop_resize of ML Programs (iOS 17).
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(f"boxes have shape {list(boxes.shape)}; it must be [n, 4]")
    count = boxes.shape[0]
    if box_indices is None and x.ndim == 4 and count > x.shape[0]:
        raise ShapeError(f"there are {count} boxes for {x.shape[0]} images, but no box_indices to assign them")
    if box_indices is not None and box_indices.shape != (count,):
        raise ShapeError(f"box_indices have shape {list(box_indices.shape)}; it must be [{count}]")
    cut = _cut(
        x,
        boxes,
        jnp.arange(count) if box_indices is None else box_indices.astype(jnp.int32),
        (target_height, target_width),
        normalized_coordinates=normalized_coordinates,
        spatial_scale=spatial_scale,
        box_coordinate_mode=box_coordinate_mode,
        sampling_mode=sampling_mode,
        pad_value=pad_value,
    )
    return cut[:, 0]
