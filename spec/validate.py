"""All faults of a model, and where they are.

`problems` returns all faults; `validate` raises one error that lists them. Reading a file calls neither, so a model
loads even if it breaks a rule that does not matter for the task at hand. The rules are in `graphml.spec.rules`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Any

from graphml.errors import SpecError
from graphml.spec import layers, versions
from graphml.spec.layers import NETWORKS
from graphml.spec.program.values import WeightFiles
from graphml.spec.rules.interface import fixed_size, interface_problems
from graphml.spec.rules.neighbors import neighbor_problems
from graphml.spec.rules.networks import network_problems
from graphml.spec.rules.predictors import PREDICTORS, predictor_problems
from graphml.spec.rules.problems import Problem as Problem
from graphml.spec.rules.problems import as_warnings, inside
from graphml.spec.rules.programs import program_problems
from graphml.spec.rules.transforms import transform_problems
from graphml.spec.rules.updates import pipeline_of
from graphml.spec.rules.updates import update_problems as update_problems
from graphml.spec.wire.model_pb2 import FeatureDescription, Model

_MOST_SHOWN = 50
# Parsers of the format stop at a nesting depth of 100 messages; a description or a weight takes up to six of them.
_MOST_NESTED = 94


def validate(model: Model) -> None:
    """Check a model and, if it is marked as updatable, that Core ML could train it.

    Raises:
        SpecError: If there are errors; the message lists them.
    """
    errors = [problem for problem in problems(model, updating=model.isUpdatable) if problem.severity == "error"]
    if not errors:
        return
    lines = [f"  {problem}" for problem in errors[:_MOST_SHOWN]]
    if len(errors) > _MOST_SHOWN:
        lines.append(f"  and {len(errors) - _MOST_SHOWN} more")
    head = "the model has an error" if len(errors) == 1 else f"the model has {len(errors)} errors"
    raise SpecError("\n".join([f"{head}:", *lines]))


def problems(model: Model, *, updating: bool = False, weights: WeightFiles | None = None) -> list[Problem]:
    """Find everything that is wrong with a model.

    Args:
        model: The message.
        updating: Whether to also check that Core ML could train it. Otherwise such faults of a model that is marked as
            updatable are warnings.
        weights: The weight files of an ML Program, in which every blob is looked up. None: only the message is checked.

    Returns:
        The problems, in the order of the message.
    """
    if _too_deep(model):
        return [Problem("model", "models or networks are nested too deep for any file")]
    found = [*_version(model), *_of_model(model, weights)]
    if updating:
        found += update_problems(model)
    elif model.isUpdatable:
        found += as_warnings(update_problems(model))
    return found


def _too_deep(model: Model) -> bool:
    """Whether messages are nested deeper than parsers and recursive rules can handle; computed without recursion."""
    todo: list[tuple[Any, int]] = [(model, 0)]
    while todo:
        message, depth = todo.pop()
        if depth > _MOST_NESTED:
            return True
        todo += [(inner, depth + levels) for inner, levels in _inner(message)]
    return False


def _inner(message: Any) -> Iterator[tuple[Any, int]]:
    """Yield (message, how many levels deeper) for each model in a model and each network in a model or network."""
    if message.DESCRIPTOR.name == "Model":
        kind = message.WhichOneof("Type")
        pipeline = pipeline_of(message)
        if pipeline is not None:
            yield from ((stage, 2 if kind == "pipeline" else 3) for stage in pipeline.models)
        elif kind in NETWORKS:
            yield getattr(message, kind), 1
        return
    for layer in message.layers:
        kind = layer.WhichOneof("layer")
        for name in layers.REGIONS.get(kind or "", ()):
            yield getattr(getattr(layer, kind), name), 3


def _version(model: Model) -> Iterator[Problem]:
    declared = model.specificationVersion
    if declared < 1:
        yield Problem("model", f"the specification version must be at least 1, got {declared}")
        return
    if declared > versions.NEWEST:
        what = f"the specification version is {declared}; the newest that this reader knows is {versions.NEWEST}"
        yield Problem("model", what, "warning")
    newest, reason = max(versions.reasons(model), key=lambda pair: pair[0], default=(0, ""))
    if newest > declared:
        what = f"declares specification version {declared}, but {reason} needs {newest}"
        yield Problem("model", what, "warning")


def _of_model(model: Model, weights: WeightFiles | None) -> Iterator[Problem]:
    kind = model.WhichOneof("Type")
    if kind is None:
        yield Problem("model", "has no type, or one that is newer than this reader")
    yield from interface_problems(model)
    if kind in NETWORKS:
        yield from network_problems(model)
    elif kind in PREDICTORS:
        yield from predictor_problems(model)
    elif kind == "mlProgram":
        yield from program_problems(model, weights)
    elif pipeline_of(model) is not None:
        yield from _pipeline(model, weights)
    elif kind == "kNearestNeighborsClassifier":
        yield from neighbor_problems(model.kNearestNeighborsClassifier)
    else:
        yield from transform_problems(model)


# Pipelines ------------------------------------------------------------------------------------------------------------


def _pipeline(model: Model, weights: WeightFiles | None) -> Iterator[Problem]:
    pipeline = pipeline_of(model)
    if not pipeline.models:
        yield Problem("pipeline", "has no stages")
    names = list(pipeline.names)
    if names and len(names) != len(pipeline.models):
        yield Problem("pipeline", f"has {len(names)} names for {len(pipeline.models)} stages")
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem("pipeline", f"{count} stages are called {name!r}")
    known = {feature.name: feature for feature in model.description.input}
    given = _given(pipeline.models)
    for position, stage in enumerate(pipeline.models):
        where = f"pipeline stage {position + 1}"
        if position < len(names):
            where += f" {names[position]!r}"
        for feature in stage.description.input:
            if feature.name in known:
                yield from inside(where, _fits(feature, known[feature.name], "input"))
            elif not feature.type.isOptional:
                what = "is neither an input of the pipeline nor an output of an earlier stage"
                places = given.get(feature.name, [])
                after = bisect_left(places, position)
                if after < len(places):
                    later = places[after]
                    when = "runs later" if later > position else "is this stage"
                    what += f"; stage {later + 1} has this output, but {when}"
                yield Problem(f"{where} > input {feature.name!r}", what)
        yield from inside(where, _of_model(stage, weights))
        if stage.isUpdatable and not model.isUpdatable:
            yield Problem(where, "is updatable, but the pipeline is not", "warning")
        known |= {feature.name: feature for feature in stage.description.output}
    for feature in model.description.output:
        if feature.name in known:
            yield from _fits(feature, known[feature.name], "output")
        else:
            yield Problem(f"output {feature.name!r}", "is not an output of any stage")


def _given(stages: Any) -> dict[str, list[int]]:
    """{feature: the positions of the stages with this output, in order}."""
    given: dict[str, list[int]] = {}
    for position, stage in enumerate(stages):
        for feature in stage.description.output:
            given.setdefault(feature.name, []).append(position)
    return given


def _fits(wanted: FeatureDescription, given: FeatureDescription, what: str) -> Iterator[Problem]:
    """Compare two descriptions of one value. Shapes of arrays may differ, but not the number of elements."""
    where = f"{what} {wanted.name!r}"
    kind, source = wanted.type.WhichOneof("Type"), given.type.WhichOneof("Type")
    if None in (kind, source):
        return
    numbers = ("int64Type", "doubleType")
    if kind != source:
        severity = "warning" if {kind, source} <= {*numbers} else "error"
        yield Problem(where, f"is declared as {kind} here and as {source} before", severity)
    elif kind == "multiArrayType":
        here, there = wanted.type.multiArrayType, given.type.multiArrayType
        sizes = fixed_size(here), fixed_size(there)
        if None not in sizes and sizes[0] != sizes[1]:
            yield Problem(where, f"has {sizes[0]} elements here and {sizes[1]} before")
        elif here != there:
            yield Problem(where, "is an array of another shape or data type here than before", "warning")
    elif getattr(wanted.type, kind) != getattr(given.type, kind):  # keys of dictionaries are converted between stages
        yield Problem(where, "has a type that differs in details here from before", "warning")
