"""Files of any content: safe reading, and atomic replacement."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from graphml.errors import SpecError

START = 512
"""How many bytes `read_bytes` passes to its check."""

UNFINISHED = ".graphml-*.tmp"
"""The names of temporary files, as a glob pattern. A killed process may leave one; no reader opens it."""


def open_regular(file: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading bytes.

    Args:
        file: The path of a regular file.

    Returns:
        The open file.

    Raises:
        OSError: If it cannot be opened, or is not a regular file: a pipe or device could block forever.
    """

    def opener(name: str, flags: int) -> int:
        descriptor = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, f"the file {Path(file).name} is not a regular file")
        return descriptor

    return open(file, "rb", opener=opener)


def read_bytes(file: Path, largest: int, check: Callable[[bytes], None] = lambda start: None) -> bytes:
    """Read a whole regular file.

    Args:
        file: The path.
        largest: The most bytes that it may have.
        check: Called with the first `START` bytes before the rest is read; raises to refuse the file.

    Returns:
        All bytes of the file.

    Raises:
        SpecError: If the file is larger.
        OSError: If it cannot be read.
    """
    with open_regular(file) as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > largest:
            raise SpecError(f"{file.name} has {size} bytes; expected at most {largest}")
        check(opened.read(START))
        opened.seek(0)
        return opened.read(largest + 1)


def probe(file: Path) -> None:
    """Make and remove a temporary file in the folder of `file`, which need not exist.

    Raises:
        OSError: If no file can be written there.
    """
    temporary = temporary_beside(file)
    try:
        write_new(temporary, [])
    finally:
        temporary.unlink(missing_ok=True)


def replace_file(file: Path, data: bytes | Iterable[bytes], *, private: bool = False) -> None:
    """Replace a file atomically: a concurrent reader sees all of the old bytes or all of the new ones.

    A new file gets the default permissions of the process; a file that is replaced keeps its own. The temporary file
    is readable by the owner only.

    Args:
        file: The path to write.
        data: The new content, whole or in pieces.
        private: Whether only the owner may read the result.

    Raises:
        OSError: If it cannot be written; the old file is then unchanged.
    """
    temporary = temporary_beside(file)
    mode = 0o600 if private else stat.S_IMODE(file.stat().st_mode) if file.exists() else None
    try:
        write_new(temporary, [data] if isinstance(data, bytes) else data, mode)
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_folder(file.parent)


def temporary_beside(file: Path) -> Path:
    """A fresh path that matches `UNFINISHED`, in the folder of `file`."""
    return file.with_name(UNFINISHED.replace("*", uuid.uuid4().hex))


def write_new(file: Path, content: Iterable[bytes], mode: int | None = None) -> None:
    """Write a file that does not exist yet, and flush it to the disk.

    Args:
        file: The path.
        content: The bytes, in pieces.
        mode: The permissions from the first byte on. None: the default of the process.
    """
    created = 0o666 if mode is None else mode & 0o600
    with open(file, "xb", opener=lambda name, flags: os.open(name, flags, created)) as opened:
        if mode is not None:
            os.chmod(file, mode)
        opened.writelines(content)
        opened.flush()
        os.fsync(opened.fileno())


def flush_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power failure, on systems where a folder can be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
