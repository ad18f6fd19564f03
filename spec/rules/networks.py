"""Rules of neural networks: layers one by one, how blobs connect them, stored weights, preprocessing, class labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphml.spec import layers, weights
from graphml.spec.rules.layer_fields import field_faults
from graphml.spec.rules.problems import Problem, inside, layer_label
from graphml.spec.rules.ranks import rank_problems
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer


def network_problems(model: Model) -> Iterator[Problem]:
    """Everything that is wrong with the network of a model, apart from its interface."""
    kind = model.WhichOneof("Type")
    network = getattr(model, kind)
    if not network.layers:
        yield Problem("network", "has no layers")
    scope = _Scope({feature.name: "the input" for feature in model.description.input})
    yield from _Walk(_writers(network.layers)).region(network.layers, scope, in_loop=False)
    yield from rank_problems(network, model.description.input)
    yield from _outputs(model, kind, network, scope.blobs)
    yield from _mapping(model, network)
    yield from _preprocessing(model, network)
    if kind == "neuralNetworkClassifier":
        yield from _labels(network)
    yield from _names(network.layers)


def _names(messages: Sequence[NeuralNetworkLayer]) -> Iterator[Problem]:
    for name, count in Counter(layer.name for layer in messages).items():
        if count > 1 and name:
            yield Problem("network", f"{count} layers are called {name!r}", "warning")


# Layers and blobs -----------------------------------------------------------------------------------------------------


@dataclass
class _Scope:
    """The blobs that exist at some point, with the layer that wrote each: those of this region, then of outer ones."""

    blobs: dict[str, str] = field(default_factory=dict[str, str])
    outer: _Scope | None = None

    def writer(self, name: str) -> str | None:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.blobs:
                return scope.blobs[name]
            scope = scope.outer
        return None


@dataclass
class _Walk:
    """A walk over layers in order.

    Attributes:
        writers: {blob: the places that write it, in the order of the walk}.
        place: The place of the current layer.
    """

    writers: Mapping[str, list[tuple[int, str]]]
    place: int = field(default=-1)

    def region(self, messages: Sequence[NeuralNetworkLayer], scope: _Scope, *, in_loop: bool) -> Iterator[Problem]:
        for position, layer in enumerate(messages):
            self.place += 1
            label = layer_label(layer, position)
            kind = layer.WhichOneof("layer")
            if kind is None:
                yield Problem(label, "has no kind, or one that is newer than this reader")
            else:
                yield from (Problem(label, fault) for fault in field_faults(layer))
                yield from _weights(layer, kind, label)
            yield from (Problem(label, fault, "warning") for fault in _tensors(layer))
            yield from self._reads(layer, label, scope)
            if kind in ("loopBreak", "loopContinue") and not in_loop:
                yield Problem(label, "is outside of the body of a loop")
            if kind == "branch":
                yield from self._branch(layer, label, scope, in_loop)
            elif kind == "loop":
                yield from self._loop(layer, label, scope)
            yield from self._writes(layer, kind, label, scope)

    def _reads(self, layer: NeuralNetworkLayer, label: str, scope: _Scope) -> Iterator[Problem]:
        for name in dict.fromkeys(layer.input):
            if scope.writer(name) is not None:
                continue
            places = self.writers.get(name, [])
            if not places:
                yield Problem(label, f"reads {name!r}, which is not an input and which no layer writes")
            elif places[0][0] >= self.place:
                yield Problem(
                    label, f"reads {name!r}, which only {places[0][1]} writes: the order is wrong, or there is a cycle"
                )
            else:
                # Core ML refuses this; graphml runs it if the branch that is taken, or the first iteration, is known
                what = f"reads {name!r}, which exists only inside a branch or loop ({places[0][1]} writes it)"
                yield Problem(label, what, "warning")

    def _writes(self, layer: NeuralNetworkLayer, kind: str | None, label: str, scope: _Scope) -> Iterator[Problem]:
        for name in layer.output:
            before = scope.writer(name)
            if before is not None and kind != "copy":
                yield Problem(label, f"writes {name!r} again, after {before}; only a copy layer may overwrite a blob")
            scope.blobs[name] = label

    def _branch(self, layer: NeuralNetworkLayer, label: str, scope: _Scope, in_loop: bool) -> Iterator[Problem]:
        params = layer.branch
        if not params.ifBranch.layers:
            yield Problem(label, "has no layers in its if branch")
        branches = (_Scope(outer=scope), _Scope(outer=scope))
        yield from inside(f"{label} > if", self.region(params.ifBranch.layers, branches[0], in_loop=in_loop))
        yield from inside(f"{label} > else", self.region(params.elseBranch.layers, branches[1], in_loop=in_loop))
        # a blob that only one branch writes may not exist afterwards
        for name in branches[0].blobs.keys() & branches[1].blobs.keys():
            scope.blobs.setdefault(name, label)

    def _loop(self, layer: NeuralNetworkLayer, label: str, scope: _Scope) -> Iterator[Problem]:
        params = layer.loop
        condition, body = params.conditionNetwork.layers, params.bodyNetwork.layers
        if not body:
            yield Problem(label, "has no layers in its body")
        if bool(condition) != bool(params.conditionVar):
            yield Problem(label, "needs a condition network and conditionVar together, or neither")
        if not condition and not params.maxLoopIterations and not layer.input:
            yield Problem(label, "never ends: no condition network, no input, and maxLoopIterations is 0")
        checked = _Scope(outer=scope)
        yield from inside(f"{label} > condition", self.region(condition, checked, in_loop=False))
        if condition and params.conditionVar and params.conditionVar not in _writers(condition):
            yield Problem(label, f"conditionVar {params.conditionVar!r} is not written by the condition network")
        repeated = _Scope(outer=checked)
        yield from inside(f"{label} > body", self.region(body, repeated, in_loop=True))
        # the body may run zero times, but the condition always runs
        for name in checked.blobs if condition else repeated.blobs:
            scope.blobs.setdefault(name, label)


def _writers(messages: Sequence[NeuralNetworkLayer]) -> dict[str, list[tuple[int, str]]]:
    """Blob -> (place, layer) of all that write it, at any depth, in the order in which `_Walk` visits layers."""
    found: dict[str, list[tuple[int, str]]] = {}
    place = -1

    def walk(messages: Sequence[NeuralNetworkLayer], outer: str) -> None:
        nonlocal place
        for position, layer in enumerate(messages):
            place += 1
            label = outer + layer_label(layer, position)
            for name in layer.output:
                found.setdefault(name, []).append((place, label))
            for region, part in layers.REGIONS.get(layer.WhichOneof("layer") or "", {}).items():
                params = getattr(layer, layer.WhichOneof("layer"))
                walk(getattr(params, region).layers, f"{label} > {part} > ")

    walk(messages, "")
    return found


def _tensors(layer: NeuralNetworkLayer) -> Iterator[str]:
    """Faults of the declared ranks and sizes of blobs, which are hints."""
    for names, tensors, what in (
        (layer.input, layer.inputTensor, "inputTensor"),
        (layer.output, layer.outputTensor, "outputTensor"),
    ):
        if tensors and len(tensors) != len(names):
            yield f"{what} describes {len(tensors)} blobs of {len(names)}"
        if any(tensor.dimValue and len(tensor.dimValue) != tensor.rank for tensor in tensors):
            yield f"{what} has a rank other than its number of sizes"


# Weights --------------------------------------------------------------------------------------------------------------


def _weights(layer: NeuralNetworkLayer, kind: str, label: str) -> Iterator[Problem]:
    params = getattr(layer, kind)
    axis = layers.output_channel_axis(kind, params)
    precisions: set[str] = set()
    for name, message, declared in _stored(layer, kind, params, params):
        if message is None:
            yield Problem(label, f"{name} is missing")
            continue
        shape = (weights.stored_count(message),) if declared is None else declared
        if declared is None and shape == (0,) and kind != "custom":
            yield Problem(label, f"{name} is empty")
        for fault in weights.faults(message, shape, axis=axis):
            yield Problem(label, f"{name}: {fault}")
        precisions.add(weights.storage(message))
    if {"float16", "float32"} <= precisions:
        yield Problem(label, "stores some weights in float16 and some in float32", "warning")
    if kind == "convolution3d" and any(storage.startswith(("linear", "table")) for storage in precisions):
        yield Problem(label, "has quantized weights, which Core ML does not accept here", "warning")


def _stored(layer: NeuralNetworkLayer, kind: str, params: Any, message: Any) -> Iterator[tuple[str, Any, Any]]:
    """(name, message or None where it is missing, declared shape or None) of every weight that a layer should have."""
    for spec in message.DESCRIPTOR.fields:
        if spec.message_type is None or spec.name in layers.REGIONS.get(kind, ()):
            continue
        if spec.message_type.name == "LSTMWeightParams":
            cells = getattr(message, spec.name)
            for cell in cells[:2] if spec.is_repeated else (cells,):  # another rule checks their number
                yield from _stored(layer, kind, params, cell)
        elif kind == "activation" and message is params:
            if message.WhichOneof("NonlinearityType") == spec.name:
                yield from _stored(layer, kind, params, getattr(message, spec.name))
        elif spec.message_type.name != "WeightParams":
            continue
        elif spec.is_repeated:
            for index, item in enumerate(getattr(message, spec.name)):
                yield f"{spec.name}[{index}]", item, None
        elif not layers.switched_off(params, spec.name):
            present = message.HasField(spec.name)
            if present or not _optional(layer, kind, params, spec.name):
                shape = layers.weight_shape(kind, params, spec.name)
                yield spec.name, getattr(message, spec.name) if present else None, shape


def _optional(layer: NeuralNetworkLayer, kind: str, params: Any, name: str) -> bool:
    """Whether a weight that no flag switches off may still be absent."""
    if kind in ("convolution", "batchedMatmul"):
        return len(layer.input) > 1
    if kind == "batchnorm":
        return name in ("mean", "variance") and params.computeMeanVar
    return name.startswith("forgetGate") and params.params.coupledInputAndForgetGate


# The network as a whole -----------------------------------------------------------------------------------------------


def _outputs(model: Model, kind: str, network: Any, blobs: Mapping[str, str]) -> Iterator[Problem]:
    description = model.description
    made_of_labels: set[str] = set()
    if kind == "neuralNetworkClassifier":
        made_of_labels = {description.predictedFeatureName, description.predictedProbabilitiesName, "classLabel"}
    for feature in description.output:
        if feature.name not in blobs and feature.name not in made_of_labels:
            yield Problem(f"output {feature.name!r}", "no layer writes this blob")
        of_type = feature.type.WhichOneof("Type")
        if kind == "neuralNetwork" and of_type not in (None, "imageType", "multiArrayType", "doubleType", "int64Type"):
            yield Problem(f"output {feature.name!r}", f"must be an image, an array or a number, got {of_type}")
    for feature in description.input:
        of_type = feature.type.WhichOneof("Type")
        if of_type not in (None, "imageType", "multiArrayType", "doubleType", "int64Type", "stateType"):
            yield Problem(f"input {feature.name!r}", f"must be an image, an array or a number, got {of_type}")
    if description.input and all(feature.type.isOptional for feature in description.input):
        yield Problem("network", "has no input that is required")
    probabilities = network.labelProbabilityLayerName if kind == "neuralNetworkClassifier" else ""
    if probabilities and probabilities not in blobs:
        yield Problem("network", f"labelProbabilityLayerName is {probabilities!r}, a blob that no layer writes")


def _mapping(model: Model, network: Any) -> Iterator[Problem]:
    for name in ("arrayInputShapeMapping", "imageInputShapeMapping"):
        if getattr(network, name) not in (0, 1):
            yield Problem("network", f"{name} must be 0 or 1, got {getattr(network, name)}")
    arrays = [f for f in model.description.input if f.type.WhichOneof("Type") == "multiArrayType"]
    if network.arrayInputShapeMapping or not arrays:
        return
    kinds = {layer.WhichOneof("layer") for layer in network.layers} - {None}
    if network.imageInputShapeMapping or any(layers.since(kind) > 3 for kind in kinds):
        yield Problem("network", "Core ML requires EXACT_ARRAY_MAPPING with newer layers or image mappings", "warning")
        return
    for feature in arrays:
        rank = len(feature.type.multiArrayType.shape)
        if rank not in (0, 1, 3):
            what = f"has {rank} axes; without EXACT_ARRAY_MAPPING an array has 1 (C) or 3 (C, H, W)"
            yield Problem(f"input {feature.name!r}", what, "warning" if rank == 5 else "error")


def _preprocessing(model: Model, network: Any) -> Iterator[Problem]:
    images = {f.name: f.type.imageType for f in model.description.input if f.type.WhichOneof("Type") == "imageType"}
    seen: set[str] = set()
    for position, entry in enumerate(network.preprocessing):
        where = f"preprocessing, number {position + 1}"
        name = entry.featureName
        if not name and len(images) == 1:
            name = next(iter(images))
        if name not in images:
            what = (
                f"names {name!r}, which is not an image input"
                if name
                else f"names none of the {len(images)} image inputs"
            )
            yield Problem(where, what)
            continue
        if name in seen:
            yield Problem(where, f"is a second entry for {name!r}", "warning")
        seen.add(name)
        image = images[name]
        if entry.WhichOneof("preprocessor") is None:
            yield Problem(where, "sets neither scaler nor meanImage", "warning")
        if entry.WhichOneof("preprocessor") == "meanImage" and image.width > 0 and image.height > 0:
            channels = 3 if image.colorSpace in (image.RGB, image.BGR) else 1
            count, wanted = len(entry.meanImage.meanImage), channels * image.height * image.width
            if count != wanted:
                size = f"{channels} x {image.height} x {image.width}"
                yield Problem(where, f"the mean image has {count} values; {name!r} needs {size} = {wanted}")


def _labels(network: Any) -> Iterator[Problem]:
    which = network.WhichOneof("ClassLabels")
    values = getattr(network, which).vector if which else ()
    if not len(values):
        yield Problem("network", "a classifier needs class labels")
    repeated = [label for label, count in Counter(values).items() if count > 1]
    if repeated:
        yield Problem("network", f"the class label {repeated[0]!r} occurs more than once", "warning")
