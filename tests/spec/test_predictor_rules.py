"""What is wrong with trees, linear models, support vectors, probit models, recommenders: each fault is named."""

from __future__ import annotations

import time

import numpy as np
import pytest
from model_problems import errors_of
from predictor_models import array_output, kernel, linear, model, trees, vectors, with_classes

from graphml.errors import SpecError
from graphml.models import load
from graphml.spec.validate import problems

LEFT, RIGHT = ("leaf", {0: 1.0}), ("leaf", {0: 2.0})


def _forest():
    return trees("treeEnsembleRegressor", [("<=", 0, 0.5, False, LEFT, RIGHT), LEFT], [0.0])


def _classifying(dimensions, classes, transform="NoTransform"):
    message = trees("treeEnsembleClassifier", [LEFT], [0.0] * dimensions, transform)
    return with_classes(message, range(classes)) if classes else message


# Trees ----------------------------------------------------------------------------------------------------------------


def _ensemble(message):
    return message.treeEnsembleRegressor.treeEnsemble


def _node(field, value, position=0):
    return lambda message: setattr(_ensemble(message).nodes[position], field, value)


def _again(message):
    _ensemble(message).nodes.add().CopyFrom(_ensemble(message).nodes[1])


def _cycle(message):
    for number, child in ((7, 8), (8, 7)):
        _ensemble(message).nodes.add(treeId=0, nodeId=number, trueChildNodeId=child, falseChildNodeId=number + 10)
        _ensemble(message).nodes.add(treeId=0, nodeId=number + 10, nodeBehavior=6)


def _itself(message):
    _ensemble(message).nodes[0].falseChildNodeId = 0


TREE_FAULTS = [
    (_node("trueChildNodeId", 9), ["tree 0, node 0: its true child, 9, is not in the tree"]),
    (_node("falseChildNodeId", 2**63), ["tree 0, node 0: its false child, 9223372036854775808, is not in the tree"]),
    (_node("falseChildNodeId", 1), ["tree 0, node 1: is the child of more than one branch"]),
    (_node("treeId", 5, 1), ["tree 0, node 0: its false child, 2, is not in the tree"]),
    (_node("nodeBehavior", 7, 3), ["tree 1, node 0: has the unknown behavior 7"]),
    (_node("branchFeatureValue", float("nan")), ["tree 0, node 0: compares with NaN"]),
    (_node("branchFeatureIndex", 3), ["tree 0, node 0: feature 3 is out of range for 3 features"]),
    (_again, ["tree 0, node 2: occurs more than once"]),
    (_cycle, ["tree 0: its nodes form a cycle that contains node 7, or an ancestor of it"]),
    (_itself, ["tree 0: its nodes form a cycle"]),
    (
        lambda m: setattr(_ensemble(m).nodes[1].evaluationInfo[0], "evaluationIndex", 1),
        ["tree 0, node 2: dimension 1 is out of range for 1 prediction dimensions"],
    ),
    (
        lambda m: _ensemble(m).nodes.add(treeId=1, nodeId=4, nodeBehavior=6),
        ["tree 1: has 2 roots; a tree has one"],
    ),
    (
        lambda m: _ensemble(m).basePredictionValue.append(1),
        ["trees: have 2 base predictions for 1 prediction dimensions"],
    ),
    (
        lambda m: setattr(m.treeEnsembleRegressor, "postEvaluationTransform", 4),
        ["trees: postEvaluationTransform has the unknown value 4"],
    ),
]


def test_sound_trees_have_no_problems():
    assert problems(_forest()) == []


@pytest.mark.parametrize(("damage", "expected"), TREE_FAULTS)
def test_faults_of_trees(damage, expected):
    message = _forest()
    damage(message)
    found = errors_of(message)
    for start in expected:
        assert any(line.startswith(start) for line in found), found
    with pytest.raises(SpecError, match="this is not a legal model"):
        load(message).predict({"x": np.zeros(3)})


@pytest.mark.parametrize(
    ("dimensions", "classes", "transform", "fault"),
    [
        (3, 3, "NoTransform", None),
        (1, 2, "Regression_Logistic", None),
        (2, 2, "Classification_SoftMax", None),
        (2, 3, "Classification_SoftMaxWithZeroClassReference", None),
        (1, 2, "Classification_SoftMaxWithZeroClassReference", None),
        (1, 3, "NoTransform", "has 1 prediction dimensions; 3 classes with this transform have 3"),
        (2, 2, "Classification_SoftMaxWithZeroClassReference", "has 2 prediction dimensions"),
        (4, 2, "NoTransform", "has 4 prediction dimensions; 2 classes with this transform have 1 or 2"),
        (2, 0, "NoTransform", "has no class labels"),
    ],
)
def test_dimensions_and_classes(dimensions, classes, transform, fault):
    found = errors_of(_classifying(dimensions, classes, transform))
    assert found == [] if fault is None else any(fault in line for line in found)


