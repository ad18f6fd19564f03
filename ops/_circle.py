"""Sine, cosine, tangent and their inverses in float32 on CPUs, where XLA asks the C library for each number, 10 to 30
times slower.

Angles are brought to [-pi/4, pi/4] by subtracting whole quarter turns, with pi/2 in three parts whose products with the
number of turns are exact (Cody and Waite); there a short polynomial is as good as float32 allows. The coefficients are
minimax fits to (sin r / r - 1) / r^2 and (cos r - 1 + r^2 / 2) / r^4. The inverses are odd polynomials of the same
kind, asin r up to 1/2 and atan r up to 1, where the identities asin x = pi/2 - 2 asin sqrt((1 - x) / 2) and
atan x = pi/2 - atan 1/x bring every number.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import target

_QUARTER = (1.5703125, 4.837512969970703e-04, 7.549790126404332e-08)  # pi / 2, the first two of 11 bits each
_LARGEST = 8192.0  # beyond it the number of turns has more bits than the products leave room for
_SINE = (-1.6666655242e-01, 8.3321761340e-03, -1.9516977772e-04)
_COSINE = (4.1666645557e-02, -1.3887364184e-03, 2.4438091714e-05)
_ARCSINE = (1.6666754e-01, 7.4952420e-02, 4.5477100e-02, 2.4147580e-02, 4.2218600e-02)
_ARCTANGENT = (
    *(-3.3333302e-01, 1.9998639e-01, -1.4265245e-01, 1.0957571e-01, -8.4194440e-02),
    *(5.8234290e-02, -3.1455430e-02, 1.1064290e-02, -1.8271800e-03),
)


def _near(x, turns: int):
    """The sine of x plus so many quarter turns, for |x| <= _LARGEST."""
    n = jnp.rint(x * (2 / np.pi))
    r = ((x - n * _QUARTER[0]) - n * _QUARTER[1]) - n * _QUARTER[2]
    z = r * r
    sine = r + r * z * (_SINE[0] + z * (_SINE[1] + z * _SINE[2]))
    cosine = 1 - 0.5 * z + z * z * (_COSINE[0] + z * (_COSINE[1] + z * _COSINE[2]))
    quarter = n.astype(jnp.int32) + turns
    value = jnp.where(quarter & 1 == 1, cosine, sine)
    return jnp.where(quarter & 2 == 2, -value, value)


def _odd(r, coefficients):
    """r + c0 r^3 + c1 r^5 + ..."""
    z = r * r
    return r + r * z * functools.reduce(lambda sum, c: sum * z + c, reversed(coefficients))


def _arcsine(x):
    size = jnp.abs(x)
    far = size > 0.5
    arc = _odd(jnp.where(far, jnp.sqrt(0.5 - 0.5 * size), size), _ARCSINE)
    return jnp.copysign(jnp.where(far, np.pi / 2 - 2 * arc, arc), x)


def _arccosine(x):
    far = jnp.abs(x) > 0.5
    arc = _odd(jnp.where(far, jnp.sqrt(0.5 - 0.5 * jnp.abs(x)), x), _ARCSINE)
    return jnp.where(far, jnp.where(x > 0, 2 * arc, np.pi - 2 * arc), np.pi / 2 - arc)


def _arctangent(x):
    size = jnp.abs(x)
    far = size > 1
    arc = _odd(jnp.where(far, 1 / size, size), _ARCTANGENT)
    return jnp.copysign(jnp.where(far, np.pi / 2 - arc, arc), x)


def _on_cpu(near, anywhere, largest: float | None = _LARGEST):
    """`near` where all of x is up to `largest`, `anywhere` if not, and on other processors and in other precisions."""

    def function(x):
        if target().platform != "cpu" or x.dtype != jnp.float32:
            return anywhere(x)
        return near(x) if largest is None else lax.cond(jnp.all(jnp.abs(x) <= largest), near, anywhere, x)

    return function


sine = jax.custom_jvp(_on_cpu(lambda x: _near(x, 0), jnp.sin))
cosine = jax.custom_jvp(_on_cpu(lambda x: _near(x, 1), jnp.cos))
tangent = jax.custom_jvp(_on_cpu(lambda x: _near(x, 0) / _near(x, 1), jnp.tan))
arcsine = jax.custom_jvp(_on_cpu(_arcsine, jnp.arcsin, None))
arccosine = jax.custom_jvp(_on_cpu(_arccosine, jnp.arccos, None))
arctangent = jax.custom_jvp(_on_cpu(_arctangent, jnp.arctan, None))

sine.defjvps(lambda dx, y, x: cosine(x) * dx)
cosine.defjvps(lambda dx, y, x: -sine(x) * dx)
tangent.defjvps(lambda dx, y, x: (1 + y * y) * dx)
arcsine.defjvps(lambda dx, y, x: dx / jnp.sqrt(1 - x * x))
arccosine.defjvps(lambda dx, y, x: -dx / jnp.sqrt(1 - x * x))
arctangent.defjvps(lambda dx, y, x: dx / (1 + x * x))
