"""How the windows of convolutions and pooling move over x [N, C, *space], which has one to three spatial axes.

Kernels hold the channels last. Images, of rank 4, arrive like this from the interpreter (`layout`); signals and volumes
are transposed here, because the interpreter knows the axis of the channels only for images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from graphml.catalogue import Layout, Ranks, channel_axis
from graphml.errors import GraphError, ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.windows import Extents, Heavy, Pair, same_paddings, window_counts
from graphml.ops.layers._borders import extents

_PAD_TYPES = ("valid", "same", "same_lower", "custom")


def image_last(attributes: Mapping[str, Any], ranks: Ranks) -> Layout:
    """The layout of an operation that needs channels-last images."""
    return "last" if ranks[0] == 4 else "wire"


def image_either(attributes: Mapping[str, Any], ranks: Ranks) -> Layout:
    """The layout of an operation that takes images in either layout."""
    return "either" if ranks[0] == 4 else "wire"


def check_space(x: Array) -> int:
    """The number of axes of space of x.

    Raises:
        ShapeError: there are none, or more than three.
    """
    if not 3 <= x.ndim <= 5:
        raise ShapeError(f"x has shape {list(x.shape)}; it must be [N, C, *space] with one to three axes of space")
    return x.ndim - 2


def channels_last(x: Array) -> Array:
    """x as [N, *space, C], if it is not already."""
    return x if channel_axis() == -1 else jnp.moveaxis(x, 1, -1)


def as_it_came(y: Array) -> Array:
    """A result [N, *space, C] in the layout of x."""
    return y if channel_axis() == -1 else jnp.moveaxis(y, -1, 1)


def steps(values: Sequence[int] | None, axes: int, what: str) -> Extents:
    """One number for each axis of space; all 1 where the list is absent.

    Raises:
        ShapeError: there are more or fewer, or one is below 1.
    """
    return (1,) * axes if values is None else extents(values, what, axes=axes)


def pads(pad: Sequence[int] | None, axes: int) -> tuple[Pair, ...]:
    """The list `pad`, as (before, after) of each axis of space; zeros where it is absent.

    Raises:
        ShapeError: there are more or fewer amounts, or one is negative.
    """
    if pad is None:
        return ((0, 0),) * axes
    if len(pad) != 2 * axes or min(pad) < 0:
        raise ShapeError(
            f"pad is {list(pad)}; it must be {2 * axes} amounts of at least 0, before and after each axis of space"
        )
    return tuple((int(before), int(after)) for before, after in zip(pad[::2], pad[1::2], strict=True))


def heavy_side(pad_type: str) -> Heavy:
    """The side of `same` or `same_lower` padding that gets the extra element of an odd amount."""
    return "before" if pad_type == "same_lower" else "after"


def checked_pad_type(pad_type: str, legal: Sequence[str] = _PAD_TYPES) -> str:
    """The type of padding in lower case.

    Raises:
        GraphError: it is not a legal one.
    """
    if pad_type.lower() not in legal:
        raise GraphError(f"pad_type is {pad_type!r}; it must be one of {', '.join(legal)}")
    return pad_type.lower()


def padding(
    pad_type: str, pad: Sequence[int] | None, sizes: Sequence[int], window: Sequence[int], stride: Sequence[int]
) -> tuple[Pair, ...]:
    """The padding (before, after) of each axis of space.

    `same` is TensorFlow's: ceil(size / stride) windows, counted with their dilation. `pad` is used by `custom` alone.

    Args:
        pad_type: valid, same, same_lower or custom.
        pad: amounts of `custom`.
        sizes: of the axes.
        window: size of the window with its dilation.
        stride: elements from one window to the next.

    Raises:
        GraphError: the type of padding is unknown.
        ShapeError: the amounts are illegal, or the window does not fit into the padded x.
    """
    kind = checked_pad_type(pad_type)
    if kind in ("same", "same_lower"):
        found = same_paddings(sizes, window, stride, heavy_side(kind))
    else:
        found = pads(pad if kind == "custom" else None, len(sizes))
    window_counts(sizes, window, stride, found)  # checks that there is at least one on each axis
    return found
