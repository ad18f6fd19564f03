"""Describes how the outputs of a model differ from those of a reference, and where the first difference is inside."""

# models of other libraries are untyped here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphml.errors import FeatureError, GraphmlError
from graphml.inspect.measure import differences
from graphml.inspect.references import Array, Given, call_options
from graphml.models.graph_model import GraphModel
from graphml.models.model import Model


def paired(model: Model, own: Mapping[str, Any], other: Any, what: str) -> list[tuple[str, Any, Any]]:
    """The outputs of a model and those of a reference.

    Args:
        model: The model.
        own: Its outputs.
        other: Those of the reference, by name or in order. They are matched by name where names are equal.
        what: A description of the reference.

    Returns:
        (name, value, value of the reference) for each output.

    Raises:
        FeatureError: The numbers of outputs differ.
    """
    if isinstance(other, Mapping):
        common = [name for name in own if name in other]
        if common:
            return [(name, own[name], other[name]) for name in common]
    values: list[Any] = list(other.values()) if isinstance(other, Mapping) else other
    label = model.description.predicted_feature_name
    numbers = {name: value for name, value in own.items() if name != label}
    if label and len(values) == len(numbers) != len(own):  # the reference gives probabilities but no label
        own = numbers
    if len(values) != len(own):
        raise FeatureError(f"the model has the outputs {', '.join(map(repr, own))}; {what} gives {len(values)}")
    return [(name, own[name], value) for name, value in zip(own, values, strict=True)]


def difference(name: str, own: Any, other: Any, rtol: float, atol: float) -> str | None:
    """How an output differs.

    Args:
        name: Its name.
        own: Its value: numbers, a label, or {label: probability}.
        other: The value in the reference.
        rtol: The accepted difference, relative to each number of the reference.
        atol: The additional accepted difference.

    Returns:
        A description of the difference; None if there is none.
    """
    ordered = in_the_order_of(own, other)
    if ordered is None:
        return f"output {name!r} has the keys {sorted(own, key=str)}, the reference {sorted(other, key=str)}"
    other = ordered
    if isinstance(own, str) or isinstance(other, str):
        return None if own == other else f"output {name!r} is {own!r}, the reference gives {other!r}"
    a, b = numbers(own), numbers(other)
    return None if (text := _described(a, b, rtol, atol)) is None else f"output {name!r} {text}"


def in_the_order_of(own: Any, other: Any) -> Any:
    """An output of the reference with the keys in the order of the model's; None if the keys differ."""
    if not isinstance(own, Mapping) or not isinstance(other, Mapping):
        return other
    keys: list[Any] = list(own)
    return {key: other[key] for key in keys} if set(keys) == set(other) else None


def numbers(value: Any) -> Array:
    """An output as an array: probabilities in the order of their classes."""
    return np.asarray(list(value.values()) if isinstance(value, Mapping) else value)


def _described(own: Array, other: Array, rtol: float, atol: float) -> str | None:
    """A description of how one array differs from another; None if it does not."""
    if _core(own) != _core(other):
        return f"has the shape {list(own.shape)}, the reference {list(other.shape)}"
    shape = own.shape
    a, b = np.asarray(own, np.float64), np.asarray(other, np.float64).reshape(shape)
    size = differences(a, b)
    with np.errstate(invalid="ignore"):
        wrong = size > atol + rtol * np.where(np.isfinite(b), np.abs(b), 0.0)
    if not wrong.any():
        return None
    where = np.unravel_index(int(np.argmax(np.where(wrong, size, -1.0))), shape)
    place = f" at {[int(i) for i in where]}" if shape else ""
    return (
        f"{list(shape)} differs in {int(wrong.sum())} of {math.prod(shape)} numbers; the largest difference is "
        f"{size[where]:.3g}{place}: {a[where]:.6g}, the reference gives {b[where]:.6g} (rtol {rtol:g}, atol {atol:g})"
    )


def _core(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def first_inside(given: Given, others: Mapping[str, Any], rtol: float, atol: float) -> str:
    """Where a model first differs from a reference.

    Args:
        given: The model and its inputs.
        others: {name: value} inside of the reference.
        rtol: The accepted difference, relative to each number of the reference.
        atol: The additional accepted difference.

    Returns:
        A description of the first value inside of the model that differs from that of the same name in the reference.
    """
    model = given.model
    if not isinstance(model, GraphModel):
        return "intermediate values of the model cannot be compared"
    try:
        own = model.intermediates(given.features, **call_options(model, given.key))
    except GraphmlError as error:
        return f"intermediate values of the model cannot be compared: {error}"
    equal = 0
    for node in model.graph.body.nodes:
        for name in node.outputs:
            if name not in own or name not in others or _core(own[name]) != _core(np.asarray(others[name])):
                continue
            text = _described(own[name], np.asarray(others[name]), rtol, atol)
            if text is not None:
                before = f"; {equal} values of equal names before it agree" if equal else ""
                return f"the first value inside that differs is {name!r}, {node.label}: it {text}{before}"
            equal += 1
    return f"no value inside differs: {equal} have equal names in both"
