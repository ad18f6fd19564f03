"""The job and the progress of an update in a separate process, as JSON files in its checkpoint directory."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from graphml.errors import UpdateError, in_words, with_article
from graphml.recipes.parameters import ParameterKey, refuse_unless_seconds
from graphml.recipes.part import integer
from graphml.update.progress.events import TaskState
from graphml.update.progress.private_files import as_facts_of, read_facts, write_facts


@dataclass(frozen=True)
class Progress:
    """How far an update is.

    Attributes:
        state: SUSPENDED while no process works on it.
        epoch: the index of the current epoch.
        epochs: the number of all epochs.
        mini_batch: the index of the latest mini-batch.
        loss: the latest loss.
        samples: the number of samples.
        seconds: the time that all processes have worked on it, in seconds.
        error: why it has failed.
    """

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
    """What a process has to do.

    Attributes:
        model: the file of the model.
        data: the file or folder of the training data.
        output: the file to write.
        parameters: {name: value}.
        strict: as for a task.
        precision: as for a task.
        checkpoint_seconds: the time between checkpoints, in seconds.
        budget_seconds: how long the process may work, in seconds; None works to the end.
        nice: how much the process lowers its priority, as the command of that name does: 0 to 19.
    """

    model: str
    data: str
    output: str
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    strict: bool = True
    precision: str = "float32"
    checkpoint_seconds: float = 30.0
    budget_seconds: float | None = None
    nice: int = 10

    def __post_init__(self) -> None:
        """Convert numbers of any library, and keys of parameters, to what JSON can hold, and check the numbers."""
        for name in ("strict", "precision", "checkpoint_seconds", "budget_seconds", "nice"):
            object.__setattr__(self, name, _plain(name, getattr(self, name)))
        refuse_unless_seconds(self.checkpoint_seconds, "checkpoint_seconds")
        if self.budget_seconds is not None:
            refuse_unless_seconds(self.budget_seconds, "budget_seconds")
        integer(self.nice, "nice", 0, 19)
        if isinstance(self.parameters, Mapping):  # type: ignore[reportUnnecessaryIsInstance]  (else refused later)
            named = {_name(key): _plain(_name(key), value) for key, value in self.parameters.items()}
            object.__setattr__(self, "parameters", named)


def _name(key: Any) -> str:
    if not isinstance(key, str | ParameterKey):
        raise UpdateError(f"a parameter must be a ParameterKey or its name, got {with_article(type(key).__name__)}")
    return str(key)


def _plain(name: str, value: Any) -> Any:
    """A number, string or bool as JSON can hold it."""
    if isinstance(value, str | None):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(cast("os.PathLike[str]", value))
    array = np.asarray(value)
    if array.size == 1 and array.dtype.kind in "biuf" and type(array.item()) in (bool, int, float):
        return array.item()
    raise UpdateError(f"{name} cannot be {in_words(value)} in the background; expected a number, a string or a bool")


# Files ---------------------------------------------------------------------------------------------------------------


def job_file(directory: Path) -> Path:
    """The file of the job."""
    return directory / "job.json"


def stop_file(directory: Path) -> Path:
    """The file whose existence asks the process to end."""
    return directory / "stop"


def read_job(directory: Path) -> Job:
    """The job in a directory. Raises UpdateError that names the file when it is missing or damaged."""
    path = job_file(directory)
    try:
        job = as_facts_of(Job, read_facts(path), path)
    except FileNotFoundError:
        raise UpdateError(f"{directory} holds no update in the background: there is no file {path}") from None
    for name in (job.model, job.data, job.output):
        if "\0" in name:
            raise UpdateError(f"{path} cannot be read: {name!r} is not a valid file name")
    return job


def write_job(directory: Path, job: Job) -> None:
    """Write the job of a directory."""
    write_facts(job_file(directory), dataclasses.asdict(job))


def read_progress(directory: Path) -> Progress:
    """The progress in a directory. Raises UpdateError that names the file when it is damaged."""
    path = _progress_file(directory)
    try:
        facts = read_facts(path)
        facts.pop("process", None)  # for people only: another process may have this id by now
        state = facts.get("state")
        return as_facts_of(Progress, {**facts, "state": TaskState.__members__.get(str(state), state)}, path)
    except FileNotFoundError:
        return Progress()
    except UpdateError as error:
        raise UpdateError(f"{error}\nYou may delete the file: the update resumes from its checkpoint.") from None


def write_progress(directory: Path, progress: Progress) -> None:
    """Write the progress of a directory, and the id of this process. Raises OSError."""
    facts = {**dataclasses.asdict(progress), "state": progress.state.name, "process": os.getpid()}
    write_facts(_progress_file(directory), facts)


def _progress_file(directory: Path) -> Path:
    return directory / "progress.json"
