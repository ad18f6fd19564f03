"""Ordering: cumulative sums, the largest elements, and sorting."""

from __future__ import annotations

from graphml.errors import ShapeError
from graphml.ops.kernels import sorting
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._axes import normalize_axis
from graphml.ops.layers._integers import known_integer
from graphml.ops.layers.dialect import layer


@layer("cumSum", concrete=(1,))
def cum_sum(x: Array, along: Array | None = None, *, axis: int, exclude_final_sum: bool, reverse: bool) -> Array:
    """The cumulative sum along an axis, from its start or, with `reverse`, from its end.

    Args:
        x: any rank >= 1.
        along: one number, in place of `axis`; known when the network is traced.
        axis: may count from the end.
        exclude_final_sum: whether each sum stops before its own element, so that the first is 0.
        reverse: see above.

    Returns:
        The shape of x.

    Raises:
        ShapeError: x has no such axis.

    Source: CumSumLayerParams (spec 5).
    """
    axis = normalize_axis(axis if along is None else known_integer(along, "the axis"), x.ndim)
    return sorting.cumsum(x, axis, exclusive=exclude_final_sum, reverse=reverse)


@layer("topK", concrete=(1,))
def top_k(x: Array, count: Array | None = None, *, axis: int, k: int, use_bottom_k: bool) -> tuple[Array, Array]:
    """The K largest numbers along an axis in descending order, or the K smallest ascending, and their positions.

    Args:
        x: any rank >= 1.
        count: one number, in place of `k`; known when the network is traced.
        axis: may count from the end.
        k: how many.
        use_bottom_k: whether to return the smallest.

    Returns:
        (values, positions as floats), with size K on the axis. Among equal elements the lower position comes first.

    Raises:
        ShapeError: the axis holds fewer than K.

    Source: TopKLayerParams (spec 4).
    """
    axis = normalize_axis(axis, x.ndim)
    k = k if count is None else known_integer(count, "K")
    if not 1 <= k <= x.shape[axis]:
        raise ShapeError(f"K is {k}; it must be from 1 to {x.shape[axis]}, the size of the axis")
    values, positions = sorting.top_k(x, axis, k, smallest=use_bottom_k)
    return values, positions.astype(x.dtype)


@layer("argSort", differentiable="positions are integers, which have no gradient")
def arg_sort(x: Array, *, axis: int, descending: bool) -> Array:
    """The positions, as floats, that sort the elements along an axis; equal elements keep their order.

    Args:
        x: any rank >= 1.
        axis: counts from the start only.
        descending: whether the largest comes first.

    Returns:
        The shape of x.

    Raises:
        ShapeError: x has no such axis.

    Source: ArgSortLayerParams (spec 5).
    """
    if axis < 0:
        raise ShapeError(f"axis must not be negative for this layer, got {axis}")
    normalize_axis(axis, x.ndim)
    return sorting.argsort(x, axis, descending=descending).astype(x.dtype)
