"""Random numbers: normal, uniform, Bernoulli and categorical.

A layer with a seed draws the same numbers in every call and after every load; a negative seed leaves the choice to the
key of the call. Which numbers a seed stands for is JAX's business: the format does not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape
from graphml.ops._axes import need_rank
from graphml.ops._known import sizes
from graphml.ops._running_sum import running_sum
from graphml.ops.layers.dialect import layer

_NO_VALUES = "random numbers do not depend on the values of an input"
_NO_SLOPE = "a drawn category is a whole number, which has no slope"


def _key(seed: int, key):
    """The layer's own key when it has a seed, else the call's. Seeds have up to 63 bits, keys are made of 32."""
    if seed < 0:
        return key
    return jax.random.fold_in(jax.random.key(seed & 0xFFFFFFFF), seed >> 32) if seed >> 32 else jax.random.key(seed)


def _normal(key, shape, dtype, *, mean: float, std_dev: float):
    check_shape(shape, dtype)
    return mean + std_dev * jax.random.normal(key, shape, dtype)


def _uniform(key, shape, dtype, *, min_val: float, max_val: float):
    check_shape(shape, dtype)
    return jax.random.uniform(key, shape, dtype, min_val, max_val)


def _bernoulli(key, shape, dtype, *, prob: float):
    check_shape(shape, dtype)
    return jax.random.bernoulli(key, prob, shape).astype(dtype)


def _ordered(attributes: Mapping[str, Any]) -> str | None:
    low, high = attributes["min_val"], attributes["max_val"]
    return f"min_val {low} is above max_val {high}" if low > high else None


def _probable(attributes: Mapping[str, Any]) -> str | None:
    prob = attributes["prob"]
    return None if 0 <= prob <= 1 else f"prob is {prob}; a probability is between 0 and 1"


# Normal ---------------------------------------------------------------------------------------------------------------


@layer("randomNormalLike", random=True, differentiable=_NO_VALUES)
def random_normal_like(x, *, key, seed: int, mean: float, std_dev: float):
    """Normal numbers in the shape of x, whatever its values.

    x: any shape. Source: RandomNormalLikeLayerParams (spec 4).
    """
    return _normal(_key(seed, key), x.shape, x.dtype, mean=mean, std_dev=std_dev)


@layer("randomNormalStatic", random=True)
def random_normal_static(*, key, seed: int, mean: float, std_dev: float, output_shape: tuple[int, ...]):
    """Normal numbers in a fixed shape.

    Source: RandomNormalStaticLayerParams (spec 4).
    """
    return _normal(_key(seed, key), output_shape, jnp.float32, mean=mean, std_dev=std_dev)


@layer("randomNormalDynamic", random=True, concrete=(0,), differentiable=_NO_VALUES)
def random_normal_dynamic(shape, *, key, seed: int, mean: float, std_dev: float):
    """Normal numbers in the shape that the input holds, known when the network is traced.

    shape: [R]; returns rank R. Source: RandomNormalDynamicLayerParams (spec 4).
    """
    return _normal(_key(seed, key), sizes(shape, "the shape"), shape.dtype, mean=mean, std_dev=std_dev)


# Uniform --------------------------------------------------------------------------------------------------------------


@layer("randomUniformLike", random=True, differentiable=_NO_VALUES, supported=_ordered)
def random_uniform_like(x, *, key, seed: int, min_val: float, max_val: float):
    """Numbers even over [min_val, max_val) in the shape of x, whatever its values.

    x: any shape. Source: RandomUniformLikeLayerParams (spec 4).
    """
    return _uniform(_key(seed, key), x.shape, x.dtype, min_val=min_val, max_val=max_val)


@layer("randomUniformStatic", random=True, supported=_ordered)
def random_uniform_static(*, key, seed: int, min_val: float, max_val: float, output_shape: tuple[int, ...]):
    """Numbers even over [min_val, max_val) in a fixed shape.

    Source: RandomUniformStaticLayerParams (spec 4).
    """
    return _uniform(_key(seed, key), output_shape, jnp.float32, min_val=min_val, max_val=max_val)


@layer("randomUniformDynamic", random=True, concrete=(0,), differentiable=_NO_VALUES, supported=_ordered)
def random_uniform_dynamic(shape, *, key, seed: int, min_val: float, max_val: float):
    """Numbers even over [min_val, max_val) in the shape that the input holds, known when the network is traced.

    shape: [R]; returns rank R. Source: RandomUniformDynamicLayerParams (spec 4).
    """
    return _uniform(_key(seed, key), sizes(shape, "the shape"), shape.dtype, min_val=min_val, max_val=max_val)


# Bernoulli ------------------------------------------------------------------------------------------------------------


@layer("randomBernoulliLike", random=True, differentiable=_NO_VALUES, supported=_probable)
def random_bernoulli_like(x, *, key, seed: int, prob: float):
    """Ones with probability `prob`, else zeros in the shape of x, whatever its values.

    x: any shape. Source: RandomBernoulliLikeLayerParams (spec 4).
    """
    return _bernoulli(_key(seed, key), x.shape, x.dtype, prob=prob)


@layer("randomBernoulliStatic", random=True, supported=_probable)
def random_bernoulli_static(*, key, seed: int, prob: float, output_shape: tuple[int, ...]):
    """Ones with probability `prob`, else zeros in a fixed shape.

    Source: RandomBernoulliStaticLayerParams (spec 4).
    """
    return _bernoulli(_key(seed, key), output_shape, jnp.float32, prob=prob)


@layer("randomBernoulliDynamic", random=True, concrete=(0,), differentiable=_NO_VALUES, supported=_probable)
def random_bernoulli_dynamic(shape, *, key, seed: int, prob: float):
    """Ones with probability `prob`, else zeros in the shape that the input holds, known when the network is traced.

    shape: [R]; returns rank R. Source: RandomBernoulliDynamicLayerParams (spec 4).
    """
    return _bernoulli(_key(seed, key), sizes(shape, "the shape"), shape.dtype, prob=prob)


# Categorical ----------------------------------------------------------------------------------------------------------

_SHARES = 1 << 30  # whole numbers, so that sums are exact and what is impossible never happens


@layer("categoricalDistribution", random=True, differentiable=_NO_SLOPE)
def categorical_distribution(x, *, key, seed: int, num_samples: int, is_logits: bool, eps: float, temperature: float):
    """Categories drawn by the last axis of x, as whole numbers from 0.

    x: [..., categories], logits, or probabilities p that count as log(p + eps) and need not sum to 1; logits are
    divided by the temperature. Returns [..., num_samples]. Chances count in steps of 2^-30.
    Raises ShapeError for a negative count. Source: CategoricalDistributionLayerParams (spec 4).
    """
    need_rank(x, 1)
    if num_samples < 0:
        raise ShapeError(f"numSamples is {num_samples}; counts are not negative")
    rows = x.reshape(-1, x.shape[-1])
    if is_logits or temperature != 1:
        share = jax.nn.softmax((rows if is_logits else jnp.log(rows + eps)) / temperature)
    else:
        share = (rows + eps) / jnp.sum(rows + eps, axis=-1, keepdims=True)
    ends = running_sum(jnp.floor(share * _SHARES).astype(jnp.int32), 1)
    drawn = jax.random.randint(_key(seed, key), (len(rows), num_samples), 0, ends[:, -1:])
    place = jax.vmap(partial(jnp.searchsorted, side="right"))(ends, drawn)
    place = jnp.minimum(place, x.shape[-1] - 1)  # without any chance there is no sum to draw below
    return place.reshape(*x.shape[:-1], num_samples).astype(x.dtype)
