"""Recipes in Model messages.

A recipe that Core ML can follow is written in its own fields: isUpdatable, NetworkUpdateParameters and marked layers.
Any other recipe is written into `Model.trainingRecipe`, and the model is not marked as updatable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphml.recipes import core_ml, extension
from graphml.recipes.completion import Shapes, completed, declare_targets, with_targets
from graphml.recipes.messages import keyed_layers, network_of
from graphml.recipes.parameters import ParameterDescription, ParameterKey, checked
from graphml.recipes.recipe import Recipe
from graphml.recipes.trainee import is_program
from graphml.spec.attributes import weight_messages
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.network_pb2 import NetworkUpdateParameters

# Reading -------------------------------------------------------------------------------------------------------------


def has_recipe(model: Model) -> bool:
    """Whether a network has a recipe, or at least the beginning of one."""
    return model.HasField("trainingRecipe") or len(_update_parameters(model).ListFields()) > 0


def _update_parameters(model: Model) -> NetworkUpdateParameters:
    """Core ML's recipe in a network; an empty one for ML Programs, which have none."""
    return NetworkUpdateParameters() if is_program(model) else network_of(model).updateParams


def read_recipe(model: Model) -> Recipe | None:
    """The recipe stored in a network, ours or Core ML's; None if it has none. See also `recipe_of`.

    The bounds that Core ML's message sets for parameters are not part of it: see `parameter_descriptions`.

    Raises:
        UpdateError: the recipe is damaged or incomplete, or it needs a newer version of graphml.
    """
    if model.HasField("trainingRecipe"):
        return extension.decode(model.trainingRecipe)
    return core_ml.decode(_update_parameters(model)) if has_recipe(model) else None


def recipe_of(model: Model, values: Mapping[Any, Any] | None = None, recipe: Recipe | None = None) -> Recipe:
    """The recipe by which a network is trained: complete, with the targets that its training inputs have.

    Args:
        model: the network; its training inputs have the targets of all losses.
        values: {key or name: value} of parameters, in place of the defaults. Any: `checked` takes what users give.
        recipe: the recipe if it has Python functions, which the model cannot hold; any other is read from the model.

    Raises:
        UpdateError: the recipe is incomplete or does not fit the model, or values are not allowed; the message lists
            what is missing or allowed. A default that the file itself does not allow is not an error here, because
            another value may replace it: see `refuse_unless_allowed`.
    """
    message = _update_parameters(model)
    own = _own_recipe(model, recipe)
    found = core_ml.decode(message) if own is None else own
    allowed = core_ml.descriptions(message) if own is None else own.descriptions
    return with_targets(model, found).with_values(checked(values, allowed))


def parameter_descriptions(model: Model, recipe: Recipe | None = None) -> dict[ParameterKey, ParameterDescription]:
    """What an update of a network may set; nothing if the network has no recipe.

    Args:
        model: the network.
        recipe: as for `recipe_of`.
    """
    message = _update_parameters(model)
    own = _own_recipe(model, recipe)
    if own is not None:
        return own.descriptions
    return core_ml.descriptions(message) if has_recipe(model) else {}


def _own_recipe(model: Model, recipe: Recipe | None) -> Recipe | None:
    """The given recipe if no file can hold it, otherwise that in our field of the model; None if it has none."""
    if recipe is not None and recipe.python_parts:
        return completed(model, recipe)
    return completed(model, extension.decode(model.trainingRecipe)) if model.HasField("trainingRecipe") else None


# Writing -------------------------------------------------------------------------------------------------------------


def write_recipe(model: Model, recipe: Recipe, shapes: Shapes | None = None) -> Model:
    """A copy of a network with its recipe replaced.

    Args:
        model: the network.
        recipe: what it leaves out comes from the model.
        shapes: of blobs that are not outputs with a declared shape; losses against arrays need them.

    Raises:
        UpdateError: a layer or blob does not exist, the shape of a target is not known, or the recipe has Python
            functions, which no file can hold.
    """
    recipe.refuse_unless_storable()
    recipe = completed(model, recipe)
    shapes = {} if shapes is None else shapes
    if not is_program(model):
        plain = in_core_ml(model, recipe, shapes)
        if not core_ml.inexpressible(recipe, plain):
            return plain
    own = _without_recipe(model)
    declare_targets(own, recipe, shapes)
    extension.encode(recipe, own.trainingRecipe)
    return own


def declare_training_inputs(model: Model, recipe: Recipe, shapes: Shapes) -> Model:
    """A copy of a network with the training inputs that a recipe needs; the recipe in the model does not change.

    Args:
        model: the network.
        recipe: what it leaves out comes from the model.
        shapes: as for `write_recipe`.

    Raises:
        UpdateError: as for `write_recipe`.
    """
    copy = Model()
    copy.CopyFrom(model)
    declare_targets(copy, completed(model, recipe), shapes)
    return copy


def core_ml_problems(model: Model, recipe: Recipe | None = None) -> list[str]:
    """The reasons why Core ML would not train a network; empty if it would.

    Args:
        model: the network.
        recipe: as for `recipe_of`.

    Raises:
        UpdateError: our own recipe names what the model does not have.
    """
    if is_program(model):
        return ["the model is an ML Program: Core ML updates neural networks, nearest neighbors and pipelines of these"]
    recipe = _own_recipe(model, recipe)
    if recipe is None:
        return core_ml.errors(model)
    given = {feature.name: feature.type.multiArrayType.shape for feature in model.description.trainingInput}
    shapes = {loss.input: tuple(given[loss.target]) for loss in recipe.losses if loss.target in given}
    return core_ml.inexpressible(recipe, in_core_ml(model, recipe, shapes))


def in_core_ml(model: Model, recipe: Recipe, shapes: Shapes) -> Model:
    """A copy of a network with what Core ML's message can express of a completed recipe.

    Args:
        model: the network.
        recipe: a recipe that `completed` has returned.
        shapes: as for `write_recipe`.
    """
    copy = _without_recipe(model)
    network = network_of(copy)
    layers = dict(keyed_layers(network))
    for name, weights in recipe.layers or ():
        layers[name].isUpdatable = True
        for path, weight in weight_messages(layers[name]):
            weight.isUpdatable = not weights or str(path[0]) in weights
    copy.isUpdatable = True
    copy.specificationVersion = max(4, copy.specificationVersion)
    core_ml.encode(recipe, network.updateParams, model.description.predictedFeatureName)
    declare_targets(copy, recipe, shapes)
    return copy


def _without_recipe(model: Model) -> Model:
    copy = Model()
    copy.CopyFrom(model)
    copy.isUpdatable = False
    copy.ClearField("trainingRecipe")
    if is_program(copy):
        return copy
    network = network_of(copy)
    network.ClearField("updateParams")
    for _, layer in keyed_layers(network):
        layer.isUpdatable = False
        for _, weight in weight_messages(layer):
            weight.isUpdatable = False
    return copy
