"""Files of samples and arrays, however damaged: values, or an error that names the file."""

from __future__ import annotations

import io
import os
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from graphml.errors import FeatureError
from graphml.spec import Model
from graphml.update.data.files import read_array, read_samples


def _npy(array, **options) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def _header(text: str, version: bytes = b"\1\0") -> bytes:
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text.encode()


def _promise(shape: str, dtype: str = "'<f4'") -> bytes:
    return _header(f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}}}\n") + bytes(64)


DAMAGED = {
    "empty": (b"", "is not a .npy file"),
    "text": (b"not an array", "is not a .npy file"),
    "magic only": (b"\x93NUMPY\1\0", "is not a .npy file"),
    "cut header": (_npy(np.zeros(3))[:40], "is not a .npy file"),
    "cut data": (_npy(np.zeros(30))[:-8], "its header claims float64 [30], but 232 bytes follow"),
    "huge": (
        _promise("(2**50,)".replace("2**50", str(2**50))),
        f"its header claims float32 [{2**50}], but 64 bytes follow",
    ),
    "beyond 64 bits": (_promise(f"({10**30}, {10**30})"), "its header claims more than 18446744073709551616 bytes"),
    "negative": (_promise("(-1,)"), "its header claims float32 [-1]"),
    "two negatives": (_promise("(-2, -2)"), "its header claims float32 [-2, -2]"),
    "nothing of a huge size": (_promise(f"(0, {2**62})"), "cannot be read as an array"),
    "no shape": (_header("{'descr': '<f4', 'fortran_order': False}\n"), "is not a .npy file"),
    "code": (_header("__import__('os').abort()\n"), "is not a .npy file"),
    "nested": (_header("(" * 3000 + "\n"), "is not a .npy file"),
    "long header": (_header(" " * 20_000 + "{}"), "has a header of 20002 bytes, more than 10000"),
    "digits": (_promise("(" + "1" * 5000 + ",)"), "is not a .npy file"),
    "objects": (_npy(np.array([{}], object), allow_pickle=True), "holds object; only numbers are read"),
    "objects in fields": (_promise("(1,)", "[('a', '|O')]"), "only numbers are read"),
    "elements of no size": (_promise(f"({2**60},)", "'|V0'"), "only numbers are read"),
    "pickle": (pickle.dumps([1]), "is not a .npy file"),
    "another version": (_header("{}", b"\3\0"), "has version 3.0 of the .npy format"),
}


