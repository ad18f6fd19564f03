"""Updating networks: read the samples, train epoch by epoch, keep checkpoints.

The network is cut in two (`graphml.update.step.trunk`): the frozen trunk runs once for each sample while the data are
read, and the epochs run only the tail above it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax

from graphml.errors import UpdateError
from graphml.models import Model
from graphml.models.configuration import pick_device
from graphml.models.graph_model import GraphModel
from graphml.recipes import parameter_descriptions, recipe_of
from graphml.recipes.parameters import ParameterDescription, ParameterKey, checked, refuse_unless_allowed
from graphml.update.data import storage
from graphml.update.data.samples import TrainingData
from graphml.update.learners.epochs import EpochPlan
from graphml.update.learners.learner import LearnerOptions, TaskHooks, Trainee, trainee
from graphml.update.learners.network_checkpoint import checkpoint_of, state_of
from graphml.update.learners.runner import EpochRunner, TrainingState, store_samples
from graphml.update.progress.checkpoints import CheckpointDirectory, Checkpoints
from graphml.update.progress.events import MetricKey, UpdateEvent
from graphml.update.progress.history import Record
from graphml.update.step import training
from graphml.update.step.programs import programs_for
from graphml.update.weights import NAMES as WEIGHTS
from graphml.update.weights import checked_weight, with_weight

_CALL_SECONDS = 1.0  # how long one compiled call may take: cancelling waits for it


def begin(model: Model, options: LearnerOptions) -> NetworkLearner:
    """The training of a network. Raises UpdateError when it cannot be trained with these options."""
    return NetworkLearner(trainee(model, options.recipe, strict=options.request.strict), options)


class NetworkLearner:
    """Trains a network by its recipe; see `Learner`."""

    def __init__(self, trainee: Trainee, options: LearnerOptions) -> None:
        model = trainee.model
        recipe = recipe_of(model.spec, options.configuration.parameters, options.recipe)
        self.descriptions: Mapping[ParameterKey, ParameterDescription] = parameter_descriptions(
            model.spec, options.recipe
        )
        self.sample_count: int | None = None
        self._model, self._base = trainee
        self._device = pick_device(options.configuration)
        self._limits = options.limits
        self._programs = programs_for(model, recipe, self._device, options.request.precision)
        given, self._frozen = self._programs.parts.split(model.parameters)
        self._given = given
        self._state = TrainingState(given, training.initial_state(self._programs.parts, recipe, given), recipe)
        self._resumable = self._state  # the latest state that all handlers have seen
        whole = model if options.pipeline is None else options.pipeline
        make = lambda: checkpoint_of(self._resumable)  # noqa: E731
        self.checkpoints = Checkpoints(options.checkpoint_seconds, whole, options.request, make)
        self._began = False
        self._stored: storage.Stored | None = None
        self._pending: dict[ParameterKey, Any] = {}
        self._lock = threading.Lock()
        self.set_parameters(options.configuration.parameters)

    @property
    def parameters(self) -> dict[ParameterKey, Any]:
        """The current value of every parameter."""
        return self._state.recipe.values

    @property
    def metrics(self) -> Mapping[MetricKey, Any]:
        """The latest metrics."""
        return self._state.metrics

    @property
    def records(self) -> tuple[Record, ...]:
        """A record of each mini-batch and each epoch so far."""
        return self._state.log.records

    @property
    def weights(self) -> Any:
        """The trained weights."""
        return self._state.weights

    @property
    def best_weights(self) -> Any:
        """The trained weights after the best epoch; the original ones before the first epoch is done."""
        state = self._state
        return self._given if state.log.best is None else state.best_weights

    def with_weights(self, weights: Any) -> GraphModel:
        """The model with trained weights, in the form in which the recipe stores them."""
        stored = self._programs.parts.stored(jax.device_get(weights), self._model.parameters)
        return self._base.with_parameters(stored)

    def set_parameters(self, values: Mapping[Any, Any] | None) -> None:
        """Check values of parameters; the training thread applies them between mini-batches."""
        legal = checked(values, self.descriptions)
        for key, value in legal.items():
            if key.name in WEIGHTS:
                legal[key] = checked_weight(self._state.weights, key, value)
        with self._lock:
            self._pending |= legal

    def restore(self, directory: CheckpointDirectory, *, has_data: bool) -> bool:
        """Continue the training of a checkpoint directory; returns whether it was already finished."""
        self.checkpoints.directory = directory
        found = directory.last(lambda checkpoint: state_of(checkpoint, self._state))
        if found is not None:
            self._state, finished = found
            self._resumable, self._began = self._state, True
            if finished:
                return True
        self._stored = storage.reopen(directory.samples, self._limits)
        if not has_data and self._stored is None:
            raise UpdateError(
                "the task was interrupted before it had read all of its training data: pass the data again"
            )
        return False

    def learn(self, data: TrainingData, hooks: TaskHooks) -> None:
        """Train from the current state to the end."""
        with self._lock:
            requested = {**self.parameters, **self._pending}
        refuse_unless_allowed(requested, self.descriptions)
        samples = self._samples(data, lambda: hooks.stop_if_cancelled("before training began"))
        fraction = self._state.recipe.validation_fraction
        runner = EpochRunner(self._programs, self._frozen, samples, self._limits, self._device, fraction)
        self.sample_count = runner.sample_count
        try:
            hooks.stop_if_cancelled("before training began")
            self._apply_pending()
            if not self._began:
                self._began = True
                hooks.notify(UpdateEvent.TRAINING_BEGIN)
                self._reach_resumable_state(save=True)  # from now on neither data nor parameters are needed again
            hooks.stop_if_cancelled("before the first mini-batch")
            self._train_epochs(runner, hooks)
        except BaseException:
            self.checkpoints.save()
            raise
        finally:
            runner.close()
        self.checkpoints.save(finished=True)
        if self.checkpoints.directory is not None and self.checkpoints.failure is None:
            storage.remove(self.checkpoints.directory.samples)

    def _samples(self, data: TrainingData, check: Callable[[], None]) -> storage.Stored:
        """The samples in the checkpoint directory if they are complete, otherwise those of `data`."""
        if self._stored is not None:
            kept, self._stored = self._stored, None
            return kept
        self.checkpoints.begin()
        folder = None if self.checkpoints.directory is None else self.checkpoints.directory.samples
        store = storage.Store(self._limits, folder)
        recipe = self._state.recipe
        return store_samples(self._model, data, self._programs, recipe, store, check=check)

    def _train_epochs(self, runner: EpochRunner, hooks: TaskHooks) -> None:
        length = 1  # the number of mini-batches of the next compiled call
        plan: EpochPlan | None = None
        while not self._state.log.is_over(self._state.recipe):
            before, began = len(self._state.log.losses), time.monotonic()
            self._state = runner.advance(self._state, length)
            seconds, done = time.monotonic() - began, len(self._state.log.losses) - before
            # after a change of the batch size the call may have compiled, so its time says little
            length = 1 if plan != self._state.plan else length
            plan, batches = self._state.plan, runner.batches(self._state)
            length = max(1, min(4 * length, int(done * _CALL_SECONDS / max(seconds, 1e-4)), batches))
            if hooks.wants(UpdateEvent.MINI_BATCH_END):
                length = 1
                hooks.notify(UpdateEvent.MINI_BATCH_END)
            where = f"in epoch {self._state.log.epoch}"
            if len(self._state.log.losses) == batches:
                self._state = runner.finish_epoch(self._state)
                hooks.notify(UpdateEvent.EPOCH_END)
                self._state = self._state.with_next_epoch()
            else:
                where += f", before mini-batch {len(self._state.log.losses)}"
            self._reach_resumable_state()
            hooks.stop_if_cancelled(where)
        stopping = self._state.recipe.early_stopping
        if stopping is not None and stopping.restore_best:
            self._state = replace(self._state, weights=self.best_weights)
            self._resumable = self._state

    def _reach_resumable_state(self, *, save: bool = False) -> None:
        """Apply new parameters; training can be interrupted here and resumed later."""
        self._apply_pending()
        self._resumable = self._state
        if save or self.checkpoints.is_due:
            self.checkpoints.save()

    def _apply_pending(self) -> None:
        with self._lock:
            values, self._pending = self._pending, {}
        weights = self._state.weights
        for key, value in values.items():
            if key.name in WEIGHTS:
                weights = with_weight(weights, *value)
        if values:
            self._state = replace(self._state, weights=weights, recipe=self._state.recipe.with_values(values))
