"""Nearest neighbours: votes, ties, sizes, and the same neighbours as scikit-learn."""

from __future__ import annotations

import os

import numpy as np
import pytest
from neighbor_models import neighbors

import graphml
from graphml import ModelConfiguration, ParameterKey, spec
from graphml.errors import FeatureError, ShapeError, SpecError
from graphml.models.tabular import neighbor_search as search
from graphml.models.tabular.neighbor_search import NeighborIndex
from graphml.spec.neighbors import samples_of
from graphml.spec.validate import problems

LINE = np.array([[0, 0], [1, 0], [2, 0], [4, 0], [8, 0]], np.float32)
ABABB = ["a", "b", "a", "b", "b"]


def _predict(message, x, k=None):
    parameters = None if k is None else {ParameterKey.NUMBER_OF_NEIGHBORS: k}
    return graphml.load(message, configuration=ModelConfiguration(parameters=parameters)).predict({"x": x})


# Votes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [ABABB, [7, -3, 7, -3, -3]])
def test_each_neighbour_has_one_vote(labels):
    a, b = labels[:2]
    assert _predict(neighbors(LINE, labels, k=3), [0.4, 0]) == {"label": a, "probs": {a: 2 / 3, b: 1 / 3}}
    assert _predict(neighbors(LINE, labels, k=3), [6, 0]) == {"label": b, "probs": {a: 1 / 3, b: 2 / 3}}


def test_near_neighbours_count_for_more_by_the_inverse_of_the_squared_distance():
    found = _predict(neighbors(LINE, ABABB, k=3, inverse=True), [2.5, 0])
    votes = {"a": 1 / 0.25, "b": 1 / 2.25 + 1 / 2.25}
    assert found["label"] == "a"
    assert found["probs"] == pytest.approx({label: vote / sum(votes.values()) for label, vote in votes.items()})


def test_neighbours_at_distance_zero_outvote_all_others():
    message = neighbors([*LINE, LINE[1]], [*ABABB, "c"], k=4, inverse=True)
    assert _predict(message, [1, 0]) == {"label": "b", "probs": {"a": 0.0, "b": 0.5, "c": 0.5}}


def test_a_tie_of_votes_goes_to_the_nearest_and_a_tie_of_distances_to_the_first_sample():
    assert _predict(neighbors(LINE, ABABB, k=2), [0.6, 0])["label"] == "b"
    assert _predict(neighbors(LINE, ABABB, k=2), [0.4, 0])["label"] == "a"
    assert _predict(neighbors(LINE, ABABB, k=1), [3, 0])["label"] == "a"
    assert _predict(neighbors(LINE[::-1], ABABB[::-1], k=1), [3, 0])["label"] == "b"


def test_k_above_the_number_of_samples_lets_all_of_them_vote():
    assert _predict(neighbors(LINE, ABABB, k=9), [0, 0])["probs"] == {"a": 0.4, "b": 0.6}


@pytest.mark.parametrize("default", ["nobody", -1])
def test_a_model_without_samples_gives_the_default_label(default):
    found = _predict(neighbors(np.zeros((0, 2)), [], default=default), [1, 2])
    assert found == {"label": default, "probs": {default: 1.0}}


def test_probabilities_come_only_where_they_are_declared():
    assert _predict(neighbors(LINE, ABABB, probabilities=None), [0, 0]) == {"label": "a"}


# k --------------------------------------------------------------------------------------------------------------------


def test_k_is_a_parameter():
    message = neighbors(LINE, ABABB, k=1)
    assert _predict(message, [3.5, 0])["label"] == "b"
    assert _predict(message, [2.9, 0], k=3)["probs"] == {"a": 1 / 3, "b": 2 / 3}
    configuration = ModelConfiguration(parameters={"numberOfNeighbors": np.int64(2)})
    assert graphml.load(message, configuration=configuration).number_of_neighbors == 2


@pytest.mark.parametrize("k", [0, 11, -2, 2**70, 2.0, True, "3"])
def test_a_k_that_the_file_does_not_allow_is_refused(k):
    with pytest.raises(FeatureError, match="number_of_neighbors"):
        _predict(neighbors(LINE, ABABB), [0, 0], k)


