"""Stored values <-> NumPy arrays and plain Python values.

A value is stored in the program itself ("immediate") or in a weight file. A tensor becomes an array of the dtype given
by `types.dtype_of`, and a string of rank 0 a str; lists, tuples and dictionaries become those of Python.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from graphml.errors import SpecError, quoted, reason
from graphml.spec.program.blobs import BLOB_TYPES, BlobFile, BlobWriter
from graphml.spec.program.packing import pack, packed_size, unpack
from graphml.spec.program.types import (
    bits_of,
    dtype_of,
    name_of,
    name_of_dtype,
    shaped,
    shown,
    shown_shape,
    stored_shape,
    value_type,
)
from graphml.spec.wire.program_pb2 import DictionaryType, DictionaryValue, TensorValue, Value, ValueType

WEIGHT_FILE = "@model_path/weights/weight.bin"
"""The name in programs of the weight file that nearly all packages have."""

_LEAST_BLOB = 10  # elements; writers of the format keep smaller arrays in the program
_OLD_BLOB_TYPES = frozenset({"float16", "float32", "uint8", "int8"})
_NEW_BLOBS_SINCE = 18
# the field with the elements of a type; all other types are in `bytes`
_FIELDS = {
    "bool": "bools",
    "string": "strings",
    "float32": "floats",
    "float64": "doubles",
    "int16": "ints",
    "int32": "ints",
    "int64": "longInts",
    "uint16": "ints",
    "uint64": "longInts",
}


# Weight files of a package --------------------------------------------------------------------------------------------


class WeightFiles:
    """The weight files of a model, each opened when it is first asked for.

    Args:
        folder: The folder of weights; None for a model that has none. It need not exist until a file is asked for.
        inside: The folder that no symbolic link may leave: the package. None: `folder` itself.
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None = None, inside: str | os.PathLike[str] | None = None
    ) -> None:
        self.folder = None if folder is None else Path(folder)
        self._inside = self.folder if inside is None else Path(inside)
        self._opened: dict[str, BlobFile] = {}

    def __repr__(self) -> str:
        return f"WeightFiles({None if self.folder is None else str(self.folder)!r})"

    def file(self, name: str) -> BlobFile:
        """The weight file of a name in the program. Only the last part of the name counts.

        Raises:
            SpecError: If there is no such file inside the folder, or it is not a weight file.
        """
        last = name.replace("\\", "/").rpartition("/")[2]
        if last not in self._opened:
            self._opened[last] = BlobFile(self._path(name, last))
        return self._opened[last]

    def digests(self) -> tuple[tuple[str, str], ...]:
        """(name, hash of the content) of the files that are open, in alphabetical order."""
        return tuple((name, self._opened[name].digest) for name in sorted(self._opened))

    def _path(self, name: str, last: str) -> Path:
        if last in ("", ".", "..") or "\0" in last:
            raise SpecError(f"{quoted(name)} does not name a weight file")
        if self.folder is None or self._inside is None:
            raise SpecError(f"the weights are in {quoted(name)}, a file of a package; this model has no package")
        path = Path(os.path.realpath(self.folder / last))
        if not path.is_relative_to(os.path.realpath(self._inside)):
            raise SpecError(f"the weight file {quoted(name)} leaves the package: it leads to {str(path)!r}")
        try:
            path.stat()
        except FileNotFoundError:
            what = f"the weight file {quoted(name)} is missing; expected it as {str(self.folder / last)!r}"
            raise SpecError(what) from None
        except OSError as error:  # such as a name that is too long
            raise SpecError(f"the weight file {quoted(name)} cannot be opened: {reason(error)}") from None
        return path


# Reading --------------------------------------------------------------------------------------------------------------


