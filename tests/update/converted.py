"""Networks in the forms that converters write, before anybody makes them trainable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from update.networks import network

from graphml.build import NeuralNetworkBuilder, array
from graphml.models.network import NeuralNetwork

LABELS = ("cat", "dog", "owl")
NAMED: dict[str, Any] = {"class_labels": LABELS, "probabilities": "y"}


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32) / 2


def dense(builder: NeuralNetworkBuilder, name: str, source: str, result: str, sizes: tuple[int, int]) -> None:
    """A dense layer as TensorFlow's converter writes it."""
    builder.add("batchedMatmul", name, [source], [result], weights=normal(*sizes[::-1], seed=len(name)))


def images(labels: bool = False, **options: Any) -> NeuralNetworkBuilder:
    """[1, 6, 6, 2], channels last, as Keras has them -> a convolution -> f [1, 4, 4, 4], channels last."""
    builder = NeuralNetworkBuilder({"x": array(1, 6, 6, 2)}, {} if labels else {"y": None}, exact=True, **options)
    builder.add("transpose", "first", ["x"], ["t"], axes=(0, 3, 1, 2))
    kernel: dict[str, Any] = {"weights": normal(4, 2, 3, 3), "bias": normal(4)}
    builder.add("convolution", "c/conv", ["t"], ["c"], valid={}, **kernel)
    builder.add("transpose", "last", ["c"], ["l"], axes=(0, 2, 3, 1))
    builder.add("activation", "relu", ["l"], ["f"], nonlinearity_type="ReLU")
    return builder


def two_dense(builder: NeuralNetworkBuilder) -> NeuralNetworkBuilder:
    builder.add("reshapeStatic", "flat", ["f"], ["v"], target_shape=(1, 64))
    dense(builder, "d/one", "v", "h", (64, 8))
    builder.add("activation", "tanh", ["h"], ["r"], nonlinearity_type="tanh")
    dense(builder, "d/two", "r", "z", (8, 3))
    return builder


def keras() -> NeuralNetworkBuilder:
    """A Keras CNN: batchedMatmul, softmaxND, an array as output."""
    builder = two_dense(images())
    builder.add("softmaxND", "softmax", ["z"], ["y"], axis=-1)
    return builder


def keras_classifier() -> NeuralNetworkBuilder:
    """The same, with labels."""
    builder = two_dense(images(True, **NAMED))
    builder.add("softmaxND", "softmax", ["z"], ["y"], axis=-1)
    return builder


def logits() -> NeuralNetworkBuilder:
    """A classifier whose probabilities are logits, as torch models have them."""
    builder = two_dense(images(True, **NAMED))
    dense(builder, "d/three", "z", "y", (3, 3))
    return builder


def log_probabilities() -> NeuralNetworkBuilder:
    """A network that ends in the logarithm of softmax."""
    builder = two_dense(images())
    builder.add("softmaxND", "softmax", ["z"], ["p"], axis=1)
    builder.add("unary", "log", ["p"], ["y"], type="LOG", scale=1)
    return builder


def pooled() -> NeuralNetworkBuilder:
    """Means over height and width, then a product with a constant of another layer and a bias from a third."""
    builder = NeuralNetworkBuilder({"x": array(1, 2, 5, 5)}, {}, exact=True, **NAMED)
    builder.add("loadConstantND", "kernel", [], ["k"], data=normal(4, 2, 3, 3), shape=(4, 2, 3, 3))
    window: dict[str, Any] = {"kernel_size": (3, 3), "kernel_channels": 2, "output_channels": 4, "n_groups": 1}
    builder.add("convolution", "conv", ["x", "k"], ["c"], valid={}, **window)
    builder.add("activation", "relu", ["c"], ["r"], nonlinearity_type="ReLU")
    builder.add("reduceMean", "mean", ["r"], ["m"], axes=(2, 3), keep_dims=False)
    builder.add("loadConstantND", "matrix", [], ["w"], data=normal(3, 4), shape=(3, 4))
    builder.add("loadConstantND", "vector", [], ["b"], data=normal(1, 3), shape=(1, 3))
    builder.add("batchedMatmul", "dense", ["m", "w"], ["d"], transpose_b=True)
    builder.add("addBroadcastable", "add", ["b", "d"], ["z"])
    builder.add("softmaxND", "softmax", ["z"], ["y"], axis=1)
    return builder


def vectors() -> NeuralNetworkBuilder:
    """Vectors without a batch axis; an embedding before them, which passes no gradients."""
    builder = NeuralNetworkBuilder({"x": array(5)}, {"y": None, "h": None}, exact=True)
    builder.add("gelu", "gelu", ["x"], ["g"], mode="EXACT")
    dense(builder, "d/one", "g", "h", (5, 4))
    builder.add("activation", "relu", ["h"], ["r"], nonlinearity_type="ReLU")
    dense(builder, "d/two", "r", "z", (4, 3))
    builder.add("softmaxND", "softmax", ["z"], ["y"], axis=0)
    return builder


def pixels() -> NeuralNetworkBuilder:
    """Means that keep their axes, a 1 x 1 convolution, and softmaxND over channels."""
    builder = NeuralNetworkBuilder({"x": array(1, 2, 6, 6)}, {"y": None}, exact=True)
    kernel: dict[str, Any] = {"weights": normal(4, 2, 3, 3), "bias": normal(4)}
    builder.add("convolution", "conv", ["x"], ["c"], valid={}, **kernel)
    builder.add("reduceMax", "most", ["c"], ["m"], axes=(-1, -2), keep_dims=True)
    builder.add("convolution", "top", ["m"], ["z"], valid={}, weights=normal(3, 4, 1, 1))
    builder.add("softmaxND", "softmax", ["z"], ["p"], axis=-3)
    builder.add("squeeze", "squeeze", ["p"], ["y"], axes=(2, 3))
    return builder


# {name: (builder, layers that Core ML can then train)}
CONVERTED: dict[str, tuple[Callable[[], NeuralNetworkBuilder], tuple[str, ...]]] = {
    "Keras": (keras, ("c/conv", "d/one", "d/two")),
    "Keras, classifier": (keras_classifier, ("c/conv", "d/one", "d/two")),
    "logits": (logits, ("c/conv", "d/one", "d/two", "d/three")),
    "logarithms": (log_probabilities, ("c/conv", "d/one", "d/two")),
    "constants": (pooled, ("conv", "dense")),
    "vectors": (vectors, ("d/one", "d/two")),
    "pixels": (pixels, ("conv", "top")),
}


def built(make: Callable[[], NeuralNetworkBuilder]) -> NeuralNetwork:
    return network(make().spec)
