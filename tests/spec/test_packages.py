"""Packages: their manifest, the files next to the message, and links."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from model_files import INNER, contents, refusal
from program_packages import in_another_order

import graphml
from graphml.errors import SpecError
from graphml.spec import Model, read, serialize, write

# Manifests ------------------------------------------------------------------------------------------------------------


def test_devices_sockets_and_pipes_in_packages_are_refused(model, tmp_path):
    assert refusal(Path("/dev/zero")) == "the file zero is not a regular file"
    package = tmp_path / "a.mlpackage"
    write(model, package)
    (package / INNER).unlink()
    os.mkfifo(package / INNER)
    assert "is missing" in refusal(package)
    (package / "Manifest.json").unlink()
    os.mkfifo(package / "Manifest.json")
    assert "Manifest.json is not a regular file" in refusal(package)


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
    assert words in refusal(package)
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
        assert words in refusal(tmp_path / "a.mlpackage")
    manifest.write_bytes(b'{"rootModelIdentifier": ' + b"9" * 5000 + b"}")
    assert "Manifest.json is not JSON" in refusal(tmp_path / "a.mlpackage")


def test_huge_manifests(model, tmp_path):
    write(model, tmp_path / "a.mlpackage")
    (tmp_path / "a.mlpackage" / "Manifest.json").write_bytes(b" " * (17 << 20))
    assert "Manifest.json has 17825792 bytes; expected at most" in refusal(tmp_path / "a.mlpackage")


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
    assert set(contents(tmp_path / "a.mlpackage")) == {"Manifest.json", str(INNER)}


def test_equal_models_give_equal_packages(model, other, tmp_path):
    write(model, tmp_path / "a.mlpackage")
    write(other, tmp_path / "b.mlpackage")
    write(model, tmp_path / "b.mlpackage")
    assert contents(tmp_path / "a.mlpackage") == contents(tmp_path / "b.mlpackage")


def test_a_rewritten_package_keeps_everything_else(model, other, tmp_path):
    package = tmp_path / "a.mlpackage"
    write(model, package)
    weights = package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    weights.parent.mkdir()
    weights.write_bytes(b"w" * 1000)
    manifest = json.loads((package / "Manifest.json").read_text())
    manifest["itemInfoEntries"]["W"] = {"author": "me", "name": "weights", "path": "com.apple.CoreML/weights"}
    (package / "Manifest.json").write_text(json.dumps(manifest))
    before = contents(package)
    write(other, package)
    assert read(package) == other
    assert contents(package) == before | {str(INNER): serialize(other)}


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
    """A package with weights next to the message, and a file that its manifest does not list."""
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
    expected = contents(package) | {str(INNER): serialize(message)}
    expected.pop("Data/note.txt")
    assert contents(tmp_path / "b.mlpackage") == expected


def test_a_message_that_did_not_change_keeps_its_bytes(package, tmp_path):
    before = contents(in_another_order(package))
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
    assert contents(tmp_path / "b.mlpackage") == contents(tmp_path / "a.mlpackage")


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
    with pytest.raises(SpecError, match="the package that exists here has other weights"):
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
    before = contents(tmp_path)
    with pytest.raises(SpecError, match="leaves the package"):
        write(read(package), tmp_path / "b.mlpackage", source=package)
    assert contents(tmp_path) == before


def test_links_inside_an_item(package, tmp_path):
    weights = package / INNER.parent / "weights"
    (weights / "more.bin").symlink_to("weight.bin")
    write(read(package), tmp_path / "b.mlpackage", source=package)
    assert (tmp_path / "b.mlpackage" / INNER.parent / "weights" / "more.bin").read_bytes() == b"weights" * 100
    (weights / "round").symlink_to(weights)
    with pytest.raises(SpecError, match=r"'com.apple.CoreML/weights' contains a symbolic link to a folder, 'round'"):
        write(read(package), tmp_path / "c.mlpackage", source=package)


def test_items_in_unusual_forms(package, model, tmp_path):
    _put(package, gone="gone.bin", everything=".")
    (package / "Data" / "gone.bin").unlink()
    write(read(package), tmp_path / "b.mlpackage", source=package)
    assert contents(tmp_path / "b.mlpackage") == contents(package)  # of which the note is now a part
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
    assert set(contents(package)) == {"Manifest.json", "Data/own.mlmodel"}


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
    before = contents(tmp_path)
    assert "leaves the package: it leads to" in refusal(tmp_path / "a.mlpackage")
    with pytest.raises(SpecError, match="leaves the package"):
        write(other, tmp_path / "a.mlpackage")
    assert contents(tmp_path) == before


def test_links_inside_a_package_are_followed(model, other, tmp_path):
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


def test_links_in_a_cycle(model, tmp_path):
    package = tmp_path / "a.mlpackage"
    write(model, package)
    (package / INNER).unlink()
    (package / INNER).symlink_to(package / INNER)
    assert "is missing" in refusal(package)
    (tmp_path / "b.mlmodel").symlink_to(tmp_path / "b.mlmodel")
    assert "too many levels of symbolic links" in refusal(tmp_path / "b.mlmodel")


def test_an_empty_folder_becomes_a_package(model, tmp_path):
    (tmp_path / "a.mlpackage").mkdir()
    write(model, tmp_path / "a.mlpackage")
    assert read(tmp_path / "a.mlpackage") == model


def test_a_folder_of_something_else_is_left_alone(model, tmp_path):
    (tmp_path / "a.mlpackage").mkdir()
    (tmp_path / "a.mlpackage" / "diary.txt").write_text("dear diary")
    with pytest.raises(SpecError, match=r"a folder without Manifest\.json"):
        write(model, tmp_path / "a.mlpackage")
    assert contents(tmp_path) == {"a.mlpackage/diary.txt": b"dear diary"}
