"""The recommender against its formula, item by item."""

from __future__ import annotations

import functools

import jax
import numpy as np
import pytest
from predictor_models import model

from graphml.errors import FeatureError
from graphml.models import load

# item -> (adjustment, {similar item: likeness})
SIMILAR = {
    0: (0.0, {1: 0.5, 2: 0.25}),
    1: (0.25, {0: 0.5, 3: 1.0, 4: 0.125}),
    3: (0.5, {1: 1.0, 2: -0.5}),
}
STRINGS, INTS = ("ant", "bee", "cat", "dog", "elk"), (50, 40, 30, 20, 10)


@functools.cache
def _model(ids=STRINGS, dictionary=True, required=()):
    message = model("itemSimilarityRecommender", [])
    member, description = message.itemSimilarityRecommender, message.description
    strings = bool(ids) and isinstance(ids[0], str)
    for item, (adjustment, similar) in SIMILAR.items():
        entry = member.itemItemSimilarities.add(itemId=item, itemScoreAdjustment=adjustment)
        for other, likeness in similar.items():
            entry.similarItemList.add(itemId=other, similarityScore=likeness)
    if ids:
        (member.itemStringIds if strings else member.itemInt64Ids).vector.extend(ids)

    def feature(group, name, kind, is_optional=False):
        made = group.add(name=name).type
        made.isOptional = is_optional
        if kind == "int64Type":
            made.int64Type.SetInParent()
        elif kind == "dictionaryType":
            (made.dictionaryType.stringKeyType if strings else made.dictionaryType.int64KeyType).SetInParent()
        else:
            (made.sequenceType.stringType if strings else made.sequenceType.int64Type).SetInParent()
            made.sequenceType.sizeRange.upperBound = -1

    member.itemInputFeatureName = "items"
    feature(description.input, "items", "dictionaryType" if dictionary else "sequenceType")
    fields = {
        "count": ("numRecommendationsInputFeatureName", "int64Type"),
        "only": ("itemRestrictionInputFeatureName", "sequenceType"),
        "never": ("itemExclusionInputFeatureName", "sequenceType"),
    }
    for name, (field, kind) in fields.items():
        setattr(member, field, name)
        feature(description.input, name, kind, name not in required)
    member.recommendedItemListOutputFeatureName = "best"
    member.recommendedItemScoreOutputFeatureName = "scores"
    feature(description.output, "best", "sequenceType")
    feature(description.output, "scores", "dictionaryType")
    return load(message)


def _scores(ratings):
    """score(k) = sum over rated i of likeness(k, i) * (rating(i) - adjustment(k)); ratings by number."""
    return [
        sum(
            SIMILAR[i][1].get(k, 0) * (rating - SIMILAR.get(k, (0.0,))[0])
            for i, rating in ratings.items()
            if i in SIMILAR
        )
        for k in range(5)
    ]


@pytest.mark.parametrize("ids", [STRINGS, INTS, ()])
def test_the_best_come_first(ids):
    names = ids if ids else list(range(5))
    model = _model(ids)
    for ratings in ({0: 2.0, 1: 3.0}, {3: 1.0}, {4: 5.0}, {}):
        score = _scores(ratings)
        order = sorted((k for k in range(5) if k not in ratings), key=lambda k: (-score[k], k))
        answer = model.predict({"items": {names[i]: r for i, r in ratings.items()}})
        assert answer["best"] == [names[k] for k in order]
        assert answer["scores"] == pytest.approx({names[k]: score[k] for k in order}, rel=1e-15)
        assert list(answer["scores"]) == answer["best"]


def test_how_many_and_which():
    model = _model()
    rated = {"ant": 2.0, "bee": 3.0}
    cases = {
        ("dog", "elk"): {"count": 2, "never": ["ant", "bee", "cat"]},
        ("dog",): {"count": 1},
        (): {"count": 0},
        ("dog", "cat"): {"only": ["cat", "dog", "bee", "unicorn"]},
        ("dog", "ant", "bee", "cat"): {"never": ["elk"]},  # then what was rated comes back
        ("dog", "bee"): {"never": ["elk", "cat"], "only": ["bee", "dog", "elk"], "count": 7},
    }
    answers = model.predict_batch([{"items": rated, **case} for case in cases.values()])
    assert [tuple(answer["best"]) for answer in answers] == list(cases)
    assert all(list(answer["scores"]) == answer["best"] for answer in answers)
    with pytest.raises(FeatureError, match=r"row 2\n  the feature 'count' must not be negative, got -1"):
        model.predict_batch([{"items": rated}, {"items": rated, "count": -1}])


def test_an_empty_restriction_restricts_nothing_where_it_must_be_given():
    rated = {"ant": 2.0, "bee": 3.0}
    required = _model(required=("only",))
    assert required.predict({"items": rated, "only": []}) == _model().predict({"items": rated})
    assert required.predict({"items": rated, "only": ["cat"]})["best"] == ["cat"]
    assert required.predict({"items": rated, "only": ["unicorn"]})["best"] == []
    assert _model().predict({"items": rated, "only": []})["best"] == []  # here it could have been left out


def test_listed_items_count_one_each_and_unknown_items_are_ignored():
    listed, rated = _model(dictionary=False), _model()
    expected = rated.predict({"items": {"ant": 1.0, "dog": 1.0}})
    assert listed.predict({"items": ["ant", "unicorn", "dog"]}) == expected
    assert rated.predict({"items": {"ant": 1.0, "dog": 1.0, "unicorn": 9.0}}) == expected


def test_items_without_names_are_numbers_that_occur():
    message = model("itemSimilarityRecommender", [])
    member, description = message.itemSimilarityRecommender, message.description
    member.itemInputFeatureName, member.recommendedItemListOutputFeatureName = "items", "best"
    description.input.add(name="items").type.dictionaryType.int64KeyType.SetInParent()
    description.output.add(name="best").type.sequenceType.int64Type.SetInParent()
    entry = member.itemItemSimilarities.add(itemId=2**40)
    entry.similarItemList.add(itemId=7, similarityScore=1.0)
    assert load(message).items == (7, 2**40)
    assert load(message).predict({"items": {2**40: 1.0}}) == {"best": [7]}


def test_the_function_gives_the_scores_of_all_items_and_has_derivatives():
    model = _model()
    function = model.as_function()
    ratings = np.array([2.0, 3.0, np.nan, np.nan, np.nan])
    with jax.enable_x64(True):
        scores = function({"items": ratings})["scores"]
        gradients = jax.jacrev(lambda r: function({"items": r})["scores"])(ratings)
    np.testing.assert_allclose(scores, _scores({0: 2.0, 1: 3.0}), rtol=1e-15)
    expected = np.zeros((5, 5))
    for item in (0, 1):
        for k, likeness in SIMILAR[item][1].items():
            expected[k, item] = likeness
    np.testing.assert_array_equal(gradients, expected)
