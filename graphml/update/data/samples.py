"""Training data: providers of samples, and checked samples as arrays."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from graphml.descriptions import FeatureDescription
from graphml.errors import FeatureError, GraphmlError, UpdateError, in_words, with_article
from graphml.models.graph_model import GraphModel
from graphml.models.interface.values import checker, single
from graphml.recipes import CrossEntropy, Loss, class_labels, is_label, is_program, network_of
from graphml.spec.rules.updates import written_sizes

_NEAR_ONE = 1e-3  # how far the sum of the probabilities of a target may be from 1, due to rounding


class ArrayBatchProvider:
    """Samples from a list of dicts {feature: value}, or from a dict {feature: values of all samples}."""

    def __init__(self, samples: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> None:
        """Raises FeatureError if a feature of a dict is a single value, or features differ in number of values."""
        self._columns = dict(samples) if isinstance(samples, Mapping) else None
        self._rows: Sequence[Mapping[str, Any]] = () if isinstance(samples, Mapping) else samples
        if self._columns is not None:
            for name, values in self._columns.items():
                alone = getattr(values, "shape", None) == () or not hasattr(values, "__len__")
                if alone or isinstance(values, str | bytes):
                    raise FeatureError(
                        f"a dict has the values of all samples under each name, but {name!r} is {in_words(values)}; "
                        "for a single sample, pass a list of one dict"
                    )
            lengths = {name: len(values) for name, values in self._columns.items()}
            if len(set(lengths.values())) > 1:
                raise FeatureError(f"all features must have the same number of values, got {lengths}")

    @property
    def count(self) -> int:
        """The number of samples."""
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
class TrainingSamples:
    """Checked samples as arrays.

    Attributes:
        inputs: {input of the network: [samples, ...]}, as its layers take them.
        target: [samples, ...]; for cross entropy the index of the class, [samples], or a probability for each class,
            [samples, classes].
    """

    inputs: Mapping[str, np.ndarray]
    target: np.ndarray

    @property
    def count(self) -> int:
        """The number of samples."""
        return len(self.target)


TrainingData = Iterable[Mapping[str, Any]] | Mapping[str, Any]
Row = tuple[dict[str, np.ndarray], np.ndarray]


def read_samples(model: GraphModel, losses: Loss | Sequence[Loss], data: TrainingData) -> TrainingSamples:
    """All samples, each checked against the training inputs of the model.

    Raises:
        FeatureError: a sample does not fit; the message names its index, from 0.
        UpdateError: there are no samples, or their shapes differ.
    """
    rows = list(checked_samples(model, losses, data))
    if not rows:
        raise UpdateError("there are no training data")
    return stacked(rows)


def stacked(rows: Sequence[Row]) -> TrainingSamples:
    """Single samples as arrays with a leading axis of samples."""
    inputs = {name: np.stack([row[name] for row, _ in rows]) for name in rows[0][0]}
    return TrainingSamples(inputs, np.stack([target for _, target in rows]))


def checked_samples(model: GraphModel, losses: Loss | Sequence[Loss], data: TrainingData) -> Iterator[Row]:
    """(network inputs, target) of each sample, read lazily and checked.

    Raises:
        FeatureError: a sample does not fit; the message names its index, from 0.
        UpdateError: the shapes of samples differ, or reading a sample fails.
    """
    read = _sample_reader(model, [losses] if isinstance(losses, Loss) else losses)
    first: dict[str, np.ndarray] | None = None
    for index, sample in numbered(data):
        try:
            inputs, target = read(sample)
            first = inputs if first is None else first
            _refuse_other_shape(inputs, first)
        except GraphmlError as error:
            raise error.in_context(f"sample {index} of the training data") from None
        yield inputs, np.asarray(target)


def refuse_unless_samples(data: Any) -> None:
    """Raises FeatureError if the training data are the path of a file or folder, or cannot contain samples."""
    if isinstance(data, str | bytes | os.PathLike):
        raise FeatureError(
            f"training data must be samples, got the path {os.fsdecode(cast('str', data))!r}; `graphml update --data` "
            "and graphml.update_in_background read files and folders"
        )
    if not isinstance(data, Iterable) and not hasattr(data, "__getitem__"):
        raise FeatureError(f"training data must be a list, a dict of arrays or another iterable, got {in_words(data)}")


def numbered(data: TrainingData) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(index, sample) of each sample. Raises UpdateError that names the sample if reading it fails."""
    provider = iter(ArrayBatchProvider(cast("Mapping[str, Any]", data)) if isinstance(data, Mapping) else data)
    for index in itertools.count():
        try:
            sample = next(provider)
        except StopIteration:
            return
        except GraphmlError:  # its message already says what is wrong
            raise
        except Exception as error:
            message = f"sample {index} of the training data cannot be read: {type(error).__name__}: {error}"
            raise UpdateError(message) from error
        yield index, sample


