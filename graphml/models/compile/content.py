"""Programs that equal models share: a key made of everything that a graph is traced from.

Weights count by their shapes and types only, because they are arguments of the program, apart from those that decide
shapes. So a file that is loaded twice, or again with other weights, is compiled once.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import dataclasses
import enum
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast

import numpy as np

from graphml.errors import in_words
from graphml.graph import Node
from graphml.interpreter.lower import Lowered
from graphml.interpreter.programs import Latest
from graphml.spec.weights import CompressedWeight

_MOST = 256  # contents for which programs are cached; their memory is limited separately

Value = TypeVar("Value")


def content_key(lowered: Lowered, *facts: Any) -> str | None:
    """A hash of what a lowered graph is traced from.

    Args:
        lowered: The graph.
        *facts: Whatever else decides the program.

    Returns:
        The hash; None if a part cannot be compared, such as the function of a custom layer.
    """
    found = hashlib.sha256()
    try:
        for piece in _pieces((lowered.graph, lowered.interface, lowered.target, lowered.dtype, facts), lowered.known):
            found.update(len(piece).to_bytes(8, "little"))
            found.update(piece)
    except _NotComparableError:
        return None
    return found.hexdigest()


class _NotComparableError(Exception):
    """A value is equal only to itself."""


_PLAIN = (bool, int, float, str, bytes, enum.Enum, np.generic, np.dtype, type)  # equal where `repr` is


def _pieces(value: Any, known: frozenset[str]) -> Iterator[bytes]:
    """The bytes that stand for a value. known: keys of the nodes whose weights are part of the program."""
    if isinstance(value, np.ndarray):
        yield from (value.dtype.str.encode(), repr(value.shape).encode(), np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)}".encode()
        for name in sorted(value, key=repr):
            yield repr(name).encode()
            yield from _pieces(value[name], known)
    elif isinstance(value, list | tuple):
        yield f"{type(value).__name__} {len(value)}".encode()
        for item in value:
            yield from _pieces(item, known)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield type(value).__qualname__.encode()
        for each in dataclasses.fields(value):
            inner = getattr(value, each.name)
            if isinstance(value, Node) and each.name == "weights" and value.key not in known:
                inner = _form(inner)
            yield each.name.encode()
            yield from _pieces(inner, known)
    elif value is None or isinstance(value, _PLAIN):
        yield f"{type(value).__name__} {value!r}".encode()
    elif isinstance(value, frozenset):
        yield from _pieces(sorted(value, key=repr), known)
    elif hasattr(value, "dtype") and isinstance(getattr(value, "__name__", None), str):  # such as jnp.float32
        yield str(np.dtype(value)).encode()
    else:
        raise _NotComparableError(in_words(value))


def _form(weight: Any) -> Any:
    """A tree of weights with shapes and types instead of arrays."""
    if isinstance(weight, Mapping):
        return {name: _form(inner) for name, inner in weight.items()}
    if isinstance(weight, list | tuple):
        return [_form(inner) for inner in weight]
    if isinstance(weight, CompressedWeight):
        fields = dataclasses.fields(cast("Any", weight))
        return type(weight).__qualname__, {each.name: _form(getattr(weight, each.name)) for each in fields}
    return (tuple(weight.shape), str(weight.dtype)) if hasattr(weight, "shape") else weight


# What is shared ------------------------------------------------------------------------------------------------------

_shared: Latest[Any] = Latest(_MOST)
_lock = threading.Lock()


def shared(key: str | None, make: Callable[[], Value]) -> Value:
    """The value that this process shares for a content key.

    Args:
        key: The key of the content; None: the value is not shared.
        make: Makes the value if there is none. It must not refer to weights, because it stays in memory.
    """
    if key is None:
        return make()
    with _lock:
        found = _shared.get(key)
        if found is None:
            found = make()
            _shared.put(key, found)
        return found


def forget() -> None:
    """Clear the cache, so that models loaded later share nothing with earlier ones."""
    with _lock:
        _shared.clear()
