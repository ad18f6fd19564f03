"""Movement: the same numbers elsewhere. Cutting, joining, repeating, reversing and reordering arrays of any rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import op
from graphml.errors import ShapeError
from graphml.ops._axes import at_least_1d, from_start
from graphml.ops._known import indices, module, whole_numbers

# Joining and cutting --------------------------------------------------------------------------------------------------


@op("stack")
def stack(*inputs, axis: int):
    """All inputs behind each other on a new axis.

    Inputs: one shape; returns one rank more. `axis` is a place in the result and may count from the end.
    Raises ShapeError when the shapes differ. Source: StackLayerParams (spec 4).
    """
    if len({x.shape for x in inputs}) > 1:
        raise ShapeError(f"the inputs have shapes {', '.join(str(list(x.shape)) for x in inputs)}; they must be equal")
    return module(*inputs).stack(inputs, from_start(axis, inputs[0].ndim + 1))


@op("concatND")
def concat_nd(*inputs, axis: int, interleave: bool):
    """All inputs behind each other along an axis; with `interleave` their first elements, then their second ones ...

    Inputs: one rank, equal in all other axes, and with `interleave` in this one too; an input may be empty.
    Raises ShapeError otherwise. Source: ConcatNDLayerParams (spec 4; interleave spec 5).
    """
    first = inputs[0]
    axis = from_start(axis, first.ndim)
    same = {x.shape if interleave else (*x.shape[:axis], *x.shape[axis + 1 :]) for x in inputs}
    if len(same) > 1 or len({x.ndim for x in inputs}) > 1:
        apart = "" if interleave else f" but for axis {axis}"
        raise ShapeError(f"the inputs have shapes {', '.join(str(list(x.shape)) for x in inputs)}; must agree{apart}")
    if not interleave:
        return module(*inputs).concatenate(inputs, axis)
    joined = module(*inputs).stack(inputs, axis + 1)
    return joined.reshape(*first.shape[:axis], len(inputs) * first.shape[axis], *first.shape[axis + 1 :])


@op("splitND")
def split_nd(x, *, axis: int, num_splits: int, split_sizes: tuple[int, ...]):
    """Consecutive parts of one axis: of the stated sizes or, without them, `num_splits` parts as equal as possible.

    x: any rank >= 1; returns that many arrays of this rank. When the length is no multiple, the first parts are longer
    by one. Raises ShapeError when `split_sizes` do not add up to the axis. Source: SplitNDLayerParams (spec 4).
    """
    axis = from_start(axis, x.ndim)
    length = x.shape[axis]
    if not split_sizes and num_splits < 1:
        raise ShapeError("num_splits is 0 and split_sizes is empty; one of them must say how many parts there are")
    if not split_sizes:
        short, longer = divmod(length, num_splits)
        split_sizes = (short + 1,) * longer + (short,) * (num_splits - longer)
    if sum(split_sizes) != length:
        raise ShapeError(f"split_sizes {list(split_sizes)} add up to {sum(split_sizes)}; the axis holds {length}")
    return module(x).split(x, np.cumsum(split_sizes)[:-1].tolist(), axis)


# Slices ---------------------------------------------------------------------------------------------------------------


def _per_axis(values: Sequence[Any], rank: int, name: str) -> Sequence[Any]:
    """One value for each axis; an empty list states none."""
    if len(values) not in (0, rank):
        raise ShapeError(f"{name} has {len(values)} values; x has rank {rank} and needs one for each axis")
    return values or (None,) * rank


def _slice(x, begin, end, strides, begin_masks, end_masks, squeeze_masks):
    """x[begin:end:stride] on every axis, where a mask stands for a left-out bound or, squeezing, for x[begin]."""
    lists = {
        "begin": begin,
        "end": end,
        "strides": strides,
        "begin masks": begin_masks,
        "end masks": end_masks,
        "squeeze masks": squeeze_masks,
    }
    where: list[int | slice] = []
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
    return at_least_1d(x[tuple(where)])


@op("sliceStatic")
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
    off. Raises ShapeError for a stride of 0 and a squeezed position outside. Source: SliceStaticLayerParams (spec 4).
    """
    return _slice(x, begin_ids, end_ids, strides, begin_masks, end_masks, squeeze_masks)


