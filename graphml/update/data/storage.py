"""The samples of a training run: in memory if they are few, otherwise in files.

They are written once, when the training data are read, and then read in any order. So a generator can be shuffled and
trained on for many epochs, and the frozen part of a network runs once for each sample.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from graphml.errors import UpdateError
from graphml.recipes.part import integer
from graphml.spec.files import open_regular
from graphml.update.progress.private_files import open_private, private_folder, read_facts, write_facts

_INDEX = "samples.json"


@dataclass(frozen=True, eq=False)
class Stored:
    """All samples of a training run.

    Attributes:
        blobs: {blob: [samples, ...]}.
        target: [samples, ...].
        in_memory: False if the arrays are mapped files.
    """

    blobs: Mapping[str, np.ndarray]
    target: np.ndarray
    in_memory: bool

    @property
    def count(self) -> int:
        """The number of samples."""
        return len(self.target)

    @property
    def sample_bytes(self) -> int:
        """The size of one sample, in bytes."""
        return sum(array.nbytes for array in (*self.blobs.values(), self.target)) // self.count


@dataclass(frozen=True)
class Limits:
    """The space that samples may take.

    Attributes:
        memory_bytes: samples that take more memory are kept in files.
        disk_bytes: samples that take more disk space are refused; None allows half of the space that is free at the
            first write.

    Raises:
        UpdateError: a limit is not a non-negative integer.
    """

    memory_bytes: int = 2**30
    disk_bytes: int | None = None

    def __post_init__(self) -> None:
        integer(self.memory_bytes, "memory_bytes", 0)
        if self.disk_bytes is not None:
            integer(self.disk_bytes, "disk_bytes", 0)


class Store:
    """Collects pieces of samples, [rows, ...] each, into one `Stored`."""

    def __init__(self, limits: Limits, folder: Path | None = None) -> None:
        """An empty store.

        Args:
            limits: the space that the samples may take.
            folder: where to keep the samples for other processes. None keeps them for this one only, in files without a
                name if they do not fit in memory.
        """
        self._limits, self._folder = limits, folder
        self._columns: list[np.ndarray] | None = None  # larger than the samples, so that they can grow
        self._files: list[IO[bytes]] | None = None
        self._checksums: list[int] = []
        self._forms: list[tuple[np.dtype, tuple[int, ...]]] = []
        self._disk_bytes = 0
        self._names: tuple[str, ...] = ()
        self._count = self._bytes = 0

    def append(self, blobs: Mapping[str, np.ndarray], target: np.ndarray) -> None:
        """Add a piece. Raises UpdateError when the samples take more space than the limits allow."""
        columns = [np.ascontiguousarray(array) for array in (*blobs.values(), target)]
        if not self._count:
            self._names = tuple(blobs)
            self._forms = [(column.dtype, column.shape[1:]) for column in columns]
            self._columns = [np.empty((0, *shape), dtype) for dtype, shape in self._forms]
        before = self._count
        self._count += len(target)
        self._bytes += sum(column.nbytes for column in columns)
        if self._files is None and (self._folder is not None or self._bytes > self._limits.memory_bytes):
            self._open_files(before)
        if self._files is not None:
            self._write(columns)
        if self._bytes > self._limits.memory_bytes:
            self._columns = None
        for kept, column in zip(self._columns or (), columns, strict=False):
            if self._count > len(kept):  # in-place, so that memory does not hold two copies
                kept.resize((max(self._count, len(kept) * 5 // 4), *kept.shape[1:]), refcheck=False)
            kept[before : self._count] = column

    def finish(self) -> Stored:
        """All samples. From now on, `reopen` finds those in a folder."""
        if self._files is not None:
            for file in self._files:
                file.flush()
                if self._folder is not None:
                    os.fsync(file.fileno())
        if self._folder is not None:
            columns = zip(self._forms, self._checksums, strict=True)
            entries = [{"dtype": d.name, "shape": s, "checksum": c} for (d, s), c in columns]
            index = {"names": self._names, "count": self._count, "columns": entries}
            write_facts(self._folder / _INDEX, index)
        if self._columns is not None:
            arrays = self._columns
            for array in arrays:
                array.resize((self._count, *array.shape[1:]), refcheck=False)
        else:
            assert self._files is not None
            forms = zip(self._files, self._forms, strict=True)
            arrays = [_mapped(file, dtype, (self._count, *shape)) for file, (dtype, shape) in forms]
        stored = Stored(dict(zip(self._names, arrays, strict=False)), arrays[-1], self._columns is not None)
        self._columns = None
        self.close()
        return stored

    def close(self) -> None:
        """Close the files; those without a name disappear when nothing maps them any more."""
        for file in self._files or ():
            file.close()

    def _open_files(self, count: int) -> None:
        """Open the files, and write the samples that are in memory."""
        folder = Path(tempfile.gettempdir()) if self._folder is None else self._folder
        private_folder(folder)
        given = self._limits.disk_bytes
        self._disk_bytes = shutil.disk_usage(folder).free // 2 if given is None else given
        numbers = range(len(self._forms))
        if self._folder is None:
            self._files = [tempfile.TemporaryFile() for _ in numbers]  # noqa: SIM115  (closed by `close`)
        else:
            (self._folder / _INDEX).unlink(missing_ok=True)
            self._files = [open_private(_column(folder, i), "wb+") for i in numbers]
        self._checksums = [0] * len(self._forms)
        if count and self._columns is not None:
            self._write([column[:count] for column in self._columns])

    def _write(self, columns: list[np.ndarray]) -> None:
        assert self._files is not None
        if self._bytes > self._disk_bytes:
            raise UpdateError(
                f"the training data are too large to store: {self._count} samples take {_size(self._bytes)}, and at "
                f"most {_size(self._disk_bytes)} are allowed; pass a larger disk_bytes"
            )
        for i, (file, column) in enumerate(zip(self._files, columns, strict=True)):
            data = column.reshape(-1).view(np.uint8).data
            file.write(data)
            self._checksums[i] = zlib.crc32(data, self._checksums[i])


def reopen(folder: Path, limits: Limits) -> Stored | None:
    """The samples that another process has stored in a folder; None if they are incomplete or damaged."""
    try:
        index = read_facts(folder / _INDEX)
        names, count = index["names"], index["count"]
        arrays: list[np.ndarray] = []
        for i, entry in enumerate(index["columns"]):
            with open_regular(_column(folder, i)) as file:  # opening a pipe would block
                array = _mapped(file, np.dtype(entry["dtype"]), (count, *entry["shape"]))
            if _checksum(array) != entry["checksum"]:
                return None
            arrays.append(array)
        *blobs, target = arrays
        small = sum(array.nbytes for array in arrays) <= limits.memory_bytes
        if small:
            *blobs, target = map(np.array, arrays)
        return Stored(dict(zip(names, blobs, strict=True)), target, small)
    except (OSError, UpdateError, ValueError, LookupError, TypeError, OverflowError):
        return None


def remove(folder: Path) -> None:
    """Delete the samples in a folder."""
    shutil.rmtree(folder, ignore_errors=True)


def _column(folder: Path, number: int) -> Path:
    return folder / f"{number}.bin"


def _mapped(file: IO[bytes], dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    return np.memmap(file, np.uint8, "r", shape=(int(np.prod(shape)) * dtype.itemsize,)).view(dtype).reshape(shape)


def _checksum(array: np.ndarray) -> int:
    flat, checksum = array.reshape(-1).view(np.uint8), 0
    for start in range(0, flat.size, 2**24):
        checksum = zlib.crc32(flat[start : start + 2**24].data, checksum)
    return checksum


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"
