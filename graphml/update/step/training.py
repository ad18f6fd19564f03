"""Training as pure functions: one update step, and many of them in one compiled call.

    parts = take_apart(model.lower(), recipe)
    step = jax.jit(make_step(parts, recipe))
    params, state, loss = step(params, state, batch, hyper)

Hyperparameters are arguments of the compiled programs, so another learning rate does not recompile anything.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer

from graphml.interpreter.programs import Compiled
from graphml.models.compile.programs import training_options
from graphml.recipes import BinaryCrossEntropy, CrossEntropy, Hinge, Recipe
from graphml.update.step import surgery
from graphml.update.step.augmentation import augmented
from graphml.update.step.losses import mini_batch_loss, rank_of_target, right_side
from graphml.update.step.optimizers import clipped, scheduled, transformation
from graphml.update.step.trunk import Parts, merge

Hyper = Mapping[str, Any]

MOST_SHAPES = 16
"""The number of shapes of samples and mini-batches for which the programs of a recipe are kept."""

_EVALUATION = np.uint32(2**32 - 1)  # used like the index of a mini-batch; there are always fewer mini-batches


class MiniBatch(NamedTuple):
    """The samples of one update step.

    Attributes:
        blobs: {blob at the cut: [rows, ...]}.
        target: [rows, ...], a class index or an array for each row; for several losses, all of their targets as one
            vector.
        mask: [rows], False for padding.
        key: for random numbers; None if no layer draws any.
    """

    blobs: Mapping[str, Any]
    target: Any
    mask: Any
    key: Any = None


class Data(NamedTuple):
    """All samples on the device, as training reads them: the blobs at the cut and the targets, [samples, ...] each."""

    blobs: Mapping[str, Any]
    target: Any

    @property
    def count(self) -> int:
        """The number of samples."""
        return self.target.shape[0]


def hyper_values(recipe: Recipe, epoch: int = 0) -> dict[str, np.float32]:
    """The hyperparameters of a recipe, as the compiled step takes them.

    Args:
        recipe: the recipe.
        epoch: the index of the current epoch, on which the schedule of the learning rate depends.
    """
    numbers = {name: np.float32(value) for name, value in recipe.hyper.items()}
    if recipe.schedule is not None:
        numbers |= {"$epoch": np.float32(epoch), "$epochs": np.float32(recipe.epochs)}
    return numbers


def initial_state(parts: Parts, recipe: Recipe, params: Mapping[str, Any]) -> Any:
    """The optimizer's state before the first step."""
    return transformation(recipe.optimizer).init(parts.apart(parts.split(params)[0])[0])


# The loss of a mini-batch --------------------------------------------------------------------------------------------


def loss_and_statistics(
    parts: Parts, recipe: Recipe, train: Any, frozen: Any, batch: MiniBatch, hyper: Hyper
) -> tuple[jax.Array, dict[str, dict[str, jax.Array]]]:
    """The loss of a mini-batch, and its batch statistics.

    Returns:
        The mean of the loss over the rows, or the weighted sum of several losses; and {batch normalization layer:
        {weight: the statistic of this mini-batch}}.
    """
    params = merge(train, frozen)
    for key, epsilon in (parts.statistics or {}).items():  # an inserted layer has already normalized the input
        ones = jnp.ones_like(params[key]["variance"])
        params[key] = {**params[key], "mean": 0 * ones, "variance": (1 - epsilon) * ones}

    def one(blobs, mask, key):
        if parts.augmentation:
            key, own = jax.random.split(key)
            blobs = augmented(parts.augmentation, blobs, hyper, own)
        extra = {surgery.MASK: mask} if parts.statistics else {}
        for blob in parts.dropout:
            rate = hyper[f"{blob}/dropout_rate"]
            extra |= {surgery.rate_of(blob): rate, surgery.keep_of(blob): 1 - rate}
        return parts.tail.fn(params, {**blobs, **extra}, key=key, train=True)

    keys = None if batch.key is None else jax.random.split(batch.key, batch.mask.shape[0])
    axes = (0, 0, None if keys is None else 0)
    out = jax.vmap(one, in_axes=axes, axis_name=surgery.ROWS)(batch.blobs, jnp.asarray(batch.mask), keys)
    renamed = parts.renamed or {}
    outputs = [_exact(out[renamed.get(reading.blob, reading.blob)]) for reading in parts.readings]
    statistics = {
        key: {name: out[blob][0] for name, blob in zip(("mean", "variance"), surgery.statistics_of(key), strict=True)}
        for key in parts.statistics or {}
    }
    return _total(parts, recipe, outputs, batch.target, batch.mask, hyper), statistics


