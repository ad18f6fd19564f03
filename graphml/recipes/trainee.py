"""What recipes need to know about the model, in any format: its nodes, its labels, and its predictions."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphml.errors import UpdateError, with_article
from graphml.recipes.messages import keyed_layers, network_of
from graphml.spec.attributes import kind_of
from graphml.spec.layers import NETWORKS
from graphml.spec.networks import layer_keys
from graphml.spec.program import programs
from graphml.spec.program.operations import FIXED
from graphml.spec.program.types import tensor_type
from graphml.spec.program.values import decode
from graphml.spec.wire.features_pb2 import FeatureType
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.program_pb2 import Block, Function, Operation, Value

PROGRAM = "mlProgram"


@dataclass(frozen=True)
class TraineeNode:
    """A layer or operation that a recipe may name.

    Attributes:
        key: its key in the tree of parameters.
        name: its name in the file.
        kind: its kind.
        outputs: the blobs that it writes.
        marked: whether the file marks it as trainable.
        outer: whether it is outside of sub-networks and blocks.
        constants: for an operation, {parameter: the constant with float elements that it receives}.
    """

    key: str
    name: str
    kind: str
    outputs: tuple[str, ...]
    marked: bool = False
    outer: bool = True
    constants: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def learning(self) -> tuple[str, ...]:
        """The constants that are trained if the operation is named."""
        fixed = FIXED.get(self.kind, frozenset())
        return tuple(dict.fromkeys(key for name, key in self.constants.items() if name not in fixed))


def is_program(model: Model) -> bool:
    """Whether the model is an ML Program."""
    return model.WhichOneof("Type") == PROGRAM


def nodes_of(model: Model) -> tuple[TraineeNode, ...]:
    """The layers of a network, or the operations of an ML Program.

    Raises:
        UpdateError: the model is neither, or a program with several functions.
    """
    if is_program(model):
        return tuple(_operations(programs.body(_function(model)), ChainMap({}), outer=True))
    network = network_of(model)
    outer = {*layer_keys(network.layers)}  # names of layers may have slashes too
    return tuple(
        TraineeNode(key, layer.name, kind_of(layer), tuple(layer.output), layer.isUpdatable, key in outer)
        for key, layer in keyed_layers(network)
    )


def _function(model: Model) -> Function:
    """The only function of a program."""
    held = model.mlProgram.functions
    if len(held) != 1:
        names = ", ".join(map(repr, sorted(held)))
        raise UpdateError(f"only ML Programs with one function can be trained; this one has {names or 'none'}")
    return next(iter(held.values()))


def _operations(block: Block, floats: ChainMap[str, bool], *, outer: bool) -> Iterator[TraineeNode]:
    """The operations of a block. floats: names that are visible in it -> whether they are constants of floats."""
    floats = floats.new_child(dict.fromkeys((argument.name for argument in block.inputs), False))
    for operation in block.operations:
        outputs = tuple(output.name for output in operation.outputs)
        constants = {
            f"{parameter}_{i}" if i else parameter: binding.name
            for parameter, argument in sorted(operation.inputs.items())
            for i, binding in enumerate(argument.arguments)
            if floats.get(binding.name, False)
        }
        name = programs.name(operation)
        yield TraineeNode(outputs[0] if outputs else name, name, operation.type, outputs, False, outer, constants)
        for inner in operation.blocks:
            yield from _operations(inner, floats, outer=False)
        floats |= dict.fromkeys(outputs, is_float_constant(operation))


def is_float_constant(operation: Operation) -> bool:
    """Whether an operation of a program is a constant of floats, compressed or not, that has axes."""
    if operation.type != "const" and not operation.type.startswith("constexpr_"):
        return False
    kind = operation.outputs[0].type
    if not kind.HasField("tensorType"):
        return False
    name, shape = tensor_type(kind)
    return "float" in name and shape is not None and len(shape) > 0


def chosen(model: Model, names: Sequence[tuple[str, tuple[str, ...]]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What a recipe names, as keys in the tree of parameters.

    Args:
        model: the model.
        names: (layer, names of its weights; none for all). In a program, a constant, or an operation, which stands for
            the constants that it receives.

    Returns:
        (key, names of its weights) of each layer or constant.

    Raises:
        UpdateError: nothing has such a name, or several things have.
    """
    nodes = nodes_of(model)
    program = is_program(model)
    known = {node.name: node for node in nodes if program} | {node.key: node for node in nodes}
    counts = Counter(node.key for node in nodes)
    unknown = [name for name, _ in names if name not in known]
    if unknown:
        what = "operation" if program else "layer"
        legal = ", ".join(node.key for node in nodes if not program or node.learning)
        raise UpdateError(f"there is no {what} {', '.join(map(repr, unknown))}; the {what}s are {legal}")
    found: dict[str, tuple[str, ...]] = {}
    for name, weights in names:
        node = known[name]
        for key in _constants(node, weights):
            if counts[key] > 1:
                raise UpdateError(f"several operations write {key!r}, so it cannot be trained")
            found[key] = () if node.constants else weights
    return tuple(found.items())


