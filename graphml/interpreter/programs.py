"""Functions compiled for the shapes of their arguments, and kept only for the shapes that were used last.

`jax.jit` keeps what it compiles as long as its function lives: one to two megabytes for each set of shapes. With a
function object for each set of shapes the executable is freed together with the function.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Generic, TypeVar

import jax

MOST = 64
"""For how many sets of shapes a function keeps its programs by default."""

Value = TypeVar("Value")


class Latest(Generic[Value]):
    """Values by key; at most `most`, those used last. Several threads may use it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """The value of a key, which becomes the last one used; None if there is none, or not any more."""
        value = self._values.get(key)
        if value is not None:
            with contextlib.suppress(KeyError):  # another thread may have dropped it just now
                self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value, and drop those that were used longest ago."""
        self._values[key] = value
        while len(self._values) > self._most:
            self._values.popitem(last=False)

    def __len__(self) -> int:
        return len(self._values)


class Compiled:
    """`jax.jit` of a function, for the `most` sets of shapes that were used last.

    Args:
        function: the function.
        most: for how many sets of shapes programs are kept.
        which: arguments -> what decides which program runs, hashable. It may leave out what has few forms, since a
            program can hold several; by default all shapes and types count.
        options: for `jax.jit`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        most: int = MOST,
        which: Callable[..., Hashable] | None = None,
        **options: Any,
    ) -> None:
        self._function, self._options = function, options
        self._which = forms if which is None else which
        self._programs: Latest[Callable[..., Any]] = Latest(most)
        self._last: tuple[Hashable, Any] = None, None  # most calls have the shapes of the one before
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        which = self._which(*arguments)
        last, program = self._last
        if which != last:
            program = self._programs.get(which)
            if program is None:
                program = self._made(which)
            self._last = which, program
        return program(*arguments)

    def _made(self, which: Hashable) -> Callable[..., Any]:
        function = self._function

        @functools.wraps(function)
        def own(*arguments: Any) -> Any:  # JAX keeps what it compiles by the function, so each program needs one
            return function(*arguments)

        with self._lock:
            program = self._programs.get(which)
            if program is None:
                program = jax.jit(own, **self._options)
                self._programs.put(which, program)
        return program


def forms(*trees: Any) -> Hashable:
    """Structure, shapes and types of trees of arrays and numbers."""
    leaves, structure = jax.tree.flatten(trees)
    return structure, tuple([(getattr(leaf, "shape", ()), getattr(leaf, "dtype", type(leaf))) for leaf in leaves])


def forms_of_inputs(weights: Any, inputs: Mapping[str, Any], *rest: Any) -> Hashable:
    """What decides which program runs of a function of weights and named arrays; fast, since weights have few forms."""
    return tuple([(name, array.shape, array.dtype) for name, array in inputs.items()])
