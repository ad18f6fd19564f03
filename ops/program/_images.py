"""Images in operations whose axes are given by number.

Only arrays of rank 4 count as images here, [N, C, H, W]; they may arrive as [N, H, W, C], see `Layout`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from graphml.catalogue import Attributes, Layout, Ranks, channel_axis
from graphml.ops.kernels.axes import normalize_axis

RANK = 4
_LAST = (0, 2, 3, 1)
T = TypeVar("T")


def image_layout(attributes: Attributes, ranks: Ranks) -> Layout:
    """The layout of an operation whose first input may be an image, and its others have no more than two axes."""
    return "either" if ranks[0] == RANK else "wire"


def images_layout(attributes: Attributes, ranks: Ranks) -> Layout:
    """The layout of an operation whose inputs may all be images."""
    return "either" if set(ranks) == {RANK} else "wire"


def last_layout(attributes: Attributes, ranks: Ranks) -> Layout:
    """The layout of an operation that takes images as processors like them; what has another rank is refused."""
    return "last" if ranks[0] == RANK else "wire"


def order(rank: int) -> tuple[int, ...]:
    """For each axis of an array as it arrives, the axis that it is in the format."""
    return _LAST if rank == RANK and channel_axis() == -1 else tuple(range(rank))


def arriving(per_axis: Sequence[T], rank: int) -> list[T]:
    """One value for each axis of the format, in the order of the axes as they arrive."""
    return [per_axis[axis] for axis in order(rank)]


def arriving_axis(axis: int, rank: int) -> int:
    """An axis of the format, which may count from the end, as an axis of the array as it arrives.

    Raises:
        ShapeError: there is no such axis.
    """
    return order(rank).index(normalize_axis(axis, rank))
