"""Training as pure functions: one update step, and many of them in one compiled call.

    parts = take_apart(model.lower(), recipe.loss)
    step = jax.jit(make_step(parts, recipe))
    params, state, loss = step(params, state, batch, hyper)

The numbers of the optimizer are arguments of the compiled program, so that another learning rate never compiles anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from graphml.update.losses import SAMPLE_LOSSES, masked_mean
from graphml.update.recipe import Recipe
from graphml.update.trunk import Parts, merge

Hyper = Mapping[str, Any]

_TRUNK_ROWS = 64  # samples that the trunk sees at once


class Batch(NamedTuple):
    """blobs: {blob at the cut: [rows, ...]}. target: [rows, ...], an index or an array for each. mask: [rows],
    False for rows that only fill up. key: for layers that draw random numbers, None where there are none."""

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


def optimizer(kind: str, hyper: Hyper) -> optax.GradientTransformation:
    """The optimizer of a recipe for numbers that may be traced.

    sgd: v = momentum v - learning_rate g, w += v; the rate is applied before the momentum, so what a step has
    added to v keeps the rate of its own time. adam: with bias correction, as in its paper.
    """
    if kind == "sgd":
        return optax.chain(optax.scale(-hyper["learning_rate"]), optax.trace(decay=hyper["momentum"]))
    return optax.adam(hyper["learning_rate"], b1=hyper["beta1"], b2=hyper["beta2"], eps=hyper["eps"])


def hyper_values(recipe: Recipe) -> dict[str, np.float32]:
    """The numbers of the optimizer as the compiled step takes them."""
    return {name: np.float32(value) for name, value in recipe.hyper.items()}


def initial_state(parts: Parts, recipe: Recipe, params: Mapping[str, Any]) -> Any:
    """The optimizer's state before the first step."""
    return optimizer(recipe.optimizer, recipe.hyper).init(parts.split(params)[0])


def batch_loss(parts: Parts, recipe: Recipe, train: Any, frozen: Any, batch: Batch) -> jax.Array:
    """The mean loss of the rows of a mini-batch."""
    of_sample = SAMPLE_LOSSES[recipe.loss.kind, parts.from_logits]
    params = merge(train, frozen)

    def one(blobs, target, key):
        return of_sample(parts.tail.fn(params, blobs, key=key, train=True)[parts.blob], target)

    keys = None if batch.key is None else jax.random.split(batch.key, batch.mask.shape[0])
    return masked_mean(jax.vmap(one)(batch.blobs, batch.target, keys), batch.mask)


def _step(parts: Parts, recipe: Recipe, train, frozen, state, batch: Batch, hyper: Hyper):
    loss, gradient = jax.value_and_grad(partial(batch_loss, parts, recipe))(train, frozen, batch)
    change, state = optimizer(recipe.optimizer, hyper).update(gradient, state, train)
    return jax.tree.map(jnp.add, train, change), state, loss


def make_step(parts: Parts, recipe: Recipe) -> Callable[..., tuple[Any, Any, jax.Array]]:
    """update_step(params, opt_state, batch, hyper) -> params, opt_state, loss. Pure; jit it, vmap it over users.

    Of the recipe it uses the loss and the kind of optimizer. params: {layer: {weight: array}} of the whole network;
    what is frozen, or not part of the tail, comes back as it went in.
    """

    def update_step(params, opt_state, batch: Batch, hyper: Hyper):
        train, frozen = parts.split(params)
        train, opt_state, loss = _step(parts, recipe, train, frozen, opt_state, batch, hyper)
        changed = {key: {**params[key], **weights} for key, weights in train.items()}
        return {**params, **changed}, opt_state, loss

    return update_step


