"""Convolutions and their transposes, judged by onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

RNG = np.random.default_rng(0)
LENGTHS = {1: (9,), 2: (9, 7), 3: (5, 6, 4)}


def _numbers(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


class Nodes:
    """Nodes that read x1, x2, x3 (images of one to three axes), each with its own weights."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def add(self, axes: int, weights: Any, bias: bool = False, **attributes: Any) -> None:
        name = f"y{len(self.nodes)}"
        self.constants[f"{name}_w"] = weights
        inputs = [f"x{axes}", f"{name}_w"]
        if bias:
            count = weights.shape[0] if self.kind == "Conv" else weights.shape[1] * attributes.get("group", 1)
            self.constants[f"{name}_b"] = _numbers(count)
            inputs.append(f"{name}_b")
        self.nodes.append(helper.make_node(self.kind, inputs, [name], name=name, **attributes))

    @property
    def outputs(self) -> list[str]:
        return [node.output[0] for node in self.nodes]


def _convolutions() -> Nodes:
    made = Nodes("Conv")
    made.add(1, _numbers(6, 4, 3), True, pads=[2, 1], strides=[2])
    made.add(1, _numbers(6, 2, 3), group=2, auto_pad="SAME_LOWER")
    made.add(2, _numbers(6, 4, 3, 2), True, pads=[0, 1, 2, 0], dilations=[2, 1])
    made.add(2, _numbers(4, 1, 2, 3), group=4, auto_pad="SAME_UPPER", strides=[2, 3])
    made.add(2, _numbers(4, 1, 2, 2), group=4, auto_pad="SAME_LOWER", strides=[2, 1])
    made.add(2, _numbers(3, 4, 3, 3), auto_pad="VALID")
    made.add(3, _numbers(2, 4, 2, 3, 2), True, pads=[1, 0, 1, 0, 2, 0], strides=[2, 1, 1])
    made.add(3, _numbers(4, 2, 2, 2, 2), group=2, auto_pad="SAME_UPPER", strides=[2, 2, 2])
    made.add(3, _numbers(2, 4, 2, 2, 1), auto_pad="SAME_LOWER", strides=[2, 1, 2])
    return made


def test_convolutions() -> None:
    made = _convolutions()
    inputs = {f"x{axes}": (np.float32, [2, 4, *sizes]) for axes, sizes in LENGTHS.items()}
    feed = {name: _numbers(*shape) for name, (_, shape) in inputs.items()}
    converted = agree(graph(made.nodes, inputs, made.outputs, made.constants), feed)
    kinds = {note.name: note.layers for note in converted.nodes}
    assert kinds["y2"] == ("convolution",)
    assert kinds["y6"] == ("convolution3d",)


def test_convolutions_of_any_size() -> None:
    made = Nodes("Conv")
    made.add(1, _numbers(2, 4, 3), auto_pad="SAME_LOWER")
    made.add(2, _numbers(2, 4, 3, 2), True, auto_pad="SAME_UPPER", strides=[2, 2])
    made.add(2, _numbers(2, 4, 3, 2), pads=[1, 1, 0, 0], strides=[1, 2])
    inputs = {"x1": (np.float32, ["n", 4, "l"]), "x2": (np.float32, ["n", 4, "h", "w"])}
    agree(
        graph(made.nodes, inputs, made.outputs, made.constants),
        {"x1": _numbers(1, 4, 8), "x2": _numbers(1, 4, 5, 8)},
        {"x1": _numbers(2, 4, 11), "x2": _numbers(2, 4, 6, 7)},
    )


