"""Gathering and scattering: reading from places that are given by numbers, and writing to them.

Places arrive as floats, whose fraction is dropped; negative ones count from the end. Reading a place that does not
exist gives NaN, writing to it does nothing: the format leaves both open. In debug mode it is an error.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError
from graphml.ops._axes import from_start
from graphml.ops._known import module, refuse_missing, whole
from graphml.ops.layers.dialect import layer

Places = Sequence[Any]
"""What stands in the brackets of x[...]: integer arrays of one shape after some full slices."""


def _read(x, leading: int, places: Places):
    where = (*[slice(None)] * leading, *places, ...)  # with the dots, NumPy gives arrays where one number is left
    sizes = x.shape[leading : leading + len(places)]
    for place, n in zip(places, sizes, strict=True):
        refuse_missing(place, n)
    if module(x, *places) is np and all(
        ((-n <= place) & (place < n)).all() for place, n in zip(places, sizes, strict=True)
    ):
        return x[where]
    return jnp.asarray(x).at[where].get(mode="fill", fill_value=jnp.nan)


def _need_same_but_for(axis: int, x, indices) -> None:
    if indices.ndim != x.ndim or any(i != axis and n != indices.shape[i] for i, n in enumerate(x.shape)):
        raise ShapeError(f"the indices have shape {list(indices.shape)}; it must be that of x but for axis {axis}")


def _coordinates(x, indices) -> tuple[Any, ...]:
    """The last axis of the indices as one array of places for each leading axis of x."""
    count = indices.shape[-1]
    if not 1 <= count <= x.ndim:
        raise ShapeError(f"the last axis of the indices holds {count} coordinates; x has rank {x.ndim}")
    places = whole(indices)
    return tuple(places[..., i] for i in range(count))


def _need_updates(updates, shape: tuple[int, ...]) -> None:
    if updates.shape != shape:
        raise ShapeError(f"the updates have shape {list(updates.shape)}; indices and x ask for {list(shape)}")


# Gathering ------------------------------------------------------------------------------------------------------------


@layer("gather")
def gather(x, indices, *, axis: int):
    """The slices of x at the given places of one axis.

    x: rank >= 1, indices: any rank; returns the shape of x with the axis replaced by the shape of the indices.
    Source: GatherLayerParams (spec 4).
    """
    axis = from_start(axis, x.ndim)
    return _read(x, axis, (whole(indices),))


@layer("gatherND")
def gather_nd(x, indices):
    """The elements or slices of x at places of several coordinates, which stand in the last axis of the indices.

    x: rank >= m, indices: [..., m]; returns [...] followed by the axes of x after the first m. Raises ShapeError when m
    exceeds the rank of x. Source: GatherNDLayerParams (spec 4).
    """
    return _read(x, 0, _coordinates(x, indices))


@layer("gatherAlongAxis")
def gather_along_axis(x, indices, *, axis: int):
    """One element of x for each index, from the given place of the axis and the index's own place on all others.

    x, indices: one rank, equal shapes but for the axis; returns the shape of the indices.
    Source: GatherAlongAxisLayerParams (spec 4).
    """
    axis = from_start(axis, x.ndim)
    _need_same_but_for(axis, x, indices)
    refuse_missing(whole(indices), x.shape[axis])
    return jnp.take_along_axis(x, whole(indices), axis, mode="fill", fill_value=jnp.nan)


# Scattering -----------------------------------------------------------------------------------------------------------


def _write(x, leading: int, places: Places, updates, mode: str):
    """x with the updates worked in at the places; all of them count where a place repeats, but for SCATTER_UPDATE."""
    for place, n in zip(places, x.shape[leading:], strict=False):
        refuse_missing(place, n)
    dtype = jnp.result_type(x, updates)
    x, updates = jnp.asarray(x, dtype), jnp.asarray(updates, dtype)
    at = x.at[(*[slice(None)] * leading, *places)]
    match mode:
        case "SCATTER_ADD":
            return at.add(updates, mode="drop")
        case "SCATTER_SUB":
            return at.add(-updates, mode="drop")
        case "SCATTER_MUL":
            return _multiplied(leading, x, tuple(places), updates)
        case "SCATTER_DIV":
            return x / _multiplied(leading, jnp.ones_like(x), tuple(places), updates)
        case "SCATTER_MAX":
            return at.max(updates, mode="drop")
        case "SCATTER_MIN":
            return at.min(updates, mode="drop")
        case _:
            return at.set(updates, mode="drop")


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _multiplied(leading: int, x, places, updates):
    """x times all updates of each place. JAX knows no slope of that where places repeat."""
    return x.at[(*[slice(None)] * leading, *places)].multiply(updates, mode="drop")


@_multiplied.defjvp
def _multiplied_slope(leading, primals, tangents):
    (x, places, updates), (dx, _, dupdates) = primals, tangents
    where = (*[slice(None)] * leading, *places)

    def read(y):
        return y.at[where].get(mode="fill", fill_value=0)

    # the slope in an update is the product of all others, zeros counted apart so that nothing is divided by 0
    zero = updates == 0
    product = _multiplied(leading, jnp.ones_like(x), places, jnp.where(zero, 1, updates))
    zeros = jnp.zeros_like(x).at[where].add(zero.astype(x.dtype), mode="drop")
    others = jnp.where(read(zeros) == zero, read(product) / jnp.where(zero, 1, updates), 0)
    dy = jnp.where(zeros == 0, product, 0) * dx
    return _multiplied(leading, x, places, updates), dy.at[where].add(read(x) * others * dupdates, mode="drop")


@layer("scatter")
def scatter(x, indices, updates, *, axis: int, mode: str):
    """x with slices of one axis replaced, increased, multiplied ... by the updates.

    x: rank >= 1, indices: any rank, updates: the shape of x with the axis replaced by the shape of the indices. Returns
    the shape of x. Source: ScatterLayerParams (spec 4).
    """
    axis = from_start(axis, x.ndim)
    _need_updates(updates, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    return _write(x, axis, (whole(indices),), updates, mode)


@layer("scatterND")
def scatter_nd(x, indices, updates, *, mode: str):
    """x with elements or slices at places of several coordinates replaced, increased ... by the updates.

    x: rank >= m, indices: [..., m], updates: [...] followed by the axes of x after the first m. Returns the shape of x.
    Source: ScatterNDLayerParams (spec 4).
    """
    places = _coordinates(x, indices)
    single = indices.ndim == 1 and indices.shape[-1] == x.ndim  # one number, which has shape [1]
    _need_updates(updates, (1,) if single else (*indices.shape[:-1], *x.shape[indices.shape[-1] :]))
    return _write(x, 0, places, updates.reshape(()) if single else updates, mode)


@layer("scatterAlongAxis")
def scatter_along_axis(x, indices, updates, *, axis: int, mode: str):
    """x with the elements that `gatherAlongAxis` would read replaced, increased, multiplied ... by the updates.

    x, indices, updates: one rank, equal shapes but for the axis of x; returns the shape of x.
    Source: ScatterAlongAxisLayerParams (spec 4).
    """
    axis = from_start(axis, x.ndim)
    _need_same_but_for(axis, x, indices)
    _need_updates(updates, indices.shape)
    places = list(np.indices(indices.shape, np.int32, sparse=True))
    places[axis] = whole(indices)
    return _write(x, 0, places, updates, mode)
