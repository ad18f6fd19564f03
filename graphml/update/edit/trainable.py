"""Marking every layer that Core ML can train, and reporting why it cannot train the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from graphml import recipes
from graphml.errors import UpdateError, with_article
from graphml.models import Model
from graphml.models.network import NeuralNetwork
from graphml.recipes import Recipe, beyond_core_ml, in_core_ml, is_program, network_of
from graphml.recipes.messages import keyed_layers
from graphml.spec.attributes import kind_of, weight_messages
from graphml.spec.networks import layer_keys
from graphml.spec.rules.problems import Problem, layer_label
from graphml.spec.rules.updates import LEARNING_KINDS, NOTHING_LEARNS, update_problems
from graphml.update.edit.forms import CanonicalForm, canonical_forms
from graphml.update.edit.shapes import FeatureShapes
from graphml.update.edit.updatable import recipe_with, with_recipe

_CONSTANTS = ("loadConstant", "loadConstantND")
_NONE_MARKED = str(NOTHING_LEARNS)
_PRODUCTS = ("batchedMatmul", "convolution")


@dataclass(frozen=True)
class Trainable:
    """A network that Core ML can train, and the outcome for each layer with weights.

    Attributes:
        model: the network with its recipe.
        trained: the layers that learn.
        frozen: the requested layers that `frozen` excludes.
        refused: {layer: why Core ML cannot train it}, of the requested layers.
    """

    model: NeuralNetwork
    trained: tuple[str, ...]
    frozen: tuple[str, ...]
    refused: Mapping[str, str]

    @property
    def notes(self) -> list[str]:
        """A sentence for each layer."""
        return [
            *(f"{name}: learns" for name in self.trained),
            *(f"{name}: stays as it is" for name in self.frozen),
            *(f"{name}: cannot be trained: {reason}" for name, reason in self.refused.items()),
        ]


def make_trainable(
    model: Model,
    layers: Sequence[str] | None = None,
    *,
    frozen: Sequence[str] = (),
    recipe: Recipe | None = None,
    merge_batch_norms: bool = False,
    **settings: Any,
) -> Trainable:
    """Mark all layers as trainable that Core ML can train, and add a recipe in Core ML's own fields.

        result = make_trainable(model, ["fc*"], epochs=10)
        result.model.save("updatable.mlmodel")
        print(*result.notes, sep="\\n")

    Where it lets more layers learn, the network is replaced by one that computes the same (see
    `graphml.update.edit.canonical`).

    Args:
        model: a neural network.
        layers: names or patterns such as "fc*" of the layers that should learn; None for all.
        frozen: names or patterns of layers that should not.
        recipe: the recipe; None for the default one.
        merge_batch_norms: whether batch norms with stored statistics become part of the layers before them. Core ML
            trains the layers below them and never changes them, so they may stay.
        settings: fields of the recipe, as for `make_updatable`.

    Raises:
        UpdateError: the model is not a neural network, a pattern of `layers` matches no layer with weights, Core ML
            cannot follow the recipe, or none of the layers can be trained; the message has the reason for each.
    """
    if is_program(model.spec):
        raise UpdateError(
            "Core ML trains no ML Programs on a device: convert to a neural network instead, or train the program in "
            "this process, with UpdateTask(model, samples, recipe=recipe, strict=False)"
        )
    network_of(model.spec)
    assert isinstance(model, NeuralNetwork)
    whole = recipe_with(recipe, settings, "make_trainable")
    strange = list(beyond_core_ml(whole))
    if strange:
        raise UpdateError("Core ML cannot follow the recipe: " + "; ".join(strange))
    if layers is None and whole.layers is not None:
        layers = [name for name, _ in whole.layers]
    whole = replace(whole, layers=None)
    attempts: list[_Attempt] = []
    for form in _forms(model, whole, merge_batch_norms):
        attempts.append(_Attempt(form, layers, frozen))
        if not attempts[-1].missed:
            break
    if not attempts:
        raise UpdateError("the shapes in the network are not known without values, so nothing can be merged")
    best = max(attempts, key=lambda one: len(one.trained))
    if not best.trained:
        reasons = attempts[-1].reasons  # of the form with the most replacements
        raise UpdateError("Core ML could train none of the layers:\n  " + "\n  ".join(reasons))
    return best.result()


def _forms(model: NeuralNetwork, recipe: Recipe, merge_batch_norms: bool) -> Iterator[CanonicalForm]:
    """The unchanged network, unless it has to change, then its equivalents."""
    if not merge_batch_norms:
        yield CanonicalForm(model, recipe)
    yield from canonical_forms(model, recipe, merge_batch_norms=merge_batch_norms)


class _Attempt:
    """What Core ML can train of one form of a network."""

    def __init__(self, form: CanonicalForm, layers: Sequence[str] | None, frozen: Sequence[str]) -> None:
        self._form = form
        self._shapes = FeatureShapes(form.network)
        self._frozen: list[str] = []
        self._refused: dict[str, str] = {}
        wanted: list[str] = []
        message = form.network.spec
        places, outer = _with_weights(message), {*layer_keys(network_of(message).layers)}
        quantized = {
            key
            for key, layer in keyed_layers(network_of(message))
            if any(weight.HasField("quantization") for _, weight in weight_messages(layer))
        }
        for pattern in layers or ():
            if not any(_fits(name, [pattern]) for name in places):
                raise UpdateError(f"no layer with weights is called {pattern!r}; they are {', '.join(places)}")
        for name, kind in places.items():
            if layers is not None and not _fits(name, layers):
                continue
            if _fits(name, frozen):
                self._frozen.append(name)
            elif name not in outer:
                self._refused[name] = "it is part of a branch or loop"
            elif kind not in LEARNING_KINDS:
                self._refused[name] = f"it is {with_article(kind)}; only {', '.join(LEARNING_KINDS)} learn"
            elif name in quantized:
                self._refused[name] = "its weights are quantized"
            else:
                wanted.append(name)
        faults = self._faults(wanted)
        for name in wanted:
            if name in faults:
                self._refused[name] = faults[name]
        self.trained = [name for name in wanted if name not in faults]
        self._rest = [fault for name, fault in self._faults(self.trained).items() if name not in wanted]
        if self._rest:
            self.trained = []

    def _faults(self, wanted: Sequence[str]) -> dict[str, str]:
        """{layer or other place: the rule of Core ML that it violates} if these layers are marked."""
        model = self._form.network
        recipe = replace(recipes.completed(model.spec, self._form.recipe), layers=tuple(wanted) or None)
        message = in_core_ml(model.spec, recipe, self._shapes)
        keys = _keys_by_label(message)
        errors = (problem for problem in update_problems(message) if problem.severity == "error")
        return {keys.get(problem.where, problem.where): _sentence(problem, keys) for problem in errors}

    @property
    def missed(self) -> bool:
        """Whether another form may let more layers learn."""
        return bool(self._refused or self._rest)

    @property
    def reasons(self) -> list[str]:
        """Why nothing can be trained."""
        rest = [reason for reason in self._rest if reason != _NONE_MARKED]
        return [*rest, *(f"{name}: {reason}" for name, reason in self._refused.items())]

    def result(self) -> Trainable:
        """The network with its recipe."""
        recipe = replace(self._form.recipe, layers=tuple(self.trained))
        found = with_recipe(self._form.network, recipe)
        assert isinstance(found, NeuralNetwork)
        return Trainable(found, tuple(self.trained), tuple(self._frozen), dict(self._refused))


def _with_weights(message: Any) -> dict[str, str]:
    """{key: kind} of the layers that have weights, or read a constant where others have weights."""
    layers = dict(keyed_layers(network_of(message)))
    constants = {blob for layer in layers.values() if kind_of(layer) in _CONSTANTS for blob in layer.output}
    found: dict[str, str] = {}
    for key, layer in layers.items():
        kind = kind_of(layer)
        if kind in _PRODUCTS and len(layer.input) == 2 and layer.input[1] in constants:
            found[key] = f"{kind} with weights of another layer"
        elif kind not in _CONSTANTS and any(True for _ in weight_messages(layer)):
            found[key] = kind
    return found


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def _keys_by_label(message: Any) -> dict[str, str]:
    layers = network_of(message).layers
    labels = (Problem(layer_label(layer, i), "").where for i, layer in enumerate(layers))
    return dict(zip(labels, layer_keys(layers), strict=True))


def _sentence(problem: Problem, keys: Mapping[str, str]) -> str:
    return problem.what.removeprefix("cannot learn: ") if problem.where in keys else str(problem)
