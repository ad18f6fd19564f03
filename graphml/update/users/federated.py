"""Federated averaging: one model from what many users' models have learned, without their data."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from graphml.errors import GraphmlError, UpdateError
from graphml.models import Model
from graphml.models.network import NeuralNetwork
from graphml.spec.weights import Quantized
from graphml.update.users.deltas import Delta, difference, fitting, leaves, looks_like_delta, network_from, with_leaves

Steps = dict[str, np.ndarray]

_LARGEST = float(np.finfo(np.float32).max)


def federated_average(
    base: Model | str | os.PathLike[str],
    deltas_or_models: Iterable[Delta | Model | str | os.PathLike[str]],
    weights: Sequence[float] | None = None,
    clip_norm: float | None = None,
    noise_multiplier: float = 0.0,
    seed: int | None = None,
    *,
    across_processes: bool = False,
) -> NeuralNetwork:
    """The base plus the weighted mean of how far each user's model went from it.

    deltas_or_models: deltas, personal models, or files of either, read one at a time.
    weights: of the users, numbers of samples for example; all alike unless given. clip_norm: what is longer than this,
        over all weights together (L2), is shortened to it. noise_multiplier: Gaussian noise on each number, of standard
        deviation noise_multiplier x clip_norm x largest weight / sum of the weights: so many times what one user can
        change. seed: of the noise; None draws it from the system, which is what privacy needs.
    across_processes: the mean over the users of all processes of `jax.distributed`, each of which calls this with its
        own; all get the same model.

    Only weights that some user has changed are changed, or get noise; they are stored as float32. Raises UpdateError
    for deltas of another base, and for numbers that are refused; what is wrong with a user's file comes with the number
    of the user.
    """
    network = network_from(base)
    _refuse_numbers(clip_norm, noise_multiplier)
    total: Steps = {}
    shares: list[float] = []
    given = None if weights is None else [_share(weight) for weight in weights]
    for number, one in enumerate(deltas_or_models):
        if given is not None and number >= len(given):
            raise UpdateError(f"there are more users than the {len(given)} weights")
        share = 1.0 if given is None else given[number]
        for name, step in _clipped(_steps(network, one, number), clip_norm, number).items():
            total[name] = total.get(name, 0) + share * step
        shares.append(share)
    if given is not None and len(given) > len(shares):
        raise UpdateError(f"there are {len(given)} weights and {len(shares)} users")
    whole, largest = math.fsum(shares), max(shares, default=0.0)
    entropy = np.random.SeedSequence(seed).entropy
    if across_processes:
        total, whole, largest, entropy = _gathered(network, total, whole, largest, entropy)
    if whole == 0:
        raise UpdateError("there are no users to average, or their weights are all 0")
    draw = np.random.default_rng(entropy)
    deviation = 0.0 if clip_norm is None else noise_multiplier * clip_norm * largest / whole
    new = {}
    for name, (_, old) in leaves(network):  # in the order of the network, whoever came first
        if name in total:
            step = total[name] / whole
            if deviation:
                step = step + deviation * draw.standard_normal(step.shape)
            new[name] = _stored(name, _floats(old) + step)
    return with_leaves(network, new)


def _refuse_numbers(clip_norm: float | None, noise_multiplier: float) -> None:
    if clip_norm is not None and not 0 < clip_norm < math.inf:
        raise UpdateError(f"clip_norm={clip_norm!r} is refused; allowed: a number above 0")
    if not 0 <= noise_multiplier < math.inf:
        raise UpdateError(f"noise_multiplier={noise_multiplier!r} is refused; allowed: a number from 0")
    if noise_multiplier and clip_norm is None:
        raise UpdateError("noise is measured by clip_norm; without it there is no bound on what a user can change")


def _share(weight: float) -> float:
    if not isinstance(weight, Real) or not 0 <= weight <= _LARGEST:
        raise UpdateError(f"a weight of {weight!r} is refused; allowed: numbers from 0 to {_LARGEST:g}")
    return float(weight)


@np.errstate(over="ignore", invalid="ignore")  # what comes of it is refused by name
def _steps(network: NeuralNetwork, given: Any, number: int) -> Steps:
    """How far a user's model went, by the name of the weight."""
    try:
        delta = _delta(network, given)
        old = fitting(delta, network)
    except GraphmlError as error:
        raise error.in_context(f"user {number}") from None
    return {name: _floats(new) - _floats(old[name]) for name, new in delta.weights.items()}


def _delta(network: NeuralNetwork, given: Any) -> Delta:
    if isinstance(given, Delta):
        return given
    if isinstance(given, str | os.PathLike) and looks_like_delta(given):
        return Delta.read(given)
    if not isinstance(given, Model | str | os.PathLike):
        raise UpdateError(f"expected a delta, a model or a file of either for each user, got {type(given).__name__}")
    return difference(network_from(given), network)


def _floats(weight: Any) -> np.ndarray:
    """A weight as models compute with it, in the precision in which steps are summed."""
    floats = np.asarray(weight.dequantize() if isinstance(weight, Quantized) else weight)
    return floats.astype(np.float32).astype(np.float64)


def _stored(name: str, average: np.ndarray) -> np.ndarray:
    if not (np.abs(average) <= _LARGEST).all():
        raise UpdateError(f"the average of {name!r} is larger than float32 can hold")
    return average.astype(np.float32)


def _clipped(steps: Steps, norm: float | None, number: int) -> Steps:
    if any(not np.isfinite(step).all() for step in steps.values()):
        raise UpdateError(f"user {number} has weights that are not finite")
    length = math.sqrt(math.fsum(float(np.vdot(step, step)) for step in steps.values()))
    if norm is None or length <= norm:
        return steps
    return {name: step * (norm / length) for name, step in steps.items()}


def _gathered(network: NeuralNetwork, total: Steps, whole: float, largest: float, entropy: Any) -> Any:
    """The sums over all processes, and the entropy of the first."""
    from jax.experimental.multihost_utils import process_allgather

    def of_all(values: np.ndarray) -> np.ndarray:
        # as 32-bit words, because JAX would round doubles
        words = process_allgather(np.ascontiguousarray(values, np.float64).view(np.uint32))
        return np.asarray(words).reshape(-1, 2 * values.size).view(np.float64)

    old = {name: _floats(weight) for name, (_, weight) in leaves(network)}
    touched = of_all(np.array([float(name in total) for name in old])).max(0)
    names = [name for name, one in zip(old, touched, strict=True) if one]
    # 128 bits of entropy in pieces that a double holds
    pieces = [float(int(entropy) >> shift & 0xFFFFFFFF) for shift in range(0, 128, 32)]
    parts = [total.get(name, np.zeros_like(old[name])).reshape(-1) for name in names]
    rows = of_all(np.concatenate([[whole, largest, *pieces], *parts]))
    sums, start = {}, 6
    for name in names:
        size = old[name].size
        sums[name] = rows[:, start : start + size].sum(0).reshape(old[name].shape)
        start += size
    first = sum(int(piece) << 32 * i for i, piece in enumerate(rows[0, 2:6]))
    return sums, float(rows[:, 0].sum()), float(rows[:, 1].max()), first
