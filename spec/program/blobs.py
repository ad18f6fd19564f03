"""Weight files: arrays of weights beside a program, read without copying them.

The file begins with a header of 64 bytes: the number of blobs and the version 2, both uint32. Each blob is a record of
64 bytes, to which programs point, and its data, at an offset that is in the record. All numbers are little-endian;
records and data start at multiples of 64.
"""

from __future__ import annotations

import functools
import hashlib
import math
import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from graphml.errors import SpecError, reason
from graphml.spec.files.disk import open_regular
from graphml.spec.program.packing import pack, packed_size, unpack
from graphml.spec.program.types import bits_of, dtype_of, shaped, shown_shape

BLOB_TYPES = {
    "float16": 1,
    "float32": 2,
    "uint8": 3,
    "int8": 4,
    "bfloat16": 5,
    "int16": 6,
    "uint16": 7,
    "int4": 8,
    "uint1": 9,
    "uint2": 10,
    "uint4": 11,
    "uint3": 12,
    "uint6": 13,
    "int32": 14,
    "uint32": 15,
    "float8_e4m3fn": 16,
    "float8_e5m2": 17,
}
"""The number of each type that a weight file can hold."""

_TYPE_NAMES = {number: name for name, number in BLOB_TYPES.items()}
_HEADER = struct.Struct("<II56x")
_RECORD = struct.Struct("<IIQQQ32x")
_SENTINEL = 0xDEADBEEF
_VERSION = 2
_ALIGNMENT = 64
_CHUNK = 1 << 20  # bytes that are copied at a time
_SIZE = 64  # of the header, and of each record
_MAPS = (
    os.name != "nt"
)  # Windows neither removes nor replaces a file that is mapped, as a package may be while it is used


class _Record(NamedTuple):
    sentinel: int
    number: int
    size: int
    start: int
    padding: int  # unused bits; valid only for types of fewer than 8 bits, since old writers leave noise here


class BlobFile:
    """A weight file, mapped into memory; on Windows, read.

    Args:
        path: The file.

    Raises:
        SpecError: If it cannot be opened, or is not a weight file. The error names the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        # arrays in use only: otherwise a small file could fill the memory, with eight times its size for each type
        self._unpacked: WeakValueDictionary[tuple[int, str], np.ndarray] = WeakValueDictionary()
        try:
            with open_regular(self.path) as opened:
                size = os.fstat(opened.fileno()).st_size
                if size < _SIZE:
                    raise self._error(f"the file has {size} bytes; expected a header of {_SIZE}")
                content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) if _MAPS else opened.read()
        except (OSError, ValueError) as error:
            raise self._error(f"the weight file cannot be opened: {reason(error)}") from error
        self._bytes: np.ndarray = np.frombuffer(content, np.uint8)
        self.count, version = _HEADER.unpack_from(content)
        if version != _VERSION:
            raise self._error(f"the weight file has version {version}; expected {_VERSION}")

    def __repr__(self) -> str:
        return f"BlobFile({str(self.path)!r})"

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        return self._bytes.size

    @functools.cached_property
    def digest(self) -> str:
        """A hash of the whole content."""
        return hashlib.sha256(self._bytes.data).hexdigest()

    def read(self, offset: int, name: str, shape: Sequence[int]) -> np.ndarray:
        """The array whose record is at `offset`.

        Args:
            offset: Where the record is.
            name: The type that the program declares.
            shape: The shape that the program declares.

        Returns:
            A read-only array of the dtype given by `dtype_of`: a view of the file, except for types of fewer than 8
            bits, which are unpacked; arrays of one blob then share their memory.

        Raises:
            SpecError: If there is no such array. The error names file and offset.
        """
        start, size = self.extent(offset, name, shape)
        if bits_of(name) >= 8:
            return shaped(self._bytes[start : start + size].view(dtype_of(name)), shape)
        flat = self._unpacked.get((offset, name))
        if flat is None:
            flat = unpack(self._bytes[start : start + size], name, math.prod(shape))
            flat = flat if flat.base is None else flat.copy()  # a view does not keep another view alive
            flat.flags.writeable = False
            self._unpacked[offset, name] = flat
        return shaped(flat, shape)

    def extent(self, offset: int, name: str, shape: Sequence[int]) -> tuple[int, int]:
        """Where the data of a blob starts, and how many bytes it has; checked as in `read`, without reading the data.

        Raises:
            SpecError: If there is no such array. The error names file and offset.
        """
        record = self._record(offset)
        found = _TYPE_NAMES.get(record.number, f"of the unknown type {record.number}")
        if found != name:
            raise self._error(f"the blob is {found}; the program expects {name}", offset)
        count = math.prod(shape)
        size = packed_size(name, count)
        if record.size != size:
            what = f"the blob has {record.size} bytes; expected {size} for {name}{shown_shape(shape)}"
            raise self._error(what, offset)
        unused = size * 8 - count * bits_of(name)
        if bits_of(name) < 8 and record.padding != unused:
            what = f"the blob has {record.padding} unused bits at its end; expected {unused} for "
            raise self._error(what + f"{name}{shown_shape(shape)}", offset)
        return record.start, record.size

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of the file from `start` to before `stop`, in pieces."""
        for place in range(start, stop, _CHUNK):
            yield self._bytes[place : min(place + _CHUNK, stop)].tobytes()

    def _record(self, offset: int) -> _Record:
        if offset < _SIZE or offset % _ALIGNMENT:
            raise self._error(f"a blob starts at a multiple of {_ALIGNMENT} after the header of {_SIZE} bytes", offset)
        if offset + _SIZE > self.size:
            raise self._error(f"the blob starts beyond the end of the file, which has {self.size} bytes", offset)
        record = _Record(*_RECORD.unpack(self._bytes[offset : offset + _SIZE].tobytes()))
        if record.sentinel != _SENTINEL:
            raise self._error(f"there is no blob: it starts with {record.sentinel:#x}, expected {_SENTINEL:#x}", offset)
        end = record.start + record.size
        if end > self.size:
            what = f"the data of the blob ends at {end}; expected at most {self.size}, the size of the file"
            raise self._error(what, offset)
        inside = offset - record.size < record.start < offset + _SIZE  # of the record itself
        if record.start < _SIZE or record.start % _ALIGNMENT or (record.size and inside):
            what = f"the data of the blob starts at {record.start}; expected a multiple of {_ALIGNMENT} outside of "
            raise self._error(what + "the header and the blob's record", offset)
        return record

    def _error(self, what: str, offset: int | None = None) -> SpecError:
        place = "" if offset is None else f", offset {offset}"
        return SpecError(f"{self.path.name}{place}\n  {what}")


