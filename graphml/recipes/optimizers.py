"""The optimizers of a recipe, and the schedules of their learning rates. The formulas are in extension.proto."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from graphml.recipes.part import Part, number

# Schedules -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Schedule(Part):
    """How the learning rate changes during training.

    Args:
        warmup: the epochs, whole or not, in which the rate rises from 0.
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
    """A straight line, from the full rate after the warm-up to `final` times that rate at the end."""

    final: float = number(0.0, parameter="decay_final")
    wire: ClassVar[str] = "linear"


@dataclass(frozen=True)
class StepDecay(Schedule):
    """The rate is multiplied by `factor` after every `every` epochs."""

    every: float = number(10.0, 1e-6, parameter="decay_every")
    factor: float = number(0.1, parameter="decay_factor")
    wire: ClassVar[str] = "step"


# Optimizers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Optimizer(Part):
    """How gradients change weights.

    Args:
        learning_rate: the size of the steps.
        schedule: how the learning rate changes; None if it never does, as in Core ML.
    """

    learning_rate: float = number(0.01)
    _: KW_ONLY
    schedule: Schedule | None = Constant()


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
    beta1: float = number(0.9, 0, 1)
    beta2: float = number(0.999, 0, 1)
    eps: float = number(1e-8)
    weight_decay: float | None = number(None)
    wire: ClassVar[str] = "adam"


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay: it is added to the step, not to the gradient."""

    learning_rate: float = number(0.001)
    _: KW_ONLY
    beta1: float = number(0.9, 0, 1)
    beta2: float = number(0.999, 0, 1)
    eps: float = number(1e-8)
    weight_decay: float = number(0.01)
    wire: ClassVar[str] = "adamW"


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """g / (sqrt(running mean of g^2) + eps), with momentum.

    Args:
        weight_decay: this much of w is added to g.
    """

    _: KW_ONLY
    decay: float = number(0.99, 0, 1)
    eps: float = number(1e-8)
    momentum: float = number(0.0)
    weight_decay: float | None = number(None)
    wire: ClassVar[str] = "rmsprop"


@dataclass(frozen=True)
class Lion(Optimizer):
    """The sign of a momentum. All steps have the same size, so the rate is a tenth of Adam's."""

    learning_rate: float = number(0.0001)
    _: KW_ONLY
    beta1: float = number(0.9, 0, 1)
    beta2: float = number(0.99, 0, 1)
    weight_decay: float | None = number(None)
    wire: ClassVar[str] = "lion"


@runtime_checkable
class GradientTransformation(Protocol):
    """An `optax.GradientTransformation`, which cannot be named here: recipes start without JAX."""

    init: Any
    update: Any


@dataclass(frozen=True)
class OptaxOptimizer(Part):
    """An optimizer of optax, as it is. No file can hold it.

    Its numbers are compiled in, and clipping, schedules and weight decay are its own.
    """

    transformation: GradientTransformation
