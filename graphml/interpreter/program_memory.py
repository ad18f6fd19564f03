"""How much memory the compiled programs of a process may take, and which of them are dropped when it is too much.

XLA does not say how much memory a program takes on a CPU, so it is estimated from the size of its serialized code.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import itertools
import numbers
import threading
import weakref
from collections.abc import Callable
from typing import Any

from graphml.errors import FeatureError

DEFAULT_LIMIT = 1 << 29

# Measured with jax 0.10.2 on a CPU: resident memory of programs with 1 to 60 matrix products, less than 10 % off.
_FIXED, _FACTOR = 1_600_000, 7

_clock = itertools.count()


class Held:
    """A compiled program as long as it is kept.

    Args:
        program: The function to call.
        size: How many bytes it takes, estimated.
        forget: Called when it is dropped because of the limit.

    Attributes:
        program: The function to call; None after it was dropped.
    """

    __slots__ = ("__weakref__", "_forget", "program", "size", "used")

    def __init__(self, program: Callable[..., Any], size: int, forget: Callable[[], None]) -> None:
        self.program: Callable[..., Any] | None = program
        self.size = size
        self._forget = forget
        self.touch()

    def touch(self) -> None:
        """Note that it is used now."""
        self.used = next(_clock)

    def let_go(self) -> None:
        self.program = None
        self._forget()


class ProgramMemory:
    """Programs that together take at most `limit` bytes; the least recently used are dropped first."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._held: weakref.WeakSet[Held] = weakref.WeakSet()
        self._lock = threading.Lock()

    def hold(self, held: Held) -> None:
        """Count a new program, which stays even if it is larger than the limit."""
        with self._lock:
            self._held.add(held)
            self._shrink(held)

    def resize(self, limit: int) -> None:
        """Change the limit."""
        with self._lock:
            self._limit = limit
            self._shrink(None)

    @property
    def size(self) -> int:
        """How many bytes the programs take, estimated."""
        with self._lock:
            return sum(held.size for held in self._alive())

    def _alive(self) -> list[Held]:
        return [held for held in list(self._held) if held.program is not None]

    def _shrink(self, spared: Held | None) -> None:
        alive = sorted(self._alive(), key=lambda held: held.used)
        size = sum(held.size for held in alive)
        for held in alive:
            if size <= self._limit:
                return
            if held is not spared:
                size -= held.size
                self._held.discard(held)
                held.let_go()


MEMORY = ProgramMemory()
"""The programs of this process."""


def limit_program_memory(size: int) -> None:
    """Limit the memory that all compiled programs of this process take together; the default is 512 MiB.

    The least recently used programs are dropped first, and compiled again when they are needed. The program that was
    compiled last always stays. Sizes are estimates: about 2 MB for a small network, 5 to 30 MB for a large one.
    `ModelConfiguration.most_programs` limits the number of programs of one model.

    Args:
        size: Bytes, 0 or more.

    Raises:
        FeatureError: If the size is not a non-negative integer.
    """
    if isinstance(size, bool) or not isinstance(size, numbers.Integral) or size < 0:
        raise FeatureError(f"the limit must be a number of bytes of at least 0, got {size!r}")
    MEMORY.resize(int(size))


def program_memory() -> int:
    """How many bytes all compiled programs of this process take together; an estimate."""
    return MEMORY.size


def compiled_size(program: Any, arguments: tuple[Any, ...]) -> int:
    """Compile a jitted function for arguments, unless it is compiled; how many bytes it takes, estimated.

    Args:
        program: What `jax.jit` returns.
        arguments: Its arguments.
    """
    executable = program.lower(*arguments).compile().runtime_executable()
    try:
        code = executable.size_of_generated_code_in_bytes() or len(executable.serialize())
    except Exception:  # not every backend supports both
        code = 0
    return _FIXED + _FACTOR * code
