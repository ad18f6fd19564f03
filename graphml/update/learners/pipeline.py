"""Updating pipelines: the last stage learns from what the frozen stages before it compute of each sample, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from graphml.errors import GraphmlError, UpdateError
from graphml.models import Model, ModelConfiguration
from graphml.models.configuration import for_stage
from graphml.models.pipelines.pipeline import Pipeline
from graphml.recipes.parameters import ParameterDescription, ParameterKey, as_key
from graphml.update.data.samples import TrainingData, numbered
from graphml.update.data.streaming import in_pieces
from graphml.update.edit.updatable import with_recipe
from graphml.update.learners.descriptions import parameter_descriptions
from graphml.update.learners.learner import Learner, LearnerOptions, TaskHooks, refuse_unless_legal
from graphml.update.progress.checkpoints import CheckpointDirectory, Checkpoints
from graphml.update.progress.events import MetricKey
from graphml.update.progress.history import Record

_PIECE = 64  # samples per call of the frozen stages


def begin(
    model: Model, options: LearnerOptions, learner_for: Callable[[Model, LearnerOptions], Learner]
) -> PipelineLearner:
    """The update of a pipeline.

    Args:
        model: the pipeline.
        options: how to update it.
        learner_for: gives the learner of the last stage.

    Raises:
        UpdateError: the last stage cannot be updated with these options.
    """
    assert isinstance(model, Pipeline)
    if not model.models:
        raise UpdateError("the pipeline has no stages, so nothing can be updated")
    name, last = next(reversed(model.models.items()))
    if options.recipe is not None:
        model = model.with_stage(name, with_recipe(last, options.recipe))
    if options.request.strict:
        refuse_unless_legal(model)
    whole = model if options.pipeline is None else options.pipeline
    try:
        configuration = _of_stage(options.configuration, model, name)
        # the stage message holds the recipe, unless no file can hold it
        recipe = options.recipe if options.recipe is not None and options.recipe.python_parts else None
        own = replace(options, configuration=configuration, recipe=recipe, pipeline=whole)
        return PipelineLearner(model, name, learner_for(model.last, own))
    except GraphmlError as error:
        raise error.in_context(_label(name)) from None


def _label(stage: str) -> str:
    return f"stage {stage!r}"


def _of_stage(configuration: ModelConfiguration, pipeline: Pipeline, name: str) -> ModelConfiguration:
    """The configuration of a stage, without the parameters that only other stages have."""
    configuration = for_stage(configuration, name)
    known = parameter_descriptions(pipeline)
    others = {key.name for key in known} - {key.name for key in known if key.scope[0] == name}
    values = configuration.parameters or {}
    return replace(configuration, parameters={k: v for k, v in values.items() if as_key(k).name not in others})


class PipelineLearner:
    """Updates the last stage of a pipeline; see `Learner`.

    The parameters of the stage carry its name, and the updated model is the whole pipeline.
    """

    def __init__(self, pipeline: Pipeline, name: str, last: Learner) -> None:
        self._pipeline, self._name, self._last = pipeline, name, last

    @property
    def checkpoints(self) -> Checkpoints:
        """Those of the last stage, which hold the whole pipeline."""
        return self._last.checkpoints

    @property
    def descriptions(self) -> dict[ParameterKey, ParameterDescription]:
        """The default and the allowed values of every parameter, under the name of the stage."""
        known = self._last.descriptions.items()
        return {self._scoped(key): replace(about, key=self._scoped(key)) for key, about in known}

    @property
    def parameters(self) -> dict[ParameterKey, Any]:
        """The current value of every parameter, under the name of the stage."""
        return {self._scoped(key): value for key, value in self._last.parameters.items()}

    @property
    def sample_count(self) -> int | None:
        """The number of samples; None before all are read."""
        return self._last.sample_count

    @property
    def metrics(self) -> Mapping[MetricKey, Any]:
        """The latest metrics of the last stage."""
        return self._last.metrics

    @property
    def records(self) -> tuple[Record, ...]:
        """A record of each mini-batch and each epoch so far."""
        return self._last.records

    @property
    def weights(self) -> Any:
        """What the last stage has learned so far."""
        return self._last.weights

    @property
    def best_weights(self) -> Any:
        """What the last stage had learned by the end of its best epoch."""
        return self._last.best_weights

    def with_weights(self, weights: Any) -> Pipeline:
        """The pipeline with an updated last stage."""
        return self._pipeline.with_stage(self._name, self._last.with_weights(weights))

    def set_parameters(self, values: Mapping[Any, Any] | None) -> None:
        """Check new values. Keys may begin with the name of the last stage; those of other stages are refused."""
        own: dict[str, Any] = {}
        for key, value in (values or {}).items():
            text, mine = str(as_key(key)), f"{self._name}/"
            if "/" in text and not text.startswith(mine):
                raise UpdateError(f"{text} is refused: only stage {self._name!r} learns")
            own[text.removeprefix(mine)] = value
        try:
            self._last.set_parameters(own)
        except UpdateError as error:
            raise error.in_context(_label(self._name)) from None

    def restore(self, directory: CheckpointDirectory, *, has_data: bool) -> bool:
        """Continue the update of a checkpoint directory; returns whether it was already finished."""
        return self._last.restore(directory, has_data=has_data)

    def learn(self, data: TrainingData, hooks: TaskHooks) -> None:
        """Update the last stage."""
        self._last.learn(self._features(data), hooks)

    def _features(self, data: TrainingData) -> Iterator[Mapping[str, Any]]:
        """What the last stage learns from, in the order of the samples."""
        first = 0
        for piece in in_pieces((sample for _, sample in numbered(data)), _PIECE):
            yield from self._pipeline.before_last(
                piece, lambda i, first=first: f"sample {first + i} of the training data"
            )
            first += len(piece)

    def _scoped(self, key: ParameterKey) -> ParameterKey:
        return ParameterKey(key.name, (self._name, *key.scope))
