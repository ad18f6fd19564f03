"""A directory that makes the next process start fast: prepared weights, traced programs and their machine code.

It is used only with `ModelConfiguration(cache_directory=...)` or the environment variable GRAPHML_CACHE. It contains

    KEY.weights   weights in the form that the layers use; mapped into memory and, on a CPU, used in place
    KEY-CALL/     a program for certain input shapes: `program` is what was traced (StableHLO), next to it is the entry
                  of JAX's own compilation cache
    NAME.options  names of the compiler options that the installed jaxlib accepts, found by trying

KEY is a hash of the bytes of the model and of everything else that decides the content. Files and folders are renamed
into place when they are complete, so that processes need no locks. Anything truncated, damaged, of another user or
under a wrong name is replaced. A directory that cannot be written causes one warning. Nothing is deleted because of
its age: you can remove the directory at any time. It contains machine code, so it is created for its owner only; one
that belongs to another user, or that others may write to, is not used and causes one warning.
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
_CHECKED = 1 << 26  # bytes of weights up to which the checksum is compared; larger files are read only when used


def usable(folder: Path) -> bool:
    """Whether a directory may be used; if not, this is logged once.

    Args:
        folder: The directory.
    """
    reason = distrusted(folder)
    if reason is not None:
        _warn_distrusted(folder, reason)
    return reason is None


class Cache:
    """The part of a cache directory that belongs to one model on one device.

    Args:
        folder: The directory.
        model: The Model message.
        device: The jax.Device that it runs on.
        *facts: Whatever else decides what is stored.

    Attributes:
        folder: The directory.
        key: A hash of all the others.
    """

    def __init__(self, folder: Path, model: Any, device: Any, *facts: Any) -> None:
        self.folder = folder
        self._surroundings = surroundings(device)
        self.key = digest(self._surroundings, fingerprint(model), *facts)
        self._platform = None if device.platform == jax.default_backend() else [device.platform]

    # Weights

    @functools.cached_property
    def weights(self) -> list[np.ndarray] | None:
        """The leaves that `keep_weights` has stored, mapped read-only; None if there are none, or they are damaged."""
        found = read(self.folder / f"{self.key}.weights", _CHECKED)
        if found is None:
            return None
        header, payload = found
        return [
            payload[start : start + size].view(jax.numpy.dtype(dtype)).reshape(shape)
            for start, size, dtype, shape in header["leaves"]
        ]

    def keep_weights(self, leaves: Sequence[Any]) -> None:
        """Store weights for the next process.

        Args:
            leaves: Arrays, in order.
        """
        arrays = [np.asarray(leaf) for leaf in leaves]
        places, start = [], 0
        for array in arrays:
            places.append((start, array.nbytes, array.dtype.name, array.shape))
            start += array.nbytes + -array.nbytes % _ALIGNMENT
        with self._forgiving():
            write(self.folder / f"{self.key}.weights", {"leaves": places}, arrays)

    # Compiler options

    def options(self, wanted: Mapping[str, Any], find: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """The compiler options that the installed jaxlib accepts.

        The file stores only names, so that it cannot set other options or values.

        Args:
            wanted: The options to choose from.
            find: Finds the accepted ones, which takes a while. It is called once for all models.
        """
        if not wanted:
            return {}
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
        """Compile a function for arguments of certain shapes, or load it if that was done before.

        Errors of tracing the function are raised.

        Args:
            call: Identifies the function and the shapes among the calls of this model.
            function: The function.
            arguments: Its arguments.
            options: Compiler options.

        Returns:
            The jitted function.
        """
        home = self.folder / f"{self.key}-{digest(call)}"
        traced = _stored_program(home)
        known = traced is not None
        if traced is None:
            discard(home)
            plain = jax.jit(function)
            plain.trace(*arguments)  # raises errors of the network; `export` does not trace again
            try:
                traced = bytes(export.export(plain, platforms=self._platform)(*arguments).serialize())
            except Exception as error:  # for instance callbacks; JAX has no single type for what it cannot store
                _log.info("the program is not stored in the cache directory: %s", error)
                return jax.jit(function, compiler_options=options)
        jitted = jax.jit(_function(traced), compiler_options=options)
        lowered = jitted.lower(*arguments)
        with self._forgiving():
            if not known:
                self._compile(lowered, home, traced)
                return jitted
            with jax_entries(home):
                lowered.compile()
            if _stored_program(home) is None:  # JAX has rejected the old entry and added another one
                discard(home)
        return jitted  # calls use the compiled program

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
                if not home.exists():  # otherwise another process was faster
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
    _log.warning("nothing is stored in the cache directory %s: %s", folder, reason)


@functools.cache
def _warn_distrusted(folder: Path, reason: str) -> None:
    _log.warning("the cache directory %s is not used: %s", folder, reason)


def _function(traced: bytes) -> Callable:
    kept = export.deserialize(bytearray(traced))
    if kept.platforms == ("cpu",) and b"lapack" not in traced:
        # to call a program that was exported for "cpu", JAX imports SciPy for its LAPACK, which takes half of the time
        checks = (*kept.disabled_safety_checks, export.DisabledSafetyCheck.platform())
        kept = dataclasses.replace(kept, platforms=("any",), disabled_safety_checks=checks)

    def graphml_network(*arguments):
        return kept.call(*arguments)

    return graphml_network


def _stored_program(home: Path) -> bytes | None:
    """The traced program, if it and JAX's entries next to it are intact."""
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
    """{name: checksum} of JAX's entries in a folder."""
    found = {}
    for path in filter(_is_entry, home.iterdir()):
        with open_regular(path) as file:
            found[path.name] = zlib.crc32(file.read())
    return found


def _is_entry(path: Path) -> bool:
    """Whether a file is machine code of a network, and not another file of JAX's cache, such as a lock."""
    return path.name.startswith("jit_graphml_network") and path.name.endswith("-cache")
