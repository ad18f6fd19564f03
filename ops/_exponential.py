"""Exponentials, powers and log(1 + exp) in float32 on CPUs, where XLA's own are up to three times slower than need be.

2^x is 2^n times a polynomial in the fraction by which x exceeds the whole number n; log(1 + e) is a polynomial for e up
to 1. The coefficients are minimax fits to (2^r - 1) / r and (log(1 + e) / e - 1) / e.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import target

_EXP2 = (6.931470444e-01, 2.402293056e-01, 5.548528040e-02, 9.675452009e-03, 1.246784225e-03, 2.161292990e-04)
_LOG1P = (
    *(-4.9999941e-01, 3.3330772e-01, -2.4961473e-01, 1.9710848e-01, -1.5401145e-01),
    *(1.0759517e-01, -5.8455038e-02, 2.0630178e-02, -3.4137401e-03),
)
_WHOLE = 12582912.0  # 1.5 * 2^23: added to it, a whole number stands in the last bits of the sum
_ROOT_HALF = 0x3F3504F3  # bits of sqrt(1 / 2)
_LARGEST_EXPONENT = 1e4  # of a power: beyond it the sums here would be rounded to less than a whole number


def _is_for(*arrays) -> bool:
    return target().platform == "cpu" and all(x.dtype == jnp.float32 for x in arrays)


def _polynomial(x, coefficients):
    return functools.reduce(lambda sum, c: sum * x + c, reversed(coefficients))


def _bits(x):
    return lax.bitcast_convert_type(x, jnp.int32)


def _number(bits):
    return lax.bitcast_convert_type(bits, jnp.float32)


def _exp2(n, rest):
    """2^(n + rest) for whole n from -127, which stands for 0, to 128, which stands for infinity; rest from -1 to 2."""
    return (1 + rest * _polynomial(rest, _EXP2)) * _number(_bits(n + np.float32(_WHOLE + 127)) << 23)


@jax.custom_jvp
def exp2(x):
    """2 to the power of x."""
    if not _is_for(x):
        return jnp.exp2(x)
    x = jnp.clip(x, -127, 128)
    n = jnp.floor(x)
    return _exp2(n, x - n)


exp2.defjvps(lambda dx, y, x: dx * y * float(np.log(2)))


@jax.custom_jvp
def softplus(x):
    """log(1 + exp(x)) that neither overflows nor loses small values."""
    small = jnp.exp(-jnp.abs(x))
    log = small + small * small * _polynomial(small, _LOG1P) if _is_for(x) else jnp.log1p(small)
    return jnp.maximum(x, 0) + log


softplus.defjvps(lambda dx, y, x: dx * lax.logistic(x))


def power(x, y):
    """x to the power of y; no slopes."""
    if not _is_for(x, y):
        return jnp.power(x, y)
    usual = (x >= np.finfo(np.float32).tiny) & (x < np.inf) & (jnp.abs(y) <= _LARGEST_EXPONENT)
    return lax.cond(jnp.all(usual), _positive_power, jnp.power, x, y)


def _positive_power(x, y):
    """2^(y log2 x), with log2 x = k + log2 m for a whole k and m near 1. The product y k has too many bits for float32
    and may be large, so the first 12 bits of y and the others are multiplied apart."""
    k = (_bits(x) - _ROOT_HALF) >> 23
    log = jnp.log2(_number(_bits(x) - (k << 23)))
    first = _number(_bits(y) & ~0xFFF)
    k = k.astype(jnp.float32)
    whole, rest = first * k, (y - first) * k + y * log
    n = jnp.floor(jnp.clip(whole + rest, -127, 128))
    return _exp2(n, jnp.clip(whole - n + rest, -1, 2))
