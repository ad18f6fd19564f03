"""What a recipe measures after each epoch, and when it stops early because of it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from graphml.recipes.part import Part, integer, number, switch


@dataclass(frozen=True)
class Metric(Part):
    """A quantity measured after each epoch, on the validation samples if there are any, otherwise on all samples."""

    @property
    def name(self) -> str:
        """Its name in the history of training."""
        raise NotImplementedError


@dataclass(frozen=True)
class Accuracy(Metric):
    """The fraction of samples that are classified correctly."""

    wire: ClassVar[str] = "accuracy"

    @property
    def name(self) -> str:
        """accuracy"""
        return "accuracy"


@dataclass(frozen=True)
class TopK(Metric):
    """The fraction of samples whose class is among the k most probable ones.

    Raises:
        UpdateError: k is not an integer of at least 1.
    """

    k: int = 5
    wire: ClassVar[str] = "topK"

    def __post_init__(self) -> None:
        integer(self.k, "k")

    @property
    def name(self) -> str:
        """top_<k>_accuracy"""
        return f"top_{self.k}_accuracy"


@dataclass(frozen=True)
class EarlyStopping(Part):
    """Stop when the monitored value has not improved by more than `min_delta` for `patience` epochs.

    Args:
        patience: epochs.
        min_delta: the smallest change that counts as an improvement.
        restore_best: end with the weights of the best epoch, not with those of the last.
        monitor: "loss", "validation_loss" or the name of a metric. Empty: "validation_loss" if there are validation
            samples, otherwise "loss".

    Raises:
        UpdateError: patience is not an integer of at least 1, min_delta is negative, or restore_best is not a bool.
    """

    patience: int = 3
    _: KW_ONLY
    min_delta: float = number(0.0, parameter="")
    restore_best: bool = True
    monitor: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        integer(self.patience, "patience")
        switch(self.restore_best, "restore_best")
