"""Training data: providers of samples, and the samples of one task as arrays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from graphml.errors import FeatureError, GraphmlError, UpdateError, with_article
from graphml.models.interface.descriptions import FeatureDescription
from graphml.models.interface.values import checker, in_words, single
from graphml.models.network import NeuralNetwork
from graphml.recipes import CrossEntropy, Loss, class_labels, is_label, network_of
from graphml.spec.update_rules import written_sizes

_NEAR_ONE = 1e-3  # how far the sum of probabilities of a target may be from 1, which rounding explains


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
    entropy the index of the class, [samples], or a probability for each class, [samples, classes]."""

    inputs: Mapping[str, np.ndarray]
    target: np.ndarray

    @property
    def count(self) -> int:
        return len(self.target)


TrainingData = Iterable[Mapping[str, Any]] | Mapping[str, Any]
Row = tuple[dict[str, np.ndarray], np.ndarray]


def read_samples(model: NeuralNetwork, losses: Loss | Sequence[Loss], data: TrainingData) -> Samples:
    """All samples, each checked against the model's training inputs.

    Raises FeatureError that names the sample's index (from 0) and what is wrong with it, UpdateError when there
    are none or when their shapes differ.
    """
    rows = list(checked_samples(model, losses, data))
    if not rows:
        raise UpdateError("there are no training data")
    return stacked(rows)


def stacked(rows: Sequence[Row]) -> Samples:
    inputs = {name: np.stack([row[name] for row, _ in rows]) for name in rows[0][0]}
    return Samples(inputs, np.stack([target for _, target in rows]))


def checked_samples(model: NeuralNetwork, losses: Loss | Sequence[Loss], data: TrainingData) -> Iterator[Row]:
    """(network inputs, target) of one sample after the other, read when they are asked for and checked as
    `read_samples` says; what the data themselves raise comes with the number of the sample."""
    read = _sample_reader(model, [losses] if isinstance(losses, Loss) else losses)
    first: dict[str, np.ndarray] | None = None
    for index, sample in numbered(data):
        try:
            inputs, target = read(sample)
            first = inputs if first is None else first
            _check_like_first(inputs, first)
        except GraphmlError as error:
            raise error.in_context(f"sample {index} of the training data") from None
        yield inputs, np.asarray(target)