def _constants(node: TraineeNode, parameters: tuple[str, ...]) -> tuple[str, ...]:
    """The keys that a layer or operation stands for."""
    if not node.constants:
        return (node.key,)
    unknown = [name for name in parameters if name not in node.constants]
    if unknown:
        legal = ", ".join(node.constants)
        raise UpdateError(f"{node.key!r} ({node.kind}) receives no constant {', '.join(unknown)}; it receives {legal}")
    return tuple(node.constants[name] for name in parameters) or node.learning or (node.key,)


def is_classifier(model: Model) -> bool:
    """Whether the model is a network or an ML Program that classifies."""
    kind = model.WhichOneof("Type")
    return kind == "neuralNetworkClassifier" or (kind == PROGRAM and _classify(model) is not None)


def _classify(model: Model) -> Operation | None:
    """The operation that ends a classifying program; None in other programs."""
    operations = programs.body(_function(model)).operations
    return next((operation for operation in reversed(operations) if operation.type == "classify"), None)


def class_labels(model: Model) -> tuple[str, ...] | tuple[int, ...]:
    """The classes of a classifier, in the order of its probabilities; empty for other models."""
    if not is_classifier(model):
        return ()
    if is_program(model):
        return _labels_of_program(model)
    network = network_of(model)
    if network.WhichOneof("ClassLabels") is None:
        return ()
    return tuple(getattr(network, network.WhichOneof("ClassLabels")).vector)


def _labels_of_program(model: Model) -> Any:
    classify = _classify(model)
    assert classify is not None
    labels: list[Any] = []
    for binding in classify.inputs["classes"].arguments:
        value = binding.value if binding.WhichOneof("binding") == "value" else _constant(model, binding.name)
        labels += np.asarray(decode(value), object).reshape(-1).tolist()
    return tuple(label if isinstance(label, str) else int(label) for label in labels)


def _constant(model: Model, name: str) -> Value:
    for operation in programs.body(_function(model)).operations:
        if operation.type == "const" and operation.outputs[0].name == name:
            return operation.attributes["val"]
    raise UpdateError(f"the labels of the classifier are in {name!r}, which is not a constant")


def label_type(model: Model) -> FeatureType:
    """The type of the label that a classifier predicts.

    Raises:
        UpdateError: the label is not among the outputs.
    """
    name = model.description.predictedFeatureName
    found = next((feature.type for feature in model.description.output if feature.name == name), None)
    if found is None:
        raise UpdateError(f"the classifier has no output {name!r} for its label")
    return found


def answer_of(model: Model) -> str:
    """The blob that a loss reads by default: the probabilities of a classifier, or the first output.

    Raises:
        UpdateError: the model has neither.
    """
    if is_program(model):
        classify = _classify(model)
        if classify is not None:
            return classify.inputs["probabilities"].arguments[0].name
    elif is_classifier(model):
        network = network_of(model)
        if network.labelProbabilityLayerName:
            return network.labelProbabilityLayerName
        if not network.layers or not network.layers[-1].output:
            raise UpdateError("the classifier has no layer that could compute its probabilities")
        return network.layers[-1].output[0]
    if not model.description.output:
        raise UpdateError("the model has no output that a loss could read")
    return model.description.output[0].name


def writer_of(model: Model, blob: str) -> str | None:
    """The kind of the node that computes a blob, skipping copies and casts between floats; None if no node outside of
    sub-networks and blocks does."""
    for node, operation in reversed([*_with_operations(model)]):
        if blob not in node.outputs:
            continue
        if operation is None or node.kind not in ("identity", "cast"):
            return node.kind
        blob = operation.inputs["x"].arguments[0].name
    return None


def _with_operations(model: Model) -> Iterator[tuple[TraineeNode, Operation | None]]:
    """The nodes outside of sub-networks and blocks; those of a program with their operations."""
    nodes = [node for node in nodes_of(model) if node.outer]
    operations = programs.body(_function(model)).operations if is_program(model) else [None] * len(nodes)
    yield from zip(nodes, operations, strict=True)


def refuse_unless_trainable(model: Model) -> None:
    """Raise UpdateError unless the model is a neural network or an ML Program."""
    kind = model.WhichOneof("Type")
    if kind not in NETWORKS and kind != PROGRAM:
        raise UpdateError(
            f"only neural networks and ML Programs can be trained; this model is {with_article(kind or 'unknown')}"
        )
