"""Linear models against the formula in NumPy, and against scikit-learn."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest
from predictor_models import array_output, linear, with_classes

from graphml.errors import FeatureError, ShapeError
from graphml.models import load

RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(0.1, 1, (4, 6))  # nothing cancels, so that relative errors mean something
OFFSET = RNG.uniform(0.1, 1, 4)
ROWS = RNG.uniform(0, 1, (9, 6))
Z = ROWS @ WEIGHTS.T + OFFSET


def _logistic(z):
    return 1 / (1 + np.exp(-z))


def _phi(z):
    return np.vectorize(lambda v: 0.5 * math.erfc(-v / math.sqrt(2)))(z)


LINKS = {"NoTransform": lambda z: z, "Logit": _logistic, "Probit": _phi}


def _batch(message, rows=ROWS):
    return load(message).predict_batch([{"x": row} for row in rows])


def _probabilities(answers, labels):
    return np.array([[answer["probs"][label] for label in labels] for answer in answers])


@pytest.mark.parametrize("link", LINKS)
def test_regressors(link):
    one = _batch(linear("glmRegressor", WEIGHTS[:1], OFFSET[:1], link))
    np.testing.assert_allclose([a["y"] for a in one], LINKS[link](Z[:, 0]), rtol=1e-14)
    assert type(one[0]["y"]) is float
    several = _batch(array_output(linear("glmRegressor", WEIGHTS, OFFSET, link), 4))
    np.testing.assert_allclose([a["y"] for a in several], LINKS[link](Z), rtol=1e-14)


def test_what_single_precision_cannot_hold():
    message = linear("glmRegressor", [3.0, 0.1, 0.0], 0.0, "NoTransform")
    assert load(message).predict({"x": [1.0, 1.0, 0.0]}) == {"y": 3.1}


@pytest.mark.parametrize("encoding", ["ReferenceClass", "OneVsRest"])
@pytest.mark.parametrize("link", ["Logit", "Probit"])
def test_two_classes(link, encoding):
    weights, offset = -WEIGHTS[0], 1.6
    z = offset - ROWS @ WEIGHTS[0]
    p, other = LINKS[link](z), LINKS[link](-z)
    answers = _batch(with_classes(linear("glmClassifier", weights, offset, link, encoding), [5, 3]))
    np.testing.assert_allclose(_probabilities(answers, [5, 3]), np.stack([other, p], 1), rtol=1e-13)
    assert [a["label"] for a in answers] == np.where(p > 0.5, 3, 5).tolist()
    assert 0 < (p > 0.5).mean() < 1


def test_the_first_of_many_classes_is_the_reference():
    answers = _batch(with_classes(linear("glmClassifier", -WEIGHTS, OFFSET, "Logit", "ReferenceClass"), "abcde"))
    z = np.pad(OFFSET - ROWS @ WEIGHTS.T, ((0, 0), (1, 0)))
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    np.testing.assert_allclose(_probabilities(answers, "abcde"), p, rtol=1e-14)
    assert [a["label"] for a in answers] == ["abcde"[i] for i in p.argmax(1)]


def test_one_class_against_the_rest():
    message = with_classes(linear("glmClassifier", -WEIGHTS, OFFSET, "Logit", "OneVsRest"), "abcd", None)
    message.description.predictedProbabilitiesName = "p"
    message.description.output.add(name="p").type.dictionaryType.stringKeyType.SetInParent()
    p = _logistic(OFFSET - ROWS @ WEIGHTS.T)
    p = p / p.sum(1, keepdims=True)
    answers = _batch(message)
    np.testing.assert_allclose([list(a["p"].values()) for a in answers], p, rtol=1e-14)
    assert [a["label"] for a in answers] == ["abcd"[i] for i in p.argmax(1)]


def test_one_against_the_rest_where_all_are_most_improbable():
    message = with_classes(linear("glmClassifier", np.eye(3), np.zeros(3), "Logit", "OneVsRest"), "abc")
    p = load(message).predict({"x": [-2000.0, -2001.0, -9000.0]})["probs"]
    assert list(p.values()) == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.e), 0.0], rel=1e-14)


def test_probabilities_declared_as_an_array_are_one():
    message = with_classes(linear("glmClassifier", WEIGHTS, OFFSET, "Logit", "OneVsRest"), "abcd")
    message.description.output[1].type.Clear()
    message.description.output[1].type.multiArrayType.dataType = 65600
    answer = load(message).predict({"x": ROWS[0]})
    np.testing.assert_allclose(answer["probs"], _logistic(Z[0]) / _logistic(Z[0]).sum(), rtol=1e-14)
    assert load(message).as_function()({"x": ROWS[0]}).keys() == {"probs"}


def test_probit_far_from_the_middle():
    message = linear("glmRegressor", [1.0], 0.0, "Probit")
    z = np.array([-30.0, -8.0, -0.1, 0.0, 0.1, 8.0, 30.0])
    # in the tail the last digit of z is worth z^2 of them in the answer
    np.testing.assert_allclose([a["y"] for a in _batch(message, z[:, None])], _phi(z), rtol=3e-13)


def test_the_function_has_derivatives():
    model = load(linear("glmRegressor", WEIGHTS[0], OFFSET[0], "Logit"))
    function = model.as_function()
    with jax.enable_x64(True):
        gradients = jax.vmap(jax.grad(lambda x: function({"x": x})["y"]))(ROWS)
    p = _logistic(Z[:, 0])
    np.testing.assert_allclose(gradients, (p * (1 - p))[:, None] * WEIGHTS[0], rtol=1e-13)


def test_rows_of_another_length_are_refused():
    message = linear("glmRegressor", [1.0, 2.0], 0.0, "NoTransform")
    message.description.input[0].type.multiArrayType.shapeRange.sizeRanges.add(lowerBound=1, upperBound=-1)
    model = load(message)
    with pytest.raises(ShapeError, match="the inputs have 3 features in total; the model takes 2"):
        model.predict({"x": np.zeros(3)})
    with pytest.raises(ShapeError, match="the inputs have 1 features in total; the model takes 2"):
        model.as_function()({"x": np.zeros(1)})
    with pytest.raises(FeatureError, match="must have the same number of values"):
        model.predict_batch({"x": np.zeros((3, 2)), "z": [1]})
    message.description.input[0].type.isOptional = True
    with pytest.raises(FeatureError, match="'x' is missing and has no default"):
        load(message).predict({})


def test_scikit_learn_agrees():
    models = pytest.importorskip("sklearn.linear_model", reason="scikit-learn judges, and is not installed")
    x = RNG.normal(size=(200, 6))
    fitted = models.LinearRegression().fit(x, x @ WEIGHTS[0] + 0.1 * RNG.normal(size=200))
    answers = _batch(linear("glmRegressor", fitted.coef_, fitted.intercept_, "NoTransform"), x)
    np.testing.assert_allclose([a["y"] for a in answers], fitted.predict(x), rtol=1e-12)

    y = (x @ WEIGHTS[0] > 0).astype(int)
    fitted = models.LogisticRegression().fit(x, y)
    message = linear("glmClassifier", fitted.coef_, fitted.intercept_, "Logit", "ReferenceClass")
    answers = _batch(with_classes(message, [0, 1]), x)
    np.testing.assert_allclose(_probabilities(answers, [0, 1]), fitted.predict_proba(x), rtol=1e-12, atol=1e-15)
    assert [a["label"] for a in answers] == fitted.predict(x).tolist()

    y = np.digitize(x @ WEIGHTS[0], [-1, 1])
    fitted = models.LogisticRegression().fit(x, y)
    # softmax depends on differences only: seen from the first class
    weights, offset = fitted.coef_[1:] - fitted.coef_[0], fitted.intercept_[1:] - fitted.intercept_[0]
    message = linear("glmClassifier", weights, offset, "Logit", "ReferenceClass")
    answers = _batch(with_classes(message, [0, 1, 2]), x)
    np.testing.assert_allclose(_probabilities(answers, [0, 1, 2]), fitted.predict_proba(x), rtol=1e-11)
    assert [a["label"] for a in answers] == fitted.predict(x).tolist()
