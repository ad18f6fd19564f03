"""Movement: the same numbers elsewhere. Joining, splitting, repeating and reordering arrays of any rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml.catalogue import target
from graphml.errors import ShapeError
from graphml.ops._axes import as_listed, from_start
from graphml.ops._known import module, whole, whole_numbers
from graphml.ops.layers.dialect import layer

# Joining and splitting ------------------------------------------------------------------------------------------------


def joined(arrays: Sequence[Any], axis: int):
    """Arrays behind each other along an axis, counted from the start.

    XLA:CPU copies faster when the axes before it are one, and so are those from it on.
    """
    shape = arrays[0].shape
    if module(*arrays) is np or target().platform != "cpu":
        return module(*arrays).concatenate(arrays, axis)
    flat = [x.reshape(math.prod(shape[:axis]), math.prod(x.shape[axis:])) for x in arrays]
    length = sum(x.shape[axis] for x in arrays)
    return jnp.concatenate(flat, 1).reshape(*shape[:axis], length, *shape[axis + 1 :])


@layer("stack")
def stack(*inputs, axis: int):
    """All inputs behind each other on a new axis.

    Inputs: one shape; returns one rank more. `axis` is a place in the result and may count from the end.
    Raises ShapeError when the shapes differ. Source: StackLayerParams (spec 4).
    """
    if len({x.shape for x in inputs}) > 1:
        raise ShapeError(f"the inputs have shapes {', '.join(str(list(x.shape)) for x in inputs)}; they must be equal")
    return module(*inputs).stack(inputs, from_start(axis, inputs[0].ndim + 1))


@layer("concatND")
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
        return joined(inputs, axis)
    rows = module(*inputs).stack(inputs, axis + 1)
    return rows.reshape(*first.shape[:axis], len(inputs) * first.shape[axis], *first.shape[axis + 1 :])


@layer("splitND")
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


# Repeating and reordering ---------------------------------------------------------------------------------------------


_MOST_COPIES = 64  # that are worth an operand each


def _repeated(x, count: int, axis: int):
    """x repeated along `axis`. XLA:CPU broadcasts slowly into an axis that is not the first."""
    if count == 1:
        return x
    if count <= _MOST_COPIES:
        return joined([x] * count, axis)
    return module(x).tile(x, [count if i == axis else 1 for i in range(x.ndim)])


@layer("tile", concrete=(1,))
def tile(x, times=None, *, reps: tuple[int, ...]):
    """x repeated as a whole along its axes.

    x: any rank >= 1; returns this rank. A second input, known when the network is traced, replaces `reps`. Fewer
    repetitions than axes count for the last ones. Raises ShapeError for more. Source: TileLayerParams (spec 4).
    """
    reps = reps if times is None else whole_numbers(times, "reps")
    if not 1 <= len(reps) <= x.ndim or min(reps) < 1:
        raise ShapeError(f"reps is {list(reps)}; one to {x.ndim} positive numbers are legal for rank {x.ndim}")
    for axis, count in zip(range(x.ndim)[-len(reps) :], reps, strict=True):
        x = _repeated(x, count, axis)
    return x


@layer("transpose")
def transpose(x, *, axes: tuple[int, ...]):
    """The axes in another order: axis i of the result is axis axes[i] of x.

    x: any rank; three axes are those of an image [C, H, W], see `as_listed`. Raises ShapeError unless `axes` is a
    permutation. Source: TransposeLayerParams (spec 4).
    """
    x = as_listed(x, len(axes))
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"axes is {list(axes)}, which is not a permutation of {list(range(x.ndim))}")
    return x.transpose(axes)


@layer("reverse")
def reverse(x, *, reverse_dim: tuple[bool, ...]):
    """The opposite order along every axis that `reverse_dim` marks.

    x: any rank; returns its shape; three marks are those of an image [C, H, W], see `as_listed`. Raises ShapeError
    unless there is one mark for each axis. Source: ReverseLayerParams (spec 4).
    """
    x = as_listed(x, len(reverse_dim))
    if len(reverse_dim) != x.ndim:
        raise ShapeError(f"reverse_dim has {len(reverse_dim)} values; x has rank {x.ndim} and needs one for each axis")
    return module(x).flip(x, tuple(axis for axis, marked in enumerate(reverse_dim) if marked))


@layer("reverseSeq")
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

    length = along(jnp.clip(whole(lengths), 0, x.shape[sequence]), batch)
    place = along(jnp.arange(x.shape[sequence]), sequence)
    source = jnp.where(place < length, length - 1 - place, place)
    return jnp.take_along_axis(x, source, sequence, mode="promise_in_bounds")
