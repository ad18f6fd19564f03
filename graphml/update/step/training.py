"""Training as pure functions: one update step, and many of them in one compiled call.

    parts = take_apart(model.lower(), recipe)
    step = jax.jit(make_step(parts, recipe))
    params, state, loss = step(params, state, batch, hyper)

The numbers of a recipe are arguments of the compiled program, so that another learning rate never compiles anew.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graphml.interpreter.programs import Compiled
from graphml.recipes import BinaryCrossEntropy, CrossEntropy, Hinge, Recipe
from graphml.update.step import surgery
from graphml.update.step.augmentation import augmented
from graphml.update.step.losses import mini_batch_loss, rank_of_target, right_side
from graphml.update.step.optimizers import clipped, scheduled, transformation
from graphml.update.step.trunk import Parts, merge

Hyper = Mapping[str, Any]

MOST_SHAPES = 16  # of samples and mini-batches, for which the programs of a recipe are kept
_JUDGING = np.uint32(2**32 - 1)  # in the place of the number of a mini-batch, of which there are fewer


class Batch(NamedTuple):
    """blobs: {blob at the cut: [rows, ...]}. target: [rows, ...], an index or an array for each; of several losses, all
    their targets as one vector. mask: [rows], False for rows that only fill up. key: for random numbers, None where
    none are drawn."""

    blobs: Mapping[str, Any]
    target: Any
    mask: Any
    key: Any = None


class Data(NamedTuple):
    """All samples as training reads them, on the device: blobs at the cut and targets, [samples, ...] each."""

    blobs: Mapping[str, Any]
    target: Any

    @property
    def count(self) -> int:
        return self.target.shape[0]


def hyper_values(recipe: Recipe, epoch: int = 0) -> dict[str, np.float32]:
    """The numbers of a recipe as the compiled step takes them. epoch: those before it are over, for its schedule."""
    numbers = {name: np.float32(value) for name, value in recipe.hyper.items()}
    if recipe.schedule is not None:
        numbers |= {"$epoch": np.float32(epoch), "$epochs": np.float32(recipe.epochs)}
    return numbers


def initial_state(parts: Parts, recipe: Recipe, params: Mapping[str, Any]) -> Any:
    """The optimizer's state before the first step."""
    return transformation(recipe.optimizer).init(parts.apart(parts.split(params)[0])[0])


# The loss of a mini-batch --------------------------------------------------------------------------------------------


def loss_and_statistics(parts: Parts, recipe: Recipe, train: Any, frozen: Any, batch: Batch, hyper: Hyper):
    """The loss of a mini-batch: the mean over its rows, or the weighted sum of several such. With it the statistics,
    {batch normalization: {weight: what the mini-batch has}}."""
    params = merge(train, frozen)
    for key, epsilon in (parts.statistics or {}).items():  # the layer in front of it has normalized already
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
    """At least float32, in which losses are computed whatever the network computes in."""
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
    """The target of each loss: of several they stand one after the other, a class as one number or as many as there
    are classes."""
    if len(recipe.losses) == 1:
        return [target]
    found, start = [], 0
    for loss, output in zip(recipe.losses, outputs, strict=True):
        size = loss.width or int(np.prod(output.shape[1:]))
        found.append(target[:, start : start + size])
        start += size
    return found


# Steps ---------------------------------------------------------------------------------------------------------------


def _step(parts: Parts, recipe: Recipe, train: Any, frozen: Any, state: Any, batch: Batch, hyper: Hyper):
    """(train, state, loss) after one mini-batch."""
    learned, moving = parts.apart(train)

    def loss_of(learned):
        together = {key: {**weights, **moving.get(key, {})} for key, weights in learned.items()}
        return loss_and_statistics(parts, recipe, together, frozen, batch, hyper)

    (loss, statistics), gradient = jax.value_and_grad(loss_of, has_aux=True)(learned)
    recipe = recipe.with_numbers(hyper)
    if recipe.clip_norm is not None:
        gradient = clipped(gradient, recipe.clip_norm)
    change, state = transformation(scheduled(recipe.optimizer, hyper)).update(gradient, state, learned)
    learned = jax.tree.map(jnp.add, learned, change)
    for key, seen in statistics.items():
        follow = recipe.statistics_momentum
        learned[key] |= {name: (1 - follow) * old + follow * seen[name] for name, old in moving[key].items()}
    return learned, state, loss


def make_step(parts: Parts, recipe: Recipe) -> Callable[..., tuple[Any, Any, jax.Array]]:
    """update_step(params, opt_state, batch, hyper) -> params, opt_state, loss. Pure; jit it, vmap it over users.

    Of the recipe it uses what `Recipe.form` says; its numbers are `hyper`, see `hyper_values`. params:
    {layer: {weight: array}} of the whole network; what is frozen, or not part of the tail, comes back as it went in.
    """

    def update_step(params, opt_state, batch: Batch, hyper: Hyper):
        train, frozen = parts.split(params)
        train, opt_state, loss = _step(parts, recipe, train, frozen, opt_state, batch, hyper)
        changed = {key: {**params[key], **weights} for key, weights in train.items()}
        return {**params, **changed}, opt_state, loss

    return update_step


