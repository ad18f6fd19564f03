"""Training data: providers of samples, and the samples of one task as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from graphml.errors import FeatureError, GraphmlError, UpdateError
from graphml.models.descriptions import FeatureDescription
from graphml.models.features import checker
from graphml.models.network import NeuralNetwork
from graphml.update.recipe import Loss, class_labels


class ArrayBatchProvider:
    """Samples from a list of dicts {feature: value}, or from a dict {feature: values of all samples}.

    Raises FeatureError when features of the second form differ in length.
    """

    def __init__(self, samples: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> None:
        self._columns = dict(samples) if isinstance(samples, Mapping) else None
        self._rows: Sequence[Mapping[str, Any]] = () if isinstance(samples, Mapping) else samples
        if self._columns is not None:
            lengths = {name: len(values) for name, values in self._columns.items()}
            if len(set(lengths.values())) > 1:
                raise FeatureError(f"features of one batch have as many values each; these have {lengths}")

    @property
    def count(self) -> int:
        return len(self)

    def __len__(self) -> int:
        if self._columns is None:
            return len(self._rows)
        return len(next(iter(self._columns.values()), ()))

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        if self._columns is None:
            return dict(self._rows[index])
        return {name: values[index] for name, values in self._columns.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True, eq=False)
class Samples:
    """inputs: {input of the network: [samples, ...]} as its layers take them. target: [samples, ...]; for cross
    entropy the index of the class, [samples]."""

    inputs: Mapping[str, np.ndarray]
    target: np.ndarray

    @property
    def count(self) -> int:
        return len(self.target)


def read_samples(model: NeuralNetwork, loss: Loss, data: Iterable[Mapping[str, Any]] | Mapping[str, Any]) -> Samples:
    """All samples, each checked against the model's training inputs.

    Raises FeatureError that names the sample's index (from 0) and what is wrong with it, UpdateError when there
    are none or when their shapes differ.
    """
    provider: Iterable[Any] = ArrayBatchProvider(cast("Mapping[str, Any]", data)) if isinstance(data, Mapping) else data
    read = _sample_reader(model, loss)
    rows: list[tuple[dict[str, Any], Any]] = []
    for index, sample in enumerate(provider):
        try:
            rows.append(read(sample))
            _check_like_first(rows)
        except GraphmlError as error:
            raise error.in_context(f"sample {index} of the training data") from None
    if not rows:
        raise UpdateError("there are no training data")
    inputs = {name: np.stack([row[name] for row, _ in rows]) for name in rows[0][0]}
    return Samples(inputs, np.stack([target for _, target in rows]))


def _check_like_first(rows: Sequence[tuple[dict[str, Any], Any]]) -> None:
    for name, value in rows[-1][0].items():
        first = rows[0][0][name]
        if np.shape(value) != np.shape(first):
            raise UpdateError(
                f"{name!r} has shape {list(np.shape(value))}, in sample 0 it has {list(np.shape(first))}; "
                "samples that are trained on together have one shape"
            )


def _sample_reader(model: NeuralNetwork, loss: Loss):
    """The function from one sample to (network inputs, target), with everything looked up once."""
    training = {feature.name: feature for feature in model.description.training_inputs}
    network = {feature.name for feature in model.description.inputs}
    read_target = _target_reader(model, loss, training[loss.target])

    def read(sample: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        if not isinstance(sample, Mapping):
            raise FeatureError(f"a sample is a mapping from features to values, not a {type(sample).__name__}")
        unknown = [name for name in sample if name not in training and name not in network]
        if unknown:
            raise FeatureError(f"there is no training input {unknown[0]!r}; these are {', '.join(map(repr, training))}")
        if sample.get(loss.target) is None:
            raise FeatureError(f"the feature {loss.target!r} is missing; it takes {training[loss.target].takes}")
        features = {name: value for name, value in sample.items() if name in network}
        return {n: np.asarray(v) for n, v in model.check(features).items()}, read_target(sample[loss.target])

    return read


def _target_reader(model: NeuralNetwork, loss: Loss, feature: FeatureDescription):
    if loss.label:
        indices = {label: index for index, label in enumerate(class_labels(model.spec))}
        plain = checker(feature)

        def index_of(value):
            label = plain(value)
            if label not in indices:
                legal = ", ".join(map(repr, list(indices)[:20])) + (", ..." if len(indices) > 20 else "")
                raise FeatureError(f"the label {label!r} is none of the {len(indices)} classes {legal}")
            return np.int32(indices[label])

        return index_of
    check = checker(feature)

    def array(value):
        checked = np.asarray(check(value))
        return checked.astype(np.float32) if checked.dtype == np.float64 else checked

    if loss.kind == "mean_squared_error":
        return array

    def index(value):
        checked = array(value)
        if checked.size != 1 or checked.reshape(()) != np.rint(checked.reshape(())):
            raise FeatureError(
                f"the target {feature.name!r} is the index of a class, one whole number; given was {value!r}"
            )
        return np.int32(checked.reshape(()))

    return index


def check_targets(samples: Samples, loss: Loss, shape: tuple[int, ...]) -> None:
    """Raise FeatureError for the first sample whose target does not fit the blob, of this shape, that the loss reads;
    UpdateError when no target could.

    An index outside of the array would not fail on a device: it reads a neighbour.
    """
    size = math.prod(shape)
    if loss.kind == "categorical_cross_entropy":
        if size != max(shape):
            raise UpdateError(
                f"cross entropy takes one probability for each class; {loss.input!r} is computed from {list(shape)}"
            )
        bad = np.flatnonzero((samples.target < 0) | (samples.target >= size))
        if bad.size:
            raise FeatureError(
                f"sample {bad[0]} of the training data\n  the target is class {samples.target[bad[0]]}; "
                f"the network tells {size} classes apart, 0 to {size - 1}"
            )
    elif math.prod(samples.target.shape[1:]) != size:
        raise FeatureError(
            f"the target {loss.target!r} has shape {list(samples.target.shape[1:])}, "
            f"the blob that it is compared with has {list(shape)}"
        )
