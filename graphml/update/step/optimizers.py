"""Optimizers, schedules and clipping, for numbers that may be traced. The formulas are in extension.proto."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

Hyper = Mapping[str, Any]


def optimizer(kind: str, hyper: Hyper) -> optax.GradientTransformation:
    """The optimizer of a recipe; `weight_decay` and, where it may be missing, `momentum` count if they are there.

    sgd: v = momentum v - learning_rate g, w += v; the rate is applied before the momentum, so what a step has
    added to v keeps the rate of its own time. adam: with bias correction, as in its paper.
    """
    rate = optax.scale(-hyper["learning_rate"])
    decay = [optax.add_decayed_weights(hyper["weight_decay"])] if "weight_decay" in hyper else []
    if kind == "sgd":
        return optax.chain(*decay, rate, optax.trace(decay=hyper["momentum"]))
    if kind in ("adam", "adamw"):
        scale = optax.scale_by_adam(b1=hyper["beta1"], b2=hyper["beta2"], eps=hyper["eps"])
        return optax.chain(*decay, scale, rate) if kind == "adam" else optax.chain(scale, *decay, rate)
    if kind == "rmsprop":
        scale = optax.scale_by_rms(decay=hyper["decay"], eps=hyper["eps"], eps_in_sqrt=False)
        return optax.chain(*decay, scale, optax.trace(decay=hyper["momentum"]), rate)
    assert kind == "lion", f"no optimizer is called {kind}"
    return optax.chain(optax.scale_by_lion(b1=hyper["beta1"], b2=hyper["beta2"]), *decay, rate)


def clipped(gradient: Any, norm: Any) -> Any:
    """The gradient, shortened to `norm` over all its leaves together where it is longer."""
    length = jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradient)))
    factor = jnp.where(length > norm, norm / jnp.maximum(length, 1e-30), 1)
    return jax.tree.map(lambda leaf: leaf * factor, gradient)


def rate_factor(schedule: str, hyper: Hyper) -> Any:
    """What the learning rate is multiplied with at this mini-batch.

    hyper: besides the schedule's numbers, `$epoch` (those that are over), `$epochs` (all of them), `$part` (of this
    epoch that is over) and `$stride` (the part of an epoch that a mini-batch is); the last two 0 where left out.
    """
    place = hyper["$epoch"] + hyper.get("$part", 0)
    warmup = hyper["warmup"]
    # the first mini-batch already moves: it is the end of the mini-batch that counts
    rising = jnp.where(warmup > 0, (place + hyper.get("$stride", 0)) / jnp.where(warmup > 0, warmup, 1), 1)
    since = jnp.maximum(place - warmup, 0)
    done = jnp.clip(since / jnp.maximum(hyper["$epochs"] - warmup, 1e-6), 0, 1)
    if schedule == "cosine":
        factor = hyper["decay_final"] + (1 - hyper["decay_final"]) * (1 + jnp.cos(jnp.pi * done)) / 2
    elif schedule == "linear":
        factor = 1 - (1 - hyper["decay_final"]) * done
    elif schedule == "step":
        # the place of a mini-batch is a rounded fraction, which must not fall short of a whole number
        factor = hyper["decay_factor"] ** jnp.floor(since / hyper["decay_every"] + 1e-4)
    else:
        assert schedule == "constant", f"no schedule is called {schedule}"
        factor = 1
    return jnp.minimum(rising, 1) * factor
