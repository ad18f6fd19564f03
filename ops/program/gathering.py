"""Gathering: reading from given positions. `_indices` says what invalid ones read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from graphml.errors import ShapeError
from graphml.ops.kernels import indexing
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.axes import normalize_axis
from graphml.ops.program._indices import check_same_shape_but, coordinates, to_read
from graphml.ops.program.dialect import operation


def _in_batches(axis: int, x: Array, positions: Sequence[Any], batch_dims: int) -> Array:
    """`indexing.gather` for each member of the leading batch axes that x and positions share. axis: of a member."""
    shape = positions[0].shape
    if not 0 <= batch_dims <= min(x.ndim, len(shape)) or x.shape[:batch_dims] != shape[:batch_dims]:
        raise ShapeError(
            f"x has shape {list(x.shape)} and indices are for {list(shape)}; the first {batch_dims} axes of both, as "
            "batch_dims says, must be equal"
        )

    def gather(x: Array, *positions: Any) -> Array:
        return indexing.gather(x, axis, positions, within=True)

    for _ in range(batch_dims):
        gather = jax.vmap(gather)
    return gather(x, *positions)


def _gather(x: Array, indices: Array, axis: int, batch_dims: int, wraps: bool, validate: bool = False) -> Array:
    axis = normalize_axis(axis, x.ndim)
    if axis < batch_dims:
        raise ShapeError(f"axis {axis} is one of the {batch_dims} axes that x and indices share")
    positions = to_read(indices, x.shape[axis], wraps=wraps, validate=validate)
    return _in_batches(axis - batch_dims, x, (positions,), batch_dims)


@operation("gather", version=15)
def gather(x: Array, indices: Array, *, axis: int) -> Array:
    """The slices of x at the given positions of one axis.

    Args:
        x: rank >= 1.
        indices: integers of any shape; negative ones count from the end.
        axis: may count from the end.

    Returns:
        The shape of x with the axis replaced by the shape of the indices.

    Raises:
        ShapeError: x has no such axis, or it is empty.

    Source: the operation gather of ML Programs (iOS 15).
    """
    return _gather(x, indices, axis, 0, wraps=True)


@operation("gather", version=16)
def gather_16(x: Array, indices: Array, *, axis: int, batch_dims: int) -> Array:
    """The slices of x at the given positions of one axis, which may differ for the members of a batch.

    Args:
        x: [*B, ...], rank >= 1.
        indices: integers [*B, *N]; negative ones count from the end.
        axis: may count from the end; not one of B.
        batch_dims: the number of axes B that x and indices share.

    Returns:
        The shape of x with the axis replaced by N.

    Raises:
        ShapeError: x has no such axis, it is empty, or the shapes do not match.

    Source: the operation gather of ML Programs (iOS 16).
    """
    return _gather(x, indices, axis, batch_dims, wraps=True)


@operation("gather", version=17)
def gather_17(x: Array, indices: Array, *, axis: int, batch_dims: int, validate_indices: bool) -> Array:
    """The slices of x at the given positions of one axis, which may differ for the members of a batch.

    Args:
        x: [*B, ...], rank >= 1.
        indices: integers [*B, *N] from 0 on. An index outside of the axis reads its nearest element.
        axis: may count from the end; not one of B.
        batch_dims: the number of axes B that x and indices share.
        validate_indices: whether known indices outside of the axis are an error.

    Returns:
        The shape of x with the axis replaced by N.

    Raises:
        ShapeError: x has no such axis, it is empty, the shapes do not match, or an index is refused.

    Source: the operation gather of ML Programs (iOS 17). Before, negative indices count from the end.
    """
    return _gather(x, indices, axis, batch_dims, wraps=False, validate=validate_indices)


# Along an axis -------------------------------------------------------------------------------------------------------


def _along_axis(x: Array, indices: Array, axis: int, wraps: bool, validate: bool = False) -> Array:
    axis = normalize_axis(axis, x.ndim)
    check_same_shape_but(axis, x, indices)
    positions = to_read(indices, x.shape[axis], wraps=wraps, validate=validate)
    return indexing.gather_along_axis(x, positions, axis, within=True)


@operation("gather_along_axis", version=15)
def gather_along_axis(x: Array, indices: Array, *, axis: int) -> Array:
    """One element of x for each index, from the given position on the axis and the index's own position on all others.

    Args:
        x: rank >= 1.
        indices: integers, the shape of x except on the axis; negative ones count from the end.
        axis: may count from the end.

    Returns:
        The shape of the indices.

    Raises:
        ShapeError: the shapes do not match, or the axis is empty.

    Source: the operation gather_along_axis of ML Programs (iOS 15).
    """
    return _along_axis(x, indices, axis, wraps=True)


@operation("gather_along_axis", version=17)
def gather_along_axis_17(x: Array, indices: Array, *, axis: int, validate_indices: bool) -> Array:
    """One element of x for each index, from the given position on the axis and the index's own position on all others.

    Args:
        x: rank >= 1.
        indices: integers from 0 on, the shape of x except on the axis. An index outside of the axis reads its nearest
            element.
        axis: may count from the end.
        validate_indices: whether known indices outside of the axis are an error.

    Returns:
        The shape of the indices.

    Raises:
        ShapeError: the shapes do not match, the axis is empty, or an index is refused.

    Source: the operation gather_along_axis of ML Programs (iOS 17). Before, negative indices count from the end.
    """
    return _along_axis(x, indices, axis, wraps=False, validate=validate_indices)


# At coordinates ------------------------------------------------------------------------------------------------------


def _gather_nd(x: Array, indices: Array, batch_dims: int, wraps: bool, validate: bool = False) -> Array:
    sizes = x.shape[batch_dims:]
    places = zip(coordinates(indices, sizes), sizes, strict=False)
    positions = [to_read(index, size, wraps=wraps, validate=validate) for index, size in places]
    return _in_batches(0, x, positions, batch_dims)


@operation("gather_nd", version=15)
def gather_nd(x: Array, indices: Array) -> Array:
    """The elements or slices of x at positions of several coordinates, which are in the last axis of the indices.

    Args:
        x: rank >= m.
        indices: integers [*K, m]; negative ones count from the end.

    Returns:
        [*K] followed by the axes of x after the first m.

    Raises:
        ShapeError: m exceeds the rank of x, or an axis is empty.

    Source: the operation gather_nd of ML Programs (iOS 15).
    """
    return _gather_nd(x, indices, 0, wraps=True)


@operation("gather_nd", version=16)
def gather_nd_16(x: Array, indices: Array, *, batch_dims: int) -> Array:
    """The elements or slices of x at positions of several coordinates, which may differ for the members of a batch.

    Args:
        x: [*B, ...], rank >= B + m.
        indices: integers [*B, *K, m]; negative ones count from the end.
        batch_dims: the number of axes B that x and indices share.

    Returns:
        [*B, *K] followed by the axes of x after the first B + m.

    Raises:
        ShapeError: the shapes do not match, or an axis is empty.

    Source: the operation gather_nd of ML Programs (iOS 16).
    """
    return _gather_nd(x, indices, batch_dims, wraps=True)


@operation("gather_nd", version=17)
def gather_nd_17(x: Array, indices: Array, *, batch_dims: int, validate_indices: bool) -> Array:
    """The elements or slices of x at positions of several coordinates, which may differ for the members of a batch.

    Args:
        x: [*B, ...], rank >= B + m.
        indices: integers [*B, *K, m] from 0 on. An index outside of an axis reads its nearest element.
        batch_dims: the number of axes B that x and indices share.
        validate_indices: whether known indices outside of their axis are an error.

    Returns:
        [*B, *K] followed by the axes of x after the first B + m.

    Raises:
        ShapeError: the shapes do not match, an axis is empty, or an index is refused.

    Source: the operation gather_nd of ML Programs (iOS 17). Before, negative indices count from the end.
    """
    return _gather_nd(x, indices, batch_dims, wraps=False, validate=validate_indices)