def make_slice(parts: Parts, recipe: Recipe) -> Callable[..., tuple[Any, Any, jax.Array]]:
    """run(train, frozen, opt_state, data, order, start, stop, hyper, key, first=0, count=None) -> train, opt_state,
    losses; compiled.

    Does the mini-batches start <= i < stop of an epoch, in a loop on the device. order: the sample at each place
    of the epoch, filled up to whole mini-batches; its shape is [mini-batches, rows of each]. losses: one for each
    mini-batch of the epoch, zero for those outside of the slice. start, stop and hyper are traced: slices of any
    length are one program, and cutting an epoch differently changes no bit of the result.

    Where data and order are a piece of the epoch only, first is the number of mini-batches before that piece and
    count the number of samples in the whole epoch; both are traced. start, stop and losses count from the piece.
    """

    @functools.partial(Compiled, most=MOST_SHAPES)
    def run(train, frozen, opt_state, data: Data, order, start, stop, hyper: Hyper, key, first=0, count=None):
        rows = order.shape[1]
        samples = data.count if count is None else count
        batches = -(-samples // rows)

        def body(i, carry):
            train, opt_state, losses = carry
            picked = order[i]
            mask = (first + i) * rows + jnp.arange(rows) < samples
            batch_key = None if key is None else jax.random.fold_in(key, first + i)
            batch = Batch({n: b[picked] for n, b in data.blobs.items()}, data.target[picked], mask, batch_key)
            now = hyper
            if recipe.schedule is not None:
                now = {**hyper, "$part": (first + i) / jnp.float32(batches), "$stride": 1 / jnp.float32(batches)}
            train, opt_state, loss = _step(parts, recipe, train, frozen, opt_state, batch, now)
            return train, opt_state, losses.at[i].set(loss)

        losses = jnp.zeros(order.shape[0], jnp.float32)
        return jax.lax.fori_loop(start, stop, body, (train, opt_state, losses))

    return run


def epoch_order(count: int, batch_size: int, *, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
    """The samples of an epoch in mini-batches, [mini-batches, batch size]; the last sample fills up the last of them.
    A batch size above the count gives one mini-batch of [1, count].

    The order sorts the raw 64-bit numbers of a Philox generator keyed by seed and epoch. Unlike library shuffles,
    those numbers are fixed by the generator's definition: seed and epoch give the same order on any machine and
    version.
    """
    order = np.arange(count, dtype=np.int32)
    if shuffle:
        draws = np.random.Philox(key=np.array([seed % 2**64, epoch], np.uint64)).random_raw(count)
        order = np.argsort(draws, kind="stable").astype(np.int32)
    rows = _rows(count, batch_size)
    return np.pad(order, (0, -count % rows), mode="edge").reshape(-1, rows)


def _rows(count: int, batch_size: int) -> int:
    """The samples of a whole mini-batch. What is computed and allocated follows the samples: files may name any batch
    size."""
    return min(batch_size, count)


def epoch_loss(losses: np.ndarray, count: int, batch_size: int) -> float:
    """The mean over the samples of an epoch, from the losses of its mini-batches, of which the last may be short.

    Exact, so that it does not depend on where the epoch was cut.
    """
    rows = np.full(len(losses), _rows(count, batch_size))
    rows[-1] = count - rows[:-1].sum()
    return math.fsum(losses.astype(np.float64) * rows) / count


# Judging -------------------------------------------------------------------------------------------------------------


def make_evaluation(parts: Parts, recipe: Recipe) -> Callable[..., dict[str, jax.Array]]:
    """run(train, frozen, blobs, target, mask, hyper, key=None, numbers=None) -> {"loss": ..., metric: ...}, means over
    the rows; compiled.

    The network is the one that predicts: no dropout, no augmentation, statistics as stored. key: see `judging_key`;
    numbers: of the samples in the rows. Layers that draw draw for each sample anew, however the samples are put
    together.
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
    """How right each row is, from 0 to 1, by the first loss that can be right or wrong."""
    targets = targets_of(recipe, outputs, target)
    for loss, reading, output, one in zip(recipe.losses, parts.readings, outputs, targets, strict=True):
        if isinstance(loss, CrossEntropy):
            return jax.vmap(lambda o, t: rank_of_target(o, t) < k)(output, one).astype(jnp.float32)
        if isinstance(loss, BinaryCrossEntropy | Hinge):
            signs = isinstance(loss, Hinge)
            middle = 0.0 if reading.raw or signs else 0.5
            return jax.vmap(lambda o, t, m=middle, s=signs: right_side(o, t, m, signs=s))(output, one)
    raise AssertionError("metrics of a recipe without classes are refused when it is read")


def make_trunk(parts: Parts) -> Callable[..., dict[str, jax.Array]]:
    """run(params, inputs) -> {blob at the cut: [rows, ...]}, compiled; inputs have a leading axis of rows."""

    @functools.partial(Compiled, most=MOST_SHAPES)
    def run(params, inputs):
        return jax.vmap(lambda one: parts.trunk.intermediates(params, one, parts.cut))(inputs)

    return run


def blob_shapes(parts: Parts, train, frozen, data: Data) -> list[tuple[int, ...]]:
    """The shapes, for one sample, of the blobs that the losses read; nothing is computed."""
    params = merge(train, frozen)
    key = jax.random.key(0) if parts.draws else None
    one = {name: jax.ShapeDtypeStruct(blob.shape[1:], blob.dtype) for name, blob in data.blobs.items()}
    found = jax.eval_shape(lambda blobs: parts.plain.fn(params, blobs, key=key, train=True), one)
    return [found[reading.blob].shape for reading in parts.readings]


def epoch_key(parts: Parts, seed: int, epoch: int) -> jax.Array | None:
    """The key of an epoch's random numbers; None when no layer draws any."""
    return jax.random.fold_in(jax.random.key(seed % 2**32), epoch) if parts.draws else None


def judging_key(parts: Parts, seed: int, epoch: int) -> jax.Array | None:
    """The key with which the model is judged after an epoch: another one than its mini-batches have."""
    key = epoch_key(parts, seed, epoch)
    return None if key is None else jax.random.fold_in(key, _JUDGING)
