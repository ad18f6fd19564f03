"""Inputs of zeros, to compile a network before there is data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from graphml.descriptions import FeatureDescription, FeatureType
from graphml.errors import FeatureError
from graphml.interpreter.budget import check_shape


def declared_shapes(inputs: Sequence[FeatureDescription]) -> Iterator[dict[str, tuple[int, ...]]]:
    """The default shapes, then each enumerated shape of each input with the default shapes of the others; an image is
    [height, width]."""
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


def zeros(feature: FeatureDescription, shape: Sequence[int] | None) -> Any:
    """Zeros for an input; shape None: the default. Raises FeatureError for a shape that it does not allow."""
    if feature.type in (FeatureType.INT64, FeatureType.DOUBLE):
        return 0
    if feature.array is not None:
        wanted = feature.array.shape if shape is None else tuple(shape)
        if wanted is None:
            raise FeatureError(f"the input {feature.name!r} declares no shape: give one")
        check_shape(wanted, feature.array.dtype)
        return np.zeros(wanted, feature.array.dtype)
    if feature.image is None:
        raise FeatureError(f"the input {feature.name!r} is {feature.takes}, which has no shape")
    constraint = feature.image
    height, width = (constraint.height, constraint.width) if shape is None else tuple(shape)[-2:]
    if constraint.size_for((width, height)) != (width, height):
        raise FeatureError(f"the input {feature.name!r} is {feature.takes}; {height} x {width} (height x width) is not")
    blank = constraint.channels, height, width
    check_shape(blank, np.uint8)
    return np.zeros(blank, np.uint8)
