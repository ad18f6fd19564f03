"""A directory that lets the next process start fast: prepared weights, traced programs and their machine code.

Only `ModelConfiguration(cache_directory=...)` or the environment variable GRAPHML_CACHE bring it to life. It holds

    KEY.weights   the weights as the layers use them, mapped into memory and, on a CPU, used where they lie
    KEY-CALL/     a program for inputs of certain shapes: `program` is what was traced (StableHLO), beside it lies the
                  entry of JAX's own compilation cache
    NAME.options  the compiler options that the installed jaxlib knows, which is found out by trying

KEY is a hash of the model's bytes and of everything else that decides what is kept. Files and folders appear complete,
by a rename, so that processes need no locks. What is truncated, damaged, of another user or under a name that is not
its own is made anew, and a directory that cannot be written costs one warning. Nothing is ever deleted for its age:
remove the directory whenever you like. It holds machine code: it is created for its owner alone, and one that belongs
to another user, or to which others may write, is not used, which costs one warning too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import export

from graphml.errors import SpecError
from graphml.models.compile.cache_files import UNFINISHED, discard, distrusted, jax_entries, make_private, read, write
from graphml.models.compile.cache_keys import digest, fingerprint, surroundings
from graphml.spec.files import open_regular

_log = logging.getLogger("graphml")

_ALIGNMENT = 64
_CHECKED = 1 << 26  # bytes of weights whose checksum is compared; more would no longer be read only when used


def usable(folder: Path) -> bool:
    """Whether a directory may be used; warns, once, where it may not."""
    reason = distrusted(folder)
    if reason is not None:
        _warn_distrusted(folder, reason)
    return reason is None


class Cache:
    """The part of a cache directory that belongs to one model, a message, on one device. facts: what else matters."""

    def __init__(self, folder: Path, model: Any, device: Any, *facts: Any) -> None:
        self.folder = folder
        self._surroundings = surroundings(device)
        self._key = digest(self._surroundings, fingerprint(model), *facts)
        self._platform = None if device.platform == jax.default_backend() else [device.platform]

    # Weights

    @functools.cached_property
    def weights(self) -> list[np.ndarray] | None:
        """What `keep_weights` got in another process, mapped read-only; None if there is nothing, or not all of it."""
        found = read(self.folder / f"{self._key}.weights", _CHECKED)
        if found is None:
            return None
        header, payload = found
        return [
            payload[start : start + size].view(jax.numpy.dtype(dtype)).reshape(shape)
            for start, size, dtype, shape in header["leaves"]
        ]

    def keep_weights(self, leaves: Sequence[Any]) -> None:
        arrays = [np.asarray(leaf) for leaf in leaves]
        places, start = [], 0
        for array in arrays:
            places.append((start, array.nbytes, array.dtype.name, array.shape))
            start += array.nbytes + -array.nbytes % _ALIGNMENT
        with self._forgiving():
            write(self.folder / f"{self._key}.weights", {"leaves": places}, arrays)

    # Compiler options

    def options(self, wanted: Mapping[str, Any], find: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Those of the wanted options that `find` gives, which takes a while; asked once for all models. The file has
        their names only, so that it cannot set any other option or value."""
        path = self.folder / f"{self._surroundings}.options"
        found = read(path)
        names = None if found is None else found[0].get("known")
        if not isinstance(names, list) or not all(isinstance(name, str) and name in wanted for name in names):
            names = list(find())
            with self._forgiving():
                write(path, {"known": names}, [])
        return {name: wanted[name] for name in names}

    # Programs

    def program(self, call: Any, function: Callable, arguments: tuple, options: dict[str, Any]) -> Callable:
        """`function` jitted and compiled for arguments of these shapes, without tracing it where that was done before.

        call: tells one call of this model from another. Raises what tracing the function raises.
        """
        home = self.folder / f"{self._key}-{digest(call)}"
        traced = _stored_program(home)
        known = traced is not None
        if traced is None:
            discard(home)
            plain = jax.jit(function)
            plain.trace(*arguments)  # raises what is wrong with the network; `export` traces no second time
            try:
                traced = bytes(export.export(plain, platforms=self._platform)(*arguments).serialize())
            except Exception as error:  # callbacks, for instance; JAX has no one type for what it cannot store
                _log.info("the program is not kept in the cache directory: %s", error)
                return jax.jit(function, compiler_options=options)
        jitted = jax.jit(_function(traced), compiler_options=options)
        lowered = jitted.lower(*arguments)
        with self._forgiving():
            if not known:
                self._compile(lowered, home, traced)
                return jitted
            with jax_entries(home):
                lowered.compile()
            if _stored_program(home) is None:  # JAX has added an entry, because it did not like the old one
                discard(home)
        return jitted  # calls find what was compiled

    def _compile(self, lowered: Any, home: Path, traced: bytes) -> None:
        make_private(self.folder)
        place = Path(tempfile.mkdtemp(dir=self.folder, prefix=UNFINISHED))
        try:
            with jax_entries(place):
                lowered.compile()
            for path in place.iterdir():  # another thread may have compiled something meanwhile
                if not _is_entry(path):
                    discard(path)
            entries = _checksums(place)
            header = {"length": len(traced), "entries": entries}
            write(place / "program", header, [np.frombuffer(traced, np.uint8)], name=home.name)
            try:
                os.rename(place, home)
            except OSError:
                if not home.exists():  # else another process was first
                    raise
        finally:
            shutil.rmtree(place, ignore_errors=True)

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            _warn(self.folder, str(error))


@functools.cache
def _warn(folder: Path, reason: str) -> None:
    _log.warning("nothing is kept in the cache directory %s: %s", folder, reason)


@functools.cache
def _warn_distrusted(folder: Path, reason: str) -> None:
    _log.warning("the cache directory %s is not used: %s", folder, reason)


def _function(traced: bytes) -> Callable:
    kept = export.deserialize(bytearray(traced))
    if kept.platforms == ("cpu",) and b"lapack" not in traced:
        # calling what was exported for "cpu", JAX imports SciPy for its LAPACK: half of the time that is left
        checks = (*kept.disabled_safety_checks, export.DisabledSafetyCheck.platform())
        kept = dataclasses.replace(kept, platforms=("any",), disabled_safety_checks=checks)

    def graphml_network(leaves, inputs, key):
        return kept.call(leaves, inputs, key)

    return graphml_network


def _stored_program(home: Path) -> bytes | None:
    """What was traced, if it and JAX's entries beside it are as they were written."""
    found = read(home / "program", name=home.name)
    if found is None:
        return None
    header, payload = found
    try:
        intact = _checksums(home) == header["entries"]
    except (OSError, SpecError):
        return None
    return payload[: header["length"]].tobytes() if intact else None


def _checksums(home: Path) -> dict[str, int]:
    """Of JAX's entries in a folder."""
    found = {}
    for path in filter(_is_entry, home.iterdir()):
        with open_regular(path) as file:
            found[path.name] = zlib.crc32(file.read())
    return found


def _is_entry(path: Path) -> bool:
    """Whether a file is machine code of a network. JAX may keep others beside it: times of use, a lock, a folder."""
    return path.name.startswith("jit_graphml_network") and path.name.endswith("-cache")
