"""Models of PyTorch and Keras with frozen layers, converted by coremltools: on request, where these are installed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import graphml
from graphml import spec
from graphml.convert.trainable import respect_trainable, source_weights
from graphml.recipes import Adam, core_ml_problems
from graphml.update import UpdateTask

LABELS = list("abcde")


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _needed(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"{name} is not installed here; this test runs on request")


def _trained(message: Any, weights: Any, shape: tuple[int, ...]) -> Any:
    """What becomes of the layers of a converted classifier. It must compute the same, and learn by its own recipe."""
    old = graphml.load(message)
    result, _ = respect_trainable(old, weights, epochs=30, batch_size=5, optimizer=Adam(0.02))
    assert core_ml_problems(result.model.spec) == []
    draw = np.random.default_rng(0)
    x = draw.normal(size=(10, *shape)).astype(np.float32)
    for one in x[:3]:
        wanted, found = old.predict({"x": one}), result.model.predict({"x": one})
        assert found["classLabel"] == wanted["classLabel"]
        name = next(name for name in wanted if name != "classLabel")
        assert list(found[name].values()) == pytest.approx(list(wanted[name].values()), rel=1e-6)
    model: Any = graphml.load(spec.serialize(result.model.spec))
    task = UpdateTask(model, [{"x": one, "classLabel": LABELS[i % 5]} for i, one in enumerate(x)])
    task.resume()
    task.wait(120)
    assert task.error is None
    assert task.history.epochs[-1].loss < 0.8 * task.history.epochs[0].loss
    for name, weights in model.parameters.items():
        same = all(np.array_equal(weights[part], task.model.parameters[name][part]) for part in weights)
        assert same == (name not in result.trained)
    return result


@pytest.mark.parametrize("head", ["softmax", "logits"])
def test_a_torch_classifier_keeps_its_frozen_layers(head):
    torch, ct = _needed("torch"), _needed("coremltools")
    torch.manual_seed(0)
    nn = torch.nn
    features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=2), nn.ReLU())
    top = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 5))
    net = nn.Sequential(features, top, *([nn.Softmax(1)] if head == "softmax" else [])).eval()
    features[1].running_mean.normal_()
    features[1].running_var.uniform_(0.5, 2)
    features.requires_grad_(False)
    shape = (1, 3, 10, 10)
    converted = ct.convert(
        torch.jit.trace(net, torch.zeros(shape)),
        inputs=[ct.TensorType(name="x", shape=shape)],
        convert_to="neuralnetwork",
        classifier_config=ct.ClassifierConfig(LABELS),
    )
    result = _trained(converted.get_spec(), source_weights(net), shape)
    assert (len(result.trained), len(result.frozen), dict(result.refused)) == (2, 2, {})


def test_a_keras_cnn_keeps_its_frozen_layers(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    tf, keras, ct = _needed("tensorflow"), _needed("keras"), _needed("coremltools")
    keras.utils.set_random_seed(0)
    k = keras.layers
    net = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            k.Conv2D(8, 3, padding="same", name="conv_one"),
            k.BatchNormalization(name="norm"),
            k.ReLU(),
            k.MaxPooling2D(),
            k.Conv2D(12, 3, activation="relu", name="conv_two"),
            k.Flatten(),
            k.Dense(16, activation="relu", name="dense_one"),
            k.Dense(5, activation="softmax", name="dense_two"),
        ]
    )
    draw = np.random.default_rng(0)
    net.get_layer("norm").set_weights([draw.uniform(0.5, 1.5, 8) for _ in range(4)])
    for name in ("conv_one", "conv_two"):
        net.get_layer(name).trainable = False
    signature = tf.TensorSpec((1, 12, 12, 3), tf.float32, name="x")
    function = tf.function(lambda x: net(x, training=False)).get_concrete_function(signature)
    options: dict[str, Any] = {"classifier_config": ct.ClassifierConfig(LABELS)}
    converted = ct.convert([function], source="tensorflow", convert_to="neuralnetwork", **options)
    result = _trained(converted.get_spec(), source_weights(net), (1, 12, 12, 3))
    assert [name.split("/")[1] for name in result.trained] == ["dense_one_1", "dense_two_1"]
    assert [name.split("/")[1] for name in result.frozen] == ["norm_1", "conv_two_1"]
