"""The builder's methods for the recipe of an update: what learns, towards what, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphml.build.core import Core
from graphml.build.datatypes import Array, array, feature_type
from graphml.errors import GraphError, GraphmlError, SpecError, UpdateError, with_article
from graphml.recipes import Recipe, network_of, write_recipe
from graphml.spec.attributes import kind_of, weight_messages
from graphml.spec.weights import storage


@dataclass(frozen=True)
class RangeParam:
    """A number with the bounds within which it may be set. Raises SpecError for bounds that leave nothing."""

    value: float
    min: float = 0
    max: float = 1

    def __post_init__(self) -> None:
        if self.min >= self.max:
            raise SpecError(f"min is {self.min} and max {self.max}; min must be less")


class Batch:
    """The size of a mini-batch with the sizes that it may be set to; only itself if none are given."""

    def __init__(self, value: int, allowed_set: Sequence[int] | None = None) -> None:
        if allowed_set is not None and len(set(allowed_set)) != len(allowed_set):
            raise SpecError(f"allowed_set names a size twice: {list(allowed_set)}")
        self.value = value
        self.allowed_set = [value] if allowed_set is None else list(allowed_set)


class _Parameters:
    """The parameters of an optimizer. `set_lr(value, min, max)` and its like replace one, bounds included."""

    numbers: tuple[str, ...] = ()

    def __init__(self, batch: int, **values: float) -> None:
        self.batch = Batch(batch)
        self.lr = RangeParam(values.pop("lr"))
        for name, value in values.items():
            setattr(self, name, RangeParam(value))

    def set_lr(self, value: float, min: float, max: float) -> None:
        """The learning rate."""
        self.lr = RangeParam(value, min, max)

    def set_batch(self, value: int, allowed_set: Sequence[int] | None = None) -> None:
        """The size of a mini-batch."""
        self.batch = Batch(value, allowed_set)


class SgdParams(_Parameters):
    """Stochastic gradient descent: learning rate, size of a mini-batch, momentum."""

    momentum: RangeParam
    numbers = ("lr", "momentum")

    def __init__(self, lr: float = 0.01, batch: int = 10, momentum: float = 0) -> None:
        super().__init__(batch, lr=lr, momentum=momentum)

    def set_momentum(self, value: float, min: float, max: float) -> None:
        """How much of the last step goes into the next."""
        self.momentum = RangeParam(value, min, max)


class AdamParams(_Parameters):
    """Adam: learning rate, size of a mini-batch, the decays of its two moments, and eps."""

    beta1: RangeParam
    beta2: RangeParam
    eps: RangeParam
    numbers = ("lr", "beta1", "beta2", "eps")

    def __init__(
        self, lr: float = 0.01, batch: int = 10, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(batch, lr=lr, beta1=beta1, beta2=beta2, eps=eps)

    def set_beta1(self, value: float, min: float, max: float) -> None:
        """The decay of the first moment."""
        self.beta1 = RangeParam(value, min, max)

    def set_beta2(self, value: float, min: float, max: float) -> None:
        """The decay of the second moment."""
        self.beta2 = RangeParam(value, min, max)

    def set_eps(self, value: float, min: float, max: float) -> None:
        """What keeps the division finite."""
        self.eps = RangeParam(value, min, max)


def _without_mapping(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a blob as a feature has it: without the axes that rank-5 mapping adds."""
    if len(shape) != 5 or shape[:2] != (1, 1):
        return shape
    return shape[2:3] if shape[3:] == (1, 1) else shape[2:]


_LEARN = ("innerProduct", "convolution", "uniDirectionalLSTM")


