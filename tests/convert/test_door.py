"""From a source to a checked model, with a source that is written here."""

from __future__ import annotations

import numpy as np
import pytest

import graphml
from graphml import NeuralNetworkBuilder, ProgramBuilder, convert, datatypes
from graphml.convert import Flexible, ImageInput, Input, explain, sources
from graphml.convert.coremltools import draw_anew, translation_of
from graphml.convert.finishing import finish_network
from graphml.convert.request import ConversionRequest
from graphml.convert.source import OperatorUse, TensorSource, Translation, counted
from graphml.errors import ConversionError, SpecError, UnsupportedError
from graphml.inspect.references import Reference


class Doubling(TensorSource):
    """A source that doubles its input and adds an offset, which the translation does not."""

    what = "a doubling"
    offset = 0.0
    noise = False
    missing = ""

    def __init__(self, source, request):
        del source
        self.request = request
        self._inputs = request.named({"x": Input((2, Flexible(1, 6, default=3)))})
        self._random = np.random.default_rng(0)

    @property
    def inputs(self):
        return self._inputs

    def operators(self):
        return counted([("double", "a.py:1", ""), ("double", "a.py:2", ""), ("halve", "a.py:3", self.missing)])

    def translate(self):
        self.refuse_unsupported("this test")
        builder = NeuralNetworkBuilder([("x", datatypes.Array(2, 3))], [("y", None)], disable_rank5_shape_mapping=True)
        builder.add_elementwise(name="twice", input_names=["x"], output_name="y", mode="MULTIPLY", alpha=2.0)
        bounds = builder.spec.description.input[0].type.multiArrayType.shapeRange
        for low, high in ((2, 2), (1, 6)):
            bounds.sizeRanges.add(lowerBound=low, upperBound=high)
        finish_network(builder.spec, self.request, self._inputs)
        return Translation(builder.spec, "this test", ("double -> multiply",), ("a note",))

    def reference(self):
        def run(given):
            (x,) = self.arguments(given)
            if x.shape[1] == 1:
                raise ValueError("too small")
            added = self._random.normal(size=x.shape) if self.noise else self.offset
            return [x * 2 + added]

        return Reference(self.what, run)

    def weights(self):
        return {"fc.weight": (np.zeros((3, 4), np.float32), True), "conv.weight": (np.zeros(2, np.float32), False)}


@pytest.fixture
def doubling(monkeypatch):
    kind = type("Own", (Doubling,), {})
    monkeypatch.setitem(sources._OPENERS, "jax", kind)
    return kind


def source(x):
    return x


def test_a_conversion_is_checked_on_several_shapes(doubling):
    model = convert(source)
    np.testing.assert_allclose(model.predict({"x": np.ones((2, 4))})["y"], np.full((2, 4), 2.0))
    done = model.conversion
    assert done.check.shapes == ("x [2, 3]", "x [2, 6]")
    assert "x [2, 1], which the source rejects: too small" in done.check.notes[0]
    assert done.check.error < 1e-6
    text = str(done)
    assert "a doubling -> neuralnetwork, by this test" in text
    assert done.lines == ("double -> multiply",)
    assert "nodes that became layers: 1" in text
    assert "a note" in text


def test_a_result_that_differs_is_refused(doubling):
    doubling.offset = 0.01
    with pytest.raises(ConversionError, match=r"y: largest difference 0\.01") as caught:
        convert(source)
    assert "for inputs x [2, 3]" in str(caught.value)
    assert convert(source, tolerance=0.1).conversion.check.error > 1e-3
    assert convert(source, check=False).conversion.check is None


def test_a_source_that_draws_random_numbers_is_not_compared(doubling):
    doubling.noise = True
    check = convert(source).conversion.check
    assert check.outputs == ()
    assert "different outputs in each run" in check.notes[0]
    assert "drawn during the conversion" in check.notes[1]


