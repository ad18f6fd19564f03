"""Stored weights <-> NumPy arrays, in every storage of the format.

A weight decodes to one of three forms, always in the layout of the file:

- a float32 or float16 array (float16 is converted where it is used),
- a `Quantized`: codes with a scale and bias, or with a table (dequantized where it is used),
- an int8 array, for layers that compute in 8 bits (`int8RawValue`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt

from graphml.errors import SpecError
from graphml.spec.wire.weights_pb2 import WeightParams

_ALIGNMENT = 64  # bytes: XLA uses an aligned host buffer in place, and copies any other


class CompressedWeight(ABC):
    """A weight that is stored in fewer bytes than its array. A subclass is a frozen dataclass."""

    ARRAYS: ClassVar[tuple[str, ...]]
    """The fields that hold arrays, of NumPy or JAX, or compressed weights; the others hold plain values."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of the weight."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the dequantized weight."""

    @abstractmethod
    def dequantize(self) -> Any:
        """The weight itself: a NumPy array if the fields are NumPy arrays, a JAX array if they are JAX arrays."""

    def __repr__(self) -> str:
        parts = ", ".join(f"{field.name}={_briefly(getattr(self, field.name))}" for field in fields(cast("Any", self)))
        return f"{type(self).__name__}({parts})"


def _briefly(value: Any) -> str:
    """A short form of a field of a compressed weight: of an array its type and shape."""
    if isinstance(value, CompressedWeight) or getattr(value, "shape", None) is None:
        return repr(value)
    return f"{value.dtype}{list(value.shape)}"


@dataclass(frozen=True, eq=False, repr=False)
class Quantized(CompressedWeight):
    """A quantized weight: value = codes * scale + bias, or value = table[codes].

    Attributes:
        codes: uint8 (int8 for `int8RawValue`), in the shape of the weight.
        scale: float32 that broadcasts to the codes: one value, or one for each output channel. None with a table.
        bias: Like scale, or None.
        table: float32 with 2 ** bits values, or None.
        bits: How many bits a code takes in the file, 1 to 8.
    """

    codes: np.ndarray
    scale: np.ndarray | None
    bias: np.ndarray | None
    table: np.ndarray | None
    bits: int = 8

    ARRAYS: ClassVar = ("codes", "scale", "bias", "table")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    @property
    def dtype(self) -> np.dtype[np.float32]:
        return np.dtype(np.float32)

    def dequantize(self) -> Any:
        if self.table is not None:
            return self.table[self.codes.astype(np.int32)]
        assert self.scale is not None, "linear quantization has a scale"
        value = self.codes.astype(np.float32) * self.scale
        return value if self.bias is None else value + self.bias


Weight = np.ndarray | Quantized


def aligned(values: np.ndarray | bytes | memoryview, dtype: npt.DTypeLike) -> np.ndarray:
    """A flat copy of `values` in memory that starts at a multiple of 64 bytes, so that JAX need not copy it again."""
    source = np.frombuffer(values, dtype) if not isinstance(values, np.ndarray) else values.reshape(-1)
    out = aligned_empty(source.shape, dtype)
    out[...] = source
    return out


def aligned_empty(shape: Sequence[int], dtype: npt.DTypeLike) -> np.ndarray:
    """An uninitialized array in memory that starts at a multiple of 64 bytes."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


def storage(message: WeightParams) -> str:
    """How a WeightParams is stored: float32, float16, raw, int8, empty, or linearN and tableN with N bits."""
    if message.HasField("quantization"):
        bits = message.quantization.numberOfBits
        kind = message.quantization.WhichOneof("QuantizationType")
        return f"{'table' if kind == 'lookupTableQuantization' else 'linear'}{bits}"
    if len(message.floatValue):
        return "float32"
    if message.float16Value:
        return "float16"
    if message.int8RawValue:
        return "int8"
    return "raw" if message.rawValue else "empty"


def stored_count(message: WeightParams) -> int:
    """The number of values in a WeightParams, for weights whose shape no field declares."""
    if message.HasField("quantization") and message.rawValue:
        bits = message.quantization.numberOfBits
        return len(message.rawValue) * 8 // bits if bits else 0
    return max(
        len(message.floatValue), len(message.float16Value) // 2, len(message.rawValue) // 4, len(message.int8RawValue)
    )


