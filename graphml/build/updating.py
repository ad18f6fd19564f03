"""The builder's methods for training on a device: the layers to train, the loss and the optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphml.build.core import Core
from graphml.build.datatypes import Array, array, feature_type
from graphml.build.shapes import blob_shapes
from graphml.errors import GraphError, GraphmlError, SpecError, UpdateError
from graphml.recipes import Recipe, network_of, write_recipe
from graphml.spec.attributes import kind_of, weight_messages
from graphml.spec.rules.updates import LEARNING_KINDS
from graphml.spec.weights import storage


@dataclass(frozen=True)
class RangeParam:
    """A parameter with the bounds within which an update may set it.

    Raises:
        SpecError: If min is not less than max.
    """

    value: float
    min: float = 0
    max: float = 1

    def __post_init__(self) -> None:
        if self.min >= self.max:
            raise SpecError(f"min must be less than max, got min {self.min} and max {self.max}")


class Batch:
    """The size of a mini-batch with the sizes that an update may set.

    Args:
        value: The default size.
        allowed_set: The sizes that may be set. Default: only `value`.

    Raises:
        SpecError: If allowed_set contains a size twice.
    """

    def __init__(self, value: int, allowed_set: Sequence[int] | None = None) -> None:
        if allowed_set is not None and len(set(allowed_set)) != len(allowed_set):
            raise SpecError(f"allowed_set contains a size twice: {list(allowed_set)}")
        self.value = value
        self.allowed_set = [value] if allowed_set is None else list(allowed_set)


class _Parameters:
    """The parameters of an optimizer. Each is from 0 to 1; `set_lr(value, min, max)` and the like change the bounds."""

    numbers: tuple[str, ...] = ()

    def __init__(self, batch: int, **values: float) -> None:
        self.batch = Batch(batch)
        self.lr = RangeParam(values.pop("lr"))
        for name, value in values.items():
            setattr(self, name, RangeParam(value))

    def set_lr(self, value: float, min: float, max: float) -> None:
        """Set the learning rate and its bounds."""
        self.lr = RangeParam(value, min, max)

    def set_batch(self, value: int, allowed_set: Sequence[int] | None = None) -> None:
        """Set the size of a mini-batch and the sizes that are allowed."""
        self.batch = Batch(value, allowed_set)


class SgdParams(_Parameters):
    """The parameters of stochastic gradient descent: learning rate, size of a mini-batch, momentum."""

    momentum: RangeParam
    numbers = ("lr", "momentum")

    def __init__(self, lr: float = 0.01, batch: int = 10, momentum: float = 0) -> None:
        super().__init__(batch, lr=lr, momentum=momentum)

    def set_momentum(self, value: float, min: float, max: float) -> None:
        """Set the fraction of the last step that is added to the next, and its bounds."""
        self.momentum = RangeParam(value, min, max)


class AdamParams(_Parameters):
    """The parameters of Adam: learning rate, size of a mini-batch, the decay rates of the two moments, eps."""

    beta1: RangeParam
    beta2: RangeParam
    eps: RangeParam
    numbers = ("lr", "beta1", "beta2", "eps")

    def __init__(
        self, lr: float = 0.01, batch: int = 10, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(batch, lr=lr, beta1=beta1, beta2=beta2, eps=eps)

    def set_beta1(self, value: float, min: float, max: float) -> None:
        """Set the decay rate of the first moment and its bounds."""
        self.beta1 = RangeParam(value, min, max)

    def set_beta2(self, value: float, min: float, max: float) -> None:
        """Set the decay rate of the second moment and its bounds."""
        self.beta2 = RangeParam(value, min, max)

    def set_eps(self, value: float, min: float, max: float) -> None:
        """Set the term that keeps the division finite, and its bounds."""
        self.eps = RangeParam(value, min, max)


def _without_mapping(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a blob without the axes that rank-5 mapping adds."""
    if len(shape) != 5 or shape[:2] != (1, 1):
        return shape
    return shape[2:3] if shape[3:] == (1, 1) else shape[2:]


