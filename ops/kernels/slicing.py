"""Slices by Python's rules, also those whose bounds depend on data, and windows of consecutive elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array, array_namespace


class Bounds(NamedTuple):
    """The bounds of a slice: one entry for each axis; None means an omitted bound, or False.

    Attributes:
        begin: the first position; negative ones count from the end.
        end: the position before which the slice stops.
        stride: from one position to the next.
        from_edge: whether the slice starts at the edge.
        to_edge: whether it stops at the edge.
        squeeze: whether the one position `begin` is taken and the axis dropped.
    """

    begin: Sequence[int | None]
    end: Sequence[int | None]
    stride: Sequence[int | None]
    from_edge: Sequence[bool | None]
    to_edge: Sequence[bool | None]
    squeeze: Sequence[bool | None]


def as_index(shape: Sequence[int], bounds: Bounds) -> tuple[Any, ...]:
    """Known bounds as an index of an array of this shape: x[begin:end:stride] on every axis.

    Args:
        shape: of the array.
        bounds: numbers beyond the edges are clamped, apart from positions that are squeezed.

    Raises:
        ShapeError: a stride is 0, or a squeezed position is outside.
    """
    where: list[Any] = []
    for length, first, stop, stride, from_edge, to_edge, squeeze in zip(shape, *bounds, strict=True):
        if squeeze:
            first = first or 0
            if not -length <= first < length:
                raise ShapeError(f"begin {first} is out of range for an axis of size {length}")
            where.append(first)
        elif stride == 0:
            raise ShapeError("a stride is 0; strides must be positive or negative")
        else:
            where.append(slice(None if from_edge else first, None if to_edge else stop, stride))
    return (*where, ...)  # with the ellipsis, NumPy gives an array, not a scalar


class TracedSlices(NamedTuple):
    """x[begin:end:stride] on every axis, with bounds that may be traced. All entries are int32 [rank].

    Attributes:
        first: the first position.
        step: from one position to the next.
        length: how many positions; -1 where the axis is dropped and its first position taken.
    """

    first: Array
    step: Array
    length: Array


def resolve_slices(
    shape: Sequence[int], begin: Array, end: Array, stride: Array, from_edge: Array, to_edge: Array, squeeze: Array
) -> TracedSlices:
    """Apply Python's rules of slices to bounds that may be traced.

    Args:
        shape: of the array, with R axes.
        begin: [R], int32; negative bounds count from the end.
        end: [R], int32.
        stride: [R], int32; 0 counts as 1.
        from_edge: [R], not 0 where the slice starts at the edge.
        to_edge: [R], not 0 where the slice stops at the edge.
        squeeze: [R], not 0 where the position `begin` is taken and the axis dropped.

    Returns:
        Positions within the array.
    """
    length = jnp.asarray(shape, jnp.int32)
    step = jnp.where((stride == 0) | (squeeze != 0), 1, stride)
    low, high = jnp.where(step > 0, 0, -1), jnp.where(step > 0, length, length - 1)
    first, stop = (jnp.clip(jnp.where(at < 0, at + length, at), low, high) for at in (begin, end))
    first = jnp.where((from_edge != 0) & (squeeze == 0), jnp.where(step > 0, low, high), first)
    stop = jnp.where(to_edge != 0, jnp.where(step > 0, high, low), stop)
    count = jnp.maximum(-((first - stop) // step), 0)
    return TracedSlices(first, step, jnp.where(squeeze != 0, -1, count))


def take_slices(x: Array, slices: TracedSlices, counts: Sequence[int]) -> Array:
    """x[begin:end:stride] where the counts of `slices` are known numbers.

    Args:
        x: rank R.
        slices: from `resolve_slices`, for the shape of x.
        counts: R numbers, those of `slices` or larger ones, after which the last element is repeated.

    Returns:
        [counts], without those that are -1.
    """
    for axis, count in enumerate(counts):
        x = jnp.take(x, slices.first[axis] + slices.step[axis] * np.arange(abs(count)), axis, mode="clip")
    return x.reshape([count for count in counts if count >= 0])


def sliding_windows(x: Array, axis: int, size: int, stride: int) -> Array:
    """Every `stride`-th window of consecutive elements of one axis.

    Args:
        x: any rank >= 1; known values give a NumPy array.
        axis: counted from the start.
        size: elements of a window, at most those of the axis.
        stride: elements from one window to the next.

    Returns:
        [..., number of windows, size, ...], one rank more.
    """
    starts = np.arange(0, x.shape[axis] - size + 1, stride)
    return array_namespace(x).take(x, starts[:, None] + np.arange(size), axis)
