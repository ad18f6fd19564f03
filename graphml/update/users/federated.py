"""Federated averaging: one model from the personal models of many users, without their data."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from graphml.errors import GraphmlError, UpdateError
from graphml.models import Model
from graphml.models.graph_model import GraphModel
from graphml.recipes import is_program
from graphml.spec.weights import CompressedWeight
from graphml.update.users.deltas import Delta, difference, fitting, leaves, looks_like_delta, network_from, with_leaves

WeightChanges = dict[str, np.ndarray]

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
) -> GraphModel:
    """Add to a model the weighted mean of the changes of its personal models.

    Only weights that some user has changed are changed, or get noise; they are stored as float32, in an ML Program in
    the type that it declares.

    Args:
        base: the original model, or its file.
        deltas_or_models: deltas, personal models, or files of either, read one at a time.
        weights: of the users, for example their numbers of samples; None weighs all users equally.
        clip_norm: the changes of a user are scaled down to this L2 norm, over all weights together.
        noise_multiplier: adds Gaussian noise to each number, with the standard deviation noise_multiplier x clip_norm x
            largest weight / sum of weights: this many times what one user can change.
        seed: the random seed of the noise; None takes it from the operating system, which privacy requires.
        across_processes: average over the users of all processes of `jax.distributed`. Each process calls this function
            with its own users, and all get the same model.

    Raises:
        UpdateError: a delta belongs to another base, or a number is out of range.
        GraphmlError: the file of a user cannot be used; the message names the user.
    """
    network = network_from(base)
    _refuse_numbers(clip_norm, noise_multiplier)
    total: WeightChanges = {}
    shares: list[float] = []
    given = None if weights is None else [_share(weight) for weight in weights]
    for number, one in enumerate(deltas_or_models):
        if given is not None and number >= len(given):
            raise UpdateError(f"there are more users than weights ({len(given)})")
        share = 1.0 if given is None else given[number]
        for name, change in _clipped(_changes(network, one, number), clip_norm, number).items():
            total[name] = total.get(name, 0) + share * change
        shares.append(share)
    if given is not None and len(given) > len(shares):
        raise UpdateError(f"there are {len(given)} weights, but {len(shares)} users")
    whole, largest = math.fsum(shares), max(shares, default=0.0)
    entropy = np.random.SeedSequence(seed).entropy
    if across_processes:
        total, whole, largest, entropy = _gathered(network, total, whole, largest, entropy)
    if whole == 0:
        raise UpdateError("there are no users to average, or their weights are all 0")
    draw = np.random.default_rng(entropy)
    deviation = 0.0 if clip_norm is None else noise_multiplier * clip_norm * largest / whole
    new = {}
    for name, (_, old) in leaves(network):  # in the order of the network, regardless of the order of the users
        if name in total:
            change = total[name] / whole
            if deviation:
                change = change + deviation * draw.standard_normal(change.shape)
            new[name] = _stored(name, _floats(old) + change).astype(_type_to_store(network, old))
    return with_leaves(network, new)


def _refuse_numbers(clip_norm: float | None, noise_multiplier: float) -> None:
    if clip_norm is not None and not 0 < clip_norm < math.inf:
        raise UpdateError(f"clip_norm={clip_norm!r} is refused; allowed: a number above 0")
    if not 0 <= noise_multiplier < math.inf:
        raise UpdateError(f"noise_multiplier={noise_multiplier!r} is refused; allowed: a number from 0")
    if noise_multiplier and clip_norm is None:
        raise UpdateError("noise_multiplier needs clip_norm: without it there is no bound on what a user can change")


def _share(weight: float) -> float:
    if not isinstance(weight, Real) or not 0 <= weight <= _LARGEST:
        raise UpdateError(f"a weight of {weight!r} is refused; allowed: numbers from 0 to {_LARGEST:g}")
    return float(weight)


@np.errstate(over="ignore", invalid="ignore")  # values that are not finite are refused below
def _changes(network: GraphModel, given: Any, number: int) -> WeightChanges:
    """The changes of a user, {weight: new - old}."""
    try:
        delta = _delta(network, given)
        old = fitting(delta, network)
    except GraphmlError as error:
        raise error.in_context(f"user {number}") from None
    return {name: _floats(new) - _floats(old[name]) for name, new in delta.weights.items()}


def _delta(network: GraphModel, given: Any) -> Delta:
    if isinstance(given, Delta):
        return given
    if isinstance(given, str | os.PathLike) and looks_like_delta(given):
        return Delta.read(given)
    if not isinstance(given, Model | str | os.PathLike):
        raise UpdateError(f"expected a delta, a model or a file of either for each user, got {type(given).__name__}")
    return difference(network_from(given), network)


def _floats(weight: Any) -> np.ndarray:
    """The float32 values of a weight, in the precision in which changes are summed."""
    floats = np.asarray(weight.dequantize() if isinstance(weight, CompressedWeight) else weight)
    return floats.astype(np.float32).astype(np.float64)


def _type_to_store(network: GraphModel, old: Any) -> Any:
    """The type of an averaged weight: float32 in a network; the declared one in an ML Program."""
    stays = is_program(network.unchanged_spec) and not isinstance(old, CompressedWeight)
    return old.dtype if stays else np.float32


def _stored(name: str, average: np.ndarray) -> np.ndarray:
    if not (np.abs(average) <= _LARGEST).all():
        raise UpdateError(f"the average of {name!r} is too large for float32")
    return average.astype(np.float32)


def _clipped(changes: WeightChanges, norm: float | None, number: int) -> WeightChanges:
    if any(not np.isfinite(change).all() for change in changes.values()):
        raise UpdateError(f"user {number} has weights that are not finite")
    length = math.sqrt(math.fsum(float(np.vdot(change, change)) for change in changes.values()))
    if norm is None or length <= norm:
        return changes
    return {name: change * (norm / length) for name, change in changes.items()}


def _gathered(network: GraphModel, total: WeightChanges, whole: float, largest: float, entropy: Any) -> Any:
    """The sums over all processes, and the entropy of the first."""
    from jax.experimental.multihost_utils import process_allgather

    def of_all(values: np.ndarray) -> np.ndarray:
        # as 32-bit words, because JAX would round doubles
        words = process_allgather(np.ascontiguousarray(values, np.float64).view(np.uint32))
        return np.asarray(words).reshape(-1, 2 * values.size).view(np.float64)

    old = {name: _floats(weight) for name, (_, weight) in leaves(network)}
    changed = of_all(np.array([float(name in total) for name in old])).max(0)
    names = [name for name, one in zip(old, changed, strict=True) if one]
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
