"""Elementwise functions: exponentials, powers, quotients, and those of NumPy by their names.

Derivatives are finite wherever the value is. Where the formula has none, such as that of a power of a negative number
with respect to the exponent, it is taken as 0, since one NaN would spoil the gradients of all weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.cpu import exponential, loops
from graphml.ops.kernels.cpu import remainder as remainders
from graphml.ops.kernels.platform import on_cpu

# By name -------------------------------------------------------------------------------------------------------------


def numpy_function(name: str) -> Callable[..., Array]:
    """The function of that name: NumPy's for known values, otherwise JAX's. Never warns."""

    def function(*arrays: Array) -> Array:
        with np.errstate(all="ignore"):
            return getattr(array_namespace(*arrays), name)(*arrays)

    return function


def loop_function(name: str) -> Callable[..., Array]:
    """`numpy_function`, compiled to a plain loop on CPUs."""
    plain = numpy_function(name)

    def function(x: Array, *rest: Array) -> Array:
        return plain(x if array_namespace(x, *rest) is np else in_loops(x), *rest)

    return function


@jax.custom_jvp
def in_loops(x: Array) -> Array:
    """x unchanged; on CPUs, elementwise functions of it are compiled to plain loops."""
    return loops.in_loops(x) if on_cpu() and jnp.issubdtype(x.dtype, jnp.floating) else x


@in_loops.defjvp
def _in_loops_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return in_loops(*primals), tangents[0]


# Exponentials and powers ---------------------------------------------------------------------------------------------


def _float32_on_cpu(*arrays: Array) -> bool:
    return on_cpu() and all(x.dtype == jnp.float32 for x in arrays)


@jax.custom_jvp
def exp2(x: Array) -> Array:
    """2 to the power of x."""
    return exponential.exp2(x) if _float32_on_cpu(x) else jnp.exp2(x)


@exp2.defjvp
def _exp2_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    y = exp2(*primals)
    return y, tangents[0] * y * float(np.log(2))


@jax.custom_jvp
def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow and without losing small values."""
    if _float32_on_cpu(x):
        return exponential.softplus(x)
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


@softplus.defjvp
def _softplus_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return softplus(*primals), tangents[0] * lax.logistic(*primals)


@jax.custom_jvp
def power(x: Array, y: Array) -> Array:
    """x to the power of y. The derivative with respect to y is taken as 0 where x is not positive: there, powers exist
    for integer exponents only."""
    return exponential.power(x, y) if _float32_on_cpu(x, y) else jnp.power(x, y)


@power.defjvp
def _power_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (x, y), (dx, dy) = primals, tangents
    z = power(x, y)
    positive = x > 0
    by_x = y * power(x, jnp.where(y == 0, 1, y - 1))
    by_y = jnp.where(positive, jnp.log(jnp.where(positive, x, 1)) * z, 0)
    return z, by_x * dx + by_y * dy


def constant_power(x: Array, exponent: float) -> Array:
    """x to a fixed power: NaN for roots of negative numbers, 1 for the exponent 0.

    Small integer exponents are products. Others use logarithms, which is several times faster on CPUs than a power;
    the derivative at 0, which the logarithm lacks, is taken as 0.
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


def reciprocal_sqrt(x: Array) -> Array:
    """1 / sqrt(x); four times faster on CPUs than `lax.rsqrt`."""
    return jnp.sqrt(1 / x)


def shifted_log(x: Array, epsilon: float) -> Array:
    """log(x + epsilon). At 0 it is log(epsilon) even for an epsilon that processors flush to 0; its derivative there is
    then taken as 0."""
    stored = float(x.dtype.type(epsilon))
    normal = float(jnp.finfo(x.dtype).smallest_normal)  # pyright: ignore[reportUnknownArgumentType]  (of ml_dtypes)
    if not 0 < stored < normal:
        return jnp.log(x + stored)
    zero = x == 0
    return jnp.where(zero, math.log(stored), jnp.log(jnp.where(zero, 1, x)))


def safe_sqrt(x: Array) -> Array:
    """The square root of numbers >= 0, with derivative 0 at 0."""
    zero = x == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, x)))


# Integers ------------------------------------------------------------------------------------------------------------


def integer_power(x: Array, y: Array) -> Array:
    """x to the power of y in integers. A negative power is truncated towards 0; a negative power of 0 is 0."""
    xp = array_namespace(x, y)
    sign = xp.where((y & 1) == 0, xp.abs(x), x)
    return xp.where(y >= 0, xp.power(x, xp.maximum(y, 0)), xp.where(xp.abs(x) == 1, sign, 0)).astype(x.dtype)


def integer_quotient(x: Array, y: Array, *, down: bool) -> Array:
    """x / y in integers, 0 for a y of 0.

    Args:
        x: integers.
        y: integers.
        down: whether fractions are rounded down; otherwise they are dropped, that is, rounded towards 0.
    """
    xp = array_namespace(x, y)
    with np.errstate(all="ignore"):
        divisor = xp.where(y == 0, 1, y).astype(y.dtype)
        quotient = x // divisor
        if not down:
            quotient = quotient + ((quotient < 0) & (x % divisor != 0)).astype(quotient.dtype)
        return xp.where(y == 0, 0, quotient).astype(quotient.dtype)


# Quotients -----------------------------------------------------------------------------------------------------------


@jax.custom_jvp
def _traced_remainder(x: Array, y: Array) -> Array:
    return remainders.remainder(x, y) if _float32_on_cpu(x, y) else jnp.remainder(x, y)


@_traced_remainder.defjvp
def _remainder_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (x, y), (dx, dy) = primals, tangents
    rest = _traced_remainder(x, y)
    return rest, dx - jnp.rint((x - rest) / y) * dy


def remainder(x: Array, y: Array) -> Array:
    """x modulo y, with the sign of y, as in NumPy. Known values give a NumPy array."""
    with np.errstate(all="ignore"):
        return array_namespace(x, y).mod(x, y) if array_namespace(x, y) is np else _traced_remainder(x, y)


def floor_divide(x: Array, y: Array) -> Array:
    """x / y rounded down, of floats. y counts with its exact binary value: 5.5 / 0.1 is 54, as the float 0.1 is larger
    than a tenth. Known values give a NumPy array."""
    if array_namespace(x, y) is np:
        with np.errstate(all="ignore"):
            return np.where(np.isinf(x), x / y, np.floor_divide(x, y))  # pyright: ignore[reportReturnType]
    whole = remainders.floor_quotient(x, y) if _float32_on_cpu(x, y) else jnp.rint((x - remainder(x, y)) / y)
    small = jnp.isinf(y) & (x * jnp.sign(y) < 0)
    whole = jnp.where(jnp.isinf(y), jnp.where(small, -1, 0), whole)
    return jnp.where(jnp.isfinite(x) & (y != 0), whole, x / y)
