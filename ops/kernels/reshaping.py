"""The same elements, in the same order, in another shape. Known values give NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence

from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.axes import normalize_axis


def reshape(x: Array, target: Sequence[int]) -> Array:
    """x in another shape.

    Args:
        x: any shape.
        target: sizes, of which one may be -1 for the remaining elements.

    Returns:
        The target shape.

    Raises:
        ShapeError: the elements of x do not fill this shape.
    """
    size = math.prod(x.shape)
    if min(target, default=0) < -1 or list(target).count(-1) > 1:
        raise ShapeError(f"the shape {list(target)} may hold sizes, and at most one -1 for the remaining elements")
    rest = math.prod(n for n in target if n != -1)
    fits = rest > 0 and size % rest == 0 if -1 in target else size == rest
    if not fits:
        raise ShapeError(f"x has shape {list(x.shape)}; its {size} elements do not fill {list(target)}")
    return x.reshape(tuple(target))


def expand_dims(x: Array, axes: Sequence[int]) -> Array:
    """x with additional axes of length 1.

    Args:
        x: any shape.
        axes: their positions in the result; may count from the end.

    Returns:
        The rank of x plus the number of axes.

    Raises:
        ShapeError: an axis is out of range, or given twice.
    """
    rank = x.ndim + len(axes)
    places = {normalize_axis(axis, rank) for axis in axes}
    if len(places) < len(axes):
        raise ShapeError(f"axes is {list(axes)}, which names an axis twice")
    sizes = iter(x.shape)
    return reshape(x, [1 if axis in places else next(sizes) for axis in range(rank)])


def flatten_to_2d(x: Array, axis: int) -> Array:
    """A matrix: the axes before `axis`, which may be the rank itself, are its rows, the others its columns."""
    axis = x.ndim if axis == x.ndim else normalize_axis(axis, x.ndim)
    return reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))
