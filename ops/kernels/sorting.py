"""Along an axis: cumulative sums, the largest elements, and sorting."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu import cumsum as cpu
from graphml.ops.kernels.platform import on_cpu


def cumsum(x: Array, axis: int, *, exclusive: bool = False, reverse: bool = False) -> Array:
    """The cumulative sum along an axis.

    Args:
        x: any rank >= 1.
        axis: counted from the start.
        exclusive: whether each sum stops before its own element, so that the first is 0.
        reverse: whether to sum from the end of the axis.

    Returns:
        The shape of x.
    """
    size = x.shape[axis]
    if not exclusive or size == 0:
        return _cumsum(x, axis, reverse)
    kept = lax.slice_in_dim(x, 1, size, axis=axis) if reverse else lax.slice_in_dim(x, 0, size - 1, axis=axis)
    padding = [(0, 0)] * x.ndim
    padding[axis] = (0, 1) if reverse else (1, 0)
    return jnp.pad(_cumsum(kept, axis, reverse), padding)


def _cumsum(x: Array, axis: int, reverse: bool) -> Array:
    return cpu.cumsum(x, axis, reverse) if on_cpu() else lax.cumsum(x, axis, reverse)


def top_k(x: Array, axis: int, k: int, *, smallest: bool = False) -> tuple[Array, Array]:
    """The k largest elements along an axis in descending order, or the k smallest in ascending order.

    Args:
        x: any rank >= 1.
        axis: may count from the end.
        k: at most the size of the axis.
        smallest: whether to take the smallest.

    Returns:
        (values, positions as int32), with size k on the axis. Among equal elements the lower position comes first.
    """
    rows = jnp.moveaxis(x, axis, -1)
    rows = jnp.where(rows == 0, 0, rows)  # XLA sorts -0 before 0, but they are equal
    values, positions = lax.top_k(_opposite(rows) if smallest else rows, k)
    values = _opposite(values) if smallest else values
    return jnp.moveaxis(values, -1, axis), jnp.moveaxis(positions, -1, axis)


def _opposite(x: Array) -> Array:
    """Numbers that sort in the opposite order. Not -x: the smallest integer and unsigned ones have no negative."""
    return ~x if jnp.issubdtype(x.dtype, jnp.integer) else 0 - x


def argsort(x: Array, axis: int, *, descending: bool) -> Array:
    """The positions, int32, that sort the elements along an axis; equal elements keep their order."""
    return jnp.argsort(x, axis, stable=True, descending=descending).astype(jnp.int32)