def checked_features(
    sample: Any, known: Collection[str], named: Iterable[str], required: Iterable[FeatureDescription]
) -> Mapping[str, Any]:
    """A sample as a mapping, after a check of its names.

    Args:
        sample: anything that the training data may contain.
        known: the features that it may have.
        named: the features that the message lists, in this order.
        required: the features that it must have.

    Raises:
        FeatureError: it is not a mapping, or has unknown or missing features.
    """
    if not isinstance(sample, Mapping):
        raise FeatureError(
            f"a sample must be a mapping from features to values, got {with_article(type(sample).__name__)}"
        )
    given = cast("Mapping[str, Any]", sample)
    for name in given:
        if name not in known:
            legal = ", ".join(map(repr, named))
            raise FeatureError(f"there is no training input {name!r}; the training inputs are {legal}")
    for feature in required:
        if given.get(feature.name) is None:
            raise FeatureError(f"the feature {feature.name!r} is missing; it takes {feature.takes}")
    return given


def _refuse_other_shape(inputs: Mapping[str, np.ndarray], first: Mapping[str, np.ndarray]) -> None:
    for name, value in inputs.items():
        if np.shape(value) != np.shape(first[name]):
            raise UpdateError(
                f"{name!r} has shape {list(np.shape(value))}, but shape {list(np.shape(first[name]))} in sample 0: all "
                "samples must have the same shape"
            )


def _sample_reader(model: GraphModel, losses: Sequence[Loss]) -> Callable[[Any], tuple[dict[str, Any], Any]]:
    """The function from one sample to (network inputs, target), with everything looked up once.

    Raises UpdateError when a target is declared with another number of classes than the file says the network has.
    """
    for loss in losses:
        layered = loss.width > 1 and not is_program(model.spec)
        sizes = written_sizes(model.spec, loss.input, network_of(model.spec).layers) if layered else set[int]()
        if sizes and loss.width not in sizes:
            raise _never_fits(loss, " or ".join(map(str, sorted(sizes))))
    training = {feature.name: feature for feature in model.description.training_inputs}
    network = {feature.name for feature in model.description.inputs}
    readers = [(loss.target, _target_reader(model, loss, training[loss.target])) for loss in losses]

    targets, known = [training[name] for name, _ in readers], {*training, *network}

    def read(sample: Any) -> tuple[dict[str, Any], Any]:
        given = checked_features(sample, known, training, targets)
        inputs = model.check({name: value for name, value in given.items() if name in network})
        target = _together([read_target(given[name]) for name, read_target in readers])
        return {name: np.asarray(value) for name, value in inputs.items()}, target

    return read


def _together(targets: Sequence[Any]) -> Any:
    """The target of a single loss unchanged; those of several as one vector, in which a class index is one element."""
    if len(targets) == 1:
        return targets[0]
    return np.concatenate([np.ravel(np.asarray(target, np.float32)) for target in targets])


