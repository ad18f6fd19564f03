"""What the builder says about a model around its layers: features, classes, and what people read."""

from __future__ import annotations

import numpy as np
import pytest

from graphml.build import NeuralNetworkBuilder, array, image
from graphml.build.datatypes import Array, Int64, String
from graphml.errors import GraphError, SpecError


def _shapes(features):
    return {feature.name: list(feature.type.multiArrayType.shape) for feature in features}


def _two():
    return NeuralNetworkBuilder([("a", Array(1)), ("b", Array(1))], [("y", None)])


def test_inputs_get_names_and_shapes():
    builder = _two()
    builder.set_input(["image", "words"], [(3, 8, 6), (9, 4)])
    # without exact mapping the sequence of [sequence, channels] is not declared
    assert _shapes(builder.spec.description.input) == {"image": [3, 8, 6], "words": [4]}
    with pytest.raises(
        SpecError, match=r"input shape \[1, 2, 3, 4\] has rank 4; expected 1 to 3, as rank-5 mapping is enabled"
    ):
        builder.set_input(["image"], [(1, 2, 3, 4)])
    exact = NeuralNetworkBuilder([("a", Array(1))], [("y", None)], disable_rank5_shape_mapping=True)
    exact.set_input(["a"], [(1, 2, 3, 4)])
    assert _shapes(exact.spec.description.input) == {"a": [1, 2, 3, 4]}


def test_outputs_get_names_and_shapes():
    builder = _two()
    builder.set_output(["z"], [(5, 2)])
    assert _shapes(builder.spec.description.output) == {"z": [5, 2]}
    with pytest.raises(GraphError, match="got 2 names and 2 shapes for the 1 outputs of the model"):
        builder.set_output(["z", "w"], [(1,), (1,)])
    with pytest.raises(GraphError, match="got 1 names and 2 shapes"):
        builder.set_output(["z"], [(1,), (1,)])


def test_training_inputs_replace_those_declared_before():
    builder = NeuralNetworkBuilder(
        [("x", Array(2))], [("y", None)], training_features=[("x", Array(2)), ("t", Int64())]
    )
    training = builder.spec.description.trainingInput
    assert [(f.name, f.type.WhichOneof("Type")) for f in training] == [("x", "multiArrayType"), ("t", "int64Type")]
    builder.set_training_input([("u", String)])
    assert [(f.name, f.type.WhichOneof("Type")) for f in training] == [("u", "stringType")]


def test_an_optional_input_has_a_value():
    builder = _two()
    builder.add_elementwise("add", ["a", "b"], "y", "ADD")
    builder.set_optional_input(1, value=2.5)
    second = builder.spec.description.input[1].type
    assert second.isOptional
    assert second.multiArrayType.doubleDefaultValue == 2.5
    assert builder.spec.specificationVersion == 5
    np.testing.assert_allclose(builder.model().predict({"a": [1.0]})["y"], [3.5])
    builder.set_optional_input(0, 3, format="double")
    assert builder.spec.description.input[0].type.multiArrayType.doubleDefaultValue == 3
    with pytest.raises(GraphError, match="there is no input at position 2; the model has 2"):
        builder.set_optional_input(2)
    with pytest.raises(SpecError, match="format must be one of float, double, int, got 'half'"):
        builder.set_optional_input(0, 1.0, "half")


@pytest.mark.parametrize(
    ("dtype", "field"), [("float32", "float"), ("float16", "float"), ("float64", "double"), ("int32", "int")]
)
def test_the_value_of_an_input_that_is_left_out_has_the_type_of_its_elements(dtype, field):
    builder = NeuralNetworkBuilder({"a": array(2), "b": array(2, dtype=dtype)}, {"y": array(2)})
    builder.add_elementwise("add", ["a", "b"], "y", "ADD")
    builder.set_optional_input(1, 2)
    assert builder.spec.description.input[1].type.multiArrayType.WhichOneof("defaultOptionalValue").startswith(field)
    np.testing.assert_allclose(builder.model().predict({"a": [1.0, 2.0]})["y"], [3, 4])
    other = "int" if field == "double" else "double"
    with pytest.raises(SpecError, match=f"format is '{other}', but the elements of the input 'b' need '{field}'"):
        builder.set_optional_input(1, 2, other)


