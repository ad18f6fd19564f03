"""The losses of the format, for one sample at a time; the mini-batch is the mean over its samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError

_SMALLEST = float(np.finfo(np.float32).tiny)


def cross_entropy_of_logits(logits: jax.Array, target: jax.Array) -> jax.Array:
    """-log softmax(logits)[target]. logits: N classes in any shape; target: an index.

    What goes into the softmax is used instead of what comes out, because the logarithm of a probability that has been
    rounded to zero is no number to follow downhill.
    """
    return -jax.nn.log_softmax(logits.reshape(-1))[target.reshape(()).astype(jnp.int32)]


def cross_entropy_of_probabilities(probabilities: jax.Array, target: jax.Array) -> jax.Array:
    """-log p[target], for probabilities that do not come straight from a softmax."""
    chosen = probabilities.reshape(-1)[target.reshape(()).astype(jnp.int32)]
    return -jnp.log(jnp.maximum(chosen, _SMALLEST))


def squared_error(prediction: jax.Array, target: jax.Array) -> jax.Array:
    """The mean over all elements of (prediction - target)^2; shapes may differ by axes of size 1.

    Raises ShapeError when the numbers of elements differ.
    """
    if math.prod(prediction.shape) != math.prod(target.shape):
        raise ShapeError(f"the loss compares {list(prediction.shape)} with a target of shape {list(target.shape)}")
    return jnp.mean(jnp.square(prediction.reshape(-1) - target.reshape(-1).astype(prediction.dtype)))


def masked_mean(values: jax.Array, mask: jax.Array) -> jax.Array:
    """The mean of the values whose mask is True: the rows that fill up the last mini-batch do not count.

    They are replaced before the sum, and not multiplied by zero: zero times infinity would spoil the mean.
    """
    return jnp.sum(jnp.where(mask, values, 0)) / jnp.sum(mask)


SAMPLE_LOSSES: Mapping[tuple[str, bool], Callable[[jax.Array, jax.Array], jax.Array]] = {
    ("categorical_cross_entropy", True): cross_entropy_of_logits,
    ("categorical_cross_entropy", False): cross_entropy_of_probabilities,
    ("mean_squared_error", False): squared_error,
}
"""(kind of loss, whether it reads what goes into a softmax) -> loss of one sample."""