def test_sizes_of_outputs():
    message = trees("treeEnsembleRegressor", [LEFT], [0.0, 0.0])
    assert errors_of(message) == ["output 'y': is one number, but the model computes 2"]
    assert errors_of(array_output(message, 3)) == ["output 'y': has 3 elements, but the model computes 2"]
    assert errors_of(array_output(message, 2)) == []


def test_a_hundred_thousand_damaged_nodes_are_reported_quickly():
    message = trees("treeEnsembleRegressor", [], [0.0])
    node = _ensemble(message).nodes.add(nodeBehavior=0, trueChildNodeId=1, falseChildNodeId=2, branchFeatureIndex=99)
    for number in range(1, 50_000):
        _ensemble(message).nodes.add(nodeId=number).MergeFrom(node)
        _ensemble(message).nodes[-1].nodeId = number
    start = time.perf_counter()
    assert len(errors_of(message)) == 12
    assert time.perf_counter() - start < 5


# Linear models and support vectors -----------------------------------------------------------------------------------


def test_faults_of_linear_models():
    message = linear("glmRegressor", np.ones((2, 3)), np.ones(2), "NoTransform")
    assert errors_of(message) == ["output 'y': is one number, but the model computes 2"]
    array_output(message, 2)
    assert errors_of(message) == []
    message.glmRegressor.offset.append(1)
    message.glmRegressor.weights[1].value.append(1)
    message.glmRegressor.postEvaluationTransform = 3
    assert errors_of(message) == [
        "linear model: has 2 rows of weights and 3 offsets",
        "linear model: row 2 has 4 weights; there are 3 features",
        "linear model: postEvaluationTransform has the unknown value 3",
    ]
    assert "linear model: has no weights" in errors_of(model("glmRegressor"))


@pytest.mark.parametrize(
    ("rows", "classes", "encoding", "link", "fault"),
    [
        (1, 2, "OneVsRest", "Probit", None),
        (2, 3, "ReferenceClass", "Logit", None),
        (3, 3, "OneVsRest", "Logit", None),
        (2, 2, "OneVsRest", "Logit", "has 2 rows of weights; OneVsRest with 2 classes has 1"),
        (3, 3, "ReferenceClass", "Logit", "has 3 rows of weights; ReferenceClass with 3 classes has 2"),
        (3, 3, "OneVsRest", "Probit", "Probit needs 2 classes, got 3"),
        (1, 1, "ReferenceClass", "Logit", "must have at least 2 classes, got 1"),
    ],
)
def test_rows_of_linear_classifiers(rows, classes, encoding, link, fault):
    message = with_classes(linear("glmClassifier", np.ones((rows, 3)), np.ones(rows), link, encoding), range(classes))
    assert errors_of(message) == ([] if fault is None else [f"linear model: {fault}"])
    message.glmClassifier.classEncoding = 2
    assert "linear model: classEncoding has the unknown value 2" in errors_of(message)


def _machine(sparse=False):
    message = model("supportVectorClassifier", 3, version=1)
    member = message.supportVectorClassifier
    kernel(member, "rbfKernel", gamma=0.5)
    vectors(member, np.eye(3), sparse)
    member.numberOfSupportVectorsPerClass.extend([2, 1])
    member.coefficients.add(alpha=[1, 1, -1])
    member.rho.append(0.5)
    return with_classes(message, ["a", "b"])


