"""Which learner updates which kind of model."""

from __future__ import annotations

from collections.abc import Callable

from graphml.models import Model
from graphml.update.learners import neighbors, network, pipeline
from graphml.update.learners.learner import Learner, LearnerOptions


def learner_for(model: Model, options: LearnerOptions) -> Learner:
    """The learner of a model. Raises UpdateError when the model cannot be updated with these options."""
    return _LEARNERS.get(model.kind, network.begin)(model, options)


def _begin_pipeline(model: Model, options: LearnerOptions) -> Learner:
    return pipeline.begin(model, options, learner_for)


# kind, a field of the oneof `Type` -> begins an update; all other kinds are networks, or are refused there
_LEARNERS: dict[str, Callable[[Model, LearnerOptions], Learner]] = {
    **dict.fromkeys(("pipeline", "pipelineClassifier", "pipelineRegressor"), _begin_pipeline),
    "kNearestNeighborsClassifier": neighbors.begin,
}
