"""The remainder and the floor of a division in float32. XLA calls the C library for each number.

Measured with jaxlib 0.10.2: the plain form takes 13 times as long.

With q the integer nearest to x / y, x - q y is a float32 number, and for q up to 1024 it is found without rounding: the
first 12 bits of y and the others are multiplied by q separately, which is exact, and so are both subtractions. Doing
this with 1024 y first reaches quotients of a million.
"""

from __future__ import annotations

import jax.numpy as jnp

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu._float32 import leading_bits, where_all

_LARGEST_QUOTIENT = 1024
_SMALLEST, _LARGEST = 1e-30, 1e30  # of y, so that its parts and their products are normal numbers


def remainder(x: Array, y: Array) -> Array:
    """x modulo y with the sign of y, float32, to the last bit."""
    return where_all(_is_normal(x, y), _exact_remainder, jnp.remainder, x, y)


def floor_quotient(x: Array, y: Array) -> Array:
    """x / y rounded down, float32; to the last bit for quotients up to a million."""
    exact = jnp.rint((x - _exact_remainder(x, y)) / y)
    return jnp.where(_is_normal(x, y), exact, jnp.floor(x / y))


def _is_normal(x: Array, y: Array) -> Array:
    size = jnp.abs(y)
    return (size >= _SMALLEST) & (size <= _LARGEST) & (jnp.abs(x) <= _LARGEST_QUOTIENT**2 * size)


def _exact_remainder(x: Array, y: Array) -> Array:
    rest = _subtract_nearest_multiple(_subtract_nearest_multiple(x, _LARGEST_QUOTIENT * y), y)
    return jnp.where(rest * jnp.sign(y) < 0, rest + y, rest)


def _subtract_nearest_multiple(x: Array, y: Array) -> Array:
    quotient = jnp.rint(x / y)
    first = leading_bits(y)
    return (x - quotient * first) - quotient * (y - first)
