"""Sine, cosine and tangent in float32 on CPUs, where XLA asks the C library for each number, 10 to 20 times slower.

Angles are brought to [-pi/4, pi/4] by subtracting whole quarter turns, with pi/2 in three parts whose products with the
number of turns are exact (Cody and Waite); there a short polynomial is as good as float32 allows. The coefficients are
minimax fits to (sin r / r - 1) / r^2 and (cos r - 1 + r^2 / 2) / r^4.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import target

_QUARTER = (1.5703125, 4.837512969970703e-04, 7.549790126404332e-08)  # pi / 2, the first two of 11 bits each
_LARGEST = 8192.0  # beyond it the number of turns has more bits than the products leave room for
_SINE = (-1.6666655242e-01, 8.3321761340e-03, -1.9516977772e-04)
_COSINE = (4.1666645557e-02, -1.3887364184e-03, 2.4438091714e-05)


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


def _on_cpu(near, anywhere):
    """`near` where it is good for all of x, `anywhere` if not, and on other processors and in other precisions."""

    def function(x):
        if target().platform != "cpu" or x.dtype != jnp.float32:
            return anywhere(x)
        return lax.cond(jnp.all(jnp.abs(x) <= _LARGEST), near, anywhere, x)

    return function


sine = jax.custom_jvp(_on_cpu(lambda x: _near(x, 0), jnp.sin))
cosine = jax.custom_jvp(_on_cpu(lambda x: _near(x, 1), jnp.cos))
tangent = jax.custom_jvp(_on_cpu(lambda x: _near(x, 0) / _near(x, 1), jnp.tan))

sine.defjvps(lambda dx, y, x: cosine(x) * dx)
cosine.defjvps(lambda dx, y, x: -sine(x) * dx)
tangent.defjvps(lambda dx, y, x: (1 + y * y) * dx)
