"""From an ONNX model to a network: names, sizes, constants, and what is refused."""

from __future__ import annotations

import contextlib

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx_models import agree, graph

import graphml
from graphml.convert.onnx import network_from_onnx
from graphml.convert.onnx.interface import interface_inputs
from graphml.errors import FeatureError, GraphmlError, SpecError, UnsupportedError

RANDOM = np.random.default_rng(2)
node = helper.make_node


def _layers(converted):
    return {layer.name: layer.WhichOneof("layer") for layer in converted.model.neuralNetwork.layers}


def test_names_of_nodes_and_values_are_kept():
    nodes = [
        node("Add", ["x", "one"], ["/body/Add_output_0"], name="/body/Add"),
        node("Celu", ["/body/Add_output_0"], ["y"], name="act", alpha=0.5),
        node("Neg", ["y"], ["z"]),
    ]
    converted = agree(
        graph(nodes, {"x": (np.float32, [2])}, ["y", "z"], {"one": np.float32([1])}), {"x": np.ones(2, "f")}
    )
    layers = _layers(converted)
    assert layers["/body/Add"] == "addBroadcastable"
    assert layers["act"] == layers["z"] == "activation"
    assert converted.model.neuralNetwork.layers[1].output[0] == "/body/Add_output_0"


def test_only_the_last_layer_of_a_node_writes_the_name_of_its_value():
    nodes = [
        node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    constants = {"scale": np.float32(0.1), "zero": np.uint8(9)}
    converted = network_from_onnx(graph(nodes, {"x": (np.float32, [2])}, ["y"], constants))
    written = {layer.output[0]: layer.name for layer in converted.model.neuralNetwork.layers}
    assert {name for name in written if "/" not in name} == {"q", "y", "loadConstantND", "loadConstantND_"}
    assert (written["q"], written["q/round"]) == ("q", "q/round")


def test_constant_nodes_are_folded_and_unused_nodes_removed():
    nodes = [
        node("Mul", ["a", "a"], ["square"]),
        node("Neg", ["x"], ["unused"]),
        node("Add", ["x", "square"], ["y"]),
    ]
    model = graph(nodes, {"x": (np.float32, [3])}, ["y"], {"a": np.float32([1, 2, 3])})
    converted = agree(model, {"x": np.float32([1, 1, 1])})
    assert sorted(_layers(converted).values()) == ["addBroadcastable", "loadConstantND"]


def test_outputs_may_be_inputs_constants_or_the_same_value():
    nodes = [node("Identity", ["x"], ["same"]), node("Identity", ["a"], ["fixed"])]
    nodes += [node("Relu", ["x"], ["y"]), node("Identity", ["y"], ["again"])]
    outputs = ["same", "fixed", "y", "again"]
    agree(graph(nodes, {"x": (np.float32, [3])}, outputs, {"a": np.float32([1, 2])}), {"x": np.float32([-1, 0, 1])})


def test_sizes_are_free_or_in_a_range():
    model = graph([node("Relu", ["x"], ["y"])], {"x": (np.float32, ["N", 3])}, ["y"])
    free = graphml.load(network_from_onnx(model).model)
    assert free.predict({"x": np.ones((5, 3))})["y"].shape == (5, 3)
    ranged = graphml.load(network_from_onnx(model, shapes={"x": [(2, 4), 3]}).model)
    assert ranged.predict({"x": np.ones((4, 3))})["y"].shape == (4, 3)
    with pytest.raises(FeatureError):
        ranged.predict({"x": np.ones((5, 3))})
    fixed = network_from_onnx(model, shapes={"x": [7, 3]}).model
    assert list(fixed.description.input[0].type.multiArrayType.shape) == [7, 3]


@pytest.mark.parametrize("size", [(16, 512), (1, 64), (1, 8), (1, 2), (4, 5)])
def test_sizes_in_equal_ranges_are_distinguished(size):
    model = graph([node("Relu", ["x"], ["y"])], {"x": (np.float32, ["N", "H", "W"])}, ["y"])
    pairs = list(zip(*interface_inputs(model, {"x": [size] * 3})[0].shapes, strict=True))
    assert len({each for pair in pairs for each in pair}) == 6
    assert all(low < high for low, high in pairs)


def test_an_input_becomes_a_constant():
    nodes = [node("ReduceSum", ["x", "axes"], ["s"]), node("Unsqueeze", ["x", "axes"], ["y"])]
    model = graph(nodes[1:], {"x": (np.float32, [2, 3]), "axes": (np.int64, [1])}, ["y"])
    converted = agree(model, {"x": np.ones((2, 3), "f")}, constants={"axes": np.int64([1])})
    assert [feature.name for feature in converted.model.description.input] == ["x"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shapes": {"z": [1]}}, "there is no input 'z'; the inputs are 'x'"),
        ({"shapes": {"x": [1, 2, 3]}}, "has 3 axes, but the file declares 2"),
        ({"shapes": {"x": [1, 4]}}, "axis 1 of 'x' has size 3 in the file, not 4"),
        ({"constants": {"z": 1}}, "there is no input 'z'"),
    ],
)
def test_options_that_do_not_fit(options, message):
    model = graph([node("Relu", ["x"], ["y"])], {"x": (np.float32, ["N", 3])}, ["y"])
    with pytest.raises(FeatureError, match=message):
        network_from_onnx(model, **options)


