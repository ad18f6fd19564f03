"""The process of a background update: it does the job in a checkpoint directory.

python -m graphml.update.task.worker DIRECTORY
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from graphml.errors import GraphmlError, UpdateError
from graphml.models import Model, load
from graphml.models.configuration import ModelConfiguration
from graphml.models.program import MLProgram
from graphml.recipes import Recipe
from graphml.spec.files import refuse_unwritable
from graphml.update.data.files import read_samples
from graphml.update.edit.updatable import without_recipe
from graphml.update.progress.checkpoints import CheckpointDirectory, digest
from graphml.update.progress.events import MetricKey, TaskState
from graphml.update.task.job import Progress, read_job, read_progress, stop_file, write_progress
from graphml.update.task.task import UpdateTask

_POLL_SECONDS = 0.1
_PROGRESS_SECONDS = 0.5
_OVER = (TaskState.COMPLETED, TaskState.FAILED)


def main(arguments: list[str]) -> None:
    """Do the job in a directory, and write the outcome to its progress file.

    Args:
        arguments: the directory.
    """
    directory = Path(arguments[0])
    report = _ProgressReport(directory)
    signals: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))
    try:
        job = read_job(directory)
        if job.nice and hasattr(os, "nice"):
            os.nice(job.nice)
        refuse_unwritable(job.output)
        task = task_in(
            *(directory, job.model, job.data, job.parameters),
            strict=job.strict,
            precision=job.precision,
            checkpoint_seconds=job.checkpoint_seconds,
        )
        if task.state is TaskState.SUSPENDED:
            stop = stop_file(directory)
            run_within(task, job.budget_seconds, lambda: report.update(task), lambda: bool(signals) or stop.exists())
        if task.error is not None and not task.cancelled:
            raise task.error
        if task.state is TaskState.COMPLETED:
            save_result(task, job.output, directory)
        elif task.checkpoint_error is not None:  # the work of this process is lost
            raise task.checkpoint_error
        report.finish(task, TaskState.COMPLETED if task.state is TaskState.COMPLETED else TaskState.SUSPENDED)
    except GraphmlError as error:
        report.fail(f"{type(error).__name__}: {error}")
        sys.exit(1)
    except BaseException as error:
        report.fail(f"{type(error).__name__}: {error}")
        raise


class _ProgressReport:
    """Writes the progress of a task, at most twice a second."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._last = directory, -1.0
        self._began, self._before = time.monotonic(), read_progress(directory)
        self._write(dataclasses.replace(self._before, state=TaskState.RUNNING, error=None))

    def update(self, task: UpdateTask) -> None:
        if time.monotonic() - self._last >= _PROGRESS_SECONDS:
            with contextlib.suppress(OSError):  # a full disk is not a reason to stop
                self._write(self._of(task, TaskState.RUNNING))

    def finish(self, task: UpdateTask, state: TaskState) -> None:
        self._write(self._of(task, state))

    def fail(self, message: str) -> None:
        self._write(dataclasses.replace(read_progress(self._directory), state=TaskState.FAILED, error=message))

    def _of(self, task: UpdateTask, state: TaskState) -> Progress:
        metrics = task.metrics
        return Progress(
            state=state,
            epoch=metrics.get(MetricKey.EPOCH_INDEX),
            epochs=task.epochs,
            mini_batch=metrics.get(MetricKey.MINI_BATCH_INDEX),
            loss=metrics.get(MetricKey.LOSS_VALUE),
            samples=self._before.samples if task.sample_count is None else task.sample_count,
            seconds=self._before.seconds + time.monotonic() - self._began,
        )

    def _write(self, progress: Progress) -> None:
        self._last = time.monotonic()
        write_progress(self._directory, progress)


# Parts that the command line uses too --------------------------------------------------------------------------------