def numbered(data: TrainingData) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(number, sample) of one after the other; what the data themselves raise comes with the number of the sample."""
    provider = iter(ArrayBatchProvider(cast("Mapping[str, Any]", data)) if isinstance(data, Mapping) else data)
    for index in itertools.count():
        try:
            sample = next(provider)
        except StopIteration:
            return
        except GraphmlError:  # who raised it knows what it is about
            raise
        except Exception as error:
            message = f"sample {index} of the training data cannot be read: {type(error).__name__}: {error}"
            raise UpdateError(message) from error
        yield index, sample


def _check_like_first(inputs: Mapping[str, np.ndarray], first: Mapping[str, np.ndarray]) -> None:
    for name, value in inputs.items():
        if np.shape(value) != np.shape(first[name]):
            raise UpdateError(
                f"{name!r} has shape {list(np.shape(value))}, in sample 0 it has {list(np.shape(first[name]))}; "
                "samples that are trained on together have one shape"
            )


def _sample_reader(model: NeuralNetwork, losses: Sequence[Loss]):
    """The function from one sample to (network inputs, target), with everything looked up once. Raises UpdateError when
    a target is declared with another number of classes than the network has, as far as its file says that."""
    for loss in losses:
        sizes = written_sizes(model.spec, loss.input, network_of(model.spec).layers) if loss.width > 1 else set()
        if sizes and loss.width not in sizes:
            raise _never_fits(loss, " or ".join(map(str, sorted(sizes))))
    training = {feature.name: feature for feature in model.description.training_inputs}
    network = {feature.name for feature in model.description.inputs}
    readers = [(loss.target, _target_reader(model, loss, training[loss.target])) for loss in losses]

    def read(sample: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        if not isinstance(sample, Mapping):
            raise FeatureError(
                f"a sample is a mapping from features to values, not {with_article(type(sample).__name__)}"
            )
        unknown = [name for name in sample if name not in training and name not in network]
        if unknown:
            raise FeatureError(f"there is no training input {unknown[0]!r}; these are {', '.join(map(repr, training))}")
        for name, _ in readers:
            if sample.get(name) is None:
                raise FeatureError(f"the feature {name!r} is missing; it takes {training[name].takes}")
        features = {name: value for name, value in sample.items() if name in network}
        return {n: np.asarray(v) for n, v in model.check(features).items()}, _together(
            [read_target(sample[name]) for name, read_target in readers]
        )

    return read


def _together(targets: Sequence[Any]) -> Any:
    """The target of one loss as it is; those of several as one vector, in which a class is a number."""
    if len(targets) == 1:
        return targets[0]
    return np.concatenate([np.ravel(np.asarray(target, np.float32)) for target in targets])


def _target_reader(model: NeuralNetwork, loss: Loss, feature: FeatureDescription):
    if is_label(model.spec, loss.target):
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

    if loss.width == 0:
        return array

    def index(value):
        checked = array(value)
        if checked.size != 1 or checked.reshape(()) != np.rint(checked.reshape(())):
            raise FeatureError(
                f"the target {feature.name!r} must be the index of a class, a whole number; "
                f"got {in_words(single(value))}"
            )
        return np.int32(checked.reshape(()))

    def probabilities(value):
        """Those that are given, or 1 for the class whose index is given and 0 for the others."""
        try:
            plain = np.asarray(value)
        except Exception:  # ragged lists and the like, for which the check has words
            plain = array(value)
        if plain.size == 1:
            number = plain.reshape(-1)[0].item() if plain.dtype.kind in "iuf" else None
            if number is None or not float(number).is_integer():
                raise FeatureError(
                    f"the target {feature.name!r} must be the index of a class, a whole number, or {loss.width} "
                    f"probabilities; got {in_words(single(value))}"
                )
            if not 0 <= number < loss.width:
                raise FeatureError(_no_class(int(number), loss.width))
            return np.eye(1, loss.width, int(number), dtype=np.float32)[0]
        given = array(value).reshape(-1).astype(np.float32)
        total = np.sum(given, dtype=np.float64)
        if not (np.all(given >= 0) and abs(total - 1) < _NEAR_ONE):
            raise FeatureError(
                f"the target {feature.name!r} must be the index of a class, or {loss.width} probabilities that are at "
                f"least 0 and together 1; these are together {total:.6g}"
            )
        return given

    return index if loss.width == 1 else probabilities


def _no_class(number: int, classes: int) -> str:
    return f"the target is class {number}; the network tells {classes} classes apart, 0 to {classes - 1}"


def _never_fits(loss: Loss, classes: str) -> UpdateError:
    return UpdateError(
        f"no training data fit the target {loss.target!r}: it has {loss.width} elements, {loss.input!r} has {classes} "
        "classes"
    )


def check_targets(samples: Samples, losses: Loss | Sequence[Loss], shapes: Any, first: int = 0) -> None:
    """Raise FeatureError for the first sample whose target does not fit the blob, of one of these shapes, that a loss
    reads; UpdateError when no target could. first: the number of the first of these samples.

    An index outside of the array would not fail on a device: it reads a neighbour.
    """
    if isinstance(losses, Loss):
        losses, shapes = [losses], [shapes]
    sizes = [loss.width or math.prod(shape) for loss, shape in zip(losses, shapes, strict=True)]
    together = len(losses) > 1
    if together and samples.target.shape[1] != sum(sizes):
        raise FeatureError(f"the targets have {samples.target.shape[1]} numbers together; the losses compare {sizes}")
    starts = np.cumsum([0, *sizes])
    for loss, shape, start, stop in zip(losses, shapes, starts, starts[1:], strict=False):
        _check_target(samples.target[:, start:stop] if together else samples.target, loss, shape, first)


def _check_target(target: np.ndarray, loss: Loss, shape: tuple[int, ...], first: int) -> None:
    size = math.prod(shape)
    if isinstance(loss, CrossEntropy):
        if size != max(shape):
            raise UpdateError(
                f"cross entropy takes one probability for each class; {loss.input!r} is computed from {list(shape)}"
            )
        if loss.width > 1:  # probabilities, which were checked when they were read
            if loss.width != size:
                raise _never_fits(loss, str(size))
            return
        classes = target.reshape(-1)
        bad = np.flatnonzero((classes < 0) | (classes >= size))
        if bad.size:
            raise FeatureError(
                f"sample {first + bad[0]} of the training data\n  {_no_class(int(classes[bad[0]]), size)}"
            )
    elif loss.width == 0 and math.prod(target.shape[1:]) != size:
        raise FeatureError(
            f"the target {loss.target!r} has shape {list(target.shape[1:])}, "
            f"the blob that it is compared with has {list(shape)}"
        )
