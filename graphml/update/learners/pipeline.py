"""Updating pipelines: the last stage learns from what the frozen stages before it make of each sample, once."""

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
from graphml.update.learners.learner import Learner, LearnerOptions, learner_for, refuse_unless_legal
from graphml.update.progress.checkpoints import CheckpointDirectory, Checkpoints, Request, Step
from graphml.update.progress.events import UpdateEvent

_PIECE = 64  # samples that the frozen stages see at once


def begin(model: Model, wish: LearnerOptions) -> LastStage:
    """The update of a pipeline. Raises UpdateError when its last stage cannot be updated as asked."""
    assert isinstance(model, Pipeline)
    if not model.models:
        raise UpdateError("the pipeline has no stages: nothing can learn")
    name, last = next(reversed(model.models.items()))
    if wish.recipe is not None:
        model = model.with_stage(name, with_recipe(last, wish.recipe))
    if wish.request.strict:
        refuse_unless_legal(model)
    return LastStage(model, name, wish)


class LastStage:
    """See `Learner`: the learner of the last stage, with its parameters under the name of the
    stage and the whole pipeline as the model."""

    def __init__(self, pipeline: Pipeline, name: str, wish: LearnerOptions) -> None:
        self.model, self._name = pipeline, name
        try:
            # the stage has the recipe, unless no file can hold it
            recipe = wish.recipe if wish.recipe is not None and wish.recipe.python_parts else None
            options = replace(wish, configuration=self._own(wish), recipe=recipe)
            self._inner: Learner = learner_for(pipeline.last, options)
        except GraphmlError as error:
            raise error.in_context(self._label) from None
        self._inner.whole = pipeline

    @property
    def whole(self) -> Model:
        """The model that a checkpoint holds."""
        return self._inner.whole

    @whole.setter
    def whole(self, model: Model) -> None:
        self._inner.whole = model

    @property
    def _label(self) -> str:
        return f"stage {self._name!r}"

    def _own(self, wish: LearnerOptions) -> ModelConfiguration:
        """The configuration of the stage, less what only other stages have: a link, or their k."""
        configuration = for_stage(wish.configuration, self._name)
        known = parameter_descriptions(self.model)
        others = {key.name for key in known} - {key.name for key in known if key.scope[0] == self._name}
        values = configuration.parameters or {}
        return replace(configuration, parameters={k: v for k, v in values.items() if as_key(k).name not in others})

    # What the stage knows --------------------------------------------------------------------------------------------

    @property
    def moment(self) -> Any:
        return self._inner.moment

    @property
    def device(self) -> Any:
        return self._inner.device

    @property
    def request(self) -> Request:
        return self._inner.request

    @property
    def checkpoints(self) -> Checkpoints:
        return self._inner.checkpoints

    @property
    def sample_count(self) -> int | None:
        return self._inner.sample_count

    @property
    def descriptions(self) -> dict[ParameterKey, ParameterDescription]:
        known = self._inner.descriptions.items()
        return {self._scoped(key): replace(about, key=self._scoped(key)) for key, about in known}

    @property
    def values(self) -> dict[ParameterKey, Any]:
        return {self._scoped(key): value for key, value in self._inner.values.items()}

    @property
    def best_weights(self) -> Any:
        return self._inner.best_weights

    def with_weights(self, train: Any) -> Pipeline:
        return self.model.with_stage(self._name, self._inner.with_weights(train))

    # What is asked of it ---------------------------------------------------------------------------------------------

    def ask_for(self, values: Mapping[Any, Any] | None) -> None:
        """A key without a scope, or with the name of the last stage in front, counts for that stage."""
        own = {}
        for key, value in (values or {}).items():
            text, mine = str(as_key(key)), f"{self._name}/"
            if "/" in text and not text.startswith(mine):
                raise UpdateError(f"{text} is refused: the stage that learns is {self._name!r}")
            own[text.removeprefix(mine)] = value
        try:
            self._inner.ask_for(own)
        except UpdateError as error:
            raise error.in_context(self._label) from None

    def step(self) -> Step:
        return self._inner.step()

    def go_on_from(self, directory: CheckpointDirectory, *, has_data: bool) -> bool:
        return self._inner.go_on_from(directory, has_data=has_data)

    def learn(
        self,
        data: TrainingData,
        tell: Callable[[UpdateEvent], None],
        wanted: Callable[[UpdateEvent], bool],
        check: Callable[[str], None],
    ) -> None:
        self._inner.learn(self._features(data), tell, wanted, check)

    def _features(self, data: TrainingData) -> Iterator[Mapping[str, Any]]:
        """What the last stage learns from, in the order of the samples."""
        first = 0
        for piece in in_pieces((sample for _, sample in numbered(data)), _PIECE):
            yield from self.model.before_last(piece, lambda i, first=first: f"sample {first + i} of the training data")
            first += len(piece)

    def _scoped(self, key: ParameterKey) -> ParameterKey:
        return ParameterKey(key.name, (self._name, *key.scope))
