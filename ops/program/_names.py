"""Attributes that choose by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from graphml.errors import SpecError

T = TypeVar("T")


def named(given: str, meanings: Mapping[str, T], what: str) -> T:
    """The meaning of a name, in upper or lower case.

    Args:
        given: the name in the file.
        meanings: name -> its meaning.
        what: the attribute's name in the error.

    Raises:
        SpecError: there is no such name.
    """
    found = [meaning for name, meaning in meanings.items() if name.lower() == given.lower()]
    if not found:
        raise SpecError(f"{what} is {given!r}; it must be one of {', '.join(meanings)}")
    return found[0]
