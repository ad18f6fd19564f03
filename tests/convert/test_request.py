"""What callers ask for, and how sources are recognised: nothing here needs another framework."""

from __future__ import annotations

import subprocess
import sys

import jax
import numpy as np
import pytest

import graphml
from graphml.convert import Flexible, ImageInput, Input
from graphml.convert.check import shapes_to_try
from graphml.convert.request import ConversionRequest, described, enumerated_shapes, read_labels
from graphml.convert.sources import recognise
from graphml.errors import FeatureError, SpecError


def test_the_name_is_a_function_and_a_package():
    code = """
import graphml
assert callable(graphml.convert)
from graphml.convert.request import Flexible
import graphml.convert.sources
assert callable(graphml.convert) and Flexible(1, 2).high == 2
"""
    first = "from graphml.convert import Flexible\n"
    for program in (code, first + code):
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_inputs_in_every_form():
    x = np.zeros((2, 3), np.int64)
    assert described(None) == ()
    assert described(x) == (Input((2, 3), "int64"),)
    assert described((1, 3, None)) == (Input((1, 3, Flexible())),)
    assert described([x, (4,)]) == (Input((2, 3), "int64"), Input((4,)))
    assert described({"a": jax.ShapeDtypeStruct((5,), np.float32)}) == {"a": Input((5,), "float32")}
    assert described(x)[0].example is x
    with pytest.raises(FeatureError, match="not a str"):
        described("x")
    with pytest.raises(FeatureError, match="not a float"):
        described([1.5])


@pytest.mark.parametrize(
    ("given", "what"),
    [({"low": 0}, "must be at least 1"), ({"low": 3, "high": 2}, "3 to 2"), ({"high": 4, "default": 5}, "1 to 4")],
)
def test_invalid_sizes(given, what):
    with pytest.raises(FeatureError, match=what):
        Flexible(**given)


def test_inputs_are_matched_with_those_of_the_source():
    declared = {"a": Input((2,)), "b": Input((3,), "int32")}
    asked = ConversionRequest(inputs=described({"b": (4,)})).named(declared)
    assert asked == {"a": Input((2,)), "b": Input((4,), "int32")}
    assert list(ConversionRequest(inputs=described({"x": (2,), "y": (3,)})).named(declared)) == ["x", "y"]
    assert ConversionRequest(inputs=described([(7,)])).named(declared)["a"].shape == (7,)
    with pytest.raises(FeatureError, match="no input 'c'; it takes 'a', 'b'"):
        ConversionRequest(inputs=described({"c": (4,)})).named(declared)
    with pytest.raises(FeatureError, match="3 inputs were described"):
        ConversionRequest(inputs=described([(1,), (1,), (1,)])).named(declared)


def test_shapes_that_are_tried():
    n, m = Flexible(1, 8, default=4), Flexible(sizes=(2, 5))
    inputs = {"a": Input((n, 3)), "b": Input((n,)), "c": Input((1, m))}
    rows = shapes_to_try(inputs)
    assert rows[0] == {"a": (4, 3), "b": (4,), "c": (1, 2)}
    assert {row["c"] for row in rows} == {(1, 2), (1, 5)}  # every size
    assert {row["a"][0] for row in rows} == {4, 7, 1}
    assert all(row["a"][0] == row["b"][0] for row in rows)  # one dimension
    assert enumerated_shapes(Input((Flexible(sizes=(1, 2, 3)), Flexible(sizes=(4, 5))))) == [(1, 4), (2, 5), (3, 5)]


def test_the_layout_of_images():
    assert ImageInput((1, 3, 8, 9)).channels_first
    assert not ImageInput((1, 8, 9, 3)).channels_first
    with pytest.raises(FeatureError, match="GRAYSCALE"):
        _ = ImageInput((1, 3, 8, 9), color="GRAYSCALE").channels_first
    with pytest.raises(FeatureError, match=r"needs the shape \[1, 3, .*got \[2, 3, 8, 9\]"):
        _ = ImageInput((2, 3, 8, 9)).channels_first


def test_a_source_of_integers_scales_pixels_itself():
    declared = {"x": Input((1, 3, 8, 9), "uint8")}
    assert ConversionRequest({"x": ImageInput()}).named(declared)["x"].dtype == "uint8"
    with pytest.raises(FeatureError, match="takes images as uint8"):
        ConversionRequest({"x": ImageInput(scale=0.5)}).named(declared)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"color": "rgb"}, "one of RGB, BGR, GRAYSCALE, got 'rgb'"),
        ({"scale": (1, 2, 3)}, r"one number for all channels, got \(1, 2, 3\)"),
        ({"bias": (1, 2)}, r"\(RGB\) is one number or 3, got \(1, 2\)"),
        ({"bias": (1, 2, 3), "color": "GRAYSCALE"}, "is one number, got"),
    ],
)
def test_what_no_image_has_is_refused(given, what):
    with pytest.raises(FeatureError, match=what):
        ImageInput((1, 3, 8, 9), **given)
    assert ImageInput(bias=np.float32([1, 2, 3])) == ImageInput(bias=(1.0, 2.0, 3.0))


def test_class_labels(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("cat\ndog\n")
    assert read_labels(path) == ("cat", "dog")
    assert read_labels([1, 2]) == (1, 2)
    with pytest.raises(FeatureError, match="all strings or all integers"):
        read_labels(["a", 1])
    with pytest.raises(FeatureError, match="cannot be read"):
        read_labels(tmp_path / "none.txt")


def test_sources_are_recognised(tmp_path):
    for name, kind in {
        "a.onnx": "onnx",
        "a.pt": "torch",
        "a.pt2": "torch",
        "a.pb": "tensorflow",
        "a.H5": "keras",
    }.items():
        (tmp_path / name).write_bytes(b"")
        assert recognise(tmp_path / name) == kind
    saved = tmp_path / "saved"
    saved.mkdir()
    with pytest.raises(FeatureError, match="not a SavedModel"):
        recognise(saved)
    (saved / "saved_model.pb").write_bytes(b"")
    assert recognise(str(saved)) == "tensorflow"
    assert recognise(b"") == "onnx"
    assert recognise(np.sin) == "jax"
    (tmp_path / "a.mlmodel").write_bytes(b"")
    with pytest.raises(FeatureError, match=r"graphml\.load"):
        recognise(tmp_path / "a.mlmodel")
    (tmp_path / "a.tflite").write_bytes(b"")
    with pytest.raises(FeatureError, match=r"a\.tflite cannot be converted; expected an ONNX file"):
        recognise(tmp_path / "a.tflite")
    with pytest.raises(SpecError, match="does not exist"):
        recognise(tmp_path / "none.onnx")
    with pytest.raises(FeatureError, match="an int cannot be converted"):
        recognise(3)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"to": "tflite"}, "expected 'neuralnetwork' or 'mlprogram'"),
        ({"precision": "int8"}, "expected 'float32' or 'float16'"),
        ({"precision": "float16"}, "to='mlprogram'"),
        ({"to": "mlprogram", "trainable": "fc*"}, "trains neural networks only"),
    ],
)
def test_options_that_do_not_fit(options, what):
    with pytest.raises(FeatureError, match=what):
        graphml.convert(np.sin, [(2,)], **options)
