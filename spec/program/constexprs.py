"""Constants of programs: `const` and `constexpr_*` operations -> arrays and compressed weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from graphml.errors import SpecError, quoted
from graphml.spec.program.compression import (
    AffineWeights,
    BlockwiseWeights,
    CastWeights,
    PalettizedWeights,
    SparseWeights,
)
from graphml.spec.program.operations import operations
from graphml.spec.program.packing import packed_size, unpack
from graphml.spec.program.types import bits_of, shown_shape, tensor_type
from graphml.spec.program.values import WeightFiles, decode
from graphml.spec.weights import CompressedWeight
from graphml.spec.wire.program_pb2 import Operation, Value

MOST_NESTED = 8
"""The maximum depth of nested compressed weights; four are useful."""

LONGEST_VECTOR = 256
"""The longest entry of a lookup table: otherwise a few bytes could expand to any number of elements."""


class StoredConstant(NamedTuple):
    """A constant value of a program.

    Attributes:
        value: What `values.decode` returns, a CompressedWeight, or a `Nonzero`.
        type: The name of the element type of a tensor; empty for other values.
    """

    value: Any
    type: str = ""


@dataclass(frozen=True, eq=False)
class Nonzero:
    """The stored elements of a sparse weight, passed from one operation to the next.

    Attributes:
        weights: The whole weight.
    """

    weights: SparseWeights


def is_constant(operation: Operation) -> bool:
    """Whether an operation is a constant of the program."""
    return operation.type == "const" or operation.type.startswith("constexpr_")


def constants(
    operation: Operation, known: Callable[[str], StoredConstant], weights: WeightFiles | None = None
) -> list[StoredConstant]:
    """The outputs of a `const` or `constexpr_*` operation.

    Args:
        operation: The operation.
        known: Returns the constant of a name that the operation reads; raises SpecError if it is not one.
        weights: The weight files of the model.

    Returns:
        A constant for each output.

    Raises:
        SpecError: If the operation is damaged, or unknown.
    """
    kind = operation.type
    if kind == "const":
        if "val" not in operation.attributes:
            raise SpecError("a constant needs the attribute 'val'")
        return [_constant(operation.attributes["val"], weights)]
    if kind not in _READERS:
        raise SpecError(f"the operation {quoted(kind)} is unknown; expected one of {', '.join(_READERS)}")
    taken = {name for version in operations()[kind].values() for name in version.parameters}
    given = {name: _constant(value, weights) for name, value in operation.attributes.items() if name in taken}
    for name, argument in operation.inputs.items():
        if len(argument.arguments) != 1:
            raise SpecError(f"{quoted(name)} needs one value, got {len(argument.arguments)}")
        binding = argument.arguments[0]
        given[name] = known(binding.name) if binding.HasField("name") else _constant(binding.value, weights)
    return _READERS[kind](_Operands(given))


def _constant(value: Value, weights: WeightFiles | None) -> StoredConstant:
    kind = tensor_type(value.type)[0] if value.type.HasField("tensorType") else ""
    return StoredConstant(decode(value, weights), kind)


class _Operands:
    """The parameters of one operation, checked when they are read."""

    def __init__(self, given: Mapping[str, StoredConstant]) -> None:
        self.given = given

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def type(self, name: str) -> str:
        return self.need(name).type

    def part(self, name: str, types: str) -> Any:
        """An array or compressed weight of one of some types; 4-bit and 2-bit integers become 8-bit ones."""
        stored = self.need(name)
        value: Any = stored.value
        kind = stored.type
        if kind not in types.split():
            raise SpecError(f"{quoted(name)} must be {' or '.join(types.split())}, got {kind or type(value).__name__}")
        if isinstance(value, Nonzero):
            raise SpecError(f"{quoted(name)} is the nonzero data of a sparse weight, which only sparse operations take")
        if _depth(value) >= MOST_NESTED:
            raise SpecError(f"more than {MOST_NESTED} compressed weights are nested")
        if kind in ("int4", "uint4", "uint2") and not isinstance(value, CompressedWeight):
            return value.astype(np.int8) if kind == "int4" else value.view(np.uint8)
        return value

    def array(self, name: str, types: str, ranks: tuple[int, ...] | None = None) -> np.ndarray:
        """An array that is not compressed."""
        value = self.part(name, types)
        if isinstance(value, CompressedWeight):
            raise SpecError(f"{quoted(name)} must not be compressed itself")
        if ranks is not None and value.ndim not in ranks:
            raise SpecError(f"{quoted(name)} must have rank {' or '.join(map(str, ranks))}, got {value.ndim}")
        return value

    def axis(self, name: str, rank: int) -> int:
        """An axis, counted from 0."""
        axis = int(self.array(name, "int32", (0,)))
        if not -rank <= axis < rank:
            raise SpecError(f"{quoted(name)} must be between {-rank} and {rank - 1}, got {axis}")
        return axis % rank

    def shape(self) -> tuple[int, ...]:
        return tuple(int(size) for size in self.array("shape", "uint32", (1,)))

    def need(self, name: str) -> StoredConstant:
        """A parameter as given."""
        if name not in self.given:
            raise SpecError(f"the parameter {quoted(name)} is missing")
        return self.given[name]


def _depth(value: Any) -> int:
    if not isinstance(value, CompressedWeight):
        return 0
    return 1 + max(_depth(getattr(value, name)) for name in value.ARRAYS)


_FLOATS = "float16 float32"
_DATA = "int4 uint4 int8 uint8 float16 float32"
_INDICES = "uint1 uint2 uint3 uint4 uint6 uint8"
_ENTRIES = "int8 uint8 float16 float32"


# iOS 16 ---------------------------------------------------------------------------------------------------------------


def _affine(given: _Operands) -> list[StoredConstant]:
    quantized = given.array("quantized_data", "int8 uint8")
    scale = given.array("scale", _FLOATS, (0, 1))
    zero = given.array("zero_point", "int8 uint8 float32", (0, 1))
    axis = given.axis("axis", quantized.ndim)
    for name, values in (("scale", scale), ("zero_point", zero)):
        if values.ndim and values.size not in (1, quantized.shape[axis]):
            what = f"{quoted(name)} must have 1 or {quantized.shape[axis]} values, got {values.size}"
            raise SpecError(f"{what}; the quantized data is {shown_shape(quantized.shape)}, the axis {axis}")
    return [StoredConstant(AffineWeights(quantized, zero, scale, axis), given.type("scale"))]


def _cast(given: _Operands) -> list[StoredConstant]:
    wanted = given.part("output_dtype", "string")
    if wanted != "fp32":
        raise SpecError(f"'output_dtype' must be 'fp32', got {quoted(str(wanted))}")
    return [StoredConstant(CastWeights(given.part("source_val", "float16")), "float32")]


def _lut_to_dense(given: _Operands) -> list[StoredConstant]:
    kind = given.type("lut")
    if "shape" not in given:
        indices = given.part("indices", _INDICES)
        return [StoredConstant(_palettized(given, indices), kind)]
    lut, packed, shape = given.array("lut", _ENTRIES, (1,)), given.array("indices", "uint8", (1,)), given.shape()
    bits = lut.size.bit_length() - 1
    if lut.size not in (2, 4, 8, 16, 64, 256):
        raise SpecError(f"'lut' must have 2, 4, 8, 16, 64 or 256 entries, got {lut.size}")
    name, count = f"uint{bits}", math.prod(shape)
    _same_size("indices", packed, packed_size(name, count), shape)
    codes = packed if bits == 8 else unpack(packed, name, count).view(np.uint8)
    weights = PalettizedWeights(codes.reshape(shape), lut.reshape([1] * len(shape) + [lut.size, 1]), 0)
    return [StoredConstant(weights, kind)]


def _sparse_to_dense(given: _Operands) -> list[StoredConstant]:
    if "shape" in given:
        shape, mask = given.shape(), given.array("mask", "uint8", (1,))
        _same_size("mask", mask, packed_size("uint1", math.prod(shape)), shape)
    else:
        mask, shape = _packed_mask(given, "mask")
    stored = given.need("nonzero_data")
    return [StoredConstant(_sparse(given, "nonzero_data", mask, shape, _DATA), stored.type)]


# iOS 18 ---------------------------------------------------------------------------------------------------------------


def _blockwise(given: _Operands) -> list[StoredConstant]:
    return [StoredConstant(_shift_scale(given, given.part("data", _DATA), given.type("data")), given.type("scale"))]


def _sparse_blockwise(given: _Operands) -> list[StoredConstant]:
    mask, shape = _packed_mask(given, "data_mask")
    data = _sparse(given, "nonzero_data", mask, shape, _DATA)
    scaled = _shift_scale(given, data, given.type("nonzero_data"))
    whole = SparseWeights(mask, scaled, shape)
    return [given.given["data_mask"], StoredConstant(Nonzero(whole), given.type("scale"))]


def _lut_to_sparse(given: _Operands) -> list[StoredConstant]:
    mask, shape = _packed_mask(given, "indices_mask")
    palettized = _palettized(
        given, _sparse(given, "indices_nonzero_data", mask, shape, _INDICES), "indices_nonzero_data"
    )
    given_mask = given.given["indices_mask"]
    length = palettized.lut.shape[-1]
    if length > 1:
        longer = np.repeat(given_mask.value, length, palettized.vector_axis)
        mask, shape, given_mask = _pack_mask(longer), longer.shape, StoredConstant(longer, "uint1")
    whole = SparseWeights(mask, palettized, shape)
    return [given_mask, StoredConstant(Nonzero(whole), given.type("lut"))]


def _shift_scale(given: _Operands, data: Any, kind: str) -> BlockwiseWeights:
    scale = given.part("scale", _FLOATS)
    _divides("scale", scale.shape, data.shape)
    offset = given.part("offset", _DATA) if "offset" in given else None
    if offset is not None and tuple(offset.shape) != tuple(scale.shape):
        raise SpecError(f"'offset' must have the shape of 'scale' {shown_shape(scale.shape)}, got {list(offset.shape)}")
    return BlockwiseWeights(data, scale, offset, bits_of(kind))


def _palettized(given: _Operands, indices: Any, name: str = "indices") -> PalettizedWeights:
    lut, rank = given.part("lut", _ENTRIES), len(indices.shape)
    if len(lut.shape) != rank + 2:
        raise SpecError(f"'lut' must have rank {rank + 2}, two more than the indices, got {len(lut.shape)}")
    _divides("lut", lut.shape[:-2], indices.shape)
    entries, length = lut.shape[-2:]
    if entries != 1 << bits_of(given.type(name)):
        what = f"'lut' must have {1 << bits_of(given.type(name))} entries for indices of type {given.type(name)}"
        raise SpecError(f"{what}, got {entries}")
    if not 1 <= length <= LONGEST_VECTOR:
        raise SpecError(f"entries of 'lut' must have between 1 and {LONGEST_VECTOR} values, got {length}")
    if length > 1 and "vector_axis" not in given:
        raise SpecError(f"entries of 'lut' have {length} values, so the parameter 'vector_axis' is needed")
    return PalettizedWeights(indices, lut, given.axis("vector_axis", rank) if "vector_axis" in given else 0)


def _sparse(given: _Operands, name: str, mask: np.ndarray, shape: tuple[int, ...], types: str) -> SparseWeights:
    """Stored elements as a weight of the whole shape."""
    value, kind = given.need(name)
    if isinstance(value, Nonzero):
        if value.weights.shape != shape or not np.array_equal(value.weights.mask, mask):
            raise SpecError(f"{quoted(name)} belongs to another mask than that of this operation")
        if kind not in types.split():
            raise SpecError(f"{quoted(name)} must be {' or '.join(types.split())}, got {kind}")
        return value.weights
    stored = given.array(name, types, (1,))
    _check_mask(mask, math.prod(shape), stored.size)
    return SparseWeights(mask, stored, shape)


def _packed_mask(given: _Operands, name: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """A mask with a bit for each element, and its shape."""
    mask = given.array(name, "uint1")
    return _pack_mask(mask), mask.shape


def _pack_mask(mask: np.ndarray) -> np.ndarray:
    return np.packbits(mask.reshape(-1), bitorder="little")


def _check_mask(mask: np.ndarray, count: int, stored: int) -> None:
    if count % 8 and mask[-1] >> (count % 8):
        raise SpecError("unused bits at the end of 'mask' must be 0")
    ones = int(np.bitwise_count(mask).sum())
    if ones != stored:
        raise SpecError(f"the mask has {ones} bits, but {stored} elements are stored")


def _same_size(name: str, array: np.ndarray, expected: int, shape: tuple[int, ...]) -> None:
    if array.size != expected:
        raise SpecError(
            f"{quoted(name)} must have {expected} bytes for the shape {shown_shape(shape)}, got {array.size}"
        )


def _divides(name: str, blocks: tuple[int, ...], shape: tuple[int, ...]) -> None:
    fits = len(blocks) == len(shape) and all(
        count and size % count == 0 for size, count in zip(shape, blocks, strict=True)
    )
    if not fits:
        what = f"the sizes of {quoted(name)} {shown_shape(blocks)} must divide those of the data {shown_shape(shape)}"
        raise SpecError(what)


_READERS: dict[str, Callable[[_Operands], list[StoredConstant]]] = {
    "constexpr_affine_dequantize": _affine,
    "constexpr_blockwise_shift_scale": _blockwise,
    "constexpr_cast": _cast,
    "constexpr_lut_to_dense": _lut_to_dense,
    "constexpr_lut_to_sparse": _lut_to_sparse,
    "constexpr_sparse_blockwise_shift_scale": _sparse_blockwise,
    "constexpr_sparse_to_dense": _sparse_to_dense,
}
