"""What rules yield: a fault of a model, and where it is."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from graphml.errors import quoted, shortened
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

_MOST_SHOWN = 10  # of one kind of fault; a damaged file may have a million

Item = TypeVar("Item")


@dataclass(frozen=True)
class Problem:
    """A fault of a model.

    Attributes:
        where: The place, from outer to inner: "pipeline stage 2 'net' > layer 'conv1' (convolution), number 3".
        what: What is wrong, as the predicate of a sentence about the place, or as a sentence.
        severity: "error" if the model cannot be used as requested; "warning" if it breaks a rule of Core ML that
            graphml tolerates.
    """

    where: str
    what: str
    severity: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        # a name may have megabytes, and a place many problems
        object.__setattr__(self, "where", shortened(self.where))
        object.__setattr__(self, "what", shortened(self.what))

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def inside(outer: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The same problems, with the place around them."""
    for problem in problems:
        yield replace(problem, where=f"{outer} > {problem.where}")


def as_warnings(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The same problems, as warnings."""
    for problem in problems:
        yield replace(problem, severity="warning")


def layer_label(layer: NeuralNetworkLayer, position: int) -> str:
    """The name of a layer in problems; `position` counts from 0."""
    return f"layer {quoted(layer.name)} ({layer.WhichOneof('layer') or 'unknown kind'}), number {position + 1}"


def unknown_values(message: Any, field: str, where: str) -> Iterator[Problem]:
    """Yield a problem if an enum field has a value that this reader does not know."""
    value, enum = getattr(message, field), message.DESCRIPTOR.fields_by_name[field].enum_type
    if value not in enum.values_by_number:
        yield Problem(where, f"{field} has the unknown value {value}")


def first_few(faulty: Iterable[Item]) -> Iterator[Item]:
    """The first few of many faults of one kind."""
    return itertools.islice(faulty, _MOST_SHOWN)
