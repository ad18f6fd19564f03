"""Elementwise functions: every layer of specification 4 and 5 that maps each number by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.ops._circle import arccosine, arcsine, arctangent, cosine, sine, tangent
from graphml.ops._exponential import exp2
from graphml.ops._known import module, numpy_function
from graphml.ops._loops import in_loops, looped_numpy
from graphml.ops.layers.activation import sigmoid
from graphml.ops.layers.dialect import layer, layers

# Wire name -> (NumPy's name, what it is)
_SMOOTH: Mapping[str, tuple[str, str]] = {
    "sinh": ("sinh", "The hyperbolic sine"),
    "cosh": ("cosh", "The hyperbolic cosine"),
    "tanh": ("tanh", "The hyperbolic tangent"),
    "asinh": ("arcsinh", "The inverse of the hyperbolic sine"),
    "acosh": ("arccosh", "The inverse of the hyperbolic cosine, 0 or more; NaN below 1"),
    "atanh": ("arctanh", "The inverse of the hyperbolic tangent; infinite at -1 and 1, NaN beyond"),
}
# Wire name -> (the function, what it is)
_OWN: Mapping[str, tuple[Callable, str]] = {
    "exp2": (lambda x: numpy_function("exp2")(x) if module(x) is np else exp2(x), "2 to the power of x"),
    "sin": (sine, "The sine, of radians"),
    "cos": (cosine, "The cosine, of radians"),
    "tan": (tangent, "The tangent, of radians"),
    "asin": (arcsine, "The inverse of the sine, from -pi/2 to pi/2; NaN beyond -1 and 1"),
    "acos": (arccosine, "The inverse of the cosine, from 0 to pi; NaN beyond -1 and 1"),
    "atan": (arctangent, "The inverse of the tangent, from -pi/2 to pi/2"),
}
_STEPS: Mapping[str, tuple[str, str]] = {
    "ceil": ("ceil", "The smallest whole number that is not below x"),
    "floor": ("floor", "The largest whole number that is not above x"),
    "round": ("rint", "The nearest whole number; of two equally near ones the even one, as in NumPy"),
    "sign": ("sign", "1 for positive numbers, -1 for negative ones, 0 for 0"),
}


def _layer(kind: str, function: Callable, words: str) -> Callable:
    def elementwise(x):
        return function(x)

    elementwise.__doc__ = f"""{words}.

    x: any shape; returns the same. Source: {kind[0].upper()}{kind[1:]}LayerParams (spec 4).
    """
    return elementwise


layers({kind: _layer(kind, looped_numpy(name), words) for kind, (name, words) in _SMOOTH.items()}, layout="any")
layers({kind: _layer(kind, *row) for kind, row in _OWN.items()}, layout="any")
layers(
    {kind: _layer(kind, looped_numpy(name), words) for kind, (name, words) in _STEPS.items()},
    layout="any",
    differentiable="a step function is flat between its steps",
)


@layer("clip", layout="any")
def clip(x, *, min_val: float, max_val: float):
    """min(max(x, min_val), max_val). x: any shape; returns the same. Source: ClipLayerParams (spec 4)."""
    return module(x).clip(x, min_val, max_val)


@layer("erf", layout="any")
def erf(x):
    """The error function, 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x.

    x: any shape; returns the same. Source: ErfLayerParams (spec 4).
    """
    return lax.erf(in_loops(x))


@layer("gelu", layout="any")
def gelu(x, *, mode: str):
    """x times the probability that a standard normal number is below x, exactly or by one of two approximations.

    x: any shape; returns the same. Source: GeluLayerParams (spec 4).
    """
    if mode == "TANH_APPROXIMATION":
        return 0.5 * x * (1 + jnp.tanh((2 / jnp.pi) ** 0.5 * (x + 0.044715 * x * x * x)))
    if mode == "SIGMOID_APPROXIMATION":
        return x * sigmoid(1.702 * x)
    return 0.5 * x * (1 + lax.erf(x * 0.5**0.5))


@layer("clampedReLU", layout="any")
def clamped_relu(x, *, alpha: float, beta: float):
    """min(beta, x) where x >= 0, min(beta, alpha * x) below.

    x: any shape; returns the same. Source: ClampedReLULayerParams (spec 5).
    """
    return jnp.minimum(beta, jnp.where(x >= 0, x, alpha * x))
