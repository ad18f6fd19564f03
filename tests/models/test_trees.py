"""Ensembles of trees: every mode against a plain walk, forests against scikit-learn."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predictor_models import MODES, array_output, by_name, from_sklearn, trees, walk, with_classes

from graphml.errors import FeatureError, ShapeError
from graphml.models import load

LEFT, RIGHT = ("leaf", {0: 1.0}), ("leaf", {0: 2.0})
NAN, INF = float("nan"), float("inf")


def _sums(forest, base, rows):
    """What a plain walk through the trees adds up to: [rows, dimensions]."""
    out = np.tile(np.array(base, float), (len(rows), 1))
    for total, row in zip(out, rows, strict=True):
        for tree in forest:
            for index, value in walk(tree, row).items():
                total[index] += value
    return out


def _predict(message, rows):
    return [answer["y"] for answer in load(message).predict_batch([{"x": np.array(row)} for row in rows])]


# Nodes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("modes", [("<=", ">"), ("<", ">="), ("==", "!="), MODES])
def test_every_mode_at_every_kind_of_number(modes):
    """One tree, and one dimension of the answer, for each mode, threshold and branch that NaN takes."""
    thresholds = [0.5, INF, -INF, 0.0, -0.0]
    branches = itertools.product(modes, [1], thresholds, [False, True])
    forest = [(*branch, ("leaf", {i: 1.0}), ("leaf", {i: 2.0})) for i, branch in enumerate(branches)]
    values = [0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1), -1.0, 7.0, 0.0, -0.0, INF, -INF, NAN]
    rows = [[NAN, v, NAN] for v in values]
    base = [0.0] * len(forest)
    message = array_output(trees("treeEnsembleRegressor", forest, base), len(forest))
    np.testing.assert_array_equal(_predict(message, rows), _sums(forest, base, rows))


def _forests(dimensions):
    numbers = st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0, INF, -INF])
    entries = st.dictionaries(st.integers(0, dimensions - 1), st.integers(-8, 8).map(float), max_size=dimensions)
    leaves = entries.map(lambda e: ("leaf", e))

    def branches(modes):
        return st.recursive(
            leaves,
            lambda inner: st.tuples(st.sampled_from(modes), st.integers(0, 2), numbers, st.booleans(), inner, inner),
            max_leaves=12,
        )

    modes = st.sampled_from([(mode,) for mode in MODES] + [MODES])
    return modes.flatmap(lambda m: st.lists(branches(m), min_size=1, max_size=5))


@given(data=st.data(), dimensions=st.sampled_from([1, 3]))
def test_random_trees_are_walked(data, dimensions):
    forest = data.draw(_forests(dimensions))
    value = st.sampled_from([-1.0, -0.5, -0.0, 0.0, 0.1, 0.25, 2.0, INF, -INF, NAN])
    rows = data.draw(st.lists(st.tuples(value, value, value), min_size=4, max_size=4))
    base = [0.5, -2.0, 0.0][:dimensions]
    message = trees("treeEnsembleRegressor", forest, base)
    if dimensions > 1:
        array_output(message, dimensions)
    np.testing.assert_array_equal(np.array(_predict(message, rows)).reshape(4, -1), _sums(forest, base, rows))


def test_nodes_may_be_in_any_order_and_ids_may_be_large():
    forest = [("<=", 0, 0.5, False, ("<", 1, 1.5, False, LEFT, RIGHT), ("leaf", {0: 5.0})), LEFT]
    message = trees("treeEnsembleRegressor", forest, [0.0])
    nodes = message.treeEnsembleRegressor.treeEnsemble.nodes
    for node in nodes:
        node.treeId = 2**64 - 1 - node.treeId
        for field in ("nodeId", "trueChildNodeId", "falseChildNodeId"):
            setattr(node, field, 2**63 + 10 * getattr(node, field))
    shuffled = [type(nodes[0]).FromString(nodes[i].SerializeToString()) for i in (3, 0, 5, 4, 1, 2)]
    del nodes[:]
    nodes.extend(shuffled)
    assert _predict(message, [[0, 1, 0], [0, 2, 0], [1, 0, 0]]) == [2.0, 3.0, 6.0]


@pytest.mark.parametrize("many", [1 << 14, 0])
def test_a_deep_chain_is_followed_to_its_end(many, monkeypatch):
    from graphml.models.tabular import trees as module

    monkeypatch.setattr(module, "_MANY", many)  # 0: those that still walk are gathered
    tree = ("leaf", {0: 3000.0})
    for depth in reversed(range(3000)):
        tree = ("<=", 0, float(depth), False, ("leaf", {0: float(depth)}), tree)
    message = trees("treeEnsembleRegressor", [tree], [0.0], inputs=1)
    assert _predict(message, [[0.0], [17.5], [2999.0], [2999.5]]) == [0.0, 18.0, 2999.0, 3000.0]


def test_trees_without_nodes_give_the_base():
    assert _predict(trees("treeEnsembleRegressor", [], [1.5]), [[0, 0, 0]]) == [1.5]


def test_leaves_without_values_add_nothing():
    assert _predict(trees("treeEnsembleRegressor", [("leaf", {}), LEFT], [0.25]), [[0, 0, 0]]) == [1.25]


def test_many_dimensions_are_kept_as_they_are_stored(monkeypatch):
    from graphml.models.tabular import trees as module

    forest = [("<=", 0, 0.5, False, ("leaf", {4: 1.0, 0: 2.0}), ("leaf", {2: 3.0})), ("leaf", {4: -1.0})]
    message = array_output(trees("treeEnsembleRegressor", forest, [0.0, 0, 0, 0, 1.0]), 5)
    rows = [[0, 0, 0], [1, 0, 0]]
    whole = np.array(_predict(message, rows))
    monkeypatch.setattr(module, "_DENSE", 0)
    sparse = load(message)
    assert sparse._decoded[1].values == "sparse"
    np.testing.assert_array_equal([a["y"] for a in sparse.predict_batch([{"x": np.array(r)} for r in rows])], whole)
    np.testing.assert_array_equal(whole, [[2, 0, 0, 0, 1], [0, 0, 3, 0, 0]])


# Rows -----------------------------------------------------------------------------------------------------------------


def test_inputs_are_features_in_the_order_of_the_description():
    forest = [("<=", 2, 0.5, False, LEFT, RIGHT)]
    message = trees("treeEnsembleRegressor", forest, [0.0], inputs=["c", "a"])
    message.description.input.add(name="b").type.int64Type.SetInParent()
    model = load(message)
    assert model.predict({"b": 0, "a": 9.0, "c": 9.0}) == {"y": 1.0}
    assert model.predict_batch([{"a": 0.0, "b": 1, "c": 0.0}, {"c": 0, "a": np.float32(0), "b": np.int64(0)}]) == [
        {"y": 2.0},
        {"y": 1.0},
    ]
    assert model.predict_batch({"a": np.zeros(3), "b": [0, 1, 0], "c": np.zeros(3)}) == [
        {"y": 1.0},
        {"y": 2.0},
        {"y": 1.0},
    ]


def test_a_batch_names_the_row_that_is_wrong():
    model = load(trees("treeEnsembleRegressor", [LEFT], [0.0], inputs=["a", "b"]))
    good = {"a": 0.0, "b": 0.0}
    for bad in ({"a": 0.0}, {"a": 0.0, "c": 0.0}, {"a": "0", "b": 0.0}, {"a": True, "b": 0.0}):
        with pytest.raises(FeatureError, match="row 2"):
            model.predict_batch([good, bad, good])
    assert model.predict_batch([]) == []


def test_an_omitted_input_is_a_missing_value():
    forest = [("<=", 0, 0.5, False, ("leaf", {0: 1.0}), ("<", 1, 3.0, True, ("leaf", {0: 2.0}), ("leaf", {0: 3.0})))]
    message = trees("treeEnsembleRegressor", forest, [0.0], inputs=["a", "b"])
    message.description.input[0].type.isOptional = True
    model = load(message)
    assert model.predict({"b": 3.0}) == {"y": 3.0}
    assert model.predict_batch([{"b": NAN}, {"a": 0.0, "b": 0.0}, {"a": 1.0, "b": 4.0}]) == [
        {"y": 2.0},
        {"y": 1.0},
        {"y": 3.0},
    ]


def test_arrays_of_flexible_length():
    message = trees("treeEnsembleRegressor", [("<=", 4, 0.5, False, LEFT, RIGHT)], [0.0])
    bounds = message.description.input[0].type.multiArrayType.shapeRange.sizeRanges.add(lowerBound=1, upperBound=-1)
    assert bounds.upperBound == -1
    model = load(message)
    rows = [{"x": np.zeros(5)}, {"x": np.ones(9)}]
    assert model.predict_batch(rows) == [model.predict(row) for row in rows] == [{"y": 1.0}, {"y": 2.0}]
    with pytest.raises(ShapeError, match="the inputs have 4 features in total; the model takes at least 5"):
        model.predict({"x": np.zeros(4)})


def test_few_programs_serve_all_numbers_of_rows():
    model = load(trees("treeEnsembleRegressor", [("<=", 0, 0.5, False, LEFT, RIGHT)], [0.0]))
    for count in (1, 2, 5, 6, 7, 8, 1):
        rows = [{"x": np.full(3, i % 2)} for i in range(count)]
        assert [a["y"] for a in model.predict_batch(rows)] == [1.0 + i % 2 for i in range(count)]
    assert model.trace_count == 3  # one, two and eight rows
    model.predict({"x": np.zeros(3)})
    assert model.trace_count == 3


# Answers --------------------------------------------------------------------------------------------------------------

STUMP = ("<=", 0, 0.5, False, ("leaf", {0: 1.0, 1: 0.5, 2: -1.0}), ("leaf", {1: 2.0}))


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("NoTransform", lambda s: s),
        ("Regression_Logistic", lambda s: 1 / (1 + np.exp(-s))),
        ("Classification_SoftMax", lambda s: np.exp(s) / np.exp(s).sum(-1, keepdims=True)),
        (
            "Classification_SoftMaxWithZeroClassReference",
            lambda s: np.exp(z := np.pad(s, ((0, 0), (1, 0)))) / np.exp(z).sum(-1, keepdims=True),
        ),
    ],
)
def test_transforms(transform, expected):
    base, rows = [0.125, 0.0, 0.5], [[0, 0, 0], [1, 0, 0]]
    wanted = expected(_sums([STUMP], base, rows))
    message = trees("treeEnsembleRegressor", [STUMP], base, transform)
    array_output(message, wanted.shape[1])
    np.testing.assert_allclose(_predict(message, rows), wanted, rtol=1e-14)

    labels = [30, 10, 20, 40][: wanted.shape[1]]
    model = load(with_classes(trees("treeEnsembleClassifier", [STUMP], base, transform), labels))
    answers = model.predict_batch([{"x": np.array(row)} for row in rows])
    for answer, p in zip(answers, wanted, strict=True):
        assert answer["label"] == labels[int(p.argmax())]
        np.testing.assert_allclose([answer["probs"][label] for label in labels], p, rtol=1e-14)


@pytest.mark.parametrize("transform", ["NoTransform", "Regression_Logistic", "Classification_SoftMax"])
def test_one_dimension_scores_the_second_of_two_classes(transform):
    expected = 0.75 if transform == "NoTransform" else 1 / (1 + np.exp(-0.75))
    message = with_classes(trees("treeEnsembleClassifier", [("leaf", {0: 0.5})], [0.25], transform), ["no", "yes"])
    answer = load(message).predict({"x": np.zeros(3)})
    assert answer["label"] == "yes"
    assert answer["probs"] == pytest.approx({"no": 1 - expected, "yes": expected}, rel=1e-14)


def test_without_probabilities_there_is_only_the_label():
    message = with_classes(trees("treeEnsembleClassifier", [STUMP], [0.0] * 3), ["a", "b", "c"], probabilities=None)
    assert load(message).predict_batch([{"x": np.zeros(3)}, {"x": np.ones(3)}]) == [{"label": "a"}, {"label": "b"}]


# The functional face --------------------------------------------------------------------------------------------------


def test_the_function_is_what_predict_computes_for_many_rows_and_in_double_precision():
    forest = [("<", 0, 0.1, False, ("leaf", {0: 0.1}), ("leaf", {0: 0.3}))] * 3
    model = load(trees("treeEnsembleRegressor", forest, [0.0], inputs=["a", "b"]))
    function = model.as_function()
    a = np.array([0.1, np.nextafter(0.1, 0)])  # the same number in single precision
    with jax.enable_x64(True):
        many = jax.vmap(function)({"a": a, "b": np.zeros(2)})["y"]
        gradient = float(jax.grad(lambda a: function({"a": a, "b": 0.0})["y"])(0.05))
    assert many.dtype == np.float64
    assert many.tolist() == [r["y"] for r in model.predict_batch(by_name(["a", "b"], np.stack([a, a * 0], 1)))]
    assert many[0] != many[1]
    assert gradient == 0
    assert function({"a": 0.05, "b": 0.0})["y"].dtype == np.float64  # whatever the global setting


def test_the_function_of_a_classifier_gives_probabilities():
    model = load(with_classes(trees("treeEnsembleClassifier", [STUMP], [0.0] * 3), ["a", "b", "c"]))
    assert model.as_function()({"x": np.zeros(3)})["probs"].tolist() == [1.0, 0.5, -1.0]


# scikit-learn ---------------------------------------------------------------------------------------------------------

ROWS = np.random.default_rng(1).normal(size=(10_000, 5)).astype(np.float32).astype(np.float64)


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 5))
    y = x[:, 0] * x[:, 1] + np.sin(3 * x[:, 2]) + 0.1 * rng.normal(size=600)
    return x, y, np.digitize(y, [-0.5, 0.5])


@pytest.fixture(scope="module")
def ensembles():
    return pytest.importorskip("sklearn.ensemble", reason="scikit-learn judges the trees, and is not installed")


def _classified(message, labels):
    answers = load(with_classes(message, labels)).predict_batch([{"x": row} for row in ROWS])
    return [a["label"] for a in answers], np.array([[a["probs"][label] for label in labels] for a in answers])


def test_regressors_agree_with_scikit_learn(ensembles, samples):
    x, y, _ = samples
    boosted = ensembles.GradientBoostingRegressor(n_estimators=30, random_state=0).fit(x, y)
    parts = [from_sklearn(e.tree_, 0.1 * e.tree_.value[:, :, 0]) for e in boosted.estimators_[:, 0]]
    message = trees("treeEnsembleRegressor", parts, [float(boosted.init_.constant_[0, 0])], inputs=5)
    answers = load(message).predict_batch({"x": ROWS})
    np.testing.assert_allclose([a["y"] for a in answers], boosted.predict(ROWS), rtol=1e-6)

    forest = ensembles.RandomForestRegressor(n_estimators=5, random_state=0).fit(x, np.stack([y, -2 * y], 1))
    parts = [from_sklearn(e.tree_, e.tree_.value[:, :, 0] / 5) for e in forest.estimators_]
    message = array_output(trees("treeEnsembleRegressor", parts, [0.0, 0.0], inputs=5), 2)
    answers = load(message).predict_batch({"x": ROWS})
    np.testing.assert_allclose([a["y"] for a in answers], forest.predict(ROWS), rtol=1e-6, atol=1e-12)


def test_a_tree_with_missing_values_agrees_with_scikit_learn(samples):
    tree = pytest.importorskip("sklearn.tree", reason="scikit-learn judges the trees, and is not installed")
    x, y, _ = samples
    gaps = np.random.default_rng(2)
    grown = tree.DecisionTreeRegressor(random_state=0).fit(np.where(gaps.random(x.shape) < 0.1, np.nan, x), y)
    rows = np.where(gaps.random(ROWS.shape) < 0.2, np.nan, ROWS)
    message = trees("treeEnsembleRegressor", [from_sklearn(grown.tree_, grown.tree_.value[:, :, 0])], [0.0], inputs=5)
    answers = load(message).predict_batch([{"x": row} for row in rows])
    np.testing.assert_allclose([a["y"] for a in answers], grown.predict(rows), rtol=1e-6)


def test_classifiers_agree_with_scikit_learn(ensembles, samples):
    x, _, y = samples
    forest = ensembles.RandomForestClassifier(n_estimators=5, random_state=0).fit(x, y)
    parts = [from_sklearn(e.tree_, e.tree_.value[:, 0] / 5) for e in forest.estimators_]
    labels, p = _classified(trees("treeEnsembleClassifier", parts, [0.0] * 3, inputs=5), [7, 8, 9])
    np.testing.assert_allclose(p, forest.predict_proba(ROWS), atol=1e-6)
    top = np.sort(p, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-12
    assert (np.array(labels) == forest.predict(ROWS) + 7)[clear].all()

    boosted = ensembles.GradientBoostingClassifier(n_estimators=5, random_state=0).fit(x, y)
    parts = [
        from_sklearn(e.tree_, 0.1 * np.eye(3)[k] * e.tree_.value[:, :, 0])
        for stage in boosted.estimators_
        for k, e in enumerate(stage)
    ]
    parts = [_only_class(tree) for tree in parts]
    base = np.log(boosted.init_.class_prior_)
    message = trees("treeEnsembleClassifier", parts, base, "Classification_SoftMax", inputs=5)
    model = load(with_classes(trees("treeEnsembleClassifier", parts, base, inputs=5), ["a", "b", "c"]))
    assert model._decoded[1].values == "class"
    labels, p = _classified(message, ["a", "b", "c"])
    np.testing.assert_allclose(p, boosted.predict_proba(ROWS), atol=1e-6)
    assert labels == ["abc"[k] for k in boosted.predict(ROWS)]


def _only_class(tree):
    if tree[0] == "leaf":
        return ("leaf", {d: v for d, v in tree[1].items() if v})
    return (*tree[:4], _only_class(tree[4]), _only_class(tree[5]))


def test_two_classes_agree_with_scikit_learn(ensembles, samples):
    x, y, _ = samples
    boosted = ensembles.GradientBoostingClassifier(n_estimators=5, random_state=0).fit(x, y > 0)
    prior = boosted.init_.class_prior_
    parts = [from_sklearn(e.tree_, 0.1 * e.tree_.value[:, :, 0]) for e in boosted.estimators_[:, 0]]
    base = [float(np.log(prior[1] / prior[0]))]
    message = trees("treeEnsembleClassifier", parts, base, "Regression_Logistic", inputs=5)
    labels, p = _classified(message, ["no", "yes"])
    np.testing.assert_allclose(p, boosted.predict_proba(ROWS), atol=1e-6)
    assert labels == [["no", "yes"][int(v)] for v in boosted.predict(ROWS)]
