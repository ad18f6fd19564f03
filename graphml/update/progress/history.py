"""The measurements of a training run: a record of each mini-batch and of each epoch, and a plot of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, overload

from graphml.errors import UpdateError, need, reason

_DIVERGED = 100.0  # losses of mini-batches vary too, so a smaller factor means little
_EASY = 0.1  # samples that are easy by chance may have a first loss near 0


@dataclass(frozen=True)
class Record:
    """One measurement.

    Attributes:
        epoch: the index of the epoch, from 0.
        batch: the index of the mini-batch, from 0; None for a whole epoch.
        loss: the mean over the samples of the mini-batch or epoch.
        metrics: {name: value}, for epochs, if the recipe asks for metrics; measured on the validation samples, or on
            all samples if there are none.
        validation_loss: for epochs, if the recipe keeps validation samples.
    """

    epoch: int
    batch: int | None
    loss: float
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    validation_loss: float | None = None

    def value(self, name: str) -> float:
        """The value of "loss", "validation_loss" or a metric. Raises UpdateError if it was not measured."""
        values = {"loss": self.loss, "validation_loss": self.validation_loss, **self.metrics}
        value = values.get(name)
        if value is None:
            known = ", ".join(key for key, value in values.items() if value is not None)
            raise UpdateError(f"{name!r} was not measured in this run; measured: {known}")
        return float(value)


class History(Sequence[Record]):
    """All records in order: those of the mini-batches of an epoch, then that of the epoch itself."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Record, ...]: ...
    def __getitem__(self, index: int | slice) -> Record | tuple[Record, ...]:
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        last = f", {self.epochs[-1]}" if self.epochs else ""
        return f"<{len(self.epochs)} epochs, {len(self.batches)} mini-batches{last}>"

    @property
    def epochs(self) -> tuple[Record, ...]:
        """The records of epochs."""
        return tuple(record for record in self._records if record.batch is None)

    @property
    def batches(self) -> tuple[Record, ...]:
        """The records of mini-batches."""
        return tuple(record for record in self._records if record.batch is not None)

    @property
    def diverged(self) -> bool:
        """Whether training has made the loss far larger: the last epoch has more than a hundred times the loss of the
        first mini-batch, which is that of the original model. A lower learning rate usually helps.
        """
        if not self._records:
            return False
        first = max(self._records[0].loss, _EASY)
        return self._records[-1].loss > _DIVERGED * first

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Plot the losses, and below them the metrics, to an image file.

        Args:
            path: ends with .png, .svg or .pdf.

        Raises:
            MissingExtraError: matplotlib is not installed (the extra "plot").
            UpdateError: nothing was measured yet, or the file cannot be written.
        """
        refuse_unless_plottable(path)
        drawing = need("matplotlib.figure", "plot")
        if not self._records:
            raise UpdateError("there is nothing to plot: no mini-batch is done yet")
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
        validated = [record for record in self.epochs if record.validation_loss is not None]
        if validated:
            losses = [record.value("validation_loss") for record in validated]
            axes[0].plot([record.epoch + 1 for record in validated], losses, marker=".", label="validation")
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
        except (OSError, ValueError) as error:  # ValueError: a path with a null character
            raise UpdateError(f"{path} cannot be written: {reason(error)}") from error


def refuse_unless_plottable(path: str | os.PathLike[str]) -> None:
    """Check that losses can be plotted to a file, before they are measured.

    Raises:
        MissingExtraError: matplotlib is not installed (the extra "plot").
        UpdateError: the file does not have the suffix of an image format.
    """
    need("matplotlib", "plot")
    known = need("matplotlib.backend_bases", "plot").FigureCanvasBase.get_supported_filetypes()
    kind = os.path.splitext(path)[1]
    if kind and kind[1:].lower() not in known:
        raise UpdateError(f"{path} cannot be written: the name of a plot must end in .png, .svg or .pdf, got {kind!r}")


def batch_records(epoch: int, losses: Iterable[Any]) -> tuple[Record, ...]:
    """The records of the first mini-batches of an epoch, from their losses."""
    return tuple(Record(epoch, batch, float(loss)) for batch, loss in enumerate(losses))


def as_plain(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Records as values that JSON can hold."""
    return [asdict(record) for record in records]


def from_plain(values: Iterable[Mapping[str, Any]]) -> tuple[Record, ...]:
    """The inverse of `as_plain`."""
    return tuple(Record(**value) for value in values)
