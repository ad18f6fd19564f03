"""Normalizations and losses, judged by onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx_models import agree, graph

import graphml
from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

_DRAW = np.random.default_rng(11)


def _numbers(*shape: int) -> Any:
    return _DRAW.normal(size=shape).astype(np.float32)


def _kinds(model: Any) -> list[str]:
    return [layer.WhichOneof("layer") for layer in model.neuralNetwork.layers]


def _as_defined(model: onnx.ModelProto, feed: dict[str, Any]) -> list[str]:
    """Compare with ONNX's own definition, for what onnxruntime lacks. Returns the kinds of layers."""
    made = network_from_onnx(model).model
    found = graphml.load(made).predict(feed)
    wanted = ReferenceEvaluator(model).run(None, feed)
    for output, value in zip(model.graph.output, wanted, strict=True):
        np.testing.assert_allclose(found[output.name], value, 1e-4, 1e-5, err_msg=output.name)
    return _kinds(made)


def test_layer_normalization() -> None:
    nodes = [
        helper.make_node("LayerNormalization", ["x", "g", "b"], ["last"]),
        helper.make_node("LayerNormalization", ["x", "wide"], ["two"], axis=1, epsilon=1e-2),
        helper.make_node("LayerNormalization", ["x", "one", "b"], ["mean_too", "mean", "inverse"], axis=-2),
        helper.make_node("LayerNormalization", ["x", "scale", "b"], ["computed"]),
    ]
    constants = {"g": _numbers(4), "b": _numbers(4), "wide": _numbers(3, 4), "one": _numbers(1, 4)}
    outputs = ["last", "two", "mean_too", "mean", "inverse", "computed"]
    model = graph(nodes, {"x": (np.float32, ("n", 3, 4)), "scale": (np.float32, (4,))}, outputs, constants)
    feeds = [{"x": _numbers(n, 3, 4), "scale": _numbers(4)} for n in (2, 5)]
    made = agree(model, *feeds)
    assert _kinds(made.model).count("layerNormalization") == 3


def test_layer_normalization_over_an_axis_that_varies_and_over_six_axes() -> None:
    nodes = [
        helper.make_node("LayerNormalization", ["x", "g"], ["y"], axis=0),
        helper.make_node("Reshape", ["z", "six"], ["a"]),
        helper.make_node("LayerNormalization", ["a", "h"], ["n"], axis=3),
        helper.make_node("Reshape", ["n", "flat"], ["f"]),
    ]
    constants = {"g": _numbers(3), "h": _numbers(1, 2, 2), "six": np.int64([2, 1, 2, 2, 2, 2]), "flat": np.int64([-1])}
    model = graph(nodes, {"x": (np.float32, ("n", 3)), "z": (np.float32, (32,))}, ["y", "f"], constants)
    agree(model, *({"x": _numbers(n, 3), "z": _numbers(32)} for n in (2, 7)))


def test_root_mean_square_normalization() -> None:
    nodes = [
        helper.make_node("RMSNormalization", ["x", "g"], ["last"], epsilon=1e-3),
        helper.make_node("RMSNormalization", ["x", "h"], ["two"], axis=1),
    ]
    constants = {"g": _numbers(4), "h": _numbers(3, 4)}
    model = graph(nodes, {"x": (np.float32, (2, 3, 4))}, ["last", "two"], constants, opset=23)
    _as_defined(model, {"x": _numbers(2, 3, 4)})


@pytest.mark.parametrize(("opset", "scales"), [(18, 2), (21, 6)])
def test_group_normalization(opset: int, scales: int) -> None:
    nodes = [
        helper.make_node("GroupNormalization", ["x", "g", "b"], ["y"], num_groups=2),
        helper.make_node("GroupNormalization", ["x", "scale", "b"], ["z"], num_groups=2, epsilon=0.1),
    ]
    inputs = {"x": (np.float32, (2, 6, 3, 2)), "scale": (np.float32, (scales,))}
    model = graph(nodes, inputs, ["y", "z"], {"g": _numbers(scales), "b": _numbers(scales)}, opset)
    kinds = _as_defined(model, {"x": _numbers(2, 6, 3, 2), "scale": _numbers(scales)})
    assert kinds.count("batchnorm") == 2
    assert kinds.count("multiplyBroadcastable") == (1 if opset == 18 else 2)