def _exact(output: jax.Array) -> jax.Array:
    """The output in at least float32: losses are computed in it, regardless of the precision of the network."""
    return output.astype(jnp.promote_types(output.dtype, jnp.float32))


def _total(parts: Parts, recipe: Recipe, outputs: list[Any], target: Any, mask: Any, hyper: Hyper) -> jax.Array:
    targets = targets_of(recipe, outputs, target)
    total: Any = 0
    for loss, reading, output, one in zip(recipe.losses, parts.readings, outputs, targets, strict=True):
        loss = loss.with_numbers(hyper)
        value = mini_batch_loss(loss, reading.raw, output, one, mask)
        total = total + (value if loss.weight is None else loss.weight * value)
    return total


def targets_of(recipe: Recipe, outputs: list[Any], target: Any) -> list[Any]:
    """The target of each loss.

    The targets of several losses are concatenated; a class takes one element, or one for each class.
    """
    if len(recipe.losses) == 1:
        return [target]
    found, start = [], 0
    for loss, output in zip(recipe.losses, outputs, strict=True):
        size = loss.width or int(np.prod(output.shape[1:]))
        found.append(target[:, start : start + size])
        start += size
    return found


# Steps ---------------------------------------------------------------------------------------------------------------


def _step(parts: Parts, recipe: Recipe, train: Any, frozen: Any, state: Any, batch: MiniBatch, hyper: Hyper):
    """(train, state, loss) after one mini-batch."""
    learned, moving = parts.apart(train)

    def loss_of(learned):
        together = {key: {**weights, **moving.get(key, {})} for key, weights in learned.items()}
        return loss_and_statistics(parts, recipe, together, frozen, batch, hyper)

    (loss, statistics), gradient = jax.value_and_grad(loss_of, has_aux=True)(learned)
    recipe = recipe.with_numbers(hyper)
    if recipe.clip_norm is not None:
        gradient = clipped(gradient, recipe.clip_norm)
    optimizer = optax.with_extra_args_support(transformation(scheduled(recipe.optimizer, hyper)))
    again = lambda weights: loss_of(weights)[0]  # noqa: E731  (line searches try other weights)
    change, state = optimizer.update(gradient, state, learned, value=loss, grad=gradient, value_fn=again)
    learned = jax.tree.map(jnp.add, learned, change)
    for key, seen in statistics.items():
        follow = recipe.statistics_momentum
        learned[key] |= {name: (1 - follow) * old + follow * seen[name] for name, old in moving[key].items()}
    return learned, state, loss


def make_step(parts: Parts, recipe: Recipe) -> Callable[..., tuple[Any, Any, jax.Array]]:
    """One update step as a pure function, to be compiled or vectorized over users.

    Args:
        parts: the network, split into trunk and tail.
        recipe: only its form matters (see `Recipe.form`); its hyperparameters are arguments of the result.

    Returns:
        update_step(params, opt_state, batch, hyper) -> params, opt_state, loss. params is {layer: {weight: array}} of
        the whole network, and frozen weights are returned unchanged; hyper is from `hyper_values`.
    """

    def update_step(
        params: Mapping[str, Any], opt_state: Any, batch: MiniBatch, hyper: Hyper
    ) -> tuple[dict[str, Any], Any, jax.Array]:
        train, frozen = parts.split(params)
        train, opt_state, loss = _step(parts, recipe, train, frozen, opt_state, batch, hyper)
        changed = {key: {**params[key], **weights} for key, weights in train.items()}
        return {**params, **changed}, opt_state, loss

    return update_step


