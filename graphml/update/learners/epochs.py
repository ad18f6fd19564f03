"""The rules of an epoch, each written once for one user and for many.

Which samples are trained on and in which order, the loss of an epoch, what is evaluated, which epoch is the best, and
when training stops early. `runner.EpochRunner` (one user) and `users.cohort_runner.CohortRunner` (many users, trained
together) apply these rules; they differ in the layout of arrays on the devices and in what one compiled call does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from graphml.errors import UpdateError
from graphml.recipes import EarlyStopping, Recipe
from graphml.update.progress.history import Record, batch_records

EVALUATION_ROWS = 256
"""The number of samples that one compiled call evaluates."""

Indices = npt.NDArray[np.int32]
Losses = npt.NDArray[np.float32]

_SPLIT_KEY = np.array([0x76616C6964, 0], np.uint64)  # the split depends on the number of samples only, not on any seed


# Samples and their order ---------------------------------------------------------------------------------------------


class EpochPlan(NamedTuple):
    """The settings that hold for a whole epoch: new values take effect when the next one begins."""

    batch_size: int
    shuffle: bool
    seed: int

    @classmethod
    def of(cls, recipe: Recipe) -> EpochPlan:
        """The settings of a recipe."""
        return cls(recipe.batch_size, recipe.shuffle, recipe.seed)


@dataclass(frozen=True, eq=False)
class SampleSplit:
    """The samples of one user, split by use.

    Attributes:
        training: indices of the samples to train on, ascending.
        validation: indices of the samples that are kept for validation, ascending; empty if the recipe keeps none.
    """

    training: Indices
    validation: Indices

    def batches(self, batch_size: int) -> int:
        """The number of mini-batches of an epoch."""
        return -(-len(self.training) // batch_size)

    def order(self, plan: EpochPlan, epoch: int) -> Indices:
        """The indices of the samples of an epoch, [mini-batches, rows]; see `epoch_order`."""
        size, count = plan.batch_size, len(self.training)
        return self.training[epoch_order(count, size, seed=plan.seed, epoch=epoch, shuffle=plan.shuffle)]

    def evaluated(self, recipe: Recipe) -> Indices:
        """The indices of the samples that are evaluated after each epoch.

        These are the validation samples; without any, metrics are measured on the training samples.
        """
        return self.training if not len(self.validation) and recipe.metrics else self.validation


def split_samples(count: int, fraction: float) -> SampleSplit:
    """Split samples into those to train on and those to validate on.

    Args:
        count: the number of samples.
        fraction: the part of them that is kept for validation.

    Raises:
        UpdateError: no sample would be left to train on.
    """
    if fraction == 0:
        return SampleSplit(np.arange(count, dtype=np.int32), np.zeros(0, np.int32))
    held = max(1, round(count * fraction))
    if held >= count:
        raise UpdateError(
            f"cannot keep {fraction:g} of the samples for validation: there are only {count}, so none would be left"
        )
    order = np.argsort(np.random.Philox(key=_SPLIT_KEY).random_raw(count), kind="stable").astype(np.int32)
    return SampleSplit(np.sort(order[held:]), np.sort(order[:held]))


def epoch_order(count: int, batch_size: int, *, seed: int, epoch: int, shuffle: bool) -> Indices:
    """The order in which the samples of an epoch are visited.

    The order sorts the raw 64-bit numbers of a Philox generator keyed by seed and epoch. Unlike the shuffles of
    libraries, those numbers are fixed by the definition of the generator: the same seed and epoch give the same order
    on any machine and with any version.

    Returns:
        The samples in mini-batches, [mini-batches, batch size]; the last sample is repeated to fill the last
        mini-batch. A batch size above the count gives one mini-batch, [1, count].
    """
    order = np.arange(count, dtype=np.int32)
    if shuffle:
        draws = np.random.Philox(key=np.array([seed % 2**64, epoch], np.uint64)).random_raw(count)
        order = np.argsort(draws, kind="stable").astype(np.int32)
    rows = _rows(count, batch_size)
    return np.pad(order, (0, -count % rows), mode="edge").reshape(-1, rows)


def _rows(count: int, batch_size: int) -> int:
    """The rows of a full mini-batch: files may name any batch size, so arrays are sized by the number of samples."""
    return min(batch_size, count)


# Losses and measures -------------------------------------------------------------------------------------------------


def refuse_unless_finite(losses: Losses, epoch: int, first: int, hyper: Mapping[str, float]) -> None:
    """Raise UpdateError for the first loss that is not finite.

    Args:
        losses: of consecutive mini-batches.
        epoch: the epoch that they belong to.
        first: the index of the first of these mini-batches.
        hyper: the hyperparameters of the recipe, which the message lists.
    """
    bad = np.flatnonzero(~np.isfinite(losses))
    if bad.size:
        numbers = ", ".join(f"{name}={value:g}" for name, value in hyper.items())
        raise UpdateError(
            f"the loss is {losses[bad[0]]} in mini-batch {first + bad[0]} of epoch {epoch} ({numbers}): the inputs may "
            "contain values that are not finite, or the learning rate may be too large. The original model is unchanged"
        )


def epoch_loss(losses: Losses, count: int, batch_size: int) -> float:
    """The mean loss over the samples of an epoch, from the losses of its mini-batches; the last may be short.

    The sum is exact, so the result does not depend on how the epoch was divided into compiled calls.
    """
    rows = np.full(len(losses), _rows(count, batch_size))
    rows[-1] = count - rows[:-1].sum()
    return math.fsum(losses.astype(np.float64) * rows) / count


class WeightedMeans:
    """The means of named measures over all samples, from their means over pieces of the samples."""

    def __init__(self) -> None:
        self._count = 0
        self._totals: dict[str, list[float]] = {}

    def add(self, means: Mapping[str, float], count: int) -> None:
        """Add a piece of `count` samples."""
        self._count += count
        for name, value in means.items():
            self._totals.setdefault(name, []).append(float(value) * count)

    def result(self) -> dict[str, float]:
        """The mean of each measure; the sums are exact."""
        return {name: math.fsum(values) / self._count for name, values in self._totals.items()}


@dataclass(frozen=True, eq=False)
class TrainingLog:
    """What the training of one model has measured so far.

    Attributes:
        epoch: the index of the current epoch.
        losses: the losses of the mini-batches of this epoch that are done.
        history: the records of all finished epochs and of their mini-batches.
        best: the record of the best epoch so far.
    """

    epoch: int = 0
    losses: Losses = field(default_factory=lambda: np.zeros(0, np.float32))
    history: tuple[Record, ...] = ()
    best: Record | None = None

    @property
    def records(self) -> tuple[Record, ...]:
        """All records, those of an unfinished epoch included."""
        finished = self.history and self.history[-1].epoch == self.epoch
        return self.history if finished else (*self.history, *batch_records(self.epoch, self.losses))

    @property
    def is_best(self) -> bool:
        """Whether the epoch that was finished last is the best so far."""
        return bool(self.history) and self.history[-1] is self.best

    def is_over(self, recipe: Recipe) -> bool:
        """Whether training ends here: all epochs are done, or early stopping applies."""
        return self.epoch >= recipe.epochs or should_stop(recipe.early_stopping, self.history)

    def with_losses(self, losses: Losses) -> TrainingLog:
        """The log with the losses of more mini-batches of this epoch."""
        return replace(self, losses=np.append(self.losses, losses))

    def with_finished_epoch(
        self, recipe: Recipe, split: SampleSplit, batch_size: int, measures: Mapping[str, float]
    ) -> TrainingLog:
        """The log with the record of this epoch.

        Args:
            recipe: says what is monitored.
            split: the samples; `measures` are of `split.evaluated(recipe)`.
            batch_size: of this epoch.
            measures: the loss and the metrics by name; empty if nothing was evaluated.
        """
        loss = epoch_loss(self.losses, len(split.training), batch_size)
        metrics = dict(measures)
        evaluated = metrics.pop("loss", None)
        record = Record(self.epoch, None, loss, metrics, evaluated if len(split.validation) else None)
        history = (*self.history, *batch_records(self.epoch, self.losses), record)
        return replace(self, history=history, best=_better(recipe.early_stopping, self.best, record))

    def with_next_epoch(self) -> TrainingLog:
        """The log at the beginning of the next epoch."""
        return TrainingLog(epoch=self.epoch + 1, history=self.history, best=self.best)


# The best epoch and early stopping -----------------------------------------------------------------------------------


def best_record(stopping: EarlyStopping | None, records: Iterable[Record]) -> Record | None:
    """The record of the best epoch: the one with the smallest monitored value, the first of several."""
    best = None
    for record in records:
        if record.batch is None:
            best = _better(stopping, best, record)
    return best


def should_stop(stopping: EarlyStopping | None, records: Iterable[Record]) -> bool:
    """Whether the last `patience` epochs brought no improvement."""
    if stopping is None:
        return False
    best, waited = float("inf"), 0
    for record in records:
        if record.batch is None:
            value = _monitored(stopping, record)
            waited = 0 if value < best - stopping.min_delta else waited + 1
            best = min(best, value) if waited else value
    return waited >= stopping.patience


def _better(stopping: EarlyStopping | None, best: Record | None, record: Record) -> Record:
    return record if best is None or _monitored(stopping, record) < _monitored(stopping, best) else best


def _monitored(stopping: EarlyStopping | None, record: Record) -> float:
    """The value to minimize: a loss, or a negated metric."""
    name = "" if stopping is None else stopping.monitor
    if not name:
        name = "loss" if stopping is None or record.validation_loss is None else "validation_loss"
    return record.value(name) if name.endswith("loss") else -record.value(name)