def _target_reader(model: GraphModel, loss: Loss, feature: FeatureDescription) -> Callable[[Any], Any]:
    if is_label(model.spec, loss.target):
        indices = {label: index for index, label in enumerate(class_labels(model.spec))}
        plain = checker(feature)

        def index_of(value: Any) -> Any:
            label = plain(value)
            if label not in indices:
                legal = ", ".join(map(repr, list(indices)[:20])) + (", ..." if len(indices) > 20 else "")
                raise FeatureError(f"unknown label {label!r}; the {len(indices)} classes are {legal}")
            return np.int32(indices[label])

        return index_of
    check = checker(feature)

    def array(value: Any) -> Any:
        checked = np.asarray(check(value))
        return checked.astype(np.float32) if checked.dtype == np.float64 else checked

    if loss.width == 0:
        return array

    def index(value: Any) -> Any:
        checked = array(value)
        if checked.size != 1 or checked.reshape(()) != np.rint(checked.reshape(())):
            raise FeatureError(
                f"the target {feature.name!r} must be the index of a class, an integer; got {in_words(single(value))}"
            )
        return np.int32(checked.reshape(()))

    def probabilities(value: Any) -> Any:
        """The given probabilities; for an index, 1 for its class and 0 for the others."""
        try:
            plain = np.asarray(value)
        except Exception:  # a ragged list, for example: the check explains it
            plain = array(value)
        if plain.size == 1:
            number = plain.reshape(-1)[0].item() if plain.dtype.kind in "iuf" else None
            if number is None or not float(number).is_integer():
                raise FeatureError(
                    f"the target {feature.name!r} must be the index of a class, an integer, or {loss.width} "
                    f"probabilities; got {in_words(single(value))}"
                )
            if not 0 <= number < loss.width:
                raise FeatureError(_no_class(int(number), loss.width))
            return np.eye(1, loss.width, int(number), dtype=np.float32)[0]
        given = array(value).reshape(-1).astype(np.float32)
        total = np.sum(given, dtype=np.float64)
        if not (np.all(given >= 0) and abs(total - 1) < _NEAR_ONE):
            raise FeatureError(
                f"the target {feature.name!r} must be the index of a class, or {loss.width} probabilities, none "
                f"negative, that sum to 1; got values from {np.min(given):.6g} with the sum {total:.6g}"
            )
        return given

    return index if loss.width == 1 else probabilities


def _no_class(number: int, classes: int) -> str:
    return f"the target is class {number}, but the network has only classes 0 to {classes - 1}"


def _never_fits(loss: Loss, classes: str) -> UpdateError:
    return UpdateError(
        f"no training data can fit the target {loss.target!r}: it has {loss.width} elements, but {loss.input!r} has "
        f"{classes} classes"
    )


def check_targets(samples: TrainingSamples, losses: Loss | Sequence[Loss], shapes: Any, first: int = 0) -> None:
    """Check that targets fit the blobs that the losses read.

    On a device, an index out of range would not fail: it would read another element.

    Args:
        samples: the samples; only their targets are read.
        losses: the losses.
        shapes: the shape of the blob of each loss, for one sample.
        first: the index of the first of these samples.

    Raises:
        FeatureError: the target of a sample does not fit.
        UpdateError: no target could fit.
    """
    if isinstance(losses, Loss):
        losses, shapes = [losses], [shapes]
    sizes = [loss.width or math.prod(shape) for loss, shape in zip(losses, shapes, strict=True)]
    together = len(losses) > 1
    if together and samples.target.shape[1] != sum(sizes):
        raise FeatureError(
            f"the targets have {samples.target.shape[1]} elements in total, but the losses compare {sizes}"
        )
    starts = np.cumsum([0, *sizes])
    for loss, shape, start, stop in zip(losses, shapes, starts, starts[1:], strict=False):
        _check_target(samples.target[:, start:stop] if together else samples.target, loss, shape, first)


def _check_target(target: np.ndarray, loss: Loss, shape: tuple[int, ...], first: int) -> None:
    size = math.prod(shape)
    if isinstance(loss, CrossEntropy):
        if size != max(shape):
            raise UpdateError(
                f"cross entropy takes one probability for each class, but {loss.input!r} is computed from {list(shape)}"
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
            f"the target {loss.target!r} has shape {list(target.shape[1:])}, but {loss.input!r} has shape {list(shape)}"
        )
