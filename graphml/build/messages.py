"""Helpers for models that are not networks: declare the interface, check the finished message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphml.build.datatypes import Double, array
from graphml.build.interface import are_strings, declare, declare_classes
from graphml.errors import SpecError
from graphml.spec.validate import validate
from graphml.spec.versions import required
from graphml.spec.wire.model_pb2 import Model

Inputs = str | Sequence[str] | Mapping[str, Any]
"""The inputs of a model of one row of numbers: the name of one array, the name of each number, or {name: type}."""

Labels = Sequence[str] | Sequence[int]


def new_model(kind: str, inputs: Mapping[str, Any] | Sequence[tuple[str, Any]], outputs: Mapping[str, Any]) -> Model:
    """A model of a kind, with only its interface.

    Args:
        kind: The kind, as the format spells it.
        inputs: {name: type}; see `datatypes`.
        outputs: The same for the outputs.
    """
    model = Model()
    getattr(model, kind).SetInParent()
    declare(model.description.input, inputs, "float64")
    declare(model.description.output, outputs, "float64")
    return model


def row_model(kind: str, inputs: Inputs, width: int, outputs: Mapping[str, Any]) -> Model:
    """A model of a kind that takes one row of numbers.

    Args:
        kind: The kind, as the format spells it.
        inputs: See `Inputs`.
        width: The number of features.
        outputs: {name: type}.

    Raises:
        SpecError: If the number of names is not `width`.
    """
    if isinstance(inputs, str):
        return new_model(kind, {inputs: array(width, dtype="float64")}, outputs)
    if not isinstance(inputs, Mapping):
        if len(inputs) != width:
            raise SpecError(f"got {len(inputs)} names of inputs for {width} features")
        return new_model(kind, dict.fromkeys(inputs, Double()), outputs)
    return new_model(kind, inputs, outputs)


def regressor(kind: str, inputs: Inputs, width: int, output: str, count: int) -> Model:
    """A regressor that takes one row of numbers and returns `count` numbers, as an array if there are several."""
    model = row_model(kind, inputs, width, {output: Double() if count == 1 else array(count, dtype="float64")})
    model.description.predictedFeatureName = output
    return model


def classifier(
    kind: str, inputs: Inputs, width: int, class_labels: Labels, output: str, probabilities: str | None
) -> Model:
    """A classifier that takes one row of numbers.

    Args:
        kind: The kind, as the format spells it.
        inputs: See `Inputs`.
        width: The number of features.
        class_labels: All strings or all integers.
        output: The name of the output for the label.
        probabilities: The name of the output for the dictionary of probabilities; None: there is none.

    Raises:
        SpecError: If there are no labels, or not all of them are strings or all integers.
    """
    model = row_model(kind, inputs, width, {})
    member = getattr(model, kind)
    strings = are_strings(class_labels)
    labels = list(class_labels) if strings else [int(label) for label in class_labels]
    (member.stringClassLabels if strings else member.int64ClassLabels).vector.extend(labels)
    declare_label(model, output, probabilities, strings=strings)
    return model


def declare_label(model: Model, output: str, probabilities: str | None, *, strings: bool) -> None:
    """Add the outputs of a classifier to its description."""
    description: Any = model.description
    description.predictedFeatureName = output
    label = description.output.add(name=output)
    if probabilities is None:
        (label.type.stringType if strings else label.type.int64Type).SetInParent()
        return
    dictionary = description.output.add(name=probabilities)
    description.predictedProbabilitiesName = probabilities
    declare_classes(label.type, dictionary.type, strings=strings)


def enum_value(message: Any, field: str, name: str) -> int:
    """The number of an enum value.

    Args:
        message: The message that has the field.
        field: The name of the field.
        name: The value, as the format spells it.

    Raises:
        SpecError: If there is no such value.
    """
    values = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_name
    if name not in values:
        raise SpecError(f"{field} is {name!r}; expected one of {', '.join(values)}")
    return values[name].number


def numbers(values: Any, what: str) -> list[float]:
    """A list of float64 of one number or of a sequence of numbers.

    Raises:
        SpecError: If they are not numbers, or an array of more than one axis.
    """
    try:
        found = np.atleast_1d(np.asarray(values, np.float64))
    except (TypeError, ValueError):
        raise SpecError(f"{what} must be numbers, got {values!r}") from None
    if found.ndim != 1:
        raise SpecError(f"{what} must have one axis, got the shape {list(found.shape)}")
    return found.tolist()


def matrix(values: Any, what: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A float64 array of two axes; one row may be given as a sequence of numbers.

    Raises:
        SpecError: If they are not numbers, or rows have different lengths.
    """
    try:
        found = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise SpecError(f"{what} must be rows of numbers of equal length") from None
    found = found[None] if found.ndim == 1 else found
    if found.ndim != 2:
        raise SpecError(f"{what} must have two axes, got the shape {list(found.shape)}")
    return found


def finished(model: Model) -> Model:
    """Set the lowest specification version that the content needs, and check the model.

    Raises:
        SpecError: If something is wrong with it; the message lists what.
    """
    model.specificationVersion = required(model)
    validate(model)
    return model
