"""Images read at given places: a grid of coordinates says where each pixel of the result comes from."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from graphml.interpreter.budget import check_shape
from graphml.ops.kernels.arrays import Array

Coordinates: TypeAlias = Literal["pixels", "minus_one_to_one", "zero_to_one"]
Padding: TypeAlias = Literal["constant", "border", "reflection", "symmetric"]


def to_pixels(coordinates: Array, size: int, unit: Coordinates, align_corners: bool) -> Array:
    """Coordinates along an axis as positions on its pixels, of which the first has its centre at 0.

    Args:
        coordinates: any shape.
        size: the number of pixels.
        unit: the unit of coordinates: pixels, or the axis from one end to the other.
        align_corners: whether these ends are the centres of the first and the last pixel, or their outer edges. Ignored
            for pixels.

    Returns:
        The shape of coordinates.
    """
    if unit == "pixels":
        return coordinates
    part = (coordinates + 1) / 2 if unit == "minus_one_to_one" else coordinates
    return part * (size - 1) if align_corners else part * size - 0.5


def pixel_coordinates(count: int, unit: Coordinates, align_corners: bool) -> npt.NDArray[np.floating[Any]]:
    """The coordinates of the centres of `count` pixels; the inverse of `to_pixels`. A single pixel is in the middle."""
    check_shape((count,), np.float64)
    pixels = np.arange(count, dtype=np.float64)
    if unit == "pixels":
        return pixels
    part = (pixels + 0.5) / count if count == 1 or not align_corners else pixels / (count - 1)
    return 2 * part - 1 if unit == "minus_one_to_one" else part


def sample(
    images: Array, rows: Array, columns: Array, *, nearest: bool, padding: Padding, outside: float = 0.0
) -> Array:
    """Images at given positions.

    Args:
        images: [batch, height, width, channels].
        rows: [batch, ...], positions in pixels.
        columns: likewise.
        nearest: whether to take the nearest pixel (on a tie, the even one) or to interpolate between four.
        padding: what surrounds an image: `constant` values, the `border` repeated, or the image reflected at the
            centres of the pixels of its border (`reflection`) or at their outer edges (`symmetric`).
        outside: the value for `constant`.

    Returns:
        [batch, ..., channels].
    """
    height, width = images.shape[1:3]
    rows, columns = (_folded(at, n, padding) for at, n in ((rows, height), (columns, width)))
    pixels = images.reshape(images.shape[0], height * width, images.shape[3])

    def read(row: Array, column: Array) -> Array:
        within = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        index = jnp.clip(row, 0, height - 1) * width + jnp.clip(column, 0, width - 1)
        values = jax.vmap(partial(jnp.take, axis=0, mode="clip"))(pixels, index)
        return jnp.where(within[..., None], values, outside) if padding == "constant" else values

    if nearest:
        return read(jnp.rint(rows).astype(np.int32), jnp.rint(columns).astype(np.int32))
    (top, down), (left, across) = ((jnp.floor(at), at - jnp.floor(at)) for at in (rows, columns))
    top, left = top.astype(np.int32), left.astype(np.int32)
    down, across = down[..., None], across[..., None]
    above = read(top, left) * (1 - across) + read(top, left + 1) * across
    below = read(top + 1, left) * (1 - across) + read(top + 1, left + 1) * across
    return above * (1 - down) + below * down


def _folded(positions: Array, size: int, padding: Padding) -> Array:
    """The positions inside the image that are read instead; for `constant`, at most one pixel outside."""
    if padding == "constant":
        return jnp.clip(positions, -1, size)
    if padding == "reflection":
        positions = _reflected(positions, 0, size - 1)
    if padding == "symmetric":
        positions = _reflected(positions, -0.5, size)
    return jnp.clip(positions, 0, size - 1)


def _reflected(positions: Array, start: float, length: int) -> Array:
    """Positions reflected at both ends of an interval until they are inside."""
    if length == 0:
        return jnp.full_like(positions, start)
    beyond = jnp.mod(positions - start, 2 * length)
    return start + length - jnp.abs(length - beyond)
