"""Names of enum values, which in a newer or damaged file may be values that this reader does not know."""

from __future__ import annotations

from typing import Any


def enum_name(message: Any, field: str) -> str:
    """The name of the value of an enum field; its number in digits where the enum has no such value."""
    return value_name(message.DESCRIPTOR.fields_by_name[field], getattr(message, field))


def value_name(field: Any, number: int) -> str:
    """The name of one value of an enum field, given by its descriptor."""
    known = field.enum_type.values_by_number.get(number)
    return str(number) if known is None else known.name
