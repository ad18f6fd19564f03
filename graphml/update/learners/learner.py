"""How models of each kind learn.

A kind has a row in `LEARNERS`: a function that begins an update of a model and gives a `Learner`, which the task
drives.
Networks go down gradients, neighbours keep what they are shown, pipelines let their last stage learn.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from graphml import recipes
from graphml.errors import UpdateError
from graphml.models import Model, ModelConfiguration
from graphml.recipes.parameters import ParameterDescription, ParameterKey
from graphml.update.data.samples import TrainingData
from graphml.update.data.storage import Limits
from graphml.update.progress.checkpoints import CheckpointDirectory, Checkpoints, Request, Step
from graphml.update.progress.events import UpdateEvent

_NETWORK = "graphml.update.learners.network:begin"
_PIPELINE = "graphml.update.learners.pipeline:begin"

LEARNERS: dict[str, str] = {
    **dict.fromkeys(("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor"), _NETWORK),
    **dict.fromkeys(("pipeline", "pipelineClassifier", "pipelineRegressor"), _PIPELINE),
    "kNearestNeighborsClassifier": "graphml.update.learners.neighbors:begin",
}
"""Kind (field of the oneof `Type`) -> module:function that begins an update of such a model."""


class Learner(Protocol):
    """An update of one model.

    moment: where it stands, as handlers see it (`train`, `metrics`, `epoch`, `losses`, `history`). model: the one that
    was given; whole: the one that a checkpoint holds, a pipeline around it.
    """

    moment: Any
    model: Any
    whole: Any
    device: Any
    request: Request
    checkpoints: Checkpoints
    sample_count: int | None
    descriptions: Mapping[ParameterKey, ParameterDescription]

    @property
    def values(self) -> dict[ParameterKey, Any]:
        """The value in force of every parameter."""
        ...

    @property
    def best_weights(self) -> Any:
        """What was learned by the end of the best epoch."""
        ...

    def with_weights(self, train: Any) -> Any:
        """The model with what was learned."""
        ...

    def ask_for(self, values: Mapping[Any, Any] | None) -> None:
        """Check values of parameters and leave them for `learn` to apply."""

    def step(self) -> Step:
        """Where it stands, less what handlers have still to say, for a checkpoint."""
        ...

    def go_on_from(self, directory: CheckpointDirectory, *, has_data: bool) -> bool:
        """Take the place of an update that was interrupted; whether that one was over."""
        ...

    def learn(
        self,
        data: TrainingData,
        tell: Callable[[UpdateEvent], None],
        wanted: Callable[[UpdateEvent], bool],
        check: Callable[[str], None],
    ) -> None:
        """From where it stands to the end. tell: calls handlers; wanted: whether somebody wants an event; check:
        raises if the update was cancelled."""


@dataclass(frozen=True)
class LearnerOptions:
    """How an update is to be made, besides by what and of what."""

    configuration: ModelConfiguration
    recipe: recipes.Recipe | None
    request: Request
    limits: Limits
    checkpoint_seconds: float


def learner_for(model: Model, wish: LearnerOptions) -> Learner:
    """The learner of a model. Raises UpdateError when the model cannot be updated as asked."""
    module, _, name = LEARNERS.get(model.kind, _NETWORK).partition(":")
    return getattr(importlib.import_module(module), name)(model, wish)


def refuse_unless_legal(model: Model, recipe: recipes.Recipe | None = None) -> None:
    """Raise UpdateError with every reason why Core ML would not update a model."""
    problems = recipes.core_ml_problems(model.spec, recipe)
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise UpdateError(f"Core ML would not update this model (strict=False asks for less):\n{lines}")
