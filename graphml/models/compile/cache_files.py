"""The files of a cache directory: one kind of our own, and the entries of JAX's compilation cache."""

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
"""How names of files and folders begin that no other process should look at."""

_MAGIC = b"graphml1"
_HEAD = struct.Struct("<8sII")  # magic, then length and checksum of the header, which is JSON
_ALIGNMENT = 64
_BLOCKS, _BLOCK = 256, 4096  # of a sample, in number and in bytes


def read(path: Path, checked: int | None = None, name: str | None = None) -> tuple[dict[str, Any], np.ndarray] | None:
    """Header and payload of a file, mapped read-only; None where there is none, or none to be trusted: of another user,
    damaged, or written under another name.

    checked: the size from which on only a sample of the payload is compared with what was written. name: see `write`.
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
    """Arrays behind a header, each at a multiple of 64 bytes, where XLA takes it without a copy.

    name: what the file is of, by which it is known when somebody moves it; the name of the file, unless it is given.
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
        if path.is_dir():  # a foreign one, which a file cannot replace
            discard(path)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise


def _sampled(parts: Sequence[Any], size: int) -> int:
    """The checksum of some blocks of a payload that is cut into parts, the first and the last block among them."""
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


# Whom a directory belongs to ------------------------------------------------------------------------------------------


def distrusted(folder: Path) -> str | None:
    """Why machine code from a directory must not be run: somebody else may have put it there. None: it may be run."""
    try:
        status = folder.stat()
    except ValueError as error:  # a name with a null character
        return f"it cannot have this name: {error}"
    except OSError:
        return None  # it will be made, for this user alone, or cannot be read
    if not _is_ours(status):
        return "it belongs to another user"
    if os.name == "posix" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "other users may write to it; `chmod go-w` takes that away"
    return None


def make_private(folder: Path) -> None:
    """Create a directory for its owner alone, if there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _is_ours(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid in (0, os.geteuid())


def discard(home: Path) -> None:
    """Take a file or folder away at once, then delete it."""
    with contextlib.suppress(OSError):
        grave = home.with_name(f"{UNFINISHED}{uuid.uuid4().hex}")
        os.rename(home, grave)
        shutil.rmtree(grave, ignore_errors=True)
        grave.unlink(missing_ok=True)


# JAX's own cache -----------------------------------------------------------------------------------------------------

_SETTINGS = {
    # by default small networks are not kept
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    # by default the path of the folder is a part of the names of its entries, which then are lost when it is renamed
    "jax_persistent_cache_enable_xla_caches": "none",
}
_settings_lock = threading.Lock()


@contextlib.contextmanager
def jax_entries(folder: Path) -> Iterator[None]:
    """What is compiled inside goes through JAX's cache in `folder`.

    A process has one such cache, so its folder and `_SETTINGS` are changed meanwhile, by one thread at a time, and put
    back. What other threads compile meanwhile goes to the folder too, so the caller must tell entries apart. All other
    settings are the user's; under `jax_enable_compilation_cache=False` there are no entries.
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
