"""Nearest neighbours: kNearestNeighborsClassifier.

The format leaves some questions open; this is how they are answered here.

- Neighbours at equal distance: the sample that was stored first counts as nearer.
- Labels with equally many votes: the one whose nearest neighbour is nearer wins.
- Inverse distance weighting: the weight is 1 / d, where d is the squared distance, the only distance of the format.
  Neighbours at distance zero outvote all others; each of them has one vote.
- If k exceeds the number of samples, all of them vote.
- The probability of a label is its share of the votes. The dictionary has all labels of the samples, in the order in
  which they first occur. A model without samples returns the default label, with probability 1.
- Samples and queries are float32. A query that is not finite is refused.
- Both kinds of index are searched exactly. No kd-tree is built: it is slow in many dimensions.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graphml.descriptions import ArrayConstraint, FeatureDescription
from graphml.errors import FeatureError, GraphmlError, ShapeError
from graphml.models.configuration import parameter, pick_device
from graphml.models.interface import ports
from graphml.models.interface.rows import Rows, rows_of
from graphml.models.interface.values import Check, FeatureValue, checker, input_check_of
from graphml.models.model import Model
from graphml.models.tabular.neighbor_search import NeighborIndex
from graphml.spec import neighbors as stored
from graphml.spec.rules.updates import parameter_faults

Labels = tuple[Any, ...]
"""Class labels, all str or all int."""


class NearestNeighbors(Model):
    """A classifier in which the k samples nearest to the input vote for their labels.

    An array input may have any shape with the right number of elements. The parameter `number_of_neighbors` is k.

    Source: KNearestNeighborsClassifier.
    """

    _learned = False  # whether the message lacks the samples

    # Samples ---------------------------------------------------------------------------------------------------------

    @property
    def labels(self) -> Labels:
        """The label of each sample."""
        return self._labels

    @property
    def dimensions(self) -> int:
        """The number of elements of a sample."""
        return self._parameters.nearestNeighborsIndex.numberOfDimensions

    @functools.cached_property
    def number_of_neighbors(self) -> int:
        """k, from the configuration or else from the file.

        Raises:
            FeatureError: If the file does not allow this value.
        """
        value = parameter(self.configuration, "number_of_neighbors")
        if value is None:
            return self._parameters.numberOfNeighbors.defaultValue
        self._refuse_number(value)
        return int(value)

    @property
    def label_name(self) -> str:
        """The name of the output for the label."""
        return self._names.label_name

    @property
    def without_samples(self) -> Any:
        """The message without samples and labels."""
        return self._base

    def row(self, features: Mapping[str, Any]) -> np.ndarray:
        """The features as one row, which is compared with the samples: float32 [dimensions].

        Raises:
            FeatureError: If the model does not take these features.
            ShapeError: If the number of elements differs from that of the samples.
        """
        return self._row(self._check(features))

    def with_samples(self, samples: Any, labels: Iterable[Any], number_of_neighbors: int | None = None) -> Model:
        """The same model with more samples.

        Args:
            samples: [samples, dimensions], converted to float32.
            labels: The label of each sample.
            number_of_neighbors: A new default for k; None keeps the old one.

        Raises:
            ShapeError: If samples do not have this many elements, or not one label each.
            FeatureError: If a sample is not finite, a label has another type, or the file does not allow this k.
        """
        rows, labels = np.asarray(samples, np.float32), tuple(map(_plain, labels))
        if rows.shape != (len(labels), self.dimensions):
            raise ShapeError(
                f"expected samples [{len(labels)}, {self.dimensions}] for {len(labels)} labels, got {list(rows.shape)}"
            )
        self.refuse_infinite(rows)
        kind = str if self._strings(labels) else int
        if any(not isinstance(label, kind) or isinstance(label, bool) for label in labels):
            raise FeatureError(f"labels of this model must be of type {kind.__name__}")
        if number_of_neighbors is not None:
            self._refuse_number(number_of_neighbors)
        self.refuse_unless_usable()
        other = copy.copy(self)
        for name in ("_classes", "_indices"):
            other.__dict__.pop(name, None)
        other._message, other._learned = self._base, True
        other._samples, other._labels = self._samples.with_more(rows), (*self._labels, *labels)
        if number_of_neighbors is not None:
            other._message = other._base = _copied(self._base)
            other._parameters.numberOfNeighbors.defaultValue = number_of_neighbors
            other.number_of_neighbors = number_of_neighbors
        return other

    @property
    def spec(self) -> Any:
        """The model as a message. After an update it is built on each access, so that samples are stored only once."""
        if not self._learned:
            return self._message
        message = _copied(self._message)
        classifier = getattr(message, self.kind)
        stored.add_samples(classifier.nearestNeighborsIndex, np.asarray(self._samples))
        if self._labels:
            named = "stringClassLabels" if self._strings(self._labels) else "int64ClassLabels"
            getattr(classifier, named).vector.extend(self._labels)
        return message

    @staticmethod
    def refuse_infinite(rows: np.ndarray) -> None:
        """Check that rows are finite.

        Raises:
            FeatureError: If an element is NaN or infinite, since distances would be undefined.
        """
        if not np.isfinite(rows).all():
            bad = rows[~np.isfinite(rows)][0]
            raise FeatureError(f"the input holds {bad} as float32; distances need finite values")

    def _refuse_number(self, value: Any) -> None:
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not -(2**63) <= value < 2**63:
            raise FeatureError(f"number_of_neighbors must be an integer, got {value!r}")
        asked = type(self._parameters)(numberOfNeighbors=self._parameters.numberOfNeighbors)
        asked.numberOfNeighbors.defaultValue = int(value)
        faults = list(parameter_faults(asked, "numberOfNeighbors", positive=True))
        if faults:
            raise FeatureError(f"number_of_neighbors={value} is not allowed: {faults[0]}")

    def _strings(self, labels: Sequence[Any]) -> bool:
        """Whether labels are strings, according to the file or else to the given labels."""
        which = self._parameters.WhichOneof("ClassLabels")
        default = self._parameters.WhichOneof("DefaultClassLabel")
        known = which if which is not None else default
        if known is None:
            return bool(labels) and isinstance(labels[0], str)
        return known in ("stringClassLabels", "defaultStringLabel")

    # Predicting ------------------------------------------------------------------------------------------------------

    def _predict(self, values: dict[str, Any]) -> dict[str, Any]:
        return self._answers(self._row(values)[None])[0]

    def predict_batch(self, rows: Rows) -> list[dict[str, Any]]:
        """Run the model for many inputs in few calls of the compiled search; see `Model.predict_batch`."""
        self.refuse_unless_usable()
        found = []
        for number, features in enumerate(rows_of(rows)):
            try:
                found.append(self.row(features))
            except GraphmlError as error:
                raise error.in_context(f"row {number + 1}") from None
        return self._answers(np.stack(found)) if found else []

    def neighbors(self, features: Mapping[str, Any]) -> list[tuple[int, Any, float]]:
        """The neighbours that vote, nearest first: (index of the sample, its label, squared distance)."""
        self.refuse_unless_usable()
        distances, positions = self._samples.nearest(self.row(features)[None], self.number_of_neighbors)
        pairs = zip(positions[0].tolist(), distances[0].tolist(), strict=True)
        return [(position, self._labels[position], distance) for position, distance in pairs]

    def _row(self, values: Mapping[str, Any]) -> np.ndarray:
        with np.errstate(over="ignore"):
            parts = [np.asarray(value, np.float32).reshape(-1) for value in values.values()]
        row = np.concatenate(parts) if len(parts) != 1 else parts[0]
        if row.size != self.dimensions:
            raise ShapeError(f"the input has {row.size} elements; the samples have {self.dimensions}")
        self.refuse_infinite(row)
        return row

    def _answers(self, queries: np.ndarray) -> list[dict[str, Any]]:
        names = self._names
        if not self._samples.count:
            label = self._default
            return [self._answer(names, label, {label: 1.0}) for _ in queries]
        distances, positions = self._samples.nearest(queries, self.number_of_neighbors)
        inverse = self._parameters.HasField("inverseDistanceWeighting")
        weights = _reciprocals(distances) if inverse else np.ones_like(distances)
        answers = []
        indices = self._indices
        for row, near in zip(weights.tolist(), indices[positions].tolist(), strict=True):
            votes: dict[int, float] = {}
            for index, weight in zip(near, row, strict=True):
                votes[index] = votes.get(index, 0.0) + weight
            winner = max(votes, key=votes.__getitem__)  # the first one, if several have as many votes
            shares: dict[Any, float] = {}
            if names.probabilities_name is not None:
                total = math.fsum(votes.values())
                shares = dict.fromkeys(self._classes, 0.0)
                shares.update((self._classes[index], vote / total) for index, vote in votes.items())
            answers.append(self._answer(names, self._classes[winner], shares))
        return answers

    @staticmethod
    def _answer(names: ports.Classes, label: Any, shares: dict[Any, float]) -> dict[str, Any]:
        answer = {names.label_name: label}
        return answer if names.probabilities_name is None else {**answer, names.probabilities_name: shares}

    # Computed on first use --------------------------------------------------------------------------------------------

    @property
    def _parameters(self) -> Any:
        return getattr(self._message, self.kind)

    @functools.cached_property
    def _check(self) -> Any:
        return input_check_of(self.description, self._checker)

    def _checker(self, feature: FeatureDescription) -> Check:
        """The check of an input. An array may have any shape with the right number of elements."""
        if len(self.description.inputs) != 1 or feature.array is None:
            return checker(feature)
        flat = checker(replace(feature, array=ArrayConstraint((self.dimensions,), feature.array.dtype)))

        def check(value: Any) -> Any:
            array: Any = value.value if isinstance(value, FeatureValue) and value.type is feature.type else value
            if isinstance(array, list | tuple):
                with contextlib.suppress(ValueError):  # ragged
                    array = np.asarray(array)
            return flat(np.reshape(array, -1) if getattr(array, "size", None) == self.dimensions else value)

        return check

    @functools.cached_property
    def _samples(self) -> NeighborIndex:
        rows = stored.samples_of(self._parameters.nearestNeighborsIndex)
        return NeighborIndex(self.dimensions, pick_device(self.configuration)).with_more(rows)

    @functools.cached_property
    def _labels(self) -> Labels:
        return tuple(stored.labels_of(self._parameters))

    @functools.cached_property
    def _classes(self) -> Labels:
        """The distinct labels."""
        return tuple(dict.fromkeys(self._labels))

    @functools.cached_property
    def _indices(self) -> np.ndarray:
        """The class of each sample."""
        places = {label: index for index, label in enumerate(self._classes)}
        return np.array([places[label] for label in self._labels], np.int32)

    @functools.cached_property
    def _names(self) -> ports.Classes:
        found = ports.classes_of(self._parameters, self.description)
        assert found is not None
        return found

    @functools.cached_property
    def _default(self) -> Any:
        return getattr(self._parameters, self._parameters.WhichOneof("DefaultClassLabel"))

    @functools.cached_property
    def _base(self) -> Any:
        """The message without samples and labels."""
        whole = _copied(self._message)
        classifier = getattr(whole, self.kind)
        del classifier.nearestNeighborsIndex.floatSamples[:]
        named = classifier.WhichOneof("ClassLabels")
        if named is not None:
            del getattr(classifier, named).vector[:]
        return type(whole).FromString(
            whole.SerializeToString()
        )  # parsed again, because a message does not free the memory of deleted entries


def _copied(message: Any) -> Any:
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _reciprocals(distances: np.ndarray) -> np.ndarray:
    """1 / d in each row; in rows that contain zeros, 1 for each zero and 0 for all others."""
    zero = distances == 0
    with np.errstate(divide="ignore"):
        return np.where(zero.any(1, keepdims=True), zero.astype(np.float64), 1 / distances)
