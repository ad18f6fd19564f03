"""A directory from which an update goes on after its process was killed, wherever that was.

    lock             held by the one process that works here
    model.mlmodel    what the update began with
    update.json      how it was asked for; written last, so that a directory without it holds nothing
    samples/         the training data as the run computes with them, removed when the update has completed
    steps/N/         the last two moments of the run, written by Orbax

A step is written under another name and then renamed; it carries a checksum, and where the newest cannot be trusted the
one before it counts. Only the owner may read what is written here, whatever the umask: it is made of somebody's data.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import warnings
import weakref
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from graphml import spec
from graphml.errors import UpdateError, need
from graphml.spec import files
from graphml.update.progress.private_files import as_facts_of, private_folder, read_facts, write_facts, writing_to
from graphml.update.step.programs import Precision

T = TypeVar("T")

ARRAYS = ("weights", "state", "best", "losses", "history")
"""Groups of arrays that a step may have."""

_FORMAT = 1
_KEPT = 2  # steps: one that is good, and one more in case that it is not


@dataclass(frozen=True)
class Request:
    """How an update was asked for, as far as it decides its result and cannot be read from a step."""

    strict: bool = True
    precision: Precision = "float32"


class Step(NamedTuple):
    """All that decides how a run goes on. arrays: some of `ARRAYS`; none of the arrays is empty. facts: what JSON can
    hold."""

    arrays: Mapping[str, Sequence[np.ndarray]]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class _Begun:
    """What update.json says."""

    format: int
    model: str
    strict: bool
    precision: Precision


class CheckpointDirectory:
    """The directory of one update, locked for this process until `close`.

    Raises UpdateError when another process works there or nothing can be written there, MissingExtraError without the
    package that writes steps.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        need("orbax.checkpoint", "checkpoints")
        with writing_to(self.path):
            private_folder(self.path)
            self._unlock = weakref.finalize(self, os.close, _locked(self.path / "lock"))
            for unfinished in (*self.path.glob(files.UNFINISHED), *self._steps.glob("*tmp*")):
                shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink(missing_ok=True)

    @property
    def model(self) -> Path:
        return self.path / "model.mlmodel"

    @property
    def samples(self) -> Path:
        return self.path / "samples"

    @property
    def _steps(self) -> Path:
        return self.path / "steps"

    def close(self) -> None:
        """Let others work here."""
        self._unlock()

    def begin(self, model: spec.Model, request: Request) -> None:
        """Say what is going to be updated. Raises UpdateError when that cannot be written."""
        with writing_to(self.path):
            files.replace_file(self.model, spec.serialize(model), private=True)
            write_facts(self.path / "update.json", asdict(_Begun(_FORMAT, digest(model), **asdict(request))))

    def request(self) -> tuple[Request, str] | None:
        """How the update that the directory holds was asked for, and the digest of its model; None if it holds none."""
        path = self.path / "update.json"
        try:
            facts = read_facts(path)
        except FileNotFoundError:
            return None
        if facts.get("format") != _FORMAT:
            raise UpdateError(
                f"{self.path} was written in form {facts.get('format')!r:.60}; this version reads {_FORMAT}"
            )
        begun = as_facts_of(_Begun, facts, path)
        return Request(begun.strict, begun.precision), begun.model

    def refuse_unless_empty(self) -> None:
        """Raise UpdateError when the directory holds an update."""
        if (self.path / "update.json").exists():
            self.close()
            raise UpdateError(f"{self.path} holds an update already: UpdateTask.restore goes on with it")

    # Steps -----------------------------------------------------------------------------------------------------------

    def save(self, step: Step, *, finished: bool = False) -> None:
        """Write a step, then remove all but the last two. Raises UpdateError when it cannot be written; those that
        are there stay then."""
        numbers = self._numbers()
        number = numbers[-1] + 1 if numbers else 0
        written = self._steps / str(number)
        try:
            private_folder(self._steps)
            _orbax().save(written, _tree(step, finished))
            for path in (written, *written.rglob("*")):
                path.chmod(0o700 if path.is_dir() else 0o600)
        except Exception as error:  # Orbax has many kinds, all about the disk
            for unfinished in self._steps.glob(f"{number}*"):
                shutil.rmtree(unfinished, ignore_errors=True)
            raise UpdateError(f"no checkpoint could be written to {self.path}: {_first_line(error)}") from error
        for old in numbers[: -(_KEPT - 1)]:
            shutil.rmtree(self._steps / str(old), ignore_errors=True)

    def last(self, read: Callable[[Step], T]) -> tuple[T, bool] | None:
        """What `read` makes of the newest step that is whole, and whether the update was over; None when no step was
        written.

        Raises UpdateError when there are steps and none can be read.
        """
        trouble: list[str] = []
        for number in reversed(self._numbers()):
            try:
                step = _step(_orbax().restore(self._steps / str(number)))
                return read(step), bool(step.facts["finished"])
            except Exception as error:  # a damaged step may fail in any way
                trouble.append(f"  step {number}: {_first_line(error)}")
        if trouble:
            raise UpdateError("\n".join([f"no checkpoint in {self.path} can be read:", *trouble]))
        return None

    def _numbers(self) -> list[int]:
        if not self._steps.is_dir():
            return []
        return sorted(int(step.name) for step in self._steps.iterdir() if step.name.isdecimal())


