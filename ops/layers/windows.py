"""How a kernel walks along an axis: paddings, sizes and the border amounts that several layers share.

All functions work on plain integers, one axis at a time; amounts are (before, after).
"""

from __future__ import annotations

from collections.abc import Sequence

from graphml.errors import ShapeError
from graphml.spec.attributes import Choice

Pair = tuple[int, int]


def borders(amounts: Sequence[Pair], axes: int = 2) -> tuple[Pair, ...]:
    """Border amounts of each axis; an empty list means none. Raises ShapeError for another number of axes."""
    if not amounts:
        return ((0, 0),) * axes
    if len(amounts) != axes:
        raise ShapeError(f"border amounts are given for {len(amounts)} axes; it must be none or {axes}")
    return tuple((int(before), int(after)) for before, after in amounts)


_SPACE = ("depth", "height", "width")


def extents(values: Sequence[int], what: str, *, axes: int = 2, least: int = 1) -> tuple[int, ...]:
    """One integer for each axis of an image or a volume. Raises ShapeError for another number or one below `least`."""
    if len(values) != axes or min(values) < least:
        names = ", ".join(_SPACE[-axes:])
        raise ShapeError(f"{what} is {list(values)}; it is [{names}], each at least {least}")
    return tuple(int(value) for value in values)


def reach(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """How far a kernel reaches along each axis, from its first element to its last."""
    return tuple((taps - 1) * gap + 1 for taps, gap in zip(kernel, dilation, strict=True))


def halves(total: int, mode: str = "BOTTOM_RIGHT_HEAVY") -> Pair:
    """A total padding on both sides; the heavier side gets the odd one."""
    small = total // 2
    return (small, total - small) if mode == "BOTTOM_RIGHT_HEAVY" else (total - small, small)


def same(size: int, kernel: int, stride: int, mode: str = "BOTTOM_RIGHT_HEAVY") -> Pair:
    """The padding after which a window fits ceil(size / stride) times. kernel: with its dilation."""
    steps = -(-size // stride)
    return halves(max(0, (steps - 1) * stride + kernel - size), mode)


def steps(size: int, kernel: int, stride: int, padding: Pair) -> int:
    """How often a window fits. Raises ShapeError when it does not fit once."""
    room = size + sum(padding) - kernel
    if room < 0:
        raise ShapeError(f"a window of {kernel} does not fit into {size} with padding {list(padding)}")
    return room // stride + 1


def image_padding(choice: Choice, sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int]):
    """The padding of (height, width) that a `valid` or `same` choice stands for. kernel: with its dilation.

    Raises ShapeError when the window does not fit into the padded image.
    """
    if choice.name == "same":
        mode = choice.fields.get("asymmetry_mode", "BOTTOM_RIGHT_HEAVY")
        padding = tuple(same(n, k, s, mode) for n, k, s in zip(sizes, kernel, stride, strict=True))
    else:
        padding = borders(choice.fields.get("padding_amounts", ()))
    for n, k, s, both in zip(sizes, kernel, stride, padding, strict=True):
        steps(n, k, s, both)
    return padding
