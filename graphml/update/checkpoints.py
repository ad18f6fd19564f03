"""A directory from which an update goes on after its process was killed, wherever that was.

    lock             held by the one process that works here
    model.mlmodel    what the update began with
    update.json      how it was asked for; written last, so that a directory without it holds nothing
    samples/         the training data as the run computes with them, removed when the update has completed
    steps/N/         the last two moments of the run, written by Orbax

A step is written under another name and then renamed; it carries a checksum, and where the newest cannot be trusted the
one before it counts.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import weakref
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import jax
import numpy as np

from graphml import spec
from graphml.errors import UpdateError, need
from graphml.spec import files
from graphml.update.events import MetricKey
from graphml.update.history import Record, as_plain, batch_records, from_plain
from graphml.update.learning import Moment, Plan
from graphml.update.parameters import as_key
from graphml.update.programs import Precision

_FORMAT = 1
_KEPT = 2  # steps: one that is good, and one more in case that it is not


@dataclass(frozen=True)
class Request:
    """How an update was asked for, as far as it decides its result and cannot be read from a step."""

    strict: bool = True
    precision: Precision = "float32"


class CheckpointDirectory:
    """The directory of one update, locked for this process until `close`.

    Raises UpdateError when another process works there, MissingExtraError without the package that writes steps.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        need("orbax.checkpoint", "checkpoints")
        self.path.mkdir(parents=True, exist_ok=True)
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
        """Say what is going to be updated."""
        spec.write(model, self.model)
        facts = {"format": _FORMAT, "model": digest(model), "strict": request.strict, "precision": request.precision}
        files.replace_file(self.path / "update.json", json.dumps(facts).encode())

    def request(self) -> tuple[Request, str] | None:
        """How the update that the directory holds was asked for, and the digest of its model; None if it holds none."""
        try:
            facts = json.loads((self.path / "update.json").read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise UpdateError(f"{self.path / 'update.json'} cannot be read: {error}") from None
        if facts.get("format") != _FORMAT:
            raise UpdateError(f"{self.path} was written in form {facts.get('format')}; this version reads {_FORMAT}")
        return Request(facts["strict"], facts["precision"]), facts["model"]

    def refuse_unless_empty(self) -> None:
        """Raise UpdateError when the directory holds an update."""
        if (self.path / "update.json").exists():
            self.close()
            raise UpdateError(f"{self.path} holds an update already: UpdateTask.restore goes on with it")

    # Steps -----------------------------------------------------------------------------------------------------------

    def save(self, moment: Moment, *, finished: bool = False) -> None:
        """Write a step, then remove all but the last two. Raises UpdateError when it cannot be written; those that
        are there stay then."""
        numbers = self._numbers()
        number = numbers[-1] + 1 if numbers else 0
        try:
            _orbax().save(self._steps / str(number), _tree(moment, finished))
        except Exception as error:  # Orbax has many kinds, all about the disk
            for unfinished in self._steps.glob(f"{number}*"):
                shutil.rmtree(unfinished, ignore_errors=True)
            raise UpdateError(f"no checkpoint could be written to {self.path}: {_first_line(error)}") from error
        for old in numbers[: -(_KEPT - 1)]:
            shutil.rmtree(self._steps / str(old), ignore_errors=True)

    def last(self, like: Moment) -> tuple[Moment, bool] | None:
        """The newest step that is whole, and whether the update was over; None when none was written.

        like: a moment of the same network and recipe, for the structure of its trees. Raises UpdateError when there are
        steps and none can be read.
        """
        trouble: list[str] = []
        for number in reversed(self._numbers()):
            try:
                return _moment(_orbax().restore(self._steps / str(number)), like)
            except Exception as error:  # a damaged step may fail in any way
                trouble.append(f"  step {number}: {_first_line(error)}")
        if trouble:
            raise UpdateError("\n".join([f"no checkpoint in {self.path} can be read:", *trouble]))
        return None

    def _numbers(self) -> list[int]:
        if not self._steps.is_dir():
            return []
        return sorted(int(step.name) for step in self._steps.iterdir() if step.name.isdecimal())


def digest(model: spec.Model) -> str:
    """What tells one model from another."""
    return hashlib.sha256(spec.serialize(model)).hexdigest()


def _orbax() -> Any:
    need("orbax.checkpoint", "checkpoints")
    import orbax.checkpoint

    return orbax.checkpoint.PyTreeCheckpointer()


# A moment as a tree of arrays ----------------------------------------------------------------------------------------


def _tree(moment: Moment, finished: bool) -> dict[str, Any]:
    """Leaves by number, because names of layers may hold any character, and one array of JSON for all that is no array.

    Arrays of no axes or of no elements do not come back from Orbax as they went in: each gets one axis, and losses
    one element more.
    """
    best, best_loss = (None, None) if moment.best is None else moment.best
    arrays = {
        "weights": _leaves(moment.train),
        "state": _leaves(moment.state),
        "best": _leaves(best),
        "losses": [_with_one_more(moment.losses)],
        "history": [_with_one_more([record.loss for record in moment.history if record.batch is not None])],
    }
    facts = {
        "epoch": moment.epoch,
        "plan": moment.plan,
        "parameters": {str(key): value for key, value in moment.recipe.values.items()},
        "metrics": {key.value: value for key, value in moment.metrics.items()},
        "best_loss": best_loss,
        "epochs": as_plain(record for record in moment.history if record.batch is None),
        "mini_batches": [len(list(group)) - 1 for _, group in groupby(moment.history, lambda record: record.epoch)],
        "finished": finished,
        "checksum": _checksum(arrays),
    }
    tree: dict[str, Any] = {
        name: {str(number): np.atleast_1d(leaf) for number, leaf in enumerate(leaves)}
        for name, leaves in arrays.items()
        if leaves
    }
    return {**tree, "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}


def _moment(tree: Mapping[str, Any], like: Moment) -> tuple[Moment, bool]:
    facts = json.loads(tree["facts"].tobytes())
    arrays = {
        name: [np.asarray(tree.get(name, {})[str(number)]) for number in range(len(tree.get(name, {})))]
        for name in ("weights", "state", "best", "losses", "history")
    }
    if _checksum(arrays) != facts["checksum"]:
        raise UpdateError("the checksum of the step is another")
    values = {as_key(name): value for name, value in facts["parameters"].items()}
    train = _as_in(like.train, arrays["weights"])
    loss = facts["best_loss"]
    moment = Moment(
        train=train,
        state=_as_in(like.state, arrays["state"]),
        recipe=like.recipe.replaced(values),
        epoch=facts["epoch"],
        plan=None if facts["plan"] is None else Plan(*facts["plan"]),
        losses=arrays["losses"][0][:-1],
        metrics={MetricKey(name): value for name, value in facts["metrics"].items()},
        best=None if loss is None else (_as_in(like.train, arrays["best"]), loss),
        history=_history(from_plain(facts["epochs"]), facts["mini_batches"], arrays["history"][0]),
    )
    return moment, facts["finished"]


def _history(epochs: Sequence[Record], counts: Sequence[int], losses: np.ndarray) -> tuple[Record, ...]:
    """All records from those of the epochs, the numbers of their mini-batches and the losses of all mini-batches."""
    records: list[Record] = []
    start = 0
    for record, count in zip(epochs, counts, strict=True):
        records += [*batch_records(record.epoch, losses[start : start + count]), record]
        start += count
    return tuple(records)


def _with_one_more(numbers: Any) -> np.ndarray:
    return np.append(np.asarray(numbers, np.float32), np.float32(0))


def _leaves(tree: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.device_get(jax.tree.leaves(tree))]


def _as_in(like: Any, leaves: Sequence[np.ndarray]) -> Any:
    old, structure = jax.tree.flatten(like)
    pairs = zip(old, leaves, strict=True)
    return jax.tree.unflatten(structure, [np.reshape(new, np.shape(leaf)).astype(leaf.dtype) for leaf, new in pairs])


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

        descriptor = os.open(directory / "lock", os.O_RDONLY)
    except (ImportError, OSError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
