"""Classifiers: the label, and the dictionary of probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from graphml import spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import ShapeError, SpecError
from graphml.models import load


def classifier(labels, probabilities: str | None = "probs", blob: str = "probs") -> spec.Model:
    """The blob of probabilities is the input, unchanged."""
    count = len(labels)
    builder = NeuralNetworkBuilder({"x": array(count)}, {}, class_labels=labels, probabilities=probabilities)
    builder.add("activation", "same", ["x"], [blob], linear={"alpha": 1.0})
    return builder.spec


@pytest.mark.parametrize("labels", [["cat", "dog", "cow"], [30, 10, 20]])
def test_the_label_is_the_most_probable_one(labels):
    out = load(classifier(labels)).predict({"x": [0.25, 0.5, 0.125]})
    assert out == {"classLabel": labels[1], "probs": dict(zip(labels, [0.25, 0.5, 0.125], strict=True))}
    assert type(out["classLabel"]) is type(labels[1])
    assert all(type(p) is float for p in out["probs"].values())


def test_ties_go_to_the_first():
    assert load(classifier(["a", "b", "c"])).predict({"x": [0.25, 0.5, 0.5]})["classLabel"] == "b"


def test_the_description_names_the_outputs():
    message = classifier(["a", "b"])
    message.description.predictedFeatureName = "animal"
    message.description.output[0].name = "animal"
    assert load(message).predict({"x": [0, 1]}) == {"animal": "b", "probs": {"a": 0.0, "b": 1.0}}


@pytest.mark.parametrize("given", ["", "h"])
def test_probabilities_come_from_the_named_blob_or_the_last(given):
    message = classifier(["a", "b"], blob="h")
    message.neuralNetworkClassifier.labelProbabilityLayerName = given
    assert load(message).predict({"x": [1, 0]}) == {"classLabel": "a", "probs": {"a": 1.0, "b": 0.0}}


def test_without_a_name_there_is_only_the_label():
    message = classifier(["a", "b"])
    message.description.predictedProbabilitiesName = ""
    message.description.ClearField("output")
    message.description.output.add(name="classLabel").type.stringType.SetInParent()
    assert load(message).predict({"x": [1, 0]}) == {"classLabel": "a"}


def test_probabilities_declared_as_an_array_are_one():
    message = classifier(["a", "b"])
    message.description.output[1].type.CopyFrom(array(2, dtype="float64"))
    out = load(message).predict({"x": [0.25, 0.5]})
    assert out["classLabel"] == "b"
    assert out["probs"].tolist() == [0.25, 0.5]


def test_other_outputs_of_a_classifier_are_given_too():
    message = classifier(["a", "b"])
    hidden = message.description.output.add(name="hidden")
    hidden.type.CopyFrom(array(2))
    layer = message.neuralNetworkClassifier.layers.add()
    layer.CopyFrom(message.neuralNetworkClassifier.layers[0])
    layer.name, layer.output[0] = "also", "hidden"
    out = load(message).predict({"x": [1, 0]})
    assert out.keys() == {"hidden", "classLabel", "probs"}
    assert out["hidden"].tolist() == [1, 0]


def test_batches_of_a_classifier_are_loops():
    model = load(classifier(["a", "b"]))
    rows = [{"x": np.array(p)} for p in ([1, 0], [0, 1], [0.5, 0.5])]
    assert model.predict_batch(rows) == [model.predict(row) for row in rows]


def test_labels_and_probabilities_must_agree():
    message = classifier(["a", "b"])
    message.neuralNetworkClassifier.stringClassLabels.vector.append("c")
    with pytest.raises(ShapeError, match=r"3 labels, but 'probs' has shape \[2\]"):
        load(message).predict({"x": [1, 0]})


def test_a_classifier_has_labels():
    message = classifier(["a", "b"])
    message.neuralNetworkClassifier.ClearField("stringClassLabels")
    with pytest.raises(SpecError, match="label"):
        load(message).predict({"x": [1, 0]})
