"""Exponentials, powers and log(1 + exp(x)) in float32.

Measured with jaxlib 0.10.2: the plain forms take up to three times as long.

2^x is 2^n times a polynomial in the fraction x - n, n the integer part of x; log(1 + e) is a polynomial for e up to 1.
The coefficients are minimax fits to (2^r - 1) / r and (log(1 + e) / e - 1) / e.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu._float32 import bits_of, float_of, leading_bits, polynomial, where_all

_EXP2 = (6.931470444e-01, 2.402293056e-01, 5.548528040e-02, 9.675452009e-03, 1.246784225e-03, 2.161292990e-04)
_LOG1P = (
    *(-4.9999941e-01, 3.3330772e-01, -2.4961473e-01, 1.9710848e-01, -1.5401145e-01),
    *(1.0759517e-01, -5.8455038e-02, 2.0630178e-02, -3.4137401e-03),
)
_INTEGER_SHIFT = 12582912.0  # 1.5 * 2^23: the last bits of the sum with it are those of an integer
_ROOT_HALF = 0x3F3504F3  # bits of sqrt(1 / 2)
_LARGEST_EXPONENT = 1e4  # of a power: beyond it the sums here are rounded to less than an integer


def exp2(x: Array) -> Array:
    """2 to the power of x, float32."""
    x = jnp.clip(x, -127, 128)
    n = jnp.floor(x)
    return _scaled_exp2(n, x - n)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), float32, without overflow and without losing small values."""
    small = jnp.exp(-jnp.abs(x))
    return jnp.maximum(x, 0) + (small + small * small * polynomial(small, _LOG1P))


def power(x: Array, y: Array) -> Array:
    """x to the power of y, float32. Numbers outside the normal range take the plain form."""
    normal = (x >= np.finfo(np.float32).tiny) & (x < np.inf) & (jnp.abs(y) <= _LARGEST_EXPONENT)
    return where_all(normal, _positive_power, jnp.power, x, y)


def _scaled_exp2(n: Array, rest: Array) -> Array:
    """2^(n + rest), n an integer from -127, which gives 0, to 128, which gives infinity; rest in [-1, 2]."""
    return (1 + rest * polynomial(rest, _EXP2)) * float_of(bits_of(n + np.float32(_INTEGER_SHIFT + 127)) << 23)


def _positive_power(x: Array, y: Array) -> Array:
    """2^(y log2 x), with log2 x = k + log2 m for an integer k and m near 1. The product y k has too many bits for
    float32 and may be large, so the first 12 bits of y and the others are multiplied separately."""
    k = (bits_of(x) - _ROOT_HALF) >> 23
    log = jnp.log2(float_of(bits_of(x) - (k << 23)))
    first = leading_bits(y)
    k = k.astype(jnp.float32)
    exact, rest = first * k, (y - first) * k + y * log
    n = jnp.floor(jnp.clip(exact + rest, -127, 128))
    return _scaled_exp2(n, jnp.clip(exact - n + rest, -1, 2))
