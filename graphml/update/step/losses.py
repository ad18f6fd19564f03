"""The losses, for one sample at a time or for a whole mini-batch, and what is measured besides.

Numbers of a loss (label smoothing, delta, margin) may be traced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError

_SMALLEST = float(np.finfo(np.float32).tiny)

Numbers = Mapping[str, Any]


def cross_entropy_of_logits(logits: jax.Array, target: jax.Array, label_smoothing: Any = None) -> jax.Array:
    """-log softmax(logits)[target]. logits: N classes in any shape; target: an index, or N probabilities, of which the
    mean of the logarithms is taken.

    What goes into the softmax is used instead of what comes out, because the logarithm of a probability that has been
    rounded to zero is no number to follow downhill.
    """
    return _cross_entropy(jax.nn.log_softmax(logits.reshape(-1)), target, label_smoothing)


def cross_entropy_of_probabilities(probabilities: jax.Array, target: jax.Array, label_smoothing: Any = None):
    """-log p[target], for probabilities that do not come straight from a softmax."""
    return _cross_entropy(jnp.log(jnp.maximum(probabilities.reshape(-1), _SMALLEST)), target, label_smoothing)


def _cross_entropy(logarithms: jax.Array, target: jax.Array, smoothing: Any) -> jax.Array:
    if target.size > 1:
        loss = -jnp.sum(jnp.where(target.reshape(-1) > 0, target.reshape(-1) * logarithms, 0))
    else:
        loss = -logarithms[target.reshape(()).astype(jnp.int32)]
    return loss if smoothing is None else (1 - smoothing) * loss - smoothing * jnp.mean(logarithms)


def squared_error(prediction: jax.Array, target: jax.Array) -> jax.Array:
    """The mean over all elements of (prediction - target)^2; shapes may differ by axes of size 1.

    Raises ShapeError when the numbers of elements differ.
    """
    prediction, target = _alike(prediction, target)
    return jnp.mean(jnp.square(prediction - target))


def binary_cross_entropy_of_logits(logits: jax.Array, target: jax.Array, label_smoothing: Any = None) -> jax.Array:
    """The mean of -(t log p + (1 - t) log(1 - p)), p being the sigmoid of the logits."""
    logits, target = _alike(logits, target, label_smoothing)
    return jnp.mean(jax.nn.softplus(logits) - target * logits)


def binary_cross_entropy_of_probabilities(p: jax.Array, target: jax.Array, label_smoothing: Any = None) -> jax.Array:
    """The same, for probabilities that do not come straight from a sigmoid."""
    p, target = _alike(p, target, label_smoothing)
    yes, no = jnp.log(jnp.maximum(p, _SMALLEST)), jnp.log(jnp.maximum(1 - p, _SMALLEST))
    return -jnp.mean(target * yes + (1 - target) * no)


def huber(prediction: jax.Array, target: jax.Array, delta: Any) -> jax.Array:
    """The mean of d^2 / 2 where |d| <= delta, of delta (|d| - delta / 2) elsewhere."""
    prediction, target = _alike(prediction, target)
    far = jnp.abs(prediction - target)
    near = jnp.minimum(far, delta)
    return jnp.mean(near * near / 2 + delta * (far - near))


def cosine_distance(prediction: jax.Array, target: jax.Array) -> jax.Array:
    """1 - the cosine of the angle between the two; 1 where either is zero."""
    prediction, target = _alike(prediction, target)
    squares = jnp.sum(prediction * prediction) * jnp.sum(target * target)
    known = squares > 0
    return 1 - jnp.where(known, jnp.sum(prediction * target) / jnp.sqrt(jnp.where(known, squares, 1)), 0)


def hinge(prediction: jax.Array, target: jax.Array, margin: Any) -> jax.Array:
    """The mean of max(0, margin - t y)."""
    prediction, target = _alike(prediction, target)
    return jnp.mean(jnp.maximum(0, margin - target * prediction))


def contrastive(embeddings: jax.Array, targets: jax.Array, mask: jax.Array, margin: Any) -> jax.Array:
    """Over all pairs of rows: the mean of d^2 for two of one class, of max(0, margin - d)^2 for two of different ones.

    embeddings: [rows, ...]; targets: [rows], classes. Rows whose mask is False are in no pair; without a pair it is 0.
    """
    flat = embeddings.reshape(len(embeddings), -1)
    classes = targets.reshape(-1)
    squares = jnp.sum(jnp.square(flat[:, None] - flat[None]), axis=-1)
    same = classes[:, None] == classes[None]
    # a root has no slope at zero: two equal embeddings of different classes stay where they are
    apart = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
    each = jnp.where(same, squares, jnp.square(jnp.maximum(0, margin - apart)))
    pairs = jnp.triu(mask[:, None] & mask[None], 1)
    return jnp.sum(jnp.where(pairs, each, 0)) / jnp.maximum(jnp.sum(pairs), 1)


def _alike(prediction: jax.Array, target: jax.Array, smoothing: Any = None) -> tuple[jax.Array, jax.Array]:
    """Both as vectors of one type; the target pulled towards one half by `smoothing`."""
    if math.prod(prediction.shape) != math.prod(target.shape):
        raise ShapeError(f"the loss compares {list(prediction.shape)} with a target of shape {list(target.shape)}")
    flat = target.reshape(-1).astype(prediction.dtype)
    return prediction.reshape(-1), flat if smoothing is None else flat * (1 - smoothing) + smoothing / 2


def masked_mean(values: jax.Array, mask: jax.Array) -> jax.Array:
    """The mean of the values whose mask is True: the rows that fill up the last mini-batch do not count.

    They are replaced before the sum, and not multiplied by zero: zero times infinity would spoil the mean.
    """
    return jnp.sum(jnp.where(mask, values, 0)) / jnp.sum(mask)


SAMPLE_LOSSES: Mapping[tuple[str, bool], Callable[..., jax.Array]] = {
    ("categorical_cross_entropy", True): cross_entropy_of_logits,
    ("categorical_cross_entropy", False): cross_entropy_of_probabilities,
    ("mean_squared_error", False): squared_error,
    ("binary_cross_entropy", True): binary_cross_entropy_of_logits,
    ("binary_cross_entropy", False): binary_cross_entropy_of_probabilities,
    ("huber", False): huber,
    ("cosine", False): cosine_distance,
    ("hinge", False): hinge,
}
"""(kind of loss, whether it reads what goes into a softmax or sigmoid) -> loss of one sample."""


def mini_batch_loss(
    kind: str, raw: bool, outputs: jax.Array, targets: jax.Array, mask: jax.Array, numbers: Numbers
) -> jax.Array:
    """The loss of a mini-batch: outputs and targets are [rows, ...]; rows whose mask is False do not count."""
    if kind == "contrastive":
        return contrastive(outputs, targets, mask, **numbers)
    of_sample = SAMPLE_LOSSES[kind, raw]
    return masked_mean(jax.vmap(lambda one, target: of_sample(one, target, **numbers))(outputs, targets), mask)


def rank_of_target(outputs: jax.Array, target: jax.Array) -> jax.Array:
    """How many classes are more probable than the true one; of equal ones, the first counts as more probable. target:
    its index, or a probability for each class, of which the most probable is the true one."""
    flat = outputs.reshape(-1)
    place = jnp.argmax(target) if target.size > 1 else target.reshape(()).astype(jnp.int32)
    chosen = flat[place]
    return jnp.sum(flat > chosen) + jnp.sum((flat == chosen) & (jnp.arange(flat.size) < place))


def right_side(outputs: jax.Array, target: jax.Array, middle: float, *, signs: bool) -> jax.Array:
    """The fraction of numbers above `middle` where the target says so: above 0 (signs) or 0.5."""
    outputs, target = _alike(outputs, target)
    return jnp.mean((outputs > middle) == (target > (0 if signs else 0.5)))
