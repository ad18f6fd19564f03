"""Small updatable networks for the tests of updating: a builder's network plus a recipe."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml import spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.models import load
from graphml.models.network import NeuralNetwork
from graphml.recipes import Recipe
from graphml.update import UpdateTask


def with_recipe(
    builder: NeuralNetworkBuilder,
    loss_input: str,
    target: str,
    target_type: Any,
    *,
    cross_entropy: bool = False,
    adam: bool = False,
    epochs: int = 3,
    batch_size: int = 4,
    shuffle: bool = False,
) -> spec.Model:
    """The builder's model, marked updatable, with one loss, an optimizer and every number free within wide bounds."""
    model = builder.spec
    model.isUpdatable = True
    model.specificationVersion = max(4, model.specificationVersion)
    for feature in model.description.input:
        model.description.trainingInput.add().CopyFrom(feature)
    model.description.trainingInput.add(name=target).type.CopyFrom(target_type)
    params = getattr(model, str(model.WhichOneof("Type"))).updateParams
    layer = params.lossLayers.add(name="loss")
    loss = layer.categoricalCrossEntropyLossLayer if cross_entropy else layer.meanSquaredErrorLossLayer
    loss.input, loss.target = loss_input, target
    optimizer = params.optimizer.adamOptimizer if adam else params.optimizer.sgdOptimizer
    numbers = {"learningRate": 0.05, **({"beta1": 0.9, "beta2": 0.999, "eps": 1e-8} if adam else {"momentum": 0.0})}
    for name, default in numbers.items():
        number = getattr(optimizer, name)
        number.defaultValue, number.range.maxValue = default, 1e6
    optimizer.miniBatchSize.defaultValue = batch_size
    optimizer.miniBatchSize.range.minValue, optimizer.miniBatchSize.range.maxValue = 1, 64
    params.epochs.defaultValue = epochs
    params.epochs.range.minValue, params.epochs.range.maxValue = 1, 1000
    params.shuffle.defaultValue = shuffle
    return model


def regression(seed: int = 0, **recipe: Any) -> NeuralNetwork:
    """x [3] -> frozen dense, ReLU -> trained dense -> y [2], squared error against y_true."""
    draw = np.random.default_rng(seed)
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(2)})
    builder.add("innerProduct", "below", ["x"], ["h"], weights=draw.normal(size=(5, 3)), bias=draw.normal(size=5))
    builder.add("activation", "relu", ["h"], ["r"], nonlinearity_type="ReLU")
    weights: dict[str, Any] = {"weights": draw.normal(size=(2, 5)) / 2, "bias": draw.normal(size=2)}
    builder.add("innerProduct", "top", ["r"], ["y"], updatable=True, **weights)
    return network(with_recipe(builder, "y", "y_true", array(2), **recipe))


def classifier(seed: int = 0, labels: Any = ("cat", "dog", "owl"), **recipe: Any) -> NeuralNetwork:
    """x [2, 6, 6] -> trained convolution, ReLU, pooling, flatten, trained dense, softmax -> one of three labels."""
    draw = np.random.default_rng(seed)
    builder = NeuralNetworkBuilder({"x": array(2, 6, 6)}, {}, class_labels=labels, probabilities="p")
    kernel: dict[str, Any] = {"weights": draw.normal(size=(4, 2, 3, 3)) / 3, "bias": draw.normal(size=4)}
    builder.add("convolution", "conv", ["x"], ["c"], updatable=True, valid={}, **kernel)
    builder.add("activation", "relu", ["c"], ["r"], nonlinearity_type="ReLU")
    pool: dict[str, Any] = {"type": "MAX", "kernel_size": (2, 2), "stride": (2, 2), "valid": {}}
    builder.add("pooling", "pool", ["r"], ["s"], **pool)
    builder.add("flatten", "flat", ["s"], ["f"])
    dense: dict[str, Any] = {"weights": draw.normal(size=(3, 16)) / 4, "bias": draw.normal(size=3)}
    builder.add("innerProduct", "top", ["f"], ["z"], updatable=True, **dense)
    builder.add("softmax", "softmax", ["z"], ["p"])
    label = spec.FeatureType()
    if isinstance(labels[0], str):
        label.stringType.SetInParent()
    else:
        label.int64Type.SetInParent()
    model = with_recipe(builder, "p", "classLabel", label, cross_entropy=True, **recipe)
    # as converters write it: a name that no training input has; the label is meant
    model.neuralNetworkClassifier.updateParams.lossLayers[0].categoricalCrossEntropyLossLayer.target = "p_true"
    return network(model)


def network(model: spec.Model) -> NeuralNetwork:
    """The model after a round trip through bytes."""
    loaded = load(spec.serialize(model))
    assert isinstance(loaded, NeuralNetwork)
    return loaded


def trained(model: NeuralNetwork, data: Any, recipe: Recipe, **parameters: Any) -> UpdateTask:
    """A task that has trained a model with its own recipe."""
    task = UpdateTask(model, data, recipe=recipe, strict=False)
    task.resume(parameters)
    task.wait(60)
    assert task.error is None, task.error
    return task


def regression_data(count: int = 10, seed: int = 1) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 3)).astype(np.float32)
    return {"x": x, "y_true": np.stack([x.sum(1), x[:, 0] - x[:, 2]], 1)}


def classifier_data(count: int = 12, seed: int = 1, labels: Any = ("cat", "dog", "owl")) -> list[dict[str, Any]]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 2, 6, 6)).astype(np.float32)
    return [{"x": image, "classLabel": labels[i % 3]} for i, image in enumerate(x)]


def pipeline(last: spec.Model, width: int, wide: int) -> spec.Model:
    """given [width] -> a frozen network -> the input of `last` [wide]."""
    source = last.description.input[0].name
    builder = NeuralNetworkBuilder({"given": array(width)}, {source: array(wide)})
    weights = np.arange(width * wide, dtype=np.float32).reshape(wide, width) / 4 - 1
    builder.add("innerProduct", "embed", ["given"], [source], weights=weights, bias=np.zeros(wide))
    model = spec.Model(specificationVersion=4, isUpdatable=True)
    description = model.description
    for features in (description.input, description.trainingInput):
        features.add(name="given").type.CopyFrom(array(width))
    target = last.description.trainingInput[-1]
    description.trainingInput.add().CopyFrom(target)
    description.output.extend(last.description.output)
    description.predictedFeatureName = last.description.predictedFeatureName
    description.predictedProbabilitiesName = last.description.predictedProbabilitiesName
    pipeline = model.pipelineClassifier.pipeline if description.predictedFeatureName else model.pipeline
    pipeline.models.extend([builder.spec, last])
    pipeline.names.extend(["embed", "head"])
    return model