class UpdateMethods(Core):
    """Methods that make a network trainable."""

    def make_updatable(self, trainables: Sequence[str]) -> None:
        """Mark the model as updatable (specification 4), and layers as trainable. Samples are shuffled.

        Args:
            trainables: The names of the layers.

        Raises:
            UpdateError: If the kind of a layer cannot be trained, its weights are quantized, or any weights in the
                network are float16.
            GraphError: If there is no such layer.
        """
        model = self._whole
        chosen = [self._layer(name) for name in trainables]
        for layer in chosen:
            if kind_of(layer) not in LEARNING_KINDS:
                raise UpdateError(
                    f"layer {layer.name!r} ({kind_of(layer)}) cannot be trained; only {', '.join(LEARNING_KINDS)} can"
                )
            if any(weight.HasField("quantization") for _, weight in weight_messages(layer)):
                raise UpdateError(f"layer {layer.name!r} has quantized weights, which cannot be trained")
        for layer in self._network.layers:
            if any(storage(weight) == "float16" for _, weight in weight_messages(layer)):
                raise UpdateError(f"layer {layer.name!r} has float16 weights; such a network cannot be updated")
        for layer in chosen:
            layer.isUpdatable = True
            for _, weight in weight_messages(layer):
                weight.isUpdatable = True
        model.isUpdatable = True
        self.set_shuffle()

    def set_categorical_cross_entropy_loss(self, name: str, input: str) -> None:
        """Train with categorical cross-entropy: minus the logarithm of the probability of the true class.

        Training then takes the label if these are the probabilities of a classifier, else the index of the class as an
        int32 array [1] named `<input>_true`.

        Args:
            name: The name of the loss.
            input: The blob of the probabilities, the output of a softmax layer.

        Raises:
            UpdateError: If no softmax layer writes the blob, or there already is a loss.
            GraphError: If a layer has this name.
        """
        description = self._whole.description
        writer = next((layer for layer in reversed(self._network.layers) if input in layer.output), None)
        if writer is None or kind_of(writer) != "softmax":
            by = "no layer" if writer is None else f"layer {writer.name!r} ({kind_of(writer)})"
            raise UpdateError(f"loss {name!r} needs the output of a softmax layer, but {by} writes {input!r}")
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
        """Train with the mean squared error. Training then takes a float64 array named `<blob>_true`.

        Args:
            name: The name of the loss.
            input_feature: The blob and its shape, ("y", Array(3)), or the name of an output whose shape is declared.

        Raises:
            UpdateError: If the shape is not known, or there already is a loss.
            GraphError: If a layer has this name.
        """
        blob, kind = (input_feature, None) if isinstance(input_feature, str) else input_feature or (None, None)
        if isinstance(blob, str) and kind is None:
            declared = [f.type.multiArrayType.shape for f in self._whole.description.output if f.name == blob]
            kind = Array(*declared[0]) if declared and declared[0] else None
        if not isinstance(blob, str) or not isinstance(kind, Array):
            raise UpdateError(
                f"input_feature of loss {name!r} is {input_feature!r}; expected (blob, Array(...)), or the name of an "
                "output whose shape is declared"
            )
        loss = self._new_loss(name, blob)
        loss.meanSquaredErrorLossLayer.input = blob
        loss.meanSquaredErrorLossLayer.target = f"{blob}_true"
        self._trains_with(f"{blob}_true", feature_type(kind, "float64"))

    def set_recipe(self, recipe: Recipe) -> None:
        """Train with a recipe of `graphml.recipes`, replacing earlier settings.

        A recipe that Core ML supports is written to Core ML's own fields. Any other is written to a field that Core ML
        ignores, and the model is not marked as updatable.

        Args:
            recipe: The recipe. If it names no layers, those of `make_updatable` are trained.

        Raises:
            UpdateError: If a layer or blob does not exist, or the shape of a target is not known.
        """
        model = self._whole
        try:
            shapes = {name: _without_mapping(shape) for name, shape in blob_shapes(self.spec).items()}
        except GraphmlError:  # the shapes cannot be traced; the targets may be declared
            shapes = {}
        model.CopyFrom(write_recipe(model, recipe, shapes))
        self._network = network_of(model)

    def _new_loss(self, name: str, blob: str) -> Any:
        """A new loss layer. There must be no other, and its target must not be an output of the model."""
        losses = self._network.updateParams.lossLayers
        if losses:
            raise UpdateError(f"there is already a loss, {losses[0].name!r}; a network can have only one")
        if name in self.layers:
            raise GraphError(f"there is already a layer {name!r}")
        if any(feature.name == f"{blob}_true" for feature in self._whole.description.output):
            raise UpdateError(f"the target {blob + '_true'!r} of loss {name!r} is an output of the model")
        return losses.add(name=name)

    def _trains_with(self, target: str, kind: Any) -> None:
        """Declare the model's inputs and the target as inputs of training, unless already declared."""
        description = self._whole.description
        declared = {feature.name for feature in description.trainingInput}
        description.trainingInput.extend(f for f in description.input if f.name not in declared)
        if target not in declared:
            description.trainingInput.add(name=target).type.CopyFrom(kind)

    def set_sgd_optimizer(self, sgd_params: SgdParams) -> None:
        """Train with stochastic gradient descent."""
        self._set_optimizer(sgd_params, SgdParams, "sgdOptimizer")

    def set_adam_optimizer(self, adam_params: AdamParams) -> None:
        """Train with Adam."""
        self._set_optimizer(adam_params, AdamParams, "adamOptimizer")

    def _set_optimizer(self, params: _Parameters, kind: type[_Parameters], field: str) -> None:
        if not isinstance(params, kind):
            raise UpdateError(f"expected {kind.__name__}, got {type(params).__name__}")
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
        """Set the number of epochs.

        Args:
            epochs: The default number.
            allowed_set: The numbers that an update may set. Default: only `epochs`.
        """
        parameter = self._network.updateParams.epochs
        parameter.Clear()
        parameter.defaultValue = epochs
        parameter.set.values.extend([epochs] if allowed_set is None else allowed_set)

    def set_shuffle(self, seed: int | None = None) -> None:
        """Shuffle the samples in each epoch.

        Args:
            seed: A seed that makes the orders reproducible.

        Raises:
            UpdateError: If the seed is not an integer.
        """
        if seed is not None and type(seed) is not int:  # a bool is an int too
            raise UpdateError(f"seed must be an integer, got {seed!r}")
        self._network.updateParams.shuffle.defaultValue = True
        if seed is not None:
            self._network.updateParams.seed.defaultValue = seed