def make_slice(parts: Parts, recipe: Recipe) -> Callable[..., tuple[Any, Any, jax.Array]]:
    """Several update steps as one compiled call: the mini-batches start <= i < stop of an epoch, in a device loop.

    Returns:
        run(train, frozen, opt_state, data, order, start, stop, hyper, key, first=0, count=None) -> train, opt_state,
        losses. order is the sample in each row, [mini-batches, rows], padded to whole mini-batches. losses has one
        entry for each mini-batch of `order`, 0 outside of the slice. start, stop and hyper are traced: slices of any
        length run in the same program, and the result is bit-identical however an epoch is sliced.

        If data and order hold only a window of the epoch, `first` is the number of mini-batches before it and `count`
        the number of samples of the whole epoch; both are traced. start, stop and losses are relative to the window.
    """

    @functools.partial(Compiled, most=MOST_SHAPES, make=_compiled_for_training)
    def run(train, frozen, opt_state, data: Data, order, start, stop, hyper: Hyper, key, first=0, count=None):
        rows = order.shape[1]
        samples = data.count if count is None else count
        batches = -(-samples // rows)

        def body(i, carry):
            train, opt_state, losses = carry
            picked = order[i]
            mask = (first + i) * rows + jnp.arange(rows) < samples
            batch_key = None if key is None else jax.random.fold_in(key, first + i)
            batch = MiniBatch({n: b[picked] for n, b in data.blobs.items()}, data.target[picked], mask, batch_key)
            now = hyper
            if recipe.schedule is not None:
                now = {**hyper, "$part": (first + i) / jnp.float32(batches), "$stride": 1 / jnp.float32(batches)}
            train, opt_state, loss = _step(parts, recipe, train, frozen, opt_state, batch, now)
            return train, opt_state, losses.at[i].set(loss)

        losses = jnp.zeros(order.shape[0], jnp.float32)
        return jax.lax.fori_loop(start, stop, body, (train, opt_state, losses))

    return run


def _compiled_for_training(_: Hashable, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[..., Any]:
    leaves = jax.tree.leaves(arguments)
    if any(isinstance(leaf, Tracer) for leaf in leaves):  # a part of another program, which has its own options
        return jax.jit(function)
    platforms = {device.platform for leaf in leaves if isinstance(leaf, jax.Array) for device in leaf.devices()}
    return jax.jit(function, compiler_options=training_options(platforms.pop()) if len(platforms) == 1 else None)


# Evaluation ----------------------------------------------------------------------------------------------------------


def make_evaluation(parts: Parts, recipe: Recipe) -> Callable[..., dict[str, jax.Array]]:
    """The evaluation of some samples as one compiled call.

    The network is the one that predicts: no dropout, no augmentation, statistics as stored.

    Returns:
        run(train, frozen, blobs, target, mask, hyper, key=None, numbers=None) -> {"loss": ..., metric: ...}, means over
        the rows. key is from `evaluation_key`; numbers are the indices of the samples: random layers draw for each
        sample by its index, so the result does not depend on how samples are grouped.
    """

    @functools.partial(Compiled, most=MOST_SHAPES)
    def run(train, frozen, blobs, target, mask, hyper: Hyper, key=None, numbers=None):
        params = merge(train, frozen)
        keys = None if key is None else jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)
        one = lambda one, key: parts.plain.fn(params, one, key=key, train=True)  # noqa: E731
        out = jax.vmap(one, in_axes=(0, None if keys is None else 0))(blobs, keys)
        outputs = [_exact(out[reading.blob]) for reading in parts.readings]
        found = {"loss": _total(parts, recipe, outputs, target, mask, hyper)}
        for metric in recipe.metrics:
            right = _right(parts, recipe, outputs, target, getattr(metric, "k", 1))
            found[metric.name] = jnp.sum(jnp.where(mask, right, 0)) / jnp.sum(mask)
        return found

    return run


def _right(parts: Parts, recipe: Recipe, outputs: list[Any], target: Any, k: int) -> jax.Array:
    """How correct each row is, from 0 to 1, for the first loss that has classes."""
    targets = targets_of(recipe, outputs, target)
    for loss, reading, output, one in zip(recipe.losses, parts.readings, outputs, targets, strict=True):
        if isinstance(loss, CrossEntropy):
            return jax.vmap(lambda o, t: rank_of_target(o, t) < k)(output, one).astype(jnp.float32)
        if isinstance(loss, BinaryCrossEntropy | Hinge):
            signs = isinstance(loss, Hinge)
            middle = 0.0 if reading.raw or signs else 0.5
            return jax.vmap(lambda o, t, m=middle, s=signs: right_side(o, t, m, signs=s))(output, one)
    raise AssertionError("metrics of a recipe without classes are refused when it is read")


def blob_shapes(parts: Parts, train: Any, frozen: Any, data: Data) -> list[tuple[int, ...]]:
    """The shapes, for one sample, of the blobs that the losses read, found by tracing."""
    params = merge(train, frozen)
    key = jax.random.key(0) if parts.draws else None
    one = {name: jax.ShapeDtypeStruct(blob.shape[1:], blob.dtype) for name, blob in data.blobs.items()}
    found = jax.eval_shape(lambda blobs: parts.plain.fn(params, blobs, key=key, train=True), one)
    return [found[reading.blob].shape for reading in parts.readings]


def epoch_key(parts: Parts, seed: int, epoch: int) -> jax.Array | None:
    """The key for the random numbers of an epoch; None if no layer draws any."""
    return jax.random.fold_in(jax.random.key(seed % 2**32), epoch) if parts.draws else None


def evaluation_key(parts: Parts, seed: int, epoch: int) -> jax.Array | None:
    """The key for evaluating the network after an epoch; it differs from those of the mini-batches."""
    key = epoch_key(parts, seed, epoch)
    return None if key is None else jax.random.fold_in(key, _EVALUATION)
