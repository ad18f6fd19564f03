"""Axes of layers: finding them by name, counting them from the start, and checking that an array has them."""

from __future__ import annotations

from graphml.catalogue import channel_axis
from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.axes import normalize_axis as normalize_axis

_LEAST_RANK = {"C": 3, "H": 2, "W": 1}


def image_axes() -> tuple[int, int, int]:
    """The axes of channels, height and width of the images of the layer being traced, counted from the end."""
    return (-3, -2, -1) if channel_axis() == -3 else (-1, -3, -2)


def image_axis(letter: str, rank: int) -> int:
    """The axis of C, H or W, in images and in arrays of lower rank that have it, counted from the end.

    Raises:
        ShapeError: arrays of this rank have no such axis.
    """
    if rank < _LEAST_RANK[letter]:
        raise ShapeError(f"x has rank {rank}; it needs rank {_LEAST_RANK[letter]} to have a {letter} axis")
    return image_axes()["CHW".index(letter)] if rank >= 3 else -_LEAST_RANK[letter]


def check_rank(x: Array, least: int, most: int | None = None) -> None:
    """Check the rank of x.

    Raises:
        ShapeError: it is below `least` or above `most`.
    """
    if x.ndim < least or (most is not None and x.ndim > most):
        legal = f"rank {least}" if most == least else f"rank {least} or more" if most is None else f"{least} to {most}"
        raise ShapeError(f"x has rank {x.ndim}; this layer takes {legal}")


def drop_unlisted_axes(x: Array, count: int) -> Array:
    """x with only the axes for which a list of `count` entries, one for each axis, was written.

    An image enters a network with axes of length 1 in front, [1, C, H, W] or [1, 1, C, H, W]. Where a list has three
    entries for it, the layer was written for [C, H, W]: converters do that when they make an image of an array input.
    """
    in_front = x.shape[:-3]
    return x.reshape(x.shape[-3:]) if count == 3 and in_front in ((1,), (1, 1)) else x
