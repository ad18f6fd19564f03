"""Rules that several kinds of predictors share: types of inputs, sizes of outputs, class labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphml.errors import with_article
from graphml.spec.rules.interface import fixed_size
from graphml.spec.rules.problems import Problem
from graphml.spec.wire.model_pb2 import FeatureDescription, Model


def row_width(inputs: Iterable[FeatureDescription]) -> int | None:
    """The number of features of all inputs together.

    Args:
        inputs: The descriptions of the inputs.

    Returns:
        The number of elements, or None if an array has no fixed shape.
    """
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
    """Yield a problem for each input that is neither a number nor an array of numbers."""
    for feature in model.description.input:
        kind = feature.type.WhichOneof("Type")
        if kind not in ("int64Type", "doubleType", "multiArrayType", None):
            what = f"has the type {kind}; {with_article(model.WhichOneof('Type'))} takes numbers and arrays of numbers"
            yield Problem(f"input {feature.name!r}", what)


def answer_size(model: Model, count: int) -> Iterator[Problem]:
    """Check that the output of a regressor has `count` elements, as many as it computes."""
    name = model.description.predictedFeatureName
    for feature in model.description.output:
        kind = feature.type.WhichOneof("Type")
        if feature.name != name:
            yield Problem(f"output {feature.name!r}", f"is not predictedFeatureName, {name!r}; nothing computes it")
        elif kind == "doubleType" and count != 1:
            yield Problem(f"output {name!r}", f"is one number, but the model computes {count}")
        elif kind == "multiArrayType":
            size = fixed_size(feature.type.multiArrayType)
            if size not in (count, None):
                yield Problem(f"output {name!r}", f"has {size} elements, but the model computes {count}")


def class_count(message: Any, where: str) -> tuple[int, list[Problem]]:
    """The number of classes of a classifier, and the problems of their labels."""
    member = message.WhichOneof("ClassLabels")
    labels = list(getattr(message, member).vector) if member else []
    if not labels:
        return 0, [Problem(where, "has no class labels")]
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        return len(labels), [Problem(where, f"has the class label {repeated[0]!r} more than once", "warning")]
    return len(labels), []


def class_outputs(model: Model) -> Iterator[Problem]:
    """Check that a classifier has no outputs other than the label and the probabilities."""
    description = model.description
    label = description.predictedFeatureName if description.predictedFeatureName else "classLabel"
    dictionaries = [f.name for f in description.output if f.type.WhichOneof("Type") == "dictionaryType"]
    yield from known_outputs(model, {label, description.predictedProbabilitiesName, *dictionaries[:1]})


def named_features(
    model: Model, message: Any, fields: Mapping[str, str | tuple[str, ...]], what: str, required: tuple[str, ...] = ()
) -> Iterator[Problem]:
    """Check fields that name inputs or outputs: the features must exist and have a legal type.

    Args:
        model: The model.
        message: The message with the fields.
        fields: {field: its legal types}.
        what: "input" or "output".
        required: The fields that must not be empty.
    """
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
            yield Problem(f"{what} {name!r}", f"must have the type {' or '.join(legal)} as {field}, got {types[name]}")


def known_outputs(model: Model, names: set[str]) -> Iterator[Problem]:
    """Yield a problem for each output that is not one of `names`, which are those that the model computes."""
    for feature in model.description.output:
        if feature.name not in names:
            yield Problem(f"output {feature.name!r}", "nothing in the model computes it")
