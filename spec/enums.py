"""Names of enum values. A newer or damaged file may have values that this reader does not know."""

from __future__ import annotations

from typing import Any


def enum_name(message: Any, field: str) -> str:
    """The name of the value of an enum field, or its number as text if the enum has no such value."""
    return value_name(message.DESCRIPTOR.fields_by_name[field], getattr(message, field))


def value_name(field: Any, number: int) -> str:
    """The name of a value of an enum field, which is given by its descriptor."""
    known = field.enum_type.values_by_number.get(number)
    return str(number) if known is None else known.name