def test_group_normalization_at_two_sizes() -> None:
    node = helper.make_node("GroupNormalization", ["x", "g", "b"], ["y"], num_groups=3)
    constants = {"g": _numbers(6), "b": _numbers(6)}
    model = graph([node], {"x": (np.float32, ("n", 6, "width"))}, ["y"], constants, opset=21)
    agree(model, {"x": _numbers(2, 6, 4)}, {"x": _numbers(3, 6, 7)})


def test_channels_that_do_not_divide_are_refused() -> None:
    node = helper.make_node("GroupNormalization", ["x", "g", "g"], ["y"], num_groups=4)
    model = graph([node], {"x": (np.float32, (1, 6, 2))}, ["y"], {"g": _numbers(6)}, opset=21)
    with pytest.raises(UnsupportedError, match="has no 4 groups of channels of equal size"):
        network_from_onnx(model)


def test_mean_variance_and_norms() -> None:
    nodes = [
        helper.make_node("MeanVarianceNormalization", ["x"], ["default"]),
        helper.make_node("MeanVarianceNormalization", ["x"], ["last"], axes=[-1]),
        helper.make_node("LpNormalization", ["x"], ["l2"]),
        helper.make_node("LpNormalization", ["x"], ["l1"], axis=1, p=1),
    ]
    model = graph(nodes, {"x": (np.float32, ("n", 3, 4, 2))}, ["default", "last", "l2", "l1"])
    feeds = [{"x": _numbers(n, 3, 4, 2)} for n in (2, 3)]
    agree(model, *feeds)
    empty = np.zeros((1, 3, 4, 2), np.float32)
    network = graphml.load(network_from_onnx(model).model)
    np.testing.assert_array_equal(network.predict({"x": empty})["l2"], empty)


def _losses(kind: str, shape: tuple[int | str, ...]) -> onnx.ModelProto:
    nodes, outputs = [], []
    for reduction in ("none", "sum", "mean"):
        for weights in ([], ["weights"]):
            for ignored in ({}, {"ignore_index": 1}, {"ignore_index": -3}):
                outputs.append(f"{reduction}{len(weights)}{ignored.get('ignore_index', '')}")
                names = ["scores", "target", *weights]
                nodes.append(helper.make_node(kind, names, outputs[-1:], reduction=reduction, **ignored))
    if kind == "SoftmaxCrossEntropyLoss":
        nodes.append(helper.make_node(kind, ["scores", "target"], ["", "logarithms"]))
        outputs.append("logarithms")
    inputs = {"scores": (np.float32, shape), "target": (np.int64, (shape[0], *shape[2:]))}
    return graph(nodes, inputs, outputs, {"weights": np.float32([0.5, 2, 1, 0.25])})


@pytest.mark.parametrize("kind", ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"])
def test_losses_of_images(kind: str) -> None:
    target = _DRAW.integers(0, 4, (2, 3, 2))
    target[0, 0, 0] = 1
    model = _losses(kind, (2, 4, 3, 2))
    _as_defined(model, {"scores": _numbers(2, 4, 3, 2), "target": target})


def test_targets_that_are_not_classes_are_ignored() -> None:
    nodes = [
        helper.make_node("SoftmaxCrossEntropyLoss", ["scores", "target"], ["loss"], ignore_index=9),
        helper.make_node("NegativeLogLikelihoodLoss", ["scores", "target"], ["own"], ignore_index=9, reduction="none"),
    ]
    inputs = {"scores": (np.float32, ("n", 4)), "target": (np.int64, ("n",))}
    model = graph(nodes, inputs, ["loss", "own"])
    feeds = [{"scores": _numbers(n, 4), "target": np.int64([9, 0, 3, 9, 2][:n])} for n in (3, 5)]
    agree(model, *feeds)
