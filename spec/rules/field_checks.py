"""Checks of a layer's fields that many kinds share. Each function makes a rule for the fields that it is given.

A rule takes a layer and its parameters, and yields a sentence for each fault. Fields have their wire names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

# The parameters are a message of any layer kind, so their fields have no common type.
Rule = Callable[[NeuralNetworkLayer, Any], Iterator[str]]

MOST_AXES = 32
"""The most axes that an array can have."""


def values_of(params: Any, field: str) -> Sequence[Any]:
    """The values of a repeated field, or the single value of another field."""
    value = getattr(params, field)
    return value if params.DESCRIPTOR.fields_by_name[field].is_repeated else (value,)


def at_least(low: int, *fields: str) -> Rule:
    """Every value of the fields is at least `low`."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        for field in fields:
            wrong = next((value for value in values_of(params, field) if not value >= low), None)
            if wrong is not None:
                yield f"{field} must be at least {low}, got {wrong}"

    return rule


def lengths(field: str, *legal: int) -> Rule:
    """A repeated field has one of these numbers of values."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        count = len(getattr(params, field))
        if count not in legal:
            yield f"{field} must have {' or '.join(map(str, legal))} values, got {count}"

    return rule


def pairs(*fields: str) -> Rule:
    """Each field is [height, width], both at least 1, or empty for the default."""
    rules = [rule for field in fields for rule in (lengths(field, 0, 2), at_least(1, field))]
    return lambda layer, params: (fault for rule in rules for fault in rule(layer, params))


def filled(*fields: str) -> Rule:
    """None of the fields is empty."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        for field in fields:
            if not len(getattr(params, field)):
                yield f"{field} is empty, but it is required"

    return rule


def distinct(field: str) -> Rule:
    """A list of axes has no axis twice."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        values = getattr(params, field)
        if len(set(values)) != len(values):
            yield f"{field} lists an axis twice"

    return rule


def chosen(oneof: str) -> Rule:
    """A member of the oneof is set."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        if params.WhichOneof(oneof) is None:
            members = ", ".join(f.name for f in params.DESCRIPTOR.oneofs_by_name[oneof].fields)
            yield f"{oneof} is not set; it must be one of {members}"

    return rule


def permutation(field: str, of: int | None = None) -> Rule:
    """A list of axes is a permutation of the first `of` axes, or of as many as it has."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        axes = getattr(params, field)
        count = len(axes) if of is None else of
        if len(axes) > MOST_AXES or sorted(axes) != list(range(count)):
            shown = list(axes) if len(axes) <= MOST_AXES else f"a list of {len(axes)} axes"
            yield f"{field} must be a permutation of the axes 0 to {count - 1}, got {shown}"

    return rule


def ordered(low: str, high: str) -> Rule:
    """One field is not larger than another."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        if not getattr(params, low) <= getattr(params, high):
            yield f"{low} must be at most {high}, got {getattr(params, low)} and {getattr(params, high)}"

    return rule


def probability(field: str) -> Rule:
    """A field is between 0 and 1."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        if not 0 <= getattr(params, field) <= 1:
            yield f"{field} must be between 0 and 1, got {getattr(params, field)}"

    return rule


def not_zero(field: str) -> Rule:
    """No value of a field is 0."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        if any(value == 0 for value in values_of(params, field)):
            yield f"{field} must not be 0"

    return rule


def one_free_size(field: str, low: int = 0) -> Rule:
    """A target shape has sizes of at least `low`, and at most one -1 for the size that follows from the others."""

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        sizes = getattr(params, field)
        if sum(size == -1 for size in sizes) > 1:
            yield f"{field} has more than one -1"
        wrong = next((size for size in sizes if size < low and size != -1), None)
        if wrong is not None:
            yield f"{field} must contain sizes of at least {low}, or -1, got {wrong}"

    return rule


def with_inputs(count: int, *rules: Rule) -> Rule:
    """The rules, if the layer has at most `count` inputs: another input replaces the field."""
    return lambda layer, params: (fault for rule in rules if len(layer.input) <= count for fault in rule(layer, params))


def where_not(flag: str, *rules: Rule) -> Rule:
    """The rules, unless a flag is set."""
    return lambda layer, params: (fault for rule in rules if not getattr(params, flag) for fault in rule(layer, params))


def border(*path: str, legal: tuple[int, ...] = (0, 2)) -> Rule:
    """A BorderAmounts message has one entry for height and one for width.

    Args:
        *path: The fields that lead to the message. If one before the last is not set, there is nothing to check.
        legal: The legal numbers of entries.
    """

    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        for name in path:
            if not params.HasField(name) and path[-1] != name:
                return
            params = getattr(params, name)
        if len(params.borderAmounts) not in legal:
            wanted = " or ".join(map(str, legal))
            yield f"{path[-1]} must have {wanted} entries (height, width), got {len(params.borderAmounts)}"

    return rule