def decode(value: Value, weights: WeightFiles | None = None) -> Any:
    """Read a stored value.

    Args:
        value: The message.
        weights: The weight files of its model.

    Returns:
        An array, read-only if it is in a weight file, for a tensor; a str for a string of rank 0; otherwise a list,
        tuple or dict of such. (Any: the type depends on the message.)

    Raises:
        SpecError: If the message is damaged, or its weight file is missing or damaged.
    """
    which = value.WhichOneof("value")
    if which is None:
        raise SpecError("the value is missing")
    kind = value.type.WhichOneof("type") or "none"
    if which == "blobFileValue":
        if kind != "tensorType":
            raise SpecError(f"a value in a weight file must be a tensor, got {shown(value.type)}")
        name, shape = name_of(value.type.tensorType.dataType), stored_shape(value.type.tensorType)
        blob = value.blobFileValue
        return (weights or WeightFiles()).file(blob.fileName).read(blob.offset, name, shape)
    content = value.immediateValue
    held = content.WhichOneof("value") or "nothing"
    if kind != f"{held}Type":
        raise SpecError(f"the value has the type {shown(value.type)}, but holds {held}")
    if held == "tensor":
        name, shape = name_of(value.type.tensorType.dataType), stored_shape(value.type.tensorType)
        return _tensor(content.tensor, name, shape)
    if held == "dictionary":
        return _dictionary(content.dictionary, weights)
    items = (content.tuple if held == "tuple" else content.list).values
    if held == "tuple" and len(items) != len(value.type.tupleType.types):
        raise SpecError(f"a tuple of {len(value.type.tupleType.types)} values holds {len(items)}")
    decoded = [decode(item, weights) for item in items]
    return tuple(decoded) if held == "tuple" else decoded


def _dictionary(content: DictionaryValue, weights: WeightFiles | None) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for pair in content.values:
        key = decode(pair.key, weights)
        if getattr(key, "ndim", None) == 0:
            key = key.item()
        if not isinstance(key, str | int | float):
            raise SpecError(f"keys of a dictionary must be strings or numbers, got {shown(pair.key.type)}")
        found[key] = decode(pair.value, weights)
    return found


def _tensor(content: TensorValue, name: str, shape: tuple[int, ...]) -> Any:
    count = math.prod(shape)
    field, wanted = content.WhichOneof("value"), _FIELDS.get(name, "bytes")
    if field is None and count == 0:
        return shaped(np.empty(0, dtype_of(name)), shape)
    if field != wanted:
        raise SpecError(f"elements of type {name} must be in {wanted!r}, got {field or 'nothing'!r}")
    values: Any = getattr(content, wanted).values
    expected = packed_size(name, count) if field == "bytes" else count
    if len(values) != expected:
        unit = "bytes" if field == "bytes" else "elements"
        raise SpecError(f"expected {expected} {unit} for {name}{shown_shape(shape)}, got {len(values)}")
    if field == "bytes":
        packed = np.frombuffer(values, np.uint8)
        flat = packed.view(dtype_of(name)) if bits_of(name) >= 8 else unpack(packed, name, count)
    elif name == "string":
        if not shape:
            return values[0]
        flat = np.array([*values, None], np.object_)[:-1]  # None keeps NumPy from inspecting the strings
    else:
        flat = _numbers(values, name)
    return shaped(flat, shape)


def _numbers(values: Any, name: str) -> np.ndarray:
    if name in ("int16", "uint16"):
        wide = np.array(values, np.int32)
        limits = np.iinfo(dtype_of(name))
        if wide.size and not (limits.min <= wide.min() and wide.max() <= limits.max):
            raise SpecError(f"elements of type {name} are from {wide.min()} to {wide.max()}, which does not fit")
        return wide.astype(dtype_of(name))
    if name == "uint64":  # the list of the schema is signed
        return np.array(values, np.int64).view(np.uint64)
    return np.array(values, dtype_of(name))


# Writing --------------------------------------------------------------------------------------------------------------


