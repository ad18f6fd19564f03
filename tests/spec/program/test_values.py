"""Values and weight files of ML Programs."""

from __future__ import annotations

import struct

import ml_dtypes
import numpy as np
import pytest

from graphml.errors import SpecError
from graphml.spec.program import blobs, types, values
from graphml.spec.program.blobs import BLOB_TYPES, BlobFile, BlobWriter
from graphml.spec.program.packing import pack, unpack
from graphml.spec.program.values import WeightFiles, decode, encode
from graphml.spec.wire.program_pb2 import DataType, TensorValue, Value

SHAPE = (3, 7)
SPECIAL = {"bool", "string"}


def example(name: str) -> np.ndarray:
    """Every code of a small type, or some numbers of a large one."""
    dtype = types.dtype_of(name)
    if name == "string":
        return np.array([f"{n}é" for n in range(21)], object).reshape(SHAPE)
    bits = types.bits_of(name)
    raw = np.arange(21) % (1 << min(bits, 8)) - (8 if name == "int4" else 0)
    return raw.astype(dtype).reshape(SHAPE)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tolist() == b.tolist()


def test_every_data_type_has_a_name():
    assert {types.number_of(name) for name in types.NAMES} == {*DataType.values()} - {DataType.UNUSED_TYPE}
    assert all(types.name_of(types.number_of(name)) == name for name in types.NAMES)


@pytest.mark.parametrize("name", types.NAMES)
def test_values_survive_encoding(name):
    array = example(name)
    assert same(decode(encode(array, name)), array)
    assert same(decode(encode(array[:0], name)), array[:0])
    scalar = decode(encode(array[0, 0], name) if name != "string" else encode("x"))
    assert scalar == ("x" if name == "string" else array[0, 0])
    assert name == "string" or scalar.shape == ()


@pytest.mark.parametrize("name", BLOB_TYPES)
def test_arrays_survive_a_weight_file(name, tmp_path):
    writer, array = BlobWriter(), example(name)
    message = encode(array, name, blobs=writer, version=18)
    assert message.HasField("blobFileValue")
    (tmp_path / "weight.bin").write_bytes(b"".join(writer.chunks()))
    found = decode(message, WeightFiles(tmp_path))
    assert same(found, array)
    assert not found.flags.writeable


@pytest.mark.parametrize("name", ["float32", "float16", "int8"])
def test_large_arrays_are_views_of_the_file(name, tmp_path):
    writer = BlobWriter()
    offset = writer.add(example(name), name)
    (tmp_path / "w").write_bytes(b"".join(writer.chunks()))
    file = BlobFile(tmp_path / "w")
    one, two = file.read(offset, name, SHAPE), file.read(offset, name, (21,))
    assert np.shares_memory(one, two)
    assert one.ctypes.data % 64 == 0


def test_on_windows_a_weight_file_is_read_so_that_it_can_be_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(blobs, "_MAPS", False)
    writer = BlobWriter()
    offset = writer.add(example("float32"), "float32")
    (tmp_path / "w").write_bytes(b"".join(writer.chunks()))
    file = BlobFile(tmp_path / "w")
    (tmp_path / "w").write_bytes(b"")
    assert same(file.read(offset, "float32", SHAPE), example("float32"))
    assert not file.read(offset, "float32", SHAPE).flags.writeable


def test_numbers_are_packed_from_the_least_significant_bit_on():
    """Worked by hand: 1, 2, 3, ... in 3 bits are ...011 010 001, and the third number crosses into the second byte."""
    assert pack(np.uint8([1, 2, 3, 4]), "uint3") == bytes([0b11_010_001, 0b0000_100_0])
    assert unpack(np.uint8([0b11_010_001, 0b100_0]), "uint3", 4).tolist() == [1, 2, 3, 4]
    assert unpack(np.uint8([0b10_000001, 0b0011_0000, 0b111111_00]), "uint6", 4).tolist() == [1, 2, 3, 63]
    assert unpack(np.uint8([0x8F]), "int4", 2).tolist() == [-1, -8]
    assert unpack(np.uint8([0b101]), "uint1", 3).tolist() == [1, 0, 1]


