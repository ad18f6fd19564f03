"""Samples kept out of training, and the judgement of a model on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from graphml.errors import UpdateError

_ROWS = 256  # samples that are judged at once
_KEY = np.array([0x76616C6964, 0], np.uint64)  # the split depends on the number of samples only, not on any seed


def kept_apart(count: int, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """(samples to train on, samples to judge on), numbers in ascending order.

    Raises UpdateError when one of them would be empty although a fraction is asked for.
    """
    if fraction == 0:
        return np.arange(count, dtype=np.int32), np.zeros(0, np.int32)
    held = max(1, round(count * fraction))
    if held >= count:
        raise UpdateError(f"of {count} samples, {fraction:g} cannot be kept for validation: none would be left")
    order = np.argsort(np.random.Philox(key=_KEY).random_raw(count), kind="stable").astype(np.int32)
    return np.sort(order[held:]), np.sort(order[:held])


def judged(
    run: Callable[..., Mapping[str, Any]],
    train: Any,
    frozen: Any,
    samples: Any,
    numbers: np.ndarray,
    hyper: Any,
    key: Any = None,
) -> dict[str, float]:
    """The mean of each measure over the numbered samples. run: of `make_evaluation`; samples have blobs and target."""
    rows = min(len(numbers), _ROWS)
    totals: dict[str, list[float]] = {}
    for start in range(0, len(numbers), rows):
        picked = numbers[start : start + rows]
        count = len(picked)
        picked = np.pad(picked, (0, rows - count), mode="edge")
        blobs = {name: blob[picked] for name, blob in samples.blobs.items()}
        drawn = () if key is None else (key, picked)
        found = run(train, frozen, blobs, samples.target[picked], np.arange(rows) < count, hyper, *drawn)
        found = jax.device_get(found)
        for name, value in found.items():
            totals.setdefault(name, []).append(float(value) * count)
    return {name: math.fsum(values) / len(numbers) for name, values in totals.items()}
