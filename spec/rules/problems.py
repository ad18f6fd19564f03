"""What rules report: one thing that is wrong with a model, and where."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from graphml.errors import quoted, shortened
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

_MOST_SHOWN = 10  # of one kind of fault; a damaged file may have it in a million places

Item = TypeVar("Item")


@dataclass(frozen=True)
class Problem:
    """Something wrong with a model.

    where: the place, outer to inner, as in "pipeline stage 2 'net' > layer 'conv1' (convolution), number 3".
    severity: an error makes the model unusable for what was asked; a warning breaks a rule of Core ML that graphml
    can live with.
    """

    where: str
    what: str
    severity: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        # names in it may have megabytes, and one place may have many problems
        object.__setattr__(self, "where", shortened(self.where))
        object.__setattr__(self, "what", shortened(self.what))

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def inside(outer: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The same problems, seen from further out."""
    for problem in problems:
        yield replace(problem, where=f"{outer} > {problem.where}")


def as_warnings(problems: Iterable[Problem]) -> Iterator[Problem]:
    for problem in problems:
        yield replace(problem, severity="warning")


def layer_label(layer: NeuralNetworkLayer, position: int) -> str:
    """How problems call a layer; position counts from zero."""
    return f"layer {quoted(layer.name)} ({layer.WhichOneof('layer') or 'unknown kind'}), number {position + 1}"


def unknown_values(message: Any, field: str, where: str) -> Iterator[Problem]:
    """A problem, if an enum field has a value that this reader does not know."""
    value, enum = getattr(message, field), message.DESCRIPTOR.fields_by_name[field].enum_type
    if value not in enum.values_by_number:
        yield Problem(where, f"{field} has the unknown value {value}")


def first_few(faulty: Iterable[Item]) -> Iterator[Item]:
    """As many as are shown of faults of one kind."""
    return itertools.islice(faulty, _MOST_SHOWN)
