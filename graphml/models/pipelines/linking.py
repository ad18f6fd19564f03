"""Write the stages that several pipelines have in common to one file, and link to it from each of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graphml import spec
from graphml.errors import SpecError
from graphml.models.loading import load
from graphml.models.model import Model
from graphml.naming import Names
from graphml.spec.rules.updates import pipeline_of


def link(
    models: Iterable[str | os.PathLike[str] | Model],
    shared_path: str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
) -> list[Model]:
    """Store the stages that several pipelines begin with only once.

        graphml.link(["drawing.mlmodel", "sketch.mlmodel"], "out/Embedding.mlmodel", ["out/drawing.mlmodel", ...])

    The common stages are those leading stages that are equal byte by byte in all pipelines, up to the first one that
    is updatable or a link.

    Args:
        models: Pipelines, or files of pipelines.
        shared_path: Where the common stages are written: as a model if it is one stage, else as a pipeline.
        paths: For each pipeline where the one that links to the common stages is written. `shared_path` must be in the
            same folder or below it.

    Returns:
        The pipelines that were written. If there are several common stages, their parameters are below the scope
        "shared".

    Raises:
        SpecError: If the pipelines have no stage in common, or a pipeline cannot link to `shared_path`.
    """
    given = [model if isinstance(model, Model) else load(model) for model in models]
    shared_path, paths = Path(shared_path), [Path(path) for path in paths]
    if len(given) != len(paths) or not given:
        raise SpecError(f"expected one path for each model, got {len(given)} models and {len(paths)} paths")
    messages = [model.spec for model in given]
    count = _common(messages)
    stages = list(pipeline_of(messages[0]).models)[:count]
    searches: list[str] = []
    for path in paths:
        search = os.path.relpath(os.path.realpath(shared_path.parent), os.path.realpath(path.parent))
        if search.split(os.sep)[0] == os.pardir or ":" in search or os.path.isabs(search):
            raise SpecError(f"{shared_path} is not below the folder of {path}; links to other folders are not followed")
        searches.append("" if search == os.curdir else search)
    wanted = [_wanted(message, count) for message in messages]
    shared = _shared_model(stages, messages[0], set[str]().union(*wanted))
    spec.write(shared, shared_path)
    name = shared_path.with_suffix(".mlmodelc").name
    for message, path, search in zip(messages, paths, searches, strict=True):
        spec.write(_linking(message, count, shared, name, search), path)
    return [load(path) for path in paths]


def _common(messages: list[Any]) -> int:
    """The number of leading stages that all pipelines share."""
    for message in messages:
        if pipeline_of(message) is None:
            raise SpecError(f"only pipelines can share stages; this is a model of kind {message.WhichOneof('Type')}")
    count = 0
    for stages in zip(*(pipeline_of(message).models for message in messages), strict=False):
        first = stages[0].SerializeToString(deterministic=True)
        same = all(stage.SerializeToString(deterministic=True) == first for stage in stages[1:])
        if not same or stages[0].isUpdatable or stages[0].WhichOneof("Type") == "linkedModel":
            break
        count += 1
    if not count:
        raise SpecError("the pipelines have no leading stage in common; stages are compared byte by byte")
    return count


def _wanted(message: Any, count: int) -> set[str]:
    """Names of the features that are read after the first stages, by later stages or as outputs."""
    later = pipeline_of(message).models[count:]
    return {f.name for model in later for f in model.description.input} | {f.name for f in message.description.output}


def _shared_model(stages: list[Any], pipeline: Any, wanted: set[str]) -> Any:
    if len(stages) == 1:
        shared = type(pipeline)()
        shared.CopyFrom(stages[0])
        return shared
    shared = type(pipeline)(specificationVersion=max(stage.specificationVersion for stage in stages))
    shared.pipeline.models.extend(stages)
    shared.pipeline.names.extend(list(pipeline_of(pipeline).names)[: len(stages)])
    made: dict[str, Any] = {}
    for stage in stages:
        for feature in stage.description.input:
            if feature.name not in made and all(feature.name != f.name for f in shared.description.input):
                outer = [f for f in pipeline.description.input if f.name == feature.name]
                shared.description.input.add().CopyFrom(outer[0] if outer else feature)
        made |= {feature.name: feature for feature in stage.description.output}
    shared.description.output.extend(feature for name, feature in made.items() if name in wanted)
    return shared


def _linking(message: Any, count: int, shared: Any, name: str, search: str) -> Any:
    out = type(message)()
    out.CopyFrom(message)
    pipeline = pipeline_of(out)
    rest = list(pipeline.models)[count:]
    names = list(pipeline.names) or [f"model{i}" for i in range(len(pipeline.models))]
    stage = type(message)(specificationVersion=4)
    for field in ("input", "output"):
        getattr(stage.description, field).extend(getattr(shared.description, field))
    file = stage.linkedModel.linkedModelFile
    file.linkedModelFileName.defaultValue = name
    file.linkedModelSearchPath.defaultValue = search
    del pipeline.models[:], pipeline.names[:]
    pipeline.models.extend([stage, *rest])
    pipeline.names.extend([names[0] if count == 1 else Names(names[count:]).free("shared"), *names[count:]])
    out.specificationVersion = max(4, out.specificationVersion)
    return out
