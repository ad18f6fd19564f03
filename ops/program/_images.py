"""Channels-last images: how arrays broadcast against them, and where their axes are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from graphml.catalogue import Attributes, Layout, Ranks, channel_axis
from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.axes import normalize_axis

T = TypeVar("T")

_IMAGE_RANK = 4
_LAID = {-3: -1, -2: -3, -1: -2}  # axis of [..., C, H, W] -> that of [..., H, W, C]


def aligned(*arrays: Array) -> tuple[Array, ...]:
    """Arrays reshaped so that they broadcast against each other.

    In the format, shapes align at their ends. An array of rank 1 or 2 beside channels-last images is [W] or [H, W],
    and gets an axis for the channels.
    """
    if channel_axis() == -3:
        return arrays
    return tuple(array[..., None] if 0 < array.ndim < 3 else array for array in arrays)


def laid_axis(axis: int, rank: int) -> int:
    """Where an axis of the format is in the array that the operation sees, counted from the start.

    Args:
        axis: as the format counts it; may count from the end.
        rank: of the array.

    Raises:
        ShapeError: the axis is outside [-rank, rank).
    """
    if rank == 0:
        raise ShapeError(f"x is a scalar and has no axis {axis}")
    axis = normalize_axis(axis, rank)
    return axis if channel_axis() == -3 or rank < 3 else rank + _LAID.get(axis - rank, axis - rank)


def laid_axes(axes: Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """`laid_axis` of several axes; None stands for all.

    Raises:
        ShapeError: an axis is out of range, or given twice.
    """
    found = tuple(laid_axis(axis, rank) for axis in (range(rank) if axes is None else axes))
    if len(set(found)) < len(found):
        raise ShapeError(f"axes {list(axes or ())} contain an axis of x, which has rank {rank}, twice")
    return found


def laid_order(rank: int) -> tuple[int, ...]:
    """For each axis of the array that the operation sees, its axis in the format."""
    return tuple(sorted(range(rank), key=lambda axis: laid_axis(axis, rank)))


def laid(per_axis: Sequence[T], rank: int) -> list[T]:
    """One value for each axis of the format, in the order of the axes that the operation sees."""
    return [per_axis[axis] for axis in laid_order(rank)]


def images_as_they_come(attributes: Attributes, ranks: Ranks) -> Layout:
    """The layout of an operation on arrays that may all be images."""
    return "either" if set(ranks) == {_IMAGE_RANK} else "wire"
