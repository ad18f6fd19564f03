"""The Bayesian probit model against its formulas in plain Python."""

from __future__ import annotations

import functools
import math

import jax
import numpy as np
import pytest
from predictor_models import model

from graphml.errors import FeatureError
from graphml.models import load
from graphml.spec import ArrayFeatureType

BIAS = (0.1, 4.0)
# feature -> value -> (mean, precision)
WEIGHTS = {0: {1: (0.5, 2.0), 7: (-0.25, 10.0)}, 2: {0: (1.5, 0.5), 2**31 - 1: (-3.0, 1.0)}, 3: {5: (0.75, 8.0)}}
OUTPUTS = {"mean": "meanOutput", "variance": "varianceOutput", "low": "pessimisticProbabilityOutput"}
INPUTS = {"optimism": "optimismInput", "scale": "samplingScaleInput", "cut": "samplingTruncationInput"}


def _phi(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _moments(pairs):
    chosen = [BIAS, *(WEIGHTS[f][v] for f, v in pairs if v in WEIGHTS.get(f, {}))]
    return sum(mean for mean, _ in chosen), sum(1 / precision for _, precision in chosen)


@functools.cache
def _model(shape=(4,), sampled=False):
    message = model("bayesianProbitRegressor", 4)
    member = message.bayesianProbitRegressor
    values = message.description.input[0].type.multiArrayType
    values.dataType = ArrayFeatureType.INT32
    del values.shape[:]
    values.shape.extend(shape)
    member.regressionInputFeatureName, member.numberOfFeatures = "x", 4
    member.bias.mean, member.bias.precision = BIAS
    for feature, weights in WEIGHTS.items():
        entry = member.features.add(featureId=feature)
        for value, (mean, precision) in weights.items():
            weight = entry.weights.add(featureValue=value).featureWeight
            weight.mean, weight.precision = mean, precision
    for name, field in INPUTS.items():
        setattr(member, f"{field}FeatureName", name)
        feature = message.description.input.add(name=name).type
        feature.doubleType.SetInParent()
        feature.isOptional = True
    outputs = OUTPUTS | ({"drawn": "sampledProbabilityOutput"} if sampled else {})
    for name, field in outputs.items():
        setattr(member, f"{field}FeatureName", name)
        message.description.output.add(name=name).type.doubleType.SetInParent()
    return load(message)


def _expected(pairs, optimism=0.0):
    mean, variance = _moments(pairs)
    spread = math.sqrt(variance + 1)
    low = _phi((mean + optimism * math.sqrt(variance)) / spread)
    return {"y": _phi(mean / spread), "mean": mean, "variance": variance, "low": low}


def test_values_by_the_position_of_their_feature():
    model = _model()
    rows = [[1, 9, 0, 5], [7, 0, 2**31 - 1, 4], [0, 0, 1, 0], [-1, 0, -7, -1]]
    expected = [_expected(list(enumerate(row)), optimism=-2.0) for row in rows]
    answers = model.predict_batch([{"x": np.array(row), "optimism": -2.0} for row in rows])
    for answer, wanted in zip(answers, expected, strict=True):
        assert answer == pytest.approx(wanted, rel=1e-13)
    assert model.predict({"x": np.array(rows[0])}) == pytest.approx(_expected(list(enumerate(rows[0]))), rel=1e-13)
    assert expected[2]["mean"] == BIAS[0]


def test_pairs_of_feature_and_value():
    pairs = [(2, 0), (0, 7), (1, 1), (77, 0)]
    assert _model((4, 2)).predict({"x": np.array(pairs)}) == pytest.approx(_expected(pairs), rel=1e-13)


def test_arrays_of_any_length_run_in_one_batch():
    model = _model(())
    rows = [[1, 0, 0], [1], [7, 0, 0], [[3, 5]]]
    answers = model.predict_batch([{"x": np.array(row)} for row in rows])
    wanted = [_expected(list(enumerate(row)) if np.ndim(row) == 1 else row) for row in rows]
    assert [a["y"] for a in answers] == pytest.approx([w["y"] for w in wanted], rel=1e-13)
    with pytest.raises(FeatureError, match=r"features are an array \[features\] or \[features, 2\]"):
        model.predict({"x": np.zeros((2, 3))})


def test_what_is_drawn_follows_the_scaled_and_truncated_distribution():
    model = _model(sampled=True)
    x = np.array([1, 0, 0, 5])
    mean, variance = _moments(list(enumerate(x)))
    rows = [{"x": x, "scale": 0.5, "cut": 1.0}] * 4000
    drawn = np.array([a["drawn"] for a in model.predict_batch(rows)])
    edge = 0.5 * math.sqrt(variance)
    assert _phi(mean - edge) <= drawn.min() < _phi(mean - 0.95 * edge)
    assert _phi(mean + 0.95 * edge) < drawn.max() <= _phi(mean + edge)
    assert np.median(drawn) == pytest.approx(_phi(mean), abs=0.02)
    assert len(set(drawn)) > 3900


def test_a_key_decides_what_is_drawn():
    model = _model(sampled=True)
    row, key = {"x": np.array([1, 0, 0, 5])}, jax.random.key(3)
    assert model.draws()
    one = model.predict(row, key=key)
    assert model.predict_batch([row, row, row], key=key) == [one] * 3
    assert model.predict(row, key=jax.random.key(4)) != one
    assert model.predict(row) != model.predict(row)
    with pytest.raises(FeatureError, match="key must be a random key"):
        model.predict(row, key=4)
    with pytest.raises(FeatureError, match=r"pass key=jax.random.key"):
        model.as_function()(row)
    with pytest.raises(FeatureError, match="samplingTruncation must be positive"):
        model.predict({**row, "cut": 0.0})


def test_the_function_is_what_predict_computes():
    model = _model()
    rows = np.array([[1, 9, 0, 5], [7, 0, 0, 4]])
    with jax.enable_x64(True):
        many = jax.vmap(lambda x: model.as_function()({"x": x, "optimism": 1.0}))(rows)
    answers = model.predict_batch([{"x": row, "optimism": 1.0} for row in rows])
    for name in answers[0]:
        np.testing.assert_allclose(many[name], [a[name] for a in answers], rtol=1e-14)
