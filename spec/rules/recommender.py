"""Rules of the item similarity recommender."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from graphml.spec.rules.problems import Problem, first_few
from graphml.spec.rules.tabular import known_outputs, named_features
from graphml.spec.wire.model_pb2 import Model

_ITEMS = ("dictionaryType", "sequenceType")
_RECOMMENDER_INPUTS = {
    "itemInputFeatureName": _ITEMS,
    "numRecommendationsInputFeatureName": "int64Type",
    "itemRestrictionInputFeatureName": _ITEMS,
    "itemExclusionInputFeatureName": _ITEMS,
}
_RECOMMENDER_OUTPUTS = {
    "recommendedItemListOutputFeatureName": "sequenceType",
    "recommendedItemScoreOutputFeatureName": "dictionaryType",
}


def item_recommender(model: Model) -> Iterator[Problem]:
    where, message = "recommender", model.itemSimilarityRecommender
    yield from named_features(model, message, _RECOMMENDER_INPUTS, "input", required=("itemInputFeatureName",))
    yield from named_features(model, message, _RECOMMENDER_OUTPUTS, "output")
    given = {getattr(message, field) for field in _RECOMMENDER_OUTPUTS} - {""}
    if not given:
        yield Problem(where, "names neither a list of items nor their scores as an output")
    yield from known_outputs(model, given)
    strings, numbers = message.itemStringIds.vector, message.itemInt64Ids.vector
    if strings and numbers:
        yield Problem(where, "names its items by strings and by integers; expected one of them")
    yield from _item_types(model, bool(strings))
    names = strings if strings else numbers
    if len(set(names)) < len(names):
        yield Problem(where, "has the same name for two items")
    entries = message.itemItemSimilarities
    bases = Counter(entry.itemId for entry in entries)
    for item in first_few(item for item, count in bases.items() if count > 1):
        yield Problem(where, f"item {item} has two lists of similar items")
    if names:
        ids = set(bases) | {similar.itemId for entry in entries for similar in entry.similarItemList}
        for item in first_few(sorted(item for item in ids if item >= len(names))):
            yield Problem(where, f"has item {item}, but names for {len(names)} items")


def _item_types(model: Model, strings: bool) -> Iterator[Problem]:
    """Check that items are named by strings everywhere, or by integers everywhere."""
    message = model.itemSimilarityRecommender
    wanted = "string" if strings else "int64"
    for fields, what, features in (
        (_RECOMMENDER_INPUTS, "input", model.description.input),
        (_RECOMMENDER_OUTPUTS, "output", model.description.output),
    ):
        names = {getattr(message, field) for field in fields}
        for feature in features:
            kind = feature.type.WhichOneof("Type")
            if feature.name not in names or kind not in _ITEMS:
                continue
            member = getattr(feature.type, kind).WhichOneof("KeyType" if kind == "dictionaryType" else "Type")
            if member and not member.startswith(wanted):
                yield Problem(f"{what} {feature.name!r}", f"has {member}, but the items are named by {wanted}s")