def test_a_set_of_values_for_k():
    message = neighbors(LINE, ABABB, k=3)
    message.kNearestNeighborsClassifier.numberOfNeighbors.set.values.extend([1, 3])
    assert _predict(message, [0, 0], 1)["label"] == "a"
    with pytest.raises(FeatureError, match="2, is not one of its allowed values"):
        _predict(message, [0, 0], 2)


# Inputs ---------------------------------------------------------------------------------------------------------------


def test_inputs_of_any_shape_with_the_right_number_of_elements():
    model = graphml.load(neighbors(LINE, ABABB, k=1))
    for x in ([8, 0], [[[8], [0]]], np.array([[8, 0]], np.float64), np.array([[8], [0]], np.int32)):
        assert model.predict({"x": x})["label"] == "b"
    with pytest.raises(FeatureError, match=r"'x' takes a float32 array \[2\], got .*\[3\]"):
        model.predict({"x": [1, 2, 3]})
    with pytest.raises(FeatureError, match="holds nan as float32; distances need finite values"):
        model.predict({"x": [1, np.nan]})
    with pytest.raises(FeatureError, match=r"row 2\n.*holds inf"):
        model.predict_batch([{"x": [0, 0]}, {"x": np.array([0, 1e200])}])


def test_a_declared_shape_does_not_matter_but_the_elements_do():
    message = neighbors(LINE, ABABB, k=1)
    message.description.input[0].type.multiArrayType.shape[:] = [1, 1, 2]
    assert _predict(message, [8, 0])["label"] == "b"


def test_a_batch_gives_the_same_as_single_predictions():
    model = graphml.load(neighbors(LINE, ABABB, k=3, inverse=True))
    rows = [{"x": [i / 3, 1]} for i in range(20)]
    assert model.predict_batch(iter(rows)) == [model.predict(row) for row in rows]
    assert model.predict_batch([]) == []


# The search -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(search, "_LARGEST_CHUNK", 256)


def _by_hand(samples, queries, k):
    differences = queries[:, None].astype(np.float64) - samples[None].astype(np.float64)
    distances = (differences**2).sum(-1)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, 1), order


@pytest.mark.parametrize(
    ("make", "exact"),
    [
        (lambda rng, n: rng.normal(size=(n, 5)), False),
        (lambda rng, n: rng.normal(size=(n, 5)) + 1e4, True),  # the product loses all digits
        (lambda rng, n: rng.integers(0, 2, size=(n, 5)) * [1, 1, 0, 0, 0], True),  # many at one distance
        (lambda rng, n: np.ones((n, 5)), True),
        (lambda rng, n: rng.normal(size=(n, 5)) * 3e19, True),  # squares beyond float32
        (lambda rng, n: rng.normal(size=(n, 5)) * 1e-30, True),  # and below
    ],
    ids=["plain", "far away", "ties", "all equal", "huge", "tiny"],
)
def test_neighbours_are_exact(make, exact, small_chunks):
    rng = np.random.default_rng(0)
    samples, queries = make(rng, 600).astype(np.float32), make(rng, 9).astype(np.float32)
    store = NeighborIndex(5).with_more(samples[:1]).with_more(samples[1:300]).with_more(samples[300:])
    distances, positions = store.nearest(queries, 4)
    want = _by_hand(samples, queries, 4)
    np.testing.assert_array_equal(positions, want[1])
    np.testing.assert_allclose(distances, want[0], rtol=1e-12)
    assert (store.exact_count > 0) == exact
    np.testing.assert_array_equal(np.asarray(store), samples)


def test_the_same_neighbours_as_scikit_learn():
    sklearn_neighbors = pytest.importorskip("sklearn.neighbors", reason="scikit-learn is not installed")
    count = 100_000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 10_000
    rng = np.random.default_rng(1)
    samples, queries = (rng.normal(size=(n, 128)).astype(np.float32) for n in (count, 64))
    labels = rng.integers(0, 5, count)
    model = graphml.load(neighbors(samples, labels.tolist(), k=5))
    judge = sklearn_neighbors.KNeighborsClassifier(5, algorithm="brute").fit(samples, labels)
    want_distances, want = judge.kneighbors(queries)
    distances, positions = model._samples.nearest(queries, 5)
    np.testing.assert_allclose(distances, want_distances**2, rtol=1e-5)
    differ = positions != want
    assert (np.abs(distances - want_distances**2)[differ] <= 1e-5 * distances[differ]).all()
    assert differ.mean() < 0.01
    answers = model.predict_batch([{"x": query} for query in queries])
    shares = [[answer["probs"][label] for label in range(5)] for answer in answers]
    np.testing.assert_allclose(shares, judge.predict_proba(queries), atol=1e-12)
    found = model.neighbors({"x": queries[0]})
    assert [(p, d) for p, _, d in found] == list(zip(positions[0].tolist(), distances[0].tolist(), strict=True))


