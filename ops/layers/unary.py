"""Functions of one number: eight of them in one layer of specification 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jax import lax

from graphml.ops._exponential import exp2
from graphml.ops._loops import in_loops
from graphml.ops.layers.dialect import layer


def power(x, exponent: float):
    """x to a fixed power: NaN for roots of negative numbers, 1 for exponent 0.

    Small whole exponents are products. The others go through logarithms, which is several times faster on CPUs than
    a power; at 0, where the logarithm has no slope, the slope is taken as 0.
    """
    if float(exponent).is_integer() and abs(exponent) <= 64:
        return lax.integer_pow(x, int(exponent))
    if exponent == 0.5:
        return jnp.sqrt(x)
    if float(exponent).is_integer():
        return jnp.power(x, exponent)
    zero = x == 0
    value = exp2(exponent * jnp.log2(jnp.where(zero, 1, x)))
    return jnp.where(zero, 0.0 if exponent > 0 else jnp.inf, value)


# f(x, alpha, epsilon) by operation
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "SQRT": lambda x, alpha, epsilon: jnp.sqrt(x),
    "RSQRT": lambda x, alpha, epsilon: jnp.sqrt(1 / (x + epsilon)),  # four times faster on CPUs than rsqrt
    "INVERSE": lambda x, alpha, epsilon: 1 / (x + epsilon),
    "POWER": lambda x, alpha, epsilon: power(x, alpha),
    "EXP": lambda x, alpha, epsilon: jnp.exp(x),
    "LOG": lambda x, alpha, epsilon: jnp.log(x + epsilon),
    "ABS": lambda x, alpha, epsilon: jnp.abs(x),
    "THRESHOLD": lambda x, alpha, epsilon: jnp.maximum(x, alpha),
}


@layer("unary", layout="any")
def unary(x, *, type: str, alpha: float, epsilon: float, shift: float, scale: float):
    """f(scale * x + shift), elementwise, for one of eight functions f.

    x: any shape; returns the same. `alpha` is the exponent of POWER and the floor of THRESHOLD; `epsilon` is added to
    what enters RSQRT, INVERSE and LOG. The prose leaves it out of LOG; converters count on it, and Core ML adds it.
    Outside its domain f gives what NumPy gives: NaN or infinity. Source: UnaryFunctionLayerParams (spec 1).
    """
    return _FUNCTIONS[type](in_loops(scale * x + shift), alpha, epsilon)
