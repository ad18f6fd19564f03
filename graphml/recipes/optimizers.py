"""The optimizers of a recipe, and the schedules of their learning rates. The formulas are in extension.proto."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from graphml.errors import UpdateError
from graphml.recipes.part import Part, number

# Schedules -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Schedule(Part):
    """How the learning rate changes during training.

    Args:
        warmup: the number of epochs, not necessarily an integer, in which the rate rises from 0.
    """

    _: KW_ONLY
    warmup: float = number(0.0)


@dataclass(frozen=True)
class Constant(Schedule):
    """The rate stays the same after the warm-up."""

    wire: ClassVar[str] = "constant"


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Half a cosine, from the full rate after the warm-up to `final` times that rate at the end."""

    final: float = number(0.0, parameter="decay_final")
    wire: ClassVar[str] = "cosine"


@dataclass(frozen=True)
class LinearDecay(Schedule):
    """Linear, from the full rate after the warm-up to `final` times that rate at the end."""

    final: float = number(0.0, parameter="decay_final")
    wire: ClassVar[str] = "linear"


@dataclass(frozen=True)
class StepDecay(Schedule):
    """The rate is multiplied by `factor` after every `every` epochs."""

    every: float = number(10.0, 1e-6, parameter="decay_every")
    factor: float = number(0.1, parameter="decay_factor")
    wire: ClassVar[str] = "step"


@dataclass(frozen=True)
class FunctionSchedule(Schedule):
    """A schedule that is a Python function, such as those of optax. No file can hold it.

        Adam(optax.cosine_decay_schedule(1e-3, decay_steps=500))
        SGD(0.01, schedule=optax.piecewise_constant_schedule(1.0, {200: 0.1}))

    Args:
        function: the number of steps so far, a traced int32 -> the factor of the learning rate. If it is given
            as the learning rate, it returns the rate itself.
    """

    _: KW_ONLY
    function: Callable[[Any], Any]


# Optimizers ----------------------------------------------------------------------------------------------------------

_BELOW_ONE = 0.999999  # with 1 a running mean never changes, and Adam divides by 0
_ABOVE_ZERO = 1e-30  # with 0 the step of a weight without a gradient is 0 / 0


@dataclass(frozen=True)
class Optimizer(Part):
    """How gradients change weights.

    Args:
        learning_rate: the size of the steps. A function of the number of steps, such as a schedule of optax, is stored
            as a `FunctionSchedule` of the rate 1.
        schedule: how the learning rate changes; None if it never does, as in Core ML. A function is stored as a
            `FunctionSchedule`.
    """

    learning_rate: float = number(0.01)
    _: KW_ONLY
    schedule: Schedule | None = Constant()

    def __post_init__(self) -> None:
        rate, schedule = cast("object", self.learning_rate), cast("object", self.schedule)
        if callable(rate):
            if schedule != Constant():
                raise UpdateError(f"{type(self).__name__}: learning_rate is a schedule, so `schedule` must be left out")
            schedule, rate = rate, 1.0
        if callable(schedule) and not isinstance(schedule, Schedule | type):
            schedule = FunctionSchedule(function=cast("Callable[[Any], Any]", schedule))
        object.__setattr__(self, "learning_rate", rate)
        object.__setattr__(self, "schedule", schedule)
        super().__post_init__()


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent: v = momentum v - learning_rate g, w += v.

    Args:
        weight_decay: this much of w is added to g.
    """

    _: KW_ONLY
    momentum: float = number(0.0)
    weight_decay: float | None = number(None)
    wire: ClassVar[str] = "sgd"


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam with bias correction.

    Args:
        weight_decay: this much of w is added to g.
    """

    learning_rate: float = number(0.001)
    _: KW_ONLY
    beta1: float = number(0.9, 0, _BELOW_ONE)
    beta2: float = number(0.999, 0, _BELOW_ONE)
    eps: float = number(1e-8, _ABOVE_ZERO)
    weight_decay: float | None = number(None)
    wire: ClassVar[str] = "adam"


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay: it is added to the step, not to the gradient."""

    learning_rate: float = number(0.001)
    _: KW_ONLY
    beta1: float = number(0.9, 0, _BELOW_ONE)
    beta2: float = number(0.999, 0, _BELOW_ONE)
    eps: float = number(1e-8, _ABOVE_ZERO)
    weight_decay: float = number(0.01)
    wire: ClassVar[str] = "adamW"


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """g / (sqrt(running mean of g^2) + eps), with momentum.

    Args:
        weight_decay: this much of w is added to g.
    """

    _: KW_ONLY
    decay: float = number(0.99, 0, _BELOW_ONE)
    eps: float = number(1e-8, _ABOVE_ZERO)
    momentum: float = number(0.0)
    weight_decay: float | None = number(None)
    wire: ClassVar[str] = "rmsprop"


@dataclass(frozen=True)
class Lion(Optimizer):
    """The sign of a momentum. All steps have the same size, so the rate is a tenth of Adam's."""

    learning_rate: float = number(0.0001)
    _: KW_ONLY
    beta1: float = number(0.9, 0, _BELOW_ONE)
    beta2: float = number(0.99, 0, _BELOW_ONE)
    weight_decay: float | None = number(None)
    wire: ClassVar[str] = "lion"


@runtime_checkable
class GradientTransformation(Protocol):
    """An `optax.GradientTransformation`, which cannot be named here: recipes start without JAX."""

    init: Any
    update: Any


@dataclass(frozen=True)
class OptaxOptimizer(Part):
    """An optimizer of optax. No file can hold it.

    Optimizers that need the loss get `value`, `grad` and `value_fn`, the loss of this mini-batch as a function of the
    weights. Hyperparameters are compiled in; clipping, schedules and weight decay are up to the optimizer.
    """

    transformation: GradientTransformation
