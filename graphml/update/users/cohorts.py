"""The training data of many users: read, checked and sent through the trunk as one stream, then put on the devices.

`read_users` groups the users into cohorts, and a `Cohort` holds the samples of one on the devices.
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
from graphml.models.graph_model import GraphModel
from graphml.recipes import Recipe
from graphml.update.data.samples import Row, TrainingData, TrainingSamples, check_targets, checked_samples, stacked
from graphml.update.data.streaming import in_pieces, read_ahead
from graphml.update.learners.epochs import EpochPlan, SampleSplit, split_samples
from graphml.update.step import training
from graphml.update.step.programs import Programs
from graphml.update.step.trunk_runner import TrunkRunner

USERS = "users"
"""The axis of the mesh of devices."""

SHARDED, REPLICATED = PartitionSpec(USERS), PartitionSpec()

_PIECE = 32  # samples per device in a call of the trunk, of any number of users


@dataclass(eq=False)
class User:
    """The samples of one user, as the trained tail reads them.

    Attributes:
        number: the index among all users.
        blobs: pieces of samples, {blob: [samples, ...]} each.
        targets: the targets of these pieces, [samples, ...] each.
        split: the samples by their use, once all are read.
    """

    number: int
    blobs: list[dict[str, np.ndarray]] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)
    split: SampleSplit = field(default_factory=lambda: split_samples(0, 0.0))

    @property
    def count(self) -> int:
        """The number of samples that are read."""
        return sum(map(len, self.targets))

    @property
    def nbytes(self) -> int:
        """The memory that they take, in bytes."""
        return sum(a.nbytes for piece in self.blobs for a in piece.values()) + sum(a.nbytes for a in self.targets)


# Reading -------------------------------------------------------------------------------------------------------------


class _Item(NamedTuple):
    """A sample of a user, or the error of their data. index: of the sample, among those of the user."""

    user: int
    index: int
    row: Row | GraphmlError


def read_users(
    model: GraphModel,
    users: Iterable[TrainingData],
    programs: Programs,
    recipe: Recipe,
    mesh: Mesh,
    *,
    most: int,
    memory_bytes: int,
    failed: Callable[[int, GraphmlError], None],
) -> Iterator[list[User]]:
    """Read users, and group them into cohorts.

    The trunk runs once for each sample, in pieces that may hold samples of several users.

    Args:
        model: the network.
        users: the training data of each user.
        programs: the compiled programs of the network.
        recipe: the recipe of all users.
        mesh: the devices.
        most: the largest number of users in a cohort.
        memory_bytes: a cohort is complete when its samples take this much memory.
        failed: gets the number of a user with bad data, and the error; if it returns, that user is left out.
    """
    trunk = TrunkRunner(model, programs, mesh if mesh.size > 1 else None)
    cohort: list[User] = []
    last: int | None = None  # the user of the latest sample; there may be more samples of this user

    def complete(user: User) -> None:
        try:
            user.split = split_samples(user.count, recipe.validation_fraction)
        except GraphmlError as error:
            refuse(user.number, error.in_context(f"user {user.number}"))

    def refuse(number: int, error: GraphmlError) -> None:
        cohort[:] = [user for user in cohort if user.number != number]
        failed(number, error)

    for piece in read_ahead(in_pieces(_items(model, recipe, users), _PIECE * mesh.size), 2):
        rows = [item.row for item in piece if not isinstance(item.row, GraphmlError)]
        samples = stacked(rows) if rows else TrainingSamples({}, np.zeros(0))
        blobs = trunk(samples)
        stop = 0
        for number, group in groupby(piece, lambda item: item.user):
            items = list(group)
            error = next((item.row for item in items if isinstance(item.row, GraphmlError)), None)
            start, stop = stop, stop + len(items) - (error is not None)
            if number != last:
                if cohort:
                    complete(cohort[-1])
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
                    check_targets(TrainingSamples({}, target), recipe.losses, trunk.shapes, items[0].index)
            except GraphmlError as wrong:
                error = wrong.in_context(f"user {number}")
            if error is not None:
                refuse(number, error)
            else:
                cohort[-1].blobs.append({name: blob[start:stop] for name, blob in blobs.items()})
                cohort[-1].targets.append(target)
    if cohort:
        complete(cohort[-1])
    if cohort:
        yield cohort


def _items(model: GraphModel, recipe: Recipe, users: Iterable[TrainingData]) -> Iterator[_Item]:
    first: Row | None = None
    for number, data in enumerate(users):
        index = 0
        try:
            if not isinstance(data, Iterable):
                raise UpdateError(
                    f"training data must be samples or a dict of arrays, got {with_article(type(data).__name__)}"
                )
            for row in checked_samples(model, recipe.losses, data):
                first = row if first is None else first
                if index == 0:
                    _refuse_other_shape(row, first)
                yield _Item(number, index, row)
                index += 1
            if index == 0:
                raise UpdateError("there are no training data")
        except GraphmlError as error:
            yield _Item(number, index, error.in_context(f"user {number}"))


def _refuse_other_shape(row: Row, first: Row) -> None:
    for name, value, other in [(name, row[0][name], first[0][name]) for name in row[0]] + [
        ("the target", row[1], first[1])
    ]:
        if value.shape != other.shape:
            raise UpdateError(
                f"{name!r} has shape {list(value.shape)}, but shape {list(other.shape)} for earlier users: the samples "
                "of users who are trained together must have the same shape"
            )


# On the devices -------------------------------------------------------------------------------------------------------


class Cohort:
    """Users on the devices, each in one slot, which has its own copy of the weights.

    A device has `size / devices` slots. The samples of its users are concatenated, not padded to the largest number
    of samples of any user. Methods return arrays with an entry for each slot; slots without a user have
    nothing to do.

    Attributes:
        size: the number of slots.
        users: {slot: user}.
        data: the samples, [samples of all devices, ...].
        starts: the index of the first sample of each slot, on its device.
        count: the number of samples that each slot trains on.
    """

    def __init__(self, users: Sequence[User], size: int, batch_size: int, mesh: Mesh) -> None:
        self._mesh, self.size, self._batch_size = mesh, size, batch_size
        """Copy the samples of users to the devices of a mesh; the users no longer hold them."""
        own = size // mesh.size
        # sorted by their number of samples: devices get equal shares, and users in adjacent slots have similar numbers
        dealt = sorted(users, key=lambda user: -user.count)
        self.users = {(i % mesh.size) * own + i // mesh.size: user for i, user in enumerate(dealt)}
        self._starts: dict[int, int] = {}
        pieces: list[list[User]] = [[] for _ in range(mesh.size)]
        totals = [0] * mesh.size
        for slot, user in sorted(self.users.items()):
            device = slot // own
            self._starts[slot] = totals[device]
            totals[device] += user.count
            pieces[device].append(user)
        length = _rounded(max(totals))
        self.data = self._concatenated([[(u.blobs, u.targets) for u in of_device] for of_device in pieces], length)
        for user in users:
            user.blobs, user.targets = [], []
        self._rows = min(batch_size, _rounded(max(len(user.split.training) for user in users)))
        self._batches = _rounded(max(self.batches_of(user) for user in users))
        self.starts = self._by_slot(self._starts)
        self.count = self._by_slot({slot: len(user.split.training) for slot, user in self.users.items()})

    def batches_of(self, user: User) -> int:
        """The number of mini-batches of an epoch."""
        return user.split.batches(self._batch_size)

    def stops(self, active: Iterable[int]) -> jax.Array:
        """The number of mini-batches of an epoch for the active slots and 0 for the others, [slots]."""
        return self._by_slot({slot: self.batches_of(self.users[slot]) for slot in active})

    def order(self, plan: EpochPlan, epoch: int) -> jax.Array:
        """The samples of an epoch, [slots, mini-batches, rows], in the order of a separate task for each user."""
        order = np.zeros((self.size, self._batches, self._rows), np.int32)
        for slot, user in self.users.items():
            own = user.split.order(plan, epoch)
            # padded with samples of the same user: those of other users must not reach a gradient
            own = np.pad(own, ((0, 0), (0, self._rows - own.shape[1])), mode="edge")
            order[slot, : len(own)] = own + self._starts[slot]
        return self.put(order)

    def evaluated(self, recipe: Recipe, rows: int) -> Iterator[tuple[jax.Array, jax.Array, dict[int, int]]]:
        """The samples to evaluate after an epoch, up to `rows` of each user at a time.

        Yields:
            The samples, [slots, rows]; the number of them that count, [slots]; the same as {slot: number}.
        """
        indices = {slot: user.split.evaluated(recipe) for slot, user in self.users.items()}
        most = max(map(len, indices.values()))
        rows = min(rows, _rounded(most))
        for start in range(0, most, max(rows, 1)):
            picked = np.zeros((self.size, rows), np.int32)
            counts: dict[int, int] = {}
            for slot, own in indices.items():
                piece = own[start : start + rows]
                picked[slot, : len(piece)] = piece + self._starts[slot]
                if len(piece):
                    counts[slot] = len(piece)
            yield self.put(picked), self._by_slot(counts), counts

    def put(self, tree: Any) -> Any:
        """Arrays [slots, ...], divided among the devices."""
        return jax.device_put(tree, NamedSharding(self._mesh, SHARDED))

    def _by_slot(self, values: Mapping[int, int]) -> jax.Array:
        array = np.zeros(self.size, np.int32)
        for slot, value in values.items():
            array[slot] = value
        return self.put(array)

    def _concatenated(self, devices: Sequence[Sequence[tuple[Any, Any]]], length: int) -> training.Data:
        blobs, targets = next(one for of_device in devices for one in of_device)
        like = training.Data(blobs[0], targets[0])
        flat = jax.tree.map(lambda a: np.zeros((length * len(devices), *a.shape[1:]), a.dtype), like)
        for number, of_device in enumerate(devices):
            start = number * length
            for blobs, targets in of_device:
                for piece, target in zip(blobs, targets, strict=True):
                    stop = start + len(target)
                    for name, blob in piece.items():
                        flat.blobs[name][start:stop] = blob
                    flat.target[start:stop] = target
                    start = stop
        return self.put(flat)


def _rounded(number: int) -> int:
    """The number rounded up, by an eighth at most, so that cohorts of similar size run in the same program."""
    step = max(1, 2 ** (number.bit_length() - 4))
    return -(-number // step) * step
