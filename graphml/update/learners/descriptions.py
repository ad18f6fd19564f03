"""The parameters of a model of any kind: network, nearest neighbors, link, or pipeline of these."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from graphml import recipes
from graphml.errors import UpdateError
from graphml.models import Model
from graphml.models.pipelines.pipeline import stage_names
from graphml.recipes.parameters import ParameterDescription, ParameterKey, as_key, describe
from graphml.spec.layers import NETWORKS
from graphml.update.weights import NAMES, VALUE

_PIPELINES = ("pipelineClassifier", "pipelineRegressor")


def parameter_descriptions(model: Any) -> dict[ParameterKey, ParameterDescription]:
    """The default and the allowed values of every parameter of a model.

    Args:
        model: a `Model` or a Model message.

    Returns:
        {key: description}; keys of a stage of a pipeline are scoped to the stage. Empty for networks and ML Programs
        without a recipe, and for kinds of models without parameters.
    """
    spec = model.spec if isinstance(model, Model) else model
    kind = spec.WhichOneof("Type") or ""
    if kind in NETWORKS or recipes.is_program(spec):
        return recipes.parameter_descriptions(spec)
    if kind == "kNearestNeighborsClassifier":
        key = ParameterKey.NUMBER_OF_NEIGHBORS
        return {key: describe(key, spec.kNearestNeighborsClassifier.numberOfNeighbors, positive=True)}
    if kind == "linkedModel":
        link = spec.linkedModel.linkedModelFile
        texts = {
            ParameterKey.LINKED_MODEL_FILE_NAME: link.linkedModelFileName.defaultValue,
            ParameterKey.LINKED_MODEL_SEARCH_PATH: link.linkedModelSearchPath.defaultValue,
        }
        return {key: ParameterDescription(key, text, "text") for key, text in texts.items()}
    if kind == "pipeline" or kind in _PIPELINES:
        pipeline = spec.pipeline if kind == "pipeline" else getattr(spec, kind).pipeline
        found: dict[ParameterKey, ParameterDescription] = {}
        for name, stage in zip(stage_names(pipeline), pipeline.models, strict=True):
            for key, description in parameter_descriptions(stage).items():
                inner = ParameterKey(key.name, (name, *key.scope))
                found[inner] = replace(description, key=inner)
        return found
    return {}


def parameter_value(model: Model, key: ParameterKey | str) -> Any:
    """The value of a parameter of a model.

    Args:
        model: the model.
        key: weights and biases are scoped to a layer: "dense/weights". Constants of ML Programs are weights.

    Returns:
        An array for weights and biases; the default of the file for all other parameters.

    Raises:
        UpdateError: the model does not have this parameter.
    """
    key = as_key(key)
    weight = NAMES.get(key.name)
    if weight is None:
        values = {str(known): description.default for known, description in parameter_descriptions(model).items()}
        if str(key) not in values:
            has = f"it has {', '.join(values)}" if values else "it has none"
            raise UpdateError(f"this model has no parameter {key}; {has}")
        return values[str(key)]
    recipes.refuse_unless_trainable(model.spec)
    layer = "/".join(key.scope)
    held = model.parameters.get(layer, {})
    if VALUE in held and weight == NAMES["weights"]:
        weight = VALUE
    if weight not in held:
        what = "constant" if recipes.is_program(model.spec) else "layer"
        raise UpdateError(f"this model has no parameter {key}: {what} {layer!r} has no {weight}")
    value = held[weight]
    return np.asarray(value.dequantize() if hasattr(value, "dequantize") else value)