def faults(message: WeightParams, shape: Sequence[int], *, axis: int = 0) -> Iterator[str]:
    """Find everything that is wrong with a stored weight. Only counts are compared; nothing is allocated.

    Args:
        message: The weight.
        shape: The shape that the layer declares.
        axis: The axis of output channels.

    Returns:
        A sentence for each fault.
    """
    if len(shape) > _MOST_AXES:
        yield f"the declared shape has {len(shape)} axes; expected at most {_MOST_AXES}"
        return
    shape = tuple(int(n) for n in shape)
    expected = math.prod(shape)
    if min(shape, default=1) < 0:
        yield f"the declared shape {shape} has a negative size"
    fields = [field for field in _STORAGES if len(getattr(message, field))]
    if len(fields) > 1:
        yield f"weights are stored twice, as {' and '.join(fields)}; expected one of them"
    elif message.HasField("quantization"):
        yield from _quantized_faults(message, fields, shape, expected, axis)
    elif not fields:
        if expected != 0:
            yield f"expected {expected} weights {shape}, got none"
    else:
        size = len(getattr(message, fields[0]))
        if size % _STORAGES[fields[0]]:
            yield f"the size of {fields[0]} must be a multiple of {_STORAGES[fields[0]]} bytes, got {size}"
        elif size // _STORAGES[fields[0]] != expected:
            yield f"expected {expected} weights {shape}, got {size // _STORAGES[fields[0]]}"


# Entries that hold one weight, by field; rawValue without quantization is float32.
_STORAGES = {"floatValue": 1, "float16Value": 2, "rawValue": 4, "int8RawValue": 1}
_MOST_AXES = 32


def _quantized_faults(
    message: WeightParams, fields: list[str], shape: tuple[int, ...], expected: int, axis: int
) -> Iterator[str]:
    quantization = message.quantization
    bits = quantization.numberOfBits
    kind = quantization.WhichOneof("QuantizationType")
    if not 1 <= bits <= 8:
        yield f"quantized weights must have 1 to 8 bits, got {bits}"
        return
    if fields in (["floatValue"], ["float16Value"]):
        yield f"quantized weights must be stored in rawValue or int8RawValue, got {fields[0]}"
        return
    if fields == ["int8RawValue"]:
        if bits != 8:
            yield f"weights in int8RawValue must have 8 bits, got {bits}"
        if kind == "lookupTableQuantization":
            yield "weights in int8RawValue must have linear quantization, got a lookup table"
        if len(message.int8RawValue) != expected:
            yield f"expected {expected} weights {shape}, got {len(message.int8RawValue)}"
    else:
        needed = (expected * bits + 7) // 8
        if len(message.rawValue) != needed:
            yield f"expected {needed} bytes for {expected} weights {shape} of {bits} bits, got {len(message.rawValue)}"
    if kind is None:
        yield "quantized weights need the parameters of linear quantization or a lookup table"
    elif kind == "lookupTableQuantization":
        entries = len(quantization.lookupTableQuantization.floatValue)
        if entries != 2**bits:
            yield f"a lookup table for {bits} bits must have {2**bits} entries, got {entries}"
    else:
        if not quantization.linearQuantization.scale:
            yield "linear quantization needs a scale"
        channels = shape[_channel_axis(shape, axis)] if shape else 1
        for name in ("scale", "bias"):
            count = len(getattr(quantization.linearQuantization, name))
            if count not in (0, 1, channels):
                yield f"quantization {name} must have 1 or {channels} (output channels) values, got {count}"


def check(message: WeightParams, shape: Sequence[int], *, axis: int = 0) -> None:
    """Raise SpecError where `faults` finds any."""
    for fault in faults(message, shape, axis=axis):
        raise SpecError(fault)


def decode(message: WeightParams, shape: Sequence[int], *, axis: int = 0) -> Weight:
    """Decode a stored weight.

    Args:
        message: The weight.
        shape: The shape that the layer declares. The number of stored values must agree with it.
        axis: The axis of output channels, along which linear quantization may vary.

    Returns:
        The weight, in the declared shape.

    Raises:
        SpecError: If it is damaged or has another number of values.
    """
    check(message, shape, axis=axis)
    shape = tuple(int(n) for n in shape)
    if message.HasField("quantization"):
        return _decode_quantized(message, shape, axis)
    if message.float16Value:
        return aligned(message.float16Value, "<f2").reshape(shape)
    if message.rawValue:
        return aligned(message.rawValue, "<f4").reshape(shape)
    if message.int8RawValue:
        return aligned(message.int8RawValue, np.int8).reshape(shape)
    return _floats(message).reshape(shape)