def _set(change):
    return lambda message: change(message.supportVectorClassifier)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (_set(lambda m: m.ClearField("kernel")), "support vectors: has no kernel"),
        (
            _set(lambda m: setattr(m.kernel.rbfKernel, "gamma", -1.0)),
            "support vectors: gamma must not be negative, got -1.0",
        ),
        (
            _set(lambda m: setattr(m.kernel.polyKernel, "degree", -2)),
            "support vectors: degree must not be negative, got -2",
        ),
        (_set(lambda m: m.ClearField("denseSupportVectors")), "support vectors: has no support vectors"),
        (
            _set(lambda m: m.denseSupportVectors.vectors[1].values.append(1)),
            "support vector 2: has 4 values; there are 3",
        ),
        (_set(lambda m: m.numberOfSupportVectorsPerClass.append(1)), "support vectors: counts vectors of 3 classes"),
        (_set(lambda m: m.numberOfSupportVectorsPerClass.__setitem__(0, 1)), "support vectors: counts [1, 1] vectors"),
        (_set(lambda m: m.coefficients.add()), "support vectors: has 2 rows of coefficients; 2 classes have 1"),
        (_set(lambda m: m.coefficients[0].alpha.append(1)), "support vectors: row 1 has 4 coefficients for 3 vectors"),
        (_set(lambda m: m.rho.append(1)), "support vectors: has 2 numbers rho; 2 classes make 1 pairs"),
        (_set(lambda m: m.probA.append(1)), "support vectors: has 0 numbers probB; 2 classes make 1 pairs"),
    ],
)
def test_faults_of_support_vectors(damage, fault):
    message = _machine()
    assert errors_of(message) == []
    damage(message)
    assert any(line.startswith(fault) for line in errors_of(message)), errors_of(message)


@pytest.mark.parametrize(
    ("index", "fault"),
    [
        (0, "indices must be at least 1, got 0"),
        (4, "index 4 is out of range for 3 features"),
        (1, "has an index more than"),
    ],
)
def test_faults_of_sparse_vectors(index, fault):
    message = _machine(sparse=True)
    message.supportVectorClassifier.sparseSupportVectors.vectors[0].nodes.add(index=index, value=1)
    (found,) = errors_of(message)
    assert found.startswith(f"support vector 1: {fault}")


def test_regressing_support_vectors():
    message = model("supportVectorRegressor", 3, version=1)
    kernel(message.supportVectorRegressor, "linearKernel")
    vectors(message.supportVectorRegressor, np.eye(3), sparse=False)
    assert errors_of(message) == ["support vectors: has 0 coefficients for 3 vectors"]
    message.description.input.add(name="s").type.stringType.SetInParent()
    words = "input 's': has the type stringType; a supportVectorRegressor takes numbers and arrays of numbers"
    assert words in errors_of(message)


# Names ----------------------------------------------------------------------------------------------------------------


def test_faults_of_probit_models():
    message = model("bayesianProbitRegressor", 3)
    member = message.bayesianProbitRegressor
    member.numberOfFeatures, member.meanOutputFeatureName, member.optimismInputFeatureName = 2, "m", "x"
    for feature in (1, 1, 5):
        weights = member.features.add(featureId=feature).weights
        weights.add(featureValue=3).featureWeight.precision = 1
    member.features[0].weights.add(featureValue=3).featureWeight.precision = 2
    assert errors_of(message) == [
        "model: regressionInputFeatureName is empty",
        "input 'x': must have the type doubleType as optimismInputFeatureName, got multiArrayType",
        "model: meanOutputFeatureName is 'm', which is not an output",
        "probit model: the precision of the bias must be positive, got 0.0",
        "probit model: feature 1 occurs more than once",
        "probit model: has weights for feature 5; numberOfFeatures is 2",
        "probit model: feature 1 has the value 3 more than once",
    ]


def test_faults_of_recommenders():
    message = model("itemSimilarityRecommender", [])
    member, description = message.itemSimilarityRecommender, message.description
    description.input.add(name="items").type.dictionaryType.int64KeyType.SetInParent()
    description.output.add(name="other").type.sequenceType.stringType.SetInParent()
    member.itemInputFeatureName = "items"
    member.itemStringIds.vector.extend(["a", "a"])
    for item in (0, 0):
        member.itemItemSimilarities.add(itemId=item).similarItemList.add(itemId=2)
    assert errors_of(message) == [
        "recommender: names neither a list of items nor their scores as an output",
        "output 'other': nothing in the model computes it",
        "input 'items': has int64KeyType, but the items are named by strings",
        "recommender: has the same name for two items",
        "recommender: item 0 has two lists of similar items",
        "recommender: has item 2, but names for 2 items",
    ]


def test_faults_of_the_identity():
    message = model("identity", ["a"])
    message.description.output.add(name="a").type.stringType.SetInParent()
    message.description.output.add(name="b").type.stringType.SetInParent()
    assert errors_of(message) == [
        "output 'b': nothing in the model computes it",
        "output 'a': has the type stringType, the input of this name doubleType",
    ]


def test_a_classifier_has_no_other_outputs():
    message = _machine()
    message.description.output.add(name="more").type.doubleType.SetInParent()
    assert errors_of(message) == ["output 'more': nothing in the model computes it"]
