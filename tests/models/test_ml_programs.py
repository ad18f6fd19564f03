"""ML Programs behind their interface: values in, values out, functions, precision, weights."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from one_model import made
from PIL import Image
from program_packages import LARGE, TWO_ROWS, affine, message_of, package, two_functions

from graphml import spec
from graphml.build import array
from graphml.build.program import ProgramBuilder
from graphml.errors import FeatureError, SpecError, UnsupportedError
from graphml.models import ModelConfiguration, load
from graphml.models.program import MLProgram
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.programs import body
from graphml.spec.program.values import encode
from graphml.spec.wire.features_pb2 import ImageFeatureType

HALF = np.float16
X = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3)


def program(source: Any, **keyword: Any) -> MLProgram:
    return load(source, kind=MLProgram, **keyword)


# Values --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "int8"])
def test_inputs_and_outputs_have_the_declared_type(dtype, tmp_path):
    builder = ProgramBuilder("CoreML9")
    x = builder.input("x", (2, 3), dtype)
    builder.output("same", x)
    builder.output("floats", builder.cast(x, "fp32"))
    builder.output("ints", builder.cast(x, "int32"))
    model = program(package(tmp_path / "a.mlpackage", builder))
    given = np.array([[1, -2, 3], [4, 5, 6]])
    for value in (given, given.astype(dtype), given.tolist()):
        out = model.predict({"x": value})
        assert {name: each.dtype.name for name, each in out.items()} == {
            "same": dtype,
            "floats": "float32",
            "ints": "int32",
        }
        assert all(each.tolist() == given.tolist() for each in out.values())
    assert model.trace_count == 1
    with pytest.raises(FeatureError, match=rf"'x' takes an? {dtype} array \[2, 3\], got an? \w+ array \[3\]"):
        model.predict({"x": np.ones(3)})
    if dtype.startswith("int"):
        with pytest.raises(FeatureError, match=r"array that contains 1\.5"):
            model.predict({"x": np.full((2, 3), 1.5)})


def test_integers_keep_all_their_digits(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (1,), "int32")
    builder.output("y", builder.add(x, np.int32([1])))
    y = program(package(tmp_path / "a.mlpackage", builder)).predict({"x": [2**24 + 1]})["y"]
    assert y.tolist() == [2**24 + 2]  # float32 does not have that number


def test_a_scalar_has_one_axis_at_the_interface_and_none_inside(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", ())
    builder.output("y", builder.mul(x, 2.0))
    model = program(package(tmp_path / "a.mlpackage", builder))
    assert model.predict({"x": [3.0]})["y"].tolist() == [6]
    assert model.predict({"x": np.float32(3)})["y"].shape == (1,)
    assert model.lower().fn({}, {"x": np.float32([3])})["y"].shape == ()


def test_names_are_those_of_the_program_whatever_they_are(tmp_path):
    builder = ProgramBuilder()
    builder.output("class", builder.mul(builder.input("lambda@1", (2,)), 3.0))
    model = program(package(tmp_path / "a.mlpackage", builder))
    assert model.predict({"lambda@1": [1, 2]})["class"].tolist() == [3, 6]
    with pytest.raises(FeatureError, match=r"no feature 'lambda1' \(did you mean 'lambda@1'\?\)"):
        model.predict({"lambda1": [1, 2]})


def test_optional_inputs_have_defaults(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (2,))
    one, two = builder.input("one", (2,), default=2.5), builder.input("two", (2,), "int32", default=3)
    builder.output("y", builder.add(x, builder.add(one, builder.cast(two, "fp32"))))
    path = package(tmp_path / "a.mlpackage", builder)
    model = program(path)
    assert model.predict({"x": [0, 1]})["y"].tolist() == [5.5, 6.5]
    assert model.predict({"x": [0, 1], "one": [1, 2], "two": None})["y"].tolist() == [4, 6]
    message = spec.read(path)
    message.description.input[1].type.multiArrayType.ClearField("floatDefaultValue")
    assert program(message).predict({"x": [0, 1]})["y"].tolist() == [3, 4]  # zeros, as nothing else is declared


@pytest.mark.parametrize("seed", [-1, 0])
def test_random_numbers_differ_unless_the_program_or_the_call_says_which(seed, tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (8,))
    builder.output("y", builder.add(x, builder.random_normal([8], seed=seed)))
    model = program(package(tmp_path / "a.mlpackage", builder))
    assert model.draws() == (seed < 0)
    zeros = {"x": np.zeros(8)}
    found = [model.predict(zeros)["y"] for _ in range(2)] + [each["y"] for each in model.predict_batch([zeros] * 2)]
    assert len({each.tobytes() for each in found}) == (4 if seed < 0 else 1)
    key = jax.random.key(3)
    np.testing.assert_array_equal(model.predict(zeros, key=key)["y"], model.predict(zeros, key=key)["y"])


# Images --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("color", ["RGB", "BGR", "GRAYSCALE"])
def test_images_go_in_as_pixels_and_come_out_as_pictures(color, tmp_path):
    channels = 1 if color == "GRAYSCALE" else 3
    builder = ProgramBuilder()
    x = builder.input("x", (1, channels, 2, 4), image=color)
    builder.output("pixels", builder.mul(x, 1.0))
    builder.output("half", builder.mul(x, 0.5), image=color)
    model = program(package(tmp_path / "a.mlpackage", builder))
    colors = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
    picture = Image.fromarray(colors[:, :, 0] if channels == 1 else colors)
    out = model.predict({"x": picture})
    order = slice(None, None, -1) if color == "BGR" else slice(None)
    planes = np.asarray(picture).reshape(2, 4, channels).transpose(2, 0, 1)[order]
    assert out["pixels"].tolist() == planes[None].tolist()
    assert model.arrays({"x": picture})["x"].shape == (1, channels, 2, 4)
    want = np.rint(np.asarray(picture) / 2)
    np.testing.assert_array_equal(np.asarray(out["half"].convert(picture.mode)), want)


def test_half_precision_grey_is_a_float_picture(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (1, 1, 2, 2), "float16", image="GRAYSCALE")
    builder.output("y", builder.mul(x, HALF(0.3)), image="GRAYSCALE")
    message = message_of(builder, BlobWriter())
    for feature in (message.description.input[0], message.description.output[0]):
        feature.type.imageType.colorSpace = ImageFeatureType.GRAYSCALE_FLOAT16
    given = np.float32([[1.5, 2], [1000, 0.1]])
    out = program(message, configuration=ModelConfiguration(compute_precision="declared")).predict({"x": given})["y"]
    assert out.mode == "F"
    np.testing.assert_array_equal(np.asarray(out), np.float32(given.astype(HALF) * HALF(0.3)))


# Shapes --------------------------------------------------------------------------------------------------------------


def test_shapes_are_those_of_the_inputs(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", ((1, 4), 3))
    builder.output("y", builder.mul(x, np.float32([1, 2, 3])))
    model = program(package(tmp_path / "a.mlpackage", builder))
    for rows in (1, 4):
        assert model.predict({"x": np.ones((rows, 3))})["y"].tolist() == [[1, 2, 3]] * rows
    with pytest.raises(FeatureError, match=r"takes a float32 array \[1 to 4, 3\], got a float64 array \[5, 3\]"):
        model.predict({"x": np.ones((5, 3))})
    found = model.predict_batch([{"x": np.full((rows, 3), rows)} for rows in (2, 1, 2)])
    assert [each["y"].tolist() for each in found] == [[[2, 4, 6]] * 2, [[1, 2, 3]], [[2, 4, 6]] * 2]


def test_enumerated_shapes_are_compiled_ahead(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (2, 3), enumerated=[(4, 3)])
    builder.output("y", builder.mul(x, 2.0))
    model = program(package(tmp_path / "a.mlpackage", builder))
    model.warm_up()
    for rows in (2, 4):
        assert model.predict({"x": np.ones((rows, 3))})["y"].shape == (rows, 3)
    assert model.trace_count == 2
    with pytest.raises(FeatureError, match=r"\[2, 3\] or \[4, 3\], got a float64 array \[3, 3\]"):
        model.predict({"x": np.ones((3, 3))})


def test_images_may_have_other_sizes(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (1, 1, (2, 4), (2, 8)), image="GRAYSCALE")
    builder.output("y", builder.mul(x, 2.0))
    model = program(package(tmp_path / "a.mlpackage", builder))
    assert model.predict({"x": np.ones((3, 5), np.uint8)})["y"].tolist() == [[[[2] * 5] * 3]]


# Classifiers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [["cat", "dog", "owl"], [7, 5, 3]])
def test_a_classifier_gives_a_label_and_all_probabilities(labels, tmp_path):
    builder = ProgramBuilder()
    builder.classifier(builder.softmax(builder.input("x", (1, 3)), axis=-1), labels)
    model = program(package(tmp_path / "a.mlpackage", builder))
    out = model.predict({"x": [[0, 2, 1]]})
    assert out["classLabel"] == labels[1]
    assert list(out["classLabel_probs"]) == labels
    want = np.exp([0, 2, 1]) / np.exp([0, 2, 1]).sum()
    np.testing.assert_allclose(list(out["classLabel_probs"].values()), want, rtol=1e-5)
    assert model.predict({"x": [[1, 0, 1]]})["classLabel"] == labels[0]  # the first of equal ones
    assert model.predict_batch([{"x": [[0, 2, 1]]}] * 2)[1]["classLabel"] == labels[1]


def test_labels_may_be_a_list_of_integers():
    """As coremltools writes them: a list of scalars, not one array."""
    builder = ProgramBuilder()
    builder.classifier(builder.softmax(builder.input("x", (1, 3)), axis=-1), [7, 5, 3])
    message = builder.model().spec
    operations = body(message.mlProgram.functions["main"]).operations
    classify = next(operation for operation in operations if operation.type == "classify")
    classify.inputs["classes"].arguments[0].value.CopyFrom(encode([np.int64(label) for label in (7, 5, 3)]))
    assert load(message).predict({"x": [[0, 2, 1]]})["classLabel"] == 5


def test_a_constant_integer_matrix_times_an_input():
    builder = ProgramBuilder()
    x = builder.cast(builder.input("x", (3, 2)), dtype="int32")
    builder.output("y", builder.matmul(np.int32([[1, 2, 3]]), x))
    found = builder.model().predict({"x": np.float32([[1, 2], [3, 4], [5, 6]])})["y"]
    assert found.tolist() == [[22, 28]]


def test_a_classifier_may_give_the_label_alone():
    builder = ProgramBuilder()
    builder.classifier(builder.softmax(builder.input("x", (3,)), axis=-1), ["cat", "dog", "owl"])
    message = message_of(builder, BlobWriter())
    del message.description.output[1]
    message.description.predictedProbabilitiesName = ""
    assert program(message).predict({"x": [0, 1, 5]}) == {"classLabel": "owl"}


def test_a_program_that_does_not_classify_is_no_classifier(tmp_path):
    message = message_of(affine(), BlobWriter())
    message.description.predictedFeatureName = "y"
    with pytest.raises(SpecError, match="nothing in the program computes 'y': it has no classify"):
        program(message).predict({"x": TWO_ROWS})


# Functions -----------------------------------------------------------------------------------------------------------


def test_a_function_is_chosen_by_name(tmp_path):
    path = two_functions(tmp_path / "a.mlpackage")
    one = {"x": np.full(12, 2)}
    default, add = program(path), program(path, function_name="add")
    multiply = program(path, function_name="multiply")
    assert default.predict(one)["y"].tolist() == add.predict(one)["y"].tolist() == (LARGE + 2).tolist()
    assert multiply.predict(one)["z"].tolist() == (LARGE * 2).tolist()
    assert [f.name for f in multiply.description.outputs] == ["z"]
    assert default.function_names == ("add", "multiply")
    assert (default.function_name, multiply.function_name) == ("add", "multiply")
    with pytest.raises(SpecError, match="the program has no function 'divide'; its functions are 'add', 'multiply'"):
        load(path, function_name="divide")


def test_the_only_function_runs_whatever_its_name():
    builder = affine(ProgramBuilder(function="other"))
    blobs = BlobWriter()
    message = message_of(builder, blobs)
    assert program(message).function_name == "other"
    message.description.defaultFunctionName = "missing"
    model = program(message)
    with pytest.raises(SpecError, match="defaultFunctionName is 'missing', which the program does not have"):
        model.predict({"x": TWO_ROWS})


def test_only_programs_have_functions():
    scaler = made("scaler", {"x": array(1)}, {"y": array(1)}, scaleValue=[2.0])
    with pytest.raises(SpecError, match=r"only ML Programs have functions; this model \(scaler\) has no 'main'"):
        load(scaler, function_name="main")


# Precision -----------------------------------------------------------------------------------------------------------


def test_precision_is_declared_float32_or_strict(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (2,), "float16")
    builder.output("y", builder.sqrt(builder.mul(x, x)))  # the square of 300 is beyond float16
    path = package(tmp_path / "a.mlpackage", builder)
    found = {}
    for precision in ("declared", "float32", "strict", None):
        model = program(path, configuration=ModelConfiguration(compute_precision=precision))
        out = model.predict({"x": [300, -2]})["y"]
        assert out.dtype == HALF
        lowered = model.lower()
        found[precision] = lowered.dtype, lowered.target.low_precision, [float(each) for each in out]
    assert found["declared"] == (None, False, [np.inf, 2])
    assert found["strict"] == (None, True, [np.inf, 2])
    assert found["float32"] == found[None] == (np.float32, False, [300, 2])
    assert program(path).lower(platform="cuda").dtype is None  # declared types on accelerators
    assert program(path).lower(dtype=np.float64).dtype == np.float64


def test_another_precision_is_refused():
    words = "compute_precision must be 'declared', 'float32', 'strict' or None, got 'half'"
    with pytest.raises(FeatureError, match=words):
        ModelConfiguration(compute_precision="half")  # pyright: ignore


def test_a_program_says_what_it_cannot_do():
    message = message_of(affine(), BlobWriter())
    message.specificationVersion = 99
    with pytest.raises(UnsupportedError, match="needs specification version 99"):
        program(message).predict({"x": TWO_ROWS})
