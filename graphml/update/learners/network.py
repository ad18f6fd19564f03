"""What the thread of a task does: read the samples, go from moment to moment, keep checkpoints."""

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
from graphml.models.network import NeuralNetwork
from graphml.recipes import Recipe, network_of, parameter_descriptions, recipe_of
from graphml.recipes.parameters import ParameterKey, checked, refuse_unless_allowed
from graphml.update.data import storage
from graphml.update.data.samples import TrainingData
from graphml.update.data.storage import Limits
from graphml.update.edit.updatable import with_recipe
from graphml.update.learners.epochs import EpochRunner, TrainingState, store_samples
from graphml.update.learners.learner import LearnerOptions, refuse_unless_legal
from graphml.update.progress.checkpoints import CheckpointDirectory, Checkpoints, Request, Step
from graphml.update.progress.events import UpdateEvent
from graphml.update.progress.history import is_enough
from graphml.update.progress.steps import moment_of, step_of
from graphml.update.step import training
from graphml.update.step.programs import programs_for
from graphml.update.weights import NAMES as WEIGHTS
from graphml.update.weights import checked_weight, with_weight

_SLICE_SECONDS = 1.0


def begin(model: Model, wish: LearnerOptions) -> Run:
    """The training of a network. Raises UpdateError when it cannot be trained as asked."""
    network_of(model.spec)
    if wish.recipe is not None:
        model = with_recipe(model, wish.recipe)
    assert isinstance(model, NeuralNetwork)
    if wish.request.strict:
        refuse_unless_legal(model, wish.recipe)
    recipe = recipe_of(model.spec, wish.configuration.parameters, wish.recipe)
    device = pick_device(wish.configuration)
    run = Run(model, recipe, device, wish.request, wish.limits, wish.checkpoint_seconds)
    run.ask_for(wish.configuration.parameters)
    return run


