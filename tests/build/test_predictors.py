"""Builders of models that are not networks: what they write predicts by the formula of the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphml
from graphml import build
from graphml.build import datatypes
from graphml.errors import GraphError, SpecError

ROW = np.array([1.0, -2.0, 3.0])


def _run(model, value=ROW, name="input"):
    return graphml.load(model).predict({name: value})


# Linear models and support vectors ------------------------------------------------------------------------------------


def test_a_linear_regressor_of_one_array():
    assert _run(build.linear_regressor([2, 1, 0.5], 4)) == {"prediction": 5.5}


def test_a_linear_regressor_of_named_numbers_with_a_link():
    model = build.linear_regressor([1, -1], inputs=["a", "b"], output="y", transform="Logit")
    assert graphml.load(model).predict({"a": 2.0, "b": 2.0}) == {"y": 0.5}


def test_a_linear_regressor_of_several_outputs_returns_an_array():
    answer = _run(build.linear_regressor([[1, 0, 0], [0, 1, 1]], [0, 10]))["prediction"]
    np.testing.assert_array_equal(answer, [1, 11])


def test_a_linear_classifier_of_two_classes():
    answer = _run(build.linear_classifier([1, 0, 0], np.log(3) - 1, ["no", "yes"]))
    assert answer["classLabel"] == "yes"
    assert answer["classProbability"] == pytest.approx({"no": 0.25, "yes": 0.75})


def test_a_linear_classifier_of_three_classes():
    reference = _run(build.linear_classifier([[0, 0, 1], [0, 1, 0]], [0, 0], [3, 5, 7]))
    scores = np.exp([0, 3, -2])
    assert list(reference["classProbability"].values()) == pytest.approx(scores / scores.sum())
    rest = _run(build.linear_classifier(np.eye(3), [0, 0, 0], [3, 5, 7], encoding="OneVsRest", probabilities=None))
    assert rest == {"classLabel": 7}


def test_support_vectors():
    vectors = [[1, 0, 0], [0, 1, 0]]
    model = build.support_vector_regressor(vectors, [2, 3], 1, kernel="poly", gamma=1, degree=2, coef0=1)
    assert _run(model) == {"prediction": 2 * (1 + 1) ** 2 + 3 * (1 - 2) ** 2 - 1}
    model = build.support_vector_classifier(vectors, [[1, -1]], [0], [1, 1], ["a", "b"], kernel="linear")
    assert _run(model)["classLabel"] == "a"  # 1 * 1 - 1 * -2 = 3, a vote for the first class
    model = build.support_vector_classifier(
        vectors, [[1, -1]], [0], [1, 1], ["a", "b"], kernel="linear", prob_a=[-1], prob_b=[0]
    )
    assert _run(model)["classProbability"]["a"] == pytest.approx(1 / (1 + np.exp(-3)))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda: build.linear_regressor([1, 2], inputs=["a"]), "got 1 names of inputs for 2 features"),
        (lambda: build.linear_regressor([1, 2], [1, 2]), "1 rows of weights and 2 offsets"),
        (lambda: build.linear_regressor([[1, 2], [3]]), "rows of numbers of equal length"),
        (lambda: build.linear_regressor([1], transform="Cloglog"), "postEvaluationTransform is 'Cloglog'; expected"),
        (lambda: build.linear_classifier([1], 0, ["a", 1]), "all strings or all integers"),
        (lambda: build.linear_classifier([1], 0, ["a", "b", "c"]), "ReferenceClass with 3 classes has 2"),
        (lambda: build.support_vector_regressor([[1]], [1, 2], 0), "coefficients"),
        (lambda: build.support_vector_regressor([[1]], [1], 0, kernel="laplace"), "kernel is 'laplace'; expected"),
    ],
)
def test_linear_models_that_do_not_fit_are_refused(write, words):
    with pytest.raises(SpecError, match=words):
        write()


# Trees ----------------------------------------------------------------------------------------------------------------


def _stump(**keyword) -> build.TreeEnsembleBuilder:
    trees = build.TreeEnsembleBuilder("x", 3, **keyword)
    trees.add_branch_node(0, 0, 1, -2.0, "<=", 1, 2, missing_value_tracks_true_child=True)
    trees.add_leaf_node(0, 1, 0.75)
    trees.add_leaf_node(0, 2, 0.25, relative_hit_rate=0.5)
    return trees


def test_trees_add_the_values_of_their_leaves(tmp_path):
    trees = _stump()
    trees.set_default_prediction_value(10)
    trees.add_tree([0, 0, 0], [1.5, 0, 0], [1, -1, -1], [2, -1, -1], [[0], [1], [2]])
    assert _run(trees.spec, name="x") == {"prediction": 11.75}
    assert trees.model().predict({"x": [2, -1, 0]}) == {"prediction": 12.25}
    assert trees.model().predict({"x": [2, np.nan, 0]}) == {"prediction": 12.75}
    trees.save(tmp_path / "trees.mlmodel")
    assert _run(tmp_path / "trees.mlmodel", name="x") == {"prediction": 11.75}


def test_trees_classify():
    answer = _run(_stump(class_labels=["no", "yes"]).spec, name="x")
    assert answer == {"classLabel": "yes", "classProbability": {"no": 0.25, "yes": 0.75}}
    three = build.TreeEnsembleBuilder(["a"], class_labels=[1, 2, 3], dimensions=3)
    three.add_leaf_node(0, 0, {2: 1.0})
    three.set_post_evaluation_transform("Classification_SoftMax")
    answer = graphml.load(three.spec).predict({"a": 0.0})
    assert answer["classLabel"] == 3
    assert answer["classProbability"][3] == pytest.approx(np.e / (2 + np.e))


def test_faults_of_trees_name_the_node():
    trees = build.TreeEnsembleBuilder("x", 3)
    with pytest.raises(SpecError, match=r"branch_mode is '=<'; expected one of <=, <"):
        trees.add_branch_node(0, 0, 0, 0.0, "=<", 1, 2)
    trees.add_branch_node(0, 0, 0, 0.0, "BranchOnValueLessThan", 1, 2)
    trees.add_leaf_node(0, 1, 0)
    with pytest.raises(SpecError, match="tree 0, node 0: its false child, 2, is not in the tree"):
        trees.spec  # noqa: B018
    with pytest.raises(SpecError, match="set width"):
        build.TreeEnsembleBuilder("x")


# Nearest neighbours ---------------------------------------------------------------------------------------------------


def test_an_empty_classifier_learns_by_an_update():
    model = graphml.load(build.nearest_neighbors_classifier(2, default_label="none", number_of_neighbors=1))
    assert model.predict({"input": [0, 0]}) == {"label": "none", "labelProbs": {"none": 1.0}}
    task = graphml.UpdateTask(model, [{"input": [0.0, 0.0], "label": "low"}, {"input": [9.0, 9.0], "label": "high"}])
    task.resume()
    task.wait()
    assert task.error is None
    assert task.model.predict({"input": [8, 8]})["label"] == "high"


def test_samples_that_are_given_vote():
    samples = [[0, 0], [2, 0], [3, 0]]
    uniform = build.nearest_neighbors_classifier(samples=samples, labels=[7, 8, 8], number_of_neighbors=3)
    assert _run(uniform, [0.5, 0])["label"] == 8
    nearer = build.nearest_neighbors_classifier(
        samples=samples, labels=[7, 8, 8], number_of_neighbors=3, weighting="inverse_distance", leaf_size=30
    )
    assert _run(nearer, [0.5, 0])["label"] == 7
    assert nearer.kNearestNeighborsClassifier.nearestNeighborsIndex.singleKdTreeIndex.leafSize == 30


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ({"dimensions": 2}, "no class labels"),
        ({"default_label": "a"}, "the number of dimensions is missing"),
        ({"dimensions": 3, "samples": [[1, 2]], "labels": ["a"]}, "samples have 2 elements, but dimensions is 3"),
        ({"samples": [[1, 2]], "labels": ["a", "b"]}, "a label for each of the 1 samples, got 2"),
        ({"samples": [1, 2], "labels": ["a"]}, r"\[samples, dimensions\]"),
        ({"dimensions": 2, "default_label": "a", "number_of_neighbors": 7, "allowed": range(1, 6, 2)}, "7"),
        ({"dimensions": 2, "default_label": "a", "weighting": "gaussian"}, "expected 'uniform' or 'inverse_distance'"),
    ],
)
def test_neighbors_that_do_not_fit_are_refused(keyword, words):
    with pytest.raises(SpecError, match=words):
        build.nearest_neighbors_classifier(**keyword)


# Feature engineering --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        (build.scaler(3, shift=[1, 2, 3], scale=2), ROW, [4, 0, 12]),
        (build.normalizer(3, "L1"), ROW, ROW / 6),
        (build.imputer([7, 8, 9]), [1, np.nan, np.nan], [1, 8, 9]),
        (build.imputer(0.5, missing=-1, size=3), [1, -1, -1], [1, 0.5, 0.5]),
        (build.one_hot_encoder(["a", "b"]), "b", [0, 1]),
        (build.one_hot_encoder([4, 2]), 3, [0, 0]),
        (build.dict_vectorizer(["red", "blue"]), {"blue": 7.0, "pink": 1.0}, [0, 7]),
        (build.array_feature_extractor(3, [2, 0]), ROW, [3, 1]),
        (build.array_feature_extractor(3, [2], kind=datatypes.Int64()), ROW, 3),
        (build.categorical_mapping({"a": 1, "b": 2}, unknown=-1), "c", -1),
        (build.categorical_mapping({1: "a"}), 1, "a"),
    ],
)
def test_transforms(model, given, expected):
    answer = _run(model, given)["output"]
    if isinstance(expected, list | np.ndarray):
        np.testing.assert_allclose(answer, expected, rtol=1e-15)
    else:
        assert answer == expected


def test_unknown_categories_can_be_errors():
    with pytest.raises(graphml.FeatureError, match="'c' is not among the 2 categories"):
        _run(build.one_hot_encoder(["a", "b"], ignore_unknown=False), "c")


def test_a_feature_vectorizer_joins_numbers_and_arrays():
    model = build.feature_vectorizer({"a": datatypes.Double(), "b": 2, "c": datatypes.Int64()})
    joined = graphml.load(model).predict({"a": 1.5, "b": np.array([2.0, 3.0]), "c": 4})["output"]
    np.testing.assert_array_equal(joined, [1.5, 2, 3, 4])
    with pytest.raises(SpecError, match="expected a number or an array"):
        build.feature_vectorizer({"a": datatypes.String()})


# Pipelines ------------------------------------------------------------------------------------------------------------


def test_a_pipeline_takes_what_no_stage_returns():
    join = build.feature_vectorizer({"a": 1, "b": 1}, output="row")
    model = build.pipeline({"join": join, "sum": build.linear_regressor([1, 1], inputs="row")})
    assert model.WhichOneof("Type") == "pipelineRegressor"
    loaded = graphml.load(model)
    assert loaded.predict({"a": np.array([1.0]), "b": np.array([2.0])}) == {"prediction": 3.0}
    assert list(loaded.models) == ["join", "sum"]


def test_a_pipeline_takes_files_and_models_and_can_return_more(tmp_path: Path):
    graphml.utils.save_spec(build.scaler(2, scale=2, inputs="x", output="y"), tmp_path / "scaler.mlmodel")
    last = graphml.load(build.linear_classifier([1, 1], 0, ["a", "b"], inputs="y"))
    model = build.pipeline([tmp_path / "scaler.mlmodel", last], outputs=["classLabel", "y", "classProbability"])
    answer = graphml.load(model).predict({"x": np.array([1.0, 1.0])})
    assert answer["classLabel"] == "b"
    np.testing.assert_array_equal(answer["y"], [2, 2])


def test_an_updatable_pipeline_trains_its_last_model():
    scale = build.scaler(2, scale=0.1, inputs="x", output="input")
    model = build.pipeline([scale, build.nearest_neighbors_classifier(2, default_label=0)])
    assert [feature.name for feature in model.description.trainingInput] == ["x", "label"]
    task = graphml.UpdateTask(graphml.load(model), [{"x": np.array([1.0, 2.0]), "label": 4}])
    task.resume()
    task.wait()
    assert task.error is None
    assert task.model.predict({"x": np.array([0.0, 0.0])})["label"] == 4


def test_pipelines_that_do_not_fit_are_refused():
    with pytest.raises(GraphError, match="at least one model"):
        build.pipeline([])
    with pytest.raises(GraphError, match="no model of the pipeline returns 'z'"):
        build.pipeline([build.scaler(2)], outputs=["z"])
    with pytest.raises(GraphError, match="takes 'output' as stringType, but it is multiArrayType"):
        build.pipeline([build.scaler(2), build.one_hot_encoder(["a"], inputs="output", output="z")])
    with pytest.raises(SpecError, match="cannot be updated"):
        build.pipeline([build.scaler(2)], updatable=True)
