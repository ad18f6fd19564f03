"""Sine, cosine, tangent and their inverses in float32. XLA calls the C library for each number.

Measured with jaxlib 0.10.2: the plain forms take 10 to 30 times as long.

Angles are reduced to [-pi/4, pi/4] by subtracting quarter turns, with pi/2 in three parts whose products with the
number of turns are exact (Cody and Waite); there a short polynomial is as good as float32 allows. The coefficients are
minimax fits to (sin r / r - 1) / r^2 and (cos r - 1 + r^2 / 2) / r^4. The inverses are odd polynomials of the same
kind, asin r up to 1/2 and atan r up to 1; the identities asin x = pi/2 - 2 asin sqrt((1 - x) / 2) and
atan x = pi/2 - atan 1/x reduce every number to these ranges.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu._float32 import odd_polynomial, polynomial, where_all

_QUARTER_TURN = (1.5703125, 4.837512969970703e-04, 7.549790126404332e-08)  # pi / 2, the first two of 11 bits each
_LARGEST_ANGLE = 8192.0  # beyond it the number of turns has more bits than the exact products leave room for
_SINE = (-1.6666655242e-01, 8.3321761340e-03, -1.9516977772e-04)
_COSINE = (4.1666645557e-02, -1.3887364184e-03, 2.4438091714e-05)
_ARCSINE = (1.6666754e-01, 7.4952420e-02, 4.5477100e-02, 2.4147580e-02, 4.2218600e-02)
_ARCTANGENT = (
    *(-3.3333302e-01, 1.9998639e-01, -1.4265245e-01, 1.0957571e-01, -8.4194440e-02),
    *(5.8234290e-02, -3.1455430e-02, 1.1064290e-02, -1.8271800e-03),
)


def sine(x: Array) -> Array:
    """The sine of angles in radians, float32."""
    return _within_range(lambda x: _sine_after(x, 0), jnp.sin, x)


def cosine(x: Array) -> Array:
    """The cosine of angles in radians, float32."""
    return _within_range(lambda x: _sine_after(x, 1), jnp.cos, x)


def tangent(x: Array) -> Array:
    """The tangent of angles in radians, float32."""
    return _within_range(lambda x: _sine_after(x, 0) / _sine_after(x, 1), jnp.tan, x)


def arcsine(x: Array) -> Array:
    """The inverse of the sine, in [-pi/2, pi/2], float32; NaN outside [-1, 1]."""
    size = jnp.abs(x)
    large = size > 0.5
    arc = odd_polynomial(jnp.where(large, jnp.sqrt(0.5 - 0.5 * size), size), _ARCSINE)
    return jnp.copysign(jnp.where(large, np.pi / 2 - 2 * arc, arc), x)


def arccosine(x: Array) -> Array:
    """The inverse of the cosine, in [0, pi], float32; NaN outside [-1, 1]."""
    large = jnp.abs(x) > 0.5
    arc = odd_polynomial(jnp.where(large, jnp.sqrt(0.5 - 0.5 * jnp.abs(x)), x), _ARCSINE)
    return jnp.where(large, jnp.where(x > 0, 2 * arc, np.pi - 2 * arc), np.pi / 2 - arc)


def arctangent(x: Array) -> Array:
    """The inverse of the tangent, in [-pi/2, pi/2], float32."""
    size = jnp.abs(x)
    large = size > 1
    arc = odd_polynomial(jnp.where(large, 1 / size, size), _ARCTANGENT)
    return jnp.copysign(jnp.where(large, np.pi / 2 - arc, arc), x)


def _within_range(fast: Callable[[Array], Array], plain: Callable[[Array], Array], x: Array) -> Array:
    """`fast` when no angle exceeds the largest for which it is exact, otherwise `plain`."""
    return where_all(jnp.abs(x) <= _LARGEST_ANGLE, fast, plain, x)


def _sine_after(x: Array, quarters: int) -> Array:
    """The sine of x plus a number of quarter turns, for |x| <= _LARGEST_ANGLE."""
    n = jnp.rint(x * (2 / np.pi))
    r = ((x - n * _QUARTER_TURN[0]) - n * _QUARTER_TURN[1]) - n * _QUARTER_TURN[2]
    z = r * r
    sine = r + r * z * polynomial(z, _SINE)
    cosine = 1 - 0.5 * z + z * z * polynomial(z, _COSINE)
    quarter = n.astype(jnp.int32) + quarters
    value = jnp.where(quarter & 1 == 1, cosine, sine)
    return jnp.where(quarter & 2 == 2, -value, value)
