"""Einsum, judged by onnxruntime."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

_DRAW = np.random.default_rng(13)
_SIZES = {"a": 2, "b": 3, "c": 4, "d": 2, "e": 3, "i": 3, "j": 3}


def _numbers(*shape: int) -> Any:
    return _DRAW.normal(size=shape).astype(np.float32)


def _shapes(equation: str) -> list[list[int]]:
    return [
        [size for letter in term for size in ([5, 2] if letter == "." else [_SIZES[letter]])]
        for term in equation.replace("...", ".").partition("->")[0].replace(" ", "").split(",")
    ]


_EQUATIONS = (
    "ab,bc->ac",
    "ab,bc",
    "ba",
    "abc,abd->acd",
    "ab,ab->ab",
    "a,b->ba",
    "abc->b",
    "ab->",
    "ii->i",
    "ii",
    "bii->bi",
    "iij->j",
    "...ab,...bc->...ac",
    "ab...,b->...a",
    "...ab, bc",
    "a...->...",
    "ab,bc,cd->ad",
    "abc,cd,d,ab->b",
    "abcd,abed->ceab",
    "abc,de->abcde",
    "ab,cd->abcd",
    "ab,cde->cb",
    "iia,aj->j",
)


def test_equations() -> None:
    nodes, inputs = [], {}
    for i, equation in enumerate(_EQUATIONS):
        names = [f"x{i}_{k}" for k in range(len(_shapes(equation)))]
        inputs |= {name: (np.float32, shape) for name, shape in zip(names, _shapes(equation), strict=True)}
        nodes.append(helper.make_node("Einsum", names, [f"y{i}"], equation=equation))
    model = graph(nodes, inputs, [f"y{i}" for i in range(len(nodes))])
    agree(model, {name: _numbers(*shape) for name, (_, shape) in inputs.items()})


def test_constants_become_weights() -> None:
    nodes = [
        helper.make_node("Einsum", ["x", "k"], ["heads"], equation="bte,ehd->bthd"),
        helper.make_node("Einsum", ["heads", "o"], ["y"], equation="bthd,hde->bte"),
    ]
    model = graph(nodes, {"x": (np.float32, (2, 3, 4))}, ["y"], {"k": _numbers(4, 2, 3), "o": _numbers(2, 3, 4)})
    made = agree(model, {"x": _numbers(2, 3, 4)}).model
    kinds = [layer.WhichOneof("layer") for layer in made.neuralNetwork.layers]
    assert kinds.count("innerProduct") == 2
    assert "loadConstantND" not in kinds


def test_sizes_of_1_broadcast_within_the_ellipsis() -> None:
    node = helper.make_node("Einsum", ["x", "y"], ["z"], equation="...ab,...bc->...ac")
    model = graph([node], {"x": (np.float32, (1, 3, 2, 4)), "y": (np.float32, (5, 1, 4, 2))}, ["z"])
    agree(model, {"x": _numbers(1, 3, 2, 4), "y": _numbers(5, 1, 4, 2)})


def test_sizes_that_vary() -> None:
    nodes = [
        helper.make_node("Einsum", ["q", "k"], ["scores"], equation="bqhd,bkhd->bhqk"),
        helper.make_node("Einsum", ["q"], ["heads"], equation="bqhh->bqh"),
    ]
    model = graph(
        nodes, {"q": (np.float32, ("b", "q", 2, 2)), "k": (np.float32, ("b", "k", 2, 2))}, ["scores", "heads"]
    )
    agree(model, *({"q": _numbers(b, q, 2, 2), "k": _numbers(b, k, 2, 2)} for b, q, k in ((1, 3, 4), (2, 5, 2))))


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        ("abc,bd", "the term 'abc' does not fit a tensor with 2 axes"),
        ("ab", "the equation 'ab' has 1 terms for 2 tensors"),
    ],
)
def test_equations_that_do_not_fit_are_refused(equation: str, message: str) -> None:
    node = helper.make_node("Einsum", ["x", "x"], ["y"], equation=equation)
    with pytest.raises(UnsupportedError, match=re.escape(message)):
        network_from_onnx(graph([node], {"x": (np.float32, (2, 2))}, ["y"]))
