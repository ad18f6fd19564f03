"""Random numbers: normal, uniform, Bernoulli and categorical.

A layer with a seed draws the same numbers in every call and after every load; one with a negative seed draws with the
key of the call. The format does not say which numbers a seed gives; JAX decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.random import bernoulli, categorical, key_of, normal, uniform
from graphml.ops.layers._axes import check_rank
from graphml.ops.layers._integers import known_shape
from graphml.ops.layers.dialect import layer

_NO_VALUES = "random numbers do not depend on the values of an input"
_NO_GRADIENT = "samples are integers, which have no gradient"


def _ordered(attributes: Mapping[str, Any]) -> str | None:
    low, high = attributes["min_val"], attributes["max_val"]
    return f"min_val {low} is above max_val {high}" if low > high else None


def _probable(attributes: Mapping[str, Any]) -> str | None:
    prob = attributes["prob"]
    return None if 0 <= prob <= 1 else f"prob must be between 0 and 1, got {prob}"


# Normal ---------------------------------------------------------------------------------------------------------------


@layer("randomNormalLike", random=True, differentiable=_NO_VALUES)
def random_normal_like(x: Array, *, key: Array, seed: int, mean: float, std_dev: float) -> Array:
    """Normally distributed numbers in the shape of x, whatever its values.

    Args:
        x: any shape.
        key: used when the seed is negative.
        seed: of the layer.
        mean: the mean of the distribution.
        std_dev: its standard deviation.

    Returns:
        The shape of x.

    Source: RandomNormalLikeLayerParams (spec 4).
    """
    return normal(key_of(seed, key), x.shape, x.dtype, mean=mean, deviation=std_dev)


@layer("randomNormalStatic", random=True)
def random_normal_static(*, key: Array, seed: int, mean: float, std_dev: float, output_shape: tuple[int, ...]) -> Array:
    """Normally distributed numbers in a fixed shape.

    Args:
        key: used when the seed is negative.
        seed: of the layer.
        mean: the mean of the distribution.
        std_dev: its standard deviation.
        output_shape: the shape.

    Returns:
        [*output_shape].

    Source: RandomNormalStaticLayerParams (spec 4).
    """
    return normal(key_of(seed, key), output_shape, jnp.float32, mean=mean, deviation=std_dev)


@layer("randomNormalDynamic", random=True, concrete=(0,), differentiable=_NO_VALUES)
def random_normal_dynamic(shape: Array, *, key: Array, seed: int, mean: float, std_dev: float) -> Array:
    """Normally distributed numbers in the shape that the input holds, known when the network is traced.

    Args:
        shape: [R].
        key: used when the seed is negative.
        seed: of the layer.
        mean: the mean of the distribution.
        std_dev: its standard deviation.

    Returns:
        Rank R.

    Raises:
        ShapeError: a size is negative.

    Source: RandomNormalDynamicLayerParams (spec 4).
    """
    return normal(key_of(seed, key), known_shape(shape, "the shape"), shape.dtype, mean=mean, deviation=std_dev)


# Uniform --------------------------------------------------------------------------------------------------------------


@layer("randomUniformLike", random=True, differentiable=_NO_VALUES, supported=_ordered)
def random_uniform_like(x: Array, *, key: Array, seed: int, min_val: float, max_val: float) -> Array:
    """Uniformly distributed numbers in [min_val, max_val) in the shape of x, whatever its values.

    Args:
        x: any shape.
        key: used when the seed is negative.
        seed: of the layer.
        min_val: the smallest number.
        max_val: the end of the range, which is never drawn.

    Returns:
        The shape of x.

    Source: RandomUniformLikeLayerParams (spec 4).
    """
    return uniform(key_of(seed, key), x.shape, x.dtype, low=min_val, high=max_val)


@layer("randomUniformStatic", random=True, supported=_ordered)
def random_uniform_static(
    *, key: Array, seed: int, min_val: float, max_val: float, output_shape: tuple[int, ...]
) -> Array:
    """Uniformly distributed numbers in [min_val, max_val) in a fixed shape.

    Args:
        key: used when the seed is negative.
        seed: of the layer.
        min_val: the smallest number.
        max_val: the end of the range, which is never drawn.
        output_shape: the shape.

    Returns:
        [*output_shape].

    Source: RandomUniformStaticLayerParams (spec 4).
    """
    return uniform(key_of(seed, key), output_shape, jnp.float32, low=min_val, high=max_val)


@layer("randomUniformDynamic", random=True, concrete=(0,), differentiable=_NO_VALUES, supported=_ordered)
def random_uniform_dynamic(shape: Array, *, key: Array, seed: int, min_val: float, max_val: float) -> Array:
    """Uniformly distributed numbers in [min_val, max_val) in the shape that the input holds, known when the network is
    traced.

    Args:
        shape: [R].
        key: used when the seed is negative.
        seed: of the layer.
        min_val: the smallest number.
        max_val: the end of the range, which is never drawn.

    Returns:
        Rank R.

    Raises:
        ShapeError: a size is negative.

    Source: RandomUniformDynamicLayerParams (spec 4).
    """
    return uniform(key_of(seed, key), known_shape(shape, "the shape"), shape.dtype, low=min_val, high=max_val)


# Bernoulli ------------------------------------------------------------------------------------------------------------


@layer("randomBernoulliLike", random=True, differentiable=_NO_VALUES, supported=_probable)
def random_bernoulli_like(x: Array, *, key: Array, seed: int, prob: float) -> Array:
    """Ones with probability `prob`, else zeros, in the shape of x, whatever its values.

    Args:
        x: any shape.
        key: used when the seed is negative.
        seed: of the layer.
        prob: the probability of 1.

    Returns:
        The shape of x.

    Source: RandomBernoulliLikeLayerParams (spec 4).
    """
    return bernoulli(key_of(seed, key), x.shape, x.dtype, probability=prob)


@layer("randomBernoulliStatic", random=True, supported=_probable)
def random_bernoulli_static(*, key: Array, seed: int, prob: float, output_shape: tuple[int, ...]) -> Array:
    """Ones with probability `prob`, else zeros, in a fixed shape.

    Args:
        key: used when the seed is negative.
        seed: of the layer.
        prob: the probability of 1.
        output_shape: the shape.

    Returns:
        [*output_shape].

    Source: RandomBernoulliStaticLayerParams (spec 4).
    """
    return bernoulli(key_of(seed, key), output_shape, jnp.float32, probability=prob)


@layer("randomBernoulliDynamic", random=True, concrete=(0,), differentiable=_NO_VALUES, supported=_probable)
def random_bernoulli_dynamic(shape: Array, *, key: Array, seed: int, prob: float) -> Array:
    """Ones with probability `prob`, else zeros, in the shape that the input holds, known when the network is traced.

    Args:
        shape: [R].
        key: used when the seed is negative.
        seed: of the layer.
        prob: the probability of 1.

    Returns:
        Rank R.

    Raises:
        ShapeError: a size is negative.

    Source: RandomBernoulliDynamicLayerParams (spec 4).
    """
    return bernoulli(key_of(seed, key), known_shape(shape, "the shape"), shape.dtype, probability=prob)


# Categorical ----------------------------------------------------------------------------------------------------------


@layer("categoricalDistribution", random=True, differentiable=_NO_GRADIENT)
def categorical_distribution(
    x: Array, *, key: Array, seed: int, num_samples: int, is_logits: bool, eps: float, temperature: float
) -> Array:
    """Categories drawn along the last axis of x, as integers from 0.

    Args:
        x: [..., categories], logits, or probabilities p that count as log(p + eps) and need not sum to 1.
        key: used when the seed is negative.
        seed: of the layer.
        num_samples: how many are drawn for each row.
        is_logits: whether x holds logits.
        eps: added to probabilities.
        temperature: logits are divided by it.

    Returns:
        [..., num_samples]. Probabilities are rounded down to multiples of 2^-30.

    Raises:
        ShapeError: the count is negative.

    Source: CategoricalDistributionLayerParams (spec 4).
    """
    check_rank(x, 1)
    if num_samples < 0:
        raise ShapeError(f"numSamples must not be negative, got {num_samples}")
    rows = x.reshape(-1, x.shape[-1])
    if is_logits or temperature != 1:
        share = jax.nn.softmax((rows if is_logits else jnp.log(rows + eps)) / temperature)
    else:
        share = (rows + eps) / jnp.sum(rows + eps, axis=-1, keepdims=True)
    drawn = categorical(key_of(seed, key), share, num_samples)
    return drawn.reshape(*x.shape[:-1], num_samples).astype(x.dtype)
