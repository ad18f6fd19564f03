"""Padding and cropping of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphml.errors import ShapeError
from graphml.ops.kernels import padding as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._axes import image_axes, image_axis
from graphml.ops.layers._borders import borders, extents
from graphml.ops.layers.dialect import layer
from graphml.spec.attributes import Choice


def _supported(attributes: Mapping[str, Any]) -> str | None:
    return "the type of padding is not set" if attributes["padding_type"] is None else None


@layer("padding", layout="either", supported=_supported)
def padding(x: Array, *, padding_type: Choice, padding_amounts: tuple[tuple[int, int], ...]) -> Array:
    """Pad an image: with a constant, its reflection without the edge, or its edge repeated.

    Args:
        x: [..., height, width].
        padding_type: `constant` with its number, `reflection` or `replication`.
        padding_amounts: (before, after) of height and width; an empty list pads nothing.

    Returns:
        The rank of x.

    Raises:
        ShapeError: a reflection is longer than the image.

    Source: PaddingLayerParams (spec 1).
    """
    if x.ndim < 2:
        raise ShapeError(f"x has rank {x.ndim}; it must be [..., height, width]")
    amounts = borders(padding_amounts)
    space = image_axis("H", x.ndim), image_axis("W", x.ndim)
    if padding_type.name == "constant":
        return kernels.pad_constant(x, space, amounts, padding_type.fields.get("value", 0.0))
    if padding_type.name == "reflection":
        for axis, both in zip(space, amounts, strict=True):
            if max(both) >= x.shape[axis] and max(both) > 0:
                raise ShapeError(f"a reflection of {max(both)} needs more than {x.shape[axis]} rows or columns")
        return kernels.pad_from_edge(x, space, amounts, "reflect")
    return kernels.pad_from_edge(x, space, amounts, "edge")


@layer("crop", layout="either")
def crop(
    x: Array,
    reference: Array | None = None,
    *,
    crop_amounts: tuple[tuple[int, int], ...],
    offset: tuple[int, ...],
) -> Array:
    """An image without its borders.

    Args:
        x: [..., channels, height, width].
        reference: rank >= 3; the result has its height and width and begins at `offset`. Only its shape is used.
        crop_amounts: what is cut off (before, after) height and width, without a reference.
        offset: (row, column) of the first pixel, with a reference.

    Returns:
        The rank of x.

    Raises:
        ShapeError: the crop extends beyond the image.

    Source: CropLayerParams (spec 1).
    """
    if x.ndim < 3 or (reference is not None and reference.ndim < 3):
        ranks = [a.ndim for a in (x, reference) if a is not None]
        raise ShapeError(f"images must have rank 3 or more, these have {ranks}")
    _, height, width = image_axes()
    sizes = x.shape[height], x.shape[width]
    if reference is None:
        starts, ends = zip(*borders(crop_amounts), strict=True)
        kept = tuple(n - start - end for n, start, end in zip(sizes, starts, ends, strict=True))
    else:
        starts = extents(offset or (0, 0), "offset", least=0)
        kept = reference.shape[height], reference.shape[width]
    if any(k < 1 or start + k > n for k, start, n in zip(kept, starts, sizes, strict=True)):
        raise ShapeError(f"cannot crop {list(kept)} pixels at {list(starts)} from an image of {list(sizes)}")
    return kernels.crop(x, (height, width), starts, kept)