def test_all_unsupported_operators_are_listed(doubling):
    doubling.missing = "there is no half"
    with pytest.raises(UnsupportedError, match=r"halve \(1\) at a\.py:3: there is no half"):
        convert(source)
    found = explain(source, trainable="fc*")
    assert [use.operator for use in found.unsupported] == ["halve"]
    assert found.operators[1] == OperatorUse("double", 2, "", "", ("a.py:1", "a.py:2"))
    assert found.trainable == ("fc.weight",)
    assert found.weights == 14
    assert list(found.dynamic) == ["x"]
    assert "double (2) at a.py:1, a.py:2" in str(found)


def test_the_example_is_tried_first(doubling):
    model = convert(source, {"x": np.full((2, 3), 5.0, np.float32)})
    assert model.conversion.check.shapes[0] == "the example"


def test_images_sizes_and_labels_of_networks():
    def network(*shape):
        builder = NeuralNetworkBuilder(
            [("x", datatypes.Array(*shape))], [("y", None)], disable_rank5_shape_mapping=True
        )
        builder.add_activation(name="relu", non_linearity="RELU", input_name="x", output_name="y")
        return builder.spec

    spec = network(1, 3, 8, 8)
    side = Flexible(sizes=(8, 16))
    image = ImageInput((1, 3, side, side), None, None, 0.5, (1.0, 2.0, 3.0), "BGR")
    finish_network(spec, ConversionRequest(class_labels=("a", "b")), {"x": image})
    kind, scaler = spec.description.input[0].type.imageType, spec.neuralNetworkClassifier.preprocessing[0].scaler
    assert [(one.width, one.height) for one in kind.enumeratedSizes.sizes] == [(8, 8), (16, 16)]
    assert (scaler.blueBias, scaler.greenBias, scaler.redBias, scaler.channelScale) == (1, 2, 3, 0.5)
    assert spec.description.predictedFeatureName == "classLabel"
    assert len(spec.neuralNetworkClassifier.layers) == 1

    spec = network(1, 3, 8, 8)
    finish_network(spec, ConversionRequest(), {"x": ImageInput((1, 3, Flexible(8, 32), 8))})
    sizes = spec.description.input[0].type.imageType.imageSizeRange
    assert (sizes.heightRange.lowerBound, sizes.heightRange.upperBound) == (8, 32)
    assert (sizes.widthRange.lowerBound, sizes.widthRange.upperBound) == (8, 8)

    spec = network(2, 4)
    finish_network(spec, ConversionRequest(), {"x": Input((Flexible(sizes=(2, 5)), 4))})
    listed = spec.description.input[0].type.multiArrayType.enumeratedShapes.shapes
    assert [list(one.shape) for one in listed] == [[2, 4], [5, 4]]

    finish_network(spec, ConversionRequest(), {"x": Input((Flexible(1, 8, default=3), 4))})
    assert list(spec.description.input[0].type.multiArrayType.shape) == [3, 4]


def test_blobs_of_coremltools_are_written_once_and_outputs_get_names():
    builder = NeuralNetworkBuilder([("x", datatypes.Array(2))], [("Identity", None)], disable_rank5_shape_mapping=True)
    for position, (before, after) in enumerate([("x", "t"), ("t", "u"), ("u", "t"), ("t", "Identity")]):
        builder.add_activation(
            name=f"layer{position}", non_linearity="LINEAR", params=[2.0, 1.0], input_name=before, output_name=after
        )

    class Written:
        def get_spec(self):
            return builder.spec

    found = translation_of(Written(), "a test", [], {"x": Input((2,), "int64")}, {"Identity": "t"}).model
    layers = found.neuralNetwork.layers
    names = [layer.output[0] for layer in layers]
    assert len(set(names)) == 4
    assert names[-1] == "t"
    assert all(layer.input[0] == before for layer, before in zip(layers[1:], names, strict=False))
    assert found.description.output[0].name == "t"
    assert found.description.input[0].type.multiArrayType.dataType == 131104  # int32


