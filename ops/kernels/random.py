"""Random numbers drawn with a key."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from graphml.interpreter.budget import check_shape
from graphml.ops.kernels.arrays import Array, DType
from graphml.ops.kernels.sorting import cumsum

_SHARES = 1 << 30  # integers, so that sums are exact and what is impossible never happens


def normal(key: Array, shape: tuple[int, ...], dtype: DType, *, mean: float, deviation: float) -> Array:
    """Normally distributed numbers. Raises ShapeError where the array would exceed the limit of memory."""
    check_shape(shape, dtype)
    return mean + deviation * jax.random.normal(key, shape, dtype)


def uniform(key: Array, shape: tuple[int, ...], dtype: DType, *, low: float, high: float) -> Array:
    """Numbers uniform over [low, high). Raises ShapeError where the array would exceed the limit of memory."""
    check_shape(shape, dtype)
    return jax.random.uniform(key, shape, dtype, low, high)


def bernoulli(key: Array, shape: tuple[int, ...], dtype: DType, *, probability: float) -> Array:
    """1 with a probability, otherwise 0. Raises ShapeError where the array would exceed the limit of memory."""
    check_shape(shape, dtype)
    return jax.random.bernoulli(key, probability, shape).astype(dtype)


def categorical(key: Array, probabilities: Array, count: int) -> Array:
    """Categories drawn by their probabilities, which count in steps of 2^-30.

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
    return jnp.minimum(category, probabilities.shape[-1] - 1)  # where all sums are 0 there is nothing to draw below
