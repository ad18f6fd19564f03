"""Movement: the same elements in other places. Joining, splitting, repeating and reordering arrays of any rank."""

from __future__ import annotations

import numpy as np

from graphml.errors import ShapeError
from graphml.ops.kernels import movement as kernels
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.layers._axes import drop_unlisted_axes, normalize_axis
from graphml.ops.layers._integers import known_integers, to_integers
from graphml.ops.layers.dialect import layer

# Joining and splitting ------------------------------------------------------------------------------------------------


def _shapes(inputs: tuple[Array, ...]) -> str:
    return ", ".join(str(list(x.shape)) for x in inputs)


@layer("stack")
def stack(*inputs: Array, axis: int) -> Array:
    """Stack all inputs along a new axis.

    Args:
        inputs: arrays of equal shape.
        axis: the position of the new axis in the result; may count from the end.

    Returns:
        One rank more.

    Raises:
        ShapeError: the shapes differ.

    Source: StackLayerParams (spec 4).
    """
    if len({x.shape for x in inputs}) > 1:
        raise ShapeError(f"the inputs have shapes {_shapes(inputs)}; they must be equal")
    return array_namespace(*inputs).stack(inputs, normalize_axis(axis, inputs[0].ndim + 1))


@layer("concatND")
def concat_nd(*inputs: Array, axis: int, interleave: bool) -> Array:
    """Concatenate all inputs along an axis; with `interleave`, first all their first elements, then the second ones ...

    Args:
        inputs: arrays of equal shape, except on the axis unless `interleave` is set; an input may be empty.
        axis: may count from the end.
        interleave: see above.

    Returns:
        The rank of the inputs.

    Raises:
        ShapeError: the shapes do not match.

    Source: ConcatNDLayerParams (spec 4; interleave spec 5).
    """
    axis = normalize_axis(axis, inputs[0].ndim)
    same = {x.shape if interleave else (*x.shape[:axis], *x.shape[axis + 1 :]) for x in inputs}
    if len(same) > 1 or len({x.ndim for x in inputs}) > 1:
        except_axis = "" if interleave else f" except on axis {axis}"
        raise ShapeError(f"the inputs have shapes {_shapes(inputs)}; they must be equal{except_axis}")
    return kernels.interleave(inputs, axis) if interleave else kernels.concatenate(inputs, axis)


@layer("splitND")
def split_nd(x: Array, *, axis: int, num_splits: int, split_sizes: tuple[int, ...]) -> list[Array]:
    """Consecutive parts of one axis: of the given sizes or, without them, `num_splits` parts as equal as possible.

    Args:
        x: any rank >= 1.
        axis: may count from the end.
        num_splits: the number of parts; when it does not divide the axis, the first parts are longer by one.
        split_sizes: the sizes of the parts, or empty.

    Returns:
        That many arrays of the rank of x.

    Raises:
        ShapeError: `split_sizes` do not add up to the axis, or both are missing.

    Source: SplitNDLayerParams (spec 4).
    """
    axis = normalize_axis(axis, x.ndim)
    length = x.shape[axis]
    if not split_sizes and num_splits < 1:
        raise ShapeError("num_splits is 0 and split_sizes is empty; one of them must say how many parts there are")
    if not split_sizes:
        short, longer = divmod(length, num_splits)
        split_sizes = (short + 1,) * longer + (short,) * (num_splits - longer)
    if sum(split_sizes) != length:
        raise ShapeError(f"split_sizes {list(split_sizes)} add up to {sum(split_sizes)}; the axis has size {length}")
    return array_namespace(x).split(x, np.cumsum(split_sizes)[:-1].tolist(), axis)


# Repeating and reordering ---------------------------------------------------------------------------------------------


@layer("tile", concrete=(1,))
def tile(x: Array, times: Array | None = None, *, reps: tuple[int, ...]) -> Array:
    """x repeated as a whole along its axes.

    Args:
        x: any rank >= 1.
        times: in place of `reps`; known when the network is traced.
        reps: repetitions along each axis; a shorter list is for the last axes.

    Returns:
        The rank of x.

    Raises:
        ShapeError: there are more numbers than axes, or one is not positive.

    Source: TileLayerParams (spec 4).
    """
    reps = reps if times is None else known_integers(times, "reps")
    if not 1 <= len(reps) <= x.ndim or min(reps) < 1:
        raise ShapeError(f"reps is {list(reps)}; for rank {x.ndim} it must hold one to {x.ndim} positive numbers")
    return kernels.tile(x, reps)


@layer("transpose")
def transpose(x: Array, *, axes: tuple[int, ...]) -> Array:
    """The axes in another order: axis i of the result is axis axes[i] of x.

    Args:
        x: any rank.
        axes: a permutation; three axes are those of an image [C, H, W], see `drop_unlisted_axes`.

    Returns:
        As many axes as are listed.

    Raises:
        ShapeError: `axes` is not a permutation.

    Source: TransposeLayerParams (spec 4).
    """
    x = drop_unlisted_axes(x, len(axes))
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"axes is {list(axes)}, which is not a permutation of {list(range(x.ndim))}")
    return x.transpose(axes)


@layer("reverse")
def reverse(x: Array, *, reverse_dim: tuple[bool, ...]) -> Array:
    """Reverse every axis that `reverse_dim` marks.

    Args:
        x: any rank.
        reverse_dim: one mark for each axis; three are those of an image [C, H, W], see `drop_unlisted_axes`.

    Returns:
        As many axes as `reverse_dim` has entries.

    Raises:
        ShapeError: there is not one mark for each axis.

    Source: ReverseLayerParams (spec 4).
    """
    x = drop_unlisted_axes(x, len(reverse_dim))
    if len(reverse_dim) != x.ndim:
        raise ShapeError(f"reverse_dim has {len(reverse_dim)} values; x has rank {x.ndim} and needs one for each axis")
    return array_namespace(x).flip(x, tuple(axis for axis, marked in enumerate(reverse_dim) if marked))


@layer("reverseSeq")
def reverse_seq(x: Array, lengths: Array, *, batch_axis: int, sequence_axis: int) -> Array:
    """Reverse the first `lengths[b]` elements of each sequence b; the rest stays in place.

    Args:
        x: any rank >= 2.
        lengths: [B], B the size of `batch_axis`; a length beyond the axis means all of it.
        batch_axis: the axis of the sequences; may count from the end.
        sequence_axis: the axis of the elements; may count from the end.

    Returns:
        The shape of x.

    Raises:
        ShapeError: sizes or axes do not match.

    Source: ReverseSeqLayerParams (spec 4).
    """
    batch, sequence = normalize_axis(batch_axis, x.ndim), normalize_axis(sequence_axis, x.ndim)
    if batch == sequence:
        raise ShapeError(f"batch_axis and sequence_axis are both {batch}; they must be different axes")
    if lengths.shape != (x.shape[batch],):
        raise ShapeError(f"the lengths have shape {list(lengths.shape)}; it must be [{x.shape[batch]}], as the batch")
    return kernels.reverse_sequence(x, to_integers(lengths), batch_axis=batch, sequence_axis=sequence)