def test_dimensions_of_onnx_with_one_name_have_one_size():
    pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
    from onnx_models import graph

    inputs = {"x": (np.float32, ["steps", "batch"]), "lengths": (np.int32, ["batch"]), "more": (np.int32, ["", ""])}
    found = sources.open_source(graph([], inputs, ["x"]), ConversionRequest()).inputs
    x, lengths = found["x"].shape, found["lengths"].shape
    assert x is not None
    assert x[1:] == lengths
    assert found["more"].default_shape == (1, 16)
    request = ConversionRequest({"x": Input((5, Flexible(1, 8)))})
    named = sources.open_source(graph([], inputs, ["x"]), request).inputs
    assert named["lengths"].shape == named["x"].shape[1:] == (Flexible(1, 8, name="batch"),)


def test_axes_without_a_name_are_equal_only_where_they_must_be():
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
    from onnx_models import graph

    inputs = {name: (np.float32, ["", 3]) for name in "ab"}
    shapes = {name: (Flexible(1, 8), 3) for name in inputs}
    added = convert(graph([onnx.helper.make_node("Add", ["a", "b"], ["y"])], inputs, ["y"]), shapes, check=False)
    assert added.conversion.notes == ("sizes that must be equal: a[0], b[0]",)
    assert added.predict({name: np.ones((4, 3)) for name in inputs})["y"].tolist() == [[2, 2, 2]] * 4
    joined = [onnx.helper.make_node("Concat", ["a", "b"], ["y"], axis=0)]
    assert convert(graph(joined, inputs, ["y"]), shapes, check=False).conversion.notes == ()
    inputs["b"] = (np.float32, ["rows", 3])
    named = {"a": shapes["a"], "b": (Flexible(1, 8, name="rows"), 3)}
    with pytest.raises(UnsupportedError, match="do not broadcast"):
        convert(graph([onnx.helper.make_node("Add", ["a", "b"], ["y"])], inputs, ["y"]), named)


def test_a_source_that_cannot_be_run_is_converted_without_the_check():
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra and is not installed here")
    from onnx_models import graph

    double = graph([onnx.helper.make_node("Erf", ["x"], ["y"])], {"x": (np.float64, [2])}, ["y"])
    with pytest.raises(SpecError, match=r"fails with inputs x \[2\](.|\n)*NOT_IMPLEMENTED(.|\n)*--no-check"):
        convert(double)
    shown = str(convert(double, check=False).conversion)
    assert shown.splitlines()[1:] == ["nodes that became layers: 1", "not compared with the source"]


def test_a_dry_run_lists_nodes_that_cannot_be_converted():
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
    from onnx_models import graph

    nodes = [onnx.helper.make_node("Unique", ["x"], ["y"], axis=0), onnx.helper.make_node("Relu", ["x"], ["z"])]
    found = explain(graph(nodes, {"x": (np.float32, [2, 3])}, ["y", "z"]))
    assert [(use.operator, bool(use.unsupported)) for use in found.operators] == [("Unique", True), ("Relu", False)]


def _noise(seed: int, program: bool) -> graphml.Model:
    if program:
        builder = ProgramBuilder("CoreML5")
        builder.output("y", builder.add(builder.input("x", (4,)), builder.random_normal([4], seed=seed)))
        return builder.model()
    network = NeuralNetworkBuilder([("x", datatypes.Array(4))], [("y", None)])
    network.add_get_shape("shape", "x", "shape")
    network.add_random_normal_dynamic("noise", "shape", "y", stddev=1, seed=seed)
    return network.model()


@pytest.mark.parametrize("program", [False, True])
def test_the_seed_0_of_tensorflow_is_none(program):
    for seed, drawn in ((0, True), (5, False), (-1, True)):
        message = _noise(seed, program).spec
        assert graphml.load(message).draws() is (seed < 0)
        draw_anew(message)
        assert graphml.load(message).draws() is drawn
