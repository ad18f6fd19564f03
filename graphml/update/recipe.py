"""How a model is to be trained: what its file says, with the values that the caller wants instead."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from graphml import recipes
from graphml.errors import UpdateError
from graphml.recipes import network_of as network_of
from graphml.recipes import read_recipe
from graphml.recipes.parts import bounds
from graphml.spec import Model
from graphml.spec.wire.network_pb2 import LossLayer
from graphml.update.parameters.keys import ParameterDescription, ParameterKey, as_key, checked, describe

_MOST_CLASSES = 1 << 24  # that a target declares: each sample has so many numbers

LossKind = Literal[
    "categorical_cross_entropy",
    "mean_squared_error",
    "binary_cross_entropy",
    "huber",
    "cosine",
    "hinge",
    "contrastive",
]

_LOSSES: Mapping[str, LossKind] = {
    "categoricalCrossEntropyLossLayer": "categorical_cross_entropy",
    "meanSquaredErrorLossLayer": "mean_squared_error",
}
_OWN_LOSSES: Mapping[type[recipes.Loss], LossKind] = {
    recipes.CrossEntropy: "categorical_cross_entropy",
    recipes.SquaredError: "mean_squared_error",
    recipes.BinaryCrossEntropy: "binary_cross_entropy",
    recipes.Huber: "huber",
    recipes.CosineDistance: "cosine",
    recipes.Hinge: "hinge",
    recipes.Contrastive: "contrastive",
}
_OPTIMIZERS: Mapping[str, tuple[Literal["sgd", "adam"], Mapping[str, ParameterKey]]] = {
    "sgdOptimizer": ("sgd", {"learningRate": ParameterKey.LEARNING_RATE, "momentum": ParameterKey.MOMENTUM}),
    "adamOptimizer": (
        "adam",
        {
            "learningRate": ParameterKey.LEARNING_RATE,
            "beta1": ParameterKey.BETA1,
            "beta2": ParameterKey.BETA2,
            "eps": ParameterKey.EPS,
        },
    ),
}


@dataclass(frozen=True)
class Loss:
    """What training minimizes: a function of the blob `input` and of the training feature `target`.

    label: the target is the class label itself, which the class table turns into an index. width: of cross entropy,
    how many numbers a target is: 1, the index of a class, or as many as there are classes, a probability for each.
    """

    kind: LossKind
    name: str
    input: str
    target: str
    label: bool = False
    width: int = 1

    @property
    def classes(self) -> bool:
        """Whether the target is a class, by its index or its label; else it is an array."""
        return self.kind in ("categorical_cross_entropy", "contrastive")


@dataclass(frozen=True)
class Augment:
    """A change of the samples. input: an image input, None for all of them."""

    kind: str
    input: str | None


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides the network and the data.

    losses: their weighted sum is minimized. optimizer: sgd, adam, adamw, rmsprop or lion. hyper: all numbers that are
    traced, by the names of their parameters: learning_rate, momentum, <loss>/loss_weight, <blob>/dropout_rate ...
    layers: which learn, with the names of their weights (none: all); None: those that are marked, or all. schedule:
    constant, cosine, linear or step. For the rest see `graphml.recipes.Recipe`.
    """

    losses: tuple[Loss, ...]
    optimizer: str
    hyper: Mapping[str, float]
    epochs: int
    batch_size: int
    shuffle: bool
    seed: int
    layers: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    schedule: str = "constant"
    dropout: tuple[str, ...] = ()
    augmentation: tuple[Augment, ...] = ()
    quantized: str = "dequantize"
    half: str = "float32"
    statistics: str = "frozen"
    metrics: tuple[recipes.Metric, ...] = ()
    validation_fraction: float = 0.0
    early_stopping: recipes.EarlyStopping | None = None

    @property
    def loss(self) -> Loss:
        """The first loss, the only one in recipes of Core ML."""
        return self.losses[0]

    @property
    def form(self) -> Hashable:
        """All that is compiled in: recipes of one form differ in numbers only."""
        return (
            *(self.losses, self.optimizer, frozenset(self.hyper), self.layers, self.schedule, self.dropout),
            *(self.augmentation, self.quantized, self.half, self.statistics, self.metrics),
        )

    @property
    def values(self) -> dict[ParameterKey, Any]:
        """Every parameter with its value."""
        return {
            **{as_key(name): value for name, value in self.hyper.items()},
            ParameterKey.MINI_BATCH_SIZE: self.batch_size,
            ParameterKey.EPOCHS: self.epochs,
            ParameterKey.SHUFFLE: self.shuffle,
            ParameterKey.SEED: self.seed,
        }

    def replaced(self, values: Mapping[ParameterKey, Any]) -> Recipe:
        """This recipe with other values, already checked; weights and biases among them are not for the recipe."""
        named = {str(key): value for key, value in values.items()}
        return replace(
            self,
            hyper={name: named.get(name, value) for name, value in self.hyper.items()},
            epochs=named.get("epochs", self.epochs),
            batch_size=named.get("mini_batch_size", self.batch_size),
            shuffle=named.get("shuffle", self.shuffle),
            seed=named.get("seed", self.seed),
        )


