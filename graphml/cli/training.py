"""What `graphml update` trains: the model of a file with other classes, other layers or another recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graphml.errors import UpdateError, quoted, reason
from graphml.recipes import (
    Adam,
    Recipe,
    class_labels,
    has_recipe,
    is_program,
    parameter_descriptions,
    read_recipe,
    recipe_of,
    recipe_of_plain,
)
from graphml.recipes.parameters import checked
from graphml.spec.files import open_regular

if TYPE_CHECKING:  # importing them needs JAX
    from graphml.models import Model

FROM_DATA = "data"
"""The value of --labels that means the classes of the training data."""


class TrainingModel(NamedTuple):
    """A model to train.

    Attributes:
        model: The model; if it is a network, with its recipe.
        recipe: The recipe of an ML Program, whose file cannot store it; None otherwise.
        own: Whether the recipe is not that of the file.
    """

    model: Model
    recipe: Recipe | None
    own: bool

    @property
    def validation_fraction(self) -> float:
        """The fraction of the samples that is held out for validation."""
        recipe = self.recipe
        if recipe is None and self.own:
            recipe = read_recipe(self.model.spec)
        return 0.0 if recipe is None else recipe.validation_fraction


def training_model(
    file: Path, data: Path, *, labels: str | None, layers: Sequence[str], recipe: str | None, epochs: int | None
) -> TrainingModel:
    """The model to train.

    Args:
        file: Its file.
        data: The training data.
        labels: New classes: comma-separated names, a text file with one on each line, or `FROM_DATA`.
        layers: Names or patterns of the layers that learn; none for those that the file marks, or else the last ones.
        recipe: A JSON file, or the name of an optimizer; None for the recipe of the file.
        epochs: The number of epochs, instead of that of the recipe.

    Raises:
        UpdateError: The model cannot be trained this way, or the recipe cannot be read.
    """
    from graphml.models import load
    from graphml.update import make_updatable, replace_head

    model = load(file)
    if labels is None:
        _refuse_other_folders(model, data)
    if labels is None and not layers and recipe is None:
        if epochs is not None:
            _refuse_unless_allowed(epochs, model)
        return TrainingModel(model, None, own=False)
    found = _recipe(recipe, model)
    if epochs is not None:
        found = replace(found, epochs=epochs)
    if labels is not None:
        model = replace_head(model, _labels(labels, data, model))
    chosen = _matching(layers, model) if layers else _marked(model)
    if is_program(model.spec):
        return TrainingModel(model, replace(found, layers=chosen) if chosen else found, own=True)
    return TrainingModel(make_updatable(model, chosen or None, recipe=found), None, own=True)


# Options -------------------------------------------------------------------------------------------------------------


def _recipe(given: str | None, model: Model) -> Recipe:
    """The named recipe; without a name that of the file, or else Adam for ten epochs."""
    if given is None:
        has_own = not is_program(model.spec) and model.kind in _NETWORKS and has_recipe(model.spec)
        return replace(recipe_of(model.spec), layers=None) if has_own else Recipe(Adam(0.001), epochs=10)
    if not given.endswith(".json"):
        return recipe_of_plain({"optimizer": given, "epochs": 10})
    try:
        plain = json.loads(_text(Path(given), "recipe"))
    except (ValueError, RecursionError) as error:
        raise UpdateError(f"{given} is not JSON: {error}") from None
    try:
        return recipe_of_plain(plain)
    except UpdateError as error:
        raise error.in_context(given) from None


def _refuse_other_folders(model: Model, data: Path) -> None:
    """Raise UpdateError if there are folders of images that are not classes of the model."""
    if not data.is_dir() or model.kind != "neuralNetworkClassifier":
        return
    labels = class_labels(model.spec)
    other = [
        folder.name for folder in sorted(data.iterdir()) if folder.is_dir() and folder.name not in map(str, labels)
    ]
    if other:
        known = ", ".join(map(repr, labels[:5])) + (" ..." if len(labels) > 5 else "")
        raise UpdateError(
            f"{data} has folders that are not classes of the model, such as {quoted(other[0])} (its {len(labels)} "
            f"classes are {known}); --labels {FROM_DATA} trains the folders as new classes"
        )


def _refuse_unless_allowed(epochs: int, model: Model) -> None:
    """Raise UpdateError if the recipe of the file does not allow this number of epochs."""
    if model.kind in _NETWORKS and has_recipe(model.spec):
        try:
            checked({"epochs": epochs}, parameter_descriptions(model.spec))
        except UpdateError as error:
            raise UpdateError(f"{error} by the recipe of the file; --recipe names another, such as Adam") from None


_NETWORKS = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")


def _labels(given: str, data: Path, model: Model) -> list[Any]:
    if given == FROM_DATA:
        return _labels_of(data, model)
    path = Path(given)
    names = _text(path, "list of classes").splitlines() if path.is_file() else given.split(",")
    return [name.strip() for name in names if name.strip()]


def _labels_of(data: Path, model: Model) -> list[Any]:
    """The classes of training data: its folders, or the labels in its samples."""
    from graphml.update.data.files import read_samples

    if data.is_dir():
        return [folder.name for folder in sorted(data.iterdir()) if folder.is_dir()]
    name = model.description.predicted_feature_name or ""
    samples: list[Mapping[str, Any]] = list(read_samples(data, model.spec))
    found: dict[Any, None] = dict.fromkeys(sample[name] for sample in samples if name in sample)
    if not found:
        raise UpdateError(f"{data} has no labels: its samples have no feature {name!r}, the label of the model")
    if all(isinstance(label, int) for label in found):
        return sorted(found)
    return sorted(map(str, found))


def _matching(patterns: Sequence[str], model: Model) -> list[str]:
    known = list(model.parameters)
    out: dict[str, None] = {}
    for pattern in patterns:
        found = [name for name in known if fnmatchcase(name, pattern)]
        if not found:
            few = ", ".join(known[:20]) + (" ..." if len(known) > 20 else "")
            raise UpdateError(f"no layer with weights is called {pattern!r}; there are {few}")
        out |= dict.fromkeys(found)
    return list(out)


def _marked(model: Model) -> list[str]:
    """The layers that the file marks as updatable."""
    from graphml.models.graph_model import GraphModel

    if not isinstance(model, GraphModel):
        return []
    return [node.key for node in model.graph.body.walk() if node.updatable and node.weights]


def _text(path: Path, what: str) -> str:
    try:
        with open_regular(path) as file:
            return file.read().decode("utf-8")
    except (OSError, ValueError) as error:
        raise UpdateError(f"the {what} {path} cannot be read: {reason(error)}") from None
