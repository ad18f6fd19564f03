"""Quantization, judged by onnxruntime."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

import graphml
from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

_DRAW = np.random.default_rng(17)


def _numbers(*shape: int) -> Any:
    return _DRAW.normal(size=shape).astype(np.float32)


def _integers(dtype: Any, *shape: int) -> Any:
    limits = np.iinfo(dtype)
    return _DRAW.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def _weights(*shape: int) -> np.ndarray:
    """int8 of 7 bits: on CPUs without VNNI, onnxruntime adds pairs of products in 16 bits, which larger ones exceed."""
    return _integers(np.int8, *shape) >> 1


def test_steps_of_a_tensor_of_an_axis_and_of_blocks() -> None:
    x = "x"
    nodes = [
        helper.make_node("QuantizeLinear", [x, "s", "u8"], ["unsigned"]),
        helper.make_node("QuantizeLinear", [x, "s"], ["plain"]),
        helper.make_node("QuantizeLinear", [x, "axis", "i8"], ["signed"]),
        helper.make_node("QuantizeLinear", [x, "block", "i16"], ["blocks"], axis=-1, block_size=2),
        helper.make_node("QuantizeLinear", [x, "scale", "u8"], ["computed"]),
        helper.make_node("DequantizeLinear", ["unsigned", "s", "u8"], ["a"]),
        helper.make_node("DequantizeLinear", ["signed", "axis", "i8"], ["b"], axis=-2),
        helper.make_node("DequantizeLinear", ["blocks", "block", "i16"], ["c"], axis=2, block_size=2),
        helper.make_node("DequantizeLinear", ["blocks", "steps", "i16"], ["d"], axis=2, block_size=2),
    ]
    constants = {
        "s": np.float32(0.011),
        "u8": np.uint8(100),
        "axis": np.float32([0.02, 0.1, 0.005]),
        "i8": np.int8([0, -20, 30]),
        "block": _DRAW.uniform(1e-4, 1e-3, (2, 3, 3)).astype(np.float32),
        "i16": _integers(np.int16, 2, 3, 3) // np.int16(200),
    }
    inputs = {"x": (np.float32, (2, 3, 5)), "scale": (np.float32, ()), "steps": (np.float32, (2, 3, 3))}
    outputs = ["unsigned", "plain", "signed", "blocks", "computed", "a", "b", "c", "d"]
    feed = {"x": _numbers(2, 3, 5), "scale": np.asarray(0.03, np.float32), "steps": constants["block"] + 1}
    agree(graph(nodes, inputs, outputs, constants, opset=21), feed)


def test_ties_are_rounded_to_even_and_the_rest_saturates() -> None:
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    model = graph([node], {"x": (np.float32, ("n",))}, ["y"], {"s": np.float32(2), "z": np.int8(1)})
    agree(model, {"x": np.float32([1, 3, 5, -1, -3, 1e9, -1e9])}, {"x": np.float32([252, 254])})


def test_four_bit_values() -> None:
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    model = graph([node], {"x": (np.float32, (4,))}, ["y"], {"s": np.float32(1), "z": np.array(1, ml_dtypes.int4)}, 21)
    found = graphml.load(network_from_onnx(model).model).predict({"x": np.float32([-20, -2.5, 3, 20])})
    np.testing.assert_array_equal(found["y"], [-8, -1, 4, 7])


def test_dynamic_quantization() -> None:
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero"]),
        helper.make_node("MatMulInteger", ["y", "w", "zero", "wz"], ["i"]),
        helper.make_node("Cast", ["i"], ["f"], to=1),
        helper.make_node("Mul", ["f", "scale"], ["z"]),
    ]
    constants = {"w": _weights(6, 4), "wz": np.int8(3)}
    model = graph(nodes, {"x": (np.float32, ("n", 6))}, ["y", "scale", "zero", "i", "z"], constants)
    made = agree(model, *({"x": _numbers(n, 6)} for n in (2, 5)), {"x": np.zeros((1, 6), np.float32)}).model
    assert "innerProduct" in [layer.WhichOneof("layer") for layer in made.neuralNetwork.layers]


def test_products_of_integers() -> None:
    nodes = [
        helper.make_node("MatMulInteger", ["a", "b"], ["plain"]),
        helper.make_node("MatMulInteger", ["a", "b", "az", "bz"], ["shifted"]),
        helper.make_node("QLinearMatMul", ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["q"]),
        helper.make_node("QLinearMatMul", ["a", "as", "az", "known", "columns", "zeros", "ys", "yz"], ["columns_q"]),
    ]
    constants = {
        "as": np.float32(0.02),
        "az": np.uint8(120),
        "bs": np.float32(0.03),
        "bz": np.uint8(9),
        "ys": np.float32(0.4),
        "yz": np.uint8(110),
        "known": _weights(5, 3),
        "columns": np.float32([0.01, 0.02, 0.05]),
        "zeros": np.zeros(3, np.int8),
    }
    inputs = {"a": (np.uint8, (2, 4, 5)), "b": (np.uint8, (2, 5, 3))}
    model = graph(nodes, inputs, ["plain", "shifted", "q", "columns_q"], constants)
    agree(model, {"a": _integers(np.uint8, 2, 4, 5), "b": _integers(np.uint8, 2, 5, 3)})


def test_zero_points_of_rows() -> None:
    node = helper.make_node("MatMulInteger", ["a", "b", "rows", "columns"], ["y"])
    constants = {"rows": np.uint8([1, 2]), "columns": np.uint8([5, 0, 9])}
    model = graph([node], {"a": (np.uint8, (2, 4)), "b": (np.uint8, (4, 3))}, ["y"], constants)
    a, b = _integers(np.uint8, 2, 4), _integers(np.uint8, 4, 3)
    found = graphml.load(network_from_onnx(model).model).predict({"a": a.astype(np.int32), "b": b.astype(np.int32)})
    wanted = (a.astype(int) - [[1], [2]]) @ (b.astype(int) - [5, 0, 9])
    np.testing.assert_array_equal(found["y"], wanted)


def test_eight_bit_floats_are_refused() -> None:
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    zero = np.array(0, ml_dtypes.float8_e4m3fn)
    model = graph([node], {"x": (np.float32, (2,))}, ["y"], {"s": np.float32(1), "z": zero}, 19)
    with pytest.raises(UnsupportedError, match="it gives float8_e4m3fn values; a network holds integers"):
        network_from_onnx(model)


def _convolutions() -> Any:
    nodes = [
        helper.make_node("ConvInteger", ["x", "w", "xz"], ["i"], pads=[1, 1, 1, 1]),
        helper.make_node(
            "QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["q"], strides=[2, 1], pads=[0, 1, 1, 0]
        ),
    ]
    constants = {
        "w": _weights(3, 2, 3, 3),
        "ws": np.float32([0.01, 0.02, 0.03]),
        "wz": np.int8([0, 0, 0]),
        "b": np.int32([100, -200, 3]),
        "xs": np.float32(0.05),
        "xz": np.uint8(128),
        "ys": np.float32(2.5),
        "yz": np.uint8(120),
    }
    return graph(nodes, {"x": (np.uint8, (1, 2, 5, 6))}, ["i", "q"], constants)


def test_convolutions_of_integers() -> None:
    agree(_convolutions(), {"x": _integers(np.uint8, 1, 2, 5, 6)})
