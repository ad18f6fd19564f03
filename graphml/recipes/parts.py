"""The parts of a recipe: losses, optimizers, schedules, augmentation and all else that a training run is made of.

Each is a frozen dataclass that checks itself. What is a number here is traced when it trains: another value never
compiles anew. Numbers that may be None switch something on by being there, zero included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

from graphml.errors import UpdateError


def number(default: float | None, low: float = 0.0, high: float | None = None) -> Any:
    """A field that holds a number with inclusive bounds."""
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True)
class Part:
    """What all parts share: their numbers lie within bounds. wire: the member of the oneof that stores the part."""

    wire: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if "low" in one.metadata and value is not None:
                low, high = one.metadata["low"], one.metadata["high"]
                legal = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
                if not legal or value < low or (high is not None and value > high):
                    allowed = f"a number from {low:g}" + ("" if high is None else f" to {high:g}")
                    raise UpdateError(f"{type(self).__name__}: {one.name} is {value!r}, not {allowed}")

    @property
    def numbers(self) -> dict[str, float]:
        """The part's numbers that are there, by name."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if "low" in one.metadata}
        return {name: float(value) for name, value in found.items() if value is not None}


def bounds(part: type[Part], name: str) -> tuple[float, float | None]:
    """The inclusive bounds of a number of a part."""
    metadata = next(one.metadata for one in fields(part) if one.name == name)
    return metadata["low"], metadata["high"]


def whole(value: Any, what: str, least: int = 1) -> int:
    """A whole number of at least `least`, as an int. Raises UpdateError for anything else."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise UpdateError(f"{what} is {value!r}, not a whole number from {least}")
    return int(value)


# Losses --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loss(Part):
    """What training minimizes: how far the blob `input` is from the training feature `target`.

    input: None for the probabilities of a classifier, or the first output. target: None for the label of a classifier,
    or a training feature named `<input>_true`. weight: in the sum of several losses. name: the scope of its parameters.
    """

    input: str | None = None
    target: str | None = None
    _: KW_ONLY
    weight: float = number(1.0)
    name: str | None = None

    label: ClassVar[bool] = False  # the target is a class


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """-log p of the true class; with label_smoothing s the truth is 1 - s there, and s is spread over all classes."""

    _: KW_ONLY
    label_smoothing: float | None = number(None, 0, 1)
    wire: ClassVar[str] = "crossEntropy"
    label: ClassVar[bool] = True


@dataclass(frozen=True)
class SquaredError(Loss):
    """The mean of (input - target)^2."""

    wire: ClassVar[str] = "squaredError"


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """The mean of -(t log p + (1 - t) log(1 - p)), for targets t in [0, 1]; smoothing makes them t (1 - s) + s / 2."""

    _: KW_ONLY
    label_smoothing: float | None = number(None, 0, 1)
    wire: ClassVar[str] = "binaryCrossEntropy"


@dataclass(frozen=True)
class Huber(Loss):
    """The mean of d^2 / 2 where |d| <= delta, of delta (|d| - delta / 2) elsewhere."""

    _: KW_ONLY
    delta: float = number(1.0)
    wire: ClassVar[str] = "huber"


@dataclass(frozen=True)
class CosineDistance(Loss):
    """1 - the cosine of the angle between input and target."""

    wire: ClassVar[str] = "cosine"


@dataclass(frozen=True)
class Hinge(Loss):
    """The mean of max(0, margin - t y), for targets t of -1 and 1."""

    _: KW_ONLY
    margin: float = number(1.0)
    wire: ClassVar[str] = "hinge"


@dataclass(frozen=True)
class Contrastive(Loss):
    """Over all pairs of a mini-batch: d^2 for two of one class, max(0, margin - d)^2 for two of different classes.

    input is an embedding, d the distance of two of them; the target is the class.
    """

    _: KW_ONLY
    margin: float = number(1.0)
    wire: ClassVar[str] = "contrastive"
    label: ClassVar[bool] = True


# Optimizers and their schedules --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Schedule(Part):
    """The factor of the learning rate on its way; warmup: epochs in which it rises from 0 (a fraction is legal)."""

    _: KW_ONLY
    warmup: float = number(0.0)


@dataclass(frozen=True)
class Constant(Schedule):
    """The rate stays, after the warm-up."""

    wire: ClassVar[str] = "constant"


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Half a cosine from the whole rate to `final` times it, over all epochs after the warm-up."""

    final: float = number(0.0)
    wire: ClassVar[str] = "cosine"


@dataclass(frozen=True)
class LinearDecay(Schedule):
    """A straight line from the whole rate to `final` times it, over all epochs after the warm-up."""

    final: float = number(0.0)
    wire: ClassVar[str] = "linear"


