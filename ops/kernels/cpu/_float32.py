"""What the forms for float32 numbers share: polynomials, bits, and the way back to the plain form."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import lax

from graphml.ops.kernels.arrays import Array


def polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    """c0 + c1 x + c2 x^2 + ..., for at least two coefficients."""
    *rest, last = coefficients
    start = rest.pop()
    return functools.reduce(lambda total, c: total * x + c, reversed(rest), last * x + start)


def odd_polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    """x + c0 x^3 + c1 x^5 + ..."""
    z = x * x
    return x + x * z * polynomial(z, coefficients)


def bits_of(x: Array) -> Array:
    """The bits of float32 numbers, as int32."""
    return lax.bitcast_convert_type(x, jnp.int32)


def float_of(bits: Array) -> Array:
    """The float32 numbers that these bits encode."""
    return lax.bitcast_convert_type(bits, jnp.float32)


def leading_bits(x: Array) -> Array:
    """Float32 numbers cut to the first 12 bits of their significands, so that products of two of them are exact."""
    return float_of(bits_of(x) & ~0xFFF)


def where_all(condition: Array, fast: Callable[..., Array], plain: Callable[..., Array], *arrays: Array) -> Array:
    """fast(*arrays) when the condition holds for all elements, otherwise plain(*arrays)."""
    # lax.cond has no types
    return lax.cond(jnp.all(condition), fast, plain, *arrays)  # pyright: ignore[reportUnknownVariableType]