class BlobWriter:
    """Builds a weight file. Equal arrays added in equal order give equal bytes.

    Args:
        share: Whether a blob that was added before, of the same type and content, is used again.
    """

    def __init__(self, *, share: bool = True) -> None:
        self._blobs: list[tuple[str, np.ndarray]] = []
        self._end = _SIZE
        self._share = share
        self._known: dict[tuple[str, bytes], int] = {}

    def __len__(self) -> int:
        return len(self._blobs)

    def add(self, array: np.ndarray, name: str) -> int:
        """Add an array.

        Args:
            array: Of the dtype given by `dtype_of`. It must not change before the file is written.
            name: The type.

        Returns:
            The offset to store in the program.

        Raises:
            SpecError: If a weight file cannot hold the type.
        """
        if name not in BLOB_TYPES:
            raise SpecError(f"a weight file cannot hold {name}; expected one of {', '.join(BLOB_TYPES)}")
        data = stored_bytes(array, name)
        key = (name, _digest(data)) if self._share else None
        if key is not None and key in self._known:
            return self._known[key]
        offset = -(-self._end // _ALIGNMENT) * _ALIGNMENT
        self._blobs.append((name, array))
        self._end = offset + _SIZE + data.size
        if key is not None:
            self._known[key] = offset
        return offset

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file, in pieces of the size of an array."""
        yield _HEADER.pack(len(self._blobs), _VERSION)
        end = _SIZE
        for name, array in self._blobs:
            yield bytes(-end % _ALIGNMENT)
            offset = end + -end % _ALIGNMENT
            data = stored_bytes(array, name)
            padding = data.size * 8 - array.size * bits_of(name) if bits_of(name) < 8 else 0
            yield _RECORD.pack(_SENTINEL, BLOB_TYPES[name], data.size, offset + _SIZE, padding)
            yield data.tobytes()
            end = offset + _SIZE + data.size


def stored_bytes(array: np.ndarray, name: str) -> np.ndarray:
    """The bytes of an array in the file, flat; a view if possible."""
    if bits_of(name) < 8:
        return np.frombuffer(pack(array, name), np.uint8)
    return np.ascontiguousarray(array, dtype_of(name)).reshape(-1).view(np.uint8)


def _digest(data: np.ndarray) -> bytes:
    return hashlib.sha256(data.data).digest()
