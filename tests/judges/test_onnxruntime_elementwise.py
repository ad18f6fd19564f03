"""Functions of single numbers against onnxruntime."""

import numpy as np
import pytest
from cases import numbers
from one_layer import answers, same
from one_node import judged

_OPERATORS = {
    "ceil": "Ceil",
    "floor": "Floor",
    "sign": "Sign",
    "sin": "Sin",
    "cos": "Cos",
    "tan": "Tan",
    "asin": "Asin",
    "acos": "Acos",
    "atan": "Atan",
    "sinh": "Sinh",
    "cosh": "Cosh",
    "tanh": "Tanh",
    "asinh": "Asinh",
    "acosh": "Acosh",
    "atanh": "Atanh",
    "erf": "Erf",
}


@pytest.mark.parametrize("kind", _OPERATORS)
@pytest.mark.parametrize(("low", "high"), [(-0.9, 0.9), (1.1, 3), (-3, -1.7)])
def test_functions(kind, low, high):
    x = numbers(2, 3, 4, low=low, high=high)
    same(answers(kind, x)[0], judged(_OPERATORS[kind], x)[0], rtol=2e-5, atol=2e-6)


def test_halves_are_rounded_to_even_numbers():
    x = np.arange(-9, 10, dtype=np.float32) / 2
    same(answers("round", x)[0], judged("Round", x)[0])


@pytest.mark.parametrize(("low", "high"), [(-1.0, 0.5), (0.0, 6.0), (0.0, 0.0)])
def test_clip(low, high):
    x = numbers(3, 5)
    same(answers("clip", x, min_val=low, max_val=high)[0], judged("Clip", x, np.float32(low), np.float32(high))[0])


@pytest.mark.parametrize(("mode", "approximate"), [("EXACT", "none"), ("TANH_APPROXIMATION", "tanh")])
def test_gelu(mode, approximate):
    x = numbers(3, 5, low=-6, high=6)
    want = judged("Gelu", x, opset=20, approximate=approximate)[0]
    same(answers("gelu", x, mode=mode)[0], want, rtol=1e-5, atol=1e-6)
