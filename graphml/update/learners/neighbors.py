"""Updating nearest neighbors: all samples are read and checked, then added at once.

There are no epochs and no loss. Handlers see one epoch of one mini-batch, which holds all samples; before its end the
model is the original one. A checkpoint holds the samples once all of them are read.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphml.errors import GraphmlError, UpdateError
from graphml.models import Model
from graphml.models.interface.values import checker
from graphml.models.tabular.neighbors import NearestNeighbors
from graphml.recipes.parameters import ParameterDescription, ParameterKey, checked
from graphml.update.data.samples import TrainingData, checked_features, numbered
from graphml.update.data.streaming import in_pieces, read_ahead
from graphml.update.learners.descriptions import parameter_descriptions
from graphml.update.learners.learner import LearnerOptions, TaskHooks, refuse_unless_legal
from graphml.update.progress.checkpoints import Checkpoint, CheckpointDirectory, Checkpoints
from graphml.update.progress.events import MetricKey, UpdateEvent
from graphml.update.progress.history import Record

_PIECE = 64  # samples that are read between two checks for cancellation
_KEY = ParameterKey.NUMBER_OF_NEIGHBORS


def begin(model: Model, options: LearnerOptions) -> NeighborsLearner:
    """The update of a nearest-neighbors classifier.

    Raises:
        UpdateError: a recipe is given, or the model is not marked as updatable.
        SpecError: the model cannot be used for predictions either.
    """
    assert isinstance(model, NearestNeighbors)
    if options.recipe is not None:
        raise UpdateError("nearest neighbors store the samples that they are given: they take no recipe")
    if options.request.strict:
        refuse_unless_legal(model)
    model.refuse_unless_usable()
    return NeighborsLearner(model, options)


@dataclass(frozen=True, eq=False)
class AddedSamples:
    """What an update adds to the model.

    Attributes:
        rows: the samples, [samples, dimensions].
        labels: the label of each.
        number_of_neighbors: the new default of the model.
    """

    rows: np.ndarray
    labels: tuple[Any, ...]
    number_of_neighbors: int


@dataclass(frozen=True, eq=False)
class NeighborsState:
    """The state of an update.

    Attributes:
        read: what the model will get; empty until all data are read.
        began: whether handlers were notified that training begins.
        added: whether the model has the samples.
    """

    read: AddedSamples
    began: bool = False
    added: bool = False

    def with_parameters(self, values: Mapping[ParameterKey, Any]) -> NeighborsState:
        """The state with other values of parameters."""
        if not values:
            return self
        return replace(self, read=replace(self.read, number_of_neighbors=values[_KEY]))


class NeighborsLearner:
    """Adds samples to a nearest-neighbors classifier; see `Learner`.

    An update that is interrupted before all data are read has changed nothing.
    """

    def __init__(self, model: NearestNeighbors, options: LearnerOptions) -> None:
        self.descriptions: Mapping[ParameterKey, ParameterDescription] = parameter_descriptions(model.without_samples)
        self._model = model
        whole = model if options.pipeline is None else options.pipeline
        self.checkpoints = Checkpoints(options.checkpoint_seconds, whole, options.request, self._checkpoint)
        self._pending: dict[ParameterKey, Any] = {}
        self._lock = threading.Lock()
        nothing = np.zeros((0, model.dimensions), np.float32)
        state = NeighborsState(AddedSamples(nothing, (), model.number_of_neighbors))
        self.set_parameters(options.configuration.parameters)
        # resumable: the latest state that all handlers have seen
        self._state = self._resumable = state.with_parameters(self._pending)

    @property
    def sample_count(self) -> int | None:
        """The number of new samples; None before all are read."""
        return len(self._state.read.rows) or None

    @property
    def parameters(self) -> dict[ParameterKey, Any]:
        """The current number of neighbors."""
        return {_KEY: self._state.read.number_of_neighbors}

    @property
    def metrics(self) -> Mapping[MetricKey, Any]:
        """The indices of the only epoch and mini-batch, once the samples are added."""
        return {MetricKey.EPOCH_INDEX: 0, MetricKey.MINI_BATCH_INDEX: 0} if self._state.added else {}

    @property
    def records(self) -> tuple[Record, ...]:
        """Empty, since there is no loss to record."""
        return ()

    @property
    def weights(self) -> AddedSamples:
        """The samples that have been added so far."""
        state = self._state
        return state.read if state.added else replace(state.read, rows=state.read.rows[:0], labels=())

    @property
    def best_weights(self) -> AddedSamples:
        """The same as `weights`: more samples are never worse."""
        return self.weights

    def with_weights(self, weights: AddedSamples) -> Model:
        """The model with new samples."""
        return self._model.with_samples(weights.rows, weights.labels, weights.number_of_neighbors)

    def set_parameters(self, values: Mapping[Any, Any] | None) -> None:
        """Check a new number of neighbors; the task applies it at its next step."""
        legal = checked(values, self.descriptions)
        refused = [str(key) for key in legal if key != _KEY]
        if refused:
            raise UpdateError(f"this model has no parameter {', '.join(refused)}; it has {_KEY}")
        with self._lock:
            self._pending |= legal

    # Checkpoints -----------------------------------------------------------------------------------------------------

    def restore(self, directory: CheckpointDirectory, *, has_data: bool) -> bool:
        """Continue the update of a checkpoint directory; returns whether it was already finished."""
        self.checkpoints.directory = directory
        found = directory.last(self._state_of)
        if found is not None:
            self._state, finished = found
            self._resumable = self._state
            if finished:
                return True
        if not has_data and not self._state.read.labels:
            raise UpdateError(
                "the task was interrupted before it had read all of its training data: pass the data again"
            )
        return False

    def _checkpoint(self) -> Checkpoint:
        state, read = self._resumable, self._resumable.read
        classes = {label: number for number, label in enumerate(dict.fromkeys(read.labels))}
        labels = np.array([classes[label] for label in read.labels], np.int32)
        facts = {
            "number_of_neighbors": read.number_of_neighbors,
            "classes": list(classes),
            "began": state.began,
            "added": state.added,
        }
        return Checkpoint({"weights": [read.rows, labels] if read.labels else []}, facts)

    def _state_of(self, checkpoint: Checkpoint) -> NeighborsState:
        facts, read = checkpoint.facts, self._state.read
        if checkpoint.arrays["weights"]:
            rows, numbers = checkpoint.arrays["weights"]
            labels = tuple(facts["classes"][number] for number in numbers.tolist())
            read = replace(read, rows=rows.reshape(len(labels), self._model.dimensions), labels=labels)
        read = replace(read, number_of_neighbors=facts["number_of_neighbors"])
        return NeighborsState(read, facts["began"], facts["added"])

    # Learning --------------------------------------------------------------------------------------------------------

    def learn(self, data: TrainingData, hooks: TaskHooks) -> None:
        """Read the samples unless a checkpoint has them, then add them."""
        if not self._state.read.labels:
            self.checkpoints.begin()
            self._read(data, hooks)
        try:
            hooks.stop_if_cancelled("before training began")
            # once this is saved, the data are not needed again
            self._reach_resumable_state(save=not self._state.began)
            if not self._state.began:
                hooks.notify(UpdateEvent.TRAINING_BEGIN)
                self._state = replace(self._state, began=True)
                self._reach_resumable_state()
            hooks.stop_if_cancelled("before the samples were added")
            if not self._state.added:
                self._state = replace(self._state, added=True)
                for event in (UpdateEvent.MINI_BATCH_END, UpdateEvent.EPOCH_END):
                    if hooks.wants(event):
                        hooks.notify(event)
                self._reach_resumable_state()
            hooks.stop_if_cancelled("after the samples were added")
        except BaseException:
            self.checkpoints.save()
            raise
        self.checkpoints.save(finished=True)

    def _read(self, data: TrainingData, hooks: TaskHooks) -> None:
        rows: list[np.ndarray] = []
        labels: list[Any] = []
        stop_if_cancelled = lambda: hooks.stop_if_cancelled("before training began")  # noqa: E731
        for piece in read_ahead(in_pieces(self._checked(data), _PIECE), 2, stop_if_cancelled):
            rows += [row for row, _ in piece]
            labels += [label for _, label in piece]
        if not rows:
            raise UpdateError("there are no training data")
        self._state = replace(self._state, read=replace(self._state.read, rows=np.stack(rows), labels=tuple(labels)))

    def _reach_resumable_state(self, *, save: bool = False) -> None:
        """Apply new parameters; the update can be interrupted here and resumed later."""
        with self._lock:
            values, self._pending = self._pending, {}
        self._state = self._resumable = self._state.with_parameters(values)
        if save or self.checkpoints.is_due:
            self.checkpoints.save()

    def _checked(self, data: TrainingData) -> Iterator[tuple[np.ndarray, Any]]:
        """(row, label) of each sample. Raises FeatureError that names the sample."""
        inputs = {feature.name for feature in self._model.description.inputs}
        name = self._model.label_name
        features = (*self._model.description.training_inputs, *self._model.description.outputs)
        target = next((feature for feature in features if feature.name == name), None)
        if target is None:
            raise UpdateError(f"the model does not declare the type of its labels: there is no feature {name!r}")
        label_of = checker(target)
        known = (*inputs, name)
        for index, sample in numbered(data):
            try:
                given = checked_features(sample, known, known, [target])
                found = self._model.row({n: v for n, v in given.items() if n in inputs}), label_of(given[name])
            except GraphmlError as error:
                raise error.in_context(f"sample {index} of the training data") from None
            yield found