@pytest.mark.parametrize("name", ["uint1", "uint2", "uint3", "uint4", "uint6", "int4"])
@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 16, 101])
def test_unpacking_inverts_packing(name, count):
    bits, rng = types.bits_of(name), np.random.default_rng(count)
    codes = rng.integers(0, 1 << bits, count) - (8 if name == "int4" else 0)
    packed = pack(codes.astype(types.dtype_of(name)), name)
    assert len(packed) == -(-count * bits // 8)
    assert unpack(np.frombuffer(packed, np.uint8), name, count).tolist() == codes.tolist()


def test_lists_tuples_and_dictionaries():
    for value in (["a", "b"], [], {"a": 1, "b": 2}, {}, {3: "x"}):
        found = decode(encode(value))
        assert found == value
        assert type(found) is type(value)
    number, text, flags = decode(encode((1, "s", np.array([True, False]))))
    assert (number, text, flags.tolist()) == (1, "s", [True, False])


@pytest.mark.parametrize(
    ("array", "version", "stored"),
    [
        (np.zeros(9, np.float32), 18, False),
        (np.zeros(10, np.float32), 15, True),
        (np.zeros(10, np.int32), 17, False),
        (np.zeros(10, np.int32), 18, True),
        (np.zeros(10, np.bool_), 18, False),
        (np.zeros(10, np.int64), 18, False),
    ],
)
def test_what_goes_to_the_weight_file(array, version, stored):
    assert encode(array, blobs=BlobWriter(), version=version).HasField("blobFileValue") is stored


def test_equal_blobs_are_stored_once():
    writer = BlobWriter()
    first = writer.add(np.arange(30, dtype=np.float32), "float32")
    assert writer.add(np.arange(30, dtype=np.float32), "float32") == first
    assert writer.add(np.arange(30, dtype=np.int32), "int32") != first
    # the same bytes in another type are another blob
    assert writer.add(np.arange(30, dtype=np.float32).view(np.int32), "int32") not in (first, 0)
    assert len(writer) == 3
    kept = BlobWriter(share=False)
    assert kept.add(np.zeros(3, np.int8), "int8") != kept.add(np.zeros(3, np.int8), "int8")


def test_the_layout_of_a_weight_file(tmp_path):
    """Worked by hand: header, record at 64, data at 128, next record at 192."""
    writer = BlobWriter()
    offsets = [writer.add(np.float32([1, 2]), "float32"), writer.add(np.uint8([5, 1, 7]), "uint3")]
    data = b"".join(writer.chunks())
    assert offsets == [64, 192]
    assert struct.unpack_from("<II", data) == (2, 2)
    assert struct.unpack_from("<IIQQQ", data, 64) == (0xDEADBEEF, 2, 8, 128, 0)
    assert struct.unpack_from("<2f", data, 128) == (1, 2)
    assert struct.unpack_from("<IIQQQ", data, 192) == (0xDEADBEEF, 12, 2, 256, 7)
    assert data[256:] == bytes([0b11_001_101, 0b1])


# Damage ---------------------------------------------------------------------------------------------------------------


def blob(sentinel=0xDEADBEEF, kind=2, size=8, start=128, padding=0, version=2, data=b"\0" * 64) -> bytes:
    return struct.pack("<II56x", 1, version) + struct.pack("<IIQQQ32x", sentinel, kind, size, start, padding) + data


@pytest.mark.parametrize(
    ("data", "offset", "words"),
    [
        (b"", 64, "0 bytes; expected a header of 64"),
        (b"\0" * 63, 64, "63 bytes; expected a header of 64"),
        (blob(version=1), 64, "version 1; expected 2"),
        (blob(), 0, "multiple of 64 after the header"),
        (blob(), 65, "multiple of 64"),
        (blob(), 192, "beyond the end of the file, which has 192 bytes"),
        (blob(), 2**64 - 64, "beyond the end"),
        (blob(sentinel=1), 64, "starts with 0x1, expected 0xdeadbeef"),
        (blob(kind=1), 64, "is float16; the program expects float32"),
        (blob(kind=99), 64, "unknown type 99"),
        (blob(size=12), 64, r"12 bytes; expected 8 for float32\[2\]"),
        (blob(size=2**64 - 1), 64, "expected at most 192"),
        (blob(start=2**64 - 64, size=2**63), 64, "expected at most 192"),
        (blob(start=192), 64, "ends at 200; expected at most 192"),
        (blob(start=64), 64, "outside of the header and the blob's record"),
        (blob(start=0), 64, "outside of the header"),
        (blob(start=130), 64, "multiple of 64"),
    ],
)
def test_damaged_weight_files(data, offset, words, tmp_path):
    (tmp_path / "weight.bin").write_bytes(data)
    with pytest.raises(SpecError, match=words) as caught:
        BlobFile(tmp_path / "weight.bin").read(offset, "float32", (2,))
    assert "weight.bin" in str(caught.value)
    assert str(offset) in str(caught.value) or "header of 64" in words or "version" in words


def test_unused_bits_are_checked_for_small_types_only(tmp_path):
    (tmp_path / "w").write_bytes(blob(kind=12, size=2, padding=6))
    with pytest.raises(SpecError, match="6 unused bits at its end; expected 7"):
        BlobFile(tmp_path / "w").read(64, "uint3", (3,))
    (tmp_path / "w").write_bytes(blob(padding=2**63))
    assert BlobFile(tmp_path / "w").read(64, "float32", (2,)).tolist() == [0, 0]


def test_weight_files_stay_in_their_folder(tmp_path):
    inside, writer = tmp_path / "package" / "weights", BlobWriter()
    inside.mkdir(parents=True)
    message = encode(np.zeros(10, np.float32), blobs=writer)
    data = b"".join(writer.chunks())
    (inside / "weight.bin").write_bytes(data)
    (tmp_path / "outside.bin").write_bytes(data)
    (inside / "link.bin").symlink_to(tmp_path / "outside.bin")
    (inside / "good.bin").symlink_to(inside / "weight.bin")
    files = WeightFiles(inside, tmp_path / "package")
    for name in ("@model_path/weights/weight.bin", "/etc/weight.bin", "../../weight.bin", "a\\weight.bin", "good.bin"):
        message.blobFileValue.fileName = name
        assert decode(message, files).shape == (10,)
    for name, words in (
        ("link.bin", "leaves the package"),
        ("..", "does not name a weight file"),
        ("", "does not name"),
        ("@model_path/weights/", "does not name"),
        ("a\0b", "does not name"),
        ("other.bin", "missing"),
        ("a" * 300, "cannot be opened"),
    ):
        message.blobFileValue.fileName = name
        with pytest.raises(SpecError, match=words):
            decode(message, files)
    with pytest.raises(SpecError, match="no package"):
        decode(message)
    (inside / "folder.bin").mkdir()
    message.blobFileValue.fileName = "folder.bin"
    with pytest.raises(SpecError, match="folder"):
        decode(message, files)


def test_one_mapping_for_each_file(tmp_path):
    writer = BlobWriter()
    messages = [encode(np.full(64, n, np.float32), blobs=writer) for n in range(2)]
    (tmp_path / "weight.bin").write_bytes(b"".join(writer.chunks()))
    files = WeightFiles(tmp_path)
    one, two = (decode(message, files) for message in messages)
    assert files.file("weight.bin") is files.file(values.WEIGHT_FILE)
    assert (one[0], two[0]) == (0, 1)


def changed(change) -> Value:
    message = encode(np.float32([1, 2]))
    change(message)
    return message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.ClearField("immediateValue"), "the value is missing"),
        (lambda v: v.ClearField("type"), "has the type nothing, but holds tensor"),
        (lambda v: v.immediateValue.tensor.floats.values.append(3), r"expected 2 elements for float32\[2\], got 3"),
        (lambda v: setattr(v.type.tensorType, "dataType", 0), "the data type 0 is unknown"),
        (lambda v: setattr(v.type.tensorType, "dataType", 23), "must be in 'ints', got 'floats'"),
        (lambda v: setattr(v.type.tensorType, "dataType", 10), "must be in 'bytes', got 'floats'"),
        (lambda v: setattr(v.type.tensorType, "rank", 2), "rank 2 has 1 sizes"),
        (lambda v: v.type.tensorType.dimensions[0].ClearField("constant"), "neither constant nor unknown"),
        (lambda v: v.type.tensorType.dimensions[0].unknown.SetInParent(), r"must be known, got \[\?\]"),
        (lambda v: setattr(v.type.tensorType.dimensions[0].constant, "size", 2**63), r"size of 9223372036854775808"),
        (lambda v: v.immediateValue.list.SetInParent(), "has the type float32.2., but holds list"),
        (lambda v: v.type.listType.SetInParent(), "has the type list, but holds tensor"),
        (lambda v: v.immediateValue.tensor.ClearField("floats"), "must be in 'floats', got 'nothing'"),
    ],
)
def test_damaged_values(change, words):
    with pytest.raises(SpecError, match=words):
        decode(changed(change))


