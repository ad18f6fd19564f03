"""The builder as a whole: how it starts, what it holds, what it writes."""

from __future__ import annotations

import numpy as np
import pytest

import graphml
from graphml.build import NeuralNetworkBuilder, array
from graphml.build.datatypes import Array
from graphml.errors import GraphError, ShapeError, SpecError
from graphml.spec import Model, read


def _dense(builder, name="dense", source="x", target="y", inputs=2, outputs=3, **more):
    weights = np.arange(outputs * inputs, dtype=np.float32).reshape(outputs, inputs)
    return builder.add("innerProduct", name, [source], [target], weights=weights, **more)


def test_features_as_a_mapping_or_a_list():
    """None is an array of unknown shape: float32 in a mapping, double in a list unless it says otherwise."""

    def types(builder):
        return [list(f.type.multiArrayType.shape) for f in builder.spec.description.input], [
            f.type.multiArrayType.dataType for f in builder.spec.description.input
        ]

    features = [("a", Array(2)), ("b", None)]
    assert types(NeuralNetworkBuilder(features, [("y", None)])) == ([[2], []], [65600, 65600])
    assert types(NeuralNetworkBuilder(features, [("y", None)], use_float_arraytype=True)) == ([[2], []], [65568] * 2)
    assert types(NeuralNetworkBuilder({"a": array(2), "b": None}, {"y": None})) == ([[2], []], [65568, 65568])


def test_the_version_is_the_lowest_that_the_content_needs():
    builder = _dense(NeuralNetworkBuilder({"x": array(2)}, {"y": None}))
    assert builder.spec.specificationVersion == 1
    assert builder.spec.neuralNetwork.arrayInputShapeMapping == 0
    builder.add_ceil("up", "y", "z")
    assert builder.spec.specificationVersion == 4
    assert builder.spec.neuralNetwork.arrayInputShapeMapping == 1  # a newer layer keeps the shapes
    builder.spec.specificationVersion = 7  # by hand
    builder.add_one_hot("hot", ["z"], "w", one_hot_vector_size=3)
    assert builder.spec.specificationVersion == 7


@pytest.mark.parametrize(
    ("how", "mapping"), [({}, 0), ({"exact": True}, 1), ({"disable_rank5_shape_mapping": True}, 1)]
)
def test_the_mapping_of_shapes(how, mapping):
    builder = _dense(NeuralNetworkBuilder({"x": array(2)}, {"y": None}, **how))
    assert builder.spec.neuralNetwork.arrayInputShapeMapping == mapping


def test_exact_false_leaves_the_mapping_alone():
    builder = NeuralNetworkBuilder({"x": array(2)}, {"y": None}, exact=False).add("ceil", "up", ["x"], ["y"])
    assert builder.spec.neuralNetwork.arrayInputShapeMapping == 0


def test_modes():
    classifier = NeuralNetworkBuilder([("x", Array(2))], [("y", None)], mode="classifier")
    assert classifier.spec.WhichOneof("Type") == "neuralNetworkClassifier"
    regressor = NeuralNetworkBuilder([("x", Array(2))], [("y", None)], mode="regressor")
    assert regressor.spec.WhichOneof("Type") == "neuralNetworkRegressor"
    assert regressor.spec.description.predictedFeatureName == "y"
    with pytest.raises(GraphError, match="mode is 'pipeline'; expected one of None, 'classifier', 'regressor'"):
        NeuralNetworkBuilder([("x", Array(2))], [("y", None)], mode="pipeline")


def test_a_classifier_from_the_start():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"prob": None}, class_labels=["a", "b", "c"])
    builder.add_softmax("last", "x", "prob")
    assert builder.model().predict({"x": np.float32([0, 3, 1])})["classLabel"] == "b"
    numbered = NeuralNetworkBuilder({"x": array(2)}, class_labels=[7, 9], probabilities="p").add_softmax("s", "x", "p")
    assert numbered.name == "s"


def test_on_top_of_a_model():
    first = _dense(NeuralNetworkBuilder({"x": array(2)}, {"y": None}))
    message = Model.FromString(first.spec.SerializeToString())
    second = NeuralNetworkBuilder(spec=message, output_features={"z": None})
    assert second.layers == ["dense"]
    second.add_activation("relu", "RELU", "y", "z")
    assert [f.name for f in message.description.output] == ["z"], "the message itself is changed"
    assert second.spec is message
    np.testing.assert_allclose(second.model().predict({"x": np.float32([1, -1])})["z"], [0, 0, 0])
    with pytest.raises(GraphError, match="spec is a pipeline; expected a neural network"):
        NeuralNetworkBuilder(spec=Model(pipeline={}))


def test_a_sub_network_has_no_model_around_it():
    outer = NeuralNetworkBuilder({"x": array(1)}, {"y": None})
    layer = outer.add_branch("if", "x")
    inner = NeuralNetworkBuilder(nn_spec=layer.branch.ifBranch)
    inner.add_copy("c", "x", "y")
    assert inner.nn_spec is inner.network
    assert [part.name for part in layer.branch.ifBranch.layers] == ["c"]
    with pytest.raises(GraphError, match="this is the builder of a sub-network, which has no model"):
        _ = inner.spec
    with pytest.raises(GraphError, match="spec and nn_spec are both given; expected one of them"):
        NeuralNetworkBuilder(nn_spec=layer.branch.ifBranch, spec=Model())


