"""The conversion of each ONNX operator: one function, found by name and version of the operator set.

    @operator("Clip", inputs={"min": 11, "max": 11})
    def clip(w, x, low=None, high=None): ...

Positional parameters are the inputs, keyword-only ones the attributes. An attribute that became an input in a later
version is always an input here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Converter = Callable[..., Any]
"""(writer, *inputs, **attributes) -> the node's first output, or a sequence of all that are wanted."""

NEWEST = 1 << 30


@dataclass(frozen=True)
class OnnxOperator:
    """How nodes of one operator are converted, in a range of versions.

    Attributes:
        name: The operator.
        convert: Writes the layers.
        since: The first version of the operator set.
        until: The last one.
        moved: {attribute: the version since which it is an input}, in the order of the last inputs.
        ignored: Attributes that have no effect.
        domain: The domain of the operator set; empty for ONNX's own.
    """

    name: str
    convert: Converter
    since: int = 1
    until: int = NEWEST
    moved: Mapping[str, int] = field(default_factory=dict[str, int])
    ignored: tuple[str, ...] = ()
    domain: str = ""

    @cached_property
    def attributes(self) -> frozenset[str]:
        """The attributes that the function takes."""
        kinds = inspect.signature(self.convert).parameters.values()
        return frozenset(each.name for each in kinds if each.kind is inspect.Parameter.KEYWORD_ONLY)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The inputs that the function takes by position, without variadic ones."""
        kinds = list(inspect.signature(self.convert).parameters.values())[1:]
        return tuple(each.name for each in kinds if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD)


_OPERATORS: dict[tuple[str, str], list[OnnxOperator]] = {}


def operator(
    *names: str,
    since: int = 1,
    until: int = NEWEST,
    moved: Mapping[str, int] | None = None,
    ignored: tuple[str, ...] = (),
    domain: str = "",
) -> Callable[[Converter], Converter]:
    """Register the function that converts an operator.

    Args:
        *names: The operators; several if the function distinguishes them by the node's type (`w.node.kind`).
        since: The first version of the operator set that it is for.
        until: The last one.
        moved: {attribute: version since which it is an input}. The function takes it as an input of that name.
        ignored: Attributes that have no effect here.
        domain: The domain of the operator set.

    Raises:
        ValueError: Two functions are for the same version.
    """

    def register(convert: Converter) -> Converter:
        for name in names:
            made = OnnxOperator(name, convert, since, until, moved or {}, ignored, domain)
            others = _OPERATORS.setdefault((domain, name), [])
            if any(each.since <= until and since <= each.until for each in others):
                raise ValueError(f"two functions convert {name}, version {since}")
            others.append(made)
        return convert

    return register


def find(domain: str, name: str, version: int) -> OnnxOperator | None:
    """The catalogue entry of an operator.

    Args:
        domain: The domain of the operator set.
        name: The operator.
        version: The version of the operator set.

    Returns:
        The entry; None if there is none.
    """
    from graphml.convert.onnx import operators as operators  # fills the catalogue

    rows = _OPERATORS.get(("" if domain == "ai.onnx" else domain, name), ())
    return next((row for row in rows if row.since <= version <= row.until), None)


def names() -> list[str]:
    """The operators of ONNX's own set that are converted."""
    from graphml.convert.onnx import operators as operators

    return sorted({name for domain, name in _OPERATORS if not domain})