class UpdateMethods(Core):
    """What training a model needs to know. Layers are named by their names, losses by the blob that they judge."""

    def make_updatable(self, trainables: Sequence[str]) -> None:
        """Let the named layers learn, and the model be updated (specification 4); samples are shuffled.

        Raises UpdateError for layers of kinds that cannot learn and where weights are stored as float16 (anywhere in
        the network) or quantized (in a layer that learns), GraphError for names that no layer has.
        """
        model = self._whole
        chosen = [self._layer(name) for name in trainables]
        for layer in chosen:
            if kind_of(layer) not in _LEARN:
                raise UpdateError(f"layer {layer.name!r} ({kind_of(layer)}) cannot learn; {', '.join(_LEARN)} can")
            if any(weight.HasField("quantization") for _, weight in weight_messages(layer)):
                raise UpdateError(f"layer {layer.name!r} has quantized weights, which cannot learn")
        for layer in self._network.layers:
            if any(storage(weight) == "float16" for _, weight in weight_messages(layer)):
                raise UpdateError(f"layer {layer.name!r} has float16 weights; no network with such can be updated")
        for layer in chosen:
            layer.isUpdatable = True
            for _, weight in weight_messages(layer):
                weight.isUpdatable = True
        model.isUpdatable = True
        self.set_shuffle()

    def set_categorical_cross_entropy_loss(self, name: str, input: str) -> None:
        """Train towards classes: minus the logarithm of the probability of the true one.

        input: the blob of probabilities, which a softmax layer writes. Training then takes the label where this is
        what a classifier answers with, else an index named `<input>_true`. Raises UpdateError for other blobs.
        """
        description = self._whole.description
        writer = next((layer for layer in reversed(self._network.layers) if input in layer.output), None)
        if writer is None or kind_of(writer) != "softmax":
            by = "no layer" if writer is None else f"layer {writer.name!r} ({kind_of(writer)})"
            raise UpdateError(f"loss {name!r} needs the output of a softmax layer; {by} writes {input!r}")
        loss = self._new_loss(name, input)
        loss.categoricalCrossEntropyLossLayer.input = input
        loss.categoricalCrossEntropyLossLayer.target = target = f"{input}_true"
        label = description.predictedFeatureName
        if self._whole.HasField("neuralNetworkClassifier") and label and self._is_probabilities(input):
            kind = next(feature.type for feature in description.output if feature.name == label)
            self._trains_with(label, kind)
        else:
            self._trains_with(target, array(1, dtype="int32"))

    def _is_probabilities(self, blob: str) -> bool:
        return blob in (self._whole.description.predictedProbabilitiesName, self._network.labelProbabilityLayerName)

    def set_mean_squared_error_loss(self, name: str, input_feature: tuple[str, Any] | str | None = None) -> None:
        """Train towards numbers: the mean squared difference.

        input_feature: the blob and its shape, ("y", Array(3)), or just the name of an output whose shape is declared.
        Training then takes an array of doubles named `<blob>_true`. Raises UpdateError for anything else.
        """
        blob, kind = (input_feature, None) if isinstance(input_feature, str) else input_feature or (None, None)
        if isinstance(blob, str) and kind is None:
            declared = [f.type.multiArrayType.shape for f in self._whole.description.output if f.name == blob]
            kind = Array(*declared[0]) if declared and declared[0] else None
        if not isinstance(blob, str) or not isinstance(kind, Array):
            raise UpdateError(
                f"loss {name!r} needs (blob, Array(...)), or an output of declared shape: not {input_feature!r}"
            )
        loss = self._new_loss(name, blob)
        loss.meanSquaredErrorLossLayer.input = blob
        loss.meanSquaredErrorLossLayer.target = f"{blob}_true"
        self._trains_with(f"{blob}_true", feature_type(kind, "float64"))

    def set_recipe(self, recipe: Recipe) -> None:
        """Train by a recipe of `graphml.recipes`, in place of what was set before.

        Where Core ML can train so, it is written in Core ML's words; else in a field that Core ML passes over, and the
        model is not marked as updatable. Layers are those that the recipe names, or that `make_updatable` has named.
        Raises UpdateError for layers and blobs that do not exist, and for targets of unknown shape.
        """
        model = self._whole
        try:
            shapes = {name: _without_mapping(shape) for name, shape in self.shapes.items()}  # type: ignore[attr-defined]
        except GraphmlError:  # a network whose shapes cannot be traced may declare its targets
            shapes = {}
        model.CopyFrom(write_recipe(model, recipe, shapes))
        self._network = network_of(model)

    def _new_loss(self, name: str, blob: str) -> Any:
        """A loss layer under this name. It must be the first; its target must not be something the model gives."""
        losses = self._network.updateParams.lossLayers
        if losses:
            raise UpdateError(f"there is a loss already, {losses[0].name!r}; a network trains towards one")
        if name in self.layers:
            raise GraphError(f"there is a layer {name!r} already")
        if any(feature.name == f"{blob}_true" for feature in self._whole.description.output):
            raise UpdateError(f"the target {blob + '_true'!r} of loss {name!r} is an output of the model")
        return losses.add(name=name)

    def _trains_with(self, target: str, kind: Any) -> None:
        """Training takes the model's inputs, the target, and what was declared before."""
        description = self._whole.description
        declared = {feature.name for feature in description.trainingInput}
        description.trainingInput.extend(f for f in description.input if f.name not in declared)
        if target not in declared:
            description.trainingInput.add(name=target).type.CopyFrom(kind)

    def set_sgd_optimizer(self, sgd_params: SgdParams) -> None:
        """Learn by stochastic gradient descent."""
        self._set_optimizer(sgd_params, SgdParams, "sgdOptimizer")

    def set_adam_optimizer(self, adam_params: AdamParams) -> None:
        """Learn by Adam."""
        self._set_optimizer(adam_params, AdamParams, "adamOptimizer")

    def _set_optimizer(self, params: _Parameters, kind: type[_Parameters], field: str) -> None:
        if not isinstance(params, kind):
            raise UpdateError(f"the parameters are {with_article(type(params).__name__)}, not {kind.__name__}")
        optimizer = self._network.updateParams.optimizer
        optimizer.Clear()
        message = getattr(optimizer, field)
        for name in params.numbers:
            given: RangeParam = getattr(params, name)
            number = message.learningRate if name == "lr" else getattr(message, name)
            number.defaultValue = given.value
            number.range.minValue, number.range.maxValue = given.min, given.max
        message.miniBatchSize.defaultValue = params.batch.value
        message.miniBatchSize.set.values.extend(params.batch.allowed_set)

    def set_epochs(self, epochs: int = 1, allowed_set: Sequence[int] | None = None) -> None:
        """How often training goes through its data, and what this may be set to (only itself if nothing is given)."""
        parameter = self._network.updateParams.epochs
        parameter.Clear()
        parameter.defaultValue = epochs
        parameter.set.values.extend([epochs] if allowed_set is None else allowed_set)

    def set_shuffle(self, seed: int | None = None) -> None:
        """Go through the data in a new order each time; `seed` makes these orders the same again."""
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise UpdateError(f"seed is {seed!r}; it is a whole number")
        self._network.updateParams.shuffle.defaultValue = True
        if seed is not None:
            self._network.updateParams.seed.defaultValue = seed
