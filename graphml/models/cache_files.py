"""The files of a cache directory: one kind of our own, and the entries of JAX's compilation cache."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import struct
import tempfile
import threading
import uuid
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental.compilation_cache import compilation_cache as jax_cache

UNFINISHED = ".unfinished-"
"""How names of files and folders begin that no other process should look at."""

_MAGIC = b"graphml1"
_HEAD = struct.Struct("<8sII")  # magic, then length and checksum of the header, which is JSON
_ALIGNMENT = 64


def read(path: Path, checked: int | None = None) -> tuple[dict[str, Any], np.ndarray] | None:
    """Header and payload of a file, mapped read-only; None where there is none, or none to be trusted.

    checked: the size from which on the payload is taken as it is; its length always agrees.
    """
    try:
        data = np.memmap(path, np.uint8, "r").view(np.ndarray)
        magic, length, checksum = _HEAD.unpack(data[: _HEAD.size].tobytes())
        text = data[_HEAD.size : _HEAD.size + length].tobytes()
        if magic != _MAGIC or zlib.crc32(text) != checksum:
            return None
        header, payload = json.loads(text), data[_HEAD.size + length :]
        if payload.size != header["size"]:
            return None
        if (checked is None or payload.size <= checked) and zlib.crc32(payload.data) != header["checksum"]:
            return None
        return header, payload
    except (OSError, ValueError, TypeError, LookupError, struct.error):
        return None


def write(path: Path, header: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> None:
    """Arrays behind a header, each at a multiple of 64 bytes, where XLA takes it without a copy."""
    parts: list[Any] = []
    for array in arrays:
        parts += [np.ascontiguousarray(array).reshape(-1).view(np.uint8), bytes(-array.nbytes % _ALIGNMENT)]
    size, checksum = sum(map(len, parts)), functools.reduce(lambda value, part: zlib.crc32(part, value), parts, 0)
    text = json.dumps({**header, "size": size, "checksum": checksum}).encode()
    text += b" " * (-(_HEAD.size + len(text)) % _ALIGNMENT)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with open(descriptor, "wb") as file:
            for part in (_HEAD.pack(_MAGIC, len(text), zlib.crc32(text)), text, *parts):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise


def discard(home: Path) -> None:
    """Take a file or folder away at once, then delete it."""
    with contextlib.suppress(OSError):
        grave = home.with_name(f"{UNFINISHED}{uuid.uuid4().hex}")
        os.rename(home, grave)
        shutil.rmtree(grave, ignore_errors=True)
        grave.unlink(missing_ok=True)


# JAX's own cache -----------------------------------------------------------------------------------------------------

_SETTINGS = {
    "jax_enable_compilation_cache": True,
    "jax_compilation_cache_max_size": -1,
    "jax_persistent_cache_enable_xla_caches": "none",
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
    "jax_raise_persistent_cache_errors": False,
}
_settings_lock = threading.Lock()


@contextlib.contextmanager
def jax_entries(folder: Path) -> Iterator[list[str]]:
    """What is compiled inside goes through JAX's cache in `folder`; gives what JAX complains about.

    These settings belong to the whole process, and JAX opens a cache once: both are put back at the end.
    """
    trouble: list[str] = []
    with _settings_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = {name: jax.config.values[name] for name in (*_SETTINGS, "jax_compilation_cache_dir")}
        try:
            for name, value in {**_SETTINGS, "jax_compilation_cache_dir": str(folder)}.items():
                jax.config.update(name, value)
            jax_cache.reset_cache()
            yield trouble
        finally:
            for name, value in before.items():
                jax.config.update(name, value)
            jax_cache.reset_cache()
    for warning in caught:
        if "persistent compilation cache" in str(warning.message):
            trouble.append(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
