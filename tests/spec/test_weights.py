"""Stored weights, in every storage, against a slow reader that goes bit by bit."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from graphml.errors import SpecError
from graphml.spec import WeightParams
from graphml.spec import weights as stored
from graphml.spec.weights import Quantized, encode, pack_bits, quantize, storage, unpack_bits


def decode(message: WeightParams, shape: tuple[int, ...], **axis: int) -> Any:
    return stored.decode(message, shape, **axis)


def _codes_bit_by_bit(packed: bytes, bits: int, count: int) -> list[int]:
    """The oracle: one string of all bits, cut into pieces."""
    text = "".join(f"{byte:08b}" for byte in packed)
    return [int(text[i * bits : (i + 1) * bits], 2) for i in range(count)]


def _linear(bits, packed, scale, bias=(), int8=False) -> WeightParams:
    message = WeightParams()
    message.quantization.numberOfBits = bits
    message.quantization.linearQuantization.scale.extend(scale)
    message.quantization.linearQuantization.bias.extend(bias)
    setattr(message, "int8RawValue" if int8 else "rawValue", packed)
    return message


@pytest.mark.parametrize("bits", range(1, 9))
@given(data=st.data())
def test_codes_are_packed_most_significant_bit_first(bits, data):
    codes = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=1, max_size=40))
    packed = pack_bits(np.array(codes), bits)
    assert len(packed) == -(-len(codes) * bits // 8)
    assert _codes_bit_by_bit(packed, bits, len(codes)) == codes
    assert unpack_bits(packed, bits, len(codes)).tolist() == codes


def test_the_packing_example_of_the_schema():
    assert pack_bits(np.array([6, 1, 3, 7, 2]), 3) == bytes([0xC5, 0xF4])
    assert unpack_bits(bytes([0xC5, 0xF4]), 3, 5).tolist() == [6, 1, 3, 7, 2]


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_linear_weights_are_code_times_scale_plus_bias(bits, per_channel, axis):
    shape = (3, 5)
    packed = np.random.default_rng(bits).integers(0, 256, (15 * bits + 7) // 8, np.uint8).tobytes()
    count = shape[axis] if per_channel else 1
    scale, bias = [0.5 * (i + 1) for i in range(count)], [-1.0 - i for i in range(count)]
    weight = decode(_linear(bits, packed, scale, bias), shape, axis=axis)
    codes = _codes_bit_by_bit(packed, bits, 15)
    wanted = np.empty(shape, np.float32)
    for row in range(3):
        for column in range(5):
            channel = (row, column)[axis] if per_channel else 0
            wanted[row, column] = codes[row * 5 + column] * scale[channel] + bias[channel]
    assert isinstance(weight, Quantized)
    np.testing.assert_array_equal(weight.dequantize(), wanted)
    assert storage(_linear(bits, packed, scale)) == f"linear{bits}"


@pytest.mark.parametrize("bits", range(1, 9))
def test_table_weights_are_looked_up(bits):
    rng = np.random.default_rng(bits)
    packed = rng.integers(0, 256, (6 * bits + 7) // 8, np.uint8).tobytes()
    table = rng.normal(size=2**bits).astype(np.float32)
    message = WeightParams(rawValue=packed)
    message.quantization.numberOfBits = bits
    message.quantization.lookupTableQuantization.floatValue.extend(table.tolist())
    weight = decode(message, (2, 3))
    wanted = [table[code] for code in _codes_bit_by_bit(packed, bits, 6)]
    np.testing.assert_array_equal(weight.dequantize().ravel(), wanted)
    assert storage(message) == f"table{bits}"


def test_signed_bytes_keep_their_sign():
    weight = decode(_linear(8, bytes([255, 1, 128]), [2.0], int8=True), (3,))
    np.testing.assert_array_equal(weight.dequantize(), [-2.0, 2.0, -256.0])


def test_a_scale_without_bias_adds_nothing():
    weight = decode(_linear(8, bytes([1, 2]), [0.5]), (2,))
    assert weight.bias is None
    np.testing.assert_array_equal(weight.dequantize(), [0.5, 1.0])


@pytest.mark.parametrize(
    ("field", "packed", "dtype", "name"),
    [
        ("float16Value", struct.pack("<3e", 1.5, -2.0, 65504.0), np.float16, "float16"),
        ("rawValue", struct.pack("<3f", 1.5, -2.0, 65504.0), np.float32, "raw"),
        ("int8RawValue", struct.pack("<3b", 1, -2, 127), np.int8, "int8"),
    ],
)
def test_bytes_are_little_endian(field, packed, dtype, name):
    message = WeightParams(**{field: packed})
    weight = decode(message, (3,))
    assert (weight.dtype, storage(message)) == (dtype, name)
    assert weight[1] == -2


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=1, max_dims=4, max_side=4)))
def test_floats_come_back_bit_for_bit(values):
    message = WeightParams()
    encode(values, message)
    again = decode(WeightParams.FromString(message.SerializeToString()), values.shape)
    assert again.tobytes() == values.tobytes()
    assert storage(message) == "float32"


def test_floats_may_be_stored_unpacked_and_after_unknown_fields():
    one_by_one = b"".join(b"\x0d" + struct.pack("<f", value) for value in (1.0, 2.0))
    assert decode(WeightParams.FromString(one_by_one), (2,)).tolist() == [1.0, 2.0]
    unknown = b"\xf8\x07\x01"  # field 127, a number
    assert decode(WeightParams.FromString(unknown + one_by_one), (2,)).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.float32])
def test_other_numbers_are_stored_as_float32(dtype):
    message = WeightParams()
    encode(np.array([1, 2, 3], dtype), message)
    assert list(message.floatValue) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("dtype", [np.float16, np.int8])
def test_halves_and_bytes_keep_their_form(dtype):
    message = WeightParams()
    encode(np.array([[1, -2], [3, 4]], dtype), message)
    again = decode(message, (2, 2))
    assert again.dtype == dtype
    assert again.tolist() == [[1, -2], [3, 4]]


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_quantized_weights_come_back_as_they_were(bits, table, axis):
    values = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    weight = quantize(values, bits=bits, table=table, axis=axis)
    message = WeightParams()
    encode(weight, message)
    again = decode(WeightParams.FromString(message.SerializeToString()), values.shape, axis=axis or 0)
    np.testing.assert_array_equal(again.dequantize(), weight.dequantize())
    twice = WeightParams()
    encode(again, twice)
    assert twice == message


def test_signed_codes_come_back_as_they_were():
    weight = Quantized(np.array([-3, 4], np.int8), np.array([0.5], np.float32), None, None)
    message = WeightParams()
    encode(weight, message)
    assert message.int8RawValue == bytes([253, 4])
    np.testing.assert_array_equal(decode(message, (2,)).dequantize(), [-1.5, 2.0])


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("axis", [0, 1, None])
def test_linear_quantization_is_off_by_half_a_step_at_most(bits, axis):
    values = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32)
    weight = quantize(values, bits=bits, axis=axis)
    assert weight.scale is not None
    assert np.all(np.abs(weight.dequantize() - values) <= weight.scale * 0.5001)
    assert weight.scale.size == {0: 5, 1: 7, None: 1}[axis]


def test_table_quantization_of_few_values_is_exact():
    values = np.array([[0.0, 1.0, -2.0], [1.0, 0.0, 7.0]], np.float32)
    np.testing.assert_allclose(quantize(values, bits=2, table=True).dequantize(), values, atol=1e-6)


def test_a_constant_weight_can_be_quantized():
    np.testing.assert_array_equal(quantize(np.full((2, 3), 4.0)).dequantize(), np.full((2, 3), 4.0))
    np.testing.assert_array_equal(quantize(np.full((2, 3), 4.0), table=True).dequantize(), np.full((2, 3), 4.0))


def test_tables_are_as_good_as_tables_can_be():
    values = np.random.default_rng(0).normal(size=20000).astype(np.float32)

    def noise(values, bits):
        return float(np.mean((quantize(values, bits=bits, table=True).dequantize() - values) ** 2))

    # the least mean squared errors of 2^bits levels for a normal distribution (Max, 1960)
    for bits, least in ((2, 0.1175), (3, 0.03454), (4, 0.009497)):
        assert noise(values, bits) == pytest.approx(least, rel=0.05)
    # a few weights are far away in most networks, and matter
    far = values.copy()
    far[:3] = (40.0, -60.0, 61.0)
    assert noise(far, 4) < 3 * noise(values, 4)


@pytest.mark.parametrize("table", [False, True])
def test_weights_that_are_not_finite_are_not_quantized(table):
    with pytest.raises(SpecError, match="must be finite"):
        quantize(np.array([1.0, np.inf]), table=table)


def test_whether_training_may_change_a_weight_survives_encoding():
    message = WeightParams(isUpdatable=True)
    encode(np.ones(2, np.float16), message)
    encode(np.ones(3), message)
    assert message.isUpdatable
    assert not message.float16Value


def test_arrays_start_at_a_border_that_jax_can_use_as_it_is():
    for count in (1, 3, 1000):
        message = WeightParams()
        encode(np.ones(count), message)
        assert decode(message, (count,)).ctypes.data % 64 == 0


def test_nothing_is_fine_where_nothing_is_declared():
    assert decode(WeightParams(), (0, 3)).shape == (0, 3)
    assert storage(WeightParams()) == "empty"


def test_a_vector_with_weights_that_have_another_channel_axis():
    weight = decode(_linear(8, bytes([1, 2]), [0.5, 2.0]), (2,), axis=1)
    np.testing.assert_array_equal(weight.dequantize(), [0.5, 4.0])


@pytest.mark.parametrize(
    ("message", "count"),
    [
        (WeightParams(floatValue=[1, 2, 3]), 3),
        (WeightParams(float16Value=bytes(6)), 3),
        (WeightParams(rawValue=bytes(12)), 3),
        (WeightParams(int8RawValue=bytes(3)), 3),
        (_linear(4, bytes(2), [1.0]), 4),
        (_linear(0, bytes(2), [1.0]), 0),
    ],
)
def test_how_many_values_are_stored(message, count):
    assert stored.stored_count(message) == count


@pytest.mark.parametrize(
    ("message", "shape", "words"),
    [
        (WeightParams(floatValue=[1.0]), (2, 3), r"expected 6 weights \(2, 3\), got 1"),
        (WeightParams(), (2,), "expected 2 weights"),
        (WeightParams(floatValue=[1.0]), (2**60, 2**60), f"expected {2**120} weights"),
        (WeightParams(floatValue=[1.0]), (-1, -1), "has a negative size"),
        (WeightParams(floatValue=[1.0]), (1,) * 40, "the declared shape has 40 axes; expected at most 32"),
        (WeightParams(floatValue=[1.0], rawValue=b"1234"), (1,), "stored twice, as floatValue and rawValue"),
        (WeightParams(float16Value=b"123"), (1,), "the size of float16Value must be a multiple of 2 bytes, got 3"),
        (_linear(9, b"1", [1.0]), (1,), "1 to 8 bits, got 9"),
        (_linear(3, b"1", [1.0]), (5,), r"expected 2 bytes for 5 weights \(5,\) of 3 bits, got 1"),
        (
            _linear(8, b"12", [1.0, 2.0, 3.0]),
            (2, 1),
            r"quantization scale must have 1 or 2 \(output channels\) values, got 3",
        ),
        (_linear(8, b"12", []), (2,), "linear quantization needs a scale"),
    ],
)
def test_what_cannot_be_decoded(message, shape, words):
    with pytest.raises(SpecError, match=words):
        decode(message, shape)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (
            Quantized(np.zeros(2, np.uint8), None, None, np.zeros(3), 2),
            "a lookup table for 2 bits must have 4 entries, got 3",
        ),
        (Quantized(np.zeros(2, np.uint8), None, None, None), "needs a scale or a table"),
    ],
)
def test_what_cannot_be_encoded(weight, words):
    with pytest.raises(SpecError, match=words):
        encode(weight, WeightParams())


@pytest.mark.parametrize("bits", [0, 9])
def test_bit_widths_that_no_file_can_hold(bits):
    with pytest.raises(SpecError, match=f"quantized weights must have 1 to 8 bits, got {bits}"):
        quantize(np.ones(3), bits=bits)
