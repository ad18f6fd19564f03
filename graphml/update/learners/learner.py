"""What a task needs from an update, for any kind of model.

Networks are trained by gradient descent, nearest-neighbors classifiers store samples, and a pipeline updates its last
stage; `kinds.learner_for` picks the implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from graphml import recipes
from graphml.errors import UpdateError
from graphml.models import Model, ModelConfiguration
from graphml.models.graph_model import GraphModel
from graphml.recipes.parameters import ParameterDescription, ParameterKey
from graphml.update.data.samples import TrainingData
from graphml.update.data.storage import Limits
from graphml.update.edit.updatable import with_recipe, without_recipe
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


class Trainee(NamedTuple):
    """A model that is about to be trained.

    Attributes:
        model: with its recipe.
        base: the model that gets the trained weights. An ML Program keeps no recipe: only its weights change.
    """

    model: GraphModel
    base: GraphModel


def trainee(model: Model, recipe: recipes.Recipe | None, *, strict: bool) -> Trainee:
    """Prepare a model for training.

    Args:
        model: a neural network or an ML Program.
        recipe: replaces that of the file; None keeps it. An ML Program without one gets the default recipe.
        strict: whether Core ML has to accept the model and the recipe.

    Raises:
        UpdateError: the model cannot be trained, the recipe does not fit it, or Core ML would not train it.
    """
    recipes.refuse_unless_trainable(model.spec)
    assert isinstance(model, GraphModel)
    program = recipes.is_program(model.spec)
    if program and strict:
        refuse_unless_legal(model)
    if program and recipe is None and recipes.read_recipe(model.spec) is None:
        recipe = recipes.Recipe()
    ready = model if recipe is None else with_recipe(model, recipe)
    if strict:
        refuse_unless_legal(ready, recipe)
    return Trainee(ready, without_recipe(model) if program else ready)


def refuse_unless_legal(model: Model, recipe: recipes.Recipe | None = None) -> None:
    """Raise UpdateError that lists every reason why Core ML would not update a model."""
    problems = recipes.core_ml_problems(model.spec, recipe)
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        lifted = "strict=False, or --free on the command line, lifts its rules"
        raise UpdateError(f"Core ML would not update this model ({lifted}):\n{lines}")
