"""Updating nearest neighbours: all samples are read and checked, then appended at once.

There are no epochs and no loss. Handlers hear of one epoch with one mini-batch, which holds all samples; before it the
model is the one that was given. A checkpoint holds the samples once all are read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphml.errors import FeatureError, GraphmlError, UpdateError
from graphml.models import Model
from graphml.models.configuration import pick_device
from graphml.models.interface.values import checker
from graphml.models.tabular.neighbors import NearestNeighbors
from graphml.recipes.parameters import ParameterKey, checked
from graphml.update.data.samples import TrainingData, numbered
from graphml.update.data.streaming import in_pieces, read_ahead
from graphml.update.learners.descriptions import parameter_descriptions
from graphml.update.learners.learner import LearnerOptions, refuse_unless_legal
from graphml.update.progress.checkpoints import CheckpointDirectory, Checkpoints, Step
from graphml.update.progress.events import MetricKey, UpdateEvent

_PIECE = 64  # samples between two looks at whether the task was cancelled
_KEY = ParameterKey.NUMBER_OF_NEIGHBORS


@dataclass(frozen=True, eq=False)
class Learned:
    """What the model gains: rows [samples, dimensions], a label for each, and k."""

    rows: np.ndarray
    labels: tuple[Any, ...]
    number_of_neighbors: int


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Where an update stands. read: what the model is going to have learned; it has no rows until all data are read.
    began: whether handlers have heard of the beginning. added: whether the model has the samples. There are no losses,
    so history has no records."""

    read: Learned
    began: bool = False
    added: bool = False
    epoch: int = 0
    losses: tuple[float, ...] = ()
    history: tuple[Any, ...] = ()

    @property
    def train(self) -> Learned:
        return self.read if self.added else replace(self.read, rows=self.read.rows[:0], labels=())

    @property
    def metrics(self) -> Mapping[MetricKey, Any]:
        return {MetricKey.EPOCH_INDEX: 0, MetricKey.MINI_BATCH_INDEX: 0} if self.added else {}


def begin(model: Model, wish: LearnerOptions) -> Appending:
    """The update of a nearest-neighbours model. Raises UpdateError for a recipe and for a model that is not marked,
    SpecError for a model that cannot predict either."""
    assert isinstance(model, NearestNeighbors)
    if wish.recipe is not None:
        raise UpdateError("nearest neighbours keep the samples that they are given: they learn by no recipe")
    if wish.request.strict:
        refuse_unless_legal(model)
    model.refuse_unless_usable()
    return Appending(model, wish)


