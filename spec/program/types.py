"""Types of values: the schema's enum numbers <-> names <-> NumPy dtypes.

A type is called by its name in `operations.tsv`. NumPy has no uint1, uint3 and uint6: arrays of these are uint8, with
one code in each element, and their type must be passed along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import ml_dtypes
import numpy as np
import numpy.typing as npt

from graphml.errors import SpecError, quoted
from graphml.spec.wire.program_pb2 import DataType, TensorType, ValueType

MOST_AXES = 32
"""The most axes of an array; NumPy's own limit is 32 or 64."""


_ml: Any = ml_dtypes  # has no type annotations


class _Element(NamedTuple):
    number: int
    bits: int
    dtype: np.dtype[Any]


def _element(number: int, bits: int, dtype: npt.DTypeLike) -> _Element:
    return _Element(number, bits, np.dtype(dtype))


_ELEMENTS = {
    "bool": _element(DataType.BOOL, 8, np.bool_),
    "string": _element(DataType.STRING, 0, np.object_),
    "float16": _element(DataType.FLOAT16, 16, "<f2"),
    "float32": _element(DataType.FLOAT32, 32, "<f4"),
    "float64": _element(DataType.FLOAT64, 64, "<f8"),
    "bfloat16": _element(DataType.BFLOAT16, 16, _ml.bfloat16),
    "float8_e4m3fn": _element(DataType.FLOAT8E4M3FN, 8, _ml.float8_e4m3fn),
    "float8_e5m2": _element(DataType.FLOAT8E5M2, 8, _ml.float8_e5m2),
    "int4": _element(DataType.INT4, 4, _ml.int4),
    "int8": _element(DataType.INT8, 8, np.int8),
    "int16": _element(DataType.INT16, 16, "<i2"),
    "int32": _element(DataType.INT32, 32, "<i4"),
    "int64": _element(DataType.INT64, 64, "<i8"),
    "uint1": _element(DataType.UINT1, 1, np.uint8),
    "uint2": _element(DataType.UINT2, 2, _ml.uint2),
    "uint3": _element(DataType.UINT3, 3, np.uint8),
    "uint4": _element(DataType.UINT4, 4, _ml.uint4),
    "uint6": _element(DataType.UINT6, 6, np.uint8),
    "uint8": _element(DataType.UINT8, 8, np.uint8),
    "uint16": _element(DataType.UINT16, 16, "<u2"),
    "uint32": _element(DataType.UINT32, 32, "<u4"),
    "uint64": _element(DataType.UINT64, 64, "<u8"),
}
_NAMES = {element.number: name for name, element in _ELEMENTS.items()}
_OF_DTYPE = {element.dtype: name for name, element in _ELEMENTS.items() if name not in ("uint1", "uint3", "uint6")}

NAMES = tuple(_ELEMENTS)
"""The names of all types of elements."""


def name_of(number: int) -> str:
    """The name of a DataType.

    Raises:
        SpecError: If it is UNUSED_TYPE, or newer than this reader.
    """
    if number not in _NAMES:
        raise SpecError(f"the data type {number} is unknown; expected one of {', '.join(sorted(NAMES))}")
    return _NAMES[number]


def number_of(name: str) -> int:
    """The DataType of a name."""
    return _known(name).number


def dtype_of(name: str) -> np.dtype[Any]:
    """The NumPy dtype of arrays of a type, little-endian; uint8 for uint1, uint3 and uint6, object for strings."""
    return _known(name).dtype


def bits_of(name: str) -> int:
    """How many bits an element takes in a file; 0 for strings, which have no fixed size."""
    return _known(name).bits


def name_of_dtype(dtype: npt.DTypeLike) -> str:
    """The name of the type that arrays of a NumPy dtype have; "string" for Python objects and NumPy's strings.

    Raises:
        SpecError: If the format has no such type.
    """
    given = np.dtype(dtype)
    if given.kind in "UT":
        return "string"
    found = _OF_DTYPE.get(given.newbyteorder("<"))
    if found is None:
        raise SpecError(f"the format has no type for arrays of {given}; expected one of {', '.join(sorted(NAMES))}")
    return found