@op("sliceDynamic", concrete=(1, 2, 3, 4, 5, 6))
def slice_dynamic(
    x,
    begin,
    *operands,
    begin_masks: tuple[bool, ...],
    end_ids: tuple[int, ...],
    end_masks: tuple[bool, ...],
    strides: tuple[int, ...],
    squeeze_masks: tuple[bool, ...],
):
    """`sliceStatic` with its lists as inputs: begin, then end, strides, begin, end and squeeze masks.

    x: any rank >= 1; the other inputs: one number for each axis, known when the network is traced. A list without an
    input is taken from the field of its name. Source: SliceDynamicLayerParams (spec 4; the seventh input spec 5).
    """
    names = ("end", "strides", "begin masks", "end masks", "squeeze masks")
    given = tuple(whole_numbers(values, name) for values, name in zip(operands, names, strict=False))
    fields = (end_ids, strides, begin_masks, end_masks, squeeze_masks)
    return _slice(x, whole_numbers(begin, "begin"), *given, *fields[len(given) :])


@op("sliceBySize")
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
    return lax.dynamic_slice_in_dim(x, indices(begin).reshape(()), size, axis)


@op("slidingWindows")
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


# Repeating and reordering ---------------------------------------------------------------------------------------------


@op("tile", concrete=(1,))
def tile(x, times=None, *, reps: tuple[int, ...]):
    """x repeated as a whole along its axes.

    x: any rank >= 1; returns this rank. A second input, known when the network is traced, replaces `reps`. Fewer
    repetitions than axes count for the last ones. Raises ShapeError for more. Source: TileLayerParams (spec 4).
    """
    reps = reps if times is None else whole_numbers(times, "reps")
    if not 1 <= len(reps) <= x.ndim or min(reps) < 1:
        raise ShapeError(f"reps is {list(reps)}; one to {x.ndim} positive numbers are legal for rank {x.ndim}")
    return module(x).tile(x, reps)


@op("transpose")
def transpose(x, *, axes: tuple[int, ...]):
    """The axes in another order: axis i of the result is axis axes[i] of x.

    x: any rank. Raises ShapeError unless `axes` is a permutation. Source: TransposeLayerParams (spec 4).
    """
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"axes is {list(axes)}, which is no permutation of {list(range(x.ndim))}")
    return x.transpose(axes)


@op("reverse")
def reverse(x, *, reverse_dim: tuple[bool, ...]):
    """The opposite order along every axis that `reverse_dim` marks.

    x: any rank; returns its shape. Raises ShapeError unless there is one mark for each axis.
    Source: ReverseLayerParams (spec 4).
    """
    if len(reverse_dim) != x.ndim:
        raise ShapeError(f"reverse_dim has {len(reverse_dim)} values; x has rank {x.ndim} and needs one for each axis")
    return module(x).flip(x, tuple(axis for axis, marked in enumerate(reverse_dim) if marked))


@op("reverseSeq")
def reverse_seq(x, lengths, *, batch_axis: int, sequence_axis: int):
    """The opposite order of the first `lengths[b]` elements of each sequence b; what follows stays.

    x: any rank >= 2; lengths: [B], B the size of `batch_axis`. Returns the shape of x. Lengths beyond the axis mean all
    of it. Raises ShapeError when sizes or axes do not fit. Source: ReverseSeqLayerParams (spec 4).
    """
    batch, sequence = from_start(batch_axis, x.ndim), from_start(sequence_axis, x.ndim)
    if batch == sequence:
        raise ShapeError(f"batch_axis and sequence_axis are both {batch}; they must be two axes")
    if lengths.shape != (x.shape[batch],):
        raise ShapeError(f"the lengths have shape {list(lengths.shape)}; the batch holds {x.shape[batch]}")

    def along(values, axis):
        return values.reshape(*(-1 if i == axis else 1 for i in range(x.ndim)))

    length = along(jnp.clip(indices(lengths), 0, x.shape[sequence]), batch)
    place = along(jnp.arange(x.shape[sequence]), sequence)
    source = jnp.where(place < length, length - 1 - place, place)
    return jnp.take_along_axis(x, source, sequence, mode="promise_in_bounds")
