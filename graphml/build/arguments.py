"""Helpers shared by conversions of arguments: names in any case, and padding.

A conversion takes the arguments of an `add_...` method as attributes of one object `a`, together with `a.inputs` and
`a.outputs`, the lists of blob names. It returns the fields of the layer's message.
"""

from __future__ import annotations

from typing import Any

from graphml.errors import SpecError

Fields = dict[str, Any]

AXES = ("depth", "height", "width")


def one_of(value: Any, choices: dict[Any, Any], what: str) -> Any:
    """The choice with a name, in any case.

    Raises:
        SpecError: If there is no such choice; the message lists the names.
    """
    key = value.upper() if isinstance(value, str) else value
    if key not in choices:
        raise SpecError(f"{what} is {value!r}; expected one of {', '.join(map(str, choices))}")
    return choices[key]


def padding_2d(mode: Any, a: Any, *, last_pixel: bool = False) -> dict[str, Any]:
    """The member of the padding oneof for a padding mode.

    Args:
        mode: "VALID", "SAME" or, with `last_pixel`, "INCLUDE_LAST_PIXEL", in any case.
        a: The arguments of the call.
        last_pixel: Whether the layer supports INCLUDE_LAST_PIXEL.
    """
    asymmetry = a.same_padding_asymmetry_mode
    ways = {
        "VALID": {"valid": {"padding_amounts": border_amounts(a, "padding_")}},
        "SAME": {"same": {"asymmetry_mode": asymmetry.upper() if isinstance(asymmetry, str) else asymmetry}},
    }
    if last_pixel:
        ways["INCLUDE_LAST_PIXEL"] = {"include_last_pixel": {"padding_amounts": (a.padding_top, a.padding_left)}}
    return one_of(mode, ways, "the padding")


def border_amounts(a: Any, prefix: str = "") -> tuple[tuple[int, int], ...]:
    """((top, bottom), (left, right)) from the four arguments of these names."""
    top, bottom, left, right = (getattr(a, f"{prefix}{side}") for side in ("top", "bottom", "left", "right"))
    return ((top, bottom), (left, right))


def padding_3d(a: Any, prefix: str) -> dict[str, Any]:
    """The padding fields of a layer for volumes. Amounts are written for CUSTOM only."""
    mode = one_of(a.padding_mode, {name: name for name in ("VALID", "SAME", "CUSTOM")}, "padding_mode")
    sides = ("front", "back", "top", "bottom", "left", "right")
    amounts = {f"custom_padding_{side}": getattr(a, f"{prefix}padding_{side}") for side in sides}
    return {"padding_type": mode, **(amounts if mode == "CUSTOM" else {})}
