"""Operators that ONNX defines by others are converted by that definition where there is no function for them."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.convert.onnx import catalogue, network_from_onnx
from graphml.errors import UnsupportedError

node = helper.make_node
X = np.float32([[-2, -0.7, -0.1], [0.2, 0.8, 3]])


@pytest.fixture
def without(monkeypatch):
    """Forget the functions of operators."""
    catalogue.names()  # fills the catalogue

    def forget(*names):
        for name in names:
            monkeypatch.delitem(catalogue._OPERATORS, ("", name))

    return forget


def test_definitions_with_attributes_defaults_and_absent_inputs(without):
    without("Celu", "ThresholdedRelu", "Shrink", "Clip", "HardSwish")
    nodes = [
        node("Celu", ["x"], ["a"], alpha=0.4, name="celu"),
        node("ThresholdedRelu", ["x"], ["b"]),
        node("Shrink", ["x"], ["c"], lambd=0.3, bias=0.2),
        node("Clip", ["x", "", "high"], ["d"]),
        node("Clip", ["x", "low"], ["e"]),
        node("HardSwish", ["x"], ["X"]),  # its definition names values X and Y, too
        node("Add", ["X", "x"], ["Y"]),
    ]
    constants = {"low": np.float32(-0.5), "high": np.float32(0.5)}
    converted = agree(graph(nodes, {"x": (np.float32, X.shape)}, [*"abcdeY"], constants, 17), {"x": X})
    assert [note.kind for note in converted.nodes] == [each.op_type for each in nodes]
    assert converted.nodes[0].name == "celu"
    assert "activation" in converted.nodes[0].layers
    assert [layer.name for layer in converted.model.neuralNetwork.layers if "X" in layer.output] == ["X/Y"]


def test_definitions_in_the_iterations_of_a_loop(without):
    without("HardSwish")
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [node("HardSwish", ["a"], ["b"]), node("Identity", ["on"], ["still"])],
        "iteration",
        [info("i", 7, []), info("on", 9, []), info("a", 1, None)],
        [info("still", 9, []), info("b", 1, None)],
    )
    model = graph(
        [node("Loop", ["n", "", "x"], ["y"], body=body)], {"x": (np.float32, X.shape)}, ["y"], {"n": np.int64(3)}
    )
    agree(model, {"x": X})


def test_a_definition_of_which_a_part_is_not_supported(without):
    without("HardSwish", "Mul")
    with pytest.raises(UnsupportedError, match=r"HardSwish \(1: 'y'\): it consists of .* of which Mul"):
        network_from_onnx(graph([node("HardSwish", ["x"], ["y"])], {"x": (np.float32, X.shape)}, ["y"]))
