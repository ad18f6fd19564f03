"""Checks of the arguments of a lowered function: names exist, no weight is missing, arrays are arrays.

Without them a misspelt name would fail in some node, far from the mistake, or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

import numpy as np

from graphml.errors import FeatureError, GraphError, ShapeError, in_words, quoted, with_suggestions
from graphml.spec.weights import CompressedWeight

_MOST_NAMED = 5


def check_names(what: str, given: Any, legal: Collection[str]) -> None:
    """Check that inputs or a state are given by name.

    Args:
        what: "input" or "state".
        given: What should be {name: array}.
        legal: The names that exist.

    Raises:
        FeatureError: It is not a mapping.
        GraphError: A name does not exist.
    """
    if not isinstance(given, Mapping):
        example = f"{{{next(iter(legal))!r}: array}}" if legal else "{}"
        raise FeatureError(f"{what}s must be given by name, as {example}, got {in_words(given)}")
    unknown = cast("Mapping[Any, Any]", given).keys() - set(legal)
    if unknown:
        names = ", ".join(legal) if legal else "none"
        raise GraphError(f"the network has no {what} {with_suggestions(unknown, legal)}; its {what}s are {names}")


def check_params(given: Any, expected: Mapping[str, Any], *, may_be_there: Collection[str] = ()) -> None:
    """Check that parameters have the names and shapes of those of the function.

    Args:
        given: What should be such a tree.
        expected: The parameters as they were lowered.
        may_be_there: Keys that may be given in addition, and are ignored.

    Raises:
        GraphError: A part is missing or unknown, or is not an array.
        ShapeError: An array has another shape.
    """
    if not isinstance(given, Mapping):
        raise GraphError(
            f"parameters must be a mapping like Lowered.params, {{name: {{weight: array}}}}, got {in_words(given)}"
        )
    parts = cast("Mapping[str, Any]", given).items()
    _check({name: part for name, part in parts if name in expected or name not in may_be_there}, expected, "")


def _check(given: Any, expected: Any, where: str) -> None:
    if isinstance(expected, Mapping):
        _check_parts(given, cast("Mapping[str, Any]", expected), where)
    elif isinstance(expected, list | tuple):
        parts = cast("list[Any]", expected)
        if not isinstance(given, list | tuple) or len(cast("list[Any]", given)) != len(parts):
            raise GraphError(f"{where} must be a list of {len(parts)} parameters, got {in_words(given)}")
        for i, (part, old) in enumerate(zip(cast("list[Any]", given), parts, strict=True)):
            _check(part, old, f"{where}/{i}")
    else:
        _check_array(given, expected, where)


def _check_parts(given: Any, expected: Mapping[str, Any], where: str) -> None:
    of = f" of {quoted(where)}" if where else ""
    if not isinstance(given, Mapping):
        names = ", ".join(map(quoted, list(expected)[:_MOST_NAMED]))
        raise GraphError(f"the parameters{of} must be a mapping with {names}, got {in_words(given)}")
    given = cast("Mapping[str, Any]", given)
    if unknown := given.keys() - expected.keys():
        raise GraphError(f"no parameters{of} are called {with_suggestions(unknown, expected)}")
    if missing := [name for name in expected if name not in given]:
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        raise GraphError(
            f"the parameters {', '.join(map(quoted, missing[:_MOST_NAMED]))}{more}{of} are missing; pass all of "
            "Lowered.params, with your changes"
        )
    for name, part in expected.items():
        _check(given[name], part, f"{where}/{name}" if where else name)


def _check_array(given: Any, expected: Any, where: str) -> None:
    if isinstance(expected, CompressedWeight) and isinstance(given, Mapping):
        raise GraphError(
            f"{quoted(where)} is a mapping with the parts of a {type(expected).__name__}, as checkpoints restore it "
            "without a target; restore it into Lowered.params, or pass the tree through model.with_parameters"
        )
    shape = getattr(given, "shape", () if isinstance(given, int | float) else None)
    if shape is None:
        raise GraphError(f"{quoted(where)} must be an array of shape {list(np.shape(expected))}, got {in_words(given)}")
    if tuple(shape) != tuple(getattr(expected, "shape", ())):
        raise ShapeError(f"{quoted(where)} has shape {list(expected.shape)}, got {list(shape)}")
