"""Operators on bits, judged by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_models import graph

import graphml
from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

_DRAW = np.random.default_rng(19)


def _predict(model: Any, feed: dict[str, Any]) -> dict[str, Any]:
    return graphml.load(network_from_onnx(model).model).predict({k: v.astype(np.int32) for k, v in feed.items()})


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32])
def test_bitwise_logic(dtype: Any) -> None:
    limit = min(np.iinfo(dtype).max, 2**24 - 1)
    low = max(np.iinfo(dtype).min, -(2**24))
    a, b = (_DRAW.integers(low, limit, shape, endpoint=True).astype(dtype) for shape in ((3, 40), (40,)))
    a[0, :2], b[:2] = [low, limit], [limit, low]
    nodes = [helper.make_node(kind, ["a", "b"], [kind]) for kind in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")]
    nodes.append(helper.make_node("BitwiseNot", ["a"], ["Not"]))
    model = graph(
        nodes,
        {"a": (dtype, (3, "n")), "b": (dtype, ("n",))},
        ["BitwiseAnd", "BitwiseOr", "BitwiseXor", "Not"],
        opset=18,
    )
    found = _predict(model, {"a": a, "b": b})
    for name, wanted in {"BitwiseAnd": a & b, "BitwiseOr": a | b, "BitwiseXor": a ^ b, "Not": ~a}.items():
        np.testing.assert_array_equal(found[name], wanted, name)


def test_bits_of_five_axes() -> None:
    node = helper.make_node("BitwiseAnd", ["a", "b"], ["y"])
    model = graph([node], {"a": (np.uint8, (2, 1, 2, 1, 3)), "b": (np.uint8, (2, 1, 3))}, ["y"], opset=18)
    a, b = _DRAW.integers(0, 256, (2, 1, 2, 1, 3)), _DRAW.integers(0, 256, (2, 1, 3))
    np.testing.assert_array_equal(_predict(model, {"a": a, "b": b})["y"], a & b)


def test_shifts() -> None:
    nodes = [
        helper.make_node("BitShift", ["x", by], [f"{direction}{by}"], direction=direction)
        for direction in ("LEFT", "RIGHT")
        for by in ("known", "n")
    ]
    names = [node.output[0] for node in nodes]
    known = np.uint16([[3], [9]])
    model = graph(nodes, {"x": (np.uint16, (2, 8)), "n": (np.uint16, (8,))}, names, {"known": known})
    x, n = _DRAW.integers(0, 2**16, (2, 8)).astype(np.uint16), np.arange(8, 16, dtype=np.uint16)
    found = _predict(model, {"x": x, "n": n})
    for by, value in {"known": known, "n": n}.items():
        np.testing.assert_array_equal(found[f"LEFT{by}"], x << value)
        np.testing.assert_array_equal(found[f"RIGHT{by}"], x >> value)


def test_a_complement_that_no_float_holds_is_refused() -> None:
    model = graph([helper.make_node("BitwiseNot", ["x"], ["y"])], {"x": (np.uint32, (2,))}, ["y"], opset=18)
    with pytest.raises(
        UnsupportedError, match=r"small uint32 values is larger than the integers that a network holds \(2\^24\)"
    ):
        network_from_onnx(model)