def test_both_kinds_of_index_give_the_same(tmp_path):
    rng = np.random.default_rng(2)
    samples, labels = rng.normal(size=(50, 3)), [str(i % 4) for i in range(50)]
    linear, tree = (graphml.load(neighbors(samples, labels, k=3, leaf_size=leaf)) for leaf in (None, 10))
    rows = [{"x": row} for row in rng.normal(size=(5, 3))]
    assert linear.predict_batch(rows) == tree.predict_batch(rows)
    tree.with_samples(samples[:1], ["4"]).save(tmp_path / "tree.mlmodel")
    again = graphml.load(tmp_path / "tree.mlmodel").spec.kNearestNeighborsClassifier.nearestNeighborsIndex
    assert again.singleKdTreeIndex.leafSize == 10
    np.testing.assert_array_equal(samples_of(again), np.float32([*samples, samples[0]]))


def test_adding_samples_compiles_nothing_within_a_power_of_two():
    rng = np.random.default_rng(3)
    model = graphml.load(neighbors(rng.normal(size=(65, 3)), ["a"] * 65))
    model.predict({"x": [0, 0, 0]})
    before = search._candidates._cache_size()
    for _ in range(3):
        model = model.with_samples(rng.normal(size=(20, 3)), ["b"] * 20)
        model.predict({"x": [0, 0, 0]})
    assert search._candidates._cache_size() == before


def test_adding_samples_leaves_the_model_as_it_was_and_shares_full_chunks(small_chunks):
    model = graphml.load(neighbors(np.zeros((300, 2)), ["a"] * 300, k=1))
    more = model.with_samples([[5, 5], [6, 6]], ["b", "c"])
    assert (len(model.labels), len(more.labels)) == (300, 302)
    assert more._samples._chunks[0] is model._samples._chunks[0]
    assert model.predict({"x": [5, 5]})["label"] == "a"
    assert more.predict({"x": [5, 5]}) == {"label": "b", "probs": {"a": 0.0, "b": 1.0, "c": 0.0}}
    assert len(model.spec.kNearestNeighborsClassifier.nearestNeighborsIndex.floatSamples) == 300


@pytest.mark.parametrize(
    ("rows", "labels", "error", "words"),
    [
        ([[1, 2, 3]], ["a"], ShapeError, r"expected samples \[1, 2\] for 1 labels"),
        ([[1, 2]], ["a", "b"], ShapeError, "2 labels"),
        ([[1, np.inf]], ["a"], FeatureError, "holds inf"),
        ([[1, 2]], [3], FeatureError, "of type str"),
    ],
)
def test_samples_that_do_not_fit_are_refused(rows, labels, error, words):
    with pytest.raises(error, match=words):
        graphml.load(neighbors(LINE, ABABB)).with_samples(rows, labels)


# Files ----------------------------------------------------------------------------------------------------------------


def test_a_broken_model_says_what_is_wrong():
    samples = LINE.copy()
    samples[2, 1], samples[4, 0] = np.nan, -np.inf
    message = neighbors(samples, ABABB[:4])
    words = "expected a label for each of the 5 samples, got 4.*\n.*sample 3 .*, got nan.*\n.*sample 5 .*, got -inf"
    with pytest.raises(SpecError, match=words):
        _predict(message, [0, 0])


def test_fields_of_a_later_version_are_kept():
    message = neighbors(LINE, ABABB, k=1)
    index = message.kNearestNeighborsClassifier.nearestNeighborsIndex
    index.floatSamples[1].MergeFromString(b"\xc2\x3e\x01x")  # field 1000
    message.MergeFromString(b"\xc2\x3e\x01y")
    np.testing.assert_array_equal(samples_of(index), LINE)
    assert problems(message) == []
    more = graphml.load(message).with_samples([[9, 9]], ["c"])
    assert b"\xc2\x3e\x01y" in spec.serialize(more.spec)
    assert graphml.load(spec.serialize(more.spec)).predict({"x": [9, 9]})["label"] == "c"
