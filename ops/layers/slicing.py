"""Slices: parts of arrays of any rank, cut by Python's rules, by a size, or as windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.errors import ShapeError
from graphml.ops.kernels import slicing as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._axes import drop_unlisted_axes, normalize_axis
from graphml.ops.layers._integers import known_integers, to_integers
from graphml.ops.layers.dialect import layer


def _per_axis(values: Sequence[Any], rank: int, name: str) -> Sequence[Any]:
    """One value for each axis; an empty list gives none. Common converters always write strides and masks for five
    axes: entries for axes that x does not have must have no effect."""
    no_effect = (0, 1) if name == "strides" else (0,)
    if all(value in no_effect for value in values[rank:]):
        values = values[:rank]
    if len(values) not in (0, rank):
        raise ShapeError(f"{name} has {len(values)} values; x has rank {rank} and needs one for each axis")
    return values or (None,) * rank


def _slice(
    x: Array,
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int],
    begin_masks: Sequence[bool],
    end_masks: Sequence[bool],
    squeeze_masks: Sequence[bool],
) -> Array:
    """x[begin:end:stride] on every axis, where a mask means an omitted bound or, for squeezed axes, x[begin]."""
    x = drop_unlisted_axes(x, len(begin))
    lists: dict[str, Sequence[Any]] = {
        "begin": begin,
        "end": end,
        "strides": strides,
        "begin masks": begin_masks,
        "end masks": end_masks,
        "squeeze masks": squeeze_masks,
    }
    bounds = kernels.Bounds(*(_per_axis(values, x.ndim, name) for name, values in lists.items()))
    return x[kernels.as_index(x.shape, bounds)]


@layer("sliceStatic")
def slice_static(
    x: Array,
    *,
    begin_ids: tuple[int, ...],
    begin_masks: tuple[bool, ...],
    end_ids: tuple[int, ...],
    end_masks: tuple[bool, ...],
    strides: tuple[int, ...],
    squeeze_masks: tuple[bool, ...],
) -> Array:
    """Python's x[begin:end:stride] on every axis.

    Lists may be longer than the rank if the rest has no effect: strides of 1, masks that are false. Lists of three
    are for an image [C, H, W], see `drop_unlisted_axes`.

    Args:
        x: any rank >= 1.
        begin_ids: the first position on each axis; bounds beyond the edges are clamped.
        begin_masks: whether the slice starts at the edge.
        end_ids: the position before which the slice stops.
        end_masks: whether the slice stops at the edge.
        strides: from one position to the next; not 0.
        squeeze_masks: whether the one position `begin` is taken and the axis dropped.

    Returns:
        The rank of x, less the squeezed axes.

    Raises:
        ShapeError: a stride is 0, or a squeezed position is outside.

    Source: SliceStaticLayerParams (spec 4).
    """
    return _slice(x, begin_ids, end_ids, strides, begin_masks, end_masks, squeeze_masks)


_LISTS = ("end", "strides", "begin masks", "end masks", "squeeze masks")


def _spans(
    x: Array,
    begin: Array,
    *operands: Array,
    end_ids: tuple[int, ...],
    strides: tuple[int, ...],
    begin_masks: tuple[bool, ...],
    end_masks: tuple[bool, ...],
    squeeze_masks: tuple[bool, ...],
) -> kernels.TracedSlices:
    """`_slice` where bounds are traced."""
    x = drop_unlisted_axes(x, begin.size)
    fields = dict(zip(_LISTS, (end_ids, strides, begin_masks, end_masks, squeeze_masks), strict=True))
    given = [to_integers(values)[: x.ndim] for values in (begin, *operands)]
    rest = [np.asarray(_per_axis(values, x.ndim, name)) for name, values in list(fields.items())[len(operands) :]]
    first, stop, step, from_edge, to_edge, squeeze = (
        jnp.zeros(x.ndim, jnp.int32) if values.dtype == object else jnp.asarray(values, jnp.int32)
        for values in (*given, *rest)
    )
    return kernels.resolve_slices(x.shape, first, stop, step, from_edge, to_edge, squeeze)


@layer("sliceDynamic", concrete=(1, 2, 3, 4, 5, 6), sizes=lambda *inputs, **fields: tuple(_spans(*inputs, **fields)[2]))
def slice_dynamic(
    x: Array,
    begin: Array,
    *operands: Array,
    begin_masks: tuple[bool, ...],
    end_ids: tuple[int, ...],
    end_masks: tuple[bool, ...],
    strides: tuple[int, ...],
    squeeze_masks: tuple[bool, ...],
    sizes: tuple[int, ...] | None = None,
) -> Array:
    """`sliceStatic` with its lists as inputs: begin, then end, strides, begin, end and squeeze masks.

    Args:
        x: any rank >= 1.
        begin: one number for each axis; known when the network is traced, unless `sizes` is given.
        operands: the other lists, as `begin`. One without an input is taken from the field of the same name.
        begin_masks: as in `slice_static`, like those below.
        end_ids: see above.
        end_masks: see above.
        strides: see above.
        squeeze_masks: see above.
        sizes: the sizes of the result; -1 for squeezed axes.

    Returns:
        The rank of x, less the squeezed axes.

    Raises:
        ShapeError: as in `slice_static`.

    Source: SliceDynamicLayerParams (spec 4; the seventh input spec 5).
    """
    if sizes is not None:
        slices = _spans(
            x,
            begin,
            *operands,
            begin_masks=begin_masks,
            end_ids=end_ids,
            end_masks=end_masks,
            strides=strides,
            squeeze_masks=squeeze_masks,
        )
        return kernels.take_slices(drop_unlisted_axes(x, begin.size), slices, sizes)
    first, *given = (
        _positions(values, name) for values, name in zip((begin, *operands), ("begin", *_LISTS), strict=False)
    )
    fields: tuple[Any, ...] = (end_ids, strides, begin_masks, end_masks, squeeze_masks)
    lists: tuple[Any, ...] = (*given, *fields[len(given) :])
    return _slice(x, first, *lists)


def _positions(values: Any, name: str) -> tuple[int, ...]:
    """Known bounds and strides; values beyond int32 are beyond any edge."""
    return tuple(min(max(number, -(2**31)), 2**31 - 1) for number in known_integers(values, name))


@layer("sliceBySize")
def slice_by_size(x: Array, begin: Array, *, size: int, axis: int) -> Array:
    """`size` consecutive elements of one axis from `begin` on, which may depend on data.

    Args:
        x: any rank >= 1.
        begin: one number; counts from the end when negative. Where fewer than `size` elements follow, it is moved
            back.
        size: how many elements.
        axis: may count from the end.

    Returns:
        The rank of x.

    Raises:
        ShapeError: the axis is shorter than `size`.

    Source: SliceBySizeLayerParams (spec 5).
    """
    axis = normalize_axis(axis, x.ndim)
    if not 1 <= size <= x.shape[axis]:
        raise ShapeError(f"size is {size}; it must be from 1 to {x.shape[axis]}, the size of the axis")
    if begin.size != 1:
        raise ShapeError(f"begin has shape {list(begin.shape)}; it must be a single number")
    return lax.dynamic_slice_in_dim(x, to_integers(begin).reshape(()), size, axis)


@layer("slidingWindows")
def sliding_windows(x: Array, *, axis: int, window_size: int, step: int) -> Array:
    """Every `step`-th window of consecutive elements of one axis.

    Args:
        x: any rank >= 1 with length L on the axis.
        axis: may count from the end.
        window_size: elements of a window.
        step: elements from one window to the next.

    Returns:
        [..., (L - window_size) // step + 1, window_size, ...], one rank more.

    Raises:
        ShapeError: a window is longer than the axis, or the step is not positive.

    Source: SlidingWindowsLayerParams (spec 4).
    """
    axis = normalize_axis(axis, x.ndim)
    if not 1 <= window_size <= x.shape[axis] or step < 1:
        raise ShapeError(
            f"window_size is {window_size} and step {step}; windows must fit into the axis of size {x.shape[axis]}, "
            "and the step must be positive"
        )
    return kernels.sliding_windows(x, axis, window_size, step)
