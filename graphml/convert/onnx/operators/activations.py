"""Activation functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.spec.attributes import Choice


def _activation(name: str) -> Callable[..., Tensor]:
    def convert(w: Writer, x: Tensor) -> Tensor:
        return basics.activation(w, name, x)

    return convert


for _name, _wire in {
    "Relu": "ReLU",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
}.items():
    operator(_name, ignored=("consumed_inputs",))(_activation(_wire))


@operator("LeakyRelu", ignored=("consumed_inputs",))
def leaky_relu(w: Writer, x: Tensor, *, alpha: float = 0.01) -> Tensor:
    return basics.activation(w, "leakyReLU", x, alpha=alpha)


@operator("Elu", ignored=("consumed_inputs",))
def elu(w: Writer, x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return basics.activation(w, "ELU", x, alpha=alpha)


@operator("Selu", ignored=("consumed_inputs",))
def selu(w: Writer, x: Tensor, *, alpha: float = 1.6732632423543772, gamma: float = 1.0507009873554805) -> Tensor:
    return basics.linear(w, basics.activation(w, "ELU", x, alpha=alpha), gamma)


@operator("Celu")
def celu(w: Writer, x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)), which is alpha * elu(x / alpha)."""
    inner = basics.activation(w, "ELU", basics.linear(w, x, 1 / alpha), alpha=1.0)
    return basics.linear(w, inner, alpha)


@operator("ThresholdedRelu")
def thresholded_relu(w: Writer, x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """x where x > alpha, else 0; the layer of this name also keeps x where it equals alpha."""
    return basics.multiply(w, x, basics.compare(w, "greaterThan", x, alpha))


@operator("HardSigmoid", ignored=("consumed_inputs",))
def hard_sigmoid(w: Writer, x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    return basics.activation(w, "sigmoidHard", x, alpha=alpha, beta=beta)


@operator("HardSwish")
def hard_swish(w: Writer, x: Tensor) -> Tensor:
    return basics.multiply(w, x, hard_sigmoid(w, x, alpha=1 / 6, beta=0.5))


@operator("Swish")
def swish(w: Writer, x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return basics.multiply(w, x, basics.activation(w, "sigmoid", x if alpha == 1 else basics.linear(w, x, alpha)))


@operator("Mish")
def mish(w: Writer, x: Tensor) -> Tensor:
    return basics.multiply(w, x, basics.unary(w, "tanh", basics.activation(w, "softplus", x)))


@operator("Gelu")
def gelu(w: Writer, x: Tensor, *, approximate: str = "none") -> Tensor:
    return basics.unary(w, "gelu", x, mode="TANH_APPROXIMATION" if approximate == "tanh" else "EXACT")


@operator("PRelu", ignored=("consumed_inputs",))
def prelu(w: Writer, x: Tensor, slope: Tensor) -> Tensor:
    """The layer takes one slope per channel; other shapes become max(x, 0) + slope * min(x, 0)."""
    value = slope.constant
    if value is not None and x.rank >= 3 and slope.rank == 3 and slope.shape == (x.shape[-3], 1, 1):
        return basics.unary(w, "activation", x, nonlinearity_type=Choice("PReLU", {}), alpha=np.ravel(value))
    below = basics.multiply(w, basics.minimum(w, x, 0.0), slope)
    return basics.add(w, basics.activation(w, "ReLU", x), below)


@operator("Shrink")
def shrink(w: Writer, x: Tensor, *, bias: float = 0.0, lambd: float = 0.5) -> Tensor:
    """x + bias below -lambd, x - bias above lambd, 0 in between."""
    low = basics.multiply(w, basics.linear(w, x, 1.0, bias), basics.compare(w, "lessThan", x, -lambd))
    high = basics.multiply(w, basics.linear(w, x, 1.0, -bias), basics.compare(w, "greaterThan", x, lambd))
    return basics.retyped(w, basics.add(w, low, high), x.dtype)


def _over_classes(w: Writer, x: Tensor, axis: int, convert: Callable[[Tensor, int], Tensor]) -> Tensor:
    """Before version 13, everything from an axis on is one axis of classes."""
    at = x.axis(axis) if axis < x.rank else x.rank
    matrix = [(math.prod(shape[:at]), math.prod(shape[at:])) for shape in x.shapes]
    if all(shape[at + 1 :] == (1,) * len(shape[at + 1 :]) for shape in x.shapes) and at < x.rank:
        return convert(x, at)
    return basics.reshape(w, convert(basics.reshape(w, x, matrix), 1), x.shapes, [x])


@operator("Softmax", until=12)
def softmax_flat(w: Writer, x: Tensor, *, axis: int = 1) -> Tensor:
    return _over_classes(w, x, axis, lambda part, at: basics.softmax(w, part, at))


@operator("Softmax", since=13)
def softmax(w: Writer, x: Tensor, *, axis: int = -1) -> Tensor:
    return basics.softmax(w, x, axis)


def _log_softmax(w: Writer, x: Tensor, axis: int) -> Tensor:
    """x minus its logSumExp, which stays finite where the logarithm of a softmax would not."""
    return basics.subtract(w, x, basics.reduce(w, "reduceLogSumExp", x, [axis]))


@operator("LogSoftmax", until=12)
def log_softmax_flat(w: Writer, x: Tensor, *, axis: int = 1) -> Tensor:
    return _over_classes(w, x, axis, lambda part, at: _log_softmax(w, part, at))


@operator("LogSoftmax", since=13)
def log_softmax(w: Writer, x: Tensor, *, axis: int = -1) -> Tensor:
    return _log_softmax(w, x, x.axis(axis))


def _hardmax(w: Writer, x: Tensor, axis: int) -> Tensor:
    """1 at the first largest element along the axis."""
    shapes = [tuple(1 if i == axis else size for i, size in enumerate(shape)) for shape in x.shapes]
    first = w.layer("argMax", [x], shapes=shapes, axis=axis, remove_dim=False)
    size = x.shape[axis]
    assert size is not None, "checked by the caller"
    positions: Any = np.arange(size, dtype=np.float32).reshape([-1 if i == axis else 1 for i in range(x.rank)])
    return basics.retyped(w, basics.compare(w, "equal", first, w.constant(positions)), x.dtype)


@operator("Hardmax", until=12)
def hardmax_flat(w: Writer, x: Tensor, *, axis: int = 1) -> Tensor:
    return _over_classes(w, x, axis, lambda part, at: _hardmax(w, part, at))


@operator("Hardmax", since=13)
def hardmax(w: Writer, x: Tensor, *, axis: int = -1) -> Tensor:
    return _hardmax(w, x, x.axis(axis))
