"""Pipelines: models that run in order, connected by the names of their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from graphml.build.messages import finished
from graphml.errors import GraphError
from graphml.spec.wire.model_pb2 import Model

_KINDS = {"Classifier": "pipelineClassifier", "Regressor": "pipelineRegressor"}


def pipeline(
    models: Sequence[Any] | Mapping[str, Any],
    *,
    outputs: Sequence[str] | None = None,
    updatable: bool | None = None,
) -> Model:
    """A pipeline of models: each finds its inputs by name among the inputs of the pipeline and earlier outputs.

    The pipeline takes the inputs that no earlier model returns, in the order in which they are first read. It is a
    classifier or a regressor if its last model is one.

    Args:
        models: The models in order, or {name of the stage: model}: what `graphml.load` takes, or a Model.
        outputs: The names of its outputs, which any of the models may return. Default: those of the last model.
        updatable: Whether an update trains the last model. Default: if that model is updatable.

    Returns:
        A pipelineClassifier, pipelineRegressor or pipeline message.

    Raises:
        GraphError: If there are no models, a feature has different types in two models, or no model returns an output.
        SpecError: If something else is wrong with the pipeline.
    """
    named = dict(models) if isinstance(models, Mapping) else {f"model{i}": model for i, model in enumerate(models)}
    if not named:
        raise GraphError("a pipeline needs at least one model")
    stages = {name: message_of(model) for name, model in named.items()}
    last = list(stages.values())[-1]
    model = Model()
    description: Any = model.description
    made = _connected(stages, description)
    for name in outputs if outputs is not None else [feature.name for feature in last.description.output]:
        if name not in made:
            raise GraphError(f"no model of the pipeline returns {name!r}; they return {', '.join(made)}")
        description.output.add().CopyFrom(made[name])
    kind = next((full for end, full in _KINDS.items() if str(last.WhichOneof("Type")).endswith(end)), "pipeline")
    if kind != "pipeline":
        description.predictedFeatureName = last.description.predictedFeatureName
    if kind == "pipelineClassifier":
        description.predictedProbabilitiesName = last.description.predictedProbabilitiesName
    member = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    for name, stage in stages.items():
        member.models.add().CopyFrom(stage)
        member.names.append(name)
    if last.isUpdatable if updatable is None else updatable:
        model.isUpdatable = True
        targets = {feature.name for feature in last.description.input}
        description.trainingInput.extend(description.input)
        description.trainingInput.extend(f for f in last.description.trainingInput if f.name not in targets)
    return finished(model)


def message_of(model: Any) -> Model:
    """The message of whatever `graphml.load` takes, or of a Model."""
    from graphml import models

    if isinstance(model, Model):
        return model
    return (model if isinstance(model, models.Model) else models.load(model)).spec


def _connected(stages: Mapping[str, Model], description: Any) -> dict[str, Message]:
    """Declare the inputs of the pipeline. Returns {name: feature} of what its stages return."""
    given: dict[str, Any] = {}
    made: dict[str, Any] = {}
    for stage, model in stages.items():
        for feature in model.description.input:
            known = {**given, **made}
            if feature.name not in known:
                given[feature.name] = feature
                continue
            before, now = (f.type.WhichOneof("Type") for f in (known[feature.name], feature))
            if before != now:
                raise GraphError(
                    f"stage {stage!r} takes {feature.name!r} as {now}, but it is {before}, in an earlier stage"
                )
        made.update({feature.name: feature for feature in model.description.output})
    description.input.extend(given.values())
    return made
