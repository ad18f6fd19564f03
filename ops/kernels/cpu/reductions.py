"""Sums and extremes over axes, in vectors. XLA runs most reductions element by element.

Measured with jaxlib 0.10.2: the plain reductions take up to ten times as long, especially over several axes.

Neighbouring axes first become one. A long axis, where it is the last one, is then folded for an extreme: slices of it
are combined elementwise until few elements are left. For a sum it is multiplied with ones, after one fold where that
avoids storing the summands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial, reduce

import jax.numpy as jnp
from jax import lax

from graphml.ops.kernels.arrays import Array

_VECTOR = 16  # elements: shorter axes are not worth folding
_SLICES = 16
_SUMMANDS = 8  # XLA still fuses a cheap function of x into this many slices; with more it stores the function's values


def reduce_sum(x: Array, axes: tuple[int, ...], *, fuse: bool = False) -> Array:
    """The sum over axes, which stay with size 1.

    Args:
        x: any rank.
        axes: counted from the start, in ascending order.
        fuse: whether x is computed for this sum alone, so that the loop that computes it should add it up.

    Returns:
        The shape of x with size 1 on `axes`.
    """
    return _by_runs(partial(_sum_of_axis, fuse), x, axes)


def reduce_max(x: Array, axes: tuple[int, ...]) -> Array:
    """The maximum over axes, which stay with size 1; arguments as in `reduce_sum`."""
    return _by_runs(partial(_extreme_of_axis, jnp.maximum, jnp.max), x, axes)


def reduce_min(x: Array, axes: tuple[int, ...]) -> Array:
    """The minimum over axes, which stay with size 1; arguments as in `reduce_sum`."""
    return _by_runs(partial(_extreme_of_axis, jnp.minimum, jnp.min), x, axes)


def _by_runs(function: Callable[[Array, int], Array], x: Array, axes: tuple[int, ...]) -> Array:
    """Reduce runs of neighbouring axes, each as one axis, by function(x, axis); the last run first."""
    for first, end in reversed(_runs(x.shape, axes)):
        front, along, back = x.shape[:first], x.shape[first:end], x.shape[end:]
        inner = () if math.prod(back) == 1 else back  # without inner axes the reduced one is the last
        x = function(x.reshape(*front, math.prod(along), *inner), first).reshape(*front, *(1,) * len(along), *back)
    return x


def _runs(shape: tuple[int, ...], axes: tuple[int, ...]) -> list[tuple[int, int]]:
    """(first, end) of each run of axes that are separated by nothing but axes of size 1."""
    runs: list[tuple[int, int]] = []
    for axis in axes:
        if runs and math.prod(shape[runs[-1][1] : axis]) == 1:
            runs[-1] = runs[-1][0], axis + 1
        else:
            runs.append((axis, axis + 1))
    return runs


def _sum_of_axis(fuse: bool, x: Array, axis: int) -> Array:
    length = x.shape[axis]
    if length <= _VECTOR or axis != x.ndim - 1 or x.dtype not in (jnp.float32, jnp.float64):
        return jnp.sum(x, axis, keepdims=True)
    each, rest = divmod(length, _SUMMANDS if fuse else 1)
    folded = reduce(jnp.add, (x[..., start : start + each] for start in range(0, length - rest, each)))
    total = lax.dot_general(folded, jnp.ones((each, 1), x.dtype), (((axis,), (0,)), ((), ())))
    return total + jnp.sum(x[..., length - rest :], axis, keepdims=True) if rest else total


def _extreme_of_axis(of_two: Callable[..., Array], of_axis: Callable[..., Array], x: Array, axis: int) -> Array:
    while axis == x.ndim - 1 and x.shape[axis] > _VECTOR:
        length = x.shape[axis]
        each = -(-length // min(_SLICES, -(-length // _VECTOR)))
        # the last slice ends where x ends, and may overlap: an element may count twice in an extreme
        starts = (min(start, length - each) for start in range(0, length, each))
        x = reduce(of_two, (x[..., start : start + each] for start in starts))
    return of_axis(x, axis, keepdims=True)