def _floats(message: WeightParams) -> np.ndarray:
    """`floatValue` as an array. The packed bytes are copied at once, 30 times faster than value by value."""
    size = 4 * len(message.floatValue)
    header = b"\x0a" + _varint(size)
    packed = message.SerializeToString()
    if not packed.startswith(header):  # an unknown field precedes it
        return np.array(message.floatValue, np.float32)
    return aligned(memoryview(packed)[len(header) : len(header) + size], "<f4")


def _decode_quantized(message: WeightParams, shape: tuple[int, ...], axis: int) -> Quantized:
    quantization = message.quantization
    bits = quantization.numberOfBits
    if message.int8RawValue:
        codes = aligned(message.int8RawValue, np.int8)
    else:
        codes = unpack_bits(message.rawValue, bits, math.prod(shape))
    codes = codes.reshape(shape)
    if quantization.HasField("lookupTableQuantization"):
        table = np.array(quantization.lookupTableQuantization.floatValue, np.float32)
        return Quantized(codes, None, None, table, bits)
    linear = quantization.linearQuantization
    return Quantized(codes, _per_channel(linear.scale, shape, axis), _per_channel(linear.bias, shape, axis), None, bits)


def _per_channel(values: Sequence[float], shape: tuple[int, ...], axis: int) -> np.ndarray | None:
    """Scales or biases in a shape that broadcasts to the weight's."""
    if not len(values):
        return None
    array = np.array(values, np.float32)
    return array.reshape([array.size if i == _channel_axis(shape, axis) else 1 for i in range(len(shape))])


def _channel_axis(shape: tuple[int, ...], axis: int) -> int:
    """The axis of output channels; a vector, such as the bias of a deconvolution, has only the first axis."""
    return axis if axis < len(shape) else 0


def quantized_faults(value: Quantized) -> Iterator[str]:
    """Find everything that is wrong with a `Quantized` from an untrusted source.

    Args:
        value: The weight, with NumPy arrays, or None where a file lacks one.

    Returns:
        A sentence for each fault.
    """
    bits, codes, table, scale, bias = value.bits, value.codes, value.table, value.scale, value.bias
    if type(bits) is not int or not 1 <= bits <= 8:
        yield f"quantized weights must have 1 to 8 bits, got {bits!r}"
        return
    dtype = None if cast("Any", codes) is None else np.dtype(codes.dtype)
    if dtype not in (np.dtype(np.uint8), np.dtype(np.int8)):
        yield f"codes must be uint8 or int8, got {dtype}"
        return
    if codes.dtype == np.int8 and (bits != 8 or table is not None):
        yield "int8 codes have 8 bits and no table"
    if codes.size and codes.dtype == np.uint8 and codes.max() >= 2**bits:
        yield f"codes of {bits} bits must be at most {2**bits - 1}, got {codes.max()}"
    if (table is None) == (scale is None):
        yield f"expected either a scale or a table, got {'neither' if scale is None else 'both'}"
    elif table is not None and bias is not None:
        yield "a weight with a table must not have a bias"
    if table is not None and (table.shape != (2**bits,) or table.dtype != np.float32):
        yield f"{bits} bits need a float32 table of {2**bits} values, got {table.dtype}{list(table.shape)}"
    for name, array in (("scale", scale), ("bias", bias)):
        if array is not None and (array.dtype != np.float32 or not _is_along_one_axis(array.shape, codes.shape)):
            given = f"{array.dtype}{list(array.shape)}"
            yield f"the {name} of codes {list(codes.shape)} must be one float32, or one for each channel, got {given}"