def test_only_arrays_have_a_default_value():
    builder = NeuralNetworkBuilder({"photo": image(2, 2), "n": array(1, dtype="int32")}, {"y": array(2)})
    with pytest.raises(SpecError, match="the input 'photo' is not an array"):
        builder.set_optional_input(0, 1.0)
    assert builder.spec.description.input[0].type.HasField("imageType")
    with pytest.raises(SpecError, match=r"the value of the input 'n' cannot be 1\.5"):
        builder.set_optional_input(1, 1.5)


def test_optional_features_are_added_behind_the_others():
    builder = _two()
    builder.add_optionals([("h", 3), ("c", (3, 1)), ("free", None)], [("hn", 3)])
    description = builder.spec.description
    assert _shapes(description.input) == {"a": [1], "b": [1], "h": [3], "c": [3, 1], "free": []}
    assert [f.type.isOptional for f in description.input] == [False, False, True, True, True]
    assert _shapes(description.output) == {"y": [], "hn": [3]}
    assert not description.output[1].type.isOptional


@pytest.mark.parametrize(("labels", "answer"), [(["cat", "dog"], "dog"), ([3, np.int64(5)], 5)])
def test_class_labels(labels, answer):
    builder = NeuralNetworkBuilder([("x", Array(2))], [("prob", None)], mode="classifier")
    builder.add_softmax("last", "x", "scores")
    builder.set_class_labels(labels, predicted_feature_name="label")
    assert builder.spec.description.predictedFeatureName == "label"
    assert builder.spec.description.predictedProbabilitiesName == "prob"
    answers = builder.model().predict({"x": [0.0, 1.0]})
    assert answers["label"] == answer
    assert answers["prob"][answer] == pytest.approx(np.e / (1 + np.e))
    builder.set_class_labels(labels[::-1], "label", prediction_blob="scores")  # again, with the blob named
    assert builder.model().predict({"x": [1.0, 0.0]})["label"] == answer
    assert [f.name for f in builder.spec.description.output] == ["prob", "label"]


def test_labels_may_change_their_type():
    builder = NeuralNetworkBuilder([("x", Array(2))], [("prob", None)], mode="classifier")
    builder.add_softmax("last", "x", "prob")
    builder.set_class_labels(["a", "b"])
    builder.set_class_labels([1, 2])
    assert builder.model().predict({"x": [0.0, 1.0]})["classLabel"] == 2
    assert builder.network.WhichOneof("ClassLabels") == "int64ClassLabels"


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([], "there are no class labels"),
        (["a", 1], "class labels must be all strings or all integers"),
        ([1.0, 2.0], "must be all strings or all integers"),
        ([True, False], "must be all strings or all integers"),
    ],
)
def test_labels_are_strings_or_integers(labels, words):
    builder = NeuralNetworkBuilder([("x", Array(2))], [("prob", None)], mode="classifier")
    builder.add_softmax("last", "x", "prob")
    with pytest.raises(SpecError, match=words):
        builder.set_class_labels(labels)


def test_only_a_classifier_with_output_and_layer_has_labels():
    with pytest.raises(GraphError, match="create the builder with mode='classifier'"):
        _two().set_class_labels(["a"])
    with pytest.raises(GraphError, match="the model has no output for the probabilities"):
        NeuralNetworkBuilder([("x", Array(2))], [], mode="classifier").set_class_labels(["a"])
    with pytest.raises(GraphError, match="no layer has an output yet"):
        NeuralNetworkBuilder([("x", Array(2))], [("p", None)], mode="classifier").set_class_labels(["a"])


def test_what_people_read():
    builder = _two()
    for name in ("short_description", "author", "license", "version"):
        assert getattr(builder, name) == ""
        setattr(builder, name, f"my {name}")
        assert getattr(builder, name) == f"my {name}"
    builder.user_defined_metadata["key"] = "value"
    metadata = builder.spec.description.metadata
    assert (metadata.shortDescription, metadata.author) == ("my short_description", "my author")
    assert (metadata.license, metadata.versionString) == ("my license", "my version")
    assert dict(metadata.userDefined) == {"key": "value"}


def test_descriptions_of_features():
    builder = NeuralNetworkBuilder({"a": array(1), "b": array(1)}, {"y": None})
    builder.input_description["b"] = "the second"
    builder.output_description["y"] = "the answer"
    assert dict(builder.input_description) == {"a": "", "b": "the second"}
    assert builder.spec.description.output[0].shortDescription == "the answer"
    del builder.input_description["b"]
    assert builder.input_description["b"] == ""
    assert len(builder.input_description) == 2
    with pytest.raises(KeyError, match="c"):
        builder.input_description["c"] = "nothing"
