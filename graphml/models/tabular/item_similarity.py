"""Recommendations by the similarity of items: itemSimilarityRecommender."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import FeatureError, GraphmlError
from graphml.models.configuration import pick_device
from graphml.models.features.transforms import in_float64
from graphml.models.interface.rows import Rows, rows_of
from graphml.models.model import Model, Traceable
from graphml.models.tabular.base import RowProgram, most_rows


def scores(weights: Any, ratings: Any) -> Any:
    """The score of each item.

    It is the sum, over the rated items, of their similarity to the item times (rating - the item's own adjustment).

    Args:
        weights: See `ItemSimilarity`.
        ratings: [items], NaN for items without a rating.

    Returns:
        [items].
    """
    rated = ~jnp.isnan(ratings)
    ratings = jnp.where(rated, ratings, 0.0)
    base, similar = weights["base"], weights["similar"]
    shifted = ratings[base] - jnp.where(rated[base], weights["adjustment"][similar], 0.0)
    return jax.ops.segment_sum(weights["likeness"] * shifted, similar, num_segments=ratings.shape[0])


def ranked(weights: Any, rows: Mapping[str, Any]) -> tuple[Any, Any]:
    """Items by descending score, for many rows. Of items with equal scores the one with the lower index comes first.

    Args:
        weights: See `scores`.
        rows: {"ratings": [rows, items], "allowed": [rows, items], whether an item may be recommended}.

    Returns:
        Indices of items and their scores, each [rows, items]. Items that are not allowed are last, with a score of NaN.
    """
    found = jax.vmap(scores, in_axes=(None, 0))(weights, rows["ratings"])
    found = jnp.where(rows["allowed"], found, jnp.nan)
    order = jnp.argsort(-found, axis=-1, stable=True)  # NaN is last
    return order, jnp.take_along_axis(found, order, axis=-1)


class ItemSimilarity(Model):
    """Recommends the items that are most similar to the rated ones.

    Ratings are a dictionary {item: rating}, or a sequence of items with a rating of 1 each. Unknown items are ignored.
    All items except the rated ones may be recommended, even with a score of zero. If a list of exclusions is given,
    these items are left out instead of the rated ones; if a restriction is given, only its items are recommended. If
    the file makes the restriction a required input, an empty one does not restrict anything.

    Source: ItemSimilarityRecommender (spec 4).
    """

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The scores as a function, in float64; restrictions and exclusions are ignored.

        Returns:
            f({name of the input of items: ratings [items], NaN without a rating}) -> {name of the output of scores:
            [items]}, in the order of `items`.
        """
        weights, function, _ = self.traceable()
        return lambda inputs: function(weights, inputs, None)

    def traceable(self, *, stored: bool = False) -> Traceable:
        self.refuse_unless_usable()
        message = self._parameters
        names = (message.recommendedItemScoreOutputFeatureName, message.recommendedItemListOutputFeatureName)
        name = next(name for name in names if name)

        def function(weights, inputs, key):
            return {name: scores(weights, jnp.asarray(inputs[message.itemInputFeatureName], jnp.float64))}

        return Traceable(self._program.weights, in_float64(jax.jit(function)), self)

    @functools.cached_property
    def items(self) -> tuple[str, ...] | tuple[int, ...]:
        """The items: their names in the file, or else their ids."""
        message = self._parameters
        if message.itemStringIds.vector:
            return tuple(message.itemStringIds.vector)
        return tuple(message.itemInt64Ids.vector) if message.itemInt64Ids.vector else tuple(self._ids)

    # Predicting ------------------------------------------------------------------------------------------------------

    @property
    def trace_count(self) -> int:
        """How often the model was compiled: once for each power of two of rows."""
        return self._program.trace_count

    def _predict(self, values: dict[str, Any]) -> dict[str, Any]:
        return self._run([values])[0]

    def predict_batch(self, rows: Rows) -> list[dict[str, Any]]:
        """Run the model for many inputs together; see `Model.predict_batch`."""
        self.refuse_unless_usable()
        checked = []
        for number, row in enumerate(rows_of(rows)):
            try:
                checked.append(self._check(row))
                self._wanted(checked[-1])
            except GraphmlError as error:
                raise error.in_context(f"row {number + 1}") from None
        return self._run(checked)

    def _run(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        step = self._program.most
        parts = (self._arrays(rows[start : start + step]) for start in range(0, len(rows), step))
        found = [pair for orders, values in self._program(parts) for pair in zip(orders, values, strict=True)]
        return [self._answer(row, order, score) for row, (order, score) in zip(rows, found, strict=True)]

    def _arrays(self, rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
        message = self._parameters
        ratings = np.full((len(rows), len(self.items)), np.nan)
        allowed = np.ones(ratings.shape, bool)
        for row, own, may in zip(rows, ratings, allowed, strict=True):
            given = row.get(message.itemInputFeatureName, {})
            known = self._known(given)
            own[known] = [given[self.items[i]] for i in known] if isinstance(given, Mapping) else 1.0
            may[self._known(row.get(message.itemExclusionInputFeatureName, given))] = False
            if self._restricts(row):
                only = np.zeros(len(self.items), bool)
                only[self._known(row[message.itemRestrictionInputFeatureName])] = True
                may &= only
        return {"ratings": ratings, "allowed": allowed}

    def _restricts(self, row: Mapping[str, Any]) -> bool:
        """Whether a row restricts the items. An empty restriction does not if the file makes that input required."""
        restriction = row.get(self._parameters.itemRestrictionInputFeatureName)
        return restriction is not None and (len(restriction) > 0 or not self._restriction_required)

    def _known(self, items: Iterable[Any]) -> list[int]:
        return [self._places[item] for item in items if item in self._places]

    def _wanted(self, row: Mapping[str, Any]) -> int:
        count = row.get(self._parameters.numRecommendationsInputFeatureName, len(self.items))
        if count < 0:
            name = self._parameters.numRecommendationsInputFeatureName
            raise FeatureError(f"the feature {name!r} must not be negative, got {count}")
        return count

    def _answer(self, row: Mapping[str, Any], order: np.ndarray, score: np.ndarray) -> dict[str, Any]:
        message = self._parameters
        count = min(self._wanted(row), int(np.count_nonzero(~np.isnan(score))))
        names = [self.items[i] for i in order[:count].tolist()]
        answers = {
            message.recommendedItemListOutputFeatureName: names,
            message.recommendedItemScoreOutputFeatureName: dict(zip(names, score[:count].tolist(), strict=True)),
        }
        return {name: value for name, value in answers.items() if name}

    # Computed on first use --------------------------------------------------------------------------------------------

    @property
    def _parameters(self) -> Any:
        return self._message.itemSimilarityRecommender

    @functools.cached_property
    def _restriction_required(self) -> bool:
        name = self._parameters.itemRestrictionInputFeatureName
        return any(feature.name == name and not feature.optional for feature in self.description.inputs)

    @functools.cached_property
    def _places(self) -> dict[Any, int]:
        return {item: place for place, item in enumerate(self.items)}

    @functools.cached_property
    def _ids(self) -> list[int]:
        """The ids of the items: of all that have a name, or else of those that occur."""
        message = self._parameters
        named = max(len(message.itemStringIds.vector), len(message.itemInt64Ids.vector))
        if named:
            return list(range(named))
        entries = message.itemItemSimilarities
        return sorted({e.itemId for e in entries} | {s.itemId for e in entries for s in e.similarItemList})

    @functools.cached_property
    def _weights(self) -> dict[str, np.ndarray]:
        entries = self._parameters.itemItemSimilarities
        places = {item: place for place, item in enumerate(self._ids)}
        adjustment = np.zeros(len(places))
        adjustment[[places[e.itemId] for e in entries]] = [e.itemScoreAdjustment for e in entries]
        links = [(places[e.itemId], places[s.itemId], s.similarityScore) for e in entries for s in e.similarItemList]
        return {
            "base": np.array([link[0] for link in links], np.int32),
            "similar": np.array([link[1] for link in links], np.int32),
            "likeness": np.array([link[2] for link in links], np.float64),
            "adjustment": adjustment,
        }

    @functools.cached_property
    def _program(self) -> RowProgram:
        device = pick_device(self.configuration)
        elements = max(len(self.items), len(self._weights["base"]))
        return RowProgram(ranked, self._weights, device, most_rows(elements, device))
