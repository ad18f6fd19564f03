"""The recipe: the one description of a training run, which files hold, users write and the training step reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, cast

from graphml.errors import UpdateError
from graphml.recipes.losses import FunctionLoss, Loss
from graphml.recipes.metrics import EarlyStopping, Metric
from graphml.recipes.optimizers import (
    SGD,
    FunctionSchedule,
    GradientTransformation,
    OptaxOptimizer,
    Optimizer,
    Schedule,
)
from graphml.recipes.parameters import MOST_EPOCHS, ParameterDescription, ParameterKey, as_key
from graphml.recipes.part import Part, integer, not_compiled, number, switch
from graphml.recipes.regularization import Augmentation, Dropout

Layers = tuple[tuple[str, tuple[str, ...]], ...]
"""(layer, names of its weights; none for all) of the layers that learn."""

CHOICES = {
    "quantized": ("dequantize", "straight-through"),
    "half": ("float32", "float16"),
    "statistics": ("frozen", "updated"),
}
"""The values of fields with a few names to choose from, in the order of their enums on the wire."""


@dataclass(frozen=True)
class Recipe(Part):
    """How a model is trained. Every part has a default; losses and layers come from the model if they are not given.

    Args:
        optimizer: an optimizer of `graphml.recipes`, whose learning rate may be a schedule of optax, or an
            `optax.GradientTransformation`.
        losses: one loss or several, of which the weighted sum is minimized. A Python function of (prediction, target)
            is a loss too, see `FunctionLoss`.
        epochs: how often training sees all samples.
        batch_size: samples in a mini-batch.
        shuffle: whether the samples are shuffled in each epoch.
        seed: the random seed, for the order of samples and all random numbers.
        layers: names of layers, or {layer: names of its weights}; in sub-networks by path ("loop/body/dense"). None:
            the layers that the model marks, or all that a gradient reaches.
        clip_norm: gradients with a larger norm, over all weights together, are scaled down to this norm.
        dropout: `Dropout`s, or {blob: rate}.
        augmentation: changes of images, applied in this order.
        validation_fraction: the fraction of the samples that is kept out of training.
        early_stopping: when to stop before all epochs are done.
        metrics: what is measured after each epoch.
        quantized: quantized weights become floats ("dequantize"), or are rounded to their codes in each step while
            gradients pass unchanged ("straight-through").
        half: float16 weights become float32, or are rounded to "float16" when the model is stored.
        statistics: mean and variance of trained batch normalizations stay ("frozen"), or are those of the mini-batch,
            which the stored ones follow ("updated").
        statistics_momentum: the weight of the mini-batch in the running statistics.

    Raises:
        UpdateError: a value is not allowed; the message names it.
    """

    optimizer: Optimizer | OptaxOptimizer = SGD()
    _: KW_ONLY
    losses: tuple[Loss, ...] = ()
    epochs: int = not_compiled(1)
    batch_size: int = not_compiled(10)
    shuffle: bool = not_compiled(True)
    seed: int = not_compiled(0)
    layers: Layers | None = None
    clip_norm: float | None = number(None)
    dropout: tuple[Dropout, ...] = ()
    augmentation: tuple[Augmentation, ...] = ()
    validation_fraction: float = number(0.0, 0, 0.9, parameter="")
    early_stopping: EarlyStopping | None = not_compiled(None)
    metrics: tuple[Metric, ...] = ()
    quantized: Literal["dequantize", "straight-through"] = "dequantize"
    half: Literal["float32", "float16"] = "float32"
    statistics: Literal["frozen", "updated"] = "frozen"
    statistics_momentum: float = number(0.1, 0, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        plain = {
            "optimizer": _optimizer(self.optimizer),
            "losses": tuple(map(_loss, _several(self.losses))),
            "layers": _layers(self.layers),
            "dropout": _dropout(self.dropout),
            "augmentation": _several(self.augmentation),
            "metrics": _several(self.metrics),
            "epochs": integer(self.epochs, "epochs", most=MOST_EPOCHS),
            "batch_size": integer(self.batch_size, "batch_size"),
            "shuffle": switch(self.shuffle, "shuffle"),
            "seed": integer(self.seed, "seed", -(2**63)),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        for name, kind in (("losses", Loss), ("dropout", Dropout), ("augmentation", Augmentation), ("metrics", Metric)):
            for part in getattr(self, name):
                _refuse_unless_a(kind, part, name)
        if self.schedule is not None:
            _refuse_unless_a(Schedule, self.schedule, "schedule")
        if self.early_stopping is not None:
            _refuse_unless_a(EarlyStopping, self.early_stopping, "early_stopping")
        for name, legal in CHOICES.items():
            if getattr(self, name) not in legal:
                raise UpdateError(f"{name} must be {' or '.join(map(repr, legal))}, got {getattr(self, name)!r}")

    @property
    def loss(self) -> Loss:
        """The first loss; Core ML's recipes have no other."""
        return self.losses[0]

    @property
    def schedule(self) -> Schedule | None:
        """The schedule of the learning rate; None if it never changes, or if optax changes it."""
        return self.optimizer.schedule if isinstance(self.optimizer, Optimizer) else None

    @property
    def values(self) -> dict[ParameterKey, Any]:
        """The value of every parameter. Any: a float, an int or a bool."""
        return {key: one.default for key, one in self.descriptions.items()}

    @property
    def descriptions(self) -> dict[ParameterKey, ParameterDescription]:
        """What an update may set, within the bounds of the parts. Core ML's files have bounds of their own."""
        size, epochs = ParameterKey.MINI_BATCH_SIZE, ParameterKey.EPOCHS
        return {
            **{one.key: one for one in self.parameters()},
            size: ParameterDescription(size, self.batch_size, "integer", 1),
            epochs: ParameterDescription(epochs, self.epochs, "integer", 1),
            ParameterKey.SHUFFLE: ParameterDescription(ParameterKey.SHUFFLE, self.shuffle, "switch"),
            ParameterKey.SEED: ParameterDescription(ParameterKey.SEED, self.seed, "integer"),
        }

    def parameters(self) -> Iterator[ParameterDescription]:
        """The parameters that training traces, with their bounds."""
        for one in super().parameters():
            if one.key != _FOLLOWING or self.statistics == "updated":
                yield one

    def with_values(self, values: Mapping[ParameterKey, Any]) -> Recipe:
        """This recipe with other values of its parameters.

        Args:
            values: already checked. Weights and biases are ignored: they are not part of a recipe.
        """
        named = {str(key): value for key, value in values.items()}
        settings = {"mini_batch_size": "batch_size", "epochs": "epochs", "shuffle": "shuffle", "seed": "seed"}
        chosen = {field: named[name] for name, field in settings.items() if name in named}
        return self.with_numbers(named).with_fields(**chosen)

    @property
    def python_parts(self) -> tuple[str, ...]:
        """Descriptions of its parts that are Python objects, which no file can hold."""
        optimizer = ("the optimizer is a Python object",) if isinstance(self.optimizer, OptaxOptimizer) else ()
        schedule = ("the schedule is a Python function",) if isinstance(self.schedule, FunctionSchedule) else ()
        functions = [loss for loss in self.losses if isinstance(loss, FunctionLoss)]
        return (*optimizer, *schedule, *(f"the loss {loss.name!r} is a Python function" for loss in functions))

    def refuse_unless_storable(self) -> None:
        """Check that a file can hold this recipe.

        Raises:
            UpdateError: it has Python objects among its parts.
        """
        if self.python_parts:
            raise UpdateError(
                f"this recipe cannot be saved in a file: {', '.join(self.python_parts)}; "
                "a file holds the optimizers and losses of graphml.recipes"
            )