def test_transposed_convolutions() -> None:
    made = Nodes("ConvTranspose")
    made.add(1, _numbers(4, 3, 3), True, strides=[2], pads=[1, 0])
    made.add(1, _numbers(4, 3, 3), strides=[3], output_padding=[2])
    made.add(2, _numbers(4, 2, 3, 2), True, group=2, strides=[2, 2], pads=[1, 0, 0, 1])
    made.add(2, _numbers(4, 2, 2, 3), strides=[2, 3], dilations=[2, 1], output_padding=[1, 2])
    made.add(2, _numbers(4, 1, 3, 3), group=4, strides=[2, 2], output_shape=[18, 15])
    made.add(2, _numbers(4, 1, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER")
    made.add(2, _numbers(4, 1, 4, 3), strides=[1, 2], auto_pad="SAME_LOWER")
    made.add(3, _numbers(4, 2, 2, 3, 2), True, strides=[1, 2, 2], pads=[0, 1, 0, 0, 1, 1])
    inputs = {f"x{axes}": (np.float32, [2, 4, *sizes]) for axes, sizes in LENGTHS.items()}
    feed = {name: _numbers(*shape) for name, (_, shape) in inputs.items()}
    agree(graph(made.nodes, inputs, made.outputs, made.constants), feed)


def test_weights_that_are_computed() -> None:
    """They and the bias are inputs of the model."""
    cases: list[tuple[str, int, tuple[int, ...], dict[str, Any]]] = [
        ("Conv", 1, (2, 4, 3), {"pads": [1, 0], "strides": [2]}),
        ("Conv", 2, (6, 2, 3, 2), {"group": 2, "dilations": [2, 1]}),
        ("Conv", 3, (2, 4, 2, 2, 3), {"pads": [0, 1, 1, 1, 0, 1], "strides": [2, 1, 2]}),
        ("ConvTranspose", 2, (4, 3, 3, 2), {"group": 2, "strides": [2, 3], "pads": [1, 0, 0, 1]}),
        ("ConvTranspose", 1, (4, 2, 2), {"strides": [2], "output_padding": [1]}),
    ]
    inputs = {f"x{axes}": (np.float32, [1, 4, *sizes]) for axes, sizes in LENGTHS.items()}
    nodes: list[Any] = []
    for i, (kind, axes, shape, attributes) in enumerate(cases):
        count = shape[0] if kind == "Conv" else shape[1] * attributes.get("group", 1)
        inputs |= {f"w{i}": (np.float32, list(shape)), f"b{i}": (np.float32, [count])}
        nodes.append(helper.make_node(kind, [f"x{axes}", f"w{i}", f"b{i}"], [f"y{i}"], **attributes))
    feed = {name: _numbers(*shape) for name, (_, shape) in inputs.items()}
    agree(graph(nodes, inputs, [f"y{i}" for i in range(len(cases))]), feed, atol=1e-4)


def test_blocks_become_an_image() -> None:
    nodes = [
        helper.make_node("Col2Im", ["x", "image", "block"], ["plain"], strides=[2, 1], pads=[1, 0, 0, 1]),
        helper.make_node("Col2Im", ["d", "image", "block"], ["dilated"], dilations=[2, 1]),
    ]
    constants = {"image": np.int64([5, 6]), "block": np.int64([2, 3])}
    inputs = {"x": (np.float32, [2, 12, 15]), "d": (np.float32, [1, 6, 12])}
    feed = {"x": _numbers(2, 12, 15), "d": _numbers(1, 6, 12)}
    agree(graph(nodes, inputs, ["plain", "dilated"], constants, opset=18), feed)


@pytest.mark.parametrize(
    ("kind", "shape", "attributes", "reason"),
    [
        ("Conv", [1, 4, "h", 5, 5], {"auto_pad": "SAME_LOWER", "strides": [2, 1, 1]}, "SAME_LOWER with strides needs"),
        ("Conv", [1, 4, 5, 5, 5], {"strides": [1, 1]}, "do not match the 3 spatial axes"),
        ("ConvTranspose", [1, 4, "h", 5, 5], {"output_shape": [9, 9, 9]}, "output_shape needs an image of fixed size"),
    ],
)
def test_refused_convolutions(kind: str, shape: list[Any], attributes: dict[str, Any], reason: str) -> None:
    node = helper.make_node(kind, ["x", "w"], ["y"], **attributes)
    model = graph([node], {"x": (np.float32, shape)}, ["y"], {"w": _numbers(4, 4, 2, 2, 2)})
    with pytest.raises(UnsupportedError, match=reason):
        network_from_onnx(model)
