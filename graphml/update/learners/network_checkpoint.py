"""The training state of a network as a checkpoint, and back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import jax
import numpy as np

from graphml.recipes.parameters import as_key
from graphml.update.learners.epochs import EpochPlan, TrainingLog, best_record
from graphml.update.learners.runner import TrainingState
from graphml.update.progress.checkpoints import Checkpoint
from graphml.update.progress.events import MetricKey
from graphml.update.progress.history import Record, as_plain, batch_records, from_plain


def checkpoint_of(state: TrainingState) -> Checkpoint:
    """The checkpoint of a training state."""
    log = state.log
    arrays = {
        "weights": _leaves(state.weights),
        "state": _leaves(state.optimizer_state),
        "best": _leaves(state.best_weights),
        "losses": [_with_one_more(log.losses)],
        "history": [_with_one_more([record.loss for record in log.history if record.batch is not None])],
    }
    facts = {
        "epoch": log.epoch,
        "plan": state.plan,
        "parameters": {str(key): value for key, value in state.recipe.values.items()},
        "metrics": {key.value: value for key, value in state.metrics.items()},
        "epochs": as_plain(record for record in log.history if record.batch is None),
        "mini_batches": [len(list(group)) - 1 for _, group in groupby(log.history, lambda record: record.epoch)],
    }
    return Checkpoint(arrays, facts)


def state_of(checkpoint: Checkpoint, like: TrainingState) -> TrainingState:
    """The training state of a checkpoint.

    Args:
        checkpoint: made by `checkpoint_of`.
        like: a state of the same network and recipe, which gives the structure of the trees.
    """
    arrays, facts = checkpoint
    recipe = like.recipe.with_values({as_key(name): value for name, value in facts["parameters"].items()})
    history = _history(from_plain(facts["epochs"]), facts["mini_batches"], arrays["history"][0])
    log = TrainingLog(facts["epoch"], arrays["losses"][0][:-1], history, best_record(recipe.early_stopping, history))
    return TrainingState(
        weights=_as_in(like.weights, arrays["weights"]),
        optimizer_state=_as_in(like.optimizer_state, arrays["state"]),
        recipe=recipe,
        log=log,
        plan=None if facts["plan"] is None else EpochPlan(*facts["plan"]),
        metrics={MetricKey(name): value for name, value in facts["metrics"].items()},
        best_weights=None if log.best is None else _as_in(like.weights, arrays["best"]),
    )


def _history(epochs: Sequence[Record], counts: Sequence[int], losses: np.ndarray) -> tuple[Record, ...]:
    """All records, from those of the epochs, their numbers of mini-batches and the losses of all mini-batches."""
    records: list[Record] = []
    start = 0
    for record, count in zip(epochs, counts, strict=True):
        records += [*batch_records(record.epoch, losses[start : start + count]), record]
        start += count
    return tuple(records)


def _with_one_more(numbers: Any) -> np.ndarray:
    """The numbers and a zero: no array of a checkpoint may be empty."""
    return np.append(np.asarray(numbers, np.float32), np.float32(0))


def _leaves(tree: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.device_get(jax.tree.leaves(tree))]


def _as_in(like: Any, leaves: Sequence[np.ndarray]) -> Any:
    old, structure = jax.tree.flatten(like)
    pairs = zip(old, leaves, strict=True)
    return jax.tree.unflatten(structure, [np.reshape(new, np.shape(leaf)).astype(leaf.dtype) for leaf, new in pairs])
