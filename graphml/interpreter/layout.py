"""The layout of image-like arrays, and arrays without axes: how blobs reach a row's function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from graphml.catalogue import Layout


class ChannelsLast(NamedTuple):
    """An image-like array held as [..., height, width, channels]; the blob that it represents is [..., C, H, W]."""

    array: Any


def arrange(layout: Layout, values: Sequence[Any]) -> tuple[list[Any], bool]:
    """Blobs in the layout that a row wants, and whether its results are channels-last. Absent ones stay None."""
    laid = any(isinstance(value, ChannelsLast) for value in values)
    if layout == "last" or (layout == "either" and laid):
        return [_last(value) if (rank(value) or 0) >= 3 else wire(value) for value in values], True
    if layout == "any" and laid and len({rank(value) for value in values if value is not None}) == 1:
        return [_last(value) for value in values], True
    return [wire(value) for value in values], False


def rank(value: Any) -> int | None:
    """The number of axes of a blob; None for one that is absent."""
    if value is None:
        return None
    return value.array.ndim if isinstance(value, ChannelsLast) else value.ndim


def _last(value: Any) -> Any:
    if value is None:
        return None
    return value.array if isinstance(value, ChannelsLast) else jnp.moveaxis(value, -3, -1)


def wire(value: Any) -> Any:
    """A blob in the layout of the format."""
    return jnp.moveaxis(value.array, -1, -3) if isinstance(value, ChannelsLast) else value


def at_least_1d(array: Any) -> Any:
    """A scalar as a vector of one element; every other array as it is."""
    return array.reshape(1) if array.ndim == 0 else array