def make_slice(parts: Parts, recipe: Recipe) -> Callable[..., tuple[Any, Any, jax.Array]]:
    """run(train, frozen, opt_state, data, order, start, stop, hyper, key) -> train, opt_state, losses; compiled.

    Does the mini-batches start <= i < stop of an epoch, in a loop on the device. order: the sample at each place
    of the epoch, filled up to whole mini-batches; its shape is [mini-batches, batch size]. losses: one for each
    mini-batch of the epoch, zero for those outside of the slice. start, stop and hyper are traced: slices of any
    length are one program, and cutting an epoch differently changes no bit of the result.
    """

    @jax.jit
    def run(train, frozen, opt_state, data: Data, order, start, stop, hyper: Hyper, key):
        rows = order.shape[1]

        def body(i, carry):
            train, opt_state, losses = carry
            picked = order[i]
            mask = i * rows + jnp.arange(rows) < data.count
            batch_key = None if key is None else jax.random.fold_in(key, i)
            batch = Batch({n: b[picked] for n, b in data.blobs.items()}, data.target[picked], mask, batch_key)
            train, opt_state, loss = _step(parts, recipe, train, frozen, opt_state, batch, hyper)
            return train, opt_state, losses.at[i].set(loss)

        losses = jnp.zeros(order.shape[0], jnp.float32)
        return jax.lax.fori_loop(start, stop, body, (train, opt_state, losses))

    return run


def epoch_order(count: int, batch_size: int, *, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
    """The samples of an epoch in mini-batches, [mini-batches, batch size]; the last sample fills up the last of them.

    The order sorts the raw 64-bit numbers of a Philox generator keyed by seed and epoch. Unlike library shuffles,
    those numbers are fixed by the generator's definition: seed and epoch give the same order on any machine and
    version.
    """
    order = np.arange(count, dtype=np.int32)
    if shuffle:
        draws = np.random.Philox(key=np.array([seed % 2**64, epoch], np.uint64)).random_raw(count)
        order = np.argsort(draws, kind="stable").astype(np.int32)
    return np.pad(order, (0, -count % batch_size), mode="edge").reshape(-1, batch_size)


def make_trunk(parts: Parts) -> Callable[..., dict[str, jax.Array]]:
    """run(params, inputs) -> {blob at the cut: [rows, ...]}, compiled; inputs have a leading axis of rows."""

    @jax.jit
    def run(params, inputs):
        return jax.vmap(lambda one: parts.trunk.intermediates(params, one, parts.cut))(inputs)

    return run


def run_trunk(
    run: Callable[..., dict[str, jax.Array]], params, inputs: Mapping[str, np.ndarray]
) -> dict[str, jax.Array]:
    """The blobs at the cut for all samples, some at a time so that what the trunk makes on the way fits in memory."""
    count = len(next(iter(inputs.values())))
    rows = min(count, _TRUNK_ROWS)
    parts = []
    for start in range(0, count, rows):
        piece = {name: value[start : start + rows] for name, value in inputs.items()}
        missing = rows - min(rows, count - start)
        padded = {n: np.concatenate([v, np.repeat(v[-1:], missing, 0)]) if missing else v for n, v in piece.items()}
        parts.append({name: blob[: rows - missing] for name, blob in run(params, padded).items()})
    return {name: jnp.concatenate([part[name] for part in parts]) for name in parts[0]}


def blob_shape(parts: Parts, train, frozen, data: Data) -> tuple[int, ...]:
    """The shape, for one sample, of the blob that the loss reads; nothing is computed."""
    params = merge(train, frozen)
    key = jax.random.key(0) if parts.draws else None
    one = {name: jax.ShapeDtypeStruct(blob.shape[1:], blob.dtype) for name, blob in data.blobs.items()}
    return jax.eval_shape(lambda blobs: parts.tail.fn(params, blobs, key=key, train=True)[parts.blob], one).shape


def epoch_key(parts: Parts, seed: int, epoch: int) -> jax.Array | None:
    """The key of an epoch's random numbers; None when no layer draws any."""
    return jax.random.fold_in(jax.random.key(seed % 2**32), epoch) if parts.draws else None
