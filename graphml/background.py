"""An update in a process of its own, at low priority and a budget of seconds at a time.

    update = graphml.update_in_background("net.mlmodel", "photos/", "mine.mlmodel", budget_seconds=60)
    update.progress()       # Progress(state=<TaskState.RUNNING: 2>, epoch=3, epochs=10, ...)
    update.wait()           # SUSPENDED when the budget is used up: update.resume() goes on

Everything is in a directory of checkpoints (`graphml.update.checkpoints`), so the process may end at any moment, and
may be looked after by another program than the one that has started it: `BackgroundUpdate(directory)`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphml.errors import GraphmlError, UpdateError, need
from graphml.models import load
from graphml.models.configuration import ModelConfiguration
from graphml.spec.files import replace_file
from graphml.training_files import read_samples
from graphml.update import MetricKey, TaskState, UpdateTask
from graphml.update.checkpoints import digest, is_locked

_POLL_SECONDS = 0.1
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
    each: called several times a second.
    """
    end = None if seconds is None else time.monotonic() + seconds
    before = task.metrics
    task.resume()
    while (
        task.wait(_POLL_SECONDS if end is None else min(_POLL_SECONDS, max(0.01, end - time.monotonic()))) not in _OVER
    ):
        late = end is not None and time.monotonic() >= end and task.metrics != before
        if late or stop():
            task.cancel()
        each()
    return task.state


# The process that works ----------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> None:
    """Do what the job in a directory says; how it went is in its progress."""
    directory = Path(arguments[0])
    job = Job(**json.loads((directory / "job.json").read_text()))
    if job.nice and hasattr(os, "nice"):
        os.nice(job.nice)
    told = _Told(directory)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    try:
        task = task_in(
            *(directory, job.model, job.data, job.parameters),
            strict=job.strict,
            precision=job.precision,
            checkpoint_seconds=job.checkpoint_seconds,
        )
        if task.state is TaskState.SUSPENDED:
            run_within(task, job.budget_seconds, lambda: told.now(task), lambda: bool(stopped))
        if task.error is not None and not task.cancelled:
            raise task.error
        if task.state is TaskState.COMPLETED:
            task.model.save(job.output)
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
        facts = {**dataclasses.asdict(progress), "state": progress.state.name, "process": os.getpid()}
        replace_file(self._path, json.dumps(facts).encode())
        self._last = time.monotonic()


def _read_progress(path: Path) -> Progress:
    try:
        facts = json.loads(path.read_text())
    except FileNotFoundError:
        return Progress()
    facts.pop("process")
    return Progress(**{**facts, "state": TaskState[facts["state"]]})


# The handle ----------------------------------------------------------------------------------------------------------


class BackgroundUpdate:
    """An update that other processes work on, one at a time, seen from outside.

    directory: that of its checkpoints. The process goes on when the program that has started it ends.
    """

    _process: subprocess.Popen[bytes] | None = None

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory).absolute()
        if not (self.directory / "job.json").exists():
            raise UpdateError(f"{directory} holds no update in the background")

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
        if budget_seconds is not None:
            job = json.loads((self.directory / "job.json").read_text())
            replace_file(self.directory / "job.json", json.dumps({**job, "budget_seconds": budget_seconds}).encode())
        command = [sys.executable, "-m", "graphml.background", str(self.directory)]
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the program that waits
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
            )

    def cancel(self) -> None:
        """Have the process write a checkpoint and end, in about a second; then it is SUSPENDED."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
        elif is_locked(self.directory):
            os.kill(json.loads((self.directory / "progress.json").read_text())["process"], signal.SIGTERM)

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
    parameters: Mapping[str, Any] | None = None,
    strict: bool = True,
    precision: str = "float32",
    checkpoint_seconds: float = 30.0,
    budget_seconds: float | None = None,
    nice: int = 10,
) -> BackgroundUpdate:
    """Train a model in a process of its own, and write the result to `out_path`; gives a handle on it at once.

    data_path: a folder of images per class, or a .jsonl, .csv or .npz file. parameters: names -> numbers.
    checkpoint_dir: `out_path` with the ending .update unless it is given; one that holds this very update goes on with
    it. budget_seconds: the process ends after them, SUSPENDED. nice: how far it gives way to others, 0 to 19.
    Raises UpdateError when the directory holds another update; what fails in the process is told by `progress`.
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
    path = directory / "job.json"
    if path.exists():
        old = Job(**json.loads(path.read_text()))
        free = {"budget_seconds": None, "nice": 0, "checkpoint_seconds": 0.0}
        if dataclasses.replace(old, **free) != dataclasses.replace(job, **free):
            raise UpdateError(f"{directory} holds another update: of {old.model} with {old.data} to {old.output}")
    directory.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(dataclasses.asdict(job)).encode())
    update = BackgroundUpdate(directory)
    update.resume()
    return update


if __name__ == "__main__":
    main(sys.argv[1:])