class Appending:
    """See `Learner`. What is interrupted before all data are read has changed nothing."""

    def __init__(self, model: NearestNeighbors, wish: LearnerOptions) -> None:
        self.model: NearestNeighbors = model
        self.whole: Model = model
        self.request = wish.request
        self.device = pick_device(wish.configuration)
        self.descriptions = parameter_descriptions(model.without_samples)
        self.checkpoints = Checkpoints(wish.checkpoint_seconds, self.step)
        self._pending: dict[ParameterKey, Any] = {}
        self._lock = threading.Lock()
        nothing = np.zeros((0, model.dimensions), np.float32)
        self.moment = self._settled = TrainingState(Learned(nothing, (), model.number_of_neighbors))
        self.ask_for(wish.configuration.parameters)
        self.moment = self._settled = _with_values(self.moment, self._pending)

    @property
    def sample_count(self) -> int | None:
        return len(self.moment.read.rows) or None

    @property
    def values(self) -> dict[ParameterKey, Any]:
        return {_KEY: self.moment.read.number_of_neighbors}

    @property
    def best_weights(self) -> Learned:
        return self.moment.train

    def with_weights(self, train: Learned) -> Model:
        return self.model.with_samples(train.rows, train.labels, train.number_of_neighbors)

    def ask_for(self, values: Mapping[Any, Any] | None) -> None:
        legal = checked(values, self.descriptions)
        refused = [str(key) for key in legal if key != _KEY]
        if refused:
            raise UpdateError(f"this model has no parameter {', '.join(refused)}; it has {_KEY}")
        with self._lock:
            self._pending |= legal

    # Checkpoints -----------------------------------------------------------------------------------------------------

    def step(self) -> Step:
        read = self._settled.read
        classes = {label: number for number, label in enumerate(dict.fromkeys(read.labels))}
        labels = np.array([classes[label] for label in read.labels], np.int32)
        facts = {
            "number_of_neighbors": read.number_of_neighbors,
            "classes": list(classes),
            "began": self._settled.began,
            "added": self._settled.added,
        }
        return Step({"weights": [read.rows, labels] if read.labels else []}, facts)

    def _moment_of(self, step: Step) -> TrainingState:
        facts, read = step.facts, self.moment.read
        if step.arrays["weights"]:
            rows, numbers = step.arrays["weights"]
            labels = tuple(facts["classes"][number] for number in numbers.tolist())
            read = replace(read, rows=rows.reshape(len(labels), self.model.dimensions), labels=labels)
        read = replace(read, number_of_neighbors=facts["number_of_neighbors"])
        return TrainingState(read, facts["began"], facts["added"])

    def go_on_from(self, directory: CheckpointDirectory, *, has_data: bool) -> bool:
        self.checkpoints.directory = directory
        step = directory.last(self._moment_of)
        if step is not None:
            self.moment, finished = step
            self._settled = self.moment
            if finished:
                return True
        if not has_data and not self.moment.read.labels:
            raise UpdateError("the task was interrupted before it had read its training data: give them again")
        return False

    # Learning --------------------------------------------------------------------------------------------------------

    def learn(
        self,
        data: TrainingData,
        tell: Callable[[UpdateEvent], None],
        wanted: Callable[[UpdateEvent], bool],
        check: Callable[[str], None],
    ) -> None:
        if not self.moment.read.labels:
            self.checkpoints.begin(self.whole.spec, self.request)
            self._read(data, check)
        try:
            check("before training began")
            self._settle(save=not self.moment.began)  # from here on the data need not be given again
            if not self.moment.began:
                tell(UpdateEvent.TRAINING_BEGIN)
                self.moment = replace(self.moment, began=True)
                self._settle()
            check("before the samples were added")
            if not self.moment.added:
                self.moment = replace(self.moment, added=True)
                for event in (UpdateEvent.MINI_BATCH_END, UpdateEvent.EPOCH_END):
                    if wanted(event):
                        tell(event)
                self._settle()
            check("after the samples were added")
        except BaseException:
            self.checkpoints.save()
            raise
        self.checkpoints.save(finished=True)

    def _read(self, data: TrainingData, check: Callable[[str], None]) -> None:
        rows, labels = [], []
        for piece in read_ahead(in_pieces(self._checked(data), _PIECE), 2, lambda: check("before training began")):
            rows += [row for row, _ in piece]
            labels += [label for _, label in piece]
        if not rows:
            raise UpdateError("there are no training data")
        self.moment = replace(self.moment, read=replace(self.moment.read, rows=np.stack(rows), labels=tuple(labels)))

    def _settle(self, *, save: bool = False) -> None:
        """Heed what handlers and others have asked for; from here the update can be cut off and go on."""
        with self._lock:
            values, self._pending = self._pending, {}
        self.moment = self._settled = _with_values(self.moment, values)
        if save or self.checkpoints.is_due:
            self.checkpoints.save()

    def _checked(self, data: TrainingData) -> Iterator[tuple[np.ndarray, Any]]:
        """(row, label) of one sample after the other. Raises FeatureError that names the sample."""
        inputs = {feature.name for feature in self.model.description.inputs}
        name = self.model.label_name
        features = (*self.model.description.training_inputs, *self.model.description.outputs)
        target = next((feature for feature in features if feature.name == name), None)
        if target is None:
            raise UpdateError(f"the model does not say of what type its labels are: there is no feature {name!r}")
        label_of = checker(target)
        for index, sample in numbered(data):
            try:
                if not isinstance(sample, Mapping):
                    raise FeatureError(f"a sample is a mapping from features to values, not {type(sample).__name__}")
                unknown = [given for given in sample if given not in inputs and given != name]
                if unknown:
                    legal = ", ".join(map(repr, (*inputs, name)))
                    raise FeatureError(f"there is no training input {unknown[0]!r}; these are {legal}")
                if sample.get(name) is None:
                    raise FeatureError(f"the feature {name!r} is missing; it takes {target.takes}")
                found = self.model.row({n: v for n, v in sample.items() if n in inputs}), label_of(sample[name])
            except GraphmlError as error:
                raise error.in_context(f"sample {index} of the training data") from None
            yield found


def _with_values(moment: TrainingState, values: Mapping[ParameterKey, Any]) -> TrainingState:
    if not values:
        return moment
    return replace(moment, read=replace(moment.read, number_of_neighbors=values[_KEY]))
