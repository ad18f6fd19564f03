"""Comparisons and logic against onnxruntime."""

import numpy as np
import pytest
from cases import numbers
from one_layer import answers, same
from one_node import judged

_X, _Y = np.round(numbers(2, 1, 3, 4)), np.round(numbers(5, 1, 4, seed=1))


@pytest.mark.parametrize(
    ("kind", "operator"),
    [
        ("equal", "Equal"),
        ("lessThan", "Less"),
        ("lessEqual", "LessOrEqual"),
        ("greaterThan", "Greater"),
        ("greaterEqual", "GreaterOrEqual"),
    ],
)
def test_comparisons(kind, operator):
    same(answers(kind, _X, _Y)[0], judged(operator, _X, _Y)[0])
    same(answers(kind, _X, alpha=1.0)[0], judged(operator, _X, np.float32(1))[0])
    if kind == "equal":
        same(answers("notEqual", _X, _Y)[0], ~judged(operator, _X, _Y)[0])


@pytest.mark.parametrize(("kind", "operator"), [("logicalAnd", "And"), ("logicalOr", "Or"), ("logicalXor", "Xor")])
def test_logic(kind, operator):
    same(answers(kind, _X, _Y)[0], judged(operator, _X != 0, _Y != 0)[0])


def test_not():
    same(answers("logicalNot", _X)[0], judged("Not", _X != 0)[0])