@dataclass(frozen=True)
class StepDecay(Schedule):
    """The rate times `factor` after each `every` epochs."""

    every: float = number(10.0, 1e-6)
    factor: float = number(0.1)
    wire: ClassVar[str] = "step"


@dataclass(frozen=True)
class Optimizer(Part):
    """How gradients change weights; see extension.proto for the formulas."""

    kind: ClassVar[str] = ""


@dataclass(frozen=True)
class SGD(Optimizer):
    """v = momentum v - learning_rate g, w += v. weight_decay adds that much of w to g."""

    learning_rate: float = number(0.01)
    _: KW_ONLY
    momentum: float = number(0.0)
    weight_decay: float | None = number(None)
    schedule: Schedule = Constant()
    wire: ClassVar[str] = "sgd"
    kind: ClassVar[str] = "sgd"


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam with bias correction. weight_decay adds that much of w to g."""

    learning_rate: float = number(0.001)
    _: KW_ONLY
    beta1: float = number(0.9, 0, 1)
    beta2: float = number(0.999, 0, 1)
    eps: float = number(1e-8)
    weight_decay: float | None = number(None)
    schedule: Schedule = Constant()
    wire: ClassVar[str] = "adam"
    kind: ClassVar[str] = "adam"


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam whose weight decay is part of the step, not of the gradient."""

    learning_rate: float = number(0.001)
    _: KW_ONLY
    beta1: float = number(0.9, 0, 1)
    beta2: float = number(0.999, 0, 1)
    eps: float = number(1e-8)
    weight_decay: float = number(0.01)
    schedule: Schedule = Constant()
    wire: ClassVar[str] = "adamW"
    kind: ClassVar[str] = "adamw"


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """g / (sqrt(running mean of g^2) + eps), with momentum. weight_decay adds that much of w to g."""

    learning_rate: float = number(0.01)
    _: KW_ONLY
    decay: float = number(0.99, 0, 1)
    eps: float = number(1e-8)
    momentum: float = number(0.0)
    weight_decay: float | None = number(None)
    schedule: Schedule = Constant()
    wire: ClassVar[str] = "rmsprop"
    kind: ClassVar[str] = "rmsprop"


@dataclass(frozen=True)
class Lion(Optimizer):
    """The sign of a momentum; steps are of one size, so the rate is a tenth of Adam's."""

    learning_rate: float = number(0.0001)
    _: KW_ONLY
    beta1: float = number(0.9, 0, 1)
    beta2: float = number(0.99, 0, 1)
    weight_decay: float | None = number(None)
    schedule: Schedule = Constant()
    wire: ClassVar[str] = "lion"
    kind: ClassVar[str] = "lion"


# What happens to samples and blobs -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dropout(Part):
    """In training, each number of a blob is 0 with this probability, the others are divided by 1 - rate."""

    blob: str
    rate: float = number(0.5, 0, 0.99)


@dataclass(frozen=True)
class Augmentation(Part):
    """Samples are changed anew in each epoch. input: the image input, None for all of them."""

    _: KW_ONLY
    input: str | None = None


@dataclass(frozen=True)
class Flip(Augmentation):
    """Mirror images left to right, or top to bottom, with these probabilities."""

    horizontal: float = number(0.5, 0, 1)
    vertical: float = number(0.0, 0, 1)
    wire: ClassVar[str] = "flip"


@dataclass(frozen=True)
class Shift(Augmentation):
    """Move images by up to this fraction of their width and height; what is missing repeats the edge."""

    fraction: float = number(0.1, 0, 1)
    wire: ClassVar[str] = "shift"


@dataclass(frozen=True)
class Rotate(Augmentation):
    """Turn images by up to this angle, either way; what is missing repeats the edge."""

    degrees: float = number(10.0, 0, 180)
    wire: ClassVar[str] = "rotate"


@dataclass(frozen=True)
class Brightness(Augmentation):
    """Make images brighter or darker by up to this fraction of 255."""

    fraction: float = number(0.1, 0, 1)
    wire: ClassVar[str] = "brightness"


# What is measured ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Metric(Part):
    """What is measured after each epoch: on the samples kept for validation if there are any, else on all."""

    @property
    def name(self) -> str:
        """Its name in records."""
        raise NotImplementedError


@dataclass(frozen=True)
class Accuracy(Metric):
    """The fraction of samples with the right answer."""

    wire: ClassVar[str] = "accuracy"

    @property
    def name(self) -> str:
        return "accuracy"


@dataclass(frozen=True)
class TopK(Metric):
    """The fraction of samples whose class is among the k most probable."""

    k: int = 5
    wire: ClassVar[str] = "topK"

    def __post_init__(self) -> None:
        whole(self.k, "k")

    @property
    def name(self) -> str:
        return f"top_{self.k}_accuracy"


