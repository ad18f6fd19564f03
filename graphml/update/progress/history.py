"""What a training run has measured: a record of each mini-batch and of each epoch, and a picture of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from graphml.errors import UpdateError, need
from graphml.recipes import EarlyStopping


@dataclass(frozen=True)
class Record:
    """One measurement. Numbers count from 0.

    batch: None for a whole epoch; loss is then the mean over its samples. metrics and validation_loss: of epochs, where
    the recipe asks for them; metrics are of the samples kept for validation, or of all where none are kept.
    """

    epoch: int
    batch: int | None
    loss: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    validation_loss: float | None = None

    def value(self, name: str) -> float:
        """Of loss, validation_loss or a metric. Raises UpdateError for what was not measured."""
        values = {"loss": self.loss, "validation_loss": self.validation_loss, **self.metrics}
        if values.get(name) is None:
            known = ", ".join(key for key, value in values.items() if value is not None)
            raise UpdateError(f"{name!r} is not measured in this run; measured are {known}")
        return float(values[name])  # type: ignore[arg-type]


class History(Sequence[Record]):
    """All records in order: those of the mini-batches of an epoch, then that of the epoch. `epochs` and `batches` are
    the two kinds by themselves."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = tuple(records)

    def __getitem__(self, index: Any) -> Any:
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        last = f", {self.epochs[-1]}" if self.epochs else ""
        return f"<{len(self.epochs)} epochs, {len(self.batches)} mini-batches{last}>"

    @property
    def epochs(self) -> tuple[Record, ...]:
        return tuple(record for record in self._records if record.batch is None)

    @property
    def batches(self) -> tuple[Record, ...]:
        return tuple(record for record in self._records if record.batch is not None)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw losses, and metrics below them, into an image file (.png, .svg, .pdf).

        Raises MissingExtraError without matplotlib (the extra "plot"), UpdateError when nothing was measured yet, and
        when the file cannot be written.
        """
        need("matplotlib", "plot")
        drawing = need("matplotlib.figure", "plot")

        if not self._records:
            raise UpdateError("there is nothing to draw: no mini-batch is done yet")
        names = list(dict.fromkeys(name for record in self.epochs for name in record.metrics))
        figure = drawing.Figure(figsize=(7, 7 if names else 4), layout="constrained")
        axes = figure.subplots(2 if names else 1, squeeze=False, sharex=True)[:, 0]
        rows: dict[int, int] = {}
        for record in self.batches:
            rows[record.epoch] = rows.get(record.epoch, 0) + 1
        places = [record.epoch + ((record.batch or 0) + 1) / rows[record.epoch] for record in self.batches]
        axes[0].plot(places, [r.loss for r in self.batches], color="0.8", linewidth=0.8, label="mini-batches")
        ends = [record.epoch + 1 for record in self.epochs]
        axes[0].plot(ends, [record.loss for record in self.epochs], marker=".", label="training")
        judged = [record for record in self.epochs if record.validation_loss is not None]
        if judged:
            losses = [record.value("validation_loss") for record in judged]
            axes[0].plot([record.epoch + 1 for record in judged], losses, marker=".", label="validation")
        axes[0].set_ylabel("loss")
        for name in names:
            axes[1].plot(ends, [r.metrics.get(name) for r in self.epochs], marker=".", label=name.replace("_", " "))
        if names:
            axes[1].set_ylim(0, 1.02)
        for one in axes:
            one.legend()
            one.grid(alpha=0.3)
        axes[-1].set_xlabel("epochs")
        try:
            figure.savefig(path)
        except (OSError, ValueError) as error:  # ValueError: no kind of image has this ending
            raise UpdateError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from error


def batch_records(epoch: int, losses: Iterable[Any]) -> tuple[Record, ...]:
    """The records of the mini-batches of an epoch that are done."""
    return tuple(Record(epoch, batch, float(loss)) for batch, loss in enumerate(losses))


def as_plain(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Records as JSON can hold them."""
    return [asdict(record) for record in records]


def from_plain(values: Iterable[Mapping[str, Any]]) -> tuple[Record, ...]:
    return tuple(Record(**value) for value in values)


# Early stopping ------------------------------------------------------------------------------------------------------


def monitored(stopping: EarlyStopping | None, record: Record) -> float:
    """What is to become small: a loss, or a metric with its sign turned."""
    name = "" if stopping is None else stopping.monitor
    if not name:
        name = "loss" if stopping is None or record.validation_loss is None else "validation_loss"
    return record.value(name) if name.endswith("loss") else -record.value(name)


def is_enough(stopping: EarlyStopping | None, records: Iterable[Record]) -> bool:
    """Whether the last `patience` epochs have brought nothing."""
    if stopping is None:
        return False
    best, waited = float("inf"), 0
    for record in records:
        if record.batch is None:
            value = monitored(stopping, record)
            waited = 0 if value < best - stopping.min_delta else waited + 1
            best = min(best, value) if waited else value
    return waited >= stopping.patience
