"""Features given on the command line as NAME=VALUE."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer

from graphml.descriptions import FeatureDescription, FeatureType
from graphml.errors import FeatureError


def split_pairs(given: Iterable[str], option: str, form: str) -> dict[str, str]:
    """Split arguments such as KEY=VALUE at their first equals signs.

    Args:
        given: The arguments of one option.
        option: The option, for messages.
        form: The expected form, such as "NAME=VALUE".

    Returns:
        {key: value}, in order.

    Raises:
        typer.BadParameter: An argument has no equals sign, or a key is given twice.
    """
    out: dict[str, str] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{option} takes {form}, got {pair!r}")
        if name in out:
            raise typer.BadParameter(f"{option} gives {name!r} twice")
        out[name] = text
    return out


def read_features(declared: Iterable[FeatureDescription], given: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs as features; the declared type decides how a value is read.

    Args:
        declared: The inputs that the model declares.
        given: The arguments of `--input`.

    Returns:
        The value of each named input, for `Model.predict`.

    Raises:
        typer.BadParameter: A pair has no equals sign, or a name is given twice.
        FeatureError: A value cannot be read as the declared type.
    """
    types = {feature.name: feature.type for feature in declared}
    pairs = split_pairs(given, "-i", f"NAME=VALUE with a name of {', '.join(map(repr, types))}")
    return {name: _feature(types.get(name), name, text) for name, text in pairs.items()}


def _feature(kind: FeatureType | None, name: str, text: str) -> Any:
    from graphml.update.data.files import from_json, read_array

    if kind is FeatureType.STRING:
        return text
    if text.endswith(".npy"):
        try:
            return read_array(text)
        except FeatureError as error:
            raise error.in_context(f"the input {name!r}") from None
    if kind is FeatureType.IMAGE:
        return text
    try:
        return from_json(text, f"{name}={text[:40]} is neither JSON, as in {name}=[1, 2], nor a .npy file")
    except FeatureError:
        if kind is None:
            return text
        raise
