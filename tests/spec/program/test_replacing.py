"""Packages with weight files, and new weights in them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphml.errors import SpecError
from graphml.spec import Model, read, serialize, write
from graphml.spec.program import programs
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.constexprs import constants
from graphml.spec.program.packages import weight_files
from graphml.spec.program.replacing import Replaced, replace_weights
from graphml.spec.program.values import WeightFiles, encode

INNER = Path("Data", "com.apple.CoreML")
WEIGHTS = INNER / "weights"
OLD = "@model_path/weights/weight.bin"
NEW = "@model_path/weights/weight-1.bin"


def stored(path: Path, function: str = "main") -> dict[str, Any]:
    """{name: constant} of a function."""
    weights, found = weight_files(path), {}
    for operation, _ in programs.walk(programs.body(read(path).mlProgram.functions[function])):
        if operation.type.startswith("const"):
            found[operation.outputs[0].name] = constants(operation, {}.__getitem__, weights)[0].value
    return found


def replaced(path: Path, new: dict[Any, Any]) -> Replaced:
    return replace_weights(read(path), weight_files(path), new)


def files(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_a_written_package_is_read_again(single):
    found = stored(single)
    np.testing.assert_array_equal(found["w"], np.arange(12).reshape(4, 3))
    assert found["small"].tolist() == [1, 2]
    assert found["table"].dequantize().tolist() == [1, 2, 3, 4] * 10
    manifest = json.loads((single / "Manifest.json").read_bytes())
    assert {entry["path"] for entry in manifest["itemInfoEntries"].values()} == {
        "com.apple.CoreML/model.mlmodel",
        "com.apple.CoreML/weights",
    }


def test_a_model_without_a_package_has_no_weights(tmp_path):
    assert weight_files(None).folder is None
    assert weight_files(tmp_path / "a.mlmodel").folder is None
    with pytest.raises(SpecError, match=r"without Manifest.json"):
        weight_files(tmp_path)


def test_equal_arrays_change_nothing(package, tmp_path):
    found = stored(package)
    done = replaced(package, {(name, "w"): found["w"] for name in ("main", "other")})
    write(done.model, tmp_path / "again.mlpackage", source=package, weights=done.files)
    assert files(tmp_path / "again.mlpackage") == files(package)


def test_arrays_of_the_same_type_replace_bytes_only(single, tmp_path):
    before = files(single)
    done = replaced(single, {("main", "w"): np.full((4, 3), 7.5), ("main", "half"): np.arange(20) * np.float32(2)})
    assert done.model == read(single)
    assert list(done.files) == [OLD]
    write(done.model, single, source=single, weights=done.files)
    after = files(single)
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {str(WEIGHTS / "weight.bin")}
    old, new = (np.frombuffer(data[str(WEIGHTS / "weight.bin")], np.uint8) for data in (before, after))
    assert old.size == new.size
    assert set(np.flatnonzero(old != new)) <= {*range(128, 128 + 48), *range(256, 256 + 40)}
    found = stored(single)
    assert set(found["w"].ravel()) == {7.5}
    assert (found["half"].dtype, found["half"].tolist()) == (np.float16, [*range(0, 40, 2)])
    assert found["table"].dequantize().tolist() == [1, 2, 3, 4] * 10


def test_shared_weights_are_replaced_together(package):
    new = np.ones((4, 3), np.float32)
    assert list(replaced(package, {("main", "w"): new, ("other", "w"): new}).files) == [OLD]
    apart = replaced(package, {("main", "w"): new, ("other", "w"): new * 2})
    assert list(apart.files) == [NEW]


def test_a_shared_weight_gets_a_separate_copy(package):
    before = files(package)
    done = replaced(package, {("main", "w"): np.ones((4, 3), np.float32)})
    write(done.model, package, source=package, weights=done.files)
    assert {*stored(package)["w"].ravel()} == {1}
    np.testing.assert_array_equal(stored(package, "other")["w"], np.arange(12).reshape(4, 3))
    after = files(package)
    assert after.keys() - before.keys() == {str(WEIGHTS / "weight-1.bin")}
    assert after[str(WEIGHTS / "weight.bin")] == before[str(WEIGHTS / "weight.bin")]
    # the next time the new file is changed in place
    assert list(replaced(package, {("main", "w"): np.zeros((4, 3), np.float32)}).files) == [NEW]


@pytest.mark.parametrize(
    "array", [np.ones((5, 3), np.float32), np.ones((4, 3), np.int8)], ids=["another shape", "another type"]
)
def test_other_types_and_shapes_go_to_a_new_file(array, single):
    done = replaced(single, {("main", "w"): array})
    assert list(done.files) == [NEW]
    write(done.model, single, source=single, weights=done.files)
    found = stored(single)["w"]
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    operation = programs.body(done.model.mlProgram.functions["main"]).operations[0]
    assert operation.outputs[0].type == operation.attributes["val"].type


def test_constants_inside_the_program_stay_there(single):
    done = replaced(single, {("main", "small"): np.arange(50, dtype=np.float32)})
    assert not done.files
    write(done.model, single, source=single)
    assert stored(single)["small"].tolist() == [*range(50)]


def test_parts_of_compressed_weights(single):
    table = stored(single)["table"]
    new = replace(table, lut=table.lut * 10, indices=table.indices[::-1])
    done = replaced(single, {("main", "table"): new})
    write(done.model, single, source=single, weights=done.files)
    assert stored(single)["table"].dequantize().tolist() == [40, 30, 20, 10] * 10


def test_arrays_in_place_of_compressed_weights(single):
    done = replaced(single, {("main", "table"): np.arange(40, dtype=np.float32)})
    write(done.model, single, source=single, weights=done.files)
    found = stored(single)["table"]
    assert (found.dtype, found.tolist()) == (np.float16, [*range(40)])
    operation = programs.body(done.model.mlProgram.functions["main"]).operations[-1]
    assert (operation.type, operation.attributes.keys()) == ("const", {"name", "val"})


def test_parts_of_compressed_weights_of_the_newer_form(tmp_path):
    model = Model(specificationVersion=9)
    block = model.mlProgram.functions["main"]
    block.opset = "CoreML8"
    operation = block.block_specializations["CoreML8"].operations.add(type="constexpr_sparse_to_dense")
    blobs = BlobWriter()
    mask = encode(np.uint8([1, 0] * 10), "uint1", blobs=blobs, version=18)
    for name, value in (("mask", mask), ("nonzero_data", encode(np.arange(10, dtype=np.float32), blobs=blobs))):
        operation.inputs[name].arguments.add().value.CopyFrom(value)
    operation.outputs.add(name="sparse")
    path = tmp_path / "a.mlpackage"
    write(model, path, weights={OLD: blobs.chunks()})
    weight = stored(path)["sparse"]
    done = replaced(path, {("main", "sparse"): replace(weight, stored=weight.stored + 1)})
    write(done.model, path, source=path, weights=done.files)
    assert stored(path)["sparse"].dequantize().tolist() == [n for k in range(1, 11) for n in (k, 0)]
    assert list(done.files) == [OLD]


def test_programs_inside_pipelines(single, tmp_path):
    pipeline = Model(specificationVersion=9)
    for _ in range(2):
        pipeline.pipeline.models.add().CopyFrom(read(single))
    path = tmp_path / "pipeline.mlpackage"
    write(pipeline, path, source=single)
    done = replaced(path, {(1, "main", "w"): np.ones((4, 3), np.float32)})
    assert list(done.files) == [NEW]
    assert done.model.pipeline.models[0] == pipeline.pipeline.models[0]
    with pytest.raises(SpecError, match="there is no stage 2"):
        replaced(path, {(2, "main", "w"): np.ones(3)})


def test_unknown_attributes_and_fields_are_kept(single, tmp_path):
    model = read(single)
    programs.body(model.mlProgram.functions["main"]).operations[3].attributes["made.by"].CopyFrom(encode("someone"))
    model.MergeFromString(b"\xba\x3e\x03new")  # field 999, which no schema has
    write(model, single, source=single)
    done = replaced(single, {("main", "w"): np.ones((9, 3), np.float32)})
    write(done.model, single, source=single, weights=done.files)
    again = read(single)
    assert "made.by" in programs.body(again.mlProgram.functions["main"]).operations[3].attributes
    assert b"\xba\x3e\x03new" in serialize(again)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (("main", "nothing"), np.ones(3), "main.nothing\n  there is no such constant"),
        (("nowhere", "w"), np.ones(3), "no function 'nowhere'"),
        (("main", "half"), np.full(20, 1e6), "the largest number is 1e.06, which float16 cannot hold"),
        (("main", "w"), np.ones(3, np.complex64), "no type for arrays of complex64"),
        (("main", "y"), np.ones(3), "there is no such constant"),
    ],
)
def test_what_cannot_be_replaced(key, value, words, single):
    with pytest.raises(SpecError, match=words):
        replaced(single, {key: value})


def test_compressed_weights_keep_their_form(single):
    table = stored(single)["table"]
    with pytest.raises(SpecError, match="'const' does not store PalettizedWeights"):
        replaced(single, {("main", "w"): table})
    with pytest.raises(SpecError, match=r"'lut' has the shape \[4\], got \[8\]"):
        replaced(single, {("main", "table"): replace(table, lut=np.ones((1, 8, 1), np.float16))})
    with pytest.raises(SpecError, match="cannot become a compressed weight"):
        replaced(single, {("main", "table"): replace(table, lut=table)})


def test_infinities_stay(single):
    new = np.full(20, np.inf, np.float32)
    done = replaced(single, {("main", "half"): new})
    write(done.model, single, source=single, weights=done.files)
    assert np.isinf(stored(single)["half"]).all()


# Writing --------------------------------------------------------------------------------------------------------------


def test_new_packages_with_changed_weights(single, tmp_path):
    done = replaced(single, {("main", "w"): np.ones((4, 3), np.float32)})
    write(done.model, tmp_path / "b.mlpackage", source=single, weights=done.files)
    assert set(stored(tmp_path / "b.mlpackage")["w"].ravel()) == {1}
    assert stored(single)["w"].max() == 11  # the source stays
    assert files(single).keys() == files(tmp_path / "b.mlpackage").keys()


def test_an_interrupted_write_leaves_the_old_package(single, tmp_path, monkeypatch):
    before = files(single)
    for new in (np.ones((4, 3), np.float32), np.ones((9, 3), np.float32)):  # in place, and to a new file

        def fails(*paths: Any) -> None:
            raise OSError(28, "no space left on device")

        done = replaced(single, {("main", "w"): new})
        for path in (single, tmp_path / "new.mlpackage"):
            done = replaced(single, {("main", "w"): new})
            with monkeypatch.context() as patched, pytest.raises(SpecError, match="no space left"):
                patched.setattr(os, "replace", fails)
                write(done.model, path, source=single, weights=done.files)
        assert files(single) == before
        assert sorted(file.name for file in tmp_path.iterdir()) == ["single.mlpackage"]


def test_weights_need_a_listed_place(single):
    manifest = json.loads((single / "Manifest.json").read_bytes())
    entries = manifest["itemInfoEntries"]
    manifest["itemInfoEntries"] = {key: one for key, one in entries.items() if one["name"] != "weights"}
    (single / "Manifest.json").write_text(json.dumps(manifest))
    done = replaced(single, {("main", "w"): np.ones((4, 3), np.float32)})
    with pytest.raises(SpecError, match=r"does not list 'com.apple.CoreML/weights/weight.bin'"):
        write(done.model, single, source=single, weights=done.files)


@pytest.mark.parametrize(
    "name", ["weights/weight.bin", "@model_path/../../../x.bin", "@model_path/", "@model_path/model.mlmodel"]
)
def test_weights_stay_in_the_package(name, single, tmp_path):
    for path in (single, tmp_path / "new.mlpackage"):
        with pytest.raises(SpecError, match=r"weight file|leaves the package|cannot be copied|does not list"):
            write(read(single), path, source=single, weights={name: [b"data"]})
    assert not (tmp_path / "x.bin").exists()


def test_an_mlmodel_holds_no_weights(single, tmp_path):
    with pytest.raises(SpecError, match=r"which an .mlmodel cannot hold"):
        write(Model(), tmp_path / "a.mlmodel", weights={OLD: [b"data"]})
    assert isinstance(weight_files(single), WeightFiles)
