"""A progress bar for training: mini-batches, the loss, and the remaining time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:  # importing it needs JAX
    from graphml.update import UpdateTask


@contextlib.contextmanager
def training_bar(task: UpdateTask, validation_fraction: float, *, quiet: bool) -> Generator[Callable[[], None]]:
    """Show the progress of a task on standard error while the block runs, if that is a terminal.

    Args:
        task: The task.
        validation_fraction: The fraction of its samples that is held out for validation.
        quiet: Whether nothing is shown.

    Yields:
        A function that updates the bar.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("mini-batches"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        bar = progress.add_task("reading and compiling", total=None)

        def show() -> None:
            done, total, said = _progress(task, validation_fraction)
            if said:
                progress.update(bar, completed=done, total=total, description=said)

        yield show


def _progress(task: UpdateTask, validation_fraction: float) -> tuple[int, int | None, str]:
    """(mini-batches done, all mini-batches, status text); the text is empty before the first one."""
    from graphml.update import MetricKey, ParameterKey
    from graphml.update.learners.epochs import split_samples

    metrics, parameters, count = task.metrics, task.parameters, task.sample_count
    if not metrics:
        return 0, None, ""
    loss = metrics.get(MetricKey.LOSS_VALUE)
    if loss is None or not count or ParameterKey.MINI_BATCH_SIZE not in parameters:
        return 1, 1, "learned"  # nearest neighbors, which take all samples at once
    each = split_samples(count, validation_fraction).batches(parameters[ParameterKey.MINI_BATCH_SIZE])
    epoch = metrics[MetricKey.EPOCH_INDEX]
    done = epoch * each + metrics.get(MetricKey.MINI_BATCH_INDEX, each - 1) + 1
    return done, task.epochs * each, f"epoch {epoch + 1}/{task.epochs}  loss {loss:.4g}"
