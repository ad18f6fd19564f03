"""Stored weights <-> NumPy arrays, in every storage that the format has.

A weight is decoded to one of three things, always in the layout of the wire:

- a float32 or float16 array (float16 stays float16 until it is used),
- a `Quantized` (codes with scale and bias, or with a table), also until it is used,
- an int8 array, for layers that compute in 8 bits themselves (`int8RawValue`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import Message

from graphml.errors import SpecError

_ALIGNMENT = 64  # bytes: XLA takes an aligned host buffer as it is, and copies any other


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantized weight: value = codes * scale + bias, or value = table[codes].

    codes: uint8 (int8 for `int8RawValue`), the weight's own shape. scale, bias: float32, broadcastable to it (one
    number, or one for each slice along the axis of output channels); None with a table. table: float32 with 2^bits
    entries; None otherwise. bits: 1 to 8, the storage of a code on the wire.
    """

    codes: np.ndarray
    scale: np.ndarray | None
    bias: np.ndarray | None
    table: np.ndarray | None
    bits: int = 8

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    def dequantize(self):
        """The weight in floats: NumPy for NumPy leaves, JAX for JAX leaves."""
        if self.table is not None:
            return self.table[self.codes.astype(np.int32)]
        value = self.codes.astype(np.float32) * self.scale
        return value if self.bias is None else value + self.bias


Weight = np.ndarray | Quantized


