"""The training of one network, mini-batch by mini-batch: a `TrainingState` goes in, the next one comes out.

Nothing here knows about training threads, handlers or checkpoint files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from graphml.errors import UpdateError
from graphml.models.configuration import Device
from graphml.models.graph_model import GraphModel
from graphml.recipes import Recipe
from graphml.update import ending
from graphml.update.data.samples import TrainingData, check_targets, checked_samples, stacked
from graphml.update.data.storage import Limits, Store, Stored
from graphml.update.data.streaming import in_pieces, read_ahead
from graphml.update.learners.epochs import (
    EVALUATION_ROWS,
    EpochPlan,
    Indices,
    TrainingLog,
    WeightedMeans,
    refuse_unless_finite,
    split_samples,
)
from graphml.update.progress.events import MetricKey
from graphml.update.step import failures, training
from graphml.update.step.programs import Programs
from graphml.update.step.trunk_runner import TrunkRunner

_PIECE = 64  # samples per call of the trunk


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything that decides how training continues, between two mini-batches.

    Attributes:
        weights: the trained weights, {layer: {weight: array}}.
        optimizer_state: the state of the optimizer.
        recipe: the recipe with the current parameters.
        log: what has been measured.
        plan: the settings of the current epoch; None between epochs.
        metrics: the latest metrics, as handlers see them.
        best_weights: the weights after the best epoch; None before the first epoch is done.
    """

    weights: Any
    optimizer_state: Any
    recipe: Recipe
    log: TrainingLog = field(default_factory=TrainingLog)
    plan: EpochPlan | None = None
    metrics: Mapping[MetricKey, Any] = field(default_factory=dict[MetricKey, Any])
    best_weights: Any = None

    def with_next_epoch(self) -> TrainingState:
        """The state at the beginning of the next epoch."""
        return replace(self, log=self.log.with_next_epoch(), plan=None)


def store_samples(
    model: GraphModel,
    data: TrainingData,
    programs: Programs,
    recipe: Recipe,
    store: Store,
    *,
    check: Callable[[], None],
) -> Stored:
    """Read and check all samples, run the trunk once for each, and store the results.

    Args:
        model: the network.
        data: the samples; a thread reads them ahead.
        programs: the compiled programs of the network.
        recipe: says which targets the losses need.
        store: receives the samples and is closed.
        check: called between pieces and while waiting for data; may raise to stop.

    Raises:
        FeatureError: a sample does not fit the model; the message names it.
        UpdateError: there are no samples, or a sample cannot be read.
    """
    trunk = TrunkRunner(model, programs)
    done = 0
    try:
        for piece in read_ahead(in_pieces(checked_samples(model, recipe.losses, data), _PIECE), 2, check):
            samples = stacked(piece)
            blobs = trunk(samples)
            check_targets(samples, recipe.losses, trunk.shapes, done)
            store.append(blobs, samples.target)
            done += samples.count
        if not done:
            raise UpdateError("there are no training data")
        return store.finish()
    finally:
        store.close()


class _Window(NamedTuple):
    """A part of an epoch whose samples are on the device.

    Attributes:
        data: the samples.
        order: the rows of `data` by mini-batch, [mini-batches, rows].
        first: the index of the first mini-batch.
        stop: the index after the last mini-batch.
        epoch_samples: the number of samples of the epoch; None if `data` holds exactly these.
    """

    data: training.Data
    order: jax.Array
    first: int
    stop: int
    epoch_samples: int | None