def _is_along_one_axis(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether an array of this shape holds one value, or one for each slice of the whole along some axis."""
    wide = [axis for axis, size in enumerate(shape) if size != 1]
    if not wide:
        return len(shape) <= len(whole)
    return len(shape) == len(whole) and len(wide) == 1 and shape[wide[0]] == whole[wide[0]]


def unpack_bits(packed: bytes, bits: int, count: int) -> np.ndarray:
    """Unpack `count` codes of `bits` bits each, stored without gaps, most significant bit first."""
    if bits == 8:
        return aligned(packed, np.uint8)[:count]
    stream = np.unpackbits(np.frombuffer(packed, np.uint8))[: count * bits].reshape(count, bits)
    return np.packbits(stream, axis=1).ravel() >> (8 - bits)


def pack_bits(codes: np.ndarray, bits: int) -> bytes:
    """The inverse of `unpack_bits`; the last byte is padded with zeros."""
    spread = np.unpackbits(codes.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - bits :]
    return np.packbits(spread.ravel()).tobytes()


def encode(value: Any, message: WeightParams) -> None:
    """Store a weight.

    Args:
        value: An array or `Quantized`. float16 and int8 arrays keep their dtype; others are stored as float32.
        message: The WeightParams to fill in. Its isUpdatable is kept.

    Raises:
        SpecError: If a `Quantized` has neither scale nor table, or a table of the wrong size.
    """
    updatable = message.isUpdatable
    message.Clear()
    message.isUpdatable = updatable
    if isinstance(value, Quantized):
        _encode_quantized(value, message)
        return
    array = np.asarray(value)
    if array.dtype == np.float16:
        message.float16Value = array.astype("<f2").tobytes()
    elif array.dtype == np.int8:
        message.int8RawValue = array.tobytes()
    else:
        # parsing packed bytes is much faster than extending a repeated field value by value
        packed = array.astype("<f4").tobytes()
        if packed:
            message.MergeFromString(b"\x0a" + _varint(len(packed)) + packed)


def _encode_quantized(value: Quantized, message: WeightParams) -> None:
    quantization = message.quantization
    codes = np.asarray(value.codes)
    if value.table is not None:
        table = np.asarray(value.table, np.float32)
        if table.size != 2**value.bits:
            raise SpecError(f"a lookup table for {value.bits} bits must have {2**value.bits} entries, got {table.size}")
        quantization.lookupTableQuantization.floatValue.extend(table.tolist())
    elif value.scale is None:
        raise SpecError("a quantized weight needs a scale or a table")
    else:
        quantization.linearQuantization.scale.extend(np.ravel(value.scale).tolist())
        if value.bias is not None:
            quantization.linearQuantization.bias.extend(np.ravel(value.bias).tolist())
    quantization.numberOfBits = value.bits
    if codes.dtype == np.int8:
        message.int8RawValue = codes.tobytes()
    else:
        message.rawValue = pack_bits(codes, value.bits)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def quantize(values: np.ndarray, *, bits: int = 8, table: bool = False, axis: int | None = 0) -> Quantized:
    """Quantize floats: linearly from minimum to maximum, or to the centres of k-means clusters.

    Args:
        values: The weight.
        bits: Bits of a code, 1 to 8.
        table: Whether to use a lookup table of 2 ** bits values for the whole weight.
        axis: The axis of output channels, each of which gets a scale. None: one scale for all.

    Returns:
        The quantized weight.

    Raises:
        SpecError: If `bits` is out of range or a value is not finite.
    """
    values = np.asarray(values, np.float32)
    if not 1 <= bits <= 8:
        raise SpecError(f"quantized weights must have 1 to 8 bits, got {bits}")
    if not np.isfinite(values).all():
        raise SpecError("weights must be finite to be quantized, got NaN or infinity")
    if table:
        centres = _centres(np.sort(values.ravel()).astype(np.float64), 2**bits)
        centres = centres.astype(np.float32)
        codes = np.searchsorted((centres[1:] + centres[:-1]) / 2, values.ravel()).astype(np.uint8)
        return Quantized(codes.reshape(values.shape), None, None, centres, bits)
    levels = 2**bits - 1
    axes = tuple(i for i in range(values.ndim) if axis is None or i != axis % values.ndim)
    low = values.min(axis=axes, keepdims=True)
    scale = (values.max(axis=axes, keepdims=True) - low) / levels
    scale = np.where(scale == 0, np.float32(1), scale).astype(np.float32)
    codes = np.clip(np.rint((values - low) / scale), 0, levels).astype(np.uint8)
    return Quantized(codes, scale, low.astype(np.float32), None, bits)


def _centres(ordered: np.ndarray, count: int) -> np.ndarray:
    """The centres of `count` clusters of sorted numbers, by Lloyd's iteration.

    It starts with the centres that are optimal for a smooth density, whose density is its cube root. Starting from
    quantiles it would miss the few large weights of typical networks.
    """
    distinct = ordered[np.concatenate([[True], np.diff(ordered) > 0])]
    if distinct.size <= count:
        return np.pad(distinct, (0, count - distinct.size), mode="edge")
    counts, edges = np.histogram(ordered, 4096)
    mass: np.ndarray = np.cumsum(np.cbrt(counts))
    middles: np.ndarray = (edges[1:] + edges[:-1]) / 2
    centres: np.ndarray = np.interp((np.arange(count) + 0.5) / count * float(mass[-1]), mass, middles)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    for _ in range(200):
        inner = np.searchsorted(ordered, (centres[1:] + centres[:-1]) / 2)
        first, last = np.concatenate([[0], inner]), np.concatenate([inner, [ordered.size]])
        moved = np.sort(np.where(last > first, (sums[last] - sums[first]) / np.maximum(last - first, 1), centres))
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres
