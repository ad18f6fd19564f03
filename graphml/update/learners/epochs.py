"""A training run as a sequence of moments: each holds all that decides how the run goes on, and `EpochRunner.advance`
gives the next. Nothing here knows of threads, handlers or files of checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from graphml.errors import UpdateError
from graphml.models.configuration import Device
from graphml.models.network import NeuralNetwork
from graphml.recipes import Recipe
from graphml.update import ending
from graphml.update.data import validation
from graphml.update.data.samples import TrainingData, check_targets, checked_samples, stacked
from graphml.update.data.storage import Limits, Store, Stored
from graphml.update.data.streaming import in_pieces, read_ahead
from graphml.update.progress.events import MetricKey
from graphml.update.progress.history import Record, batch_records, monitored
from graphml.update.step import failures, training
from graphml.update.step.programs import Programs

_PIECE = 64  # samples that the trunk sees at once
_NO_LOSSES = np.zeros(0, np.float32)


class Plan(NamedTuple):
    """What is settled when an epoch begins."""

    batch_size: int
    shuffle: bool
    seed: int


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Where a run stands, between two mini-batches.

    train: the weights that change. state: of the optimizer. plan: None between epochs. losses: of the mini-batches of
    this epoch that are done. metrics: what was measured last. best: the weights, and what is monitored, of the best
    epoch so far. history: of the epochs that are over.
    """

    train: Any
    state: Any
    recipe: Recipe
    epoch: int = 0
    plan: Plan | None = None
    losses: np.ndarray = field(default_factory=lambda: _NO_LOSSES)
    metrics: Mapping[MetricKey, Any] = field(default_factory=dict)
    best: tuple[Any, float] | None = None
    history: tuple[Record, ...] = ()

    def with_next_epoch(self) -> TrainingState:
        return replace(self, epoch=self.epoch + 1, plan=None, losses=_NO_LOSSES)


def store_samples(
    model: NeuralNetwork,
    data: TrainingData,
    programs: Programs,
    recipe: Recipe,
    store: Store,
    *,
    device: Device | None,
    check: Callable[[], None],
) -> Stored:
    """Read, check and store all samples as the tail takes them; the trunk runs once for each. A thread reads ahead.

    check: called between pieces and while the data keep one waiting. Raises FeatureError or UpdateError that names the
    sample.
    """
    parts = programs.parts
    used = {node.key for node in parts.trunk.graph.body.walk()} - parts.trunk.known
    params = jax.device_put({key: value for key, value in model.parameters.items() if key in used}, device)
    train, frozen = parts.split(model.parameters)
    pieces = in_pieces(checked_samples(model, recipe.losses, data), _PIECE)
    shapes: list[tuple[int, ...]] | None = None
    done = rows = 0
    try:
        for piece in read_ahead(pieces, 2, check):
            samples = stacked(piece)
            count = samples.count
            rows = rows if done else count
            missing = rows - count  # the last piece is filled up, so that it runs in the same program
            inputs = {n: np.concatenate([v, np.repeat(v[-1:], missing, 0)]) for n, v in samples.inputs.items()}
            with failures.typed(lambda inputs=inputs: failures.faulty_in_trunk(parts, params, inputs)):
                blobs = {n: np.asarray(blob)[:count] for n, blob in programs.trunk(params, inputs).items()}
            if shapes is None:
                with failures.typed():
                    shapes = training.blob_shapes(parts, train, frozen, training.Data(blobs, samples.target))
            check_targets(samples, recipe.losses, shapes, done)
            store.append(blobs, samples.target)
            done += count
        if not done:
            raise UpdateError("there are no training data")
        return store.finish()
    finally:
        store.close()


class _Window(NamedTuple):
    """A piece of an epoch as the compiled loop takes it. first: the mini-batches before it; stop: those up to its end;
    count: samples of the epoch, None where data hold them all."""

    data: training.Data
    order: jax.Array
    first: int
    stop: int
    count: int | None


class EpochRunner:
    """Samples and programs of one run.

    Samples that fit in memory are on the device as a whole. Of larger ones there are windows, copied from their files
    in the order of the epoch, the next one by a thread while one computes.
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
        self._chosen, self._held = validation.kept_apart(samples.count, validation_fraction)
        self._programs, self._device, self._samples, self._limits = programs, device, samples, limits
        self._frozen = jax.device_put(frozen, device)
        self._data = None
        if samples.in_memory:
            self._data = jax.device_put(training.Data(samples.blobs, samples.target), device)
            self._samples = Stored(self._data.blobs, self._data.target, True)  # let go of those in memory
        self._reader = ThreadPoolExecutor(1, "graphml reads ahead")
        self._of: tuple[int, Plan] | None = None
        self._windows: Iterator[_Window] = iter(())
        self._window: _Window | None = None
        self._key: Any = None

    @property
    def sample_count(self) -> int:
        """How many samples there are, those kept for validation included."""
        return self._samples.count

    @property
    def count(self) -> int:
        """How many samples are trained on."""
        return len(self._chosen)

    def close(self) -> None:
        self._reader.shutdown(wait=False, cancel_futures=True)

    def mini_batches(self, moment: TrainingState) -> int:
        """How many there are in the moment's epoch."""
        return -(-self.count // (moment.recipe.batch_size if moment.plan is None else moment.plan.batch_size))

    def advance(self, moment: TrainingState, most: int) -> TrainingState:
        """The moment after up to `most` more mini-batches of the epoch. Raises UpdateError for a loss that is not
        finite."""
        recipe = moment.recipe
        plan = Plan(recipe.batch_size, recipe.shuffle, recipe.seed) if moment.plan is None else moment.plan
        done = len(moment.losses)
        window = self._window_at(moment.epoch, plan, done)
        stop = min(done + most, window.stop)
        with failures.typed(lambda: self._faulty_layer(moment.train, window.data.blobs)):
            train, state, losses = self._programs.slice(
                moment.train,
                self._frozen,
                moment.state,
                window.data,
                window.order,
                done - window.first,
                stop - window.first,
                training.hyper_values(recipe, moment.epoch),
                self._key,
                window.first,
                window.count,
            )
            new = np.asarray(losses)[done - window.first : stop - window.first]
        refuse_unless_finite(new, moment.epoch, done, recipe.hyper)
        metrics = {
            MetricKey.LOSS_VALUE: float(new[-1]),
            MetricKey.EPOCH_INDEX: moment.epoch,
            MetricKey.MINI_BATCH_INDEX: stop - 1,
        }
        losses = np.append(moment.losses, new)
        return replace(moment, train=train, state=state, plan=plan, losses=losses, metrics=metrics)

    def at_epoch_end(self, moment: TrainingState) -> TrainingState:
        """The moment with what its epoch has measured, and with its weights as the best if they are."""
        assert moment.plan is not None
        loss = training.epoch_loss(moment.losses, self.count, moment.plan.batch_size)
        record = self._judged(moment, loss)
        score = monitored(moment.recipe.early_stopping, record)
        best = (moment.train, score) if moment.best is None or score < moment.best[1] else moment.best
        metrics = {**moment.metrics, MetricKey.LOSS_VALUE: loss, MetricKey.METRICS: dict(record.metrics)}
        if record.validation_loss is not None:
            metrics[MetricKey.VALIDATION_LOSS] = record.validation_loss
        history = (*moment.history, *batch_records(moment.epoch, moment.losses), record)
        return replace(moment, metrics=metrics, best=best, history=history)

    def _judged(self, moment: TrainingState, loss: float) -> Record:
        """The record of an epoch: its metrics are those of the samples that are kept apart, or of all."""
        held = len(self._held) > 0
        if not held and not moment.recipe.metrics:
            return Record(moment.epoch, None, loss)
        samples = self._samples if self._data is None else self._data
        numbers = self._held if held else self._chosen
        hyper = training.hyper_values(moment.recipe, moment.epoch)
        with failures.typed(lambda: self._faulty_layer(moment.train, samples.blobs)):
            key = training.judging_key(self._programs.parts, moment.recipe.seed, moment.epoch)
            run, frozen = self._programs.evaluation, self._frozen
            found = validation.judged(run, moment.train, frozen, samples, numbers, hyper, key)
        judged = found.pop("loss")
        return Record(moment.epoch, None, loss, found, judged if held else None)

    def _faulty_layer(self, train: Any, blobs: Mapping[str, Any]) -> str | None:
        return failures.faulty_in_tail(self._programs.parts, train, self._frozen, blobs)

    def _window_at(self, epoch: int, plan: Plan, done: int) -> _Window:
        if (epoch, plan) != self._of:
            self._of = epoch, plan
            self._key = training.epoch_key(self._programs.parts, plan.seed, epoch)
            self._windows, self._window = self._make_windows(epoch, plan, done), None
        while self._window is None or done >= self._window.stop:
            self._window = next(self._windows)
        return self._window

    def _make_windows(self, epoch: int, plan: Plan, done: int) -> Iterator[_Window]:
        order = training.epoch_order(self.count, plan.batch_size, seed=plan.seed, epoch=epoch, shuffle=plan.shuffle)
        order = self._chosen[order]
        if self._data is not None:
            count = self.count if len(self._held) else None
            yield _Window(self._data, jax.device_put(order, self._device), 0, len(order), count)
            return
        # two windows are alive at once, in memory and on the device
        rows = order.shape[1]
        length = max(1, min(len(order), self._limits.memory_bytes // (4 * rows * self._samples.sample_bytes)))
        local = jax.device_put(np.arange(length * rows, dtype=np.int32).reshape(length, rows), self._device)

        def copied(first: int) -> _Window:
            picked = order[first : first + length]
            short = length - len(picked)  # the last window is filled up, so that it runs in the same program
            picked = np.pad(picked, ((0, short), (0, 0)), mode="edge").reshape(-1)
            data = training.Data({n: a[picked] for n, a in self._samples.blobs.items()}, self._samples.target[picked])
            return _Window(jax.device_put(data, self._device), local, first, first + length - short, self.count)

        ahead: Future[_Window] | None = None
        for first in range(done - done % length, len(order), length):
            window = copied(first) if ahead is None else ahead.result()
            with ending.no_thread_is_typed():
                ahead = self._reader.submit(copied, first + length) if first + length < len(order) else None
            yield window


def refuse_unless_finite(losses: np.ndarray, epoch: int, first: int, hyper: Mapping[str, float]) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if bad.size:
        numbers = ", ".join(f"{name}={value:g}" for name, value in hyper.items())
        raise UpdateError(
            f"the loss is {losses[bad[0]]} in mini-batch {first + bad[0]} of epoch {epoch} ({numbers}); the inputs "
            "may hold such values, or the learning rate may be too large. The model that was given is unchanged"
        )
