"""The interface of every kind of source: its inputs, operators, translation, weights, and a way to run it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphml.convert.request import ConversionRequest, ImageInput, Input
from graphml.errors import UnsupportedError
from graphml.inspect.references import Array, Given, Reference

_MOST_PLACES = 3


@dataclass(frozen=True)
class OperatorUse:
    """How often a source uses an operator.

    Attributes:
        operator: Its name.
        count: How often it is used.
        becomes: What it becomes; "" if that is unknown before the conversion.
        unsupported: Why it cannot be converted; "" if it can.
        places: Lines of the source or names of nodes where it is used, where these are known.
    """

    operator: str
    count: int
    becomes: str = ""
    unsupported: str = ""
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = ", ".join(self.places[:_MOST_PLACES])
        more = len(self.places) - _MOST_PLACES
        where = f" at {shown}{f' and {more} more places' if more > 0 else ''}" if shown else ""
        what = f": {self.unsupported}" if self.unsupported else f" -> {self.becomes}" if self.becomes else ""
        return f"{self.operator} ({self.count}){where}{what}"


@dataclass(frozen=True)
class Translation:
    """The result of translating a source.

    Attributes:
        model: A message.
        by: The translator, with its version.
        lines: What each part of the source became, if the translator reports it.
        notes: Notes for the caller.
        weights: The folder of the weights of an ML Program.
        files: An object that keeps this folder alive.
        to: The kind of the model, if it is neither a neural network nor an ML Program.
    """

    model: Any
    by: str
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    weights: Path | None = None
    files: Any = None
    to: str = ""


class Source(ABC):
    """Something to convert.

    Attributes:
        request: The request.
        what: A description of it, with the version of its library.
    """

    request: ConversionRequest
    what: str

    @property
    @abstractmethod
    def inputs(self) -> Mapping[str, Input]:
        """The inputs by their names in the result, in the order of the source."""

    @abstractmethod
    def operators(self) -> list[OperatorUse]:
        """The operators of the source, most frequent first."""

    @abstractmethod
    def translate(self) -> Translation:
        """Convert the source.

        Raises:
            UnsupportedError: It has operators that cannot be converted; the message lists all of them.
        """

    def weights(self) -> Mapping[str, tuple[Array, bool]]:
        """{name: (weight, whether it is trainable in the source)}; empty for sources without layers."""
        return {}


class TensorSource(Source):
    """A source that computes with tensors: a network, a graph or a function."""

    @abstractmethod
    def reference(self) -> Reference:
        """The source as a reference that the result is compared with."""

    @abstractmethod
    def weights(self) -> Mapping[str, tuple[Array, bool]]:
        """{name: (weight, whether it is trainable in the source)}."""

    def arguments(self, given: Given) -> list[Array]:
        """The inputs of a comparison in the form that the source takes: images are scaled, in its layout.

        Args:
            given: The inputs in the form that the result takes.
        """
        arrays = given.arrays()
        return [_argument(arrays[name], one) for name, one in self.inputs.items()]

    def refuse_unsupported(self, by: str) -> None:
        """Raise UnsupportedError if operators cannot be converted; the message lists all of them.

        Args:
            by: The converter.
        """
        missing = [use for use in self.operators() if use.unsupported]
        if missing:
            raise unsupported_operators(self.what, by, missing)


def _argument(array: Array, one: Input) -> Array:
    if not isinstance(one, ImageInput):
        return array
    bias = np.reshape(np.asarray(one.bias, np.float32), (-1, 1, 1))
    scaled = np.asarray(array, np.float32) * np.float32(one.scale) + bias
    return scaled if one.channels_first else scaled.transpose(0, 2, 3, 1)


def unsupported_operators(what: str, by: str, missing: Iterable[OperatorUse]) -> UnsupportedError:
    """The error for operators that cannot be converted.

    Args:
        what: A description of the source.
        by: The converter.
        missing: All of them.
    """
    lines = [str(use) for use in missing]
    return UnsupportedError(
        "\n".join([f"{by} cannot convert {len(lines)} operators of {what}, with counts:", *("  " + x for x in lines)])
    )


def counted(found: Iterable[tuple[str, str, str]]) -> list[OperatorUse]:
    """Operators, most frequent first.

    Args:
        found: (operator, place or "", why it cannot be converted or "") for each use.
    """
    places: dict[tuple[str, str], list[str]] = {}
    for operator, place, unsupported in found:
        places.setdefault((operator, unsupported), []).append(place)
    uses = [
        OperatorUse(operator, len(where), "", unsupported, tuple(dict.fromkeys(filter(None, where))))
        for (operator, unsupported), where in places.items()
    ]
    return sorted(uses, key=lambda use: (not use.unsupported, -use.count, use.operator))
