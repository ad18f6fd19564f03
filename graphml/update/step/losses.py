"""The losses of recipes, for one sample and for a whole mini-batch, and what metrics need.

Hyperparameters of a loss (label smoothing, delta, margin) may be traced.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml import recipes
from graphml.errors import ShapeError

_SMALLEST = float(np.finfo(np.float32).tiny)


# A whole mini-batch --------------------------------------------------------------------------------------------------


def mini_batch_loss(
    loss: recipes.Loss, raw: bool, outputs: jax.Array, targets: jax.Array, mask: jax.Array
) -> jax.Array:
    """The loss of a mini-batch.

    Args:
        loss: its hyperparameters may be traced.
        raw: whether the outputs are what goes into a softmax or sigmoid.
        outputs: [rows, ...].
        targets: [rows, ...].
        mask: [rows]; rows where it is False do not count.

    Raises:
        ShapeError: outputs and targets have different numbers of elements.
    """
    if isinstance(loss, recipes.Contrastive):
        return contrastive(outputs, targets, mask, loss.margin)
    return masked_mean(jax.vmap(lambda one, target: sample_loss(loss, raw, one, target))(outputs, targets), mask)


def sample_loss(loss: recipes.Loss, raw: bool, prediction: jax.Array, target: jax.Array) -> jax.Array:
    """The loss of one sample; see `mini_batch_loss`."""
    match loss:
        case recipes.CrossEntropy(label_smoothing=smoothing):
            entropy = cross_entropy_of_logits if raw else cross_entropy_of_probabilities
            return entropy(prediction, target, smoothing)
        case recipes.BinaryCrossEntropy(label_smoothing=smoothing):
            binary = binary_cross_entropy_of_logits if raw else binary_cross_entropy_of_probabilities
            return binary(prediction, target, smoothing)
        case recipes.SquaredError():
            return squared_error(prediction, target)
        case recipes.Huber(delta=delta):
            return huber(prediction, target, delta)
        case recipes.CosineDistance():
            return cosine_distance(prediction, target)
        case recipes.Hinge(margin=margin):
            return hinge(prediction, target, margin)
        case recipes.FunctionLoss():
            return function_loss(loss, prediction, target)
        case _:
            raise AssertionError(f"no sample loss for {loss!r}")


def masked_mean(values: jax.Array, mask: jax.Array) -> jax.Array:
    """The mean of the values whose mask is True: the rows that only fill up the last mini-batch do not count.

    The other values are replaced before the sum, not multiplied by zero, because zero times infinity is NaN.
    """
    return jnp.sum(jnp.where(mask, values, 0)) / jnp.sum(mask)


# The formulas --------------------------------------------------------------------------------------------------------


def function_loss(loss: recipes.FunctionLoss, prediction: jax.Array, target: jax.Array) -> jax.Array:
    """The mean of what a Python function returns for one sample; see `FunctionLoss`."""
    vector = prediction.reshape(-1)
    if loss.width:
        return jnp.mean(loss.function(vector, target.reshape(()).astype(jnp.int32)))
    return jnp.mean(loss.function(*_alike(prediction, target)))


def cross_entropy_of_logits(logits: jax.Array, target: jax.Array, label_smoothing: Any = None) -> jax.Array:
    """-log softmax(logits)[target], or its mean over a target of probabilities.

    The input of the softmax is used, not its output, because the logarithm of a probability that was rounded to zero
    has no useful gradient.

    Args:
        logits: one for each class, in any shape.
        target: the index of the class, or a probability for each class.
        label_smoothing: the fraction of the target that is spread over all classes; None for none.
    """
    return _cross_entropy(jax.nn.log_softmax(logits.reshape(-1)), target, label_smoothing)


def cross_entropy_of_probabilities(
    probabilities: jax.Array, target: jax.Array, label_smoothing: Any = None
) -> jax.Array:
    """-log p[target], for probabilities that are not the output of a softmax; see `cross_entropy_of_logits`."""
    return _cross_entropy(jnp.log(jnp.maximum(probabilities.reshape(-1), _SMALLEST)), target, label_smoothing)


def _cross_entropy(logarithms: jax.Array, target: jax.Array, smoothing: Any) -> jax.Array:
    if target.size > 1:
        loss = -jnp.sum(jnp.where(target.reshape(-1) > 0, target.reshape(-1) * logarithms, 0))
    else:
        loss = -logarithms[target.reshape(()).astype(jnp.int32)]
    return loss if smoothing is None else (1 - smoothing) * loss - smoothing * jnp.mean(logarithms)


def squared_error(prediction: jax.Array, target: jax.Array) -> jax.Array:
    """The mean over all elements of (prediction - target)^2. Shapes may differ if the numbers of elements agree.

    Raises:
        ShapeError: the numbers of elements differ.
    """
    prediction, target = _alike(prediction, target)
    return jnp.mean(jnp.square(prediction - target))


def binary_cross_entropy_of_logits(logits: jax.Array, target: jax.Array, label_smoothing: Any = None) -> jax.Array:
    """The mean of -(t log p + (1 - t) log(1 - p)), where p is the sigmoid of the logits."""
    logits, target = _alike(logits, target, label_smoothing)
    return jnp.mean(jax.nn.softplus(logits) - target * logits)


def binary_cross_entropy_of_probabilities(p: jax.Array, target: jax.Array, label_smoothing: Any = None) -> jax.Array:
    """The same for probabilities that are not the output of a sigmoid."""
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
    """The mean over all pairs of rows of d^2 if both have the same class, of max(0, margin - d)^2 otherwise; 0 without
    pairs.

    Args:
        embeddings: [rows, ...].
        targets: [rows], classes.
        mask: [rows]; rows where it is False are in no pair.
        margin: the distance that embeddings of different classes should have.
    """
    flat = embeddings.reshape(len(embeddings), -1)
    classes = targets.reshape(-1)
    squares = jnp.sum(jnp.square(flat[:, None] - flat[None]), axis=-1)
    same = classes[:, None] == classes[None]
    # the square root has no derivative at zero: two equal embeddings of different classes get no gradient
    apart = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
    each = jnp.where(same, squares, jnp.square(jnp.maximum(0, margin - apart)))
    pairs = jnp.triu(mask[:, None] & mask[None], 1)
    return jnp.sum(jnp.where(pairs, each, 0)) / jnp.maximum(jnp.sum(pairs), 1)


def _alike(prediction: jax.Array, target: jax.Array, smoothing: Any = None) -> tuple[jax.Array, jax.Array]:
    """Both as vectors of one type, and the target moved towards one half by `smoothing`."""
    if math.prod(prediction.shape) != math.prod(target.shape):
        raise ShapeError(
            f"the loss cannot compare an output of shape {list(prediction.shape)} with a target of shape "
            f"{list(target.shape)}"
        )
    flat = target.reshape(-1).astype(prediction.dtype)
    return prediction.reshape(-1), flat if smoothing is None else flat * (1 - smoothing) + smoothing / 2


# Metrics -------------------------------------------------------------------------------------------------------------


def rank_of_target(outputs: jax.Array, target: jax.Array) -> jax.Array:
    """How many classes are more probable than the true one; of equal ones, the first counts as more probable.

    Args:
        outputs: a number for each class, larger for more probable ones.
        target: the index of the true class, or a probability for each class, of which the largest is the true one.
    """
    flat = outputs.reshape(-1)
    place = jnp.argmax(target) if target.size > 1 else target.reshape(()).astype(jnp.int32)
    chosen = flat[place]
    return jnp.sum(flat > chosen) + jnp.sum((flat == chosen) & (jnp.arange(flat.size) < place))


def right_side(outputs: jax.Array, target: jax.Array, middle: float, *, signs: bool) -> jax.Array:
    """The fraction of the outputs that are on the same side of `middle` as the target is of 0 (signs) or 0.5."""
    outputs, target = _alike(outputs, target)
    return jnp.mean((outputs > middle) == (target > (0 if signs else 0.5)))
