"""The directory from which an update resumes after its process was killed at any point.

    lock             held by the one process that works here
    model.mlmodel    the model before the update; model.mlpackage where it has weight files
    update.json      the options of the update; written last, so a directory without it holds no update
    samples/         the training data in the form in which training reads them; removed when the update is finished
    steps/N/         the last two checkpoints, written by Orbax

A checkpoint is written under a temporary name and then renamed. It carries a checksum; if the newest one is corrupt,
the one before it is used. Only the owner may read these files, regardless of the umask: they hold personal data.
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
from graphml.errors import GraphmlError, UpdateError, need
from graphml.models import Model, load
from graphml.recipes.parameters import refuse_unless_seconds
from graphml.spec import files
from graphml.spec.files.packages import blob_values
from graphml.spec.program.packages import weight_files
from graphml.update.progress.private_files import as_facts_of, private_folder, read_facts, write_facts, writing_to
from graphml.update.step.programs import Precision

T = TypeVar("T")

ARRAYS = ("weights", "state", "best", "losses", "history")
"""The groups of arrays that a checkpoint may have."""

_FORMAT = 1
_KEPT = 2  # checkpoints: the newest, and one more in case it is corrupt


@dataclass(frozen=True)
class Request:
    """The options of an update that affect its result and are not part of a checkpoint."""

    strict: bool = True
    precision: Precision = "float32"


class Checkpoint(NamedTuple):
    """Everything that decides how an update continues.

    Attributes:
        arrays: some of `ARRAYS`; none of the arrays may be empty.
        facts: everything else, as JSON can hold it.
    """

    arrays: Mapping[str, Sequence[np.ndarray]]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class _UpdateFile:
    """The content of update.json."""

    format: int
    model: str
    strict: bool
    precision: Precision


class CheckpointDirectory:
    """The directory of one update, locked for this process until `close`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open and lock a directory; it is created if it does not exist.

        Raises:
            UpdateError: another process works there, or it cannot be written to.
            MissingExtraError: Orbax is not installed.
        """
        self.path = Path(path).absolute()
        need("orbax.checkpoint", "checkpoints")
        with writing_to(self.path):
            private_folder(self.path)
            self._unlock = weakref.finalize(self, os.close, _locked(self.path / "lock"))
            for unfinished in (*self.path.glob(files.UNFINISHED), *self._steps.glob("*tmp*")):
                shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink(missing_ok=True)

    @property
    def model(self) -> Path:
        """The file or package of the model before the update."""
        return self.model_in(self.path)

    @staticmethod
    def model_in(directory: str | os.PathLike[str]) -> Path:
        """The file or package of the model in a directory, which need not be locked."""
        path = Path(directory)
        package = path / "model.mlpackage"
        return package if package.exists() else path / "model.mlmodel"

    @property
    def samples(self) -> Path:
        """The folder of the training data."""
        return self.path / "samples"

    @property
    def _steps(self) -> Path:
        return self.path / "steps"

    def close(self) -> None:
        """Release the lock."""
        self._unlock()

    def begin(self, model: Model, request: Request) -> None:
        """Write the model and the options of a new update. Raises UpdateError when they cannot be written."""
        with writing_to(self.path):
            if has_weight_files(model):
                package = self.path / "model.mlpackage"
                shutil.rmtree(package, ignore_errors=True)  # left by a process that ended before writing the options
                try:
                    model.save(package)
                except GraphmlError as error:
                    raise UpdateError(str(error)) from error
                _make_private(package)
                model = load(package)
            else:
                files.replace_file(self.path / "model.mlmodel", spec.serialize(model.spec), private=True)
            write_facts(self.path / "update.json", asdict(_UpdateFile(_FORMAT, digest(model), **asdict(request))))

    def request(self) -> tuple[Request, str] | None:
        """The options of the update in this directory, and the digest of its model; None if it holds no update."""
        path = self.path / "update.json"
        try:
            facts = read_facts(path)
        except FileNotFoundError:
            return None
        if facts.get("format") != _FORMAT:
            raise UpdateError(
                f"{self.path} was written in format {facts.get('format')!r:.60}; this version reads format {_FORMAT}"
            )
        found = as_facts_of(_UpdateFile, facts, path)
        return Request(found.strict, found.precision), found.model

    def refuse_unless_empty(self) -> None:
        """Raise UpdateError when the directory holds an update."""
        if (self.path / "update.json").exists():
            self.close()
            raise UpdateError(f"{self.path} already holds an update: continue it with UpdateTask.restore")

    # Checkpoints -----------------------------------------------------------------------------------------------------

    def save(self, checkpoint: Checkpoint, *, finished: bool = False) -> None:
        """Write a checkpoint, then remove all but the last two.

        Raises:
            UpdateError: it cannot be written; the existing checkpoints stay.
        """
        numbers = self._numbers()
        number = numbers[-1] + 1 if numbers else 0
        written = self._steps / str(number)
        try:
            private_folder(self._steps)
            _orbax().save(written, _as_tree(checkpoint, finished))
            _make_private(written)
        except Exception as error:  # Orbax raises many kinds of errors for a full disk and the like
            for unfinished in self._steps.glob(f"{number}*"):
                shutil.rmtree(unfinished, ignore_errors=True)
            raise UpdateError(f"cannot write a checkpoint to {self.path}: {_first_line(error)}") from error
        for old in numbers[: -(_KEPT - 1)]:
            shutil.rmtree(self._steps / str(old), ignore_errors=True)

    def last(self, read: Callable[[Checkpoint], T]) -> tuple[T, bool] | None:
        """Read the newest checkpoint that is not corrupt.

        Args:
            read: turns the checkpoint into a state; may raise if it does not fit.

        Returns:
            The state, and whether the update was finished; None if there are no checkpoints.

        Raises:
            UpdateError: there are checkpoints, but none can be read.
        """
        problems: list[str] = []
        for number in reversed(self._numbers()):
            try:
                checkpoint = _from_tree(_orbax().restore(self._steps / str(number)))
                return read(checkpoint), bool(checkpoint.facts["finished"])
            except Exception as error:  # a corrupt checkpoint may fail in any way
                problems.append(f"  step {number}: {_first_line(error)}")
        if problems:
            raise UpdateError("\n".join([f"no checkpoint in {self.path} can be read:", *problems]))
        return None

    def _numbers(self) -> list[int]:
        if not self._steps.is_dir():
            return []
        return sorted(int(path.name) for path in self._steps.iterdir() if path.name.isdecimal())


class Checkpoints:
    """Writes the checkpoints of an update when they are due.

    A checkpoint that cannot be written is a warning: the update continues, and tries again when the next one is due.
    Without a directory nothing is written.

    Attributes:
        directory: where to write; None writes nothing.
        failure: why the newest checkpoint could not be written; None if it was.
    """

    def __init__(self, seconds: float, model: Model, request: Request, make: Callable[[], Checkpoint]) -> None:
        """Prepare the checkpoints of an update.

        Args:
            seconds: the time between two checkpoints, in seconds.
            model: the model before the update.
            request: the options of the update.
            make: gives the checkpoint of the current state.

        Raises:
            UpdateError: the time is not a finite number of at least 0.
        """
        refuse_unless_seconds(seconds, "checkpoint_seconds")
        self.directory: CheckpointDirectory | None = None
        self.failure: UpdateError | None = None
        self._model, self._request, self._make = model, request, make
        self._seconds, self._last = seconds, time.monotonic()

    def begin(self) -> None:
        """Make sure that the directory holds the model and the options of the update.

        Raises:
            UpdateError: they cannot be written. Training has not begun, so nothing is lost.
        """
        if self.directory is not None and self.directory.request() is None:
            self.directory.begin(self._model, self._request)

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return self.directory is not None and time.monotonic() - self._last >= self._seconds

    def save(self, *, finished: bool = False) -> None:
        """Write a checkpoint of the current state; a failure is a RuntimeWarning."""
        self._last = time.monotonic()
        if self.directory is None:
            return
        try:
            self.directory.save(self._make(), finished=finished)
        except UpdateError as error:
            self.failure = error
            warnings.warn(f"{error}; the update continues without it", RuntimeWarning, stacklevel=2)
        else:
            self.failure = None

    def save_to(self, path: str | os.PathLike[str], *, finished: bool) -> None:
        """Write the model, the options and a checkpoint of the current state to another directory.

        Raises:
            UpdateError: the directory already holds an update, or cannot be written to.
        """
        directory = CheckpointDirectory(path)
        try:
            directory.refuse_unless_empty()
            directory.begin(self._model, self._request)
            directory.save(self._make(), finished=finished)
        finally:
            directory.close()


def has_weight_files(model: Model) -> bool:
    """Whether weights of a model are in separate files."""
    return next(blob_values(model.spec), None) is not None


def digest(model: Model) -> str:
    """The SHA-256 digest of a model and its weight files, as it was loaded."""
    whole = hashlib.sha256(spec.serialize(model.spec))
    if has_weight_files(model):
        weights = weight_files(model.path, model.weights_dir)
        for name in sorted({blob.fileName for blob in blob_values(model.spec)}):
            whole.update(f"\n{name} {weights.file(name).digest}".encode())
    return whole.hexdigest()


def _make_private(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _orbax() -> Any:
    need("orbax.checkpoint", "checkpoints")
    import orbax.checkpoint  # pyright: ignore[reportMissingTypeStubs]

    return orbax.checkpoint.PyTreeCheckpointer()


# A checkpoint as a tree of arrays ------------------------------------------------------------------------------------


def _as_tree(checkpoint: Checkpoint, finished: bool) -> dict[str, Any]:
    """Leaves by index, because names of layers may contain any character, and the facts as one array of JSON.

    Orbax does not restore arrays without axes as they were, so each gets one axis.
    """
    facts = {**checkpoint.facts, "finished": finished, "checksum": _checksum(checkpoint.arrays)}
    tree: dict[str, Any] = {
        name: {str(number): np.atleast_1d(leaf) for number, leaf in enumerate(leaves)}
        for name, leaves in checkpoint.arrays.items()
        if leaves
    }
    return {**tree, "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}


def _from_tree(tree: Mapping[str, Any]) -> Checkpoint:
    facts = json.loads(tree["facts"].tobytes())
    arrays = {
        name: [np.asarray(tree.get(name, {})[str(number)]) for number in range(len(tree.get(name, {})))]
        for name in ARRAYS
    }
    if _checksum(arrays) != facts["checksum"]:
        raise UpdateError("checksum mismatch: this checkpoint is corrupt")
    return Checkpoint(arrays, facts)


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
    """The descriptor of a lock file. It is locked while it is open, so the lock ends with the process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        import fcntl
    except ImportError:  # Windows: the caller must keep two processes out of one directory
        return descriptor
    for _ in range(10):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError:  # `is_locked` of another process may hold it for an instant
            time.sleep(0.03)
    os.close(descriptor)
    raise UpdateError(f"another task is using {path.parent}")


def is_locked(directory: Path) -> bool:
    """Whether a task is using a directory."""
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
