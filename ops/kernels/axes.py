"""Axes given by index."""

from __future__ import annotations

from graphml.errors import ShapeError


def normalize_axis(axis: int, rank: int) -> int:
    """`axis` counted from the start.

    Raises:
        ShapeError: it is outside [-rank, rank).
    """
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is out of range for rank {rank}; it must be from {-rank} to {rank - 1}")
    return axis % rank
