"""Random numbers drawn with a key."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from graphml.interpreter.budget import check_shape
from graphml.ops.kernels.arrays import Array, DType
from graphml.ops.kernels.sorting import cumsum

_SHARES = 1 << 30  # integers, so that sums are exact and a category of probability 0 is never drawn


def key_of(seed: int, key: Array) -> Array:
    """The key of a seed, or the key of the call where the seed is negative. Seeds have up to 63 bits, keys are made
    from 32."""
    if seed < 0:
        return key
    return jax.random.fold_in(jax.random.key(seed & 0xFFFFFFFF), seed >> 32) if seed >> 32 else jax.random.key(seed)


def normal(key: Array, shape: tuple[int, ...], dtype: DType, *, mean: float | Array, deviation: float | Array) -> Array:
    """Normally distributed numbers. Raises ShapeError where the array would exceed the limit of memory."""
    check_shape(shape, dtype)
    return mean + deviation * jax.random.normal(key, shape, dtype)


def uniform(key: Array, shape: tuple[int, ...], dtype: DType, *, low: float | Array, high: float | Array) -> Array:
    """Uniformly distributed numbers in [low, high). Raises ShapeError where the array would exceed the limit of
    memory."""
    check_shape(shape, dtype)
    return jax.random.uniform(key, shape, dtype, low, high)


def bernoulli(key: Array, shape: tuple[int, ...], dtype: DType, *, probability: float | Array) -> Array:
    """1 with a probability, otherwise 0. Raises ShapeError where the array would exceed the limit of memory."""
    check_shape(shape, dtype)
    return jax.random.bernoulli(key, probability, shape).astype(dtype)


def categorical(key: Array, probabilities: Array, count: int) -> Array:
    """Categories drawn with given probabilities, which are rounded down to multiples of 2^-30.

    Args:
        key: of the draw.
        probabilities: [rows, categories], each row adding up to 1.
        count: how many are drawn for each row.

    Returns:
        [rows, count], integers from 0. A category of probability 0 is never drawn, unless all of them are.
    """
    ends = cumsum(jnp.floor(probabilities * _SHARES).astype(jnp.int32), 1)
    drawn = jax.random.randint(key, (len(probabilities), count), 0, ends[:, -1:])
    category = jax.vmap(partial(jnp.searchsorted, side="right"))(ends, drawn)
    return jnp.minimum(category, probabilities.shape[-1] - 1)  # if all sums are 0 no category is below the end
