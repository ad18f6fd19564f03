"""Replacing the head of a classifier: the same network up to its last weights, with other classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.errors import UpdateError, with_article
from graphml.models import Model
from graphml.models.network import NeuralNetwork
from graphml.recipes import network_of
from graphml.spec.attributes import decode, kind_of
from graphml.spec.weights import encode
from graphml.spec.wire.model_pb2 import Model as Message

# Layers that may stand between the last weights and the probabilities, because they take any number of classes.
_PASS = (
    *("softmax", "softmaxND", "flatten", "flattenTo2D", "squeeze", "expandDims", "permute", "transpose"),
    *("pooling", "activation", "unary", "reduce", "reduceMean", "reduceSum", "clip", "sigmoid", "tanh"),
)
_SHAPES = {"reshape": "targetShape", "reshapeStatic": "targetShape", "rankPreservingReshape": "targetShape"}


def replace_head(model: Model, labels: Sequence[str] | Sequence[int], *, seed: int = 0) -> NeuralNetwork:
    """A classifier for other classes.

    The last inner product or convolution gets one output for each label, with new weights and biases of zero. All other
    layers stay as they are, and so do the names of the outputs.

    Args:
        model: a neural network classifier.
        labels: the new classes, all strings or all integers: at least two, all different.
        seed: the random seed of the new weights, which are normal with variance 2 / (inputs + outputs).

    Raises:
        UpdateError: the model is not a neural network classifier, or a layer after the last weights depends on the
            number of classes; the message names it.
    """
    network_of(model.spec)
    if model.kind != "neuralNetworkClassifier":
        raise UpdateError(f"only classifiers have classes to replace; this model is {with_article(model.kind)}")
    names = _checked(labels)
    message = Message()
    message.CopyFrom(model.spec)
    network = message.neuralNetworkClassifier
    old = len(getattr(network, network.WhichOneof("ClassLabels") or "stringClassLabels").vector)
    behind, head = _head(network)
    _renew(head, old, len(names), seed)
    for layer in behind:
        _resize(layer, old, len(names))
    network.ClearField("stringClassLabels")
    network.ClearField("int64ClassLabels")
    text = isinstance(names[0], str)
    getattr(network, "stringClassLabels" if text else "int64ClassLabels").vector.extend(names)
    blobs = {blob for layer in (head, *behind) for blob in layer.output}
    _declare(message.description, blobs, old, len(names), text=text)
    assert isinstance(model, NeuralNetwork)
    return type(model)(message, configuration=model.configuration, custom_layers=model.custom_layers, path=model.path)


def _checked(labels: Sequence[Any]) -> list[Any]:
    names: list[Any] = [label.item() if isinstance(label, np.generic) else label for label in labels]
    kinds: set[Any] = {type(name) for name in names}
    if kinds not in ({str}, {int}) or isinstance(labels, str):
        raise UpdateError(f"labels must be all strings or all integers, got {labels!r}")
    if len(set(names)) < max(2, len(names)):
        raise UpdateError(f"a classifier needs at least two different classes, all named once; the labels are {names}")
    return names


def _head(network: Any) -> tuple[list[Any], Any]:
    """(the layers between the last weights and the probabilities, the layer with these weights)"""
    blob = network.labelProbabilityLayerName
    if not blob and network.layers:
        blob = network.layers[-1].output[0]
    behind: list[Any] = []
    while True:
        layer = next((one for one in reversed(network.layers) if blob in one.output), None)
        if layer is None:
            raise UpdateError(f"no layer with weights computes the probabilities: {blob!r} is an input")
        kind = kind_of(layer)
        if kind in ("innerProduct", "convolution") and len(layer.input) == 1:
            if kind == "convolution" and (layer.convolution.isDeconvolution or layer.convolution.nGroups > 1):
                raise UpdateError(f"layer {layer.name!r} has groups or is a deconvolution; it cannot get new outputs")
            return behind, layer
        if (kind not in _PASS and kind not in _SHAPES) or len(layer.input) != 1:
            raise UpdateError(
                f"layer {layer.name!r} ({kind}) is between the last weights and the probabilities; it may depend "
                "on the number of classes"
            )
        behind.append(layer)
        blob = layer.input[0]


def _renew(layer: Any, old: int, new: int, seed: int) -> None:
    """Give a layer new weights for another number of outputs."""
    params = getattr(layer, kind_of(layer))
    if params.outputChannels != old:
        raise UpdateError(
            f"layer {layer.name!r} has {params.outputChannels} outputs, not one for each of the {old} classes"
        )
    shape = (new, *decode(layer).weights["weights"].shape[1:])
    field = int(np.prod(shape[2:]))
    deviation = np.sqrt(2 / (field * (shape[0] + shape[1])))
    values = np.random.default_rng(seed).standard_normal(shape) * deviation
    encode(values.astype(np.float32), params.weights)
    params.outputChannels = new
    if params.hasBias:
        encode(np.zeros(new, np.float32), params.bias)
    if kind_of(layer) == "innerProduct":
        params.int8DynamicQuantize = False
    _forget_shapes(layer)


def _resize(layer: Any, old: int, new: int) -> None:
    """Change the number of classes in the shape of a layer after the head."""
    kind = kind_of(layer)
    _forget_shapes(layer)
    if kind == "activation" and layer.activation.WhichOneof("NonlinearityType") in ("PReLU", "parametricSoftplus"):
        raise UpdateError(f"layer {layer.name!r} after the head has weights for {old} classes")
    if kind not in _SHAPES:
        return
    shape = getattr(getattr(layer, kind), _SHAPES[kind])
    places = [i for i, size in enumerate(shape) if size == old]
    if len(places) == 1:
        shape[places[0]] = new
    elif -1 not in shape and 0 not in shape:
        raise UpdateError(
            f"layer {layer.name!r} ({kind}) makes the shape {list(shape)}, in which no single axis is the {old} classes"
        )


def _forget_shapes(layer: Any) -> None:
    del layer.inputTensor[:]
    del layer.outputTensor[:]


def _declare(description: Any, blobs: set[str], old: int, new: int, *, text: bool) -> None:
    """Declare the type of the labels, and the new sizes of outputs that are among the blobs."""
    for feature in (*description.output, *description.trainingInput):
        kind = feature.type
        if feature.name == description.predictedFeatureName:
            kind.ClearField("Type")
            (kind.stringType if text else kind.int64Type).SetInParent()
        elif feature.name == description.predictedProbabilitiesName and kind.HasField("dictionaryType"):
            kind.ClearField("Type")
            keys = kind.dictionaryType.stringKeyType if text else kind.dictionaryType.int64KeyType
            keys.SetInParent()
        elif feature.name in blobs and list(kind.multiArrayType.shape).count(old) == 1:
            shape = kind.multiArrayType.shape
            shape[list(shape).index(old)] = new
