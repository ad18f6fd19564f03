"""What validation says of a model."""

from __future__ import annotations

from graphml.spec import Model
from graphml.spec.validate import problems


def errors_of(model: Model, *, updating: bool = False) -> list[str]:
    """The errors of a model; of its recipe, too, when it is updated."""
    return [str(problem) for problem in problems(model, updating=updating) if problem.severity == "error"]


def warnings_of(model: Model) -> list[str]:
    return [str(problem) for problem in problems(model) if problem.severity == "warning"]
