"""Axes: naming them, counting them, and refusing those that an array does not have."""

from __future__ import annotations

from graphml.catalogue import channel_axis
from graphml.errors import ShapeError

_FEWEST = {"C": 3, "H": 2, "W": 1}


def image_axes() -> tuple[int, int, int]:
    """Where the operator that is traced finds channels, height and width, counted from the end."""
    return (-3, -2, -1) if channel_axis() == -3 else (-1, -3, -2)


def image_axis(letter: str, rank: int) -> int:
    """Where C, H or W is, in images and in arrays of lower rank that have it."""
    if rank < _FEWEST[letter]:
        raise ShapeError(f"x has rank {rank}; there is no {letter} axis below rank {_FEWEST[letter]}")
    return image_axes()["CHW".index(letter)] if rank >= 3 else -_FEWEST[letter]


def along(values, axis: int, rank: int):
    """A list of numbers so shaped that it spreads over an array of `rank` along `axis`."""
    return values.reshape(*(-1 if i == axis % rank else 1 for i in range(rank)))


def from_start(axis: int, rank: int) -> int:
    """`axis` counted from the start. Raises ShapeError outside [-rank, rank)."""
    if not -rank <= axis < rank:
        raise ShapeError(f"axis is {axis}; x has rank {rank}, so it is one of {-rank} to {rank - 1}")
    return axis % rank


def need_rank(x, fewest: int, most: int | None = None) -> None:
    """Raise ShapeError unless the rank of x is legal."""
    if x.ndim < fewest or (most is not None and x.ndim > most):
        legal = (
            f"rank {fewest}" if most == fewest else f"rank {fewest} or more" if most is None else f"{fewest} to {most}"
        )
        raise ShapeError(f"x has rank {x.ndim}; this layer takes {legal}")


def as_listed(x, count: int):
    """x as a list of `count` entries, one for each axis, means it. An image enters a network with axes of length 1 in
    front, [1, C, H, W] or [1, 1, C, H, W]; where a list has three entries for it, the layer was written for [C, H, W],
    as converters do that make an image of an array input."""
    in_front = x.shape[:-3]
    return x.reshape(x.shape[-3:]) if count == 3 and in_front in ((1,), (1, 1)) else x
