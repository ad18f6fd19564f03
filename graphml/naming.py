"""Unique names: a name that is already taken gets a number."""

from __future__ import annotations

from collections.abc import Iterable


class Names:
    """A set of taken names, which returns a free name for each that is requested."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        """Start with the names in `taken`, which will not be returned."""
        self._taken = set(taken)
        self._numbers: dict[str, int] = {}  # the last suffix tried for each name, so that a search continues there

    def free(self, name: str) -> str:
        """Return an unused name and mark it as taken.

        Args:
            name: The name to use if it is free.

        Returns:
            `name`, or the first free one of name_, name_2, name_3 ...
        """
        number = self._numbers.get(name, 0)
        found = name
        while found in self._taken:
            number += 1
            found = f"{name}_" if number == 1 else f"{name}_{number}"
        self._numbers[name] = number
        self._taken.add(found)
        return found
