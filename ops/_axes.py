"""Axes: naming them, counting them, and refusing those that an array does not have."""

from __future__ import annotations

from graphml.errors import ShapeError

_FROM_THE_END = {"C": (-3, -1), "H": (-2, -3), "W": (-1, -2)}  # wire order, channels-last


def image_axis(letter: str, rank: int) -> int:
    """Where a row with layout="last" finds C, H or W: it sees rank >= 3 channels-last, and less in wire order."""
    wire, last = _FROM_THE_END[letter]
    if rank < -wire:
        raise ShapeError(f"x has rank {rank}; there is no {letter} axis below rank {-wire}")
    return last if rank >= 3 else wire


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


def at_least_1d(x):
    """Blobs have no rank 0: a single number has shape [1]."""
    return x.reshape(1) if x.ndim == 0 else x
