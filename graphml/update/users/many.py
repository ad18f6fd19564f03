"""Personal copies of a model for many users at once: one compiled program trains a stack of weights."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding

from graphml.errors import GraphmlError, UpdateError
from graphml.interpreter.programs import Compiled, Latest
from graphml.models import Model, ModelConfiguration, load
from graphml.models.configuration import Device, pick_device
from graphml.models.network import NeuralNetwork
from graphml.recipes import Recipe, network_of, parameter_descriptions, recipe_of
from graphml.recipes.parameters import checked, refuse_unless_allowed
from graphml.update.data.samples import TrainingData
from graphml.update.data.storage import Limits
from graphml.update.edit.updatable import with_recipe
from graphml.update.learners.epochs import refuse_unless_finite
from graphml.update.learners.learner import refuse_unless_legal
from graphml.update.progress.history import History, Record, batch_records, is_enough, monitored
from graphml.update.step import failures, training
from graphml.update.step.programs import Precision, Programs, programs_for
from graphml.update.users.cohorts import SHARED, SPLIT, Cohort, read_users
from graphml.update.users.deltas import Delta, difference
from graphml.update.weights import NAMES, checked_weight, with_weight

_MOST = 256  # users in a cohort, unless their weights are large
_MOST_PROGRAMS = 16  # that a model keeps, for as many forms of recipes
_JUDGED = 256  # samples of a user that are judged at once


def update_many(
    model: Model | str | os.PathLike[str],
    users: Iterable[TrainingData],
    configuration: ModelConfiguration | None = None,
    *,
    strict: bool = True,
    recipe: Recipe | None = None,
    precision: Precision = "float32",
    on_error: Literal["raise", "keep"] = "raise",
    users_at_once: int | None = None,
    memory_bytes: int = Limits.memory_bytes,
    devices: Sequence[Device] | None = None,
    **parameters: Any,
) -> PersonalModels:
    """A personal model for each user, all trained by one compiled program: up to rounding what an `UpdateTask` for each
    would give.

        result = graphml.update_many("net.mlmodel", [samples_of_anna, samples_of_ben], epochs=3)
        result.models[1].save("ben.mlmodel")

    users: the training data of each, as a task takes them; a generator is read as users are needed. Numbers of samples
        may differ, shapes may not. The frozen part of the network runs once for each sample, whoever it belongs to.
    configuration, strict, recipe, precision: as for a task. parameters: learning_rate=0.1 and so on, for all users.
    on_error: "keep" goes on without a user whose data are bad or whose loss is not finite; see `PersonalModels.errors`.
    users_at_once: so many are trained together, then the next; unless it is given, up to 256, as their weights and
        those of the optimizer fit into memory_bytes. Fewer when their samples take memory_bytes.
    devices: to share the users out to; unless given the configuration's, or all of this process. Under
        `jax.distributed` each process gives its own users.

    Raises UpdateError when the model cannot be trained as asked, FeatureError or UpdateError that names user and sample
    (from 0) for what is wrong with data.
    """
    if isinstance(users, Mapping):
        raise UpdateError("the users are a list of training data, one for each user, not a mapping")
    if on_error not in ("raise", "keep"):
        raise UpdateError(f"on_error={on_error!r} is refused; there are raise, keep")
    if users_at_once is not None and users_at_once < 1:
        raise UpdateError(f"users_at_once={users_at_once} is refused; allowed: an integer from 1")
    loaded = model if isinstance(model, Model) else load(model, configuration=configuration)
    configuration = loaded.configuration if configuration is None else configuration
    network_of(loaded.spec)
    if recipe is not None:
        loaded = with_recipe(loaded, recipe)
    assert isinstance(loaded, NeuralNetwork)
    if strict:
        refuse_unless_legal(loaded, recipe)
    device = pick_device(configuration) if devices is None else devices[0]
    if devices is None:
        devices = jax.local_devices() if device is None else [device]
    descriptions = parameter_descriptions(loaded.spec, recipe)
    values = checked({**(configuration.parameters or {}), **parameters}, descriptions)
    settled = recipe_of(loaded.spec, values, recipe)
    refuse_unless_allowed(settled.values, descriptions)
    programs = programs_for(loaded, settled, device, precision)
    given, frozen = programs.parts.split(loaded.parameters)
    for key, value in values.items():
        if key.name in NAMES:
            given = with_weight(given, *checked_weight(given, key, value))
    crowd = _Crowd(loaded, settled, programs, given, frozen, Mesh(np.array(devices), ("users",)))
    errors: dict[int, GraphmlError] = {}

    def failed(number: int, error: GraphmlError) -> None:
        if on_error == "raise":
            raise error
        errors[number] = error

    size = crowd.size(users, users_at_once, memory_bytes)
    most = size if users_at_once is None else min(size, users_at_once)
    reading = {"most": most, "memory_bytes": memory_bytes, "failed": failed}
    outcomes: dict[int, _Outcome] = {}
    for cohort in read_users(loaded, users, programs, settled, crowd.mesh, **reading):
        outcomes |= crowd.train(Cohort(cohort, size, settled.batch_size, crowd.mesh), failed)
    if not outcomes and not errors:
        raise UpdateError("there are no users")
    return PersonalModels(loaded, programs, outcomes, errors)


class PersonalModels:
    """What `update_many` has made. models: for each user a model, made when it is asked for; asking for that of a user
    who has failed raises what went wrong. errors: {user: what went wrong}. losses: [users, epochs], the mean over the
    samples of the epoch; NaN where a user trained no more."""

    def __init__(
        self,
        base: NeuralNetwork,
        programs: Programs,
        outcomes: Mapping[int, _Outcome],
        errors: Mapping[int, GraphmlError],
    ) -> None:
        self._base, self._programs, self._outcomes = base, programs, outcomes
        self.errors = dict(sorted(errors.items()))
        self.models: Sequence[NeuralNetwork] = _Models(len({*outcomes, *errors}), self._model)
        epochs = max((len(one.epochs) for one in outcomes.values()), default=0)
        self.losses = np.full((len(self.models), epochs), np.nan)
        for number, one in outcomes.items():
            self.losses[number, : len(one.epochs)] = [record.loss for record in one.epochs]

    def __len__(self) -> int:
        return len(self.models)

    def __repr__(self) -> str:
        return f"<{len(self)} personal models, {len(self.errors)} of them failed>"

    def history(self, user: int) -> History:
        """What was measured for a user, as `UpdateTask.history` has it; up to the failure of one who has failed."""
        if user not in self._outcomes:
            raise self._missing(user)
        one = self._outcomes[user]
        found: list[Record] = []
        for epoch, losses in enumerate(one.batches):
            found += [*batch_records(epoch, losses), *one.epochs[epoch : epoch + 1]]
        return History(found)

    def delta(self, user: int) -> Delta:
        """What the user's model has other than the model that was given: to be saved, or averaged."""
        return difference(self._model(user), self._base)

    def _model(self, user: int) -> NeuralNetwork:
        if user in self.errors or user not in self._outcomes:
            raise self._missing(user)
        stack, place = self._outcomes[user].stack, self._outcomes[user].place
        train = jax.tree.map(lambda leaf: leaf[place], stack)
        return self._base.with_parameters(self._programs.parts.stored(train, self._base.parameters))

    def _missing(self, user: int) -> Exception:
        return self.errors[user] if user in self.errors else IndexError(f"user {user} of {len(self)}")


