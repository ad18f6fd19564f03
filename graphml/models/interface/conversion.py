"""Values that pass from one model to the next: converted from the type that the first declares to that of the second.

Floats with integer values become integers; dictionaries get the key type, images the size and the colours that the
reader declares. Everything else is left to the check of the reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphml.descriptions import FeatureDescription, FeatureType, ImageConstraint
from graphml.models.interface.images import LUMA, ImageOptions, pixels
from graphml.models.interface.values import with_keys
from graphml.models.model import Model

Declared = Mapping[str, FeatureDescription]
"""{name of a value: its description by the model that computes it}."""


def stage_inputs(model: Model, env: Mapping[str, Any], declared: Declared) -> dict[str, Any]:
    """The inputs of a model.

    Args:
        model: The model.
        env: {name: value}, from which the inputs are taken; those that are missing are left out.
        declared: How these values are declared.
    """
    return {f.name: converted(f, env[f.name], declared.get(f.name)) for f in model.description.inputs if f.name in env}


def converted(reader: FeatureDescription, value: Any, source: FeatureDescription | None) -> Any:
    """Convert a value to what a feature takes.

    Args:
        reader: The feature that takes the value.
        value: The value.
        source: The feature that the value was computed for; None if unknown.
    """
    if reader.type is FeatureType.INT64 and isinstance(value, float) and value.is_integer():
        return int(value)
    if reader.type is FeatureType.DICTIONARY and isinstance(value, Mapping) and not reader.any_keys:
        return with_keys(value, reader.keys)
    if reader.image is not None and isinstance(value, np.ndarray):  # Pillow images know their own colours
        return pixels(value, reader.image, ImageOptions(), given=None if source is None else source.image)
    return value


def with_colors(planes: Any, given: ImageConstraint | None, wanted: ImageConstraint | None) -> Any:
    """Convert the pixels of one image feature to the colours of another.

    Args:
        planes: [..., channels, height, width]; may be traced.
        given: The feature that the pixels belong to.
        wanted: The feature that they are converted for.

    Returns:
        The pixels; unchanged if one of the features is not an image.
    """
    if given is None or wanted is None or given.color_space == wanted.color_space:
        return planes
    if given.channels == wanted.channels == 3:
        return planes[..., ::-1, :, :]
    if given.channels == 3:
        luma = LUMA if given.color_space == "RGB" else LUMA[::-1]
        planes = (planes * luma[:, None, None]).sum(-3, keepdims=True)
    elif wanted.channels == 3:
        return planes.repeat(3, -3)
    if wanted.color_space == "GRAYSCALE_FLOAT16":
        return planes.astype(np.float16).astype(planes.dtype)
    return planes