def aligned(values: np.ndarray | bytes | memoryview, dtype) -> np.ndarray:
    """A flat copy of `values` in memory that starts on a 64-byte boundary, so that JAX need not copy it again."""
    source = np.frombuffer(values, dtype) if not isinstance(values, np.ndarray) else values.reshape(-1)
    target = np.dtype(dtype)
    room = np.empty(source.size * target.itemsize + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    out = room[start : start + source.size * target.itemsize].view(target)
    out[...] = source
    return out


def storage(message: Message) -> str:
    """How a WeightParams is stored: float32, float16, raw, int8, linearN, tableN or empty (N bits)."""
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


def decode(message: Message, shape: Sequence[int], *, axis: int = 0) -> Weight:
    """The array behind a WeightParams.

    shape: the shape that the layer declares; the number of stored values must agree. axis: the axis of output
    channels, along which linear quantization may vary. Raises SpecError naming both counts.
    """
    shape = tuple(int(n) for n in shape)
    expected = math.prod(shape)
    if message.HasField("quantization"):
        return _decode_quantized(message, shape, expected, axis)
    fields = [f for f in ("floatValue", "float16Value", "rawValue", "int8RawValue") if len(getattr(message, f))]
    if len(fields) > 1:
        raise SpecError(f"weights are stored twice, as {' and '.join(fields)}; exactly one is allowed")
    if not fields:
        if expected == 0:
            return np.zeros(shape, np.float32)
        raise SpecError(f"no weights are stored, {expected} are declared {shape}")
    field = fields[0]
    if field == "floatValue":
        _check_count(len(message.floatValue), expected, shape)
        return _floats(message).reshape(shape)
    dtype = {"float16Value": "<f2", "rawValue": "<f4", "int8RawValue": np.int8}[field]
    stored = getattr(message, field)
    itemsize = np.dtype(dtype).itemsize
    if len(stored) % itemsize:
        raise SpecError(f"{field} has {len(stored)} bytes, which is no multiple of {itemsize}")
    _check_count(len(stored) // itemsize, expected, shape)
    return aligned(stored, dtype).reshape(shape)


def _floats(message: Message) -> np.ndarray:
    """`floatValue` as an array. Its packed bytes are copied whole: walking the values is 30 times slower."""
    size = 4 * len(message.floatValue)
    header = b"\x0a" + _varint(size)
    packed = message.SerializeToString()
    if not packed.startswith(header):  # an unknown field came first
        return np.array(message.floatValue, np.float32)
    return aligned(memoryview(packed)[len(header) : len(header) + size], "<f4")


def _check_count(stored: int, expected: int, shape: tuple[int, ...]) -> None:
    if stored != expected:
        raise SpecError(f"{stored} weights are stored, {expected} are declared {shape}")


def _decode_quantized(message: Message, shape: tuple[int, ...], expected: int, axis: int) -> Quantized:
    quantization = message.quantization
    bits = quantization.numberOfBits
    if not 1 <= bits <= 8:
        raise SpecError(f"quantized weights have 1 to 8 bits, not {bits}")
    kind = quantization.WhichOneof("QuantizationType")
    if kind is None:
        raise SpecError("quantized weights need linear or lookup-table parameters")
    if message.int8RawValue:
        codes = aligned(message.int8RawValue, np.int8)
        if bits != 8:
            raise SpecError(f"int8RawValue holds 8-bit weights, not {bits}-bit ones")
        _check_count(codes.size, expected, shape)
    else:
        needed = (expected * bits + 7) // 8
        if len(message.rawValue) != needed:
            raise SpecError(
                f"{len(message.rawValue)} bytes are stored; {expected} weights {shape} of {bits} bits take {needed}"
            )
        codes = unpack_bits(message.rawValue, bits, expected)
    codes = codes.reshape(shape)
    if kind == "lookupTableQuantization":
        table = np.array(quantization.lookupTableQuantization.floatValue, np.float32)
        if table.size != 2**bits:
            raise SpecError(f"the lookup table has {table.size} entries, {bits} bits need {2**bits}")
        if codes.dtype == np.int8:
            raise SpecError("a lookup table is indexed by rawValue; int8RawValue takes linear quantization")
        return Quantized(codes, None, None, table, bits)
    linear = quantization.linearQuantization
    scale = _per_channel(linear.scale, "scale", shape, axis)
    if scale is None:
        raise SpecError("linear quantization needs a scale")
    return Quantized(codes, scale, _per_channel(linear.bias, "bias", shape, axis), None, bits)


def _per_channel(values, name: str, shape: tuple[int, ...], axis: int) -> np.ndarray | None:
    if not len(values):
        return None
    array = np.array(values, np.float32)
    if array.size == 1:
        return array.reshape((1,) * len(shape))
    channels = shape[axis] if shape else 1
    if array.size != channels:
        raise SpecError(f"quantization {name} has {array.size} values; 1 or {channels} (output channels) are legal")
    return array.reshape([channels if i == axis % len(shape) else 1 for i in range(len(shape))])


def unpack_bits(packed: bytes, bits: int, count: int) -> np.ndarray:
    """`count` unsigned codes of `bits` bits each, stored most significant bit first across byte borders."""
    if bits == 8:
        return aligned(packed, np.uint8)[:count]
    stream = np.unpackbits(np.frombuffer(packed, np.uint8))[: count * bits].reshape(count, bits)
    return np.packbits(stream, axis=1).ravel() >> (8 - bits)


def pack_bits(codes: np.ndarray, bits: int) -> bytes:
    """The inverse of `unpack_bits`; the last byte is filled up with zeros."""
    spread = np.unpackbits(codes.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - bits :]
    return np.packbits(spread.ravel()).tobytes()


def encode(value, message: Message) -> None:
    """Store `value` in a WeightParams: float16 and int8 arrays and `Quantized` in their own form, all else float32."""
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


def _encode_quantized(value: Quantized, message: Message) -> None:
    quantization = message.quantization
    codes = np.asarray(value.codes)
    if value.table is not None:
        table = np.asarray(value.table, np.float32)
        if table.size != 2**value.bits:
            raise SpecError(f"a lookup table of {value.bits} bits has {2**value.bits} entries, not {table.size}")
        quantization.lookupTableQuantization.floatValue.extend(table.tolist())
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
    """Quantize floats. Linear: per channel along `axis` (None: one scale), from minimum to maximum. Table: k-means in
    one dimension (Lloyd, started at quantiles), 2^bits entries for the whole weight.
    """
    values = np.asarray(values, np.float32)
    if not 1 <= bits <= 8:
        raise SpecError(f"quantized weights have 1 to 8 bits, not {bits}")
    if table:
        centres = np.quantile(values, (np.arange(2**bits) + 0.5) / 2**bits).astype(np.float32)
        for _ in range(20):
            edges = (centres[1:] + centres[:-1]) / 2
            codes = np.searchsorted(edges, values.ravel())
            counts = np.bincount(codes, minlength=centres.size)
            sums = np.bincount(codes, values.ravel(), minlength=centres.size)
            centres = np.where(counts, sums / np.maximum(counts, 1), centres).astype(np.float32)
            centres.sort()
        codes = np.searchsorted((centres[1:] + centres[:-1]) / 2, values.ravel()).astype(np.uint8)
        return Quantized(codes.reshape(values.shape), None, None, centres, bits)
    levels = 2**bits - 1
    axes = tuple(i for i in range(values.ndim) if axis is None or i != axis % values.ndim)
    low = values.min(axis=axes, keepdims=True)
    scale = (values.max(axis=axes, keepdims=True) - low) / levels
    scale = np.where(scale == 0, np.float32(1), scale).astype(np.float32)
    codes = np.clip(np.rint((values - low) / scale), 0, levels).astype(np.uint8)
    return Quantized(codes, scale, low.astype(np.float32), None, bits)
