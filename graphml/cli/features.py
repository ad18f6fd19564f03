"""Features given on the command line as NAME=VALUE."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer

from graphml.descriptions import FeatureDescription, FeatureType
from graphml.errors import FeatureError


def split_pair(pair: str, option: str) -> tuple[str, str]:
    """Split KEY=VALUE at the first equals sign.

    Args:
        pair: The argument as given.
        option: The option and the form that it takes, for the message, such as "-i takes NAME=VALUE".

    Raises:
        typer.BadParameter: There is no equals sign.
    """
    name, equals, text = pair.partition("=")
    if not equals:
        raise typer.BadParameter(f"{option}, got {pair!r}")
    return name, text


def read_features(declared: Iterable[FeatureDescription], given: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs as features; the declared type decides how a value is read.

    Args:
        declared: The inputs that the model declares.
        given: The arguments of `--input`.

    Returns:
        The value of each named input, for `Model.predict`.

    Raises:
        typer.BadParameter: A pair has no equals sign.
        FeatureError: A value cannot be read as the declared type.
    """
    types = {feature.name: feature.type for feature in declared}
    names = ", ".join(map(repr, types))
    out: dict[str, Any] = {}
    for pair in given:
        name, text = split_pair(pair, f"-i takes NAME=VALUE with a name of {names}")
        out[name] = _feature(types.get(name), name, text)
    return out


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
        return from_json(text, f"{name}={text[:40]} is neither JSON nor a .npy file")
    except FeatureError:
        if kind is None:
            return text
        raise
