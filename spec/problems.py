"""What rules report: one thing that is wrong with a model, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from graphml.spec.wire.network_pb2 import NeuralNetworkLayer


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
    return f"layer {layer.name!r} ({layer.WhichOneof('layer') or 'unknown kind'}), number {position + 1}"
