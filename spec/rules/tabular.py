"""Rules that the kinds share which predict from features: types of inputs, sizes of answers, class labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphml.errors import with_article
from graphml.spec.rules.interface import fixed_size
from graphml.spec.rules.problems import Problem
from graphml.spec.wire.model_pb2 import FeatureDescription, Model


def row_width(inputs: Iterable[FeatureDescription]) -> int | None:
    """How many numbers the inputs make together; None where an array has no fixed shape."""
    width = 0
    for feature in inputs:
        if feature.type.WhichOneof("Type") == "multiArrayType":
            size = fixed_size(feature.type.multiArrayType)
            if size is None:
                return None
            width += size
        else:
            width += 1
    return width


def numeric_inputs(model: Model) -> Iterator[Problem]:
    """All inputs together are one row of numbers."""
    for feature in model.description.input:
        kind = feature.type.WhichOneof("Type")
        if kind not in ("int64Type", "doubleType", "multiArrayType", None):
            what = f"has the type {kind}; {with_article(model.WhichOneof('Type'))} takes numbers and arrays of numbers"
            yield Problem(f"input {feature.name!r}", what)


def answer_size(model: Model, count: int) -> Iterator[Problem]:
    """What a regressor computes, `count` numbers, fits into the output that carries it."""
    name = model.description.predictedFeatureName
    for feature in model.description.output:
        kind = feature.type.WhichOneof("Type")
        if feature.name != name:
            yield Problem(f"output {feature.name!r}", f"is not predictedFeatureName, {name!r}; nothing gives it")
        elif kind == "doubleType" and count != 1:
            yield Problem(f"output {name!r}", f"is one number, but the model computes {count}")
        elif kind == "multiArrayType":
            size = fixed_size(feature.type.multiArrayType)
            if size not in (count, None):
                yield Problem(f"output {name!r}", f"has {size} elements, but the model computes {count}")


def class_count(message: Any, where: str) -> tuple[int, list[Problem]]:
    """How many classes a classifier has, and what is wrong with their labels."""
    member = message.WhichOneof("ClassLabels")
    labels = list(getattr(message, member).vector) if member else []
    if not labels:
        return 0, [Problem(where, "has no class labels")]
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        return len(labels), [Problem(where, f"has the class label {repeated[0]!r} more than once", "warning")]
    return len(labels), []


def class_outputs(model: Model) -> Iterator[Problem]:
    """A classifier gives a label and probabilities, and no other outputs."""
    description = model.description
    label = description.predictedFeatureName if description.predictedFeatureName else "classLabel"
    dictionaries = [f.name for f in description.output if f.type.WhichOneof("Type") == "dictionaryType"]
    yield from known_outputs(model, {label, description.predictedProbabilitiesName, *dictionaries[:1]})


def named_features(
    model: Model, message: Any, fields: Mapping[str, str | tuple[str, ...]], what: str, required: tuple[str, ...] = ()
) -> Iterator[Problem]:
    """Fields of a message that name inputs or outputs: those exist and have the right type."""
    features = getattr(model.description, what)
    types = {feature.name: feature.type.WhichOneof("Type") for feature in features}
    for field, legal in fields.items():
        name = getattr(message, field)
        legal = (legal,) if isinstance(legal, str) else legal
        if not name:
            if field in required:
                yield Problem("model", f"{field} is empty")
        elif name not in types:
            yield Problem("model", f"{field} is {name!r}, which is not an {what}")
        elif types[name] is not None and types[name] not in legal:
            yield Problem(f"{what} {name!r}", f"has the type {types[name]}; as {field} it is {' or '.join(legal)}")


def known_outputs(model: Model, names: set[str]) -> Iterator[Problem]:
    for feature in model.description.output:
        if feature.name not in names:
            yield Problem(f"output {feature.name!r}", "nothing in the model gives this")
