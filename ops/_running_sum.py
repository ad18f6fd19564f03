"""Running sums on CPUs, where XLA's own add up each one anew: in blocks, whose totals have running sums in turn.

The sums go forward only, so that an infinity or NaN spoils nothing before it.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from graphml.catalogue import target

_BLOCK = 8


def running_sum(x, axis: int, reverse: bool = False):
    """The sums of all elements up to each along an axis, from its start or from its end."""
    if target().platform != "cpu":
        return lax.cumsum(x, axis, reverse)
    return jnp.flip(_in_blocks(jnp.flip(x, axis), axis), axis) if reverse else _in_blocks(x, axis)


def _in_blocks(x, axis: int):
    size = x.shape[axis]
    if size <= _BLOCK:
        return lax.cumsum(x, axis)
    whole = _moved(x, axis, 0, -size % _BLOCK)
    sums = whole.reshape(*x.shape[:axis], -1, _BLOCK, *x.shape[axis + 1 :])
    step = 1
    while step < _BLOCK:
        sums = sums + _moved(sums, axis + 1, step, -step)
        step *= 2
    # without the barriers XLA adds the sums of whole blocks anew for each element
    totals = lax.optimization_barrier(lax.index_in_dim(sums, _BLOCK - 1, axis + 1, keepdims=False))
    before = lax.optimization_barrier(_in_blocks(_moved(totals, axis, 1, -1), axis))
    return lax.slice_in_dim((sums + jnp.expand_dims(before, axis + 1)).reshape(whole.shape), 0, size, axis=axis)


def _moved(x, axis: int, before: int, after: int):
    """x with zeros before and after it along an axis; negative amounts cut."""
    widths = [(0, 0, 0)] * x.ndim
    widths[axis] = (before, after, 0)
    return lax.pad(x, jnp.zeros((), x.dtype), widths)
