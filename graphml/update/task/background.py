"""An update in a process of its own, at low priority and a budget of seconds at a time.

    update = graphml.update_in_background("net.mlmodel", "photos/", "mine.mlmodel", budget_seconds=60)
    update.progress()       # Progress(state=<TaskState.RUNNING: 2>, epoch=3, epochs=10, ...)
    update.wait()           # SUSPENDED when the budget is used up: update.resume() goes on

Everything is in a directory of checkpoints (`progress.checkpoints`), so the process may end at any moment, and
may be looked after by another program than the one that has started it: `BackgroundUpdate(directory)`. Beside the
checkpoints there are

    job.json         what to do
    progress.json    how far it is
    stop             asks the process to end; removed when one is started
    log              what a process has printed
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from graphml.errors import GraphmlError, UpdateError, need, with_article
from graphml.models import Model, load
from graphml.models.configuration import ModelConfiguration
from graphml.models.interface.values import in_words
from graphml.spec.files import refuse_unwritable, replace_file
from graphml.update import MetricKey, ParameterKey, TaskState, UpdateTask
from graphml.update.data.files import read_samples
from graphml.update.progress.checkpoints import digest, is_locked
from graphml.update.progress.private_files import (
    as_facts_of,
    open_private,
    private_folder,
    read_facts,
    write_facts,
    writing_to,
)

_POLL_SECONDS = 0.1
_JOB, _STOP = "job.json", "stop"
_OVER = (TaskState.COMPLETED, TaskState.FAILED)


@dataclass(frozen=True)
class Progress:
    """How far an update is. state: SUSPENDED while no process works on it. seconds: of work, in all processes."""

    state: TaskState = TaskState.SUSPENDED
    epoch: int | None = None
    epochs: int | None = None
    mini_batch: int | None = None
    loss: float | None = None
    samples: int | None = None
    seconds: float = 0.0
    error: str | None = None


@dataclass(frozen=True)
class Job:
    """What a process is asked to do. budget_seconds: None works to the end. nice: as of the command of that name."""

    model: str
    data: str
    output: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = True
    precision: str = "float32"
    checkpoint_seconds: float = 30.0
    budget_seconds: float | None = None
    nice: int = 10

    def __post_init__(self) -> None:
        """Numbers of any library, and keys as names: a job is a file of JSON."""
        for name in ("strict", "precision", "checkpoint_seconds", "budget_seconds", "nice"):
            object.__setattr__(self, name, _plain(name, getattr(self, name)))
        if isinstance(self.parameters, Mapping):
            named = {_name(key): _plain(_name(key), value) for key, value in self.parameters.items()}
            object.__setattr__(self, "parameters", named)


def _name(key: Any) -> str:
    if not isinstance(key, str | ParameterKey):
        raise UpdateError(f"a parameter is a ParameterKey or the name of one, not {with_article(type(key).__name__)}")
    return str(key)


def _plain(name: str, value: Any) -> Any:
    """A number, text or switch as JSON holds it."""
    if isinstance(value, str | None):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    array = np.asarray(value)
    if array.size == 1 and array.dtype.kind in "biuf" and type(array.item()) in (bool, int, float):
        return array.item()
    raise UpdateError(f"{name} cannot be {in_words(value)} in the background; expected a number, a text or a switch")


def task_in(
    directory: str | os.PathLike[str],
    model: str | os.PathLike[str],
    data: str | os.PathLike[str],
    parameters: Mapping[str, Any],
    *,
    strict: bool = True,
    precision: Any = "float32",
    **keyword: Any,
) -> UpdateTask:
    """The task of a checkpoint directory, where it stood; a new one where the directory holds none.

    Raises UpdateError when the directory is about another model.
    """
    samples = read_samples(Path(data), load(model).spec)
    configuration = ModelConfiguration(parameters=parameters)
    if not (Path(directory) / "update.json").exists():
        more = {"strict": strict, "precision": precision, **keyword}
        return UpdateTask(model, samples, configuration, checkpoint_dir=directory, **more)
    if digest(load(Path(directory) / "model.mlmodel").spec) != digest(load(model).spec):
        raise UpdateError(f"{directory} holds an update of another model than {model}")
    return UpdateTask.restore(directory, samples, configuration, **keyword)


def run_within(
    task: UpdateTask, seconds: float | None, each: Callable[[], Any] = lambda: None, stop: Callable[[], bool] = bool
) -> TaskState:
    """Start a task and wait for its end; when the seconds are over, or `stop` says so, cancel it.

    Time does not run out before a task has done something: however few the seconds are, each time it gets on.
    each: called several times a second. Whatever these two raise, Ctrl-C included, ends the task first.
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
    """Write the model of a task that has completed.

    directory: that of its checkpoints. Raises UpdateError when the model cannot be written; what was learned is then
    kept elsewhere, and the message says where.
    """
    try:
        task.model.save(output)
    except GraphmlError as error:
        raise UpdateError(f"{error}\n{_kept(task.model, Path(output), task, directory)}") from error


