"""What commands print, and the files that they write."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from rich.console import Console

from graphml.errors import GraphmlError
from graphml.spec.files import probe, replace_file
from graphml.visible import harmless, visible_lines

console = Console(highlight=False)


def print_line(text: str) -> None:
    """Print text that may contain names from a model file: brackets are not markup, control characters are escaped."""
    console.print(visible_lines(text), markup=False, soft_wrap=True)


def print_json(value: Any, indent: int | None = None) -> None:
    """Print JSON with non-ASCII text as it is, except that characters which would control a terminal are escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    print("".join(c if c == "\n" or harmless(c) else json.dumps(c)[1:-1] for c in text))


@contextlib.contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn errors while a file is written into a GraphmlError that names the file."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise GraphmlError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def refuse_unwritable(path: Path) -> None:
    """Raise GraphmlError for a file that cannot be written, before anything is computed for it."""
    with writing(path):
        if not _is_special(path):
            if path.is_dir():
                raise OSError("it is a folder")
            probe(Path(os.path.realpath(path)))


def write(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    with writing(path):
        if _is_special(path):
            path.write_bytes(data)
        else:
            replace_file(Path(os.path.realpath(path)), data)  # a symbolic link stays a link


def _is_special(path: Path) -> bool:
    """Whether this is a device or a pipe, such as /dev/stdout, which is written to instead of replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def refuse_unwritable_folder(folder: Path) -> None:
    """Raise GraphmlError for a folder that cannot be created or written to, before anything is computed for it."""
    with writing(folder):
        there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
        if not there.is_dir():
            raise OSError("it is not a folder" if there == folder else f"{there} is not a folder")
        probe(there / "file")
