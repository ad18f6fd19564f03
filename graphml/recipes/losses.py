"""The losses of a recipe. How each is computed is in `graphml.update.step.losses`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from graphml.recipes.part import Part, number


@dataclass(frozen=True)
class Loss(Part):
    """What training minimizes: the distance between a blob and a target in the training data.

    What is left out, `completed` and `recipe_of` fill in from the model.

    Args:
        input: the blob. Empty: the probabilities of a classifier, or the first output of another model.
        target: a training input of the model. Empty: the label of a classifier if the loss takes classes, otherwise
            `<input>_true`.
        weight: the factor of this loss in the sum of all losses; None for 1 that no update changes.
        name: the scope of its parameters. Empty: `<input>_loss`.
        width: read from the model: the number of elements in the target of one sample, 1 for a class index, or
            the number of classes if the target is their probabilities. 0: the target is an array with as many
            elements as the blob.
    """

    input: str = ""
    target: str = ""
    _: KW_ONLY
    weight: float | None = number(1.0, parameter="loss_weight", optional=True)
    name: str = ""
    width: int = 0

    takes_class: ClassVar[bool] = False
    """Whether the target is a class."""

    @property
    def scope(self) -> tuple[str, ...]:
        """The name of the loss."""
        return (self.name,)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """-log p of the true class.

    Args:
        label_smoothing: the fraction s of the target that is spread evenly over all classes; the true class keeps
            1 - s.
    """

    _: KW_ONLY
    label_smoothing: float | None = number(None, 0, 1)
    wire: ClassVar[str] = "crossEntropy"
    takes_class: ClassVar[bool] = True


@dataclass(frozen=True)
class SquaredError(Loss):
    """The mean of (input - target)^2."""

    wire: ClassVar[str] = "squaredError"


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """The mean of -(t log p + (1 - t) log(1 - p)), for targets t from 0 to 1.

    Args:
        label_smoothing: s changes targets to t (1 - s) + s / 2.
    """

    _: KW_ONLY
    label_smoothing: float | None = number(None, 0, 1)
    wire: ClassVar[str] = "binaryCrossEntropy"


@dataclass(frozen=True)
class Huber(Loss):
    """The mean of d^2 / 2 where |d| <= delta, and of delta (|d| - delta / 2) elsewhere, for d = input - target."""

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
    """For all pairs of samples in a mini-batch: d^2 if both have the same class, max(0, margin - d)^2 otherwise.

    The input is an embedding, d the distance between two of them; the target is the class.
    """

    _: KW_ONLY
    margin: float = number(1.0)
    wire: ClassVar[str] = "contrastive"
    takes_class: ClassVar[bool] = True


@dataclass(frozen=True)
class FunctionLoss(Loss):
    """A loss that is a Python function. No file can hold it.

        FunctionLoss("logits", function=optax.softmax_cross_entropy_with_integer_labels)

    Args:
        function: function(prediction, target), called for one sample; the mean of what it returns is minimized. Both
            arguments are vectors of the same length. If the target is a class, it is the index of the class (a scalar,
            int32). It is a class if it is the label of a classifier, or a training input with one int32 element.
    """

    _: KW_ONLY
    function: Callable[[Any, Any], Any]
