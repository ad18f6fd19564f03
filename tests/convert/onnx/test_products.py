"""Products of matrices, judged by onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

_DRAW = np.random.default_rng(5)


def _numbers(*shape: int) -> Any:
    return _DRAW.normal(size=shape).astype(np.float32)


def _kinds(model: Any) -> list[str]:
    return [layer.WhichOneof("layer") for layer in model.neuralNetwork.layers]


_PAIRS = [
    ((4,), (4,)),
    ((3, 4), (4,)),
    ((4,), (4, 3)),
    ((2, 3, 4), (4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((4,), (2, 3, 4, 2)),
    ((2, 3, 3, 4), (4,)),
    ((2, 2, 2, 3, 4), (4, 2)),
]


def test_matrix_products_of_all_ranks() -> None:
    inputs = {f"a{i}": (np.float32, a) for i, (a, _) in enumerate(_PAIRS)}
    inputs |= {f"b{i}": (np.float32, b) for i, (_, b) in enumerate(_PAIRS)}
    nodes = [helper.make_node("MatMul", [f"a{i}", f"b{i}"], [f"y{i}"]) for i in range(len(_PAIRS))]
    model = graph(nodes, inputs, [f"y{i}" for i in range(len(_PAIRS))])
    agree(model, {name: _numbers(*shape) for name, (_, shape) in inputs.items()})


def test_products_of_more_than_five_axes() -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "six"], ["a"]),
        helper.make_node("Reshape", ["x", "broad"], ["b"]),
        helper.make_node("MatMul", ["a", "b"], ["both"]),
        helper.make_node("MatMul", ["a", "row"], ["vector"]),
        helper.make_node("MatMul", ["a", "matrix"], ["weights"]),
        *(helper.make_node("Reshape", [name, "flat"], [f"{name}_out"]) for name in ("both", "vector", "weights")),
    ]
    constants = {
        "six": np.int64([2, 2, 2, 1, 3, 4]),
        "broad": np.int64([2, 2, 1, 3, 4, 2]),
        "row": _numbers(4),
        "matrix": _numbers(4, 5),
        "flat": np.int64([-1]),
    }
    outputs = ["both_out", "vector_out", "weights_out"]
    agree(graph(nodes, {"x": (np.float32, (96,))}, outputs, constants), {"x": _numbers(96)})


def test_general_products() -> None:
    nodes, inputs, constants, outputs = [], {}, {}, []
    cases = [
        (0, 0, 1.0, 1.0, None),
        (1, 0, 0.5, 2.0, (5,)),
        (0, 1, 2.0, 0.0, (3, 5)),
        (1, 1, 1.0, -1.0, (3, 1)),
        (0, 1, 1.0, 1.0, (1, 5)),
        (0, 0, 1.5, 1.0, ()),
    ]
    for i, (left, right, alpha, beta, summand) in enumerate(cases):
        inputs[f"a{i}"] = (np.float32, (4, 3) if left else (3, 4))
        matrix, bias = _numbers(*((5, 4) if right else (4, 5))), None if summand is None else _numbers(*summand)
        for form in ("known", "computed"):
            names = [f"a{i}", f"b{form}{i}", *([] if bias is None else [f"c{form}{i}"])]
            for name, value in zip(names[1:], (matrix, bias), strict=False):
                if form == "known":
                    constants[name] = value
                else:
                    inputs[name] = (np.float32, value.shape)
            outputs.append(f"y{form}{i}")
            options = {"alpha": alpha, "beta": beta, "transA": left, "transB": right}
            nodes.append(helper.make_node("Gemm", names, outputs[-1:], **options))
    model = graph(nodes, inputs, outputs, constants)
    agree(model, {name: _numbers(*shape) for name, (_, shape) in inputs.items()})


def test_a_constant_summand_becomes_the_bias() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "m"], ["p"], name="dense"),
        helper.make_node("Add", ["b", "p"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "n"], ["q"], name="last"),
        helper.make_node("Add", ["q", "c"], ["y"]),
        helper.make_node("Add", ["q", "d"], ["z"]),
    ]
    constants = {"m": _numbers(4, 3), "b": _numbers(3), "n": _numbers(3, 2), "c": _numbers(2), "d": _numbers(1, 2)}
    model = graph(nodes, {"x": (np.float32, ("batch", 4))}, ["y", "z"], constants)
    made = agree(model, {"x": _numbers(2, 4)}, {"x": _numbers(5, 4)}).model
    first = made.neuralNetwork.layers[0]
    assert _kinds(made)[:2] == ["innerProduct", "activation"]
    assert (first.name, first.innerProduct.hasBias, list(first.output)) == ("dense", True, ["h"])
    # two sums read the second product, which keeps them apart
    assert _kinds(made).count("addBroadcastable") == 2


def test_weights_keep_half_precision() -> None:
    model = graph(
        [helper.make_node("MatMul", ["x", "m"], ["y"])],
        {"x": (np.float16, (2, 3))},
        ["y"],
        {"m": np.float16(_numbers(3, 2))},
    )
    layer = network_from_onnx(model).model.neuralNetwork.layers[0]
    assert len(layer.innerProduct.weights.float16Value) == 12


def test_determinants() -> None:
    nodes = [helper.make_node("Det", [f"x{n}"], [f"y{n}"]) for n in (1, 2, 3, 5)]
    inputs = {"x1": (1, 1), "x2": (3, 2, 2), "x3": (2, 2, 3, 3), "x5": (2, 5, 5)}
    model = graph(nodes, {name: (np.float32, shape) for name, shape in inputs.items()}, ["y1", "y2", "y3", "y5"])
    agree(model, {name: _numbers(*shape) for name, shape in inputs.items()})


def test_a_determinant_of_a_large_matrix_is_refused() -> None:
    model = graph([helper.make_node("Det", ["x"], ["y"])], {"x": (np.float32, (9, 9))}, ["y"])
    with pytest.raises(UnsupportedError, match="matrices are 9 by 9; up to 8 by 8 can be written as layers"):
        network_from_onnx(model)
