"""Broadcasting arithmetic against onnxruntime."""

import numpy as np
import pytest
from cases import numbers
from one_layer import answers, same
from one_node import judged

_PAIRS = [((2, 3), (3,)), ((2, 1, 3), (4, 1)), ((1,), (2, 1, 3, 2)), ((2, 3, 4), (2, 3, 4))]


@pytest.mark.parametrize(
    ("kind", "operator"),
    [
        ("add", "Add"),
        ("subtract", "Sub"),
        ("multiply", "Mul"),
        ("divide", "Div"),
        ("max", "Max"),
        ("min", "Min"),
        ("pow", "Pow"),
    ],
)
@pytest.mark.parametrize(("left", "right"), _PAIRS)
def test_two_inputs(kind, operator, left, right):
    x, y = numbers(*left, low=0.2, high=3), numbers(*right, seed=1)
    same(answers(f"{kind}Broadcastable", x, y)[0], judged(operator, x, y)[0], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "operator"), [("add", "Sum"), ("max", "Max"), ("min", "Min")])
def test_many_inputs(kind, operator):
    inputs = numbers(2, 3), numbers(3, seed=1), numbers(2, 1, seed=2)
    same(answers(f"{kind}Broadcastable", *inputs)[0], judged(operator, *inputs)[0], rtol=1e-6)


@pytest.mark.parametrize(("left", "right"), _PAIRS)
def test_remainders_have_the_sign_of_the_divisor(left, right):
    """onnxruntime has this remainder for integers only."""
    x, y = np.round(numbers(*left, low=-9, high=9)), np.round(numbers(*right, low=-5, high=5, seed=1)) * 2 + 1
    want = judged("Mod", x.astype(np.int32), y.astype(np.int32))[0]
    same(answers("modBroadcastable", x, y)[0], want)
    same(answers("floorDivBroadcastable", x, y)[0], (x - want) / y)