class Checkpoints:
    """The checkpoints of one run: when one is due, and what becomes of one that cannot be written.

    That is a warning: the run goes on, and tries again when the next is due. Without a directory nothing is kept.

    step: where the run stands. failure: why the newest checkpoint could not be written; None if it was.
    """

    def __init__(self, seconds: float, step: Callable[[], Step]) -> None:
        self.directory: CheckpointDirectory | None = None
        self.failure: UpdateError | None = None
        self._step = step
        self._seconds, self._last = seconds, time.monotonic()

    def begin(self, model: spec.Model, request: Request) -> None:
        """Make sure that the directory says what is being updated. Raises UpdateError when that cannot be written:
        nothing is learned yet, so nothing is lost."""
        if self.directory is not None and self.directory.request() is None:
            self.directory.begin(model, request)

    @property
    def is_due(self) -> bool:
        return self.directory is not None and time.monotonic() - self._last >= self._seconds

    def save(self, *, finished: bool = False) -> None:
        self._last = time.monotonic()
        if self.directory is None:
            return
        try:
            self.directory.save(self._step(), finished=finished)
        except UpdateError as error:
            self.failure = error
            warnings.warn(f"{error}; the update goes on without it", RuntimeWarning, stacklevel=2)
        else:
            self.failure = None


def digest(model: spec.Model) -> str:
    """What tells one model from another."""
    return hashlib.sha256(spec.serialize(model)).hexdigest()


def _orbax() -> Any:
    need("orbax.checkpoint", "checkpoints")
    import orbax.checkpoint

    return orbax.checkpoint.PyTreeCheckpointer()


# A step as a tree of arrays ------------------------------------------------------------------------------------------


def _tree(step: Step, finished: bool) -> dict[str, Any]:
    """Leaves by number, because names of layers may hold any character, and one array of JSON for all that is no array.

    Arrays of no axes do not come back from Orbax as they went in: each gets one axis.
    """
    facts = {**step.facts, "finished": finished, "checksum": _checksum(step.arrays)}
    tree: dict[str, Any] = {
        name: {str(number): np.atleast_1d(leaf) for number, leaf in enumerate(leaves)}
        for name, leaves in step.arrays.items()
        if leaves
    }
    return {**tree, "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}


def _step(tree: Mapping[str, Any]) -> Step:
    facts = json.loads(tree["facts"].tobytes())
    arrays = {
        name: [np.asarray(tree.get(name, {})[str(number)]) for number in range(len(tree.get(name, {})))]
        for name in ARRAYS
    }
    if _checksum(arrays) != facts["checksum"]:
        raise UpdateError("the checksum does not match")
    return Step(arrays, facts)


def _checksum(arrays: Mapping[str, Sequence[np.ndarray]]) -> int:
    checksum = 0
    for name, leaves in arrays.items():
        for leaf in leaves:
            head = f"{name} {leaf.dtype} {leaf.size} ".encode()
            checksum = zlib.crc32(
                np.ascontiguousarray(leaf).reshape(-1).view(np.uint8).data, zlib.crc32(head, checksum)
            )
    return checksum


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _locked(path: Path) -> int:
    """The descriptor of the file, which is locked as long as it is open; so the lock ends with the process, however
    that ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        import fcntl
    except ImportError:  # Windows: two processes in one directory are the caller's to avoid
        return descriptor
    for _ in range(10):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError:  # it may be somebody who only looks whether it is locked
            time.sleep(0.03)
    os.close(descriptor)
    raise UpdateError(f"another task is at work in {path.parent}")


def is_locked(directory: Path) -> bool:
    """Whether a task is at work in a directory."""
    try:
        import fcntl

        descriptor = os.open(directory / "lock", os.O_RDONLY | os.O_NONBLOCK)
    except (ImportError, OSError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