def test_layers_by_name():
    builder = _dense(_dense(NeuralNetworkBuilder({"x": array(2)}, {"y": None}), "a", "x", "h", 2, 2), "b", "h", "y")
    assert builder.layers == ["a", "b"]
    builder.layer_specs["a"].name = "first"
    assert builder.layers == ["first", "b"]
    assert list(builder.layer_specs) == ["first", "b"]


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs", "fields", "words"),
    [
        ("innerProduct", ["x", "y"], ["z"], {"weights": np.ones((1, 2))}, "expected 1 input, got 2"),
        ("splitND", ["x"], [], {"axis": 0}, "expected 1 or more outputs, got 0"),
        ("branch", ["x"], ["y"], {}, "expected 0 outputs, got 1"),
        ("innerProduct", ["x"], ["z"], {"wights": np.ones((1, 2))}, "wights"),
        ("dense", ["x"], ["z"], {}, "dense"),
    ],
)
def test_add_names_the_layer_that_is_wrong_and_leaves_the_network_as_it_was(kind, inputs, outputs, fields, words):
    builder = _dense(NeuralNetworkBuilder({"x": array(2)}, {"y": None}))
    with pytest.raises((GraphError, SpecError)) as caught:
        builder.add(kind, "new", inputs, outputs, **fields)
    assert words in str(caught.value)
    assert f"layer 'new' ({kind}), number 2" in str(caught.value)
    assert builder.layers == ["dense"]


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("pooling", {"type": "MAX", "global_pooling": True}, [[[[15]]]]),
        ("pooling", {"type": "MAX", "globalPooling": True, "same": {}}, [[[[15]]]]),
        ("reduceSum", {}, [[[[120]]]]),
        ("reduceMax", {"axes": [-1, -2]}, [[[[15]]]]),
        ("padding", {}, np.arange(16).reshape(1, 1, 4, 4)),
    ],
)
def test_add_has_the_defaults_of_the_method(kind, fields, expected):
    builder = NeuralNetworkBuilder({"x": array(1, 1, 4, 4)}, {"y": array(*np.shape(expected))}, exact=True)
    if kind.startswith("reduce"):
        fields = {**fields, "keep_dims": True}
    builder.add(kind, "l", ["x"], ["y"], **fields)
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    np.testing.assert_array_equal(builder.model().predict({"x": x})["y"], expected)


def test_a_crop_to_another_input_begins_at_the_corner():
    builder = NeuralNetworkBuilder(
        {"x": array(1, 1, 4, 4), "like": array(1, 1, 2, 2)}, {"y": array(1, 1, 2, 2)}, exact=True
    )
    builder.add("crop", "c", ["x", "like"], ["y"])
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    answer = builder.model().predict({"x": x, "like": np.zeros((1, 1, 2, 2))})["y"]
    np.testing.assert_array_equal(answer, x[..., :2, :2])


def test_updatable_marks_the_layer_and_its_weights():
    builder = _dense(NeuralNetworkBuilder({"x": array(2)}, {"y": None}), bias=np.zeros(3), updatable=True)
    layer = builder.layer_specs["dense"]
    assert layer.isUpdatable
    assert layer.innerProduct.weights.isUpdatable
    assert layer.innerProduct.bias.isUpdatable


def test_shapes_are_those_that_the_layers_see():
    exact = _dense(NeuralNetworkBuilder({"x": array(5, 2)}, {"y": None}, exact=True))
    assert exact.shapes == {"x": (5, 2), "y": (5, 3)}
    assert exact.shape_of("y") == (5, 3)
    with pytest.raises(GraphError, match="there is no blob 'z'; the blobs are x, y"):
        exact.shape_of("z")
    mapped = _dense(NeuralNetworkBuilder({"x": array(2)}, {"y": None}))
    assert mapped.shapes == {"x": (1, 1, 2, 1, 1), "y": (1, 1, 3, 1, 1)}
    with pytest.raises(GraphError, match="no shape is declared for input 'x'"):
        _ = NeuralNetworkBuilder({"x": None}, {"y": None}).shapes


def test_checked_builders_refuse_a_layer_that_does_not_fit():
    builder = NeuralNetworkBuilder({"x": array(2)}, {"y": None}, exact=True, check=True)
    _dense(builder)
    for add in (
        lambda: _dense(builder, "more", "y", "z", inputs=4),
        lambda: builder.add_inner_product("more", np.ones(4), None, 4, 1, False, "y", "z"),
    ):
        with pytest.raises(ShapeError, match="layer 'more'"):
            add()
        assert builder.layers == ["dense"]
    builder.add_range_dynamic("r", ["y"], "sizes that depend on data")  # are legal
    unchecked = NeuralNetworkBuilder({"x": array(2)}, {"y": None}, exact=True)
    _dense(_dense(unchecked), "more", "y", "z", inputs=4)
    assert unchecked.layers == ["dense", "more"]


@pytest.mark.parametrize("name", ["net.mlmodel", "net.mlpackage"])
def test_what_is_saved_is_the_specification(tmp_path, name):
    builder = _dense(NeuralNetworkBuilder({"x": array(2)}, {"y": None}))
    builder.save(tmp_path / name)
    assert read(tmp_path / name) == builder.spec
    np.testing.assert_allclose(graphml.load(tmp_path / name).predict({"x": np.float32([1, 1])})["y"], [1, 5, 9])


def test_a_model_is_a_copy():
    builder = _dense(NeuralNetworkBuilder({"x": array(2)}, {"y": None}))
    model = builder.model()
    builder.layer_specs["dense"].innerProduct.weights.floatValue[0] = 100
    np.testing.assert_allclose(model.predict({"x": np.float32([1, 1])})["y"], [1, 5, 9])
