"""Files of an update that only their owner may read, regardless of the umask: they hold personal data.

Small JSON files hold the state of an update. They may have been damaged or edited, so all content is checked.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import types
import typing
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from graphml.errors import UpdateError, reason
from graphml.spec.files import open_regular, replace_file

T = TypeVar("T")

_LARGEST = 1 << 24  # bytes; the largest file written here, the index of stored samples, has a few hundred


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, unless it exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def open_private(path: Path, mode: str) -> IO[bytes]:
    """Open a binary file; a new one is readable by its owner only."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


@contextlib.contextmanager
def writing_to(path: Path) -> Generator[None, None, None]:
    """Turn errors of the operating system into UpdateErrors that name the path."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        said = reason(error)
        raise UpdateError(f"{path} cannot be written: {said[:1].lower() + said[1:]}") from error


# JSON ----------------------------------------------------------------------------------------------------------------


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Replace a file atomically by a JSON object. Raises OSError."""
    replace_file(path, json.dumps(facts).encode(), private=True)


def read_facts(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        FileNotFoundError: there is no such file.
        UpdateError: the file cannot be read, or holds anything else.
    """
    try:
        facts: Any = json.loads(_bytes(path).decode())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, reason(error)) from None
    if not isinstance(facts, dict):
        raise _unreadable(path, f"expected a JSON object, got {type(facts).__name__}")
    return cast("dict[str, Any]", facts)


def as_facts_of(kind: type[T], facts: Mapping[str, Any], path: Path) -> T:
    """Make a dataclass from the JSON object in a file.

    Args:
        kind: the dataclass.
        facts: its fields.
        path: the file, for messages.

    Raises:
        UpdateError: a field is missing, unknown or of a wrong type.
    """
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)  # pyright: ignore[reportArgumentType]  (T is any dataclass)
    needed = [f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING]
    for name in needed:
        if name not in facts:
            raise _unreadable(path, f"it has no field {name!r}")
    for name, value in facts.items():
        if name not in hints:
            raise _unreadable(path, f"it has an unknown field {_short(name)}")
        if not _fits(value, hints[name]):
            raise _unreadable(path, f"{name!r} cannot be {_short(value)}")
    return kind(**facts)


def _bytes(path: Path) -> bytes:
    """The content of a regular file, if its size is reasonable."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _LARGEST:
            raise ValueError(f"it has {size} bytes, more than {_LARGEST}")
        return file.read(_LARGEST + 1)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value has the declared type of a field."""
    if isinstance(hint, types.UnionType):
        return any(_fits(value, one) for one in typing.get_args(hint))
    kind = typing.get_origin(hint) or hint
    if kind is Any:
        return True
    if kind is typing.Literal:
        return value in typing.get_args(hint)
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return isinstance(value, kind)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _unreadable(path: Path, why: str) -> UpdateError:
    return UpdateError(f"{path} cannot be read: {why}")
