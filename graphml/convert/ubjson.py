"""Universal Binary JSON (draft 12), the format of XGBoost's `.ubj` files."""

from __future__ import annotations

from typing import Any

import numpy as np

_DEEPEST = 64  # nested containers
_MOST_REPEATED = 1 << 20  # values without bytes, such as null, in a typed array, which take no space in the file
_NUMBERS = {
    b"i": ">i1",
    b"U": ">u1",
    b"I": ">i2",
    b"l": ">i4",
    b"L": ">i8",
    b"d": ">f4",
    b"D": ">f8",
}
_CONSTANTS = {b"Z": None, b"T": True, b"F": False}


def loads(content: bytes) -> Any:
    """Decode one value.

    Args:
        content: The bytes.

    Returns:
        None, a bool, int, float, str, a list, a dict with str keys, or a NumPy array for a typed array of numbers.

    Raises:
        ValueError: The bytes are not Universal Binary JSON.
    """
    reader = _BinaryJson(content)
    value = reader.value(reader.marker(), 0)
    reader.refuse_rest()
    return value


class _BinaryJson:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def marker(self) -> bytes:
        """The next marker; no-ops are skipped."""
        while (found := self._take(1)) == b"N":
            pass
        return found

    def refuse_rest(self) -> None:
        if self._at != len(self._content):
            raise ValueError(f"{len(self._content) - self._at} bytes follow the value")

    def value(self, marker: bytes, depth: int) -> Any:
        if marker in _NUMBERS:
            return self._numbers(_NUMBERS[marker], 1)[0].item()
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker == b"C":
            return self._take(1).decode("ascii")
        if marker in (b"S", b"H"):
            return self._text(self._length(self.marker()))
        if depth >= _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} containers are nested")
        if marker == b"[":
            return self._array(depth + 1)
        if marker == b"{":
            return self._object(depth + 1)
        raise ValueError(f"the marker {marker!r} at byte {self._at - 1} is unknown")

    def _array(self, depth: int) -> Any:
        kind, count, marker = self._header()
        if kind is not None and count is not None:
            if kind in _NUMBERS:
                return self._numbers(_NUMBERS[kind], count)
            if kind in _CONSTANTS and count > _MOST_REPEATED:
                raise ValueError(f"an array of {count} values without bytes")
        found: list[Any] = []
        while marker != b"]" if count is None else len(found) < count:
            found.append(self.value(self._kind(kind, marker), depth))
            marker = self.marker() if count is None else None
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count, marker = self._header()
        found: dict[str, Any] = {}
        done = 0
        while marker != b"}" if count is None else done < count:
            key = self._text(self._length(self.marker() if marker is None else marker))
            found[key] = self.value(self._kind(kind, None), depth)
            marker = self.marker() if count is None else None
            done += 1
        return found

    def _header(self) -> tuple[bytes | None, int | None, bytes | None]:
        """The type and number of values of a container if they are given; otherwise its first marker."""
        kind: bytes | None = None
        marker = self.marker()
        if marker == b"$":
            kind, marker = self._take(1), self.marker()
            if marker != b"#":
                raise ValueError("a typed container does not declare its number of values")
        if marker == b"#":
            return kind, self._length(self.marker()), None
        return kind, None, marker

    def _kind(self, kind: bytes | None, marker: bytes | None) -> bytes:
        if kind is not None:
            return kind
        return self.marker() if marker is None else marker

    def _length(self, marker: bytes) -> int:
        if marker not in (b"i", b"U", b"I", b"l", b"L"):
            raise ValueError(f"expected a length at byte {self._at - 1}, got the marker {marker!r}")
        length = int(self._numbers(_NUMBERS[marker], 1)[0])
        if length < 0:
            raise ValueError(f"the length {length} is negative")
        return length

    def _numbers(self, dtype: str, count: int) -> np.ndarray[Any, Any]:
        return np.frombuffer(self._take(count * np.dtype(dtype).itemsize), dtype)

    def _text(self, length: int) -> str:
        return self._take(length).decode("utf-8")

    def _take(self, length: int) -> bytes:
        if length > len(self._content) - self._at:
            raise ValueError(f"the bytes end at {len(self._content)}, within a value")
        found = self._content[self._at : self._at + length]
        self._at += length
        return found
