"""What a recipe leaves to the model: which blobs and targets its losses compare, and which layers learn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from graphml.errors import UpdateError
from graphml.recipes.losses import BinaryCrossEntropy, CrossEntropy, FunctionLoss, Hinge, Loss, SquaredError
from graphml.recipes.recipe import Recipe
from graphml.recipes.trainee import answer_of, chosen, is_classifier, label_type, nodes_of, writer_of
from graphml.spec.wire.features_pb2 import ArrayFeatureType
from graphml.spec.wire.model_pb2 import FeatureDescription, Model

Shapes = Mapping[str, tuple[int, ...]]
"""{blob: its shape}."""

_MOST_CLASSES = 1 << 24  # each sample stores so many numbers if its target is probabilities


def completed(model: Model, recipe: Recipe) -> Recipe:
    """The recipe with the inputs, targets and names of its losses, and with the layers that the model marks.

    Raises:
        UpdateError: the recipe names layers or blobs that the model does not have, or a name twice.
    """
    nodes = nodes_of(model)
    if recipe.layers is None:
        layers = tuple((node.key, ()) for node in nodes if node.marked) or None
    else:
        layers = chosen(model, recipe.layers)
    losses: list[Loss] = []
    for loss in recipe.losses or (_default_loss(model),):
        blob = loss.input or answer_of(model)
        if all(blob not in node.outputs for node in nodes):
            raise UpdateError(f"a loss reads {blob!r}, but nothing in the model writes it")
        name = loss.name or f"{blob}_loss"
        taken = {node.name for node in nodes if node.outer} | {one.name for one in losses}
        while not loss.name and name in taken:
            name += "_"
        if name in taken:
            raise UpdateError(f"two losses, or a layer and a loss, have the name {name!r}")
        losses.append(replace(loss, input=blob, target=loss.target or _default_target(model, loss, blob), name=name))
    for dropout in recipe.dropout:
        if all(dropout.blob not in node.outputs for node in nodes if node.outer):
            raise UpdateError(f"dropout on {dropout.blob!r}: nothing outside of sub-networks writes this blob")
    return replace(recipe, layers=layers, losses=tuple(losses))


def _default_loss(model: Model) -> Loss:
    """Cross entropy for probabilities, squared error for everything else."""
    blob = answer_of(model)
    softmax = writer_of(model, blob) in ("softmax", "softmaxND")
    return CrossEntropy() if is_classifier(model) or softmax else SquaredError()


def _default_target(model: Model, loss: Loss, blob: str) -> str:
    label = model.description.predictedFeatureName
    takes_label = loss.takes_class or isinstance(loss, FunctionLoss)
    return label if takes_label and is_classifier(model) and label else f"{blob}_true"


def declare_targets(model: Model, recipe: Recipe, shapes: Shapes) -> None:
    """Declare the training inputs in a model: its inputs and the targets of the losses. What is declared stays.

    Args:
        model: this message is changed.
        recipe: a completed recipe.
        shapes: of blobs that are not outputs with a declared shape.

    Raises:
        UpdateError: the shape of a target is not known.
    """
    description = model.description
    declared = {feature.name for feature in description.trainingInput}
    description.trainingInput.extend(f for f in description.input if f.name not in declared)
    declared |= {feature.name for feature in description.input}
    outputs = {feature.name: feature.type for feature in description.output}
    for loss in recipe.losses:
        if loss.target in declared:
            continue
        declared.add(loss.target)
        kind = description.trainingInput.add(name=loss.target).type
        takes_label = loss.takes_class or isinstance(loss, FunctionLoss)
        if takes_label and loss.target == description.predictedFeatureName:
            kind.CopyFrom(label_type(model))
        elif loss.takes_class:
            kind.multiArrayType.shape.append(1)
            kind.multiArrayType.dataType = ArrayFeatureType.INT32
        else:
            shape = list(outputs[loss.input].multiArrayType.shape) if loss.input in outputs else []
            shape = shape or list(shapes.get(loss.input, ()))
            if not shape:
                raise UpdateError(
                    f"the shape of {loss.input!r} is not declared; declare the training input {loss.target!r}"
                )
            kind.multiArrayType.shape.extend(shape)
            kind.multiArrayType.dataType = ArrayFeatureType.DOUBLE


def with_targets(model: Model, recipe: Recipe) -> Recipe:
    """The recipe with the targets that the training inputs of a model really have, and with their widths.

    Files of classifiers often name a target that does not exist and mean the label.

    Raises:
        UpdateError: a target is not a training input, two parameters have one name, or no loss fits the metrics.
    """
    keys = Counter(one.key for one in recipe.parameters())
    twice = next((key for key, count in keys.items() if count > 1), None)
    if twice is not None:
        raise UpdateError(f"the recipe has two parameters {twice}")
    if recipe.metrics and not any(
        isinstance(loss, CrossEntropy | BinaryCrossEntropy | Hinge) for loss in recipe.losses
    ):
        raise UpdateError("metrics need a loss that can be right or wrong: CrossEntropy, BinaryCrossEntropy or Hinge")
    # unchecked, because defaults in a file may still be replaced
    return recipe.with_fields(losses=tuple(_with_target(model, loss) for loss in recipe.losses))


def _with_target(model: Model, loss: Loss) -> Loss:
    description = model.description
    inputs = {feature.name: feature for feature in description.trainingInput}
    name, count = next(iter(Counter(feature.name for feature in description.trainingInput).most_common(1)), ("", 0))
    if count > 1:
        raise UpdateError(f"the training input {name!r} is declared {count} times")
    target = loss.target
    if target not in inputs and is_classifier(model):
        target = description.predictedFeatureName
    if target not in inputs:
        declared = ", ".join(inputs) if inputs else "none"
        raise UpdateError(
            f"the target {loss.target!r} of loss {loss.name!r} is not a training input; these are {declared}"
        )
    return loss.with_fields(target=target, width=_width(loss, inputs[target], is_label(model, target)))


def is_label(model: Model, target: str) -> bool:
    """Whether the samples name the class of a target by its label, not by its index.

    Args:
        model: its training inputs have the target.
        target: the training input.
    """
    kind = next(one.type for one in model.description.trainingInput if one.name == target).WhichOneof("Type")
    named = target == model.description.predictedFeatureName and kind != "multiArrayType"
    return is_classifier(model) and (named or kind == "stringType")


def _width(loss: Loss, feature: FeatureDescription, label: bool) -> int:
    array = feature.type.multiArrayType
    is_array = feature.type.WhichOneof("Type") == "multiArrayType"
    width = math.prod(array.shape)
    if isinstance(loss, CrossEntropy) and is_array:
        if not 0 < width <= _MOST_CLASSES:
            raise UpdateError(
                f"the target {feature.name!r} has {width} elements; cross entropy takes 1 to {_MOST_CLASSES}"
            )
        return width
    if isinstance(loss, FunctionLoss):
        return int(label or (is_array and width == 1 and array.dataType == ArrayFeatureType.INT32))
    return int(loss.takes_class)
