"""Trees, forests and boosting.

All except the histogram-based ones round features to float32: see `graphml.convert.thresholds`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.build.trees import TreeEnsembleBuilder
from graphml.convert.boosting import Boosting
from graphml.convert.sklearn.facts import Array, labels, refuse, width
from graphml.convert.thresholds import rounding_limit
from graphml.spec.wire.model_pb2 import Model


def _add(trees: TreeEnsembleBuilder, tree: Any, values: Array) -> None:
    """Add a fitted `tree_`. values: [nodes, dimensions]."""
    missing = getattr(tree, "missing_go_to_left", None)
    limits = rounding_limit(tree.threshold)
    trees.add_tree(tree.feature, limits, tree.children_left, tree.children_right, values, missing)


def regressor(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """One tree, or the mean of several."""
    members = _members(estimator)
    trees = TreeEnsembleBuilder(inputs, width(estimator), dimensions=int(estimator.n_outputs_), output=names[0])
    for tree in members:
        _add(trees, tree, tree.value[:, :, 0] / len(members))
    return trees.spec


def classifier(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """One tree, or several: the mean of their probabilities."""
    classes, members = labels(estimator), _members(estimator)
    binary = len(classes) == 2
    trees = TreeEnsembleBuilder(
        inputs, width(estimator), classes, 1 if binary else len(classes), output=names[0], probabilities=names[1]
    )
    for tree in members:
        # Sums of multiples of 2^-50 are exact up to 8 in any order, so classes with equally many votes stay equal.
        shares: Array = np.round(np.asarray(tree.value[:, 0] / len(members), np.float64) * 2.0**50) / 2.0**50
        _add(trees, tree, shares[:, 1:] if binary else shares)
    return trees.spec


def _members(estimator: Any) -> list[Any]:
    if hasattr(estimator, "estimators_"):
        return [one.tree_ for one in np.ravel(estimator.estimators_)]
    return [estimator.tree_]


# Boosting -------------------------------------------------------------------------------------------------------------


def gradient_boosting(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """The scores before training, plus the learning rate times the sum of the trees."""
    classes = labels(estimator) if hasattr(estimator, "classes_") else None
    start = estimator.init_
    if start != "zero" and type(start).__name__ not in ("DummyClassifier", "DummyRegressor"):
        raise refuse(estimator, f"it starts from the predictions of another estimator, init={estimator.init!r}")
    stages = estimator.estimators_
    base = _start(estimator, stages.shape[1])
    factor = 2.0 if estimator.loss == "exponential" else 1.0  # its probability is 1 / (1 + exp(-2 score))
    result = Boosting(inputs, width(estimator), (factor * base).tolist(), classes, names)
    for stage in stages:
        for score, member in enumerate(stage):
            tree, values = member.tree_, factor * estimator.learning_rate * member.tree_.value[:, 0, 0]
            limits = rounding_limit(tree.threshold)
            result.add(score, tree.feature, limits, tree.children_left, tree.children_right, values, None)
    return result.spec


def _start(estimator: Any, scores: int) -> Array:
    """The scores before the first tree, which do not depend on the features."""
    if estimator.init_ == "zero":
        return np.zeros(scores)
    rows = np.zeros((1, width(estimator)), np.float32)
    return np.asarray(estimator._raw_predict_init(rows), np.float64)[0]


def histogram_boosting(estimator: Any, inputs: Any, names: tuple[str, str]) -> Model:
    """The baseline plus the sum of the trees. They compare float64, and each branch has a direction for NaN."""
    classes = labels(estimator) if hasattr(estimator, "classes_") else None
    if estimator.is_categorical_ is not None and np.any(estimator.is_categorical_):
        raise refuse(estimator, "its trees test for sets of categories; encode them (OneHotEncoder, OrdinalEncoder)")
    if classes is None and estimator.loss in ("poisson", "gamma"):
        raise refuse(
            estimator, f"the loss {estimator.loss!r} needs exp of the sum, which Core ML's trees do not support"
        )
    base = np.ravel(estimator._baseline_prediction).tolist()
    result = Boosting(inputs, width(estimator), base, classes, names)
    for stage in estimator._predictors:
        for score, member in enumerate(stage):
            nodes = member.nodes
            left = np.where(nodes["is_leaf"] != 0, -1, nodes["left"].astype(np.int64))
            feature, threshold, missing = nodes["feature_idx"], nodes["num_threshold"], nodes["missing_go_to_left"]
            result.add(score, feature, threshold, left, nodes["right"], nodes["value"], missing)
    return result.spec
