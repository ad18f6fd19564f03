"""Models of XGBoost and LightGBM: each row reaches the same leaves, also at thresholds.

The stored models are checked always; whatever these libraries can train is compared where they are installed.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from boosting_models import FOLDER, edge_rows, fit_lightgbm, fit_xgboost, predicted

import graphml
from graphml.convert.lightgbm import from_lightgbm
from graphml.convert.xgboost import from_xgboost
from graphml.errors import SpecError, UnsupportedError

EXPECTED = json.loads((FOLDER / "expected.json").read_text())
XGBOOST = {"rtol": 1e-6, "atol": 1e-6}  # sums of float32
LIGHTGBM = {"rtol": 1e-14, "atol": 1e-15}


def _values(model: Any, rows: Any) -> np.ndarray:
    answers = model.predict_batch([{"input": row} for row in np.asarray(rows, np.float64)])
    if "prediction" in answers[0]:
        return np.array([answer["prediction"] for answer in answers])
    values = np.array([list(answer["classProbability"].values()) for answer in answers])
    labels = np.array(list(answers[0]["classProbability"]))
    assert [answer["classLabel"] for answer in answers] == labels[values.argmax(axis=1)].tolist()
    return values


@pytest.mark.parametrize("name", EXPECTED)
def test_stored_models(name):
    convert, tolerance = (from_xgboost, XGBOOST) if name.startswith("xgboost") else (from_lightgbm, LIGHTGBM)
    expected = EXPECTED[name]
    for source in (FOLDER / name, str(FOLDER / name), (FOLDER / name).read_text()):
        found = _values(convert(source), expected["rows"])
        np.testing.assert_allclose(found, expected["values"], **tolerance)


def test_the_thresholds_of_the_files_would_send_rows_elsewhere():
    """Without the rule for float32, and that for tiny numbers, some of the stored rows reach other leaves."""
    for name, convert in (("xgboost_two.json", from_xgboost), ("lightgbm_number.txt", from_lightgbm)):
        model = convert(FOLDER / name)
        stored = copy.deepcopy(model.spec)
        trees: Any = getattr(stored, model.kind).treeEnsemble
        for node in trees.nodes:
            single = np.float32(node.branchFeatureValue)
            node.branchFeatureValue = float(np.nextafter(single, np.float32(9)) if "xg" in name else single)
        rows = EXPECTED[name]["rows"]
        assert not np.allclose(_values(graphml.load(stored), rows), EXPECTED[name]["values"], rtol=1e-5), name


def test_names_and_labels():
    source = (FOLDER / "lightgbm_two.txt").read_text()
    model = from_lightgbm(source, ["a", "b", "c"], ("sort", "shares"), ["no", "yes"])
    answer = model.predict(dict(zip("abc", EXPECTED["lightgbm_two.txt"]["rows"][0], strict=True)))
    assert list(answer["shares"]) == ["no", "yes"]
    assert from_xgboost(FOLDER / "xgboost_three.json", class_labels=[3, 5, 9]).predict({"input": np.zeros(3)})
    with pytest.raises(SpecError, match="got 2 names of inputs for 3 features"):
        from_xgboost(FOLDER / "xgboost_two.json", ["a", "b"])


# Refusals -----------------------------------------------------------------------------------------------------------


def _changed(path: str, value: Any) -> dict[str, Any]:
    """A stored model of XGBoost with one value replaced. path: keys with dots between them."""
    content = json.loads((FOLDER / "xgboost_two.json").read_text())
    *keys, last = path.split(".")
    part: Any = content
    for key in keys:
        part = part[int(key) if key.isdigit() else key]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return content


FIRST = "learner.gradient_booster.model.trees.0"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("learner.objective.name", "count:poisson", "the objective is 'count:poisson'.*binary:logistic"),
        ("learner.gradient_booster.name", "gblinear", "the booster is 'gblinear'; gbtree and dart can be converted"),
        (f"{FIRST}.split_type", [1, 0, 0, 0, 0, 0, 0], "sets of categories"),
        (f"{FIRST}.tree_param", {"size_leaf_vector": "2"}, "several numbers in each leaf"),
    ],
)
def test_xgboost_that_core_ml_lacks_is_refused(path, value, words):
    with pytest.raises(UnsupportedError, match=words):
        from_xgboost(_changed(path, value))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("objective=binary sigmoid:1", "objective=poisson", "the objective is 'poisson'"),
        ("objective=binary sigmoid:1", "objective=regression sqrt", "the objective is 'regression sqrt'"),
        ("decision_type=2", "decision_type=1", "sets of categories"),
        ("is_linear=0", "is_linear=1", "linear_tree"),
        ("decision_type=2 2", "decision_type=6 6", "zero_as_missing"),
    ],
)
def test_lightgbm_that_core_ml_lacks_is_refused(old, new, words):
    text = (FOLDER / "lightgbm_two.txt").read_text()
    assert old in text
    with pytest.raises(UnsupportedError, match=words):
        from_lightgbm(text.replace(old, new))


@pytest.mark.parametrize(
    ("convert", "source", "words"),
    [
        (from_xgboost, "{}", "not a model of XGBoost in JSON: KeyError: 'learner'"),
        (from_xgboost, "{", "save it with save_model"),
        (from_xgboost, 3, "an estimator, a Booster, or JSON"),
        (from_xgboost, _changed(f"{FIRST}.left_children", None), "KeyError: 'left_children'"),
        (from_lightgbm, 3, "the text that save_model writes"),
        (from_lightgbm, "tree\nversion=v4\n", "the line 'end of trees' is missing"),
        (from_lightgbm, "tree\nend of trees\n", "KeyError: 'num_tree_per_iteration'"),
    ],
)
def test_what_is_no_such_model_is_refused(convert, source, words):
    with pytest.raises(SpecError, match=words):
        convert(source)


# Where the libraries are installed ----------------------------------------------------------------------------------

TARGETS = ["two", "three", "number"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "keyword", [{}, {"booster": "dart", "rate_drop": 0.5}, {"gamma": 0.5, "max_depth": 6}], ids=str
)
def test_xgboost(target, keyword):
    pytest.importorskip("xgboost", reason="xgboost is compared on request and is not installed here")
    estimator = fit_xgboost(target, **keyword)
    model = from_xgboost(estimator)
    rows = edge_rows(model.spec, 3000)
    np.testing.assert_allclose(_values(model, rows), predicted(estimator, rows), **XGBOOST)
    booster = _values(from_xgboost(estimator.get_booster()), rows)
    np.testing.assert_array_equal(booster, _values(model, rows))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "keyword",
    [
        {},
        {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"boosting_type": "dart", "n_estimators": 10},
        {"use_missing": False},
    ],
    ids=str,
)
def test_lightgbm(target, keyword):
    pytest.importorskip("lightgbm", reason="lightgbm is compared on request and is not installed here")
    estimator = fit_lightgbm(target, **keyword)
    model = from_lightgbm(estimator)
    rows = edge_rows(model.spec, 3000)
    np.testing.assert_allclose(_values(model, rows), predicted(estimator, rows), **LIGHTGBM)
