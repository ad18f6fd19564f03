"""Recipes of plain data, as JSON files hold them: {"optimizer": {"Adam": {"learning_rate": 0.001}}, "epochs": 5}.

The names are those of `Recipe` and of its parts. A part is given by name, or as {name: its fields}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

from graphml.errors import UpdateError, with_suggestions
from graphml.recipes.kinds import AUGMENTATIONS, LOSSES, METRICS, OPTIMIZERS, SCHEDULES, Kinds
from graphml.recipes.metrics import EarlyStopping
from graphml.recipes.part import Part
from graphml.recipes.recipe import Recipe

_CHOICES: dict[str, Kinds] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "losses": LOSSES,
    "augmentation": AUGMENTATIONS,
    "metrics": METRICS,
    "early_stopping": (EarlyStopping,),
}
_SEVERAL = ("losses", "augmentation", "metrics")


def recipe_of_plain(given: object) -> Recipe:
    """A recipe from plain data.

    Args:
        given: {field of `Recipe`: value}, such as what a JSON file holds; other data is refused.

    Raises:
        UpdateError: A field or a part does not exist, or a value is not allowed; the message says what is.
    """
    if not isinstance(given, Mapping):
        raise UpdateError(f"a recipe is an object with the fields of a recipe, such as epochs; got {given!r:.60}")
    return _made(Recipe, cast("Mapping[str, Any]", given), "the recipe")


def _made(kind: Any, given: Mapping[str, Any], where: str) -> Any:
    known = [one.name for one in fields(kind)]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UpdateError(f"{where} has no field {with_suggestions(unknown, known)}; the fields are {', '.join(known)}")
    try:
        return kind(**{name: _value(name, value) for name, value in given.items()})
    except (TypeError, ValueError) as error:
        raise UpdateError(f"{where}: {error}") from None


def _value(name: str, value: Any) -> Any:
    if name in _SEVERAL:
        return tuple(_part(name, one) for one in cast("list[Any]", value if isinstance(value, list) else [value]))
    if name in _CHOICES and value is not None:
        return _part(name, value)
    return value


def _part(name: str, given: object) -> Part:
    choices = {kind.__name__: kind for kind in _CHOICES[name]}
    kind: object = given
    inner: object = {}
    if isinstance(given, Mapping):
        named = cast("Mapping[str, object]", given)
        if len(choices) == 1 and not set(named) & set(choices):
            kind, inner = next(iter(choices)), named  # there is only one kind, so its name may be left out
        elif len(named) == 1:
            kind, inner = next(iter(named.items()))
    chosen = {name.lower(): part for name, part in choices.items()}.get(str(kind).lower())
    if chosen is None or not isinstance(inner, Mapping):
        what = ", ".join(choices)
        raise UpdateError(f"{name} must be one of {what}, or {{one of these: its fields}}; got {given!r:.80}")
    return _made(chosen, cast("Mapping[str, Any]", inner), chosen.__name__)
