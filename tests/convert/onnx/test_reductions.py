"""Reductions, judged by onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

_DRAW = np.random.default_rng(7)
_NAMES = (
    *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax"),
    *("ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"),
)
_PLAIN = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd")


def _positive(*shape: int) -> Any:
    return _DRAW.uniform(0.5, 1.5, shape).astype(np.float32)


@pytest.mark.parametrize("opset", [11, 18])
def test_reductions_with_axes_as_attribute_and_input(opset: int) -> None:
    nodes, constants, outputs = [], {"axes": np.int64([-1, 0]), "middle": np.int64([1])}, []
    for i, name in enumerate(_NAMES):
        for keep, axes in ((1, "axes"), (0, "middle"), (i % 2, None)):
            outputs.append(f"{name}{keep}{axes}")
            as_input = opset >= (13 if name == "ReduceSum" else 18)
            listed = {} if as_input or axes is None else {"axes": constants[axes]}
            inputs = ["x", axes] if as_input and axes else ["x"]
            nodes.append(helper.make_node(name, inputs, outputs[-1:], keepdims=keep, **listed))
    model = graph(nodes, {"x": (np.float32, ("n", 3, "m"))}, outputs, constants, opset)
    agree(model, {"x": _positive(2, 3, 4)}, {"x": _positive(5, 3, 2)})


def test_reductions_over_no_axes() -> None:
    nodes = [helper.make_node(name, ["x"], [name], noop_with_empty_axes=1) for name in _PLAIN]
    x = _positive(2, 3)
    agree(graph(nodes, {"x": (np.float32, (2, 3))}, list(_PLAIN), opset=18), {"x": x})


def test_functions_stay_where_no_axes_are_reduced() -> None:
    names = [name for name in _NAMES if name not in _PLAIN]
    nodes = [helper.make_node(name, ["x"], [name], noop_with_empty_axes=1) for name in names]
    agree(graph(nodes, {"x": (np.float32, (2, 3))}, names, opset=18), {"x": _positive(2, 3)})


def test_reductions_of_integers_and_booleans() -> None:
    nodes = [
        helper.make_node("ReduceMean", ["i", "last"], ["mean"]),
        helper.make_node("ReduceSum", ["i", "last"], ["sum"], keepdims=0),
        helper.make_node("ReduceMax", ["b", "last"], ["any"], keepdims=0),
        helper.make_node("ReduceMin", ["b", "last"], ["all"]),
    ]
    inputs = {"i": (np.int32, (2, 3)), "b": (np.bool_, (2, 2))}
    model = graph(nodes, inputs, ["mean", "sum", "any", "all"], {"last": np.int64([1])}, opset=20)
    agree(model, {"i": np.int32([[-1, -1, -3], [5, 5, 4]]), "b": np.array([[True, False], [True, True]])})


def test_reductions_of_more_than_five_axes() -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "six"], ["a"]),
        helper.make_node("ReduceSum", ["a", "axes"], ["sum"], keepdims=0),
        helper.make_node("ArgMax", ["a"], ["place"], axis=-2, keepdims=0),
        helper.make_node("ReduceMax", ["a"], ["max"], keepdims=0),
    ]
    constants = {"six": np.int64([2, 1, 3, 2, 2, 2]), "axes": np.int64([0, 1, 4])}
    agree(graph(nodes, {"x": (np.float32, (48,))}, ["sum", "place", "max"], constants), {"x": _positive(48)})


def test_axes_that_alternate_beyond_five_groups_are_refused() -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "six"], ["a"]),
        helper.make_node("ReduceSum", ["a", "axes"], ["y"]),
    ]
    constants = {"six": np.int64([2, 2, 2, 2, 2, 2]), "axes": np.int64([0, 2, 4])}
    with pytest.raises(UnsupportedError, match="it reduces 6 groups of axes; a network has at most 5 axes"):
        network_from_onnx(graph(nodes, {"x": (np.float32, (64,))}, ["y"], constants))


def test_positions() -> None:
    nodes = [
        helper.make_node(kind, ["x"], [f"{kind}{axis}{keep}{last}"], axis=axis, keepdims=keep, select_last_index=last)
        for kind in ("ArgMax", "ArgMin")
        for axis, keep, last in ((0, 1, 0), (-1, 0, 1), (1, 1, 1), (2, 0, 0))
    ]
    model = graph(nodes, {"x": (np.float32, (3, "n", 4))}, [node.output[0] for node in nodes])
    feeds = [{"x": _DRAW.integers(0, 3, (3, n, 4)).astype(np.float32)} for n in (5, 9)]
    agree(model, *feeds)


def test_axes_that_are_computed_follow_from_the_declared_shape_if_only_one_choice_fits() -> None:
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)
    model = graph([node], {"x": (np.float32, (2, 3, 4)), "axes": (np.int64, (2,))}, ["y"])
    output = model.graph.output[0]
    output.CopyFrom(helper.make_tensor_value_info("y", 1, [3]))
    agree(model, {"x": _positive(2, 3, 4), "axes": np.int64([0, 2])})
    output.CopyFrom(helper.make_tensor_value_info("y", 1, ["k"]))
    with pytest.raises(UnsupportedError, match="axes must be a constant; here it is computed from the inputs"):
        network_from_onnx(model)
