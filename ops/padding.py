"""Padding and cropping of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml.catalogue import op
from graphml.errors import ShapeError
from graphml.ops import windows
from graphml.spec.attributes import Choice


def _supported(attributes: Mapping[str, Any]) -> str | None:
    return "the type of padding is not set" if attributes["padding_type"] is None else None


@op("padding", layout="last", supported=_supported)
def padding(x, *, padding_type: Choice, padding_amounts: tuple[tuple[int, int], ...]):
    """More rows and columns around an image: a constant, its reflection without the edge, or its edge repeated.

    x: [..., height, width]. padding_amounts: (before, after) of height and width; an empty list pads nothing.
    Raises ShapeError when a reflection is asked to reach further than the image.
    Source: PaddingLayerParams (spec 1).
    """
    if x.ndim < 2:
        raise ShapeError(f"x has rank {x.ndim}; it is [..., height, width]")
    amounts = windows.borders(padding_amounts)
    first = 0 if x.ndim == 2 else x.ndim - 3  # images come channels-last, a lone matrix as it is
    widths = [(0, 0)] * x.ndim
    widths[first : first + 2] = amounts
    if padding_type.name == "constant":
        return jnp.pad(x, widths, constant_values=np.asarray(padding_type.fields.get("value", 0.0), x.dtype))
    if padding_type.name == "reflection":
        for size, both in zip(x.shape[first:], amounts, strict=False):
            if max(both) >= size and max(both) > 0:
                raise ShapeError(f"a reflection of {max(both)} needs more than {size} rows or columns")
        return jnp.pad(x, widths, mode="reflect")
    return jnp.pad(x, widths, mode="edge")


@op("crop", layout="last")
def crop(x, reference=None, *, crop_amounts: tuple[tuple[int, int], ...], offset: tuple[int, ...]):
    """The inside of an image.

    x: [..., channels, height, width]. Alone, it loses `crop_amounts` (before, after) of height and width. With
    `reference`, of the same rank, the result has the height and width of that and begins at `offset`; nothing but its
    shape is used. Raises ShapeError when more is asked for than is there.
    Source: CropLayerParams (spec 1).
    """
    if x.ndim < 3 or (reference is not None and reference.ndim < 3):
        raise ShapeError(f"images have at least rank 3, these have {[a.ndim for a in (x, reference) if a is not None]}")
    sizes = x.shape[-3:-1]
    if reference is None:
        starts, ends = zip(*windows.borders(crop_amounts), strict=True)
        kept = tuple(n - start - end for n, start, end in zip(sizes, starts, ends, strict=True))
    else:
        starts = windows.extents(offset or (0, 0), "offset", least=0)
        kept = reference.shape[-3:-1]
    if any(k < 1 or start + k > n for k, start, n in zip(kept, starts, sizes, strict=True)):
        raise ShapeError(f"{list(kept)} pixels from {list(starts)} on cannot be cut out of {list(sizes)}")
    (top, left), (rows, columns) = starts, kept
    return x[..., top : top + rows, left : left + columns, :]