class EpochRunner:
    """Trains one network on stored samples.

    Samples that fit in memory are on the device as a whole. Larger data are read from their files in windows, in the
    order of the epoch; a thread copies the next window while the device computes.
    """

    def __init__(
        self,
        programs: Programs,
        frozen: Any,
        samples: Stored,
        limits: Limits,
        device: Device | None,
        validation_fraction: float = 0.0,
    ) -> None:
        """Put the samples on the device if they fit in memory.

        Args:
            programs: the compiled programs of the network.
            frozen: the weights that are not trained.
            samples: the stored samples.
            limits: the memory that two windows may take together.
            device: where to train; None is the default device.
            validation_fraction: the part of the samples that is kept for validation.
        """
        self._split = split_samples(samples.count, validation_fraction)
        self._programs, self._device, self._samples, self._limits = programs, device, samples, limits
        self._frozen = jax.device_put(frozen, device)
        self._data: training.Data | None = None
        if samples.in_memory:
            data = self._data = jax.device_put(training.Data(samples.blobs, samples.target), device)
            self._samples = Stored(data.blobs, data.target, True)  # frees the copies on the host
        self._reader = ThreadPoolExecutor(1, "graphml reads ahead")
        self._windows_of: tuple[int, EpochPlan] | None = None
        self._windows: Iterator[_Window] = iter(())
        self._window: _Window | None = None
        self._key: jax.Array | None = None

    @property
    def sample_count(self) -> int:
        """The number of samples, validation samples included."""
        return self._samples.count

    def close(self) -> None:
        """Stop reading ahead."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def batches(self, state: TrainingState) -> int:
        """The number of mini-batches of the current epoch."""
        return self._split.batches(state.recipe.batch_size if state.plan is None else state.plan.batch_size)

    def advance(self, state: TrainingState, most: int) -> TrainingState:
        """Train on the next mini-batches of the epoch.

        Args:
            state: the current state of training.
            most: the largest number of mini-batches; fewer are done at the end of an epoch or window.

        Raises:
            UpdateError: a loss is not finite, or a layer cannot be trained.
        """
        recipe, epoch = state.recipe, state.log.epoch
        plan = EpochPlan.of(recipe) if state.plan is None else state.plan
        done = len(state.log.losses)
        window = self._window_at(epoch, plan, done)
        stop = min(done + most, window.stop)
        with failures.as_update_errors(lambda: self._faulty_layer(state.weights, window.data.blobs)):
            weights, optimizer_state, losses = self._programs.slice(
                state.weights,
                self._frozen,
                state.optimizer_state,
                window.data,
                window.order,
                done - window.first,
                stop - window.first,
                training.hyper_values(recipe, epoch),
                self._key,
                window.first,
                window.epoch_samples,
            )
            new = np.asarray(losses)[done - window.first : stop - window.first]
        refuse_unless_finite(new, epoch, done, recipe.hyper)
        metrics = {
            MetricKey.LOSS_VALUE: float(new[-1]),
            MetricKey.EPOCH_INDEX: epoch,
            MetricKey.MINI_BATCH_INDEX: stop - 1,
        }
        log = state.log.with_losses(new)
        return replace(state, weights=weights, optimizer_state=optimizer_state, plan=plan, log=log, metrics=metrics)

    def finish_epoch(self, state: TrainingState) -> TrainingState:
        """Evaluate the network after the last mini-batch of an epoch, and record the epoch."""
        assert state.plan is not None
        log = state.log.with_finished_epoch(state.recipe, self._split, state.plan.batch_size, self._measures(state))
        record = log.history[-1]
        metrics = {**state.metrics, MetricKey.LOSS_VALUE: record.loss, MetricKey.METRICS: dict(record.metrics)}
        if record.validation_loss is not None:
            metrics[MetricKey.VALIDATION_LOSS] = record.validation_loss
        best_weights = state.weights if log.is_best else state.best_weights
        return replace(state, log=log, metrics=metrics, best_weights=best_weights)

    def _measures(self, state: TrainingState) -> dict[str, float]:
        indices = self._split.evaluated(state.recipe)
        if not len(indices):
            return {}
        samples = self._samples if self._data is None else self._data
        hyper = training.hyper_values(state.recipe, state.log.epoch)
        with failures.as_update_errors(lambda: self._faulty_layer(state.weights, samples.blobs)):
            key = training.evaluation_key(self._programs.parts, state.recipe.seed, state.log.epoch)
            run = self._programs.evaluation
            return evaluate(run, state.weights, self._frozen, samples, indices, hyper, key)

    def _faulty_layer(self, weights: Any, blobs: Mapping[str, Any]) -> str | None:
        return failures.faulty_in_tail(self._programs.parts, weights, self._frozen, blobs)

    def _window_at(self, epoch: int, plan: EpochPlan, done: int) -> _Window:
        if (epoch, plan) != self._windows_of:
            self._windows_of = epoch, plan
            self._key = training.epoch_key(self._programs.parts, plan.seed, epoch)
            self._windows, self._window = self._make_windows(epoch, plan, done), None
        while self._window is None or done >= self._window.stop:
            self._window = next(self._windows)
        return self._window

    def _make_windows(self, epoch: int, plan: EpochPlan, done: int) -> Iterator[_Window]:
        order, total = self._split.order(plan, epoch), len(self._split.training)
        if self._data is not None:
            count = total if len(self._split.validation) else None
            yield _Window(self._data, jax.device_put(order, self._device), 0, len(order), count)
            return
        # two windows exist at once, in memory and on the device
        rows = order.shape[1]
        length = max(1, min(len(order), self._limits.memory_bytes // (4 * rows * self._samples.sample_bytes)))
        local = jax.device_put(np.arange(length * rows, dtype=np.int32).reshape(length, rows), self._device)

        def copied(first: int) -> _Window:
            picked = order[first : first + length]
            short = length - len(picked)  # the last window is padded, so that it runs in the same program
            picked = np.pad(picked, ((0, short), (0, 0)), mode="edge").reshape(-1)
            data = training.Data({n: a[picked] for n, a in self._samples.blobs.items()}, self._samples.target[picked])
            return _Window(jax.device_put(data, self._device), local, first, first + length - short, total)

        ahead: Future[_Window] | None = None
        for first in range(done - done % length, len(order), length):
            window = copied(first) if ahead is None else ahead.result()
            with ending.thread_failures_as_update_errors():
                ahead = self._reader.submit(copied, first + length) if first + length < len(order) else None
            yield window


def evaluate(
    run: Callable[..., Mapping[str, Any]],
    weights: Any,
    frozen: Any,
    samples: training.Data | Stored,
    indices: Indices,
    hyper: training.Hyper,
    key: jax.Array | None = None,
) -> dict[str, float]:
    """The mean of each measure over some of the samples.

    Args:
        run: the compiled function of `training.make_evaluation`.
        weights: the trained weights.
        frozen: all other weights.
        samples: all samples.
        indices: which of them to evaluate.
        hyper: the hyperparameters of the recipe.
        key: for layers that draw random numbers.
    """
    rows = min(len(indices), EVALUATION_ROWS)
    means = WeightedMeans()
    for start in range(0, len(indices), rows):
        picked = indices[start : start + rows]
        count = len(picked)
        picked = np.pad(picked, (0, rows - count), mode="edge")
        blobs = {name: blob[picked] for name, blob in samples.blobs.items()}
        random = () if key is None else (key, picked)
        found = run(weights, frozen, blobs, samples.target[picked], np.arange(rows) < count, hyper, *random)
        means.add(jax.device_get(found), count)
    return means.result()
