"""Names that are all different, however many there are and however alike they were."""

from __future__ import annotations

from collections.abc import Iterable


class Names:
    """Gives each name that is asked for itself, if it is free, else the first free one of name_, name_2, name_3 ..."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._numbers: dict[str, int] = {}  # the next one to try, so that no search begins anew

    def free(self, name: str) -> str:
        """The name to use; nobody else gets it any more."""
        number = self._numbers.get(name, 0)
        found = name
        while found in self._taken:
            number += 1
            found = f"{name}_" if number == 1 else f"{name}_{number}"
        self._numbers[name] = number
        self._taken.add(found)
        return found