@dataclass(frozen=True)
class EarlyStopping(Part):
    """End training when the monitored value was not better by more than min_delta for `patience` epochs.

    restore_best: the result has the weights of the best epoch, otherwise of the last. monitor: "loss",
    "validation_loss" or the name of a metric; None for validation_loss where there is validation, else loss.
    """

    patience: int = 3
    _: KW_ONLY
    min_delta: float = number(0.0)
    restore_best: bool = True
    monitor: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.patience, "patience")


# The whole -----------------------------------------------------------------------------------------------------------

Layers = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Recipe(Part):
    """How a model is trained. Every part has a default; `losses` and `layers` come from the model where not given.

    losses: one or several, whose weighted sum is minimized. layers: names of layers, or {layer: names of its weights},
    by path in sub-networks ("loop/body/dense"); None: those marked in the model, or all that gradients reach.
    clip_norm: longer gradients (over all weights together) are shortened to it. dropout: `Dropout`s, or {blob: rate}.
    validation_fraction: of the samples, kept out of training. quantized, half: what becomes of trained weights that
    are stored as codes or as float16: floats, or their old form, trained with gradients straight through the rounding
    ("straight-through") and rounded when stored ("float16"). statistics: mean and variance of trained batchnorm layers
    stay ("frozen"), or are those of the mini-batch, which the stored ones follow ("updated").
    """

    optimizer: Optimizer = SGD()
    _: KW_ONLY
    losses: tuple[Loss, ...] = ()
    epochs: int = 1
    batch_size: int = 10
    shuffle: bool = True
    seed: int = 0
    layers: Layers | None = None
    clip_norm: float | None = number(None)
    dropout: tuple[Dropout, ...] = ()
    augmentation: tuple[Augmentation, ...] = ()
    validation_fraction: float = number(0.0, 0, 0.9)
    early_stopping: EarlyStopping | None = None
    metrics: tuple[Metric, ...] = ()
    quantized: Literal["dequantize", "straight-through"] = "dequantize"
    half: Literal["float32", "float16"] = "float32"
    statistics: Literal["frozen", "updated"] = "frozen"
    statistics_momentum: float = number(0.1, 0, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        sets = {
            "losses": (self.losses,) if isinstance(self.losses, Loss) else tuple(self.losses),
            "layers": _layers(self.layers),
            "dropout": _dropout(self.dropout),
            "augmentation": _several(self.augmentation),
            "metrics": _several(self.metrics),
            "epochs": whole(self.epochs, "epochs"),
            "batch_size": whole(self.batch_size, "batch_size"),
        }
        for name, value in sets.items():
            object.__setattr__(self, name, value)
        wanted = {
            **{"losses": Loss, "dropout": Dropout, "augmentation": Augmentation, "metrics": Metric},
        }
        for name, kind in wanted.items():
            for part in getattr(self, name):
                _is_a(part, kind, name)
        _is_a(self.optimizer, Optimizer, "optimizer")
        _is_a(self.optimizer.schedule, Schedule, "schedule")  # type: ignore[attr-defined]
        if self.early_stopping is not None:
            _is_a(self.early_stopping, EarlyStopping, "early_stopping")
        for name, legal in CHOICES.items():
            if getattr(self, name) not in legal:
                raise UpdateError(f"{name} is {getattr(self, name)!r}, which is none of {', '.join(map(repr, legal))}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, Integral):
            raise UpdateError(f"seed is {self.seed!r}, not a whole number")


CHOICES = {
    "quantized": ("dequantize", "straight-through"),
    "half": ("float32", "float16"),
    "statistics": ("frozen", "updated"),
}
"""The switches of a recipe with more than two words, in the order of their enums on the wire."""


def _is_a(value: Any, kind: type, what: str) -> None:
    # the bare base classes say nothing
    if not isinstance(value, kind) or (kind not in (Dropout, EarlyStopping) and type(value) is kind):
        raise UpdateError(f"{what}: {value!r} is no {kind.__name__} of graphml.recipes")


def _several(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, Part) else tuple(value)


def _dropout(value: Any) -> tuple[Dropout, ...]:
    if hasattr(value, "items"):
        return tuple(Dropout(blob, rate) for blob, rate in value.items())
    return _several(value)


def _layers(value: Any) -> Layers | None:
    if value is None:
        return None
    pairs: Sequence[Any] = (
        list(value.items()) if hasattr(value, "items") else [value] if isinstance(value, str) else list(value)
    )
    plain = [(one, ()) if isinstance(one, str) else (one[0], tuple(one[1])) for one in pairs]
    if not plain or not all(isinstance(name, str) for name, _ in plain):
        raise UpdateError(f"layers is {value!r}; it names at least one layer")
    return tuple(plain)