def task_in(
    directory: str | os.PathLike[str],
    model: Model | str | os.PathLike[str],
    data: str | os.PathLike[str],
    parameters: Mapping[str, Any],
    *,
    strict: bool = True,
    precision: Any = "float32",
    recipe: Recipe | None = None,
    **keyword: Any,
) -> UpdateTask:
    """The task of a checkpoint directory, restored or new.

    Args:
        directory: the directory.
        model: the model, or its file.
        data: the file or folder of the training data.
        parameters: {name: value}.
        strict: for a new task.
        precision: for a new task.
        recipe: for a new task, instead of the recipe of the model.
        **keyword: further options of `UpdateTask`.

    Raises:
        UpdateError: the directory holds an update of another model.
    """
    where = model.path if isinstance(model, Model) else model
    model = model if isinstance(model, Model) else load(model)
    samples = read_samples(Path(data), model.spec)
    configuration = ModelConfiguration(parameters=parameters)
    if not (Path(directory) / "update.json").exists():
        more: dict[str, Any] = {"strict": strict, "precision": precision, "recipe": recipe, **keyword}
        return UpdateTask(model, samples, configuration, checkpoint_dir=directory, **more)
    if _digest(CheckpointDirectory.model_in(directory)) != _digest(model):
        raise UpdateError(f"{directory} holds an update of another model than {where}")
    return UpdateTask.restore(directory, samples, configuration, **keyword)


def _digest(model: Model | str | os.PathLike[str]) -> str:
    """The digest of a model as it was before it got a recipe that its own file does not keep."""
    model = model if isinstance(model, Model) else load(model)
    return digest(without_recipe(model) if isinstance(model, MLProgram) else model)


def run_within(
    task: UpdateTask, seconds: float | None, each: Callable[[], Any] = lambda: None, stop: Callable[[], bool] = bool
) -> TaskState:
    """Start a task and wait for its end; cancel it after some time, or on request.

    However short the time is, the task makes some progress first. An exception in `each` or `stop`, Ctrl-C included,
    cancels the task and is raised when it is over.

    Args:
        task: the task.
        seconds: the time; None is unlimited.
        each: called several times a second.
        stop: whether to cancel now.

    Returns:
        The final state.
    """
    end = None if seconds is None else time.monotonic() + seconds
    before = task.metrics
    task.resume()
    try:
        while (
            task.wait(_POLL_SECONDS if end is None else min(_POLL_SECONDS, max(0.01, end - time.monotonic())))
            not in _OVER
        ):
            late = end is not None and time.monotonic() >= end and task.metrics != before
            if late or stop():
                task.cancel()
            each()
    except BaseException:
        task.cancel()
        task.wait()
        raise
    return task.state


def save_result(task: UpdateTask, output: str | os.PathLike[str], directory: str | os.PathLike[str] | None) -> None:
    """Write the model of a task that is completed.

    Args:
        task: the task.
        output: the file to write.
        directory: of its checkpoints; None if it has none.

    Raises:
        UpdateError: the file cannot be written; the message says where the trained model is instead.
    """
    try:
        task.model.save(output)
    except GraphmlError as error:
        raise UpdateError(f"{error}\n{_saved_elsewhere(task, Path(output), directory)}") from error


def _saved_elsewhere(task: UpdateTask, output: Path, directory: str | os.PathLike[str] | None) -> str:
    """Save the model in another place, and return a message that says where."""
    if directory is not None and task.checkpoint_error is None:
        return f"the trained model is kept in {directory}: continue that update to write it again"
    model: Model = task.model
    reason: GraphmlError | OSError | None = None
    for place in (output.parent, Path(tempfile.gettempdir())):
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{output.stem}-kept-", dir=place))
        except OSError as error:
            reason = error
            continue
        try:
            model.save(folder / output.name)
        except GraphmlError as error:
            reason = error
            with contextlib.suppress(OSError):
                folder.rmdir()
        else:
            return f"the trained model is kept in {folder / output.name}"
    return f"the trained model could not be saved anywhere else either: {reason}"


if __name__ == "__main__":
    main(sys.argv[1:])
