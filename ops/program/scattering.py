"""Scattering: writing to given positions. Invalid ones write nothing, see `_indices`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from graphml.errors import GraphError, ShapeError
from graphml.ops.kernels import indexing
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.axes import normalize_axis
from graphml.ops.kernels.precision import widened
from graphml.ops.program._indices import check_same_shape_but, coordinates, to_write
from graphml.ops.program.dialect import operation

_UPDATES: Mapping[str, indexing.Update] = {
    "add": "add",
    "div": "divide",
    "max": "max",
    "min": "min",
    "mul": "multiply",
    "sub": "subtract",
    "update": "set",
}


def _written(data: Array, updates: Array, axis: int, positions: Sequence[Any], mode: str) -> Array:
    """`data` updated at positions, after checking the shapes. Sums and products of half precision are rounded once."""
    if mode not in _UPDATES:
        raise GraphError(f"mode is {mode!r}; it must be one of {', '.join(_UPDATES)}")
    x = jnp.asarray(data)
    return indexing.scatter(widened(x), axis, positions, updates, _UPDATES[mode]).astype(x.dtype)


def _check_updates(updates: Array, shape: tuple[int, ...]) -> None:
    if updates.shape != shape:
        raise ShapeError(f"updates have shape {list(updates.shape)}; data and indices require {list(shape)}")


def _scatter(
    data: Array, indices: Array, updates: Array, axis: int, mode: str, wraps: bool, validate: bool = False
) -> Array:
    axis = normalize_axis(axis, data.ndim)
    _check_updates(updates, (*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]))
    positions = to_write(indices, data.shape[axis], wraps=wraps, validate=validate)
    return _written(data, updates, axis, (positions,), mode)


@operation("scatter", version=15)
def scatter(data: Array, indices: Array, updates: Array, *, axis: int, mode: str) -> Array:
    """`data` with slices of one axis replaced, increased, multiplied ... by updates.

    Args:
        data: rank >= 1.
        indices: integers [C]; negative ones count from the end.
        updates: the shape of `data` with C on the axis.
        axis: may count from the end.
        mode: add, div, max, min, mul, sub or update: how updates are combined with `data`. Where an index is repeated,
            all updates apply, except for "update", where any one of them does. Quotients of integers are rounded
            towards 0.

    Returns:
        The shape of `data`.

    Raises:
        ShapeError: the updates have another shape.
        GraphError: there is no such mode.

    Source: the operation scatter of ML Programs (iOS 15).
    """
    return _scatter(data, indices, updates, axis, mode, wraps=True)


@operation("scatter", version=17)
def scatter_17(data: Array, indices: Array, updates: Array, *, axis: int, mode: str, validate_indices: bool) -> Array:
    """`data` with slices of one axis replaced, increased, multiplied ... by updates.

    Args:
        data: rank >= 1.
        indices: integers [C] from 0 on. An index outside of the axis writes nothing.
        updates: the shape of `data` with C on the axis.
        axis: may count from the end.
        mode: as in `scatter`.
        validate_indices: whether known indices outside of the axis are an error.

    Returns:
        The shape of `data`.

    Raises:
        ShapeError: the updates have another shape, or an index is refused.
        GraphError: there is no such mode.

    Source: the operation scatter of ML Programs (iOS 17). Before, negative indices count from the end.
    """
    return _scatter(data, indices, updates, axis, mode, wraps=False, validate=validate_indices)


# Along an axis -------------------------------------------------------------------------------------------------------


def _along_axis(
    data: Array, indices: Array, updates: Array, axis: int, mode: str, wraps: bool, validate: bool = False
) -> Array:
    axis = normalize_axis(axis, data.ndim)
    check_same_shape_but(axis, data, indices)
    _check_updates(updates, indices.shape)
    positions = to_write(indices, data.shape[axis], wraps=wraps, validate=validate)
    return _written(data, updates, 0, indexing.places_along(positions, axis), mode)


@operation("scatter_along_axis", version=15)
def scatter_along_axis(data: Array, indices: Array, updates: Array, *, axis: int, mode: str) -> Array:
    """`data` with the elements that `gather_along_axis` reads replaced, increased, multiplied ... by updates.

    Args:
        data: rank >= 1.
        indices: integers, the shape of `data` except on the axis; negative ones count from the end.
        updates: the shape of the indices.
        axis: may count from the end.
        mode: as in `scatter`.

    Returns:
        The shape of `data`.

    Raises:
        ShapeError: the shapes do not match.
        GraphError: there is no such mode.

    Source: the operation scatter_along_axis of ML Programs (iOS 15).
    """
    return _along_axis(data, indices, updates, axis, mode, wraps=True)


@operation("scatter_along_axis", version=17)
def scatter_along_axis_17(
    data: Array, indices: Array, updates: Array, *, axis: int, mode: str, validate_indices: bool
) -> Array:
    """`data` with the elements that `gather_along_axis` reads replaced, increased, multiplied ... by updates.

    Args:
        data: rank >= 1.
        indices: integers from 0 on, the shape of `data` except on the axis. An index outside of it writes nothing.
        updates: the shape of the indices.
        axis: may count from the end.
        mode: as in `scatter`.
        validate_indices: whether known indices outside of the axis are an error.

    Returns:
        The shape of `data`.

    Raises:
        ShapeError: the shapes do not match, or an index is refused.
        GraphError: there is no such mode.

    Source: the operation scatter_along_axis of ML Programs (iOS 17). Before, negative indices count from the end.
    """
    return _along_axis(data, indices, updates, axis, mode, wraps=False, validate=validate_indices)


# At coordinates ------------------------------------------------------------------------------------------------------


def _scatter_nd(data: Array, indices: Array, updates: Array, mode: str, wraps: bool, validate: bool = False) -> Array:
    places = coordinates(indices, data.shape)
    _check_updates(updates, (*indices.shape[:-1], *data.shape[len(places) :]))
    positions = [
        to_write(index, size, wraps=wraps, validate=validate) for index, size in zip(places, data.shape, strict=False)
    ]
    return _written(data, updates, 0, positions, mode)


@operation("scatter_nd", version=15)
def scatter_nd(data: Array, indices: Array, updates: Array, *, mode: str) -> Array:
    """`data` with elements or slices at positions of several coordinates replaced, increased ... by updates.

    Args:
        data: rank >= m.
        indices: integers [*K, m]; negative ones count from the end.
        updates: [*K] followed by the axes of `data` after the first m.
        mode: as in `scatter`.

    Returns:
        The shape of `data`.

    Raises:
        ShapeError: the shapes do not match.
        GraphError: there is no such mode.

    Source: the operation scatter_nd of ML Programs (iOS 15).
    """
    return _scatter_nd(data, indices, updates, mode, wraps=True)


@operation("scatter_nd", version=17)
def scatter_nd_17(data: Array, indices: Array, updates: Array, *, mode: str, validate_indices: bool) -> Array:
    """`data` with elements or slices at positions of several coordinates replaced, increased ... by updates.

    Args:
        data: rank >= m.
        indices: integers [*K, m] from 0 on. An index outside of its axis writes nothing.
        updates: [*K] followed by the axes of `data` after the first m.
        mode: as in `scatter`.
        validate_indices: whether known indices outside of their axis are an error.

    Returns:
        The shape of `data`.

    Raises:
        ShapeError: the shapes do not match, or an index is refused.
        GraphError: there is no such mode.

    Source: the operation scatter_nd of ML Programs (iOS 17). Before, negative indices count from the end.
    """
    return _scatter_nd(data, indices, updates, mode, wraps=False, validate=validate_indices)
