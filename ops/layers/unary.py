"""Unary functions: eight of them in one layer of specification 1."""

from __future__ import annotations

import jax.numpy as jnp

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.elementwise import constant_power, in_loops, reciprocal_sqrt
from graphml.ops.layers.dialect import layer


@layer("unary", layout="any")
def unary(x: Array, *, type: str, alpha: float, epsilon: float, shift: float, scale: float) -> Array:
    """f(scale * x + shift), elementwise, for one of eight functions f.

    Outside its domain f gives what NumPy gives: NaN or infinity.

    Args:
        x: any shape.
        type: SQRT, RSQRT, INVERSE, POWER, EXP, LOG, ABS or THRESHOLD.
        alpha: the exponent of POWER and the smallest result of THRESHOLD.
        epsilon: added to the argument of RSQRT, INVERSE and LOG. The prose leaves it out of LOG; converters rely on
            it, and Core ML adds it.
        shift: see above.
        scale: see above.

    Returns:
        The shape of x.

    Source: UnaryFunctionLayerParams (spec 1).
    """
    x = in_loops(scale * x + shift)
    match type:
        case "SQRT":
            return jnp.sqrt(x)
        case "RSQRT":
            return reciprocal_sqrt(x + epsilon)
        case "INVERSE":
            return 1 / (x + epsilon)
        case "POWER":
            return constant_power(x, alpha)
        case "EXP":
            return jnp.exp(x)
        case "LOG":
            return jnp.log(x + epsilon)
        case "ABS":
            return jnp.abs(x)
        case _:  # THRESHOLD
            return jnp.maximum(x, alpha)