@pytest.mark.parametrize(("data", "words"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_arrays_are_refused_without_allocating_memory(tmp_path, data, words):
    path = tmp_path / "a.npy"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(FeatureError) as caught:
            read_array(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert most < 1 << 23


@pytest.mark.parametrize("array", [np.arange(6).reshape(2, 3), np.float32(2.5), np.zeros((0, 3)), np.ones((2, 3)).T])
def test_arrays_are_read_as_they_were_written(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    found = read_array(tmp_path / "a.npy")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def _samples(path):
    return list(read_samples(path, Model()))


def _zip(entries: dict[str, bytes], compression=zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


ARCHIVES = {
    "rubbish": (b"rubbish", "cannot be read"),
    "empty": (b"", "cannot be read"),
    "cut": (_zip({"x.npy": _npy(np.zeros(99))})[:200], "cannot be read"),
    "another checksum": (_flipped(_zip({"x.npy": _npy(np.zeros(99))}), 500), "Bad CRC-32"),
    "huge": (
        _zip({"x.npy": _promise(f"({2**50},)")}),
        f"array 'x' is truncated or damaged: its header claims float32 [{2**50}]",
    ),
    "objects": (_zip({"x.npy": _npy(np.array([{}], object), allow_pickle=True)}), "array 'x' holds object"),
    "no arrays": (_zip({"readme.txt": b"hello"}), "array 'readme.txt' is not a .npy file"),
    "other lengths": (_zip({"x.npy": _npy(np.zeros(2)), "y.npy": _npy(np.zeros(3))}), "differ in their number of sam"),
    "nothing": (_zip({}), "contains no samples"),
}


@pytest.mark.parametrize(("data", "words"), ARCHIVES.values(), ids=ARCHIVES)
def test_damaged_archives_are_refused(tmp_path, data, words):
    path = tmp_path / "a.npz"
    path.write_bytes(data)
    with pytest.raises(FeatureError) as caught:
        _samples(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_archives_that_unpack_to_gigabytes_are_refused_before_they_do(tmp_path):
    path = tmp_path / "a.npz"
    part = bytes(1 << 26)
    path.write_bytes(_zip({f"{i}.npy": part for i in range(2)}, zipfile.ZIP_DEFLATED))
    data = bytearray(path.read_bytes())
    for place in [i for i in range(len(data)) if data[i : i + 4] == b"PK\1\2"]:  # the directory promises more
        data[place + 24 : place + 28] = (3 << 30).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(
        FeatureError, match=f"to {6 << 30} bytes; at most {1 << 30} are allowed for an archive of {len(data)} bytes"
    ):
        _samples(path)


def test_compressed_archives_are_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((3, 2)), label=np.arange(3))
    samples = _samples(tmp_path / "a.npz")
    assert [sample["label"] for sample in samples] == [0, 1, 2]
    assert samples[0]["x"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.jsonl", '{"x": ' + "1" * 5000 + "}\n", "line 1: a number has too many digits"),
        ("a.jsonl", "[" * 200_000 + "\n", "line 1: lists or objects are nested too deep"),
        ("a.jsonl", '{"x": 1}\n{"x": "\n', "line 2: not JSON"),
        ("a.jsonl", b'{"x": "\xff"}\n', "cannot be read"),
        ("a.csv", "x\n" + "1" * 5000 + "\n", "line 2: the number 11111111111111111111... is too large"),
        ("a.csv", "x\n-1e999\n", "line 2: the number -1e999 is too large"),
        ("a.csv", "x\n" + "a" * 200_000 + "\n", "line 2: field larger than field limit"),
        ("a.csv", b"x\n\xff\n", "cannot be read"),
    ],
)
def test_errors_name_the_line(tmp_path, name, text, words):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FeatureError) as caught:
        _samples(tmp_path / name)
    assert words in str(caught.value)
    assert name in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_very_long_lines_are_not_read_completely(tmp_path, name, monkeypatch):
    monkeypatch.setattr("graphml.update.data.files._LONGEST_LINE", 100)
    (tmp_path / name).write_text("x" * 101 + "\n")
    with pytest.raises(FeatureError, match="line 1: the line has more than 100 characters"):
        _samples(tmp_path / name)
    (tmp_path / name).write_text('{"x": 1}\n' if name == "a.jsonl" else "x\n1\n")
    assert _samples(tmp_path / name) == [{"x": 1}]


def test_values_of_text_files(tmp_path):
    (tmp_path / "a.csv").write_text('x,y[0],y[1],z\r\n1,0.5,-inf,"two\nlines"\r\n2,nan,3,\u2028\n', newline="")
    first, second = _samples(tmp_path / "a.csv")
    assert first == {"x": 1, "y": [0.5, -np.inf], "z": "two\nlines"}
    assert second["z"] == "\u2028"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.npz", "a.npy"])
def test_pipes_and_devices_are_refused(tmp_path, name):
    read = read_array if name == "a.npy" else _samples
    os.mkfifo(tmp_path / name)
    (tmp_path / "device").mkdir()
    os.symlink("/dev/zero", tmp_path / "device" / name)
    for path in (tmp_path / name, tmp_path / "device" / name):
        with pytest.raises(FeatureError, match=f"{name} is not a regular file"):
            read(path)


def test_a_folder_whose_name_is_not_an_integer_class_is_refused(tmp_path):
    model = Model()
    model.description.input.add(name="x").type.imageType.width = 1
    model.description.output.add(name="label").type.int64Type.SetInParent()
    model.description.predictedFeatureName = "label"
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").touch()
    with pytest.raises(FeatureError, match="cat: the classes of this model are integers, but 'cat' is not"):
        read_samples(tmp_path, model)
