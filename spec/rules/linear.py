"""Rules of generalized linear models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphml.spec.rules.problems import Problem, first_few, unknown_values
from graphml.spec.rules.tabular import answer_size, class_count, class_outputs, numeric_inputs, row_width
from graphml.spec.wire.model_pb2 import Model


def _linear_rows(message: Any, width: int | None, where: str) -> Iterator[Problem]:
    if not message.weights:
        yield Problem(where, "has no weights")
    if len(message.weights) != len(message.offset):
        yield Problem(where, f"has {len(message.weights)} rows of weights and {len(message.offset)} offsets")
    lengths = [len(row.value) for row in message.weights]
    expected = width if width is not None else next(iter(lengths), 0)
    what = "features" if width is not None else "in the first row"
    for position in first_few(i for i, length in enumerate(lengths) if length != expected):
        yield Problem(where, f"row {position + 1} has {lengths[position]} weights; there are {expected} {what}")
    if lengths and expected == 0:
        yield Problem(where, "has rows without weights")


def glm_regressor(model: Model) -> Iterator[Problem]:
    where, message = "linear model", model.glmRegressor
    yield from numeric_inputs(model)
    yield from _linear_rows(message, row_width(model.description.input), where)
    yield from unknown_values(message, "postEvaluationTransform", where)
    yield from answer_size(model, len(message.weights))


def glm_classifier(model: Model) -> Iterator[Problem]:
    where, message = "linear model", model.glmClassifier
    yield from numeric_inputs(model)
    yield from class_outputs(model)
    yield from _linear_rows(message, row_width(model.description.input), where)
    yield from unknown_values(message, "postEvaluationTransform", where)
    yield from unknown_values(message, "classEncoding", where)
    classes, faults = class_count(message, where)
    yield from faults
    if not classes:
        return
    if classes == 1:
        yield Problem(where, "must have at least 2 classes, got 1")
        return
    rest = message.classEncoding == message.OneVsRest
    rows = classes if rest and classes > 2 else classes - 1
    if len(message.weights) != rows:
        encoding = "OneVsRest" if rest else "ReferenceClass"
        what = f"has {len(message.weights)} rows of weights; {encoding} with {classes} classes has {rows}"
        yield Problem(where, what)
    if message.postEvaluationTransform == message.Probit and classes > 2:
        yield Problem(where, f"Probit needs 2 classes, got {classes}")
