"""How a model is to be trained: what its file says, with the values that the caller wants instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from graphml.errors import UpdateError
from graphml.spec import Model
from graphml.spec.layers import NETWORKS
from graphml.spec.wire.network_pb2 import LossLayer
from graphml.update.parameters import ParameterDescription, ParameterKey, checked, describe

_LOSSES: Mapping[str, Literal["categorical_cross_entropy", "mean_squared_error"]] = {
    "categoricalCrossEntropyLossLayer": "categorical_cross_entropy",
    "meanSquaredErrorLossLayer": "mean_squared_error",
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

    label: the target is the class label itself, which the class table turns into an index.
    """

    kind: Literal["categorical_cross_entropy", "mean_squared_error"]
    name: str
    input: str
    target: str
    label: bool = False


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides the network and the data.

    hyper: the numbers of the optimizer by name (learning_rate, momentum; learning_rate, beta1, beta2, eps).
    """

    loss: Loss
    optimizer: Literal["sgd", "adam"]
    hyper: Mapping[str, float]
    epochs: int
    batch_size: int
    shuffle: bool
    seed: int

    @property
    def values(self) -> dict[ParameterKey, Any]:
        """Every parameter with its value."""
        return {
            **{ParameterKey(name): value for name, value in self.hyper.items()},
            ParameterKey.MINI_BATCH_SIZE: self.batch_size,
            ParameterKey.EPOCHS: self.epochs,
            ParameterKey.SHUFFLE: self.shuffle,
            ParameterKey.SEED: self.seed,
        }

    def replaced(self, values: Mapping[ParameterKey, Any]) -> Recipe:
        """This recipe with other values, already checked; weights and biases among them are not for the recipe."""
        named = {key.name: value for key, value in values.items() if not key.scope}
        return replace(
            self,
            hyper={name: named.get(name, value) for name, value in self.hyper.items()},
            epochs=named.get("epochs", self.epochs),
            batch_size=named.get("mini_batch_size", self.batch_size),
            shuffle=named.get("shuffle", self.shuffle),
            seed=named.get("seed", self.seed),
        )


def network_of(model: Model) -> Any:
    """The network inside a Model message. Raises UpdateError for every other kind of model."""
    kind = model.WhichOneof("Type")
    if kind not in NETWORKS:
        raise UpdateError(f"only neural networks are trained here; this model is a {kind}")
    return getattr(model, kind)


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

    Raises UpdateError that lists what the file lacks, or which values it refuses and what it allows.
    """
    network = network_of(model)
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
        loss=_loss(model, params.lossLayers[0]),
        optimizer=kind,
        hyper={key.name: values[key] for key in keys.values()},
        epochs=values[ParameterKey.EPOCHS],
        batch_size=values[ParameterKey.MINI_BATCH_SIZE],
        shuffle=values[ParameterKey.SHUFFLE],
        seed=values[ParameterKey.SEED],
    )


def _loss(model: Model, message: LossLayer) -> Loss:
    """The loss layer, with the training input that is really meant as its target.

    Files of classifiers often name a target that no training input has: the label under predictedFeatureName is
    meant.
    """
    member = str(message.WhichOneof("LossLayerType"))
    loss = getattr(message, member)
    description = model.description
    given = {feature.name: feature.type.WhichOneof("Type") for feature in description.trainingInput}
    classifier = model.WhichOneof("Type") == "neuralNetworkClassifier"
    target = loss.target
    if target not in given and classifier:
        target = description.predictedFeatureName
    if target not in given:
        legal = ", ".join(given) if given else "none"
        raise UpdateError(
            f"the target {loss.target!r} of loss {message.name!r} is no training input; these are {legal}"
        )
    label = classifier and target == description.predictedFeatureName and given[target] != "multiArrayType"
    return Loss(_LOSSES[member], message.name, loss.input, target, label)