def encode(
    value: Any,
    name: str | None = None,
    *,
    blobs: BlobWriter | None = None,
    file: str = WEIGHT_FILE,
    version: int = 15,
) -> Value:
    """Store a value; the inverse of `decode`.

    Args:
        value: An array, or a list, tuple or dict of values. Python's numbers become bool, int32 and float32.
        name: The type of an array or number if its dtype does not determine it: uint1, uint3 and uint6 are uint8 in
            NumPy.
        blobs: Takes an array of 10 elements or more, if weight files can hold its type. None: it stays in the program.
        file: The name of the weight file.
        version: The version of the function's operations, as in `operations.OPSETS`; before 18, weight files hold
            fewer types.

    Returns:
        The message.

    Raises:
        SpecError: If the format has no type for the value.
    """
    message = Value()
    if isinstance(value, dict):
        _encode_dictionary(cast("Mapping[Any, Any]", value), message)
    elif isinstance(value, list | tuple):
        _encode_items(isinstance(value, tuple), [encode(item) for item in cast("Sequence[Any]", value)], message)
    else:
        array = _array(value)
        name = name or name_of_dtype(array.dtype)
        _encode_tensor(array, name, message, blobs if _goes_to_blobs(array, name, version) else None, file)
    return message


def _goes_to_blobs(array: np.ndarray, name: str, version: int) -> bool:
    return array.size >= _LEAST_BLOB and name in (BLOB_TYPES if version >= _NEW_BLOBS_SINCE else _OLD_BLOB_TYPES)


def _encode_tensor(array: np.ndarray, name: str, message: Value, blobs: BlobWriter | None, file: str) -> None:
    if name != "string":
        array = np.asarray(array, dtype_of(name))
    message.type.CopyFrom(value_type(name, array.shape))
    if blobs is not None:
        message.blobFileValue.fileName = file
        message.blobFileValue.offset = blobs.add(array, name)
        return
    flat, content = array.reshape(-1), message.immediateValue.tensor
    field = _FIELDS.get(name, "bytes")
    if field == "bytes":
        content.bytes.values = pack(flat, name) if bits_of(name) < 8 else flat.tobytes()
        return
    target: Any = getattr(content, field)
    target.SetInParent()  # an empty list is still a list
    target.values.extend((flat.view(np.int64) if name == "uint64" else flat).tolist())


def _array(value: Any) -> np.ndarray:
    if isinstance(value, bool | np.generic | np.ndarray):
        return np.asarray(value)
    if isinstance(value, int | float):
        return np.asarray(value, np.int32 if isinstance(value, int) else np.float32)
    if isinstance(value, str):
        return np.asarray(value, np.object_)
    raise SpecError(f"the format has no type for a value of type {type(value).__name__}")


def _encode_items(is_tuple: bool, items: Sequence[Value], message: Value) -> None:
    if is_tuple:
        message.type.tupleType.types.extend(item.type for item in items)
        message.immediateValue.tuple.values.extend(items)
        message.immediateValue.tuple.SetInParent()
        return
    message.type.listType.type.CopyFrom(_common_type([item.type for item in items]))
    message.type.listType.length.constant.size = len(items)
    message.immediateValue.list.values.extend(items)
    message.immediateValue.list.SetInParent()


def _common_type(types: Sequence[ValueType]) -> ValueType:
    """The type of all entries of a list."""
    for other in types[1:]:
        if other != types[0]:
            raise SpecError(f"entries of a list have one type, got {shown(types[0])} and {shown(other)}")
    return types[0] if types else value_type("string")


def _encode_dictionary(value: Mapping[Any, Any], message: Value) -> None:
    kind: DictionaryType = message.type.dictionaryType
    content = message.immediateValue.dictionary
    content.SetInParent()
    for key, item in value.items():
        content.values.add(key=encode(key), value=encode(item))
    kind.keyType.CopyFrom(_common_type([pair.key.type for pair in content.values]))
    kind.valueType.CopyFrom(_common_type([pair.value.type for pair in content.values]))
