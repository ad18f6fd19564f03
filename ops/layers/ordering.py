"""Ordering: running sums, the largest few, and the order that sorts."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from graphml.errors import ShapeError
from graphml.ops._axes import from_start
from graphml.ops._known import whole_number
from graphml.ops._running_sum import running_sum
from graphml.ops.layers.dialect import layer


@layer("cumSum", concrete=(1,))
def cum_sum(x, along=None, *, axis: int, exclude_final_sum: bool, reverse: bool):
    """The running sum along an axis, from its start or, with `reverse`, from its end.

    x: any rank >= 1; returns its shape. A second input replaces `axis`. With `exclude_final_sum` each sum stops before
    its own element, so that it begins with 0. Source: CumSumLayerParams (spec 5).
    """
    axis = from_start(axis if along is None else whole_number(along, "the axis"), x.ndim)
    size = x.shape[axis]
    if not exclude_final_sum or size == 0:
        return running_sum(x, axis, reverse)
    kept = lax.slice_in_dim(x, 1, size, axis=axis) if reverse else lax.slice_in_dim(x, 0, size - 1, axis=axis)
    padding = [(0, 0)] * x.ndim
    padding[axis] = (0, 1) if reverse else (1, 0)
    return jnp.pad(running_sum(kept, axis, reverse), padding)


@layer("topK", concrete=(1,))
def top_k(x, count=None, *, axis: int, k: int, use_bottom_k: bool):
    """The K largest numbers along an axis in falling order, or the K smallest in rising order, and their positions.

    x: any rank >= 1; returns two arrays whose axis has size K, the second one of positions as floats. A second input
    replaces `k`. Among equals the lower position comes first. Raises ShapeError when the axis holds fewer than K.
    Source: TopKLayerParams (spec 4).
    """
    axis = from_start(axis, x.ndim)
    k = k if count is None else whole_number(count, "K")
    if not 1 <= k <= x.shape[axis]:
        raise ShapeError(f"K is {k}; the axis holds {x.shape[axis]} numbers")
    rows = jnp.moveaxis(x, axis, -1)
    rows = jnp.where(rows == 0, 0, rows)  # XLA takes -0 for less than 0, but they are equals
    values, positions = lax.top_k(0 - rows if use_bottom_k else rows, k)
    values = 0 - values if use_bottom_k else values
    return jnp.moveaxis(values, -1, axis), jnp.moveaxis(positions.astype(x.dtype), -1, axis)


@layer("argSort", differentiable="a position does not change with small changes of the numbers")
def arg_sort(x, *, axis: int, descending: bool):
    """The positions, as floats, in whose order the numbers along an axis are sorted; equals keep their order.

    x: any rank >= 1; returns its shape. `axis` counts from the start only. Source: ArgSortLayerParams (spec 5).
    """
    if axis < 0:
        raise ShapeError(f"axis is {axis}; here it must not be negative")
    from_start(axis, x.ndim)
    return jnp.argsort(x, axis, stable=True, descending=descending).astype(x.dtype)