def test_more_damaged_values():
    small = Value(type=types.value_type("int16", (1,)))
    small.immediateValue.tensor.ints.values.append(40000)
    with pytest.raises(SpecError, match="40000, which does not fit"):
        decode(small)
    short = Value(type=types.value_type("uint3", (3,)))
    short.immediateValue.tensor.bytes.values = b"\0\0\0"
    with pytest.raises(SpecError, match="expected 2 bytes for uint3"):
        decode(short)
    pair = encode((1, 2))
    del pair.immediateValue.tuple.values[1]
    with pytest.raises(SpecError, match="a tuple of 2 values holds 1"):
        decode(pair)
    huge = Value(type=types.value_type("float32", (0, 2**62)))
    huge.immediateValue.tensor.CopyFrom(TensorValue())
    with pytest.raises(SpecError, match="there is no array of shape"):
        decode(huge)
    keys = encode({"a": 1})
    keys.immediateValue.dictionary.values[0].key.CopyFrom(encode([1]))
    with pytest.raises(SpecError, match="keys of a dictionary"):
        decode(keys)
    many = types.value_type("float32", (1,) * 33)
    with pytest.raises(SpecError, match="33 axes"):
        types.tensor_type(many)


def test_what_cannot_be_written():
    with pytest.raises(SpecError, match="no type for arrays of complex64"):
        encode(np.zeros(2, np.complex64))
    with pytest.raises(SpecError, match="no type for a value of type set"):
        encode({1, 2})
    with pytest.raises(SpecError, match="entries of a list have one type"):
        encode([1, "a"])
    with pytest.raises(SpecError, match="cannot hold float64"):
        BlobWriter().add(np.zeros(2), "float64")


def test_types():
    for name, shape in (("float16", (1, None)), ("int32", ()), ("uint4", None)):
        assert types.tensor_type(types.value_type(name, shape)) == (name, shape)
    assert types.name_of_dtype(ml_dtypes.int4) == "int4"
    assert types.name_of_dtype(">f4") == "float32"
    state = types.ValueType()
    state.stateType.wrappedType.CopyFrom(types.value_type("float16", (2,)))
    assert types.tensor_type(state) == ("float16", (2,))
    assert types.shown(types.value_type("int8", (1, None))) == "int8[1, ?]"
    with pytest.raises(SpecError, match="expected the type of a tensor, got listType"):
        types.tensor_type(encode([1]).type)
