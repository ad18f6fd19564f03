"""How a window moves along an axis: padding and the number of steps. Plain integers, one axis at a time.

Amounts of padding are (before, after). The size of a window includes its dilation: see `reach`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from graphml.errors import ShapeError

Pair: TypeAlias = tuple[int, int]
Extents: TypeAlias = tuple[int, ...]
Heavy: TypeAlias = Literal["before", "after"]
"""Which side gets the extra element of an odd amount."""


def reach(kernel: Sequence[int], dilation: Sequence[int]) -> Extents:
    """The size of a dilated kernel along each axis, from its first element to its last."""
    return tuple((taps - 1) * gap + 1 for taps, gap in zip(kernel, dilation, strict=True))


def halves(total: int, heavy: Heavy = "after") -> Pair:
    """An amount divided between both sides."""
    small = total // 2
    return (small, total - small) if heavy == "after" else (total - small, small)


def same_padding(size: int, window: int, stride: int, heavy: Heavy = "after") -> Pair:
    """The padding with which a window fits ceil(size / stride) times.

    Args:
        size: of the axis.
        window: size of the window.
        stride: elements from one window to the next.
        heavy: the side that gets the extra element of an odd amount.

    Returns:
        (before, after).
    """
    count = -(-size // stride)
    return halves(max(0, (count - 1) * stride + window - size), heavy)


def same_paddings(
    sizes: Sequence[int], window: Sequence[int], stride: Sequence[int], heavy: Heavy = "after"
) -> tuple[Pair, ...]:
    """`same_padding` of each of several axes."""
    return tuple(same_padding(*axis, heavy) for axis in zip(sizes, window, stride, strict=True))


def window_count(size: int, window: int, stride: int, padding: Pair) -> int:
    """How often a window fits on an axis.

    Args:
        size: of the axis, without padding.
        window: size of the window.
        stride: elements from one window to the next.
        padding: (before, after).

    Returns:
        The number of windows, at least 1.

    Raises:
        ShapeError: the window does not fit once.
    """
    room = size + sum(padding) - window
    if room < 0:
        raise ShapeError(f"a window of {window} does not fit into {size} with padding {list(padding)}")
    return room // stride + 1


def window_counts(
    sizes: Sequence[int], window: Sequence[int], stride: Sequence[int], padding: Sequence[Pair]
) -> Extents:
    """`window_count` of each of several axes."""
    return tuple(window_count(*axis) for axis in zip(sizes, window, stride, padding, strict=True))


def ceil_padding(size: int, window: int, stride: int, amount: int, *, last_inside: bool) -> Pair:
    """The padding with which windows cover an axis to its end: an amount on both sides, and more after it if needed.

    Args:
        size: of the axis.
        window: size of the window.
        stride: elements from one window to the next.
        amount: the padding on both sides.
        last_inside: whether a window that would start in the padding after the axis is left out.

    Returns:
        (before, after); `after` is negative where the last elements are in no window.

    Raises:
        ShapeError: the window does not fit once.
    """
    count = -(-(size + 2 * amount - window) // stride) + 1
    if last_inside and (count - 1) * stride >= size + amount:
        count -= 1
    if count < 1:
        raise ShapeError(f"a window of {window} does not fit into {size} with padding {[amount, amount]}")
    return amount, (count - 1) * stride + window - size - amount
