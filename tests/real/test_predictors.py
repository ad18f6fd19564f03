"""Real trees, linear models and support vectors that nobody here wrote, alone or as the last stage of a pipeline."""

from __future__ import annotations

import numpy as np
import pytest

from graphml import spec
from graphml.models import load
from graphml.spec.rules.updates import pipeline_of

FILES = {
    "archdanny/MarsHabitatPricer": "glmRegressor",
    "docclassifier/DocumentClassification": "glmClassifier",
    "improve-ai-synth/0_and_nan": "treeEnsembleRegressor",
    "improve-ai-synth/a_z": "treeEnsembleRegressor",
    "iris-gavi/iris": "supportVectorClassifier",
    "names-dt/NamesDT": "treeEnsembleClassifier",
    "sentiment-cocoaai/SentimentPolarity": "glmClassifier",
    "sentiment-cocoaai/SentimentPolarity@c64d318": "glmClassifier",
    "soundanalysis/SoundClassifier": "glmClassifier",
}


def _last(message):
    pipeline = pipeline_of(message)
    return message if pipeline is None else _last(pipeline.models[-1])


@pytest.fixture
def message(real_models, request):
    found = _last(spec.read(real_models / f"{request.param}.mlmodel"))
    assert found.WhichOneof("Type") == FILES[request.param]
    return found


def _rows(message, count=6):
    """Random rows, some of their numbers missing where trees read them."""
    rng = np.random.default_rng(0)
    inputs = message.description.input
    if inputs[0].type.HasField("multiArrayType"):
        size = inputs[0].type.multiArrayType.shape[0]
        return rng.choice([0.0, 0.0, 1.0, 2.5], (count, size))
    rows = rng.uniform(-2, 2, (count, len(inputs)))
    return np.where(rng.random(rows.shape) < 0.3, np.nan, rows)


def _features(message, row):
    inputs = message.description.input
    if inputs[0].type.HasField("multiArrayType"):
        return {inputs[0].name: row}
    return dict(zip([f.name for f in inputs], row.tolist(), strict=True))


def _walked(ensemble, row):
    """A tree ensemble node by node, straight from its message."""
    nodes = {(n.treeId, n.nodeId): n for n in ensemble.nodes}
    children = {(n.treeId, c) for n in ensemble.nodes if n.nodeBehavior != 6 for c in _children(n)}
    total = np.array(ensemble.basePredictionValue)
    for root in nodes.keys() - children:
        node = nodes[root]
        while node.nodeBehavior != node.LeafNode:
            value, threshold = row[node.branchFeatureIndex], node.branchFeatureValue
            answer = value <= threshold if node.nodeBehavior == node.BranchOnValueLessThanEqual else value < threshold
            if np.isnan(value):
                answer = node.missingValueTracksTrueChild
            node = nodes[node.treeId, _children(node)[0 if answer else 1]]
        for entry in node.evaluationInfo:
            total[entry.evaluationIndex] += entry.evaluationValue
    return total


def _children(node):
    return node.trueChildNodeId, node.falseChildNodeId


def _expected(message, row):
    """The answer of a regressor, or the probabilities of a classifier, from the message."""
    kind = message.WhichOneof("Type")
    member = getattr(message, kind)
    if kind.startswith("tree"):
        assert member.postEvaluationTransform == 0
        total = _walked(member.treeEnsemble, row)
        return total if kind.endswith("Regressor") else np.array([1 - total[0], total[0]])
    z = np.array([row @ np.array(w.value) + b for w, b in zip(member.weights, member.offset, strict=True)])
    if kind == "glmRegressor":
        return z
    p = 1 / (1 + np.exp(-z))
    if len(z) == 1:
        return np.array([1 - p[0], p[0]])
    if member.classEncoding == member.OneVsRest:
        return p / p.sum()
    z = np.array([0, *z])
    p = np.exp(z - z.max())
    return p / p.sum()


@pytest.mark.parametrize("message", [f for f in FILES if "iris" not in f], indirect=True)
def test_answers_follow_from_the_file(message):
    rows = _rows(message)
    answers = load(message).predict_batch([_features(message, row) for row in rows])
    for row, answer in zip(rows, answers, strict=True):
        expected = _expected(message, row)
        (probabilities,) = [value for value in answer.values() if isinstance(value, dict)] or [None]
        if probabilities is None:
            assert list(answer.values()) == pytest.approx(expected, rel=1e-12)
        else:
            assert list(probabilities.values()) == pytest.approx(expected, rel=1e-9)
            assert answer[message.description.predictedFeatureName] == list(probabilities)[int(expected.argmax())]


@pytest.mark.parametrize("message", ["iris-gavi/iris"], indirect=True)
def test_real_irises_are_classified(message):
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn brings the irises, and is not installed")
    irises = datasets.load_iris()
    answers = load(message).predict_batch([{"__feature_vector__": row} for row in irises.data])
    names = [irises.target_names[k] for k in irises.target]
    assert np.mean([a["Species"] == name for a, name in zip(answers, names, strict=True)]) > 0.96
