"""Whatever the data: converted models answer as the estimator does, at thresholds, for NaN and unknown categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import ensemble, linear_model, svm, tree
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from graphml.convert.sklearn import from_sklearn

# Few distinct values, so that thresholds are close to them; float32 rounds some of them to integers or subnormals.
NEAR = [1.0 + 2.0**-24, 1.0 + 2.0**-23, 16777217.0, 16777219.0, 1e-40, -1e-40]
VALUES = st.sampled_from([0.0, 0.1, 0.2, 1.0, -3.7, *NEAR])
LABELS = st.sampled_from(["ant", "bee", "cow"])


@st.composite
def tables(draw: Any, missing: bool = False) -> tuple[np.ndarray, list[str], int]:
    """Rows with two features, a label for each, and a seed."""
    value = st.one_of(VALUES, st.just(np.nan)) if missing else VALUES
    rows = draw(st.lists(st.tuples(value, VALUES), min_size=6, max_size=14))
    labels = [draw(LABELS) for _ in rows[2:]]
    return np.array(rows, float), ["ant", "bee", *labels], draw(st.integers(0, 9))


def _edges(model: Any) -> np.ndarray:
    """The thresholds of all branches, their neighbours in float64 and float32, and their midpoints."""
    trees = getattr(model.spec, model.kind).treeEnsemble
    found = [0.0]
    for node in trees.nodes:
        if node.nodeBehavior != node.LeafNode:
            threshold = node.branchFeatureValue
            with np.errstate(all="ignore"):
                single = np.float32(threshold)
                found += [threshold, float(single)]
                found += [float(np.nextafter(threshold, way)) for way in (-np.inf, np.inf)]
                found += [float(np.nextafter(single, np.float32(way))) for way in (-np.inf, np.inf)]
    edges = np.array(found)
    return edges[np.abs(edges) <= np.finfo(np.float32).max][:40]  # scikit-learn takes no others


def _around(model: Any, rows: np.ndarray) -> np.ndarray:
    edges = _edges(model)
    found = [rows]
    for feature in range(rows.shape[1]):
        near = rows[np.arange(len(edges)) % len(rows)].copy()
        near[:, feature] = edges
        found.append(near)
    return np.concatenate(found)


def _shares(model: Any, rows: np.ndarray, classes: list[Any]) -> np.ndarray:
    answers = model.predict_batch([{"input": row} for row in rows])
    found = np.array([[answer["classProbability"][label] for label in classes] for answer in answers])
    assert [classes[i] for i in found.argmax(axis=1)] == [answer["classLabel"] for answer in answers]
    return found


def _same_classifier(estimator: Any, rows: np.ndarray, atol: float) -> None:
    model = from_sklearn(estimator)
    around = _around(model, rows)
    with np.errstate(under="ignore"):
        wanted, labels = estimator.predict_proba(around), estimator.predict(around)
    found = _shares(model, around, estimator.classes_.tolist())
    np.testing.assert_allclose(found, wanted, rtol=0, atol=atol)
    assert estimator.classes_[found.argmax(axis=1)].tolist() == labels.tolist()


TREES = [
    lambda seed: tree.DecisionTreeClassifier(random_state=seed),
    lambda seed: ensemble.RandomForestClassifier(4, random_state=seed),
    lambda seed: ensemble.ExtraTreesClassifier(2, bootstrap=False, random_state=seed),
]


@pytest.mark.parametrize("make", TREES, ids=["tree", "forest", "extra"])
@given(tables(missing=True))
def test_trees_and_forests_with_missing_values(make, table):
    rows, labels, seed = table
    with np.errstate(under="ignore"):
        fitted = make(seed).fit(rows, labels)
    _same_classifier(fitted, rows, 1e-14)


@given(tables())
def test_gradient_boosting(table):
    rows, labels, seed = table
    with np.errstate(under="ignore"):
        fitted = ensemble.GradientBoostingClassifier(n_estimators=3, random_state=seed).fit(rows, labels)
    model = from_sklearn(fitted)
    around = _around(model, rows)
    with np.errstate(under="ignore"):
        wanted = fitted.predict_proba(around)
    np.testing.assert_allclose(_shares(model, around, fitted.classes_.tolist()), wanted, rtol=0, atol=1e-14)


@given(tables(missing=True))
def test_histogram_gradient_boosting(table):
    """It compares float64, so its thresholds stay as they are."""
    rows, _, seed = table
    target = np.nan_to_num(rows[:, 0]) + np.arange(len(rows))
    with threadpool_limits(1):
        fitted = ensemble.HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=1, random_state=seed)
        fitted.fit(rows, target)
        model = from_sklearn(fitted)
        around = _around(model, rows)
        wanted = fitted.predict(around)
    found = [answer["prediction"] for answer in model.predict_batch([{"input": row} for row in around])]
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-13)


@given(tables(missing=True), st.sampled_from(["mean", "median", "most_frequent", "constant"]), st.booleans())
def test_pipelines(table, strategy, logistic):
    rows, labels, _ = table
    rows[0] = 1.0  # a column without numbers would be dropped
    last = linear_model.LogisticRegression() if logistic else svm.SVC(gamma=0.5)
    fitted = make_pipeline(SimpleImputer(strategy=strategy), StandardScaler(), last).fit(rows, labels)
    model = from_sklearn(fitted)
    answers = model.predict_batch([{"input": row} for row in rows])
    if logistic:
        found = [[answer["classProbability"][label] for label in fitted.classes_.tolist()] for answer in answers]
        np.testing.assert_allclose(found, fitted.predict_proba(rows), rtol=0, atol=1e-12)
    else:
        assert [answer["classLabel"] for answer in answers] == fitted.predict(rows).tolist()


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)


@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(st.integers(-5, 5), min_size=6, max_size=6), WORDS, st.data())
def test_one_hot_encoders(words, numbers, other, data):
    """Categories that were not seen give zeros."""
    column = np.array([[word, number] for word, number in zip(words, numbers, strict=False)], object)
    drop = data.draw(st.sampled_from([None, "first"]))
    encoder = OneHotEncoder(handle_unknown="ignore", drop=drop, sparse_output=False).fit(column)
    if sum(len(c) for c in encoder.categories_) == 2 and drop:
        return  # nothing is left
    model = from_sklearn(encoder)
    for word, number in (*column.tolist(), (other, 7), (words[0], 7)):
        row = np.array([[word, number]], object)
        known = word in words and number in column[:, 1].tolist()
        if drop and not known:
            continue  # scikit-learn warns: the row is that of the dropped category
        np.testing.assert_array_equal(model.predict({"x0": word, "x1": number})["output"], encoder.transform(row)[0])
