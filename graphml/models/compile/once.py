"""Properties that are computed once, however many threads ask for them at the same time."""

from __future__ import annotations

import functools
import threading
from typing import Any, TypeVar

Value = TypeVar("Value")


class once(functools.cached_property[Value]):
    """`functools.cached_property` that other threads wait for; each object has one lock for all of these."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        values = vars(instance)
        with values.setdefault("_once", threading.RLock()):
            # not by the method of the superclass, which in Python 3.11 has one lock for all objects
            if self.attrname not in values:
                values[str(self.attrname)] = self.func(instance)
            return values[str(self.attrname)]
