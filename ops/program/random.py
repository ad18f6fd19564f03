"""Random numbers: normal, uniform, Bernoulli and categorical.

An operation with a seed draws the same numbers in every call and after every load; one with a negative seed draws
with the key of the call. The format does not say which numbers a seed gives; JAX decides.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError, SpecError
from graphml.ops.kernels import random as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import widened
from graphml.ops.program._names import named
from graphml.ops.program.dialect import computed_type, operation

_FLAT = "samples are integers, which have no gradient"


def _sizes(shape: Array) -> tuple[int, ...]:
    """The sizes in a known vector. Raises ShapeError where they are not sizes."""
    sizes = np.asarray(shape)
    if sizes.ndim != 1 or bool((sizes < 0).any()):
        raise ShapeError(f"shape is {sizes.tolist()}; it must be a list of sizes, none of them negative")
    return tuple(int(size) for size in sizes)


def _type(*numbers: Array | None) -> Any:
    """The type of the result: the common type of the given numbers. A default, which may be float32, does not count."""
    types = {number.dtype for number in numbers if number is not None}
    half = np.dtype(np.float16)
    return half if half in types else jnp.result_type(*types) if types else computed_type("fp32")


def _number(number: Array | None, default: float, dtype: Any) -> Array:
    return jnp.asarray(default if number is None else number, dtype)


@operation("random_normal", version=15, random=True, concrete=(0,))
def random_normal(
    shape: Array, mean: Array | None = None, stddev: Array | None = None, *, key: Array, seed: int
) -> Array:
    """Normally distributed numbers.

    Args:
        shape: [R], known when the program is traced.
        mean: a scalar, the mean of the distribution; 0 where it is absent.
        stddev: a scalar, its standard deviation; 1 where it is absent.
        key: used where the seed is negative.
        seed: of the operation.

    Returns:
        Rank R, of the type of mean and stddev.

    Raises:
        ShapeError: a size is negative.

    Source: the operation random_normal of ML Programs (iOS 15).
    """
    dtype = _type(mean, stddev)
    center, deviation = _number(mean, 0, dtype), _number(stddev, 1, dtype)
    return kernels.normal(kernels.key_of(seed, key), _sizes(shape), dtype, mean=center, deviation=deviation)


@operation("random_uniform", version=15, random=True, concrete=(0,))
def random_uniform(
    shape: Array, low: Array | None = None, high: Array | None = None, *, key: Array, seed: int
) -> Array:
    """Uniformly distributed numbers in [low, high).

    Args:
        shape: [R], known when the program is traced.
        low: a scalar, the smallest number; 0 where it is absent.
        high: a scalar, the end of the range, which is never drawn; 1 where it is absent.
        key: used where the seed is negative.
        seed: of the operation.

    Returns:
        Rank R, of the type of low and high.

    Raises:
        ShapeError: a size is negative.

    Source: the operation random_uniform of ML Programs (iOS 15).
    """
    dtype = _type(low, high)
    start, end = _number(low, 0, dtype), _number(high, 1, dtype)
    unit = kernels.uniform(kernels.key_of(seed, key), _sizes(shape), dtype, low=0, high=1)
    drawn = start + unit * (end - start)
    return jnp.where(drawn < end, drawn, start)  # rounding may give the end itself


@operation("random_bernoulli", version=15, random=True, concrete=(0,), differentiable=_FLAT)
def random_bernoulli(shape: Array, prob: Array | None = None, *, key: Array, seed: int) -> Array:
    """Ones with a probability, else zeros.

    Args:
        shape: [R], known when the program is traced.
        prob: a scalar, the probability of 1; 0.5 where it is absent.
        key: used where the seed is negative.
        seed: of the operation.

    Returns:
        Rank R, of the type of prob.

    Raises:
        ShapeError: a size is negative.

    Source: the operation random_bernoulli of ML Programs (iOS 15).
    """
    dtype = _type(prob)
    chance = widened(_number(prob, 0.5, dtype))
    return kernels.bernoulli(kernels.key_of(seed, key), _sizes(shape), dtype, probability=chance)


@operation("random_categorical", version=15, random=True, differentiable=_FLAT)
def random_categorical(x: Array, *, key: Array, mode: str, size: int, seed: int) -> Array:
    """Categories drawn along the last axis of x, as integers from 0.

    Args:
        x: [..., categories].
        key: used where the seed is negative.
        mode: logits, or probs: probabilities, which need not sum up to 1.
        size: how many are drawn for each row.
        seed: of the operation.

    Returns:
        [..., size] of the type of x, in which half precision holds integers up to 2048. Probabilities are rounded
        down to multiples of 2^-30.

    Raises:
        ShapeError: x has no axis.
        SpecError: there is no such mode, or the size is negative.

    Source: the operation random_categorical of ML Programs (iOS 15).
    """
    if x.ndim == 0:
        raise ShapeError("x is a scalar; it needs an axis of categories")
    if size < 0:
        raise SpecError(f"size is {size}; it must not be negative")
    rows = widened(x).reshape(-1, x.shape[-1])
    is_logits = named(mode, {"logits": True, "probs": False}, "mode")
    share = jax.nn.softmax(rows) if is_logits else rows / jnp.sum(rows, axis=-1, keepdims=True)
    drawn = kernels.categorical(kernels.key_of(seed, key), share, size)
    return drawn.reshape(*x.shape[:-1], size).astype(x.dtype)
