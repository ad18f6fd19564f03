"""The data of many users who are trained together: read, checked and sent through the trunk as one stream, and laid
side by side on the devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from graphml.errors import GraphmlError, UpdateError, with_article
from graphml.models.network import NeuralNetwork
from graphml.recipes import Recipe
from graphml.update.data import validation
from graphml.update.data.samples import Row, Samples, TrainingData, check_targets, checked_samples, stacked
from graphml.update.data.streaming import in_pieces, read_ahead
from graphml.update.step import failures, training
from graphml.update.step.programs import Programs

SPLIT, SHARED = PartitionSpec("users"), PartitionSpec()

_PIECE = 32  # samples that the trunk sees at once on each device, of as many users as they belong to


@dataclass(eq=False)
class User:
    """The samples of one user as the tail takes them, in pieces. number: the place among all users. chosen, held: the
    samples to train on and to judge on, once all are read."""

    number: int
    blobs: list[dict[str, np.ndarray]] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)
    chosen: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    held: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))

    @property
    def count(self) -> int:
        return sum(map(len, self.targets))

    @property
    def nbytes(self) -> int:
        return sum(a.nbytes for piece in self.blobs for a in piece.values()) + sum(a.nbytes for a in self.targets)


# Reading -------------------------------------------------------------------------------------------------------------


class _Item(NamedTuple):
    """A sample of a user, or what is wrong with the data. index: the number of the sample among those of the user."""

    user: int
    index: int
    row: Row | GraphmlError


def read_users(
    model: NeuralNetwork,
    users: Iterable[TrainingData],
    programs: Programs,
    recipe: Recipe,
    mesh: Mesh,
    *,
    most: int,
    memory_bytes: int,
    failed: Callable[[int, GraphmlError], None],
) -> Iterator[list[User]]:
    """The users in cohorts of up to `most`, of fewer when their samples take memory_bytes.

    The trunk runs once for each sample, in pieces that do not heed where the samples of a user end. failed: told the
    number of a user and what is wrong with the data; if it returns, that user is left out.
    """
    trunk = _Trunk(model, programs, mesh)
    cohort: list[User] = []
    last: int | None = None  # the user whose samples came last, of whom there may be more

    def settled(user: User) -> None:
        try:
            user.chosen, user.held = validation.kept_apart(user.count, recipe.validation_fraction)
        except GraphmlError as error:
            refuse(user.number, error.in_context(f"user {user.number}"))

    def refuse(number: int, error: GraphmlError) -> None:
        cohort[:] = [user for user in cohort if user.number != number]
        failed(number, error)

    for piece in read_ahead(in_pieces(_items(model, recipe, users), _PIECE * mesh.size), 2):
        rows = [item.row for item in piece if not isinstance(item.row, GraphmlError)]
        samples = stacked(rows) if rows else Samples({}, np.zeros(0))
        blobs = trunk(samples)
        stop = 0
        for number, group in groupby(piece, lambda item: item.user):
            items = list(group)
            error = next((item.row for item in items if isinstance(item.row, GraphmlError)), None)
            start, stop = stop, stop + len(items) - (error is not None)
            if number != last:
                if cohort:
                    settled(cohort[-1])
                if len(cohort) == most or sum(user.nbytes for user in cohort) >= memory_bytes:
                    yield cohort
                    cohort = []
                cohort.append(User(number))
                last = number
            elif not cohort or cohort[-1].number != number:
                continue  # refused already
            target = samples.target[start:stop]
            try:
                if len(target):
                    check_targets(Samples({}, target), recipe.losses, trunk.shapes, items[0].index)
            except GraphmlError as wrong:
                error = wrong.in_context(f"user {number}")
            if error is not None:
                refuse(number, error)
            else:
                cohort[-1].blobs.append({name: blob[start:stop] for name, blob in blobs.items()})
                cohort[-1].targets.append(target)
    if cohort:
        settled(cohort[-1])
    if cohort:
        yield cohort


def _items(model: NeuralNetwork, recipe: Recipe, users: Iterable[TrainingData]) -> Iterator[_Item]:
    first: Row | None = None
    for number, data in enumerate(users):
        index = 0
        try:
            if not isinstance(data, Iterable):
                raise UpdateError(f"the data are samples or a dict of arrays, not {with_article(type(data).__name__)}")
            for row in checked_samples(model, recipe.losses, data):
                first = row if first is None else first
                if index == 0:
                    _check_like_others(row, first)
                yield _Item(number, index, row)
                index += 1
            if index == 0:
                raise UpdateError("there are no training data")
        except GraphmlError as error:
            yield _Item(number, index, error.in_context(f"user {number}"))


def _check_like_others(row: Row, first: Row) -> None:
    for name, value, other in [(name, row[0][name], first[0][name]) for name in row[0]] + [
        ("the target", row[1], first[1])
    ]:
        if value.shape != other.shape:
            raise UpdateError(
                f"{name!r} has shape {list(value.shape)}, that of the users before has {list(other.shape)}; users who "
                "are trained together have samples of one shape"
            )


class _Trunk:
    """The trunk for pieces of samples, split over the devices. shapes: of what the losses read, when one is done."""

    def __init__(self, model: NeuralNetwork, programs: Programs, mesh: Mesh) -> None:
        parts = programs.parts
        used = {node.key for node in parts.trunk.graph.body.walk()} - parts.trunk.known
        params = {key: value for key, value in model.parameters.items() if key in used}
        self._params = jax.device_put(params, NamedSharding(mesh, SHARED))
        self._programs, self._mesh = programs, mesh
        self._weights = parts.split(model.parameters)
        self._rows = 0
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, samples: Samples) -> Mapping[str, np.ndarray]:
        count = samples.count
        if not count:
            return {}
        if not self._rows:  # all pieces are filled up to one size, so that they run in the same program
            self._rows = -(-max(count, 1) // self._mesh.size) * self._mesh.size
        rows = max(self._rows, -(-count // self._mesh.size) * self._mesh.size)
        missing = rows - count
        inputs = {n: np.concatenate([v, np.repeat(v[-1:], missing, 0)]) for n, v in samples.inputs.items()}
        inputs = jax.device_put(inputs, NamedSharding(self._mesh, SPLIT))
        parts = self._programs.parts
        with failures.typed(lambda: failures.faulty_in_trunk(parts, self._params, inputs)):
            blobs = {n: np.asarray(b)[:count] for n, b in self._programs.trunk(self._params, inputs).items()}
        if not self.shapes:
            data = training.Data(blobs, samples.target)
            with failures.typed():
                self.shapes = training.blob_shapes(parts, *self._weights, data)
        return blobs


# Laying side by side -------------------------------------------------------------------------------------------------


class Cohort:
    """Users on the devices. places: for each user the place of the copy of the weights, of `size` places in all; the
    samples of a device lie one after the other, so nobody's are filled up to the number of somebody else's.

    data: those samples, [all samples, ...]. starts: for each place where its own begin. Methods give arrays for the
    places; one without a user has nothing to do.
    """

    def __init__(self, users: Sequence[User], size: int, batch_size: int, mesh: Mesh) -> None:
        self._mesh, self.size, self._batch_size = mesh, size, batch_size
        own = size // mesh.size
        # dealt out by their number of samples: devices get equally many, and neighbours have about as many as another
        dealt = sorted(users, key=lambda user: -user.count)
        self.users = {(i % mesh.size) * own + i // mesh.size: user for i, user in enumerate(dealt)}
        self._starts: dict[int, int] = {}
        pieces: list[list[User]] = [[] for _ in range(mesh.size)]
        totals = [0] * mesh.size
        for place, user in sorted(self.users.items()):
            device = place // own
            self._starts[place] = totals[device]
            totals[device] += user.count
            pieces[device].append(user)
        length = _rounded(max(totals))
        self.data = self._laid([[(u.blobs, u.targets) for u in of_device] for of_device in pieces], length)
        for user in users:  # their samples are on the devices
            user.blobs, user.targets = [], []
        self._rows = min(batch_size, _rounded(max(len(user.chosen) for user in users)))
        self.batches = _rounded(max(self.batches_of(user) for user in users))
        self.starts = self._placed(self._starts)
        self.count = self._placed({place: len(user.chosen) for place, user in self.users.items()})

    def batches_of(self, user: User) -> int:
        return -(-len(user.chosen) // self._batch_size)

    def stops(self, active: Iterable[int]) -> jax.Array:
        """[places]: the number of mini-batches of an epoch."""
        return self._placed({place: self.batches_of(self.users[place]) for place in active})

    def order(self, recipe: Recipe, epoch: int) -> jax.Array:
        """[places, mini-batches, rows]: the samples of an epoch, each user's as a task of its own has them."""
        order = np.zeros((self.size, self.batches, self._rows), np.int32)
        for place, user in self.users.items():
            settled = {"seed": recipe.seed, "epoch": epoch, "shuffle": recipe.shuffle}
            own = user.chosen[training.epoch_order(len(user.chosen), self._batch_size, **settled)]
            # the rows that only fill up are the user's own too: what another's sample holds must not reach a gradient
            own = np.pad(own, ((0, 0), (0, self._rows - own.shape[1])), mode="edge")
            order[place, : len(own)] = own + self._starts[place]
        return self.put(order)

    def judged(self, rows: int) -> Iterator[tuple[jax.Array, jax.Array, dict[int, int]]]:
        """([places, rows], [places], {place: rows that count}): the samples to judge on, some rows at a time."""
        numbers = {p: user.held if len(user.held) else user.chosen for p, user in self.users.items()}
        most = max(map(len, numbers.values()))
        rows = min(rows, _rounded(most))
        for start in range(0, most, rows):
            picked = np.zeros((self.size, rows), np.int32)
            counts = {}
            for place, own in numbers.items():
                piece = own[start : start + rows]
                picked[place, : len(piece)] = piece + self._starts[place]
                if len(piece):
                    counts[place] = len(piece)
            yield self.put(picked), self._placed(counts), counts

    def put(self, tree: Any) -> Any:
        """Arrays [places, ...] on the devices."""
        return jax.device_put(tree, NamedSharding(self._mesh, SPLIT))

    def _placed(self, values: Mapping[int, int]) -> jax.Array:
        array = np.zeros(self.size, np.int32)
        for place, value in values.items():
            array[place] = value
        return self.put(array)

    def _laid(self, devices: Sequence[Sequence[tuple[Any, Any]]], length: int) -> training.Data:
        blobs, targets = next(one for of_device in devices for one in of_device)
        like = training.Data(blobs[0], targets[0])
        flat = jax.tree.map(lambda a: np.zeros((length * len(devices), *a.shape[1:]), a.dtype), like)
        for number, of_device in enumerate(devices):
            place = number * length
            for blobs, targets in of_device:
                for piece, target in zip(blobs, targets, strict=True):
                    stop = place + len(target)
                    for name, blob in piece.items():
                        flat.blobs[name][place:stop] = blob
                    flat.target[place:stop] = target
                    place = stop
        return self.put(flat)


def _rounded(number: int) -> int:
    """Up, by an eighth at most, so that cohorts of about the same size run in the same program."""
    step = max(1, 2 ** (number.bit_length() - 4))
    return -(-number // step) * step
