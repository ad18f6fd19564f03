"""Images read at coordinates: given for each pixel of the result, or by an affine map."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp

from graphml.errors import ShapeError
from graphml.ops.kernels import sampling as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import widened
from graphml.ops.program._names import named
from graphml.ops.program.dialect import operation

_COORDINATES: Mapping[str, kernels.Coordinates] = {
    "unnormalized": "pixels",
    "normalized_minus_one_to_one": "minus_one_to_one",
    "normalized_zero_to_one": "zero_to_one",
}
_PADDING: Mapping[str, kernels.Padding] = {
    "constant": "constant",
    "border": "border",
    "reflection": "reflection",
    "symmetric": "symmetric",
}


def _sampled(
    x: Array,
    across: Array,
    down: Array,
    *,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Array:
    """x [batch, height, width, channels] at coordinates [batch, ...] along its width and its height."""
    nearest = named(sampling_mode, {"bilinear": False, "nearest": True}, "the sampling mode")
    unit = named(coordinates_mode, _COORDINATES, "the coordinates mode")
    columns = kernels.to_pixels(across, x.shape[2], unit, align_corners)
    rows = kernels.to_pixels(down, x.shape[1], unit, align_corners)
    padding = named(padding_mode, _PADDING, "the padding mode")
    images = widened(x)
    return kernels.sample(images, rows, columns, nearest=nearest, padding=padding, outside=padding_value).astype(
        x.dtype
    )


@operation("resample", version=15, layout="last")
def resample(
    x: Array,
    coordinates: Array,
    *,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Array:
    """An image read at given coordinates.

    Args:
        x: [batch, channels, height, width].
        coordinates: [batch, new height, new width, 2]: where each new pixel comes from, along the width and then along
            the height. Floats or integers.
        sampling_mode: bilinear, or nearest, which takes the nearest pixel (on a tie, the even one).
        padding_mode: what surrounds the image: the padding value (constant), the edge (border), or the image reflected
            at the centres of the pixels of its edge (reflection) or at their outer edges (symmetric).
        padding_value: the value for `constant`; at the edge it is interpolated with pixels.
        coordinates_mode: unnormalized (pixels), or the image from one end to the other: normalized_zero_to_one or
            normalized_minus_one_to_one.
        align_corners: whether these ends are the centres of the corner pixels, or their outer edges; ignored for
            unnormalized coordinates.

    Returns:
        [batch, channels, new height, new width].

    Raises:
        ShapeError: x or the coordinates have another shape.
        SpecError: there is no such mode.

    Source: the operation resample of ML Programs (iOS 15; more types of coordinates from iOS 16 and 17).
    """
    if x.ndim != 4 or 0 in x.shape[1:3]:
        raise ShapeError(f"x has rank {x.ndim}; it must be [batch, channels, height, width], with pixels")
    # the channels-last layout has moved their width to the end
    coordinates = jnp.moveaxis(coordinates, -1, -3) if coordinates.ndim >= 3 else coordinates
    if coordinates.ndim != 4 or coordinates.shape[0] != x.shape[0] or coordinates.shape[3] != 2:
        raise ShapeError(
            f"coordinates have shape {list(coordinates.shape)}; it must be [{x.shape[0]}, new height, new width, 2]"
        )
    places = coordinates.astype(jnp.promote_types(coordinates.dtype, jnp.float32))
    return _sampled(
        x,
        places[..., 0],
        places[..., 1],
        sampling_mode=sampling_mode,
        padding_mode=padding_mode,
        padding_value=padding_value,
        coordinates_mode=coordinates_mode,
        align_corners=align_corners,
    )


@operation("affine", version=15, layout="last")
def affine(
    x: Array,
    transform_matrix: Array,
    *,
    output_height: int,
    output_width: int,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Array:
    """An image under an affine map: the pixel at (w, h) comes from (a0 w + a1 h + a2, b0 w + b1 h + b2).

    The format allows bilinear sampling, zeros outside, coordinates from -1 to 1 and aligned corners; the common
    converter writes corners that are not aligned as well. The other values mean what they mean for `resample`.

    Args:
        x: [batch, channels, height, width].
        transform_matrix: [a0, a1, a2, b0, b1, b2] for each image, [batch, 6], or for all of them, [1, 6].
        output_height: the height of the result.
        output_width: the width of the result.
        sampling_mode: see `resample`.
        padding_mode: see `resample`.
        padding_value: see `resample`.
        coordinates_mode: the unit along both images, see `resample`. A single row or column of the result is in the
            middle.
        align_corners: see `resample`; of both images.

    Returns:
        [batch, channels, output height, output width].

    Raises:
        ShapeError: x or the matrix has another shape, or a size is not positive.
        SpecError: there is no such mode.

    Source: the operation affine of ML Programs (iOS 15).
    """
    if x.ndim != 4 or 0 in x.shape[1:3]:
        raise ShapeError(f"x has rank {x.ndim}; it must be [batch, channels, height, width], with pixels")
    if transform_matrix.ndim != 2 or transform_matrix.shape not in ((1, 6), (x.shape[0], 6)):
        raise ShapeError(f"the matrix has shape {list(transform_matrix.shape)}; it must be [{x.shape[0]} or 1, 6]")
    if output_height < 1 or output_width < 1:
        raise ShapeError(f"the output size is {[output_height, output_width]}; both must be at least 1")
    unit = named(coordinates_mode, _COORDINATES, "the coordinates mode")
    matrix = transform_matrix.astype(jnp.promote_types(transform_matrix.dtype, jnp.float32))
    matrix = jnp.broadcast_to(matrix, (x.shape[0], 6))[:, :, None, None]
    down = jnp.asarray(kernels.pixel_coordinates(output_height, unit, align_corners), matrix.dtype)[:, None]
    across = jnp.asarray(kernels.pixel_coordinates(output_width, unit, align_corners), matrix.dtype)
    return _sampled(
        x,
        matrix[:, 0] * across + matrix[:, 1] * down + matrix[:, 2],
        matrix[:, 3] * across + matrix[:, 4] * down + matrix[:, 5],
        sampling_mode=sampling_mode,
        padding_mode=padding_mode,
        padding_value=padding_value,
        coordinates_mode=coordinates_mode,
        align_corners=align_corners,
    )
