"""Ordering: cumulative sums, the largest elements, and sorting."""

from __future__ import annotations

from graphml.errors import ShapeError
from graphml.ops.kernels import sorting
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.axes import normalize_axis
from graphml.ops.kernels.precision import widened
from graphml.ops.program.dialect import operation


@operation("cumsum", version=15)
def cumsum(x: Array, *, axis: int, exclusive: bool, reverse: bool) -> Array:
    """The cumulative sum along an axis, from its start or, with `reverse`, from its end.

    Args:
        x: any rank >= 1.
        axis: may count from the end.
        exclusive: whether each sum stops before its own element, so that the first is 0.
        reverse: see above.

    Returns:
        The shape of x. Sums of half precision are rounded once.

    Raises:
        ShapeError: x has no such axis.

    Source: the operation cumsum of ML Programs (iOS 15).
    """
    sums = sorting.cumsum(widened(x), normalize_axis(axis, x.ndim), exclusive=exclusive, reverse=reverse)
    return sums.astype(x.dtype)


@operation("argsort", version=15, differentiable="positions are integers, which have no gradient")
def argsort(x: Array, *, axis: int, ascending: bool) -> Array:
    """The positions that sort the elements along an axis; equal elements keep their order.

    Args:
        x: any rank >= 1.
        axis: may count from the end.
        ascending: whether the smallest comes first; otherwise the largest.

    Returns:
        int32, the shape of x.

    Raises:
        ShapeError: x has no such axis.

    Source: the operation argsort of ML Programs (iOS 15).
    """
    return sorting.argsort(x, normalize_axis(axis, x.ndim), descending=not ascending)


# The largest elements ------------------------------------------------------------------------------------------------


def _top_k(x: Array, k: int, axis: int, ascending: bool) -> tuple[Array, Array]:
    axis = normalize_axis(axis, x.ndim)
    if not 0 <= k <= x.shape[axis]:
        raise ShapeError(f"k is {k}; it must be from 0 to {x.shape[axis]}, the size of the axis")
    return sorting.top_k(x, axis, k, smallest=ascending)


@operation("topk", version=15)
def topk(x: Array, *, k: int, axis: int, ascending: bool) -> tuple[Array, Array]:
    """The k largest numbers along an axis in descending order, or the k smallest ascending, and their positions.

    Args:
        x: any rank >= 1.
        k: how many.
        axis: may count from the end.
        ascending: whether to return the smallest.

    Returns:
        (values, positions as int32), with size k on the axis. Among equal elements the lower position comes first.

    Raises:
        ShapeError: the axis holds fewer than k.

    Source: the operation topk of ML Programs (iOS 15).
    """
    return _top_k(x, k, axis, ascending)


@operation("topk", version=16)
def topk_16(
    x: Array, *, k: int, axis: int, ascending: bool, sort: bool, return_indices: bool
) -> Array | tuple[Array, Array]:
    """The k largest numbers along an axis in descending order, or the k smallest ascending, and their positions.

    Args:
        x: any rank >= 1.
        k: how many.
        axis: may count from the end.
        ascending: whether to return the smallest.
        sort: without it any order is allowed; the result is sorted anyway.
        return_indices: whether to return the positions too.

    Returns:
        (values, positions as int32), or the values alone, with size k on the axis. Among equal elements the lower
        position comes first.

    Raises:
        ShapeError: the axis holds fewer than k.

    Source: the operation topk of ML Programs (iOS 16).
    """
    values, positions = _top_k(x, k, axis, ascending)
    return (values, positions) if return_indices else values


@operation("topk", version=17)
def topk_17(
    x: Array,
    *,
    k: int,
    axis: int,
    ascending: bool,
    sort: bool,
    return_indices: bool,
    output_indices_dtype: str,
) -> Array | tuple[Array, Array]:
    """The k largest numbers along an axis in descending order, or the k smallest ascending, and their positions.

    Args:
        x: any rank >= 1.
        k: how many; -1 means all.
        axis: may count from the end.
        ascending: whether to return the smallest.
        sort: without it any order is allowed; the result is sorted anyway.
        return_indices: whether to return the positions too.
        output_indices_dtype: the type of the positions, int32 or uint16.

    Returns:
        (values, positions), or the values alone, with size k on the axis. Among equal elements the lower position comes
        first.

    Raises:
        ShapeError: the axis holds fewer than k.

    Source: the operation topk of ML Programs (iOS 17).
    """
    count = x.shape[normalize_axis(axis, x.ndim)] if k == -1 else k
    values, positions = _top_k(x, count, axis, ascending)
    return (values, positions.astype(output_indices_dtype)) if return_indices else values
