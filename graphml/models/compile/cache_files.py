"""The files of a cache directory: a format of our own, and entries of JAX's compilation cache."""

from __future__ import annotations

import bisect
import contextlib
import functools
import itertools
import json
import os
import shutil
import stat
import struct
import tempfile
import threading
import time
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental.compilation_cache import compilation_cache as jax_cache

from graphml.errors import SpecError
from graphml.spec.files import open_regular

UNFINISHED = ".unfinished-"
"""Prefix of files and folders that other processes must ignore."""

_MAGIC = b"graphml1"
_HEAD = struct.Struct("<8sII")  # magic, then length and checksum of the header, which is JSON
_ALIGNMENT = 64
_BLOCKS, _BLOCK = 256, 4096  # of a sample, in number and in bytes


def read(path: Path, checked: int | None = None, name: str | None = None) -> tuple[dict[str, Any], np.ndarray] | None:
    """Read a file that `write` has written.

    Args:
        path: The file.
        checked: Payloads of up to this size are compared with their checksum, larger ones by a sample; None: all.
        name: See `write`.

    Returns:
        Header and payload, mapped read-only into memory. None if the file does not exist or cannot be trusted: it is
        damaged, of another user, or was written under another name.
    """
    try:
        with open_regular(path) as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            data = np.memmap(file, np.uint8, "r").view(np.ndarray)
        magic, length, checksum = _HEAD.unpack(data[: _HEAD.size].tobytes())
        text = data[_HEAD.size : _HEAD.size + length].tobytes()
        if magic != _MAGIC or zlib.crc32(text) != checksum:
            return None
        header, payload = json.loads(text), data[_HEAD.size + length :]
        if payload.size != header["size"] or header["name"] != (name or path.name):
            return None
        if checked is None or payload.size <= checked:
            intact = zlib.crc32(payload.data) == header["checksum"]
        else:
            intact = _sampled([payload], payload.size) == header["sample"]
        return (header, payload) if intact else None
    except (SpecError, OSError, ValueError, TypeError, LookupError, struct.error):
        return None


def write(path: Path, header: Mapping[str, Any], arrays: Sequence[np.ndarray], name: str | None = None) -> None:
    """Write a header and arrays, each aligned to 64 bytes, which XLA uses without a copy.

    The file appears complete or not at all.

    Args:
        path: The file.
        header: Facts about the arrays; what JSON can represent.
        arrays: The arrays, in order.
        name: Identifies the content, so that `read` refuses a file that was moved; None: the name of the file.

    Raises:
        OSError: If the file cannot be written.
    """
    parts: list[Any] = []
    for array in arrays:
        parts += [np.ascontiguousarray(array).reshape(-1).view(np.uint8), bytes(-array.nbytes % _ALIGNMENT)]
    size, checksum = sum(map(len, parts)), functools.reduce(lambda value, part: zlib.crc32(part, value), parts, 0)
    facts = {"name": name or path.name, "size": size, "checksum": checksum, "sample": _sampled(parts, size)}
    text = json.dumps({**header, **facts}).encode()
    text += b" " * (-(_HEAD.size + len(text)) % _ALIGNMENT)
    make_private(path.parent)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with open(descriptor, "wb") as file:
            for part in (_HEAD.pack(_MAGIC, len(text), zlib.crc32(text)), text, *parts):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if path.is_dir():  # a file cannot replace a folder
            discard(path)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise


def _sampled(parts: Sequence[Any], size: int) -> int:
    """The checksum of some blocks of a payload, including the first and the last one. parts: the payload in pieces."""
    ends = list(itertools.accumulate(map(len, parts)))
    checksum = 0
    for number in range(_BLOCKS):
        start = number * max(0, size - _BLOCK) // (_BLOCKS - 1)
        for place in range(bisect.bisect_right(ends, start), len(parts)):
            begin = ends[place] - len(parts[place])
            if begin >= start + _BLOCK:
                break
            checksum = zlib.crc32(parts[place][max(0, start - begin) : start + _BLOCK - begin], checksum)
    return checksum


# Owners of directories ----------------------------------------------------------------------------------------------


def distrusted(folder: Path) -> str | None:
    """The reason why machine code from a directory must not be run; None if it may be.

    Args:
        folder: The directory; others must not be able to write to it.
    """
    try:
        status = folder.stat()
    except ValueError as error:  # a name with a null character
        return f"it cannot have this name: {error}"
    except OSError:
        return None  # it does not exist and will be created for this user only, or it cannot be read
    if not _is_ours(status):
        return "it belongs to another user"
    if os.name == "posix" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "other users may write to it; `chmod go-w` prevents that"
    return None


def make_private(folder: Path) -> None:
    """Create a directory that only its owner can use, unless it exists."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _is_ours(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid in (0, os.geteuid())


def discard(home: Path) -> None:
    """Remove a file or folder: rename it, which is atomic, then delete it."""
    with contextlib.suppress(OSError):
        removed = home.with_name(f"{UNFINISHED}{uuid.uuid4().hex}")
        os.rename(home, removed)
        shutil.rmtree(removed, ignore_errors=True)
        removed.unlink(missing_ok=True)


_ABANDONED = 24 * 3600  # seconds after which what is unfinished belongs to a process that has died


def shrink_to(folder: Path, most: int) -> None:
    """Remove from a cache directory what was stored first, until the rest takes at most that many bytes.

    Args:
        folder: The directory.
        most: Bytes.
    """
    found: list[tuple[float, int, Path]] = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # another process may have removed it just now
                inside = [path, *(path.iterdir() if path.is_dir() else ())]
                found.append((path.stat().st_mtime, sum(each.stat().st_size for each in inside), path))
    left = most
    for stored, size, path in sorted(found, reverse=True):
        if path.name.startswith(UNFINISHED):
            if stored < time.time() - _ABANDONED:
                discard(path)
            continue
        left -= size
        if left < 0:
            discard(path)


# JAX's own cache -----------------------------------------------------------------------------------------------------

_SETTINGS = {
    # by default small networks are not stored
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    # by default the names of entries depend on the path of the folder, so that renaming it would lose them
    "jax_persistent_cache_enable_xla_caches": "none",
}
_settings_lock = threading.Lock()


@contextlib.contextmanager
def jax_entries(folder: Path) -> Iterator[None]:
    """Use JAX's compilation cache in a folder for everything that is compiled in the block.

    A process has only one such cache, so its folder and `_SETTINGS` are changed in the block, by one thread at a time,
    and restored afterwards. Programs that other threads compile meanwhile are stored in the folder too, so the caller
    must tell entries apart. All other settings are the user's; with `jax_enable_compilation_cache=False` there are no
    entries.
    """
    settings = {**_SETTINGS, "jax_compilation_cache_dir": str(folder)}
    with _settings_lock:
        before = {name: jax.config.values[name] for name in settings}
        try:
            for name, value in settings.items():
                jax.config.update(name, value)
            jax_cache.reset_cache()
            yield
        finally:
            for name, value in before.items():
                jax.config.update(name, value)
            jax_cache.reset_cache()
