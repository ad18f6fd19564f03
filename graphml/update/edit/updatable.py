"""Adding a recipe to a model, so that it can be updated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphml import recipes
from graphml.catalogue import has_role
from graphml.errors import UpdateError
from graphml.graph import read_by, written_by
from graphml.models import Model
from graphml.models.graph_model import GraphModel
from graphml.models.network import NeuralNetwork
from graphml.recipes import (
    Recipe,
    beyond_core_ml,
    core_ml_problems,
    declare_training_inputs,
    is_program,
    network_of,
    refuse_unless_trainable,
    write_recipe,
)
from graphml.update.edit.forms import CanonicalForm, canonical_forms
from graphml.update.edit.shapes import FeatureShapes
from graphml.update.step.gradient_reach import leading_to


def make_updatable(
    model: Model,
    layers: Sequence[str] | Mapping[str, Sequence[str]] | str | None = None,
    *,
    recipe: Recipe | None = None,
    labels: Sequence[str] | Sequence[int] | None = None,
    **settings: Any,
) -> NeuralNetwork:
    """The model with a recipe for training.

        model = graphml.make_updatable(model, epochs=10, optimizer=graphml.recipes.Adam(0.001))

    A recipe that Core ML can follow is written in Core ML's own fields; for that, layers are replaced by others that
    compute the same, where the network has an equivalent that Core ML can train (see `graphml.update.edit.canonical`).
    Any other recipe is written in a field that Core ML ignores, and `UpdateTask` needs strict=False to train it.

    Args:
        model: a neural network.
        layers: the layers that learn; None for the last ones that have weights.
        recipe: the recipe; None for the default one.
        labels: new classes; the head of the classifier is replaced first, see `replace_head`.
        settings: fields of `graphml.recipes.Recipe` that replace those of the recipe; `loss` is short for `losses`.
            Any: each field has its own type.

    Raises:
        UpdateError: the model is not a neural network, layers or blobs do not exist, or the recipe has Python
            functions, which no file can hold.
    """
    from graphml.update.edit.head import replace_head

    if is_program(model.spec):
        raise UpdateError(
            "an ML Program keeps no recipe: give it to the update, as in UpdateTask(model, samples, recipe=recipe, "
            "strict=False)"
        )
    _network(model)
    chosen: Any = layers
    if labels is not None:
        model = replace_head(model, labels)
    whole = recipe_with(recipe, settings, "make_updatable")
    if chosen is not None:
        whole = replace(whole, layers=chosen)
    network = _network(model)
    found: NeuralNetwork | UpdateError
    try:
        found = _with_recipe(CanonicalForm(network, whole))
    except UpdateError as error:  # all weights may be constants of other layers
        found = error
    if isinstance(found, NeuralNetwork) and (list(beyond_core_ml(whole)) or not core_ml_problems(found.spec)):
        return found
    for form in canonical_forms(network, whole):
        other = _with_recipe(form)
        if not core_ml_problems(other.spec):
            return other
    if isinstance(found, UpdateError):
        raise found
    return found


def _with_recipe(form: CanonicalForm) -> NeuralNetwork:
    found = with_recipe(form.network, _with_layers(form.network, form.recipe))
    assert isinstance(found, NeuralNetwork)
    return found


def recipe_with(recipe: Recipe | None, settings: Mapping[str, Any], caller: str) -> Recipe:
    """A recipe with some of its fields replaced, which a file can hold.

    Args:
        recipe: the recipe; None for the default one.
        settings: fields of the recipe; `loss` is short for `losses`.
        caller: the function that took the settings, for the error.

    Raises:
        UpdateError: a recipe has no such field, or it has Python functions.
    """
    if "loss" in settings:
        settings = {**{name: value for name, value in settings.items() if name != "loss"}, "losses": settings["loss"]}
    try:
        whole = Recipe(**settings) if recipe is None else replace(recipe, **settings)
    except TypeError as error:
        raise UpdateError(str(error).replace("Recipe.__init__() ", f"{caller} ")) from None
    whole.refuse_unless_storable()
    return whole


def _with_layers(model: NeuralNetwork, recipe: Recipe) -> Recipe:
    """The recipe with the last layers that have weights, if it names none."""
    if recipe.layers is not None:
        return recipe
    return replace(recipe, layers=tuple((name, ()) for name in _last_layers(model, recipe)))


def with_recipe(model: Model, recipe: Recipe) -> GraphModel:
    """The model with its recipe replaced by this one.

    A recipe with Python functions stays outside of the model: the result only has the training inputs that it needs.

    Args:
        model: a neural network or an ML Program.
        recipe: the recipe.

    Raises:
        UpdateError: the recipe does not fit the model.
    """
    refuse_unless_trainable(model.spec)
    assert isinstance(model, GraphModel)
    write = declare_training_inputs if recipe.python_parts else write_recipe
    message = write(model.unchanged_spec if is_program(model.spec) else model.spec, recipe, FeatureShapes(model))
    other = model.with_message(message)
    if not model.weights.replaced or is_program(model.spec):  # the compiled programs fit the other model too
        other.programs = model.programs
    return other


def without_recipe(model: GraphModel) -> GraphModel:
    """The ML Program without a recipe and training inputs; itself if it has none."""
    message = model.unchanged_spec
    if not message.HasField("trainingRecipe") and not message.description.trainingInput:
        return model
    copy = type(message)()
    copy.CopyFrom(message)
    copy.ClearField("trainingRecipe")
    copy.description.ClearField("trainingInput")
    other = model.with_message(copy)
    other.programs = model.programs
    return other


def _network(model: Model) -> NeuralNetwork:
    network_of(model.spec)
    assert isinstance(model, NeuralNetwork)
    return model


def _last_layers(model: Model, recipe: Recipe) -> tuple[str, ...]:
    """The last layers with weights on each path to a loss."""
    network = _network(model)
    graph = network.graph
    blobs = {loss.input for loss in recipes.completed(model.spec, recipe).losses}
    wanted, found = set(blobs), []
    for node in reversed(leading_to(graph.body, *blobs)):
        if not wanted & written_by(node):
            continue
        inner = [n for region in node.regions.values() for n in region.walk()]
        weighted = [
            n.key for n in (node, *inner) if n.weights and not has_role(n, "constant") and not has_role(n, "rescaling")
        ]
        if weighted:
            found += weighted
        else:
            wanted |= read_by(node)
    if not found:
        raise UpdateError("no layer with weights leads to the loss")
    return tuple(reversed(found))
