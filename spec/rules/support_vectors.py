"""Rules of support vector machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphml.spec.rules.problems import Problem, first_few
from graphml.spec.rules.tabular import answer_size, class_count, class_outputs, numeric_inputs, row_width
from graphml.spec.wire.model_pb2 import Model


def _kernel(kernel: Any, where: str) -> Iterator[Problem]:
    kind = kernel.WhichOneof("kernel")
    if kind is None:
        yield Problem(where, "has no kernel, or one that is newer than this reader")
        return
    parameters = getattr(kernel, kind)
    for field in ("gamma", "degree"):
        value = getattr(parameters, field, 0)
        if not value >= 0:
            yield Problem(where, f"{field} must not be negative, got {value}")


def _vectors(message: Any, width: int | None, where: str) -> tuple[int, list[Problem]]:
    """How many support vectors there are, and what is wrong with them."""
    kind = message.WhichOneof("supportVectors")
    if kind is None:
        return 0, [Problem(where, "has no support vectors, neither sparse nor dense")]
    vectors = getattr(message, kind).vectors
    found: list[Problem] = []
    if kind == "denseSupportVectors":
        lengths = [len(vector.values) for vector in vectors]
        expected = width if width is not None else next(iter(lengths), 0)
        for position in first_few(i for i, length in enumerate(lengths) if length != expected):
            what = f"has {lengths[position]} values; there are {expected} "
            what += "features" if width is not None else "in the first"
            found.append(Problem(f"support vector {position + 1}", what))
        return len(vectors), found
    for position in first_few(i for i, vector in enumerate(vectors) if _sparse_fault(vector, width)):
        found.append(Problem(f"support vector {position + 1}", _sparse_fault(vectors[position], width)))
    return len(vectors), found


def _sparse_fault(vector: Any, width: int | None) -> str:
    indices = [node.index for node in vector.nodes]
    if indices and min(indices) < 1:
        return f"indices must be at least 1, got {min(indices)}"
    if indices and width is not None and max(indices) > width:
        return f"index {max(indices)} is out of range for {width} features"
    return "has an index more than once" if len(set(indices)) < len(indices) else ""


def svm_regressor(model: Model) -> Iterator[Problem]:
    where, message = "support vectors", model.supportVectorRegressor
    yield from numeric_inputs(model)
    yield from _kernel(message.kernel, where)
    count, faults = _vectors(message, row_width(model.description.input), where)
    yield from faults
    if len(message.coefficients.alpha) != count:
        yield Problem(where, f"has {len(message.coefficients.alpha)} coefficients for {count} vectors")
    yield from answer_size(model, 1)


def svm_classifier(model: Model) -> Iterator[Problem]:
    where, message = "support vectors", model.supportVectorClassifier
    yield from numeric_inputs(model)
    yield from class_outputs(model)
    yield from _kernel(message.kernel, where)
    count, faults = _vectors(message, row_width(model.description.input), where)
    yield from faults
    classes, faults = class_count(message, where)
    yield from faults
    if not classes:
        return
    per_class = list(message.numberOfSupportVectorsPerClass)
    if len(per_class) != classes:
        yield Problem(where, f"counts vectors of {len(per_class)} classes; there are {classes}")
    elif min(per_class) < 0 or sum(per_class) != count:
        yield Problem(where, f"counts {per_class[:10]} vectors in the classes; there are {count}")
    if len(message.coefficients) != classes - 1:
        yield Problem(
            where, f"has {len(message.coefficients)} rows of coefficients; {classes} classes have {classes - 1}"
        )
    for position in first_few(i for i, row in enumerate(message.coefficients) if len(row.alpha) != count):
        what = f"row {position + 1} has {len(message.coefficients[position].alpha)} coefficients for {count} vectors"
        yield Problem(where, what)
    pairs = classes * (classes - 1) // 2
    if len(message.rho) != pairs:
        yield Problem(where, f"has {len(message.rho)} numbers rho; {classes} classes make {pairs} pairs")
    for field in ("probA", "probB"):
        length = len(getattr(message, field))
        if length != pairs and (message.probA or message.probB):
            yield Problem(where, f"has {length} numbers {field}; {classes} classes make {pairs} pairs")