def _kept(model: Model, output: Path, task: UpdateTask, directory: str | os.PathLike[str] | None) -> str:
    """Where what was learned is, when it is not where it was to be."""
    if directory is not None and task.checkpoint_error is None:
        return f"what was learned is kept in {directory}: going on with that update writes the model again"
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
            return f"what was learned is kept in {folder / output.name}"
    return f"what was learned could not be kept anywhere else either: {reason}"


# The process that works ----------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> None:
    """Do what the job in a directory says; how it went is in its progress."""
    directory = Path(arguments[0])
    told = _Told(directory)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    try:
        job = _read_job(directory)
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
            stop = directory / _STOP
            run_within(task, job.budget_seconds, lambda: told.now(task), lambda: bool(stopped) or stop.exists())
        if task.error is not None and not task.cancelled:
            raise task.error
        if task.state is TaskState.COMPLETED:
            save_result(task, job.output, directory)
        elif task.checkpoint_error is not None:  # what was done now is lost
            raise task.checkpoint_error
        told.finally_(TaskState.COMPLETED if task.state is TaskState.COMPLETED else TaskState.SUSPENDED, task)
    except GraphmlError as error:
        told.failed(f"{type(error).__name__}: {error}")
        sys.exit(1)
    except BaseException as error:
        told.failed(f"{type(error).__name__}: {error}")
        raise


class _Told:
    """Writes progress, half a second apart."""

    def __init__(self, directory: Path) -> None:
        self._path, self._last = directory / "progress.json", -1.0
        self._began, self._before = time.monotonic(), _read_progress(self._path)
        self._write(dataclasses.replace(self._before, state=TaskState.RUNNING, error=None))

    def now(self, task: UpdateTask) -> None:
        if time.monotonic() - self._last >= 0.5:
            with contextlib.suppress(OSError):  # a full disk is no reason to stop
                self._write(self._of(task, TaskState.RUNNING))

    def finally_(self, state: TaskState, task: UpdateTask) -> None:
        self._write(self._of(task, state))

    def failed(self, message: str) -> None:
        self._write(dataclasses.replace(_read_progress(self._path), state=TaskState.FAILED, error=message))

    def _of(self, task: UpdateTask, state: TaskState) -> Progress:
        metrics = task.metrics
        count = self._before.samples if task.sample_count is None else task.sample_count
        return Progress(
            state=state,
            epoch=metrics.get(MetricKey.EPOCH_INDEX),
            epochs=task.epochs,
            mini_batch=metrics.get(MetricKey.MINI_BATCH_INDEX),
            loss=metrics.get(MetricKey.LOSS_VALUE),
            samples=count,
            seconds=self._before.seconds + time.monotonic() - self._began,
        )

    def _write(self, progress: Progress) -> None:
        self._last = time.monotonic()
        facts = {**dataclasses.asdict(progress), "state": progress.state.name, "process": os.getpid()}
        write_facts(self._path, facts)


def _read_progress(path: Path) -> Progress:
    """Raises UpdateError that names the file when it is damaged."""
    try:
        facts = read_facts(path)
        facts.pop("process", None)  # for people: another process may have the number by now
        state = facts.get("state")
        return as_facts_of(Progress, {**facts, "state": TaskState.__members__.get(str(state), state)}, path)
    except FileNotFoundError:
        return Progress()
    except UpdateError as error:
        raise UpdateError(f"{error}\nThe file may be removed: the update goes on from its checkpoint.") from None


def _read_job(directory: Path) -> Job:
    """Raises UpdateError that names the file when it is missing or damaged."""
    path = directory / _JOB
    try:
        job = as_facts_of(Job, read_facts(path), path)
    except FileNotFoundError:
        raise UpdateError(f"{directory} holds no update in the background: there is no file {path}") from None
    for name in (job.model, job.data, job.output):
        if "\0" in name:
            raise UpdateError(f"{path} cannot be read: the name of a file cannot be {name!r}")
    return job


def _write_job(directory: Path, job: Job) -> None:
    write_facts(directory / _JOB, dataclasses.asdict(job))


# The handle ----------------------------------------------------------------------------------------------------------


