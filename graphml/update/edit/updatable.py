"""Making a model updatable that its converter has left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from graphml import recipes
from graphml.catalogue import Role, has_role
from graphml.errors import GraphmlError, UpdateError
from graphml.graph import read_by, written_by
from graphml.models import Model
from graphml.models.network import NeuralNetwork
from graphml.recipes import Recipe, network_of, write_recipe
from graphml.update.step.gradient_reach import leading_to


def make_updatable(
    model: Model,
    layers: Sequence[str] | Mapping[str, Sequence[str]] | str | None = None,
    *,
    recipe: Recipe | None = None,
    labels: Sequence[str] | Sequence[int] | None = None,
    **settings: Any,
) -> NeuralNetwork:
    """The model with a recipe for training in it.

        model = graphml.make_updatable(model, epochs=10, optimizer=graphml.recipes.Adam(0.001))

    layers: those that learn; None for the last ones that have weights. recipe: a whole one; settings: fields of
    `recipes.Recipe`, in place of its own; `loss` is short for `losses`. labels: new classes, for which the head of the
    classifier is replaced first (see `replace_head`).

    What Core ML can train is written as Core ML has it; any other recipe in a field that Core ML passes over, and
    `UpdateTask` trains it with strict=False. Raises UpdateError for layers and blobs that do not exist.
    """
    from graphml.update.edit.head import replace_head

    _network(model)
    chosen: Any = layers
    if labels is not None:
        model = replace_head(model, labels)
    if "loss" in settings:
        settings = {**settings, "losses": settings["loss"]}
        del settings["loss"]
    try:
        whole = recipes.Recipe(**settings) if recipe is None else recipes.replaced(recipe, **settings)
    except TypeError as error:
        raise UpdateError(str(error).replace("Recipe.__init__() ", "make_updatable ")) from None
    if chosen is not None:
        whole = recipes.replaced(whole, layers=chosen)
    elif whole.layers is None:
        whole = recipes.replaced(whole, layers=_last_layers(model, whole))
    return with_recipe(model, whole)


def with_recipe(model: Model, recipe: Recipe) -> NeuralNetwork:
    """The model with this recipe in place of its own."""
    network = _network(model)
    message = write_recipe(model.spec, recipe, _Shapes(network))
    other = type(network)(
        message, configuration=model.configuration, custom_layers=model.custom_layers, path=model.path
    )
    if network.spec is network._message:  # no weight was replaced: what is compiled is right for the other as well
        other.programs = network.programs
    return other


def _network(model: Model) -> NeuralNetwork:
    network_of(model.spec)
    assert isinstance(model, NeuralNetwork)
    return model


class _Shapes(Mapping[str, tuple[int, ...]]):
    """The shapes of blobs, traced when they are asked for; empty where the network cannot be traced."""

    def __init__(self, model: NeuralNetwork) -> None:
        self._model = model
        self._found: dict[str, tuple[int, ...]] | None = None

    def _all(self) -> dict[str, tuple[int, ...]]:
        if self._found is None:
            try:
                lowered = self._model.lower()
                inputs = lowered.interface.declared_inputs(np.float32)
                key = jax.eval_shape(lambda: jax.random.key(0))
                blobs = jax.eval_shape(lambda p, x, k: lowered.intermediates(p, x, key=k), lowered.params, inputs, key)
                self._found = {name: _declared(blob.shape, lowered.interface.blob_rank) for name, blob in blobs.items()}
            except GraphmlError:
                self._found = {}
        return self._found

    def __getitem__(self, name: str) -> tuple[int, ...]:
        return self._all()[name]

    def __iter__(self):
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _declared(shape: tuple[int, ...], blob_rank: int | None) -> tuple[int, ...]:
    """A blob's shape as a feature has it: rank-5 blobs lose the axes that the mapping has added."""
    if blob_rank is None or len(shape) != blob_rank:
        return shape
    core = shape[2:]
    return core[:1] if core[1:] == (1, 1) else core


def _last_layers(model: Model, recipe: Recipe) -> tuple[str, ...]:
    """The layers with weights that stand last on the ways to the losses."""
    network = _network(model)
    graph = network.graph
    completed = recipes.completed(model.spec, recipe)
    blobs = {str(loss.input) for loss in completed.losses}
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


# Roles of layers whose weights are no parameters, or only scale and shift what the layer before has computed.
_NO_HEAD: tuple[Role, ...] = ("constant", "rescaling")
