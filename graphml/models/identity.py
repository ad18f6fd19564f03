"""The model that returns its inputs: identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphml.errors import FeatureError
from graphml.models.features.transforms import given
from graphml.models.interface.conversion import with_colors
from graphml.models.interface.images import picture
from graphml.models.model import Model


class Identity(Model):
    """Returns each input as the output of the same name, converted to the declared type of that output.

    Source: Identity.
    """

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The model as a function from {input: array} to {output: array}; images are [channels, height, width]."""
        self.refuse_unless_usable()
        given = {feature.name: feature.image for feature in self.description.inputs}
        outputs = [(feature.name, feature.image) for feature in self.description.outputs]

        def function(inputs: Mapping[str, Any]) -> dict[str, Any]:
            return {name: with_colors(inputs[name], given.get(name), wanted) for name, wanted in outputs}

        return function

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        inputs = {feature.name: feature.image for feature in self.description.inputs}
        out: dict[str, Any] = {}
        for feature in self.description.outputs:
            if feature.name not in values:
                raise FeatureError(f"the output {feature.name!r} is an optional input that was left out")
            value = values[feature.name]
            if feature.image is not None:
                planes = with_colors(np.asarray(value), inputs[feature.name], feature.image)
                value = picture(planes, feature.image.color_space)
            elif feature.array is not None:
                value = given(feature, value)
            out[feature.name] = value
        return out