class Run:
    """A run of a recipe on a model; see `graphml.update.learners.learner.Learner`.

    moment: where it stands, as handlers see it. settled: the same, less what handlers have still to say about it; a
    checkpoint holds that. `tell`, `wanted` and `check` are the task's: they call handlers, say whether somebody wants
    an event, and raise if the task was cancelled.
    """

    def __init__(
        self, model: NeuralNetwork, recipe: Recipe, device: Any, request: Request, limits: Limits, seconds: float
    ) -> None:
        self.model, self.device = model, device
        self.whole: Model = model
        self.descriptions = parameter_descriptions(model.spec, recipe)
        self.programs = programs_for(model, recipe, device, request.precision)
        self.checkpoints = Checkpoints(seconds, self.step)
        self.sample_count: int | None = None
        self.request = request
        train, self._frozen = self.programs.parts.split(model.parameters)
        self._given = train
        state = training.initial_state(self.programs.parts, recipe, train)
        self.moment = self.settled = TrainingState(train, state, recipe)
        self._began = False
        self._stored: storage.Stored | None = None
        self._limits = limits
        self._pending: dict[ParameterKey, Any] = {}
        self._lock = threading.Lock()

    @property
    def values(self) -> dict[ParameterKey, Any]:
        return self.moment.recipe.values

    @property
    def best_weights(self) -> Any:
        return self._given if self.moment.best is None else self.moment.best[0]

    def with_weights(self, train: Any) -> NeuralNetwork:
        """The model with trained weights, in the form in which the recipe stores them."""
        stored = self.programs.parts.stored(jax.device_get(train), self.model.parameters)
        return self.model.with_parameters(stored)

    def ask_for(self, values: Mapping[Any, Any] | None) -> None:
        """Check values of parameters and leave them for the thread to apply."""
        legal = checked(values, self.descriptions)
        for key, value in legal.items():
            if key.name in WEIGHTS:
                legal[key] = checked_weight(self.moment.train, key, value)
        with self._lock:
            self._pending |= legal

    def go_on_from(self, directory: CheckpointDirectory, *, has_data: bool) -> bool:
        """Take the place of a run that was interrupted; whether that one was over."""
        self.checkpoints.directory = directory
        step = directory.last(lambda step: moment_of(step, self.moment))
        if step is not None:
            self.moment, finished = step
            self.settled, self._began = self.moment, True
            if finished:
                return True
        self._stored = storage.reopen(directory.samples, self._limits)
        if not has_data and self._stored is None:
            raise UpdateError("the task was interrupted before it had read its training data: give them again")
        return False

    def learn(
        self,
        data: TrainingData,
        tell: Callable[[UpdateEvent], None],
        wanted: Callable[[UpdateEvent], bool],
        check: Callable[[str], None],
    ) -> None:
        """From where it stands to the end."""
        with self._lock:
            asked = {**self.values, **self._pending}
        refuse_unless_allowed(asked, self.descriptions)
        course = self._course(data, check)
        self.sample_count = course.sample_count
        try:
            check("before training began")
            self._apply_pending()
            if not self._began:
                self._began = True
                tell(UpdateEvent.TRAINING_BEGIN)
                self._settle(save=True)  # from here on the data need not be given again, nor the parameters
            check("before the first mini-batch")
            self._learn_epochs(course, tell, wanted, check)
        except BaseException:
            self.checkpoints.save()
            raise
        finally:
            course.close()
        self.checkpoints.save(finished=True)
        if self.checkpoints.directory is not None and self.checkpoints.failure is None:
            storage.remove(self.checkpoints.directory.samples)

    def step(self) -> Step:
        return step_of(self.settled)

    def _course(self, data: TrainingData, check: Callable[[str], None]) -> EpochRunner:
        fraction = self.moment.recipe.validation_fraction
        samples = self._samples(data, check)
        return EpochRunner(self.programs, self._frozen, samples, self._limits, self.device, fraction)

    def _samples(self, data: TrainingData, check: Callable[[str], None]) -> storage.Stored:
        """Those of the checkpoint directory if they are complete there, otherwise those that were given."""
        if self._stored is not None:
            kept, self._stored = self._stored, None
            return kept
        self.checkpoints.begin(self.whole.spec, self.request)
        folder = None if self.checkpoints.directory is None else self.checkpoints.directory.samples
        store, recipe = storage.Store(self._limits, folder), self.moment.recipe
        reading = {"device": self.device, "check": lambda: check("before training began")}
        return store_samples(self.model, data, self.programs, recipe, store, **reading)

    def _learn_epochs(self, course: EpochRunner, tell, wanted, check) -> None:
        length, plan = 1, None
        stopping = self.moment.recipe.early_stopping
        while self.moment.epoch < self.moment.recipe.epochs and not is_enough(stopping, self.moment.history):
            before, began = len(self.moment.losses), time.monotonic()
            self.moment = course.advance(self.moment, length)
            taken, done = time.monotonic() - began, len(self.moment.losses) - before
            # a slice of another batch size may compile; the time of one mini-batch says how many make a second
            length = 1 if plan != self.moment.plan else length
            plan, all_of_them = self.moment.plan, course.mini_batches(self.moment)
            length = max(1, min(4 * length, int(done * _SLICE_SECONDS / max(taken, 1e-4)), all_of_them))
            if wanted(UpdateEvent.MINI_BATCH_END):
                length = 1
                tell(UpdateEvent.MINI_BATCH_END)
            where = f"in epoch {self.moment.epoch}"
            if len(self.moment.losses) == all_of_them:
                self.moment = course.at_epoch_end(self.moment)
                tell(UpdateEvent.EPOCH_END)
                self.moment = self.moment.with_next_epoch()
            else:
                where += f", before mini-batch {len(self.moment.losses)}"
            self._settle()
            check(where)
        if stopping is not None and stopping.restore_best:
            self.moment = replace(self.moment, train=self.best_weights)
            self.settled = self.moment

    def _settle(self, *, save: bool = False) -> None:
        """Heed what handlers and others have asked for; from here the run can be cut off and go on."""
        self._apply_pending()
        self.settled = self.moment
        if save or self.checkpoints.is_due:
            self.checkpoints.save()

    def _apply_pending(self) -> None:
        with self._lock:
            values, self._pending = self._pending, {}
        train = self.moment.train
        for key, value in values.items():
            if key.name in WEIGHTS:
                train = with_weight(train, *value)
        if values:
            self.moment = replace(self.moment, train=train, recipe=self.moment.recipe.with_values(values))
