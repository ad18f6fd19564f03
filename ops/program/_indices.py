"""Indices of gathering and scattering.

Up to iOS 16 negative indices count from the end; from iOS 17 on they are invalid, like those beyond the axis. The
format does not say what an invalid index reads or writes: here it reads the nearest element, and writes nothing.
Known indices that are invalid are refused in debug mode, and where the program asks for that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.catalogue import target
from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.indexing import check_indices


def _counted_from_start(indices: Any, size: int, wraps: bool, validate: bool) -> Any:
    """int32 indices counted from the start; invalid ones remain invalid."""
    if validate or target().debug:
        check_indices(indices, size, least=None if wraps else 0)
    index = indices.astype(np.int32)
    return array_namespace(index).where(index < 0, index + size, index) if wraps else index


def to_read(indices: Any, size: int, *, wraps: bool, validate: bool = False) -> Any:
    """The elements of an axis that indices read.

    Args:
        indices: integers of any shape.
        size: of the axis.
        wraps: whether negative indices count from the end.
        validate: whether the program refuses invalid indices.

    Returns:
        int32 in [0, size), the shape of the indices; a NumPy array for known ones.

    Raises:
        ShapeError: a known index is invalid and that is an error, or the axis is empty.
    """
    if size == 0 and indices.size:
        raise ShapeError(f"{indices.size} indices read from an axis without elements")
    index = _counted_from_start(indices, size, wraps, validate)
    xp = array_namespace(index)
    return xp.where(index < 0, 0, xp.where(index >= size, max(size - 1, 0), index)).astype(np.int32)


def to_write(indices: Any, size: int, *, wraps: bool, validate: bool = False) -> Any:
    """The elements of an axis that indices write; as `to_read`, but invalid ones become `size`, which writes
    nothing."""
    index = _counted_from_start(indices, size, wraps, validate)
    xp = array_namespace(index)
    return xp.where((index < 0) | (index > size), size, index).astype(np.int32)


def coordinates(indices: Array, shape: tuple[int, ...]) -> list[Array]:
    """The last axis of indices as one array for each of the first axes of an array of a shape.

    Raises:
        ShapeError: the array has fewer axes, or there are no coordinates.
    """
    count = indices.shape[-1] if indices.ndim else 0
    if not 1 <= count <= len(shape):
        raise ShapeError(f"indices have shape {list(indices.shape)}; the last axis must hold 1 to {len(shape)} numbers")
    return [indices[..., axis] for axis in range(count)]  # with the ellipsis, NumPy gives an array, not a scalar


def check_same_shape_but(axis: int, x: Array, indices: Array) -> None:
    """Raise ShapeError unless the indices have the shape of x, apart from one axis."""
    if indices.ndim != x.ndim or any(i != axis and n != indices.shape[i] for i, n in enumerate(x.shape)):
        raise ShapeError(f"indices have shape {list(indices.shape)}; it must be {list(x.shape)} except on axis {axis}")
