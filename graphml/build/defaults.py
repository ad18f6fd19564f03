"""The values that `add` writes for required fields that a call leaves out, where only one value makes sense.

The `add_...` methods write the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphml.spec.layers import kinds, snake_case

Fields = Mapping[str, Any]


def completed(kind: str, inputs: Sequence[str], fields: Fields) -> Fields:
    """Add the required fields that a call leaves out, where only one value makes sense.

    Args:
        kind: The layer kind.
        inputs: The names of the layer's inputs.
        fields: The fields that were given.

    Returns:
        The given fields and the added ones.
    """
    complete = _DEFAULTS.get(kind)
    if complete is None:
        return fields
    given = {snake_case(name) for name, value in fields.items() if value is not None}
    return {**fields, **complete(given, fields, inputs)}


def _pooling(given: set[str], fields: Fields, inputs: Sequence[str]) -> Fields:
    """A global pooling ignores its padding, but the format requires one."""
    is_global = fields.get("global_pooling", fields.get("globalPooling"))
    chosen = given & {"pooling_padding_type", "valid", "same", "include_last_pixel"}
    return {"valid": {}} if is_global and not chosen else {}


def _padding(given: set[str], fields: Fields, inputs: Sequence[str]) -> Fields:
    chosen = given & {"padding_type", "constant", "reflection", "replication"}
    return {} if chosen else {"constant": {}}


def _reduction(given: set[str], fields: Fields, inputs: Sequence[str]) -> Fields:
    """Without axes, all axes are reduced."""
    return {} if given & {"axes", "reduce_all"} else {"reduce_all": True}


def _crop(given: set[str], fields: Fields, inputs: Sequence[str]) -> Fields:
    """A crop to the size of a second input starts at the top left corner."""
    return {"offset": (0, 0)} if len(inputs) > 1 and "offset" not in given else {}


_DEFAULTS: Mapping[str, Callable[[set[str], Fields, Sequence[str]], Fields]] = {
    "pooling": _pooling,
    "padding": _padding,
    "crop": _crop,
    **{kind: _reduction for kind in kinds() if kind.startswith("reduce") and kind != "reduce"},
}
