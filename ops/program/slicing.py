"""Slicing: parts of arrays by Python's rules, and windows of consecutive elements.

Bounds may be computed by the program. Where they decide the size of the result they must be known when the program is
traced; where they only give the position to read or write, as in a cache, they need not be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from graphml.catalogue import Attributes, Layout, Ranks, ValueUnseen
from graphml.errors import ShapeError
from graphml.ops.kernels import reshaping
from graphml.ops.kernels import slicing as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.axes import normalize_axis
from graphml.ops.program._images import laid, laid_order
from graphml.ops.program._known import known_integers
from graphml.ops.program._windows import image_either
from graphml.ops.program.dialect import operation

# Bounds --------------------------------------------------------------------------------------------------------------

_MASKS = ("begin_mask", "end_mask", "squeeze_mask")


class _Slices(NamedTuple):
    """The bounds of a slice, for the axes in the layout of x; begin and end may be traced. See `kernels.Bounds`."""

    begin: Any
    end: Any
    stride: Sequence[int]
    from_edge: Sequence[bool]
    to_edge: Sequence[bool]
    squeeze: Sequence[bool]

    @property
    def known(self) -> kernels.Bounds | None:
        if isinstance(self.begin, Tracer) or isinstance(self.end, Tracer):
            return None
        return kernels.Bounds(known_integers(self.begin, "begin"), known_integers(self.end, "end"), *self[2:])

    def traced(self, shape: Sequence[int]) -> kernels.TracedSlices:
        return kernels.resolve_slices(shape, *(jnp.asarray(values, jnp.int32) for values in self))


def _slices(x: Array, begin: Array, end: Array, **attributes: Any) -> _Slices:
    """The bounds, strides and masks of an operation, of which strides and masks may be None.

    A position that is squeezed is 0 where its begin mask is set.

    Raises:
        ShapeError: they do not have one entry for each axis of x.
    """
    rank, lists = x.ndim, {"begin": begin, "end": end, **attributes}
    for name, values in lists.items():
        if values is not None and np.shape(values) != (rank,):
            raise ShapeError(f"{name} has shape {list(np.shape(values))}; it must be [{rank}], a number for each axis")
    stride = laid(attributes["stride"] or (1,) * rank, rank)
    from_edge, to_edge, squeeze = (laid(attributes[name] or (False,) * rank, rank) for name in _MASKS)
    first, last = _laid_bounds(begin, rank), _laid_bounds(end, rank)
    if any(edge and drop for edge, drop in zip(from_edge, squeeze, strict=True)):
        first = first * np.asarray([not (edge and drop) for edge, drop in zip(from_edge, squeeze, strict=True)])
    return _Slices(first, last, stride, from_edge, to_edge, squeeze)


def _laid_bounds(bounds: Any, rank: int) -> Any:
    """One number for each axis, as `laid`; a NumPy array unless it is traced."""
    places = laid_order(rank)
    known: Any = None if isinstance(bounds, Tracer) else np.asarray(bounds)
    in_order = places == tuple(range(rank))
    if known is None:
        return jnp.asarray(bounds) if in_order else jnp.asarray(bounds)[np.asarray(places)]
    return known if in_order else known[np.asarray(places)]


def _int32(starts: Any) -> list[Array]:
    """Positions that may be traced, in one dtype, which JAX requires."""
    return [jnp.asarray(start, jnp.int32) for start in starts]


def _take_layout(attributes: Attributes, ranks: Ranks) -> Layout:
    return "wire" if any(attributes["squeeze_mask"] or ()) else image_either(attributes, ranks)


def _bounds_decide_sizes(attributes: Attributes) -> tuple[int, ...]:
    """The argument positions of begin and end, unless every axis is squeezed or taken from edge to edge."""
    masks = [attributes[name] for name in _MASKS]
    none = (False,) * max(len(mask or ()) for mask in masks)
    begins, ends, squeezes = (mask or none for mask in masks)
    decided = bool(none) and all(s or (b and e) for b, e, s in zip(begins, ends, squeezes, strict=False))
    return () if decided else (1, 2)


def _sizes(x: Array, begin: Array, end: Array, **attributes: Any) -> tuple[Array, ...]:
    return tuple(_slices(x, begin, end, **attributes).traced(x.shape).length)


# Reading -------------------------------------------------------------------------------------------------------------


@operation("slice_by_index", version=15, concrete=_bounds_decide_sizes, sizes=_sizes, layout=_take_layout)
def slice_by_index(
    x: Array,
    begin: Array,
    end: Array,
    *,
    stride: tuple[int, ...] | None,
    begin_mask: tuple[bool, ...] | None,
    end_mask: tuple[bool, ...] | None,
    squeeze_mask: tuple[bool, ...] | None,
    sizes: tuple[int, ...] | None = None,
) -> Array:
    """Python's x[begin:end:stride] on every axis.

    Args:
        x: rank R.
        begin: integers [R], the first position on each axis; negative ones count from the end, and those beyond the
            edges are clamped. Known when the program is traced, as `end`, unless `sizes` is given, or every axis is
            squeezed or has both masks.
        end: integers [R], the position before which the slice stops.
        stride: from one position to the next, 1 unless given; not 0.
        begin_mask: whether the slice starts at the edge, where a negative stride starts at the last element.
        end_mask: whether it stops at the edge.
        squeeze_mask: whether the one position `begin`, or 0 with its begin mask, is taken and the axis dropped.
        sizes: the sizes of the result; -1 for squeezed axes.

    Returns:
        The rank of x, less the squeezed axes.

    Raises:
        ShapeError: a stride is 0, a squeezed position is outside, or a list has another length.

    Source: the operation slice_by_index of ML Programs (iOS 15).
    """
    masks = {"stride": stride, "begin_mask": begin_mask, "end_mask": end_mask, "squeeze_mask": squeeze_mask}
    slices = _slices(x, begin, end, **masks)
    if sizes is not None:
        return kernels.take_slices(x, slices.traced(x.shape), laid(sizes, x.ndim))
    bounds = slices.known
    if bounds is not None:
        return x[kernels.as_index(x.shape, bounds)]
    whole = x[
        tuple(slice(None, None, None if drop else n) for n, drop in zip(slices.stride, slices.squeeze, strict=True))
    ]
    squeezed = [axis for axis in range(x.ndim) if slices.squeeze[axis]]
    starts = [slices.begin[axis] if slices.squeeze[axis] else 0 for axis in range(x.ndim)]
    part = lax.dynamic_slice(
        whole, _int32(starts), [1 if axis in squeezed else n for axis, n in enumerate(whole.shape)]
    )
    return lax.squeeze(part, squeezed)


@operation("slice_by_size", version=15, concrete=(2,), layout=image_either)
def slice_by_size(x: Array, begin: Array, size: Array) -> Array:
    """Consecutive elements of every axis from a position on, which may depend on data.

    Args:
        x: rank R.
        begin: integers [R]; negative ones count from the end. Where fewer elements follow than `size`, the position
            is moved back. Known when the program is traced where a size is -1.
        size: integers [R], known when the program is traced; -1 means all elements that follow.

    Returns:
        [*size].

    Raises:
        ShapeError: an axis is shorter than its size, or there is not one number for each axis.

    Source: the operation slice_by_size of ML Programs (iOS 15).
    """
    rank, wanted = x.ndim, known_integers(size, "size")
    if begin.shape != (rank,) or len(wanted) != rank:
        raise ShapeError(
            f"begin has shape {list(begin.shape)} and size {list(size.shape)}; both must be [{rank}], a number for "
            "each axis of x"
        )
    wanted, begin = laid(wanted, rank), _laid_bounds(begin, rank)
    if -1 in wanted or not isinstance(begin, Tracer):
        if isinstance(begin, Tracer):
            raise ValueUnseen((1,))
        first = [n + at if at < 0 else at for n, at in zip(x.shape, known_integers(begin, "begin"), strict=True)]
        wanted = [n - at if k == -1 else k for n, at, k in zip(x.shape, first, wanted, strict=True)]
        _check_sizes(x, wanted)
        starts = [min(max(at, 0), n - k) for n, at, k in zip(x.shape, first, wanted, strict=True)]
        return x[(*(slice(at, at + k) for at, k in zip(starts, wanted, strict=True)), ...)]
    _check_sizes(x, wanted)
    return lax.dynamic_slice(x, _int32(begin), wanted)


def _check_sizes(x: Array, wanted: Sequence[int]) -> None:
    if any(not 0 <= k <= n for n, k in zip(x.shape, wanted, strict=True)):
        raise ShapeError(f"cannot take {list(wanted)} elements of x, which has shape {list(x.shape)}")


@operation("sliding_windows", version=15)
def sliding_windows(x: Array, *, axis: int, size: int, stride: int) -> Array:
    """Every `stride`-th window of consecutive elements of one axis.

    Args:
        x: rank >= 1 with length L on the axis.
        axis: may count from the end.
        size: elements of a window.
        stride: elements from one window to the next.

    Returns:
        [..., (L - size) // stride + 1, size, ...], one rank more.

    Raises:
        ShapeError: a window is longer than the axis, or the stride is not positive.

    Source: the operation sliding_windows of ML Programs (iOS 15).
    """
    axis = normalize_axis(axis, x.ndim)
    if not 1 <= size <= x.shape[axis] or stride < 1:
        raise ShapeError(
            f"size is {size} and stride {stride}; windows must fit into the axis of size {x.shape[axis]}, and the "
            "stride must be positive"
        )
    return kernels.sliding_windows(x, axis, size, stride)


# Writing -------------------------------------------------------------------------------------------------------------


def _strides_need_bounds(attributes: Attributes) -> tuple[int, ...]:
    stride = attributes["stride"] or ()
    squeeze = attributes["squeeze_mask"] or (False,) * len(stride)
    return (2, 3) if any(n != 1 and not s for n, s in zip(stride, squeeze, strict=False)) else ()


@operation("slice_update", version=18, concrete=_strides_need_bounds)
def slice_update(
    x: Array,
    update: Array,
    begin: Array,
    end: Array,
    *,
    stride: tuple[int, ...] | None,
    begin_mask: tuple[bool, ...] | None,
    end_mask: tuple[bool, ...] | None,
    squeeze_mask: tuple[bool, ...] | None,
) -> Array:
    """x with the elements replaced that `slice_by_index` reads.

    Args:
        x: rank R.
        update: the shape of the slice.
        begin: as in `slice_by_index`, and `end` too. Known when the program is traced where a stride is not 1;
            otherwise the shape of the update says how many elements are replaced. A computed position from which the
            update does not fit is moved back.
        end: see `begin`.
        stride: as in `slice_by_index`, like those below.
        begin_mask: see above.
        end_mask: see above.
        squeeze_mask: see above.

    Returns:
        The shape of x.

    Raises:
        ShapeError: the update does not have the shape of the slice.

    Source: the operation slice_update of ML Programs (iOS 18).
    """
    masks = {"stride": stride, "begin_mask": begin_mask, "end_mask": end_mask, "squeeze_mask": squeeze_mask}
    slices = _slices(x, begin, end, **masks)
    squeezed = [axis for axis in range(x.ndim) if slices.squeeze[axis]]
    bounds = slices.known
    if bounds is not None:
        where = kernels.as_index(x.shape, bounds)
        shape = np.broadcast_to(np.zeros((), np.bool_), x.shape)[where].shape
        if update.shape != shape:
            raise ShapeError(f"update has shape {list(update.shape)}; the slice of x has {list(shape)}")
        if _strides_need_bounds(masks):
            return jnp.asarray(x).at[where].set(update.astype(x.dtype))
        ranges = [range(n)[i if isinstance(i, slice) else slice(i, None)] for n, i in zip(x.shape, where, strict=False)]
        starts: list[Any] = [each.start for each in ranges]
    else:
        if update.ndim + len(squeezed) != x.ndim:
            raise ShapeError(f"update has rank {update.ndim}; the slice of x has {x.ndim - len(squeezed)}")
        starts = [0 if edge else slices.begin[axis] for axis, edge in enumerate(slices.from_edge)]
    update = reshaping.expand_dims(update.astype(x.dtype), squeezed)
    whole = [a and b and not c for a, b, c in zip(*slices[3:], strict=True)]
    if any(k > n or (all_ and k != n) for k, n, all_ in zip(update.shape, x.shape, whole, strict=True)):
        raise ShapeError(f"update fills {list(update.shape)} elements of x, which has shape {list(x.shape)}")
    return lax.dynamic_update_slice(x, update, _int32(starts))