def _known(name: str) -> _Element:
    if name not in _ELEMENTS:
        raise SpecError(f"the type {quoted(name)} is unknown; expected one of {', '.join(sorted(NAMES))}")
    return _ELEMENTS[name]


# Types of the schema --------------------------------------------------------------------------------------------------


def tensor_type(message: ValueType) -> tuple[str, tuple[int | None, ...] | None]:
    """The element type and shape of a tensor type.

    Args:
        message: The type of a tensor, or of a state that holds one.

    Returns:
        The name of the element type, and the shape, with None for a size that is not known before the program runs.
        The shape is None if not even the rank is known.

    Raises:
        SpecError: If it is another kind of type, or damaged.
    """
    kind = message.WhichOneof("type")
    if kind == "stateType":
        message = message.stateType.wrappedType
        kind = message.WhichOneof("type")
    if kind != "tensorType":
        raise SpecError(f"expected the type of a tensor, got {kind or 'none'}")
    return name_of(message.tensorType.dataType), tensor_shape(message.tensorType)


def tensor_shape(tensor: TensorType) -> tuple[int | None, ...] | None:
    """The shape in a type of tensors, as in `tensor_type`.

    Raises:
        SpecError: If rank and sizes contradict each other, or there are more than `MOST_AXES` axes.
    """
    sizes = tensor.dimensions
    if any(size.unknown.variadic for size in sizes if size.HasField("unknown")):
        return None
    if tensor.rank < 0:
        if sizes:
            raise SpecError(f"a tensor of unknown rank has {len(sizes)} sizes; expected none")
        return None
    if tensor.rank != len(sizes):
        raise SpecError(f"a tensor of rank {tensor.rank} has {len(sizes)} sizes")
    if tensor.rank > MOST_AXES:
        raise SpecError(f"a tensor has {tensor.rank} axes; expected at most {MOST_AXES}")
    if any(size.WhichOneof("dimension") is None for size in sizes):
        raise SpecError("a size of a tensor is neither constant nor unknown")
    return tuple(size.constant.size if size.HasField("constant") else None for size in sizes)


def stored_shape(tensor: TensorType) -> tuple[int, ...]:
    """The shape of a stored tensor, in which all sizes are known.

    Raises:
        SpecError: If one is not known, or negative in 64 bits.
    """
    shape = tensor_shape(tensor)
    if shape is None or None in shape:
        raise SpecError(f"the shape of a stored tensor must be known, got {shown_shape(shape)}")
    known = tuple(size for size in shape if size is not None)
    if max(known, default=0) >= 1 << 63:
        raise SpecError(f"a tensor has a size of {max(known)}; expected less than 2**63")
    return known


def value_type(name: str, shape: Sequence[int | None] | None = ()) -> ValueType:
    """The type of a tensor as a message; the inverse of `tensor_type`.

    Args:
        name: The name of the element type.
        shape: The sizes, None for an unknown one. None: the rank is unknown too.
    """
    message = ValueType()
    message.tensorType.dataType = cast("DataType", number_of(name))
    message.tensorType.rank = -1 if shape is None else len(shape)
    for size in shape or ():
        if size is None:
            message.tensorType.dimensions.add().unknown.variadic = False
        else:
            message.tensorType.dimensions.add().constant.size = size
    return message


def shaped(flat: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """`flat` in a shape of equally many elements.

    Raises:
        SpecError: If NumPy does not support such an array, such as an empty one with enormous other sizes.
    """
    try:
        return flat.reshape(shape)
    except ValueError:
        raise SpecError(f"there is no array of shape {shown_shape(shape)}") from None


def shown(message: ValueType) -> str:
    """A type for messages: float32[1, 3, ?], list, dictionary ..."""
    kind = message.WhichOneof("type") or "nothing"
    if kind not in ("tensorType", "stateType"):
        return kind.removesuffix("Type")
    try:
        name, shape = tensor_type(message)
    except SpecError:
        return "a damaged type"
    return f"{name}{shown_shape(shape)}"


def shown_shape(shape: Sequence[int | None] | None) -> str:
    """A shape for messages: [1, 3, ?], or [...] if the rank is not known."""
    if shape is None:
        return "[...]"
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"
