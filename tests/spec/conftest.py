"""Small models for the tests of the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from graphml.spec import Model, NeuralNetworkLayer
from graphml.spec.attributes import encode

BuildLayer = Callable[..., NeuralNetworkLayer]
BuildModel = Callable[..., Model]


def _layer(kind: str, inputs: str = "x", outputs: str = "y", name: str = "", **fields: Any) -> NeuralNetworkLayer:
    message: Any = encode(kind, fields)
    message.name = name or kind
    message.input.extend(inputs.split())
    message.output.extend(outputs.split())
    return message


def _network(
    *layers: NeuralNetworkLayer,
    inputs: Mapping[str, tuple[int, ...]] | str = "x",
    outputs: str = "y",
    kind: str = "neuralNetwork",
) -> Model:
    model = Model(specificationVersion=5)
    shapes = inputs if isinstance(inputs, Mapping) else dict.fromkeys(inputs.split(), (3,))
    for name, shape in shapes.items():
        feature = model.description.input.add(name=name)
        feature.type.multiArrayType.dataType = feature.type.multiArrayType.FLOAT32
        feature.type.multiArrayType.shape.extend(shape)
    for name in outputs.split():
        array = model.description.output.add(name=name).type.multiArrayType
        array.dataType = array.FLOAT32
    network = getattr(model, kind)
    network.layers.extend(layers)
    network.arrayInputShapeMapping = 1
    return model


@pytest.fixture(scope="session")
def layer() -> BuildLayer:
    """layer(kind, "blobs read", "blobs written", name=..., **fields)"""
    return _layer


@pytest.fixture(scope="session")
def network() -> BuildModel:
    """network(*layers, inputs="x" or {"x": shape}, outputs="y", kind="neuralNetwork"): a model of version 5."""
    return _network


@pytest.fixture
def model() -> Model:
    """A small model."""
    return _network(_layer("copy"))


@pytest.fixture
def other() -> Model:
    """Another one, with a longer message."""
    return _network(_layer("ceil", name="another layer with a longer name"))


@pytest.fixture
def trainable() -> Model:
    """A network that Core ML's rules allow to be trained: two innerProducts, softmax, cross entropy, SGD."""
    first = _layer("innerProduct", "x", "h", "first", weights=np.ones((4, 3)), bias=np.ones(4))
    second = _layer("innerProduct", "a", "s", "second", weights=np.ones((2, 4)), bias=np.ones(2))
    layers = [first, _layer("activation", "h", "a", "relu", ReLU={}), second, _layer("softmax", "s", "y", "softmax")]
    model = _network(*layers)
    model.neuralNetwork.arrayInputShapeMapping = 0  # the softmax is over the channels of rank 5
    model.isUpdatable = True
    for layer in (model.neuralNetwork.layers[0], model.neuralNetwork.layers[2]):
        layer.isUpdatable = True
        layer.innerProduct.weights.isUpdatable = layer.innerProduct.bias.isUpdatable = True
    model.description.trainingInput.add().CopyFrom(model.description.input[0])
    target = model.description.trainingInput.add(name="target").type.multiArrayType
    target.dataType = target.INT32
    target.shape.append(1)
    update = model.neuralNetwork.updateParams
    update.lossLayers.add(name="loss").categoricalCrossEntropyLossLayer.input = "y"
    update.lossLayers[0].categoricalCrossEntropyLossLayer.target = "target"
    update.epochs.defaultValue = 10
    update.optimizer.sgdOptimizer.learningRate.defaultValue = 0.1
    update.optimizer.sgdOptimizer.miniBatchSize.defaultValue = 4
    return model
