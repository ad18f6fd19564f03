"""Sizes, strides and paddings as the layers of images and volumes store them."""

from __future__ import annotations

from collections.abc import Sequence

from graphml.errors import ShapeError
from graphml.ops.kernels.windows import Heavy, Pair, same_paddings, window_counts
from graphml.spec.attributes import Choice

_SPACE = ("depth", "height", "width")


def borders(amounts: Sequence[Pair], axes: int = 2) -> tuple[Pair, ...]:
    """The amounts (before, after) of each axis; an empty list means none.

    Raises:
        ShapeError: there are amounts for another number of axes.
    """
    if not amounts:
        return ((0, 0),) * axes
    if len(amounts) != axes:
        raise ShapeError(f"border amounts are given for {len(amounts)} axes; they must be given for none or for {axes}")
    return tuple((int(before), int(after)) for before, after in amounts)


def extents(values: Sequence[int], what: str, *, axes: int = 2, least: int = 1) -> tuple[int, ...]:
    """One integer for each axis of an image or a volume.

    Args:
        values: the integers.
        what: their name in the error.
        axes: 2 for images, 3 for volumes.
        least: the smallest legal integer.

    Raises:
        ShapeError: there are more or fewer, or one is too small.
    """
    if len(values) != axes or min(values) < least:
        names = ", ".join(_SPACE[-axes:])
        raise ShapeError(f"{what} is {list(values)}; it must be [{names}], each at least {least}")
    return tuple(int(value) for value in values)


def heavy_side(choice: Choice) -> Heavy:
    """The side of `same` padding that gets the extra element of an odd amount."""
    return "before" if choice.fields.get("asymmetry_mode", "BOTTOM_RIGHT_HEAVY") == "TOP_LEFT_HEAVY" else "after"


def image_padding(
    choice: Choice, sizes: Sequence[int], window: Sequence[int], stride: Sequence[int]
) -> tuple[Pair, ...]:
    """The padding of (height, width) that a `valid` or `same` choice means.

    Args:
        choice: the type of padding with its fields.
        sizes: (height, width) of the image.
        window: size of the window with its dilation.
        stride: pixels from one window to the next.

    Raises:
        ShapeError: the window does not fit into the padded image.
    """
    if choice.name == "same":
        padding = same_paddings(sizes, window, stride, heavy_side(choice))
    else:
        padding = borders(choice.fields.get("padding_amounts", ()))
    window_counts(sizes, window, stride, padding)  # checks that there is at least one on each axis
    return padding
