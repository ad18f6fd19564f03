"""Sums and extremes over axes, in the forms that CPUs like. Every function keeps the axes, with size 1.

    total, mean            sums, and what follows from them
    largest, smallest      extremes
    position               where an extreme comes first
    square_sum, norm       of squares

The definition is one `jnp` reduction; the forms give the same numbers, sums in another order. XLA:CPU runs most
reductions element by element, and those over several axes slower still. Here neighbouring axes first become one. A long
axis, where it is the last one, is then folded for an extreme: slices of it are combined elementwise, in vectors, until
few elements are left. For a sum it is multiplied with ones, after one fold where that saves storing what is summed. On
GPUs and TPUs the definition is always taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from graphml.catalogue import target

Axes = int | Sequence[int]

_LANES = 16  # elements of an axis that are worth no folding
_SLICES = 16
_SUMMANDS = 8  # XLA still fuses a cheap function of x into so many slices; for more it stores what the function gives


def total(x, axes: Axes, *, fold: bool = False):
    """The sum over axes. fold: x is used for nothing else, so the loop that makes it should add it up."""
    return _total(x, _from_start(axes, x.ndim), fold)


def mean(x, axes: Axes, *, fold: bool = False):
    """The mean over axes; NaN over none. fold: see `total`."""
    axes = _from_start(axes, x.ndim)
    count = math.prod(x.shape[axis] for axis in axes)
    return total(x, axes, fold=fold) / jnp.asarray(count, x.dtype)


def square_sum(x, axes: Axes):
    """The sum of squares over axes."""
    return total(x * x, axes, fold=True)


def norm(x, axes: Axes):
    """The Euclidean norm over axes. Its slope at the zero vector is taken as 0, where division gives NaN."""
    squares = square_sum(x, axes)
    zero = squares == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, squares)))


def largest(x, axes: Axes):
    """The maximum over axes. NaN wins; equal ones share the slope."""
    return _extreme(x, _from_start(axes, x.ndim), "max")


def smallest(x, axes: Axes):
    """The minimum over axes. NaN wins; equal ones share the slope."""
    return _extreme(x, _from_start(axes, x.ndim), "min")


def position(x, axis: int, extreme: Callable[..., Any]):
    """Where along `axis` the extreme (`largest`, `smallest`) comes first, as a float.

    The smallest of all matching places takes a quarter of XLA's argmax on CPUs. Like NumPy's, it finds the first NaN.
    """
    here = (x == extreme(x, axis)) | jnp.isnan(x)
    places = lax.broadcasted_iota(jnp.int32, x.shape, axis % x.ndim)
    return smallest(jnp.where(here, places, x.shape[axis]), axis).astype(x.dtype)


def _from_start(axes: Axes, rank: int) -> tuple[int, ...]:
    return tuple(sorted(axis % rank for axis in ((axes,) if isinstance(axes, int) else axes)))


_PLAIN = {"max": jnp.max, "min": jnp.min}
_BETWEEN = {"max": jnp.maximum, "min": jnp.minimum}

# The forms -----------------------------------------------------------------------------------------------------------


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _total(x, axes: tuple[int, ...], fold: bool):
    if target().platform != "cpu":
        return jnp.sum(x, axes, keepdims=True)
    return _one_by_one(partial(_total_of_run, fold), x, axes)


@_total.defjvp
def _total_slope(axes, fold, primals, tangents):
    (x,), (dx,) = primals, tangents
    return _total(x, axes, fold), jnp.sum(dx, axes, keepdims=True)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _extreme(x, axes: tuple[int, ...], which: str):
    if target().platform != "cpu":
        return _PLAIN[which](x, axes, keepdims=True)
    return _one_by_one(partial(_extreme_of_run, which), x, axes)


@_extreme.defjvp
def _extreme_slope(axes, which, primals, tangents):
    (x,), (dx,) = primals, tangents
    y = _extreme(x, axes, which)
    here = (x == y).astype(x.dtype)
    return y, jnp.sum(here * dx, axes, keepdims=True) / jnp.sum(here, axes, keepdims=True)


def _one_by_one(function: Callable[..., Any], x, axes: tuple[int, ...]):
    """Reduce runs of neighbouring axes, each as one axis, by function(x, axis); the last run first."""
    for first, end in reversed(_runs(x.shape, axes)):
        front, along, back = x.shape[:first], x.shape[first:end], x.shape[end:]
        behind = () if math.prod(back) == 1 else back  # nothing behind: the axis is the last one
        x = function(x.reshape(*front, math.prod(along), *behind), first).reshape(*front, *(1,) * len(along), *back)
    return x


def _runs(shape: tuple[int, ...], axes: tuple[int, ...]) -> list[tuple[int, int]]:
    """(first, end) of each run of axes between which nothing stands but axes of size 1."""
    runs: list[tuple[int, int]] = []
    for axis in axes:
        if runs and math.prod(shape[runs[-1][1] : axis]) == 1:
            runs[-1] = runs[-1][0], axis + 1
        else:
            runs.append((axis, axis + 1))
    return runs


def _total_of_run(fold: bool, x, axis: int):
    length = x.shape[axis]
    if length <= _LANES or axis != x.ndim - 1 or x.dtype not in (jnp.float32, jnp.float64):
        return jnp.sum(x, axis, keepdims=True)
    each, rest = divmod(length, _SUMMANDS if fold else 1)
    folded = reduce(jnp.add, (x[..., start : start + each] for start in range(0, length - rest, each)))
    whole = lax.dot_general(folded, jnp.ones((each, 1), x.dtype), (((axis,), (0,)), ((), ())))
    return whole + jnp.sum(x[..., length - rest :], axis, keepdims=True) if rest else whole


def _extreme_of_run(which: str, x, axis: int):
    while axis == x.ndim - 1 and x.shape[axis] > _LANES:
        length = x.shape[axis]
        each = -(-length // min(_SLICES, -(-length // _LANES)))
        # the last slice ends where x ends, and may overlap: an element may well count twice
        starts = (min(start, length - each) for start in range(0, length, each))
        x = reduce(_BETWEEN[which], (x[..., start : start + each] for start in starts))
    return _PLAIN[which](x, axis, keepdims=True)
