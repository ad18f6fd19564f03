"""What one model hands to the next: a value as its giver declares it becomes one as its reader declares it.

Whole numbers may become integers, dictionaries get the keys and images the size and the colours that the reader
declares. All else is for the reader's own check to judge.
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
"""How the values that have a name are declared by those who give them."""


def stage_inputs(model: Model, env: Mapping[str, Any], declared: Declared) -> dict[str, Any]:
    """What a model finds of its inputs among the values that have a name."""
    return {f.name: handed(f, env[f.name], declared.get(f.name)) for f in model.description.inputs if f.name in env}


def handed(reader: FeatureDescription, value: Any, giver: FeatureDescription | None) -> Any:
    """A value for the feature that reads it. giver: the feature that it is of."""
    if reader.type is FeatureType.INT64 and isinstance(value, float) and value.is_integer():
        return int(value)
    if reader.type is FeatureType.DICTIONARY and isinstance(value, Mapping) and not reader.any_keys:
        return with_keys(value, reader.keys)
    if reader.image is not None and isinstance(value, np.ndarray):  # pictures know their own colours
        return pixels(value, reader.image, ImageOptions(), given=None if giver is None else giver.image)
    return value


def recoloured(planes: Any, given: ImageConstraint | None, wanted: ImageConstraint | None) -> Any:
    """Planes [..., channels, height, width] of one image feature in the colours of another, traced or not.

    Features that are no images leave them as they are.
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
