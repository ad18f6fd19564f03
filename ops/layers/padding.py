"""Padding and cropping of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.errors import ShapeError
from graphml.ops._axes import image_axes, image_axis
from graphml.ops.layers import windows
from graphml.ops.layers.dialect import layer
from graphml.ops.layers.windows import Pair
from graphml.spec.attributes import Choice


def _supported(attributes: Mapping[str, Any]) -> str | None:
    return "the type of padding is not set" if attributes["padding_type"] is None else None


def padded(x, axes: Sequence[int], amounts: Sequence[Pair], value: float = 0.0):
    """More elements of one value before and after x along some axes; negative amounts cut.

    One axis after the other: XLA:CPU fuses pads of one axis, and is twice as slow at a single pad of two.
    """
    for axis, both in zip(axes, amounts, strict=True):
        if any(both):
            widths = [(*both, 0) if i == axis % x.ndim else (0, 0, 0) for i in range(x.ndim)]
            x = lax.pad(x, np.asarray(value, x.dtype), widths)
    return x


@layer("padding", layout="either", supported=_supported)
def padding(x, *, padding_type: Choice, padding_amounts: tuple[tuple[int, int], ...]):
    """More rows and columns around an image: a constant, its reflection without the edge, or its edge repeated.

    x: [..., height, width]. padding_amounts: (before, after) of height and width; an empty list pads nothing.
    Raises ShapeError when a reflection is asked to reach further than the image.
    Source: PaddingLayerParams (spec 1).
    """
    if x.ndim < 2:
        raise ShapeError(f"x has rank {x.ndim}; it is [..., height, width]")
    amounts = windows.borders(padding_amounts)
    space = image_axis("H", x.ndim), image_axis("W", x.ndim)
    if padding_type.name == "constant":
        return padded(x, space, amounts, padding_type.fields.get("value", 0.0))
    if padding_type.name == "reflection":
        for axis, both in zip(space, amounts, strict=True):
            if max(both) >= x.shape[axis] and max(both) > 0:
                raise ShapeError(f"a reflection of {max(both)} needs more than {x.shape[axis]} rows or columns")
    widths = [(0, 0)] * x.ndim
    for axis, both in zip(space, amounts, strict=True):
        widths[axis] = both
    return jnp.pad(x, widths, mode="reflect" if padding_type.name == "reflection" else "edge")


@layer("crop", layout="either")
def crop(x, reference=None, *, crop_amounts: tuple[tuple[int, int], ...], offset: tuple[int, ...]):
    """The inside of an image.

    x: [..., channels, height, width]. Alone, it loses `crop_amounts` (before, after) of height and width. With
    `reference`, of the same rank, the result has the height and width of that and begins at `offset`; nothing but its
    shape is used. Raises ShapeError when more is asked for than is there.
    Source: CropLayerParams (spec 1).
    """
    if x.ndim < 3 or (reference is not None and reference.ndim < 3):
        raise ShapeError(f"images have at least rank 3, these have {[a.ndim for a in (x, reference) if a is not None]}")
    _, height, width = image_axes()
    sizes = x.shape[height], x.shape[width]
    if reference is None:
        starts, ends = zip(*windows.borders(crop_amounts), strict=True)
        kept = tuple(n - start - end for n, start, end in zip(sizes, starts, ends, strict=True))
    else:
        starts = windows.extents(offset or (0, 0), "offset", least=0)
        kept = reference.shape[height], reference.shape[width]
    if any(k < 1 or start + k > n for k, start, n in zip(kept, starts, sizes, strict=True)):
        raise ShapeError(f"{list(kept)} pixels from {list(starts)} on cannot be cut out of {list(sizes)}")
    (top, left), (rows, columns) = starts, kept
    rows_kept = lax.slice_in_dim(x, top, top + rows, axis=height)
    return lax.slice_in_dim(rows_kept, left, left + columns, axis=width)
