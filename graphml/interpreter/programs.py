"""Functions compiled for the shapes of their arguments, and kept only for the most recently used shapes.

`jax.jit` keeps what it compiles as long as its function lives: one to two megabytes for each set of shapes. With a
function object for each set of shapes the executable is freed together with the function.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Generic, TypeVar

import jax
from jax.core import Tracer

from graphml.interpreter.program_memory import MEMORY, Held, compiled_size

MOST = 64
"""For how many sets of shapes a function keeps its programs by default."""

Value = TypeVar("Value")


class Latest(Generic[Value]):
    """Values by key; at most `most`, the most recently used. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """The value of a key, which becomes the most recently used; None if there is none, or it was dropped."""
        value = self._values.get(key)
        if value is not None:
            with contextlib.suppress(KeyError):  # another thread may have dropped it just now
                self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value, and drop the least recently used."""
        self._values[key] = value
        while len(self._values) > self._most:
            self._values.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        """Drop the value of a key, if there is one."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Drop all values."""
        self._values.clear()

    def __len__(self) -> int:
        return len(self._values)


class Compiled:
    """`jax.jit` of a function, for the `most` most recently used sets of shapes.

    Several threads may call it: one of them compiles a program, and no lock is held while it runs. The programs of
    a process share one limit of memory (`program_memory`), so that fewer stay where they are large.

    Args:
        function: the function.
        most: for how many sets of shapes programs are kept.
        which: arguments -> what decides which program runs, hashable. It may leave out what has few forms, since a
            program can hold several; by default all shapes and types count.
        make: (which, function, arguments) -> the jitted function; by default `jax.jit(function)` with the options.
        options: for `jax.jit`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        most: int = MOST,
        which: Callable[..., Hashable] | None = None,
        make: Callable[[Hashable, Callable[..., Any], tuple[Any, ...]], Callable[..., Any]] | None = None,
        **options: Any,
    ) -> None:
        self._function, self._options = function, options
        self._which = forms if which is None else which
        self._make = self._jitted if make is None else make
        self._programs: Latest[Held] = Latest(most)
        self._last: tuple[Hashable, Held | None] = None, None  # most calls have the shapes of the previous call
        self._making: dict[Hashable, threading.RLock] = {}

    def __call__(self, *arguments: Any) -> Any:
        which = self._which(*arguments)
        last, held = self._last
        program = held.program if held is not None and which == last else None
        if held is None or program is None:
            held, program = self._found(which) or self._made(which, arguments)
            self._last = which, held
        held.touch()
        return program(*arguments)

    def __len__(self) -> int:
        return len(self._programs)

    def _found(self, which: Hashable) -> tuple[Held, Callable[..., Any]] | None:
        held = self._programs.get(which)
        program = None if held is None else held.program
        return None if held is None or program is None else (held, program)

    def _made(self, which: Hashable, arguments: tuple[Any, ...]) -> tuple[Held, Callable[..., Any]]:
        try:
            with self._making.setdefault(which, threading.RLock()):  # other shapes may be compiled at the same time
                found = self._found(which)
                if found is not None:
                    return found
                program = self._make(which, _another(self._function), arguments)
                inside = any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(arguments))  # of another program
                size = 0 if inside else compiled_size(program, arguments)
                held = Held(program, size, functools.partial(_forget, weakref.ref(self), which))
                self._programs.put(which, held)
        finally:
            self._making.pop(which, None)
        MEMORY.hold(held)
        return held, program

    def _jitted(self, which: Hashable, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[..., Any]:
        return jax.jit(function, **self._options)


def _another(function: Callable[..., Any]) -> Callable[..., Any]:
    """A new function object that does the same: JAX caches what it traces and compiles by the object."""

    @functools.wraps(function)
    def own(*arguments: Any) -> Any:
        return function(*arguments)

    return own


def _forget(compiled: weakref.ref[Compiled], which: Hashable) -> None:
    owner = compiled()
    if owner is not None:
        owner._programs.drop(which)  # pyright: ignore[reportPrivateUsage]


def forms(*trees: Any) -> Hashable:
    """Structure, shapes and types of trees of arrays and numbers."""
    leaves, structure = jax.tree.flatten(trees)
    return structure, tuple([(getattr(leaf, "shape", ()), getattr(leaf, "dtype", type(leaf))) for leaf in leaves])


def forms_of_inputs(weights: Any, inputs: Mapping[str, Any], *rest: Any) -> Hashable:
    """What decides which program of a function of weights and named arrays runs; fast, since weights have few forms."""
    return tuple([(name, array.shape, array.dtype) for name, array in inputs.items()])
