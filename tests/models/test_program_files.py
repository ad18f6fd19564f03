"""ML Programs and their files: weight files, saving, the cache directory, packages with several programs."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest
from one_model import joined, made
from program_packages import LARGE, TWO_ROWS, WANTED, affine, message_of, package, two_functions, write_package

from graphml import spec
from graphml.build import array
from graphml.build.program import ProgramBuilder
from graphml.errors import GraphError, ShapeError, SpecError
from graphml.models import ModelConfiguration, load
from graphml.models.program import MLProgram
from graphml.spec.program.blobs import BlobWriter

HALF = np.float16


def program(source: Any, **keyword: Any) -> MLProgram:
    return load(source, kind=MLProgram, **keyword)


# Files ---------------------------------------------------------------------------------------------------------------


def test_a_program_outlives_its_package(tmp_path):
    path = package(tmp_path / "a.mlpackage", affine())
    model = program(path)
    shutil.rmtree(path)
    np.testing.assert_allclose(model.predict({"x": TWO_ROWS})["y"], WANTED)
    assert set(model.parameters) == {"scale", "shift"}


def test_weights_that_are_missing_are_named(tmp_path):
    path = package(tmp_path / "a.mlpackage", affine())
    model = program(spec.read(path))
    with pytest.raises(SpecError, match="a file of a package; this model has no package"):
        model.predict({"x": TWO_ROWS})
    shutil.rmtree(path / "Data" / "com.apple.CoreML" / "weights")
    with pytest.raises(SpecError, match=r"weight\.bin' is missing"):
        program(path).predict({"x": TWO_ROWS})


def test_what_the_model_declares_is_in_the_program():
    for change in ("output", "input", "state"):
        words = f"{change} 'other': is described, but the function has no such {change}"
        builder = ProgramBuilder()
        builder.output("y", builder.mul(builder.input("x", (2,)), 2.0))
        message = message_of(builder, BlobWriter())
        getattr(message.description, change).add(name="other").type.multiArrayType.shape.append(1)
        if change == "state":
            kind = message.description.state[0].type.stateType
            kind.arrayType.dataType, kind.arrayType.shape[:] = 65552, [1]
        with pytest.raises(SpecError, match=words):
            program(message).lower()


def test_a_cache_directory_knows_function_weights_and_precision(tmp_path):
    path, keys = two_functions(tmp_path / "a.mlpackage"), set()

    def key(**keyword: Any) -> str:
        cache = {"cache_directory": tmp_path / "cache"}
        name = keyword.pop("function_name", None)
        model = program(path, function_name=name, configuration=ModelConfiguration(**cache, **keyword))
        assert model._cache is not None
        return model._cache.key

    first = key()
    assert key() == key(function_name="add") == first
    keys = {first, key(function_name="multiply")}
    keys |= {key(compute_precision=precision) for precision in ("declared", "strict")}
    weights = path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert len(keys | {key()}) == 5


def test_a_cache_directory_starts_programs(tmp_path):
    path = package(tmp_path / "a.mlpackage", affine())
    configuration = ModelConfiguration(cache_directory=tmp_path / "cache")
    for traces in (1, 0):
        model = program(path, configuration=configuration)
        np.testing.assert_allclose(model.predict({"x": TWO_ROWS})["y"], WANTED)
        assert model.trace_count == traces


# Weights -------------------------------------------------------------------------------------------------------------


def test_other_weights_share_the_program(tmp_path):
    model = program(package(tmp_path / "a.mlpackage", affine()))
    model.predict({"x": TWO_ROWS})
    other = model.with_parameters({"scale": {"val": np.ones(12, np.float32)}})
    np.testing.assert_allclose(other.predict({"x": TWO_ROWS})["y"], TWO_ROWS + np.float32([[1], [2]]))
    np.testing.assert_allclose(model.predict({"x": TWO_ROWS})["y"], WANTED)
    assert model.trace_count == 1
    with pytest.raises(GraphError, match="no constant with weights is called 'none'"):
        model.with_parameters({"none": {"val": LARGE}})
    with pytest.raises(ShapeError, match=r"scale/val has shape \[12\], got \[3\]"):
        model.with_parameters({"scale": {"val": np.ones(3)}})


@pytest.mark.parametrize("gone", [False, True])
def test_an_unchanged_program_is_written_as_it_was_read(gone, tmp_path):
    path = package(tmp_path / "a.mlpackage", affine())
    files = {each.relative_to(path): each.read_bytes() for each in path.rglob("*") if each.is_file()}
    model = program(path)
    if gone:
        shutil.rmtree(path)
    model.save(tmp_path / "b.mlpackage")
    if not gone:
        model.save(path)
        assert {each.relative_to(path): each.read_bytes() for each in path.rglob("*") if each.is_file()} == files
    for inner, content in files.items():
        if inner.name != "Manifest.json" or not gone:
            assert (tmp_path / "b.mlpackage" / inner).read_bytes() == content
    np.testing.assert_allclose(program(tmp_path / "b.mlpackage").predict({"x": TWO_ROWS})["y"], WANTED)
    with pytest.raises(SpecError, match=r"which an \.mlmodel cannot hold"):
        model.save(tmp_path / "b.mlmodel")


def test_new_weights_take_the_place_of_the_old_ones(tmp_path):
    path = package(tmp_path / "a.mlpackage", affine())
    model = program(path)
    other = model.with_parameters({"scale": {"val": np.ones(12)}, "shift": {"val": np.float32([[3], [4]])}})
    want = TWO_ROWS + np.float32([[3], [4]])
    for _ in range(2):  # a package that is new, and one that exists
        other.save(tmp_path / "b.mlpackage")
        again = program(tmp_path / "b.mlpackage")
        np.testing.assert_allclose(again.predict({"x": TWO_ROWS})["y"], want)
        assert again.parameters["scale"]["val"].dtype == np.float32
    assert other.spec == again.spec != model.spec
    other.save(path)
    np.testing.assert_allclose(program(path).predict({"x": TWO_ROWS})["y"], want)
    model.save(tmp_path / "c.mlpackage")  # its package has changed, the model has not
    np.testing.assert_allclose(program(tmp_path / "c.mlpackage").predict({"x": TWO_ROWS})["y"], WANTED)


def test_new_weights_of_one_function_are_not_those_of_another(tmp_path):
    path = two_functions(tmp_path / "a.mlpackage")
    add = program(path, function_name="add")
    add.with_parameters({"large": {"val": -LARGE}}).save(path)
    found = {name: program(path, function_name=name).parameters["large"]["val"] for name in add.function_names}
    assert found["add"].tolist() == (-LARGE).tolist()
    assert found["multiply"].tolist() == LARGE.tolist()  # another constant needs the old values at the same place


# Pipelines -----------------------------------------------------------------------------------------------------------


def test_programs_are_stages_whose_weights_are_in_the_package(tmp_path):
    blobs = BlobWriter()
    first = message_of(affine(), blobs)
    builder = ProgramBuilder()
    y = builder.input("y", (2, 12), "float16")
    builder.output("z", builder.mul(y, builder.const(LARGE.astype(HALF), name="again")))
    second = message_of(builder, blobs)
    scaler = made("scaler", {"z": array(2, 12)}, {"w": array(2, 12)}, scaleValue=[2.0])
    message = joined([first, second, scaler], {"x": array(2, 12)}, {"w": array(2, 12)})
    message.specificationVersion = 9
    path = write_package(tmp_path / "a.mlpackage", message, blobs)
    model = load(path)
    small = TWO_ROWS / 8
    y = (small * LARGE + np.float32([[1], [2]])).astype(HALF)
    want = (np.float32(y) * LARGE).astype(HALF).astype(np.float32) * 2
    np.testing.assert_allclose(model.predict({"x": small})["w"], want, rtol=1e-3)
    np.testing.assert_allclose(model.predict_batch([{"x": small}] * 2)[1]["w"], want, rtol=1e-3)
    parameters = {"model0": {"scale": {"val": LARGE / 2}}, "model1": {"again": {"val": -LARGE}}}
    model.with_parameters(parameters).save(tmp_path / "b.mlpackage")
    y = (small * LARGE / 2 + np.float32([[1], [2]])).astype(HALF)
    want = (np.float32(y) * -LARGE).astype(HALF).astype(np.float32) * 2
    np.testing.assert_allclose(load(tmp_path / "b.mlpackage").predict({"x": small})["w"], want, rtol=1e-3)


def test_a_stage_that_takes_an_image_passes_it_on(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (1, 3, 2, 2), image="BGR")
    builder.output("y", builder.mul(x, 2.0))
    blobs = BlobWriter()
    stage = message_of(builder, blobs)
    scaler = made("scaler", {"y": array(1, 3, 2, 2)}, {"w": array(1, 3, 2, 2)}, scaleValue=[2.0])
    kinds = {"x": stage.description.input[0].type}
    message = joined([stage, scaler], kinds, {"w": array(1, 3, 2, 2)})
    message.specificationVersion = 9
    colors = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    out = load(message).predict({"x": colors})["w"]
    assert out.tolist() == (4 * np.float32(colors.transpose(2, 0, 1)[::-1]))[None].tolist()
