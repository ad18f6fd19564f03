"""Slices: parts of arrays of any rank, cut by Python's rules, by a size, or as windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.errors import ShapeError
from graphml.ops._axes import as_listed, from_start
from graphml.ops._known import module, whole, whole_numbers
from graphml.ops.layers.dialect import layer


def _per_axis(values: Sequence[Any], rank: int, name: str) -> Sequence[Any]:
    """One value for each axis; an empty list states none. Common converters write strides and masks for five axes
    always: what is said of axes that x does not have must say nothing."""
    nothing = (0, 1) if name == "strides" else (0,)
    if all(value in nothing for value in values[rank:]):
        values = values[:rank]
    if len(values) not in (0, rank):
        raise ShapeError(f"{name} has {len(values)} values; x has rank {rank} and needs one for each axis")
    return values or (None,) * rank


def _slice(x, begin, end, strides, begin_masks, end_masks, squeeze_masks):
    """x[begin:end:stride] on every axis, where a mask stands for a left-out bound or, squeezing, for x[begin]."""
    x = as_listed(x, len(begin))
    lists = {
        "begin": begin,
        "end": end,
        "strides": strides,
        "begin masks": begin_masks,
        "end masks": end_masks,
        "squeeze masks": squeeze_masks,
    }
    where: list[Any] = []
    for length, first, stop, stride, from_edge, to_edge, squeeze in zip(
        x.shape, *(_per_axis(values, x.ndim, name) for name, values in lists.items()), strict=True
    ):
        if squeeze:
            first = first or 0
            if not -length <= first < length:
                raise ShapeError(f"begin {first} is outside of an axis that holds {length}")
            where.append(first)
        elif stride == 0:
            raise ShapeError("a stride is 0; strides are positive or negative")
        else:
            where.append(slice(None if from_edge else first, None if to_edge else stop, stride))
    return x[(*where, ...)]  # with the dots, NumPy gives an array where one number is left


@layer("sliceStatic")
def slice_static(
    x,
    *,
    begin_ids: tuple[int, ...],
    begin_masks: tuple[bool, ...],
    end_ids: tuple[int, ...],
    end_masks: tuple[bool, ...],
    strides: tuple[int, ...],
    squeeze_masks: tuple[bool, ...],
):
    """Python's x[begin:end:stride] on every axis.

    x: any rank >= 1; returns this rank, less the squeezed axes. A mask leaves a bound out: the slice then starts or
    stops at the edge. A squeeze mask takes the one position `begin` and drops the axis. Bounds beyond the edges are cut
    off. Lists may be longer than the rank where the rest says nothing: strides of 1, masks that are false; lists of
    three are for an image [C, H, W], see `as_listed`. Raises ShapeError for a stride of 0 and a squeezed position
    outside. Source: SliceStaticLayerParams (spec 4).
    """
    return _slice(x, begin_ids, end_ids, strides, begin_masks, end_masks, squeeze_masks)


_LISTS = ("end", "strides", "begin masks", "end masks", "squeeze masks")


def _spans(x, begin, *operands, end_ids, strides, begin_masks, end_masks, squeeze_masks):
    """`_slice` where bounds are traced: first position, step and count for each axis; the count -1 where squeezed."""
    x = as_listed(x, begin.size)
    fields = dict(zip(_LISTS, (end_ids, strides, begin_masks, end_masks, squeeze_masks), strict=True))
    given = [whole(values)[: x.ndim] for values in (begin, *operands)]
    rest = [np.asarray(_per_axis(values, x.ndim, name)) for name, values in list(fields.items())[len(operands) :]]
    first, stop, step, from_edge, to_edge, squeeze = (
        jnp.zeros(x.ndim, jnp.int32) if values.dtype == object else jnp.asarray(values, jnp.int32)
        for values in (*given, *rest)
    )
    length = jnp.asarray(x.shape, jnp.int32)
    step = jnp.where((step == 0) | (squeeze != 0), 1, step)
    low, high = jnp.where(step > 0, 0, -1), jnp.where(step > 0, length, length - 1)
    first, stop = (jnp.clip(jnp.where(at < 0, at + length, at), low, high) for at in (first, stop))
    first = jnp.where((from_edge != 0) & (squeeze == 0), jnp.where(step > 0, low, high), first)
    stop = jnp.where(to_edge != 0, jnp.where(step > 0, high, low), stop)
    count = jnp.maximum(-((first - stop) // step), 0)
    return first, step, jnp.where(squeeze != 0, -1, count)


@layer("sliceDynamic", concrete=(1, 2, 3, 4, 5, 6), sizes=lambda *inputs, **fields: tuple(_spans(*inputs, **fields)[2]))
def slice_dynamic(
    x,
    begin,
    *operands,
    begin_masks: tuple[bool, ...],
    end_ids: tuple[int, ...],
    end_masks: tuple[bool, ...],
    strides: tuple[int, ...],
    squeeze_masks: tuple[bool, ...],
    sizes=None,
):
    """`sliceStatic` with its lists as inputs: begin, then end, strides, begin, end and squeeze masks.

    x: any rank >= 1; the other inputs: one number for each axis; the sizes of the result, or else these numbers, are
    known when the network is traced. A list without an input is taken from the field of its name.
    Source: SliceDynamicLayerParams (spec 4; the seventh input spec 5).
    """
    if sizes is not None:
        fields = {"begin_masks": begin_masks, "end_ids": end_ids, "end_masks": end_masks}
        x = as_listed(x, begin.size)
        first, step, _ = _spans(x, begin, *operands, **fields, strides=strides, squeeze_masks=squeeze_masks)
        for axis, size in enumerate(sizes):
            x = jnp.take(x, first[axis] + step[axis] * np.arange(abs(size)), axis, mode="clip")
        return x.reshape([size for size in sizes if size >= 0])
    begin, *given = (
        _places(values, name) for values, name in zip((begin, *operands), ("begin", *_LISTS), strict=False)
    )
    fields = (end_ids, strides, begin_masks, end_masks, squeeze_masks)
    return _slice(x, begin, *given, *fields[len(given) :])


def _places(values, name: str) -> tuple[int, ...]:
    """Known bounds and strides; what lies beyond int32 is beyond any edge."""
    return tuple(min(max(number, -(2**31)), 2**31 - 1) for number in whole_numbers(values, name))


@layer("sliceBySize")
def slice_by_size(x, begin, *, size: int, axis: int):
    """`size` consecutive elements of one axis from `begin` on, which may depend on data.

    x: any rank >= 1; begin: one number, from the end when negative. Returns the rank of x. A `begin` from which fewer
    are left is moved back, so that the size stays. Raises ShapeError when the axis is shorter.
    Source: SliceBySizeLayerParams (spec 5).
    """
    axis = from_start(axis, x.ndim)
    if not 1 <= size <= x.shape[axis]:
        raise ShapeError(f"size is {size}; the axis holds {x.shape[axis]}")
    if begin.size != 1:
        raise ShapeError(f"begin has shape {list(begin.shape)}; it is a single number")
    return lax.dynamic_slice_in_dim(x, whole(begin).reshape(()), size, axis)


@layer("slidingWindows")
def sliding_windows(x, *, axis: int, window_size: int, step: int):
    """Every `step`-th window of consecutive elements of one axis.

    x: any rank >= 1 with length L on the axis; returns [..., (L - window_size) // step + 1, window_size, ...], one rank
    more. Raises ShapeError when a window is longer than the axis. Source: SlidingWindowsLayerParams (spec 4).
    """
    axis = from_start(axis, x.ndim)
    if not 1 <= window_size <= x.shape[axis] or step < 1:
        raise ShapeError(f"window_size is {window_size} and step {step}; the axis holds {x.shape[axis]}")
    starts = np.arange(0, x.shape[axis] - window_size + 1, step)
    return module(x).take(x, starts[:, None] + np.arange(window_size), axis)