def class_labels(model: Model) -> tuple[str, ...] | tuple[int, ...]:
    """The class table of a classifier, in the order of its probabilities; empty for other networks."""
    network = network_of(model)
    if model.WhichOneof("Type") != "neuralNetworkClassifier" or network.WhichOneof("ClassLabels") is None:
        return ()
    return tuple(getattr(network, network.WhichOneof("ClassLabels")).vector)


def parameter_descriptions(model: Model) -> dict[ParameterKey, ParameterDescription]:
    """What may be set in training a network: every parameter of its recipe with default and allowed values.

    Momentum, shuffle and seed may be missing in a file: 0, False and 0 then, and free to choose.
    """
    own = read_recipe(model)
    if own is not None:
        return _own_descriptions(own)
    params = network_of(model).updateParams
    member = params.optimizer.WhichOneof("OptimizerType")
    out: dict[ParameterKey, ParameterDescription] = {}
    if member is not None:
        optimizer = getattr(params.optimizer, member)
        for field, key in _OPTIMIZERS[member][1].items():
            if optimizer.HasField(field) or field == "momentum":
                out[key] = describe(key, getattr(optimizer, field))
        if optimizer.HasField("miniBatchSize"):
            key = ParameterKey.MINI_BATCH_SIZE
            out[key] = describe(key, optimizer.miniBatchSize, positive=True)
    if params.HasField("epochs"):
        out[ParameterKey.EPOCHS] = describe(ParameterKey.EPOCHS, params.epochs, positive=True)
    out[ParameterKey.SHUFFLE] = describe(ParameterKey.SHUFFLE, params.shuffle)
    out[ParameterKey.SEED] = describe(ParameterKey.SEED, params.seed)
    return out


def recipe_of(model: Model, overrides: Mapping[Any, Any] | None = None) -> Recipe:
    """The recipe of a Model message, with `overrides` (keys or their names -> values) in place of its defaults.

    Raises UpdateError that lists what the file lacks, or which values it refuses and what it allows. Defaults that the
    file does not allow itself pass, for another value may replace them; see `refuse_unless_allowed`.
    """
    network = network_of(model)
    own = read_recipe(model)
    if own is not None:
        return _own_recipe(model, own, overrides)
    params = network.updateParams
    descriptions = parameter_descriptions(model)
    member = params.optimizer.WhichOneof("OptimizerType")
    missing: list[str] = []
    if len(params.lossLayers) != 1 or params.lossLayers[0].WhichOneof("LossLayerType") is None:
        count = len(params.lossLayers)
        missing.append(
            f"it has {count if count else 'no'} loss layers; training needs one"
            if count != 1
            else "its loss layer is of no known kind"
        )
    if member is None:
        missing.append("it names no optimizer")
    else:
        wanted = {*_OPTIMIZERS[member][1].values(), ParameterKey.MINI_BATCH_SIZE}
        missing += [f"its {member} lacks {key}" for key in sorted(wanted - descriptions.keys(), key=str)]
    if ParameterKey.EPOCHS not in descriptions:
        missing.append("it does not say how many epochs to train")
    if missing or member is None:
        raise UpdateError("the model cannot be trained: " + "; ".join(missing))
    values = {key: description.default for key, description in descriptions.items()}
    values |= checked(overrides, descriptions)
    kind, keys = _OPTIMIZERS[member]
    return Recipe(
        losses=(_loss(model, params.lossLayers[0]),),
        optimizer=kind,
        hyper={key.name: values[key] for key in keys.values()},
        epochs=values[ParameterKey.EPOCHS],
        batch_size=values[ParameterKey.MINI_BATCH_SIZE],
        shuffle=values[ParameterKey.SHUFFLE],
        seed=values[ParameterKey.SEED],
    )


def _loss(model: Model, message: LossLayer) -> Loss:
    member = str(message.WhichOneof("LossLayerType"))
    loss = getattr(message, member)
    return _with_target(model, Loss(_LOSSES[member], message.name, loss.input, loss.target))


