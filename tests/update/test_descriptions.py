"""Parameters of every kind of model, and their values."""

from __future__ import annotations

import numpy as np
import pytest
from update.networks import regression

import graphml
from graphml import spec
from graphml.errors import UpdateError
from graphml.update import ParameterKey, UpdateTask, parameter_descriptions, parameter_value

NEIGHBORS, WEIGHTS, BIASES = ParameterKey.NUMBER_OF_NEIGHBORS, ParameterKey.WEIGHTS, ParameterKey.BIASES


def _neighbors() -> spec.Model:
    model = spec.Model(specificationVersion=4, isUpdatable=True)
    number = model.kNearestNeighborsClassifier.numberOfNeighbors
    number.defaultValue, number.range.minValue, number.range.maxValue = 5, 1, 10
    return model


def _link() -> spec.Model:
    model = spec.Model(specificationVersion=4)
    model.linkedModel.linkedModelFile.linkedModelFileName.defaultValue = "Extractor.mlmodelc"
    return model


def test_neighbours_and_links_have_parameters():
    found = parameter_descriptions(_neighbors())[NEIGHBORS]
    assert (found.default, found.check(10)) == (5, 10)
    with pytest.raises(UpdateError, match=r"number_of_neighbors=11 is refused; allowed: an integer from 1 to 10"):
        found.check(11)
    found = parameter_descriptions(_link())
    name, path = found[ParameterKey.LINKED_MODEL_FILE_NAME], found[ParameterKey.LINKED_MODEL_SEARCH_PATH]
    assert (name.default, path.default, path.check("a:b")) == ("Extractor.mlmodelc", "", "a:b")
    with pytest.raises(UpdateError, match=r"linked_model_search_path=3 is refused; allowed: a string"):
        path.check(3)


@pytest.mark.parametrize("kind", ["pipeline", "pipelineClassifier"])
def test_the_stages_of_a_pipeline_are_scopes(kind):
    model = spec.Model(specificationVersion=4)
    pipeline = model.pipeline if kind == "pipeline" else model.pipelineClassifier.pipeline
    pipeline.models.add().CopyFrom(_link())
    inner = pipeline.models.add(specificationVersion=4)
    inner.pipeline.models.add().CopyFrom(regression().spec)
    inner.pipeline.names.append("network")
    pipeline.models.add().CopyFrom(_neighbors())
    found = parameter_descriptions(model)
    assert NEIGHBORS.scoped(to="model2") in found
    key = ParameterKey.LEARNING_RATE.scoped(to="model1").scoped(to="network")
    assert found[key].default == 0.05
    assert str(found[key].key) == "model1/network/learning_rate"
    assert parameter_value(graphml.load(model), "model2/number_of_neighbors") == 5
    assert str(ParameterKey.LINKED_MODEL_FILE_NAME.scoped(to="model0")) in map(str, found)


def test_stages_that_are_not_all_named_are_called_by_their_numbers():
    model = spec.Model(specificationVersion=4)
    for _ in range(2):
        model.pipeline.models.add().CopyFrom(_link())
    model.pipeline.names.append("first")
    names = {key.scope for key in parameter_descriptions(model)}
    assert names == {("model0",), ("model1",)} == {(name,) for name in graphml.load(model).models}


def test_kinds_without_parameters_have_none():
    model = spec.Model(specificationVersion=1)
    model.normalizer.SetInParent()
    assert parameter_descriptions(model) == {}
    plain = regression().spec
    plain.neuralNetwork.ClearField("updateParams")
    assert parameter_descriptions(plain) == {}


def test_values_are_read_by_key():
    model = regression()
    np.testing.assert_array_equal(parameter_value(model, WEIGHTS.scoped(to="top")), model.parameters["top"]["weights"])
    np.testing.assert_array_equal(parameter_value(model, "top/biases"), model.parameters["top"]["bias"])
    assert parameter_value(model, "learningRate") == 0.05
    for key, words in (
        (WEIGHTS, "no parameter weights: layer '' has no weights"),
        (BIASES.scoped(to="relu"), "no parameter relu/biases: layer 'relu' has no bias"),
        (NEIGHBORS, "no parameter number_of_neighbors; it has learning_rate, "),
    ):
        with pytest.raises(UpdateError, match=words):
            parameter_value(model, key)
    task = UpdateTask(model, [])
    assert task.parameter_descriptions[ParameterKey.EPOCHS].allows == "an integer from 1 to 1000"
