"""A moment of a network's training as a step of a checkpoint directory, and back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import jax
import numpy as np

from graphml.recipes.parameters import as_key
from graphml.update.learners.epochs import Plan, TrainingState
from graphml.update.progress.checkpoints import Step
from graphml.update.progress.events import MetricKey
from graphml.update.progress.history import Record, as_plain, batch_records, from_plain


def step_of(moment: TrainingState) -> Step:
    best, best_loss = (None, None) if moment.best is None else moment.best
    arrays = {
        "weights": _leaves(moment.train),
        "state": _leaves(moment.state),
        "best": _leaves(best),
        "losses": [_with_one_more(moment.losses)],
        "history": [_with_one_more([record.loss for record in moment.history if record.batch is not None])],
    }
    facts = {
        "epoch": moment.epoch,
        "plan": moment.plan,
        "parameters": {str(key): value for key, value in moment.recipe.values.items()},
        "metrics": {key.value: value for key, value in moment.metrics.items()},
        "best_loss": best_loss,
        "epochs": as_plain(record for record in moment.history if record.batch is None),
        "mini_batches": [len(list(group)) - 1 for _, group in groupby(moment.history, lambda record: record.epoch)],
    }
    return Step(arrays, facts)


def moment_of(step: Step, like: TrainingState) -> TrainingState:
    """like: a moment of the same network and recipe, for the structure of its trees."""
    arrays, facts = step
    values = {as_key(name): value for name, value in facts["parameters"].items()}
    train = _as_in(like.train, arrays["weights"])
    loss = facts["best_loss"]
    return TrainingState(
        train=train,
        state=_as_in(like.state, arrays["state"]),
        recipe=like.recipe.with_values(values),
        epoch=facts["epoch"],
        plan=None if facts["plan"] is None else Plan(*facts["plan"]),
        losses=arrays["losses"][0][:-1],
        metrics={MetricKey(name): value for name, value in facts["metrics"].items()},
        best=None if loss is None else (_as_in(like.train, arrays["best"]), loss),
        history=_history(from_plain(facts["epochs"]), facts["mini_batches"], arrays["history"][0]),
    )


def _history(epochs: Sequence[Record], counts: Sequence[int], losses: np.ndarray) -> tuple[Record, ...]:
    """All records from those of the epochs, the numbers of their mini-batches and the losses of all mini-batches."""
    records: list[Record] = []
    start = 0
    for record, count in zip(epochs, counts, strict=True):
        records += [*batch_records(record.epoch, losses[start : start + count]), record]
        start += count
    return tuple(records)


def _with_one_more(numbers: Any) -> np.ndarray:
    """No array of a step is empty."""
    return np.append(np.asarray(numbers, np.float32), np.float32(0))


def _leaves(tree: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.device_get(jax.tree.leaves(tree))]


def _as_in(like: Any, leaves: Sequence[np.ndarray]) -> Any:
    old, structure = jax.tree.flatten(like)
    pairs = zip(old, leaves, strict=True)
    return jax.tree.unflatten(structure, [np.reshape(new, np.shape(leaf)).astype(leaf.dtype) for leaf, new in pairs])