class _Models(Sequence[NeuralNetwork]):
    def __init__(self, count: int, make: Any) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        return self._make(index + self._count if -self._count <= index < 0 else index)


class _Outcome:
    """A user's run. batches: the losses of the mini-batches, an array for each epoch. epochs: their records. stack,
    place: trained weights, one copy for each place."""

    def __init__(self) -> None:
        self.batches: list[np.ndarray] = []
        self.epochs: list[Record] = []
        self.stack: Any = None
        self.place = 0


class _Crowd:
    """A recipe and its programs for copies of the weights, which are `given` at the start."""

    def __init__(
        self, model: NeuralNetwork, recipe: Recipe, programs: Programs, given: Any, frozen: Any, mesh: Mesh
    ) -> None:
        self.mesh = mesh
        self._recipe, self._programs, self._given = recipe, programs, given
        self._state = training.initial_state(programs.parts, recipe, model.parameters)
        self._frozen = jax.device_put(frozen, NamedSharding(mesh, SHARED))
        leaves = jax.tree.leaves(given)
        self._together = _together(sum(leaf.size for leaf in leaves), mesh.devices.flat[0].platform)
        key = (programs, tuple(mesh.devices.flat), self._together)
        all_kept = model.programs.setdefault("update many", Latest(_MOST_PROGRAMS))
        kept = all_kept.get(key)
        if kept is None:
            kept = _make_slice(programs, mesh, self._together), _make_evaluation(programs, mesh, self._together)
            all_kept.put(key, kept)
        self._slice, self._evaluation = kept

    def size(self, users: Any, at_once: int | None, memory_bytes: int) -> int:
        """The number of places of a cohort: a multiple of what runs together on all devices."""
        if at_once is None:
            # a copy and its gradient, twice for what goes in and comes out
            copies = 2 * sum(leaf.nbytes for leaf in jax.tree.leaves(self._given))
            one = 2 * (copies + sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(self._state)))
            at_once = min(_MOST * self.mesh.size, max(1, memory_bytes // one))
        if hasattr(users, "__len__"):
            at_once = min(at_once, max(1, len(users)))
        own = -(-at_once // self.mesh.size)
        own = own if own <= self._together else -(-own // self._together) * self._together
        return own * self.mesh.size

    def train(self, cohort: Cohort, failed: Any) -> dict[int, _Outcome]:
        """All epochs of a cohort."""
        recipe, stopping = self._recipe, self._recipe.early_stopping
        train, state = (self._stacked(tree, cohort) for tree in (self._given, self._state))
        best = train if stopping is not None and stopping.restore_best else None
        scores: dict[int, float] = {}
        outcomes = {place: _Outcome() for place in cohort.users}
        active = set(cohort.users)
        order = None
        for epoch in range(recipe.epochs):
            if not active:
                break
            order = cohort.order(recipe, epoch) if order is None or recipe.shuffle else order
            hyper = training.hyper_values(recipe, epoch)
            key = training.epoch_key(self._programs.parts, recipe.seed, epoch)
            run = (train, state, order, cohort.stops(active), cohort.count)
            with failures.typed(lambda: self._faulty_layer(cohort)):
                train, state, losses = self._slice(run, cohort.data, self._frozen, hyper, key)
                losses = np.asarray(losses)
            self._take_losses(cohort, active, outcomes, losses, epoch, failed)
            measured = self._measured(
                cohort, train, hyper, training.judging_key(self._programs.parts, recipe.seed, epoch)
            )
            improved = np.zeros(cohort.size, bool)
            for place in sorted(active):
                record = self._record(cohort, place, epoch, outcomes[place].batches[-1], measured)
                outcomes[place].epochs.append(record)
                score = monitored(stopping, record)
                if place not in scores or score < scores[place]:
                    scores[place], improved[place] = score, True
                if is_enough(stopping, outcomes[place].epochs):
                    active.remove(place)
            if best is not None:
                best = _where(cohort.put(improved), train, best)
        stack = jax.device_get(train if best is None else best)
        for place, outcome in outcomes.items():
            outcome.stack, outcome.place = stack, place
        return {cohort.users[place].number: outcome for place, outcome in outcomes.items()}

    def _faulty_layer(self, cohort: Cohort) -> str | None:
        return failures.faulty_in_tail(self._programs.parts, self._given, self._frozen, cohort.data.blobs)

    def _stacked(self, tree: Any, cohort: Cohort) -> Any:
        return cohort.put(jax.tree.map(lambda leaf: np.broadcast_to(leaf, (cohort.size, *np.shape(leaf))), tree))

    def _take_losses(
        self, cohort: Cohort, active: set[int], outcomes: Any, losses: np.ndarray, epoch: int, failed: Any
    ):
        """Keep the losses of an epoch; users whose losses are not finite are no longer active."""
        for place in sorted(active, key=lambda place: cohort.users[place].number):
            user = cohort.users[place]
            own = losses[place, : cohort.batches_of(user)]
            outcomes[place].batches.append(own)
            try:
                refuse_unless_finite(own, epoch, 0, self._recipe.hyper)
            except UpdateError as error:
                active.remove(place)
                failed(user.number, error.in_context(f"user {user.number}"))

    def _measured(self, cohort: Cohort, train: Any, hyper: Any, key: Any) -> dict[int, dict[str, float]]:
        """{place: {measure: mean over the samples to judge on}}, if anything is to be measured."""
        if not self._recipe.metrics and not any(len(user.held) for user in cohort.users.values()):
            return {}
        totals: dict[int, dict[str, list[float]]] = {place: {} for place in cohort.users}
        numbers = dict.fromkeys(cohort.users, 0)
        for picked, counts, rows in cohort.judged(_JUDGED):
            with failures.typed(lambda: self._faulty_layer(cohort)):
                own = (train, picked, counts, cohort.starts)
                found = jax.device_get(self._evaluation(own, cohort.data, self._frozen, hyper, key))
            for place, count in rows.items():
                numbers[place] += count
                for name, values in found.items():
                    totals[place].setdefault(name, []).append(float(values[place]) * count)
        return {
            place: {name: math.fsum(values) / numbers[place] for name, values in measures.items()}
            for place, measures in totals.items()
        }

    def _record(self, cohort: Cohort, place: int, epoch: int, losses: np.ndarray, measured: Any) -> Record:
        user = cohort.users[place]
        loss = training.epoch_loss(losses, len(user.chosen), self._recipe.batch_size)
        if not measured:
            return Record(epoch, None, loss)
        metrics = dict(measured[place])
        judged = metrics.pop("loss")
        return Record(epoch, None, loss, metrics, judged if len(user.held) else None)


# The compiled programs -----------------------------------------------------------------------------------------------


def _together(size: int, platform: str) -> int:
    """How many users run as one; a device takes such groups one after the other. size: numbers in a copy.

    A CPU gains from small copies only, and in large ones would do the products of a convolution one by one.
    """
    if platform == "cpu":
        return 32 if size <= 2**14 else 1
    return max(1, min(_MOST, 2**26 // size))


def _each(run: Any, together: int) -> Any:
    """run(copies of one user, ...) over an axis of users."""

    def over_all(own: Any, *shared: Any) -> Any:
        one = lambda own: run(own, *shared)  # noqa: E731
        count = jax.tree.leaves(own)[0].shape[0]
        if 1 < count <= together:
            return jax.vmap(one)(own)
        return jax.lax.map(one, own, batch_size=together if together > 1 else None)

    return over_all


def _make_slice(programs: Programs, mesh: Mesh, together: int) -> Any:
    """run((train, state, order, stops, counts), data, frozen, hyper, key) -> train, state, losses: an epoch for every
    place, or what its stop leaves of it; all on their devices, which do not wait for one another."""

    def one(own: Any, data: Any, frozen: Any, hyper: Any, key: Any) -> Any:
        train, state, order, stop, count = own
        return programs.slice(train, frozen, state, data, order, 0, stop, hyper, key, 0, count)

    each = jax.shard_map(
        _each(one, together),
        mesh=mesh,
        in_specs=(SPLIT, SPLIT, SHARED, SHARED, SHARED),
        out_specs=SPLIT,
        check_vma=False,
    )
    return Compiled(each, most=training.MOST_SHAPES)


def _make_evaluation(programs: Programs, mesh: Mesh, together: int) -> Any:
    """run((train, picked, counts, starts), data, frozen, hyper, key) -> {measure: [places]}."""

    def one(own: Any, data: Any, frozen: Any, hyper: Any, key: Any) -> Any:
        train, picked, count, start = own
        blobs = {name: blob[picked] for name, blob in data.blobs.items()}
        mask = jnp.arange(picked.shape[0]) < count
        return programs.evaluation(train, frozen, blobs, data.target[picked], mask, hyper, key, picked - start)

    each = jax.shard_map(
        _each(one, together),
        mesh=mesh,
        in_specs=(SPLIT, SPLIT, SHARED, SHARED, SHARED),
        out_specs=SPLIT,
        check_vma=False,
    )
    return Compiled(each, most=training.MOST_SHAPES)


@jax.jit
def _where(places: jax.Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(places.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)
