"""Operators that work on each element, and activations: one model with many nodes, judged by onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.errors import UnsupportedError

RANDOM = np.random.default_rng(0)

# kind -> (attributes, the first and last number of the operand)
FUNCTIONS = {
    **{
        kind: ({}, -3, 3)
        for kind in ("Abs", "Neg", "Ceil", "Floor", "Round", "Sign", "Exp", "Erf", "Sin", "Cos", "Tan")
    },
    **{kind: ({}, -0.9, 0.9) for kind in ("Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Atanh", "Tanh")},
    **{kind: ({}, 1.1, 4) for kind in ("Acosh", "Log", "Sqrt", "Reciprocal")},
    **{kind: ({}, -4, 4) for kind in ("Relu", "Sigmoid", "Softplus", "Softsign", "HardSwish", "Mish", "Identity")},
    "LeakyRelu": ({"alpha": 0.2}, -3, 3),
    "Elu": ({"alpha": 0.7}, -3, 3),
    "Selu": ({"alpha": 1.5, "gamma": 1.1}, -3, 3),
    "Celu": ({"alpha": 0.6}, -3, 3),
    "ThresholdedRelu": ({"alpha": 0.5}, -3, 3),
    "HardSigmoid": ({"alpha": 0.3, "beta": 0.4}, -3, 3),
    "Gelu": ({"approximate": "tanh"}, -3, 3),
    "Shrink": ({"bias": 0.3, "lambd": 0.8}, -3, 3),
    "Softmax": ({"axis": 1}, -3, 3),
    "LogSoftmax": ({"axis": 0}, -300, 300),
    "Hardmax": ({"axis": -1}, -3, 3),
}


@pytest.fixture(scope="module")
def functions():
    inputs = {f"x_{kind}": (np.float32, ["N", 4, 5]) for kind in FUNCTIONS}
    nodes = [
        helper.make_node(kind, [f"x_{kind}"], [kind], **attributes) for kind, (attributes, *_) in FUNCTIONS.items()
    ]
    feeds = [
        {f"x_{kind}": np.float32(RANDOM.uniform(low, high, (size, 4, 5))) for kind, (_, low, high) in FUNCTIONS.items()}
        for size in (2, 3)
    ]
    return agree(graph(nodes, inputs, list(FUNCTIONS), opset=20), *feeds)


def test_scalar_functions(functions):
    kinds = {note.kind: note.layers for note in functions.nodes}
    assert kinds["Softmax"] == ("softmaxND",)
    assert kinds["Relu"] == ("activation",)
    assert all(note.dynamic for note in functions.nodes)


def test_swish():
    """ONNX's own reference implementation judges: onnxruntime has no Swish."""
    swish = helper.make_node("Swish", ["x"], ["y"], alpha=1.5)
    x = np.float32(RANDOM.normal(size=(2, 3)))
    agree(graph([swish], {"x": (np.float32, [2, 3])}, ["y"], opset=24), {"x": x}, judge="reference")


def test_softmax_before_version_13_is_over_all_axes_from_one_on():
    nodes = [helper.make_node(kind, ["x"], [kind], axis=1) for kind in ("Softmax", "LogSoftmax", "Hardmax")]
    x = np.float32(RANDOM.normal(size=(2, 3, 4)))
    agree(graph(nodes, {"x": (np.float32, ["N", 3, 4])}, ["Softmax", "LogSoftmax", "Hardmax"], opset=11), {"x": x})


def test_two_operands_broadcast_and_integers_stay_integers():
    floats, integers = ("Add", "Sub", "Mul", "Div", "Pow", "PRelu"), ("Add", "Sub", "Mul", "Div", "Mod")
    nodes = [helper.make_node(kind, ["a", "b"], [f"{kind}_f"]) for kind in floats]
    nodes += [helper.make_node(kind, ["i", "j"], [f"{kind}_i"]) for kind in integers]
    nodes += [helper.make_node("Mod", ["i", "j"], ["fmod"], fmod=1), helper.make_node("Pow", ["j", "two"], ["squares"])]
    nodes += [helper.make_node(kind, ["i", "j"], [kind]) for kind in ("Equal", "Less", "LessOrEqual", "Greater")]
    nodes += [helper.make_node("GreaterOrEqual", ["a", "b"], ["ge"]), helper.make_node("Not", ["ge"], ["not"])]
    nodes += [helper.make_node(kind, ["ge", "not"], [kind]) for kind in ("And", "Or", "Xor")]
    nodes += [helper.make_node("Where", ["ge", "a", "b"], ["where"])]
    nodes += [helper.make_node(kind, ["a", "b", "c"], [kind]) for kind in ("Max", "Min", "Sum", "Mean")]
    outputs = [name for node in nodes for name in node.output]
    shapes = {"a": (np.float32, [2, 3, 4]), "b": (np.float32, [3, 1]), "c": (np.float32, [])}
    shapes |= {"i": (np.int32, [3, 4]), "j": (np.int32, [4])}
    feed = {name: np.asarray(RANDOM.uniform(0.5, 3, shape), dtype) for name, (dtype, shape) in shapes.items()}
    feed["i"], feed["j"] = RANDOM.integers(-20, 20, (3, 4)).astype(np.int32), np.int32([3, -4, 5, -7])
    agree(graph(nodes, shapes, outputs, {"two": np.int32(2)}), feed)


def test_clip_casts_and_non_finite_values():
    nodes = [
        helper.make_node("Clip", ["x", "low", "high"], ["both"]),
        helper.make_node("Clip", ["x", "", "high"], ["above"]),
        helper.make_node("Clip", ["x", "low"], ["below"]),
        helper.make_node("Clip", ["x", "high", "low"], ["crossed"]),
        helper.make_node("Clip", ["x", "bound"], ["computed"]),
        helper.make_node("Cast", ["x"], ["integer"], to=6),
        helper.make_node("Cast", ["x"], ["truth"], to=9),
        helper.make_node("Cast", ["integer"], ["back"], to=1),
        helper.make_node("CastLike", ["x", "integer"], ["like"]),
        helper.make_node("IsNaN", ["odd"], ["nan"]),
        helper.make_node("IsInf", ["odd"], ["inf"]),
        helper.make_node("IsInf", ["odd"], ["negative"], detect_positive=0),
        helper.make_node("Dropout", ["x"], ["kept", "mask"]),
    ]
    outputs = [name for node in nodes for name in node.output]
    inputs = {"x": (np.float32, [3, 4]), "bound": (np.float32, []), "odd": (np.float32, [4])}
    feed = {"x": np.float32(RANDOM.uniform(-3, 3, (3, 4))), "bound": np.float32(0.3)}
    feed["odd"] = np.float32([np.nan, np.inf, -np.inf, 1])
    feed["x"][0, 0] = 0
    agree(graph(nodes, inputs, outputs, {"low": np.float32(-1), "high": np.float32(1)}), feed)


def test_dropout_that_drops_is_refused():
    node = helper.make_node("Dropout", ["x", "ratio", "training"], ["y"])
    model = graph([node], {"x": (np.float32, [2])}, ["y"], {"ratio": np.float32(0.5), "training": np.bool_(True)})
    with pytest.raises(UnsupportedError, match="drops values at random"):
        agree(model)
