"""The optimizers and schedules of recipes in optax, with hyperparameters that may be traced.

The formulas are in extension.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import jax
import jax.numpy as jnp
import optax

from graphml import recipes

Hyper = Mapping[str, Any]
"""{name of a parameter: its value}, and the progress ("$epoch" and so on). Any: a float or a traced scalar."""


def transformation(optimizer: recipes.Optimizer | recipes.OptaxOptimizer) -> optax.GradientTransformation:
    """The optimizer as a transformation of gradients.

    SGD applies the rate before the momentum: what earlier steps have added to v keeps the rate of that step.
    """
    if isinstance(optimizer, recipes.OptaxOptimizer):
        return cast("optax.GradientTransformation", optimizer.transformation)
    rate = optax.scale(-optimizer.learning_rate)
    match optimizer:
        case recipes.SGD():
            return optax.chain(*_decay(optimizer.weight_decay), rate, optax.trace(decay=optimizer.momentum))
        case recipes.Adam():
            adam = optax.scale_by_adam(b1=optimizer.beta1, b2=optimizer.beta2, eps=optimizer.eps)
            return optax.chain(*_decay(optimizer.weight_decay), adam, rate)
        case recipes.AdamW():
            adam = optax.scale_by_adam(b1=optimizer.beta1, b2=optimizer.beta2, eps=optimizer.eps)
            return optax.chain(adam, *_decay(optimizer.weight_decay), rate)
        case recipes.RMSprop():
            rms = optax.scale_by_rms(decay=optimizer.decay, eps=optimizer.eps, eps_in_sqrt=False)
            momentum = optax.trace(decay=optimizer.momentum)
            return optax.chain(*_decay(optimizer.weight_decay), rms, momentum, rate)
        case recipes.Lion():
            lion = optax.scale_by_lion(b1=optimizer.beta1, b2=optimizer.beta2)
            return optax.chain(lion, *_decay(optimizer.weight_decay), rate)
        case _:
            raise AssertionError(f"no transformation for {optimizer!r}")


def _decay(weight_decay: float | None) -> list[optax.GradientTransformation]:
    return [] if weight_decay is None else [optax.add_decayed_weights(weight_decay)]


def scheduled(
    optimizer: recipes.Optimizer | recipes.OptaxOptimizer, hyper: Hyper
) -> recipes.Optimizer | recipes.OptaxOptimizer:
    """The optimizer with the learning rate that its schedule gives to this mini-batch.

    Args:
        optimizer: its hyperparameters may be traced.
        hyper: the progress of training, see `rate_factor`.
    """
    if isinstance(optimizer, recipes.OptaxOptimizer) or optimizer.schedule is None:
        return optimizer
    return optimizer.with_fields(learning_rate=optimizer.learning_rate * rate_factor(optimizer.schedule, hyper))


def rate_factor(schedule: recipes.Schedule, hyper: Hyper) -> Any:
    """The factor of the learning rate in this mini-batch. Any: a number or a traced scalar.

    Args:
        schedule: its hyperparameters may be traced.
        hyper: the progress of training, in epochs: `$epoch` are over, `$epochs` are planned, `$part` of the epoch is
            over, and a mini-batch is `$stride` of an epoch; the last two are 0 if they are missing.
    """
    place = hyper["$epoch"] + hyper.get("$part", 0)
    warmup = schedule.warmup
    # the progress at the end of the mini-batch counts, so the first one already has a rate above 0
    rising = jnp.where(warmup > 0, (place + hyper.get("$stride", 0)) / jnp.where(warmup > 0, warmup, 1), 1)
    since = jnp.maximum(place - warmup, 0)
    done = jnp.clip(since / jnp.maximum(hyper["$epochs"] - warmup, 1e-6), 0, 1)
    match schedule:
        case recipes.CosineDecay(final=final):
            factor = final + (1 - final) * (1 + jnp.cos(jnp.pi * done)) / 2
        case recipes.LinearDecay(final=final):
            factor = 1 - (1 - final) * done
        case recipes.StepDecay(every=every, factor=each):
            # the position of a mini-batch is a rounded fraction, which must not fall just below an integer
            factor = each ** jnp.floor(since / every + 1e-4)
        case recipes.FunctionSchedule(function=function):
            # positions are rounded fractions of an epoch
            factor = function(jnp.round(place / hyper["$stride"]).astype(jnp.int32)) if "$stride" in hyper else 1
        case recipes.Constant():
            factor = 1
        case _:
            raise AssertionError(f"no factor for {schedule!r}")
    return jnp.minimum(rising, 1) * factor


def clipped(gradient: Any, norm: Any) -> Any:
    """The gradient, scaled down to `norm` if it is longer. optax's clipping divides by zero for a norm of zero.

    Args:
        gradient: a tree of arrays. Any: trees have no type.
        norm: the largest norm over all leaves together; may be traced.
    """
    length = jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradient)))
    factor = jnp.where(length > norm, norm / jnp.maximum(length, 1e-30), 1)
    return jax.tree.map(lambda leaf: leaf * factor, gradient)