class BackgroundUpdate:
    """An update that other processes work on, one at a time, seen from outside.

    directory: that of its checkpoints. The process goes on when the program that has started it ends.
    """

    _process: subprocess.Popen[bytes] | None = None

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory).absolute()
        _read_job(self.directory)

    def poll(self) -> TaskState:
        """RUNNING, COMPLETED, FAILED; or SUSPENDED when the budget is used up, or when the process was cancelled or
        killed, and `resume` can go on."""
        return self.progress().state

    def progress(self) -> Progress:
        """How far it was half a second ago."""
        runs = self._runs()  # first: a process that ends meanwhile has then written how
        found = _read_progress(self.directory / "progress.json")
        if runs:
            return dataclasses.replace(found, state=TaskState.RUNNING)
        # the process was killed
        return dataclasses.replace(found, state=TaskState.SUSPENDED) if found.state is TaskState.RUNNING else found

    def resume(self, budget_seconds: float | None = None) -> None:
        """Let a process go on for the budget of the job, or another. Does nothing while one works, or after the end."""
        if self.poll() in (TaskState.RUNNING, TaskState.COMPLETED):
            return
        job = _read_job(self.directory)
        command = [sys.executable, "-m", "graphml.update.task.background", str(self.directory)]
        with writing_to(self.directory):
            if budget_seconds is not None:
                _write_job(self.directory, dataclasses.replace(job, budget_seconds=budget_seconds))
            (self.directory / _STOP).unlink(missing_ok=True)
            log = open_private(self.directory / "log", "ab")
        with log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the program that waits
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
            )

    def cancel(self) -> None:
        """Have the process write a checkpoint and end, in about a second; then it is SUSPENDED.

        It is asked through a file in the directory, so nothing happens to other processes, whatever is found there.
        """
        with writing_to(self.directory):
            replace_file(self.directory / _STOP, b"", private=True)

    def wait(self, timeout: float | None = None) -> TaskState:
        """Wait until no process works on it any more, or for `timeout` seconds; the state then."""
        end = None if timeout is None else time.monotonic() + timeout
        while self._runs() and (end is None or time.monotonic() < end):
            time.sleep(_POLL_SECONDS)
        return self.poll()

    def _runs(self) -> bool:
        if self._process is not None and self._process.poll() is None:
            return True
        return is_locked(self.directory)

    def __del__(self) -> None:
        if self._process is not None:
            self._process.returncode = self._process.poll() or 0  # it may well go on without this program

    def __repr__(self) -> str:
        return f"BackgroundUpdate({str(self.directory)!r}): {self.progress()}"


def update_in_background(
    model_path: str | os.PathLike[str],
    data_path: str | os.PathLike[str],
    out_path: str | os.PathLike[str],
    *,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    parameters: Mapping[Any, Any] | None = None,
    strict: bool = True,
    precision: str = "float32",
    checkpoint_seconds: float = 30.0,
    budget_seconds: float | None = None,
    nice: int = 10,
) -> BackgroundUpdate:
    """Train a model in a process of its own, and write the result to `out_path`; gives a handle on it at once.

    data_path: a folder of images per class, or a .jsonl, .csv or .npz file. parameters: {name or ParameterKey: number,
    text or switch}. checkpoint_dir: `out_path` with the ending .update unless it is given; one that holds this very
    update goes on with it. budget_seconds: the process ends after them, SUSPENDED. nice: how far it gives way to
    others, 0 to 19.
    Raises UpdateError when the directory holds another update, and for parameters that are none of these; SpecError
    when no model can be written to `out_path`. What fails in the process is told by `progress`.
    """
    need("orbax.checkpoint", "checkpoints")
    out = Path(out_path).absolute()
    directory = Path(checkpoint_dir).absolute() if checkpoint_dir is not None else out.with_suffix(".update")
    job = Job(
        model=str(Path(model_path).absolute()),
        data=str(Path(data_path).absolute()),
        output=str(out),
        parameters=dict(parameters or {}),
        strict=strict,
        precision=precision,
        checkpoint_seconds=checkpoint_seconds,
        budget_seconds=budget_seconds,
        nice=nice,
    )
    refuse_unwritable(out)
    if (directory / _JOB).exists():
        old = _read_job(directory)
        free = {"budget_seconds": None, "nice": 0, "checkpoint_seconds": 0.0}
        if dataclasses.replace(old, **free) != dataclasses.replace(job, **free):
            raise UpdateError(f"{directory} holds another update: of {old.model} with {old.data} to {old.output}")
    with writing_to(directory):
        private_folder(directory)
        _write_job(directory, job)
    update = BackgroundUpdate(directory)
    update.resume()
    return update


if __name__ == "__main__":
    main(sys.argv[1:])