_FOLLOWING = as_key("statistics_momentum")


def _refuse_unless_a(kind: type[Part], value: Any, name: str) -> None:
    # the base classes themselves are abstract
    if not isinstance(value, kind) or (kind not in (Dropout, EarlyStopping) and type(value) is kind):
        raise UpdateError(f"{name}: expected a {kind.__name__} of graphml.recipes, got {value!r}")


def _optimizer(value: Any) -> Optimizer | OptaxOptimizer:
    if isinstance(value, OptaxOptimizer):
        return value
    if isinstance(value, GradientTransformation):
        return OptaxOptimizer(value)
    if not isinstance(value, Optimizer) or type(value) is Optimizer:
        raise UpdateError(
            f"optimizer: expected an optimizer of graphml.recipes or an optax.GradientTransformation, got {value!r}"
            + ("; a schedule is the learning rate of one, such as Adam(schedule)" if callable(value) else "")
        )
    return value


def _loss(value: Any) -> Any:
    if callable(value) and not isinstance(value, Part | type):
        return FunctionLoss(function=cast("Callable[[Any, Any], Any]", value))
    return value


def _several(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, Part) or callable(value) else tuple(value)


def _dropout(value: Any) -> tuple[Dropout, ...]:
    if isinstance(value, Mapping):
        return tuple(Dropout(blob, rate) for blob, rate in cast("Mapping[str, float]", value).items())
    return _several(value)


def _layers(value: Any) -> Layers | None:
    if value is None:
        return None
    pairs: list[Any] = [value] if isinstance(value, str) else list(getattr(value, "items", lambda: value)())
    plain = [(one, ()) if isinstance(one, str) else (one[0], tuple(one[1])) for one in pairs]
    if not plain or not all(isinstance(name, str) for name, _ in plain):
        raise UpdateError(f"layers must name at least one layer, got {value!r}")
    return tuple(plain)
