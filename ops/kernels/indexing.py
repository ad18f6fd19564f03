"""Gathering and scattering by integer indices. Negative indices count from the end.

Reading outside an axis gives NaN, unless the caller says that all indices are within it; writing there does nothing.
Known values give NumPy arrays where the docstring says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.derivatives import custom_jvp

Update: TypeAlias = Literal["set", "add", "subtract", "multiply", "divide", "max", "min"]


def check_indices(indices: Any, size: int, *, least: int | None = None) -> None:
    """Check known indices; traced ones cannot be seen.

    Args:
        indices: integers of any shape.
        size: of their axis.
        least: the smallest index that exists; -size unless given.

    Raises:
        ShapeError: an index is outside.
    """
    if not isinstance(indices, Tracer):
        values, low = np.asarray(indices), -size if least is None else least
        outside = values[(values < low) | (values >= size)]
        if outside.size:
            raise ShapeError(f"index {outside.flat[0]} is out of range for an axis of size {size}")


def gather(x: Array, axis: int, indices: Sequence[Any], *, within: bool = False) -> Array:
    """The elements or slices of x at index arrays for some neighbouring axes.

    Args:
        x: any rank; known values that are all within x give a NumPy array.
        axis: the first of the indexed axes, counted from the start.
        indices: one array of integers for each indexed axis, all of one shape, or broadcastable.
        within: whether all indices exist.

    Returns:
        [*axes before, *shape of the indices, *axes after].
    """
    where = (*[slice(None)] * axis, *indices, ...)  # with the ellipsis, NumPy gives an array, not a scalar
    sizes = x.shape[axis : axis + len(indices)]
    if array_namespace(x, *indices) is np and (
        within or all(((-n <= index) & (index < n)).all() for index, n in zip(indices, sizes, strict=True))
    ):
        return x[where]
    if within:
        return jnp.asarray(x).at[where].get(mode="promise_in_bounds")
    return jnp.asarray(x).at[where].get(mode="fill", fill_value=jnp.nan)


def gather_along_axis(x: Array, indices: Array, axis: int, *, within: bool = False) -> Array:
    """For each index, the element of x there on one axis and at the position of the index on all others.

    Args:
        x: any rank >= 1.
        indices: integers of the shape of x, apart from the axis.
        axis: counted from the start.
        within: whether all indices exist.

    Returns:
        The shape of the indices.
    """
    if within:
        return jnp.take_along_axis(x, indices, axis, mode="promise_in_bounds")
    return jnp.take_along_axis(x, indices, axis, mode="fill", fill_value=jnp.nan)


def scatter(x: Array, axis: int, indices: Sequence[Any], updates: Array, update: Update) -> Array:
    """x with elements or slices changed at index arrays for some neighbouring axes.

    Args:
        x: any rank.
        axis: the first of the indexed axes, counted from the start.
        indices: one array of integers for each indexed axis, all of one shape, or broadcastable.
        updates: [*axes before, *shape of the indices, *axes after].
        update: how a value of x and its updates are combined. Where an index is repeated, all updates apply, except
            for "set", where any one of them does.

    Returns:
        The shape of x.
    """
    dtype = jnp.result_type(x, updates)
    x, updates = jnp.asarray(x, dtype), jnp.asarray(updates, dtype)
    at = x.at[(*[slice(None)] * axis, *indices)]
    match update:
        case "add":
            return at.add(updates, mode="drop")
        case "subtract":
            return at.add(-updates, mode="drop")
        case "multiply":
            return _multiply(axis, x, tuple(indices), updates)
        case "divide":
            # the quotient of integers is rounded towards 0
            return lax.div(x, _multiply(axis, jnp.ones_like(x), tuple(indices), updates))
        case "max":
            return at.max(updates, mode="drop")
        case "min":
            return at.min(updates, mode="drop")
        case "set":
            return at.set(updates, mode="drop")


def scatter_along_axis(x: Array, indices: Array, updates: Array, axis: int, update: Update) -> Array:
    """x with the elements changed that `gather_along_axis` reads.

    Args:
        x: any rank >= 1.
        indices: integers of the shape of x, apart from the axis.
        updates: the shape of the indices.
        axis: counted from the start.
        update: as in `scatter`.

    Returns:
        The shape of x.
    """
    return scatter(x, 0, places_along(indices, axis), updates, update)


def places_along(indices: Array, axis: int) -> list[Any]:
    """One index array for each axis: each index on one axis, and its own position on all others."""
    positions: list[Any] = list(np.indices(indices.shape, np.int32, sparse=True))
    positions[axis] = indices
    return positions


@custom_jvp(0)
def _multiply(axis: int, x: Array, indices: tuple[Array, ...], updates: Array) -> Array:
    """x times all updates of each position. JAX has no derivative for that where positions are repeated."""
    return x.at[(*[slice(None)] * axis, *indices)].multiply(updates, mode="drop")


@_multiply.defjvp
def _multiply_jvp(axis: int, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    (x, indices, updates), (dx, _, dupdates) = primals, tangents
    where = (*[slice(None)] * axis, *indices)

    def read(y: Array) -> Array:
        return y.at[where].get(mode="fill", fill_value=0)

    # the derivative in an update is the product of all others; zeros are counted apart so that nothing is divided by 0
    zero = updates == 0
    product = _multiply(axis, jnp.ones_like(x), indices, jnp.where(zero, 1, updates))
    zeros = jnp.zeros_like(x).at[where].add(zero.astype(x.dtype), mode="drop")
    others = jnp.where(read(zeros) == zero, read(product) / jnp.where(zero, 1, updates), 0)
    dy = jnp.where(zeros == 0, product, 0) * dx
    return _multiply(axis, x, indices, updates), dy.at[where].add(read(x) * others * dupdates, mode="drop")
