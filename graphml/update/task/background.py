"""An update in a separate process, at low priority and for a limited time.

    update = graphml.update_in_background("net.mlmodel", "photos/", "mine.mlmodel", budget_seconds=60)
    update.progress()       # Progress(state=<TaskState.RUNNING: 2>, epoch=3, epochs=10, ...)
    update.wait()           # SUSPENDED when the budget is used up: update.resume() continues

Everything is in a directory of checkpoints (`progress.checkpoints`), so the process may be killed at any time, and any
other program may take over: `BackgroundUpdate(directory)`. The directory also holds

    job.json         what to do
    progress.json    how far it is
    stop             asks the process to end; removed when a process is started
    log              what the processes have printed
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphml.errors import UpdateError, need
from graphml.spec.files import refuse_unwritable, replace_file
from graphml.update.progress.checkpoints import is_locked
from graphml.update.progress.events import TaskState
from graphml.update.progress.private_files import open_private, private_folder, writing_to
from graphml.update.task.job import Job, Progress, job_file, read_job, read_progress, stop_file, write_job

_POLL_SECONDS = 0.1


class BackgroundUpdate:
    """An update that other processes work on, one at a time.

    The process continues when the program that started it ends.
    """

    _process: subprocess.Popen[bytes] | None = None

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        """A handle on the update in a checkpoint directory. Raises UpdateError if it holds none."""
        self.directory = Path(directory).absolute()
        read_job(self.directory)

    def poll(self) -> TaskState:
        """The state: RUNNING, COMPLETED, FAILED or SUSPENDED.

        An update is SUSPENDED when the budget is used up, or when the process was cancelled or killed; `resume`
        continues it.
        """
        return self.progress().state

    def progress(self) -> Progress:
        """How far it was half a second ago."""
        is_running = self._is_running()  # first: a process that ends meanwhile has then written its final state
        found = read_progress(self.directory)
        if is_running:
            return dataclasses.replace(found, state=TaskState.RUNNING)
        # not running, though its file says so: the process was killed
        return dataclasses.replace(found, state=TaskState.SUSPENDED) if found.state is TaskState.RUNNING else found

    def resume(self, budget_seconds: float | None = None) -> None:
        """Start a process that continues the update, unless one is running or the update is completed.

        Args:
            budget_seconds: how long it may work, in seconds; None keeps the budget of the job.
        """
        if self.poll() in (TaskState.RUNNING, TaskState.COMPLETED):
            return
        job = read_job(self.directory)
        command = [sys.executable, "-m", "graphml.update.task.worker", str(self.directory)]
        with writing_to(self.directory):
            if budget_seconds is not None:
                write_job(self.directory, dataclasses.replace(job, budget_seconds=budget_seconds))
            stop_file(self.directory).unlink(missing_ok=True)
            log = open_private(self.directory / "log", "ab")
        with log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in this program must not reach it
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
            )

    def cancel(self) -> None:
        """Ask the process to write a checkpoint and end, in about a second; then the update is SUSPENDED.

        The request is a file in the directory, so no signal can reach an unrelated process.
        """
        with writing_to(self.directory):
            replace_file(stop_file(self.directory), b"", private=True)

    def wait(self, timeout: float | None = None) -> TaskState:
        """Wait until no process works on it, for at most `timeout` seconds; returns the state."""
        end = None if timeout is None else time.monotonic() + timeout
        while self._is_running() and (end is None or time.monotonic() < end):
            time.sleep(_POLL_SECONDS)
        return self.poll()

    def _is_running(self) -> bool:
        if self._process is not None and self._process.poll() is None:
            return True
        return is_locked(self.directory)

    def __del__(self) -> None:
        if self._process is not None:
            self._process.returncode = self._process.poll() or 0  # no warning: the process may outlive this program

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
    """Train a model in a separate process, which writes the result; returns a handle at once.

    Failures in that process are reported by `BackgroundUpdate.progress`.

    Args:
        model_path: the file of the model.
        data_path: a folder of images per class, or a .jsonl, .csv or .npz file.
        out_path: the file to write.
        checkpoint_dir: the directory of the update; None is `out_path` with the suffix .update. If it holds this very
            update, that one is continued.
        parameters: {name or ParameterKey: number, string or bool}.
        strict: as for a task.
        precision: as for a task.
        checkpoint_seconds: the time between checkpoints, in seconds.
        budget_seconds: the process ends after this time, SUSPENDED; None works to the end.
        nice: how much the process lowers its priority, 0 to 19.

    Raises:
        UpdateError: the directory holds another update, or a parameter is not a number, string or bool.
        SpecError: no model can be written to `out_path`.
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
    if job_file(directory).exists():
        old = read_job(directory)
        changeable: dict[str, Any] = {"budget_seconds": None, "nice": 0, "checkpoint_seconds": 0.0}
        if dataclasses.replace(old, **changeable) != dataclasses.replace(job, **changeable):
            raise UpdateError(f"{directory} holds another update: of {old.model} with {old.data} to {old.output}")
    with writing_to(directory):
        private_folder(directory)
        write_job(directory, job)
    update = BackgroundUpdate(directory)
    update.resume()
    return update
