"""Gathering and scattering: reading from given positions, and writing to them.

Indices arrive as floats, whose fraction is dropped; negative ones count from the end. Reading outside an axis gives
NaN, writing there does nothing: the format defines neither. In debug mode it is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphml.errors import ShapeError
from graphml.ops.kernels import indexing
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._axes import normalize_axis
from graphml.ops.layers._integers import check_indices, to_integers
from graphml.ops.layers.dialect import layer


def _check_all(x: Array, axis: int, indices: Sequence[Any]) -> None:
    for index, size in zip(indices, x.shape[axis:], strict=False):
        check_indices(index, size)


def _check_same_shape_but(axis: int, x: Array, indices: Array) -> None:
    if indices.ndim != x.ndim or any(i != axis and n != indices.shape[i] for i, n in enumerate(x.shape)):
        raise ShapeError(f"the indices have shape {list(indices.shape)}; it must be that of x except on axis {axis}")


def _coordinates(x: Array, indices: Array) -> tuple[Any, ...]:
    """The last axis of the indices as one array of integers for each leading axis of x."""
    count = indices.shape[-1]
    if not 1 <= count <= x.ndim:
        raise ShapeError(f"the last axis of the indices holds {count} coordinates; x has rank {x.ndim}")
    positions = to_integers(indices)
    return tuple(positions[..., i] for i in range(count))


def _check_updates(updates: Array, shape: tuple[int, ...]) -> None:
    if updates.shape != shape:
        raise ShapeError(f"the updates have shape {list(updates.shape)}; indices and x require {list(shape)}")


# Gathering ------------------------------------------------------------------------------------------------------------


@layer("gather")
def gather(x: Array, indices: Array, *, axis: int) -> Array:
    """The slices of x at the given positions of one axis.

    Args:
        x: rank >= 1.
        indices: any rank.
        axis: may count from the end.

    Returns:
        The shape of x with the axis replaced by the shape of the indices.

    Raises:
        ShapeError: x has no such axis.

    Source: GatherLayerParams (spec 4).
    """
    axis = normalize_axis(axis, x.ndim)
    positions = to_integers(indices)
    check_indices(positions, x.shape[axis])
    return indexing.gather(x, axis, (positions,))


@layer("gatherND")
def gather_nd(x: Array, indices: Array) -> Array:
    """The elements or slices of x at positions of several coordinates, which are in the last axis of the indices.

    Args:
        x: rank >= m.
        indices: [..., m].

    Returns:
        [...] followed by the axes of x after the first m.

    Raises:
        ShapeError: m exceeds the rank of x.

    Source: GatherNDLayerParams (spec 4).
    """
    positions = _coordinates(x, indices)
    _check_all(x, 0, positions)
    return indexing.gather(x, 0, positions)


@layer("gatherAlongAxis")
def gather_along_axis(x: Array, indices: Array, *, axis: int) -> Array:
    """One element of x for each index, from the given position on the axis and the index's own position on all others.

    Args:
        x: rank >= 1.
        indices: the shape of x, except on the axis.
        axis: may count from the end.

    Returns:
        The shape of the indices.

    Raises:
        ShapeError: the shapes do not match.

    Source: GatherAlongAxisLayerParams (spec 4).
    """
    axis = normalize_axis(axis, x.ndim)
    _check_same_shape_but(axis, x, indices)
    positions = to_integers(indices)
    check_indices(positions, x.shape[axis])
    return indexing.gather_along_axis(x, positions, axis)


# Scattering -----------------------------------------------------------------------------------------------------------

_UPDATES: Mapping[str, indexing.Update] = {
    "SCATTER_UPDATE": "set",
    "SCATTER_ADD": "add",
    "SCATTER_SUB": "subtract",
    "SCATTER_MUL": "multiply",
    "SCATTER_DIV": "divide",
    "SCATTER_MAX": "max",
    "SCATTER_MIN": "min",
}


@layer("scatter")
def scatter(x: Array, indices: Array, updates: Array, *, axis: int, mode: str) -> Array:
    """x with slices of one axis replaced, increased, multiplied ... by the updates.

    Args:
        x: rank >= 1.
        indices: any rank.
        updates: the shape of x with the axis replaced by the shape of the indices.
        axis: may count from the end.
        mode: how the updates are combined with x; where an index is repeated, all apply, except for SCATTER_UPDATE.

    Returns:
        The shape of x.

    Raises:
        ShapeError: the updates have another shape.

    Source: ScatterLayerParams (spec 4).
    """
    axis = normalize_axis(axis, x.ndim)
    _check_updates(updates, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    positions = to_integers(indices)
    check_indices(positions, x.shape[axis])
    return indexing.scatter(x, axis, (positions,), updates, _UPDATES[mode])


@layer("scatterND")
def scatter_nd(x: Array, indices: Array, updates: Array, *, mode: str) -> Array:
    """x with elements or slices at positions of several coordinates replaced, increased ... by the updates.

    Args:
        x: rank >= m.
        indices: [..., m].
        updates: [...] followed by the axes of x after the first m.
        mode: as in `scatter`.

    Returns:
        The shape of x.

    Raises:
        ShapeError: the updates have another shape.

    Source: ScatterNDLayerParams (spec 4).
    """
    positions = _coordinates(x, indices)
    single = indices.ndim == 1 and indices.shape[-1] == x.ndim  # one element, which has shape [1]
    _check_updates(updates, (1,) if single else (*indices.shape[:-1], *x.shape[indices.shape[-1] :]))
    _check_all(x, 0, positions)
    return indexing.scatter(x, 0, positions, updates.reshape(()) if single else updates, _UPDATES[mode])


@layer("scatterAlongAxis")
def scatter_along_axis(x: Array, indices: Array, updates: Array, *, axis: int, mode: str) -> Array:
    """x with the elements that `gatherAlongAxis` would read replaced, increased, multiplied ... by the updates.

    Args:
        x: rank >= 1.
        indices: the shape of x, except on the axis.
        updates: the shape of the indices.
        axis: may count from the end.
        mode: as in `scatter`.

    Returns:
        The shape of x.

    Raises:
        ShapeError: the shapes do not match.

    Source: ScatterAlongAxisLayerParams (spec 4).
    """
    axis = normalize_axis(axis, x.ndim)
    _check_same_shape_but(axis, x, indices)
    _check_updates(updates, indices.shape)
    positions = to_integers(indices)
    check_indices(positions, x.shape[axis])
    return indexing.scatter_along_axis(x, positions, updates, axis, _UPDATES[mode])
