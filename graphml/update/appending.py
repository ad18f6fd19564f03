"""Updating nearest neighbours: all samples are read and checked, then appended at once.

There are no epochs and no loss. Handlers hear of one epoch with one mini-batch, which holds all samples; before its end
the model is the one that was given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from graphml.errors import FeatureError, GraphmlError, UpdateError
from graphml.models import Model
from graphml.models.configuration import pick_device
from graphml.models.features import checker
from graphml.models.neighbors import NearestNeighbors
from graphml.update.checkpoints import CheckpointDirectory
from graphml.update.data import TrainingData, numbered
from graphml.update.descriptions import parameter_descriptions
from graphml.update.events import MetricKey, UpdateEvent
from graphml.update.learners import Wish, refuse_unless_legal
from graphml.update.parameters import ParameterKey, checked
from graphml.update.streaming import in_pieces, read_ahead

_PIECE = 64  # samples between two looks at whether the task was cancelled
_KEY = ParameterKey.NUMBER_OF_NEIGHBORS


@dataclass(frozen=True, eq=False)
class Learned:
    """What the model gains: rows [samples, dimensions], a label for each, and k."""

    rows: np.ndarray
    labels: tuple[Any, ...]
    number_of_neighbors: int


@dataclass(frozen=True, eq=False)
class Moment:
    """Where an update stands. There are no losses, so history has no records."""

    train: Learned
    metrics: Mapping[MetricKey, Any] = field(default_factory=dict)
    epoch: int = 0
    losses: tuple[float, ...] = ()
    history: tuple[Any, ...] = ()


def begin(model: Model, wish: Wish) -> Appending:
    """The update of a nearest-neighbours model. Raises UpdateError for a recipe, and for a model that is not marked."""
    assert isinstance(model, NearestNeighbors)
    if wish.recipe is not None:
        raise UpdateError("nearest neighbours keep the samples that they are given: they learn by no recipe")
    if wish.request.strict:
        refuse_unless_legal(model)
    return Appending(model, wish)


class Appending:
    """See `graphml.update.learners.Learner`. There are no checkpoints: what is interrupted has changed nothing."""

    keeps_checkpoints = False
    directory: CheckpointDirectory | None = None

    def __init__(self, model: NearestNeighbors, wish: Wish) -> None:
        self.model: NearestNeighbors = model
        self.whole: Model = model
        self.request = wish.request
        self.device = pick_device(wish.configuration)
        self.descriptions = parameter_descriptions(model.without_samples)
        self.sample_count: int | None = None
        nothing = np.zeros((0, model.dimensions), np.float32)
        self.moment = self.settled = Moment(Learned(nothing, (), model.number_of_neighbors))
        self._pending: dict[ParameterKey, Any] = {}
        self._lock = threading.Lock()
        self.ask_for(wish.configuration.parameters)
        self._settle()

    def go_on_from(self, directory: Any, *, has_data: bool) -> bool:
        raise UpdateError("an update of nearest neighbours has no checkpoints: begin it again")

    @property
    def values(self) -> dict[ParameterKey, Any]:
        return {_KEY: self.moment.train.number_of_neighbors}

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

    def learn(
        self,
        data: TrainingData,
        tell: Callable[[UpdateEvent], None],
        wanted: Callable[[UpdateEvent], bool],
        check: Callable[[str], None],
    ) -> None:
        rows, labels = [], []
        for piece in read_ahead(in_pieces(self._checked(data), _PIECE), 2, lambda: check("before training began")):
            rows += [row for row, _ in piece]
            labels += [label for _, label in piece]
        if not rows:
            raise UpdateError("there are no training data")
        self.sample_count = len(rows)
        self._settle()
        tell(UpdateEvent.TRAINING_BEGIN)
        self._settle()
        check("before the samples were added")
        train = replace(self.moment.train, rows=np.stack(rows), labels=tuple(labels))
        metrics = {MetricKey.EPOCH_INDEX: 0, MetricKey.MINI_BATCH_INDEX: 0}
        self.moment = replace(self.moment, train=train, metrics=metrics)
        for event in (UpdateEvent.MINI_BATCH_END, UpdateEvent.EPOCH_END):
            if wanted(event):
                tell(event)
            self._settle()
            check("after the samples were added")

    def _settle(self) -> None:
        with self._lock:
            values, self._pending = self._pending, {}
        if values:
            self.moment = replace(self.moment, train=replace(self.moment.train, number_of_neighbors=values[_KEY]))
        self.settled = self.moment

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
