"""Core ML's own rules about what may be trained on a device. Reading a file does not check them.

In short: the model says isUpdatable and is of a kind that can be updated; only convolution, innerProduct
and uniDirectionalLSTM layers learn; one loss, and no layer between it and a learning layer that stops gradients.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from graphml.errors import with_article
from graphml.spec import layers
from graphml.spec.rules.problems import Problem, inside, layer_label
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.network_pb2 import LossLayer, NeuralNetworkLayer

LEARNING_KINDS = ("convolution", "innerProduct", "uniDirectionalLSTM")
"""The kinds of layers that Core ML can train."""

NOTHING_LEARNS = Problem("network", "no layer is marked as updatable")
_PASS = (*LEARNING_KINDS, "flatten", "pooling", "batchnorm")
_PASSING_ACTIVATIONS = ("ReLU", "sigmoid", "tanh")


def update_problems(model: Model) -> list[Problem]:
    """Every reason why Core ML would not train this model. None of them matters for prediction."""
    found: list[Problem] = []
    if not model.isUpdatable:
        found.append(Problem("model", "is not marked isUpdatable"))
    if model.specificationVersion < 4:
        what = f"has specification version {model.specificationVersion}; updatable models need at least 4"
        found.append(Problem("model", what))
    return [*found, *_of_kind(model)]


def pipeline_of(model: Model) -> Any:
    """The stages of a pipeline of any of the three kinds; None for other models."""
    kind = model.WhichOneof("Type")
    if kind == "pipeline":
        return model.pipeline
    return getattr(model, kind).pipeline if kind in ("pipelineClassifier", "pipelineRegressor") else None


def _of_kind(model: Model) -> Iterator[Problem]:
    kind = model.WhichOneof("Type")
    pipeline = pipeline_of(model)
    if pipeline is not None:
        *before, last = pipeline.models or (None,)
        for position, stage in enumerate(before):
            if stage.isUpdatable:
                yield Problem(f"pipeline stage {position + 1}", "is updatable, but only the last stage may be")
        if last is not None:
            yield from inside(f"pipeline stage {len(before) + 1}", update_problems(last))
    elif kind in layers.NETWORKS:
        yield from _network(model, getattr(model, kind))
    elif kind != "kNearestNeighborsClassifier":
        what = "a model without a known kind" if kind is None else with_article(kind)
        yield Problem("model", f"{what} cannot be updated")


def _network(model: Model, network: Any) -> Iterator[Problem]:
    yield from _learning_layers(network.layers)
    losses = network.updateParams.lossLayers
    names = Counter([*(layer.name for layer in network.layers), *(loss.name for loss in losses)])
    for name, count in names.items():
        if count > 1:
            yield Problem("network", f"{count} layers or losses are called {name!r}; in training names are unique")
    if len(losses) != 1:
        yield Problem("network", f"expected exactly one loss layer, got {len(losses)}")
    for loss in losses:
        yield from _loss(loss, network.layers)
    yield from _settings(network.updateParams)
    if len(losses) == 1:
        yield from _training_inputs(model, _ends(losses[0])[1])
        yield from _target(model, losses[0], network.layers)


# Layers that learn ----------------------------------------------------------------------------------------------------


def _learning_layers(messages: Sequence[NeuralNetworkLayer]) -> Iterator[Problem]:
    if not any(layer.isUpdatable for layer in messages):
        yield NOTHING_LEARNS
    for position, layer in enumerate(messages):
        label = layer_label(layer, position)
        yield from _inner_layers(layer, label)
        if not layer.isUpdatable:
            continue
        kind = layer.WhichOneof("layer")
        if kind not in LEARNING_KINDS:
            yield Problem(label, f"is updatable, but only {', '.join(LEARNING_KINDS)} can be")
        elif kind != "uniDirectionalLSTM":
            params = getattr(layer, kind)
            for name in ("weights", "bias") if params.hasBias else ("weights",):
                weight = getattr(params, name)
                if weight.HasField("quantization"):
                    yield Problem(label, f"is updatable, but {name} is quantized")
                if not weight.isUpdatable:
                    yield Problem(label, f"is updatable, but {name} is not marked so")


def _inner_layers(layer: NeuralNetworkLayer, label: str) -> Iterator[Problem]:
    kind = layer.WhichOneof("layer")
    for region, name in layers.REGIONS.get(kind or "", {}).items():
        for position, inner in enumerate(getattr(getattr(layer, kind), region).layers):
            place = f"{label} > {name} > {layer_label(inner, position)}"
            if inner.isUpdatable:
                yield Problem(place, "is updatable, but layers inside branches and loops cannot be")
            yield from _inner_layers(inner, place)


# The loss, and the path of the gradient -------------------------------------------------------------------------------


def _ends(loss: LossLayer) -> tuple[str, str]:
    """The blobs that a loss compares: the output of the network, and its target."""
    kind = loss.WhichOneof("LossLayerType")
    return (getattr(loss, kind).input, getattr(loss, kind).target) if kind else ("", "")


@dataclass(frozen=True)
class _Place:
    """A layer in the graph of blobs: its label, and the places that write what it reads."""

    layer: NeuralNetworkLayer
    label: str
    parents: tuple[int, ...]


def _places(messages: Sequence[NeuralNetworkLayer]) -> tuple[list[_Place], dict[str, int]]:
    """All layers with their parents, and {blob: the last layer that writes it}."""
    writers: dict[str, int] = {}
    places: list[_Place] = []
    for position, layer in enumerate(messages):
        parents = tuple(dict.fromkeys(writers[name] for name in layer.input if name in writers))
        places.append(_Place(layer, layer_label(layer, position), parents))
        writers.update(dict.fromkeys(layer.output, position))
    return places, writers


def _loss(loss: LossLayer, messages: Sequence[NeuralNetworkLayer]) -> Iterator[Problem]:
    where = f"loss {loss.name!r}"
    kind = loss.WhichOneof("LossLayerType")
    if kind is None:
        yield Problem(where, "has no kind; it is categorical cross entropy or mean squared error")
        return
    source, target = _ends(loss)
    places, writers = _places(messages)
    if target in writers:
        yield Problem(where, f"its target {target!r} is made by the network, in {places[writers[target]].label}")
    if source not in writers:
        yield Problem(where, f"its input {source!r} is a blob that no layer writes")
        return
    entropy = kind == "categoricalCrossEntropyLossLayer"
    if entropy and places[writers[source]].layer.WhichOneof("layer") != "softmax":
        yield Problem(
            where, f"its input comes from {places[writers[source]].label}; cross entropy needs a softmax layer"
        )
    yield from _gradient(places, writers[source], entropy, where)


def _gradient(places: Sequence[_Place], start: int, entropy: bool, where: str) -> Iterator[Problem]:
    """Walk from the loss towards the inputs, breadth first, as Core ML does: any updatable
    layer behind one that stops the gradient is refused, even if another path leads to it.
    """
    blocker: str | None = None
    on_path: dict[int, str | None] = {start: None}  # place -> the layer that stops the gradient before it
    queue = deque([(start, True)])
    while queue:
        position, first = queue.popleft()
        place = places[position]
        if place.layer.isUpdatable and blocker is not None:
            own = on_path[position]
            reason = f"{own} is between it and the loss and" if own else f"{blocker}, on another path from the loss,"
            yield Problem(place.label, f"cannot learn: {reason} passes no gradient")
        stops = not _passes(place.layer) and not (entropy and first and place.layer.WhichOneof("layer") == "softmax")
        if stops and blocker is None:
            blocker = place.label
        for parent in place.parents:
            if parent not in on_path:
                on_path[parent] = on_path[position] or (place.label if stops else None)
                queue.append((parent, False))
    for position, place in enumerate(places):
        if place.layer.isUpdatable and position not in on_path:
            yield Problem(place.label, f"is updatable, but {where} does not depend on it", "warning")


def _passes(layer: NeuralNetworkLayer) -> bool:
    kind = layer.WhichOneof("layer")
    return kind in _PASS or (
        kind == "activation" and layer.activation.WhichOneof("NonlinearityType") in _PASSING_ACTIVATIONS
    )


# Settings -------------------------------------------------------------------------------------------------------------


def _settings(update: Any) -> Iterator[Problem]:
    faults = [*parameter_faults(update, "epochs", positive=True)]
    if update.HasField("seed"):
        faults += parameter_faults(update, "seed")
    yield from (Problem("update parameters", fault) for fault in faults)
    kind = update.optimizer.WhichOneof("OptimizerType")
    if kind is None:
        yield Problem("optimizer", "is missing; it is SGD or Adam")
        return
    optimizer = getattr(update.optimizer, kind)
    for field in optimizer.DESCRIPTOR.fields:
        if field.name == "momentum" and not optimizer.HasField("momentum"):
            continue
        positive = field.name == "miniBatchSize"
        yield from (Problem("optimizer", fault) for fault in parameter_faults(optimizer, field.name, positive=positive))


def parameter_faults(holder: Message, name: str, *, positive: bool = False) -> Iterator[str]:
    """Find all faults of an Int64Parameter or DoubleParameter, a number with allowed values.

    Args:
        holder: The message with the parameter.
        name: The field of the parameter.
        positive: Whether all allowed values must be positive.

    Returns:
        A sentence for each fault.
    """
    if not holder.HasField(name):
        yield f"{name} is missing"
        return
    parameter: Any = getattr(holder, name)
    default = parameter.defaultValue
    kind = parameter.WhichOneof("AllowedValues")
    legal: list[Any] = [default]
    if not math.isfinite(default):
        yield f"the default of {name}, {default}, is not a finite number"
        return
    if kind == "set":
        legal += parameter.set.values
        if default not in parameter.set.values:
            yield f"the default of {name}, {default}, is not one of its allowed values"
    elif kind == "range":
        low, high = parameter.range.minValue, parameter.range.maxValue
        legal += [low, high]
        if not low <= high:
            yield f"the range of {name}, {low} to {high}, is empty"
        elif not low <= default <= high:
            yield f"the default of {name}, {default}, is outside its range {low} to {high}"
    if positive and min(legal) < 1:
        yield f"{name} must be positive, but its allowed values include {min(legal)}"


# Training inputs ------------------------------------------------------------------------------------------------------


def _training_inputs(model: Model, target: str) -> Iterator[Problem]:
    description: Any = model.description
    given = description.trainingInput
    classifier = model.WhichOneof("Type") == "neuralNetworkClassifier"
    wanted = description.predictedFeatureName if classifier else target
    for name, count in Counter(feature.name for feature in given).items():
        if count > 1:
            yield Problem(f"training input {name!r}", f"is declared {count} times; names are unique")
    if len(given) < 2:
        yield Problem("training inputs", f"there are {len(given)}; an input and the target {wanted!r} are needed")
    inputs = {feature.name: feature.type for feature in description.input}
    extra = [feature for feature in given if inputs.get(feature.name) != feature.type]
    if given and len(extra) == len(given):
        yield Problem("training inputs", "none of them is an input of the model, with the same type")
    if any(feature.name == target for feature in extra):
        return
    outputs = {feature.name: feature.type for feature in description.output}
    label = next((feature for feature in extra if classifier and feature.name == wanted), None)
    if label is None:
        yield Problem("training inputs", f"the target {wanted!r} is not among them")
    elif outputs.get(wanted) != label.type:
        yield Problem(f"training input {wanted!r}", "has another type than the output of that name")


def _target(model: Model, loss: LossLayer, messages: Sequence[NeuralNetworkLayer]) -> Iterator[Problem]:
    """Check the type and size of the training input that the loss compares with."""
    description: Any = model.description
    source, target = _ends(loss)
    classifier, label = model.WhichOneof("Type") == "neuralNetworkClassifier", description.predictedFeatureName
    named = [target, label] if classifier else [target]
    given = {feature.name: feature for feature in description.trainingInput}
    feature = next((given[name] for name in named if name in given), None)
    kind = None if feature is None else feature.type.WhichOneof("Type")
    if feature is None or kind is None:
        return
    where = f"training input {feature.name!r}"
    entropy = loss.WhichOneof("LossLayerType") == "categoricalCrossEntropyLossLayer"
    if classifier and (kind == "stringType" or (kind == "int64Type" and feature.name == label)):
        if not entropy:
            yield Problem(where, "is a class label, but the mean squared error compares numbers")
        return
    if kind not in ("multiArrayType", "int64Type", "doubleType"):
        yield Problem(where, f"has the type {kind}; the loss {loss.name!r} takes arrays and numbers")
        return
    array = feature.type.multiArrayType
    if kind == "multiArrayType" and (not array.shape or array.WhichOneof("ShapeFlexibility")):
        return
    count = math.prod(array.shape)
    sizes = written_sizes(model, source, messages)
    if sizes and count not in ({1, *sizes} if entropy else sizes):
        wanted = " or ".join(map(str, sorted(sizes)))
        takes = "one index, or a probability for each class:" if entropy else "as many numbers as its input has:"
        yield Problem(where, f"has {count} elements; the loss {loss.name!r} takes {takes} {wanted}")


def written_sizes(model: Model, blob: str, messages: Sequence[NeuralNetworkLayer]) -> set[int]:
    """The sizes that a file declares for a blob: as an output of the model, and as the output of an innerProduct layer.

    Args:
        model: The model.
        blob: The name of the blob.
        messages: The layers of the network.

    Returns:
        The numbers of elements; empty if the file declares none.
    """
    found: set[int] = set()
    for feature in model.description.output:
        array = feature.type.multiArrayType
        if feature.name == blob and array.shape and not array.WhichOneof("ShapeFlexibility"):
            found.add(math.prod(array.shape))
    places, writers = _places(messages)
    position = writers.get(blob)
    while position is not None and places[position].layer.WhichOneof("layer") in ("softmax", "activation"):
        position = next(iter(places[position].parents), None)
    if position is not None and places[position].layer.WhichOneof("layer") == "innerProduct":
        found.add(places[position].layer.innerProduct.outputChannels)
    return found
