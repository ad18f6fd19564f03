"""Another head for a classifier: the same network up to its last weights, with classes of one's own."""

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

# Between the last weights and the probabilities: what works on any number of classes, in wire names.
_PASS = (
    *("softmax", "softmaxND", "flatten", "flattenTo2D", "squeeze", "expandDims", "permute", "transpose"),
    *("pooling", "activation", "unary", "reduce", "reduceMean", "reduceSum", "clip", "sigmoid", "tanh"),
)
_SHAPES = {"reshape": "targetShape", "reshapeStatic": "targetShape", "rankPreservingReshape": "targetShape"}


def replace_head(model: Model, labels: Sequence[str] | Sequence[int], *, seed: int = 0) -> NeuralNetwork:
    """A classifier for other classes: the last inner product or convolution has one output for each label, with fresh
    weights (normal, of variance 2 / (inputs + outputs), drawn from `seed`) and biases of zero. All else stays, with it
    the softmax, the names of the outputs and what the layers below have learned.

    labels: texts or whole numbers, all different, at least two. Raises UpdateError for models that are no neural
    network classifiers, and where layers behind the last weights depend on the number of classes, naming them.
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
    names = [label.item() if isinstance(label, np.generic) else label for label in labels]
    kinds = {type(name) for name in names}
    if kinds not in ({str}, {int}) or isinstance(labels, str):
        raise UpdateError(f"labels are all texts or all whole numbers, not {labels!r}")
    if len(set(names)) < max(2, len(names)):
        raise UpdateError(f"a classifier tells at least two different classes apart; the labels are {names}")
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
            raise UpdateError(f"no layer with weights leads to the probabilities: {blob!r} is an input")
        kind = kind_of(layer)
        if kind in ("innerProduct", "convolution") and len(layer.input) == 1:
            if kind == "convolution" and (layer.convolution.isDeconvolution or layer.convolution.nGroups > 1):
                raise UpdateError(f"layer {layer.name!r} has groups or is a deconvolution; it cannot be a new head")
            return behind, layer
        if (kind not in _PASS and kind not in _SHAPES) or len(layer.input) != 1:
            raise UpdateError(f"layer {layer.name!r} ({kind}) stands between the last weights and the probabilities")
        behind.append(layer)
        blob = layer.input[0]


def _renew(layer: Any, old: int, new: int, seed: int) -> None:
    """Fresh weights for another number of outputs."""
    params = getattr(layer, kind_of(layer))
    if params.outputChannels != old:
        raise UpdateError(
            f"layer {layer.name!r} has {params.outputChannels} outputs for {old} classes; it is not their head"
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
    """A layer behind the head whose shape has the number of classes in it."""
    kind = kind_of(layer)
    _forget_shapes(layer)
    if kind == "activation" and layer.activation.WhichOneof("NonlinearityType") in ("PReLU", "parametricSoftplus"):
        raise UpdateError(f"layer {layer.name!r} has weights for {old} classes behind the head")
    if kind not in _SHAPES:
        return
    shape = getattr(getattr(layer, kind), _SHAPES[kind])
    places = [i for i, size in enumerate(shape) if size == old]
    if len(places) == 1:
        shape[places[0]] = new
    elif -1 not in shape and 0 not in shape:
        raise UpdateError(f"layer {layer.name!r} ({kind}) makes the shape {list(shape)}; where are the {old} classes?")


def _forget_shapes(layer: Any) -> None:
    del layer.inputTensor[:]
    del layer.outputTensor[:]


def _declare(description: Any, blobs: set[str], old: int, new: int, *, text: bool) -> None:
    """Label and dictionary in the type of the labels; of the other outputs, those among the blobs in their new size."""
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
