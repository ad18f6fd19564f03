"""What a task needs of an update, whatever the kind of the model.

Networks descend gradients, nearest-neighbors classifiers store samples, and a pipeline updates its last stage;
`kinds.learner_for` picks the implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from graphml import recipes
from graphml.errors import UpdateError
from graphml.models import Model, ModelConfiguration
from graphml.recipes.parameters import ParameterDescription, ParameterKey
from graphml.update.data.samples import TrainingData
from graphml.update.data.storage import Limits
from graphml.update.progress.checkpoints import CheckpointDirectory, Checkpoints, Request
from graphml.update.progress.events import MetricKey, UpdateEvent
from graphml.update.progress.history import Record


class TaskHooks(NamedTuple):
    """The functions of a task that a learner calls.

    Attributes:
        notify: calls the handlers of an event.
        wants: whether an event has handlers.
        stop_if_cancelled: raises if the task was cancelled; the text says when that was.
    """

    notify: Callable[[UpdateEvent], None]
    wants: Callable[[UpdateEvent], bool]
    stop_if_cancelled: Callable[[str], None]


class Learner(Protocol):
    """An update of one model, driven by a task."""

    @property
    def checkpoints(self) -> Checkpoints:
        """Writes the checkpoints of this update."""
        ...

    @property
    def descriptions(self) -> Mapping[ParameterKey, ParameterDescription]:
        """The default and the allowed values of every parameter."""
        ...

    @property
    def parameters(self) -> dict[ParameterKey, Any]:
        """The current value of every parameter."""
        ...

    @property
    def sample_count(self) -> int | None:
        """The number of samples; None before all are read."""
        ...

    @property
    def metrics(self) -> Mapping[MetricKey, Any]:
        """The latest metrics; empty before the first mini-batch is done."""
        ...

    @property
    def records(self) -> tuple[Record, ...]:
        """A record of each mini-batch and each epoch so far."""
        ...

    @property
    def weights(self) -> Any:
        """What has been learned so far, for `with_weights`."""
        ...

    @property
    def best_weights(self) -> Any:
        """What had been learned by the end of the best epoch, for `with_weights`."""
        ...

    def with_weights(self, weights: Any) -> Model:
        """The updated model with `weights`."""
        ...

    def set_parameters(self, values: Mapping[Any, Any] | None) -> None:
        """Check new values of parameters; `learn` applies them. Raises UpdateError for a value that is not allowed."""
        ...

    def restore(self, directory: CheckpointDirectory, *, has_data: bool) -> bool:
        """Continue the update of a checkpoint directory.

        Args:
            directory: the directory; later checkpoints go there too.
            has_data: whether the training data are given again.

        Returns:
            Whether that update was already finished.

        Raises:
            UpdateError: no checkpoint can be read, or the training data are needed again.
        """
        ...

    def learn(self, data: TrainingData, hooks: TaskHooks) -> None:
        """Run the update from its current state to the end."""
        ...


@dataclass(frozen=True)
class LearnerOptions:
    """How to update a model.

    Attributes:
        configuration: the device, and values of parameters.
        recipe: replaces that of the file; None keeps it.
        request: the options that a checkpoint records.
        limits: the memory and disk space for samples.
        checkpoint_seconds: the time between checkpoints, in seconds.
        pipeline: the pipeline whose last stage is updated, which checkpoints hold as a whole; None for other models.
    """

    configuration: ModelConfiguration
    recipe: recipes.Recipe | None
    request: Request
    limits: Limits
    checkpoint_seconds: float
    pipeline: Model | None = None


def refuse_unless_legal(model: Model, recipe: recipes.Recipe | None = None) -> None:
    """Raise UpdateError that lists every reason why Core ML would not update a model."""
    problems = recipes.core_ml_problems(model.spec, recipe)
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise UpdateError(f"Core ML would not update this model (strict=False lifts its rules):\n{lines}")
