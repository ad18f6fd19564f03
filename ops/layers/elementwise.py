"""Elementwise functions: every layer of specification 4 and 5 that maps each element separately."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jax import lax

from graphml.ops.kernels import activations, trigonometry
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.elementwise import exp2, in_loops, loop_function, numpy_function
from graphml.ops.layers.dialect import layer, layers


def _exp2(x: Array) -> Array:
    return numpy_function("exp2")(x) if array_namespace(x) is np else exp2(x)


# Wire name -> (NumPy's name, description)
_SMOOTH: Mapping[str, tuple[str, str]] = {
    "sinh": ("sinh", "The hyperbolic sine"),
    "cosh": ("cosh", "The hyperbolic cosine"),
    "tanh": ("tanh", "The hyperbolic tangent"),
    "asinh": ("arcsinh", "The inverse of the hyperbolic sine"),
    "acosh": ("arccosh", "The inverse of the hyperbolic cosine, 0 or more; NaN below 1"),
    "atanh": ("arctanh", "The inverse of the hyperbolic tangent; infinite at -1 and 1, NaN beyond"),
}
# Wire name -> (the function, description)
_KERNELS: Mapping[str, tuple[Callable[[Array], Array], str]] = {
    "exp2": (_exp2, "2 to the power of x"),
    "sin": (trigonometry.sine, "The sine, in radians"),
    "cos": (trigonometry.cosine, "The cosine, in radians"),
    "tan": (trigonometry.tangent, "The tangent, in radians"),
    "asin": (trigonometry.arcsine, "The inverse of the sine, from -pi/2 to pi/2; NaN beyond -1 and 1"),
    "acos": (trigonometry.arccosine, "The inverse of the cosine, from 0 to pi; NaN beyond -1 and 1"),
    "atan": (trigonometry.arctangent, "The inverse of the tangent, from -pi/2 to pi/2"),
}
_STEPS: Mapping[str, tuple[str, str]] = {
    "ceil": ("ceil", "The smallest integer that is not below x"),
    "floor": ("floor", "The largest integer that is not above x"),
    "round": ("rint", "The nearest integer; on a tie the even one, as in NumPy"),
    "sign": ("sign", "1 for positive numbers, -1 for negative ones, 0 for 0"),
}


def _layer(kind: str, function: Callable[[Array], Array], words: str) -> Callable[..., Array]:
    def elementwise(x: Array) -> Array:
        return function(x)

    elementwise.__doc__ = f"""{words}.

    Args:
        x: any shape.

    Returns:
        The shape of x.

    Source: {kind[0].upper()}{kind[1:]}LayerParams (spec 4).
    """
    return elementwise


layers({kind: _layer(kind, loop_function(name), words) for kind, (name, words) in _SMOOTH.items()}, layout="any")
layers({kind: _layer(kind, *row) for kind, row in _KERNELS.items()}, layout="any")
layers(
    {kind: _layer(kind, loop_function(name), words) for kind, (name, words) in _STEPS.items()},
    layout="any",
    differentiable="the gradient of a step function is 0 almost everywhere",
)


@layer("clip", layout="any")
def clip(x: Array, *, min_val: float, max_val: float) -> Array:
    """min(max(x, min_val), max_val).

    Args:
        x: any shape.
        min_val: the smallest result.
        max_val: the largest result.

    Returns:
        The shape of x.

    Source: ClipLayerParams (spec 4).
    """
    return array_namespace(x).clip(x, min_val, max_val)


@layer("erf", layout="any")
def erf(x: Array) -> Array:
    """The error function, 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x.

    Args:
        x: any shape.

    Returns:
        The shape of x.

    Source: ErfLayerParams (spec 4).
    """
    return lax.erf(in_loops(x))


@layer("gelu", layout="any")
def gelu(x: Array, *, mode: str) -> Array:
    """x times the probability that a standard normal number is below x, exactly or by one of two approximations.

    Args:
        x: any shape.
        mode: EXACT, TANH_APPROXIMATION or SIGMOID_APPROXIMATION.

    Returns:
        The shape of x.

    Source: GeluLayerParams (spec 4).
    """
    if mode == "TANH_APPROXIMATION":
        return activations.gelu_by_tanh(x)
    if mode == "SIGMOID_APPROXIMATION":
        return activations.gelu_by_sigmoid(x)
    return activations.gelu(x)


@layer("clampedReLU", layout="any")
def clamped_relu(x: Array, *, alpha: float, beta: float) -> Array:
    """min(beta, x) where x >= 0, min(beta, alpha * x) below.

    Args:
        x: any shape.
        alpha: slope below 0.
        beta: the largest result.

    Returns:
        The shape of x.

    Source: ClampedReLULayerParams (spec 5).
    """
    return activations.clamped_relu(x, alpha, beta)
