"""Inputs of zeros, to compile a network before there are data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphml.descriptions import FeatureDescription, FeatureType
from graphml.errors import FeatureError
from graphml.interpreter.budget import check_shape


def declared_shapes(inputs: Sequence[FeatureDescription]) -> Iterator[dict[str, tuple[int, ...]]]:
    """The shapes to compile a network for: the default shapes, and each enumerated shape of each input.

    Args:
        inputs: The inputs of the network.

    Returns:
        {input: shape} for each program; other inputs have their default shape. Images are [height, width].
    """
    yield {}
    for feature in inputs:
        if feature.array is not None:
            for shape in feature.array.shapes:
                if shape != feature.array.shape:
                    yield {feature.name: shape}
        if feature.image is not None:
            for width, height in feature.image.sizes:
                if (width, height) != (feature.image.width, feature.image.height):
                    yield {feature.name: (height, width)}


def blank_rows(
    inputs: Sequence[FeatureDescription], shapes: Iterable[Mapping[str, Sequence[int]]] | None
) -> list[dict[str, Any]]:
    """Zeros for all inputs, once for each program to compile.

    Args:
        inputs: The inputs of the network.
        shapes: As `declared_shapes` yields them; None: what it yields.

    Raises:
        FeatureError: There is no such input, or it does not allow a shape.
    """
    rows: list[dict[str, Any]] = []
    for row in declared_shapes(inputs) if shapes is None else shapes:
        unknown = sorted(set(row) - {feature.name for feature in inputs})
        if unknown:
            raise FeatureError(f"no input is called {', '.join(map(repr, unknown))}")
        rows.append({feature.name: zeros(feature, row.get(feature.name)) for feature in inputs})
    return rows


def zeros(feature: FeatureDescription, shape: Sequence[int] | None) -> Any:
    """Zeros for an input.

    Args:
        feature: The input.
        shape: The shape, [height, width] for an image; None: the default shape.

    Returns:
        An array, an image of pixels [channels, height, width], or the number 0.

    Raises:
        FeatureError: If the input does not allow this shape, or has no shape.
    """
    if feature.type in (FeatureType.INT64, FeatureType.DOUBLE):
        return 0
    if feature.array is not None:
        wanted = feature.array.shape if shape is None else tuple(shape)
        if wanted is None:
            raise FeatureError(f"the input {feature.name!r} has no declared shape; pass one in `shapes`")
        check_shape(wanted, feature.array.dtype)
        return np.zeros(wanted, feature.array.dtype)
    if feature.image is None:
        raise FeatureError(f"the input {feature.name!r} takes {feature.takes}, which has no shape")
    constraint = feature.image
    height, width = (constraint.height, constraint.width) if shape is None else tuple(shape)[-2:]
    if constraint.size_for((width, height)) != (width, height):
        raise FeatureError(f"the input {feature.name!r} takes {feature.takes}, not {width} x {height} (width x height)")
    blank = constraint.channels, height, width
    check_shape(blank, np.uint8)
    return np.zeros(blank, np.uint8)
