"""Linear regression and classification."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.build.linear import linear_classifier, linear_regressor
from graphml.convert.sklearn.facts import Array, dense, labels, refuse
from graphml.spec.wire.model_pb2 import Model

REGRESSORS = (
    "ARDRegression",
    "BayesianRidge",
    "ElasticNet",
    "ElasticNetCV",
    "HuberRegressor",
    "Lars",
    "LarsCV",
    "Lasso",
    "LassoCV",
    "LassoLars",
    "LassoLarsCV",
    "LassoLarsIC",
    "LinearRegression",
    "LinearSVR",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV",
    "PassiveAggressiveRegressor",
    "QuantileRegressor",
    "Ridge",
    "RidgeCV",
    "SGDRegressor",
    "TheilSenRegressor",
)

# Classifiers that have scores and a label, but no probabilities.
SCORERS = ("LinearSVC", "PassiveAggressiveClassifier", "Perceptron", "RidgeClassifier", "RidgeClassifierCV")


def _weights(estimator: Any) -> tuple[Array, Array]:
    rows = np.atleast_2d(dense(estimator.coef_))
    return rows, np.broadcast_to(np.ravel(estimator.intercept_), len(rows))


def regressor(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """A glmRegressor: w . x + b."""
    rows, offset = _weights(estimator)
    return linear_regressor(rows, offset, inputs=inputs, output=names[0])


def logistic(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """A glmClassifier with the probabilities of a logistic regression: softmax, or one-vs-rest."""
    classes, way = labels(estimator), getattr(estimator, "multi_class", None)
    if len(classes) == 2 and way == "multinomial":
        raise refuse(estimator, "multi_class='multinomial' with two classes; leave multi_class out")
    one_each = len(classes) > 2 and (way == "ovr" or getattr(estimator, "solver", None) == "liblinear")
    return _classifier(*_weights(estimator), classes, inputs, names, one_each=one_each)


def scorer(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """A glmClassifier that returns only the label, the class of the highest score."""
    rows, offset = _weights(estimator)
    classes = labels(estimator)
    if len(rows) != (1 if len(classes) == 2 else len(classes)):
        raise refuse(estimator, "it predicts several labels, and Core ML has no such classifier")
    # not one-vs-rest: beyond a score of 37 the probabilities of several classes would be 1
    return _classifier(rows, offset, classes, inputs, (names[0], None), one_each=False)


def sgd(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """With the loss "log_loss" one-vs-rest probabilities, otherwise only the label."""
    if estimator.loss != "log_loss":
        return scorer(estimator, inputs, names)
    classes = labels(estimator)
    return _classifier(*_weights(estimator), classes, inputs, names, one_each=len(classes) > 2)


def one_vs_rest(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """One binary logistic regression for each class; probabilities are divided by their sum."""
    classes, members = labels(estimator), estimator.estimators_
    if estimator.multilabel_:
        raise refuse(estimator, "it predicts several labels, and Core ML has no such classifier")
    others = {type(one).__name__ for one in members} - {"LogisticRegression", "LogisticRegressionCV"}
    if others:
        raise refuse(estimator, f"it is made of {', '.join(sorted(others))}; only LogisticRegression can be converted")
    weights = [_weights(one) for one in members]
    rows, offset = np.concatenate([w for w, _ in weights]), np.concatenate([b for _, b in weights])
    return _classifier(rows, offset, classes, inputs, names, one_each=len(classes) > 2)


def _classifier(
    rows: Array, offset: Array, classes: Any, inputs: Any, names: tuple[str, str | None], *, one_each: bool
) -> Model:
    if len(rows) > 1 and not one_each:
        rows, offset = rows[1:] - rows[0], offset[1:] - offset[0]  # scores relative to the first class
    encoding = "OneVsRest" if one_each else "ReferenceClass"
    return linear_classifier(
        rows, offset, classes, inputs=inputs, output=names[0], probabilities=names[1], encoding=encoding
    )
