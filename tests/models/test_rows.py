"""Every kind of model takes a batch as rows and as one array or list for each input."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from neighbor_models import neighbors
from one_model import INTS, PLACES, array, doubles, joined, made
from predictor_models import linear, model, vectors

import graphml
from graphml import FeatureError, spec
from graphml.build import NeuralNetworkBuilder

ROWS = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
XY = ({"x": doubles(3)}, {"y": doubles(3)})
SCALER = made("scaler", *XY, shiftValue=[1.0], scaleValue=[2.0])


def _network():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)})
    builder.add("activation", "relu", ["x"], ["y"], ReLU={})
    return builder.spec


def _support_vectors():
    message = model("supportVectorRegressor")
    member = message.supportVectorRegressor
    member.kernel.linearKernel.SetInParent()
    vectors(member, ROWS[:2].astype(np.float64), sparse=False)
    member.coefficients.alpha.extend([1.0, -1.0])
    return message


def _recommender():
    message = made("itemSimilarityRecommender", {"x": PLACES}, {"best": INTS})
    member = message.itemSimilarityRecommender
    member.itemInputFeatureName, member.recommendedItemListOutputFeatureName = "x", "best"
    for item in range(3):
        member.itemItemSimilarities.add(itemId=item).similarItemList.add(itemId=(item + 1) % 3, similarityScore=0.5)
    return message


def _probit():
    message = model("bayesianProbitRegressor", 3)
    member = message.bayesianProbitRegressor
    message.description.input[0].type.multiArrayType.dataType = spec.ArrayFeatureType.INT32
    member.regressionInputFeatureName, member.numberOfFeatures = "x", 3
    member.bias.mean, member.bias.precision = 0.5, 2.0
    weight = member.features.add(featureId=1).weights.add(featureValue=2)
    weight.featureWeight.mean, weight.featureWeight.precision = 1.0, 2.0
    return message


MODELS = {
    "identity": lambda: made("identity", {"x": doubles(3)}, {"x": doubles(3)}),
    "scaler": lambda: SCALER,
    "network": _network,
    "pipeline": lambda: joined([SCALER], *XY),
    "linear": lambda: linear("glmRegressor", [1.0, 2.0, 3.0], 0.5, "NoTransform"),
    "support vectors": _support_vectors,
    "neighbours": lambda: neighbors(ROWS, ["a", "b", "a", "b"]),
    "recommender": _recommender,
    "probit": _probit,
}
COLUMNS = {"recommender": [{0: 1.0}, {2: 3.0, 1: 1.0}], "probit": np.array([[0, 2, 1], [5, 1, 0]])}


@pytest.mark.parametrize("name", MODELS)
def test_columns_are_the_same_as_rows(name):
    model = graphml.load(MODELS[name]())
    column = COLUMNS.get(name, ROWS)
    expected = model.predict_batch([{"x": value} for value in column])
    assert len(expected) == len(column)
    for given in (column, list(column)):
        jax.tree.map(np.testing.assert_array_equal, model.predict_batch({"x": given}), expected)
    with pytest.raises(FeatureError, match=r"'x' is a float\. predict takes a single row"):
        model.predict_batch({"x": 1.0})
    with pytest.raises(FeatureError, match=r"same number of values, got \{'x': 2, 'z': 1\}"):
        model.predict_batch({"x": column[:2], "z": [1]})


def test_a_linked_model_takes_columns(tmp_path):
    spec.write(SCALER, tmp_path / "Shared.mlmodel")
    file = {"linkedModelFileName": {"defaultValue": "Shared.mlmodelc"}, "linkedModelSearchPath": {"defaultValue": ""}}
    spec.write(made("linkedModel", *XY, linkedModelFile=file), tmp_path / "a.mlmodel")
    answers = graphml.load(tmp_path / "a.mlmodel").predict_batch({"x": ROWS})
    np.testing.assert_allclose([answer["y"] for answer in answers], (ROWS + 1) * 2, rtol=1e-6)


def test_text_and_dictionaries_are_not_columns():
    words = made("identity", {"x": doubles(3)}, {"x": doubles(3)})
    for value, kind in (("Oslo", "a str"), ({"a": 1}, "a dict"), (np.float64(1), "a float64")):
        with pytest.raises(FeatureError, match=f"'x' is {kind}"):
            graphml.load(words).predict_batch({"x": value})