def test_inputs_that_a_network_cannot_have():
    text = helper.make_tensor_value_info("x", TensorProto.STRING, [2])
    deep = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1] * 6)
    unknown = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    for info, message in ((text, "real numbers"), (deep, "6 axes"), (unknown, "declares no shape")):
        model = graph([node("Identity", ["x"], ["y"])], {}, ["y"])
        model.graph.input.append(info)
        with pytest.raises(UnsupportedError, match=message):
            network_from_onnx(model)


def test_constants_that_float32_cannot_hold():
    nodes = [node("Add", ["x", "big"], ["y"], name="sum")]
    model = graph(nodes, {"x": (np.int64, [1])}, ["y"], {"big": np.int64([(1 << 24) + 1])})
    with pytest.raises(UnsupportedError, match=r"Add \(1: 'sum'\): 16777217 is larger than the integers"):
        network_from_onnx(model)


def test_a_graph_that_reads_what_nothing_writes():
    with pytest.raises(GraphmlError, match="nothing writes 'z'"):
        network_from_onnx(graph([node("Relu", ["z"], ["y"])], {"x": (np.float32, [1])}, ["y"]))


def test_functions_of_the_model_are_written_out():
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    body = [node("Mul", ["a", "a"], ["b"]), node("Neg", ["b"], ["c"])]
    model = graph([node("NegativeSquare", ["x"], ["y"], domain="own")], {"x": (np.float32, [3])}, ["y"])
    model.opset_import.append(imports[1])
    model.functions.append(helper.make_function("own", "NegativeSquare", ["a"], ["c"], body, imports))
    agree(model, {"x": np.float32([1, 2, 3])})


def test_a_file_with_separate_weights(tmp_path):
    model = graph(
        [node("Add", ["x", "w"], ["y"])], {"x": (np.float32, [300])}, ["y"], {"w": np.arange(300.0, dtype="f")}
    )
    onnx.save(model, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    network = graphml.load(network_from_onnx(tmp_path / "net.onnx").model)
    np.testing.assert_array_equal(network.predict({"x": np.ones(300)})["y"], np.arange(300) + 1)
    (tmp_path / "net.data").unlink()
    with pytest.raises(SpecError, match=r"net\.onnx cannot be read"):
        network_from_onnx(tmp_path / "net.onnx")


@given(st.binary(max_size=64))
def test_bytes_that_are_no_model(data):
    with pytest.raises(GraphmlError):
        network_from_onnx(data)


@given(st.data())
def test_damaged_models_give_errors_of_graphml(data):
    """One byte of a small model changes; it is converted, or an error of ours says why not."""
    model = graph(
        [node("Reshape", ["x", "shape"], ["r"]), node("Softmax", ["r"], ["y"], axis=1)],
        {"x": (np.float32, ["N", 6])},
        ["y"],
        {"shape": np.int64([0, 2, 3])},
    )
    whole = bytearray(model.SerializeToString())
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(GraphmlError):
        network_from_onnx(bytes(whole))
