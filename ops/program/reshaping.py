"""Reshaping: the same elements, in the same order, in another shape."""

from __future__ import annotations

from graphml.errors import ShapeError
from graphml.ops.kernels import reshaping as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.axes import normalize_axis
from graphml.ops.program._known import known_integers
from graphml.ops.program.dialect import operation

# Axes of length 1 ----------------------------------------------------------------------------------------------------


@operation("expand_dims", version=15)
def expand_dims(x: Array, *, axes: tuple[int, ...]) -> Array:
    """x with additional axes of length 1.

    Args:
        x: any shape.
        axes: their positions in the result; may count from the end.

    Returns:
        The rank of x plus the number of axes.

    Raises:
        ShapeError: an axis is out of range, or given twice.

    Source: the operation expand_dims of ML Programs (iOS 15).
    """
    return kernels.expand_dims(x, axes)


@operation("squeeze", version=15)
def squeeze(x: Array, *, axes: tuple[int, ...] | None) -> Array:
    """x without those of the named axes that have length 1; the others stay.

    Args:
        x: any shape.
        axes: may count from the end; all axes unless given.

    Returns:
        x with fewer axes; a scalar if none remains.

    Raises:
        ShapeError: there is no such axis.

    Source: the operation squeeze of ML Programs (iOS 15).
    """
    named = range(x.ndim) if axes is None else [normalize_axis(axis, x.ndim) for axis in axes]
    return kernels.reshape(x, [n for axis, n in enumerate(x.shape) if n != 1 or axis not in named])


# Other shapes --------------------------------------------------------------------------------------------------------


@operation("reshape", version=15, concrete=(1,))
def reshape(x: Array, shape: Array) -> Array:
    """x in another shape.

    Args:
        x: any shape.
        shape: int32 [R], known when the program is traced. One -1 takes the remaining elements; a 0 is the size of the
            same axis of x, which must have R axes then.

    Returns:
        Rank R.

    Raises:
        ShapeError: the elements of x do not fill the shape, or a 0 has no axis.

    Source: the operation reshape of ML Programs (iOS 15).
    """
    wanted = known_integers(shape, "shape")
    if 0 in wanted and len(wanted) != x.ndim:
        raise ShapeError(
            f"shape is {list(wanted)}, where 0 stands for the size of the same axis of x; x has shape {list(x.shape)}, "
            "which has another rank"
        )
    return kernels.reshape(x, [n or x.shape[axis] for axis, n in enumerate(wanted)])


@operation("reshape", version=17, concrete=(1,))
def reshape_17(x: Array, shape: Array) -> Array:
    """x in another shape.

    Args:
        x: any shape.
        shape: integers [R], known when the program is traced. One -1 takes the remaining elements; a 0 is the size of
            the axis of x at the same position from the end, or 1 where x has no such axis.

    Returns:
        Rank R.

    Raises:
        ShapeError: the elements of x do not fill the shape.

    Source: the operation reshape of ML Programs (iOS 17). Before, a 0 needs a shape of the rank of x.
    """
    wanted = known_integers(shape, "shape")
    missing = len(wanted) - x.ndim
    sizes = [1] * missing + list(x.shape) if missing > 0 else list(x.shape[-missing:])
    return kernels.reshape(x, [n or size for n, size in zip(wanted, sizes, strict=True)])


@operation("reshape_like", version=16)
def reshape_like(
    x: Array,
    *ref_tensors: Array,
    begins: tuple[int, ...],
    ends: tuple[int, ...],
    end_masks: tuple[bool, ...],
) -> Array:
    """x in a shape assembled from pieces of other shapes.

    Args:
        x: any shape.
        ref_tensors: any shapes; their values do not matter.
        begins: for each of them, the first axis of the piece.
        ends: the axis before which it stops. Both follow Python's rules of slices.
        end_masks: whether it continues to the last axis instead.

    Returns:
        The pieces of the shapes, one after the other.

    Raises:
        ShapeError: the elements of x do not fill the shape, or there is not one piece for each tensor.

    Source: the operation reshape_like of ML Programs (iOS 16).
    """
    if not len(begins) == len(ends) == len(end_masks) == len(ref_tensors):
        raise ShapeError(
            f"there are {len(ref_tensors)} ref_tensors with {len(begins)} begins, {len(ends)} ends and "
            f"{len(end_masks)} end_masks; each needs one"
        )
    shape: list[int] = []
    for tensor, begin, end, to_edge in zip(ref_tensors, begins, ends, end_masks, strict=True):
        shape += tensor.shape[begin : None if to_edge else end]
    return kernels.reshape(x, shape)


@operation("flatten2d", version=15)
def flatten2d(x: Array, *, axis: int) -> Array:
    """A matrix: the axes before `axis` are its rows, the others its columns.

    Args:
        x: any rank.
        axis: may count from the end, and may be the rank itself, which gives one column.

    Returns:
        [rows, columns].

    Raises:
        ShapeError: x has no such axis.

    Source: the operation flatten2d of ML Programs (iOS 15).
    """
    return kernels.flatten_to_2d(x, axis)