def _with_target(model: Model, loss: Loss) -> Loss:
    """The loss with the training input that is really meant as its target.

    Files of classifiers often name a target that no training input has: the label under predictedFeatureName is
    meant.
    """
    description = model.description
    given = {feature.name: feature.type.WhichOneof("Type") for feature in description.trainingInput}
    name, count = next(iter(Counter(feature.name for feature in description.trainingInput).most_common(1)), ("", 0))
    if count > 1:
        raise UpdateError(f"the training input {name!r} is declared {count} times")
    classifier = model.WhichOneof("Type") == "neuralNetworkClassifier"
    target = loss.target
    if target not in given and classifier:
        target = description.predictedFeatureName
    if target not in given:
        legal = ", ".join(given) if given else "none"
        raise UpdateError(
            f"the target {loss.target!r} of loss {loss.name!r} is not a training input; these are {legal}"
        )
    named = target == description.predictedFeatureName and given[target] != "multiArrayType"
    label = classifier and (named or given[target] == "stringType")
    width = 1
    if loss.kind == "categorical_cross_entropy" and given[target] == "multiArrayType":
        feature = next(feature for feature in description.trainingInput if feature.name == target)
        width = math.prod(feature.type.multiArrayType.shape)
        if not 0 < width <= _MOST_CLASSES:
            raise UpdateError(f"the target {target!r} has {width} elements; cross entropy takes 1 to {_MOST_CLASSES}")
    return replace(loss, target=target, label=label, width=width)


# Recipes of our own --------------------------------------------------------------------------------------------------

# (part, its field) -> the name of the parameter, where that is another
_PARAMETER_NAMES = {
    **{("Schedule", name): f"decay_{name}" for name in ("final", "every", "factor")},
    **{("Loss", "weight"): "loss_weight", ("Dropout", "rate"): "dropout_rate"},
    **{("Flip", "horizontal"): "flip_horizontal", ("Flip", "vertical"): "flip_vertical"},
    ("Shift", "fraction"): "shift_fraction",
    ("Rotate", "degrees"): "rotation_degrees",
    ("Brightness", "fraction"): "brightness_fraction",
}


def _numbers(own: recipes.Recipe) -> Iterator[tuple[ParameterKey, float, tuple[type[recipes.parts.Part], str]]]:
    """(key, value, where its bounds stand) of every number that training traces."""
    schedule: Any = own.optimizer.schedule  # type: ignore[attr-defined]
    placed: list[tuple[Any, str | None]] = [(own.optimizer, None), (schedule, None)]
    placed += [(loss, loss.name) for loss in own.losses]
    placed += [(dropped, dropped.blob) for dropped in own.dropout]
    placed += [(step, step.input) for step in own.augmentation]
    for part, scope in placed:
        for field, value in part.numbers.items():
            places = [kind.__name__ for kind in type(part).__mro__]
            name = next((_PARAMETER_NAMES[p, field] for p in places if (p, field) in _PARAMETER_NAMES), field)
            yield ParameterKey(name, () if scope is None else (scope,)), value, (type(part), field)
    if own.clip_norm is not None:
        yield ParameterKey("clip_norm"), own.clip_norm, (recipes.Recipe, "clip_norm")
    if own.statistics == "updated":
        yield ParameterKey("statistics_momentum"), own.statistics_momentum, (recipes.Recipe, "statistics_momentum")


def _own_descriptions(own: recipes.Recipe) -> dict[ParameterKey, ParameterDescription]:
    out = {}
    for key, value, place in _numbers(own):
        low, high = bounds(*place)
        out[key] = ParameterDescription(key, value, "number", low, high)
    size, epochs = ParameterKey.MINI_BATCH_SIZE, ParameterKey.EPOCHS
    return {
        **out,
        size: ParameterDescription(size, own.batch_size, "integer", 1),
        epochs: ParameterDescription(epochs, own.epochs, "integer", 1),
        ParameterKey.SHUFFLE: ParameterDescription(ParameterKey.SHUFFLE, own.shuffle, "switch"),
        ParameterKey.SEED: ParameterDescription(ParameterKey.SEED, own.seed, "integer"),
    }


def _own_recipe(model: Model, own: recipes.Recipe, overrides: Mapping[Any, Any] | None) -> Recipe:
    keys = [key for key, _, _ in _numbers(own)]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UpdateError(f"the recipe has two parameters {twice}")
    losses = tuple(
        _with_target(model, Loss(_OWN_LOSSES[type(loss)], str(loss.name), str(loss.input), str(loss.target)))
        for loss in own.losses
    )
    recipe = Recipe(
        losses=losses,
        optimizer=own.optimizer.kind,
        hyper={str(key): value for key, value, _ in _numbers(own)},
        epochs=own.epochs,
        batch_size=own.batch_size,
        shuffle=own.shuffle,
        seed=own.seed,
        layers=own.layers,
        schedule=own.optimizer.schedule.wire,  # type: ignore[attr-defined]
        dropout=tuple(dropped.blob for dropped in own.dropout),
        augmentation=tuple(Augment(step.wire, step.input) for step in own.augmentation),
        quantized=own.quantized,
        half=own.half,
        statistics=own.statistics,
        metrics=own.metrics,
        validation_fraction=own.validation_fraction,
        early_stopping=own.early_stopping,
    )
    return recipe.replaced(checked(overrides, _own_descriptions(own)))
