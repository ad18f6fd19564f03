"""Training a cohort: one compiled program trains a stack of weights, a copy for each user.

The rules of training are those of `learners.epochs`, applied to each user separately.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding

from graphml.errors import GraphmlError, UpdateError
from graphml.interpreter.programs import Compiled, Latest
from graphml.models.graph_model import GraphModel
from graphml.recipes import Recipe
from graphml.update.data.samples import TrainingData
from graphml.update.learners.epochs import (
    EVALUATION_ROWS,
    EpochPlan,
    Losses,
    TrainingLog,
    WeightedMeans,
    refuse_unless_finite,
)
from graphml.update.step import failures, training
from graphml.update.step.programs import Programs
from graphml.update.users.cohorts import REPLICATED, SHARDED, Cohort

_MOST_USERS = 256  # in a cohort, unless their weights are large
_MOST_PROGRAMS = 16  # that a model keeps, one for each form of recipe


@dataclass(frozen=True, eq=False)
class UserResult:
    """The result of training one user.

    Attributes:
        log: the records.
        stack: the trained weights of the cohort, with a leading axis of copies.
        slot: the index of the user's copy.
    """

    log: TrainingLog
    stack: Any
    slot: int

    @property
    def weights(self) -> Any:
        """The trained weights of the user."""
        return jax.tree.map(lambda leaf: leaf[self.slot], self.stack)


class CohortRunner:
    """Trains cohorts of users, each on a copy of the same weights."""

    def __init__(
        self, model: GraphModel, recipe: Recipe, programs: Programs, given: Any, frozen: Any, mesh: Mesh
    ) -> None:
        """Prepare the programs for a recipe.

        Args:
            model: the original network, which keeps the compiled programs.
            recipe: the recipe of all users.
            programs: the programs of the network.
            given: the weights that training begins with.
            frozen: the weights that are not trained.
            mesh: the devices.
        """
        self._mesh, self._recipe, self._programs, self._given = mesh, recipe, programs, given
        self._optimizer_state = training.initial_state(programs.parts, recipe, model.parameters)
        self._frozen = jax.device_put(frozen, NamedSharding(mesh, REPLICATED))
        size = sum(leaf.size for leaf in jax.tree.leaves(given))
        self._together = _users_together(size, mesh.devices.flat[0].platform)
        key = (programs, tuple(mesh.devices.flat), self._together)
        all_kept = model.programs.setdefault("update many", Latest(_MOST_PROGRAMS))
        kept = all_kept.get(key)
        if kept is None:
            kept = _make_slice(programs, mesh, self._together), _make_evaluation(programs, mesh, self._together)
            all_kept.put(key, kept)
        self._slice, self._evaluation = kept

    def size(self, users: Iterable[TrainingData], at_once: int | None, memory_bytes: int) -> int:
        """The number of copies in a cohort: a multiple of what runs together on all devices."""
        devices = self._mesh.size
        if at_once is None:
            # a copy and its gradient, twice: inputs and outputs of the program
            copies = 2 * sum(leaf.nbytes for leaf in jax.tree.leaves(self._given))
            state = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(self._optimizer_state))
            at_once = min(_MOST_USERS * devices, max(1, memory_bytes // (2 * (copies + state))))
        if isinstance(users, Sized):
            at_once = min(at_once, max(1, len(users)))
        own = -(-at_once // devices)
        own = own if own <= self._together else -(-own // self._together) * self._together
        return own * devices

    def train(self, cohort: Cohort, failed: Callable[[int, GraphmlError], None]) -> dict[int, UserResult]:
        """Train a cohort from the first epoch to the last.

        Args:
            cohort: the users.
            failed: gets the number of a user whose loss is not finite, and the error. If it returns, training continues
                without that user.

        Returns:
            {number of the user: result}, failed users included.
        """
        recipe, stopping = self._recipe, self._recipe.early_stopping
        weights, state = (self._stacked(tree, cohort) for tree in (self._given, self._optimizer_state))
        best = weights if stopping is not None and stopping.restore_best else None
        logs = {slot: TrainingLog() for slot in cohort.users}
        healthy = set(cohort.users)
        order: jax.Array | None = None
        plan = EpochPlan.of(recipe)
        epoch = 0
        while active := [slot for slot in sorted(healthy) if not logs[slot].is_over(recipe)]:
            order = cohort.order(plan, epoch) if order is None or plan.shuffle else order
            hyper = training.hyper_values(recipe, epoch)
            key = training.epoch_key(self._programs.parts, plan.seed, epoch)
            own = (weights, state, order, cohort.stops(active), cohort.count)
            with failures.as_update_errors(lambda: self._faulty_layer(cohort)):
                weights, state, losses = self._slice(own, cohort.data, self._frozen, hyper, key)
                losses = np.asarray(losses)
            for slot in active:
                logs[slot] = logs[slot].with_losses(losses[slot, : cohort.batches_of(cohort.users[slot])])
            finite = self._finite(cohort, {slot: logs[slot].losses for slot in active}, epoch, failed)
            healthy -= {*active} - finite
            measures = self._measures(cohort, weights, hyper, epoch)
            improved = np.zeros(cohort.size, bool)
            for slot in finite:
                split, found = cohort.users[slot].split, measures.get(slot, {})
                log = logs[slot].with_finished_epoch(recipe, split, plan.batch_size, found)
                improved[slot] = log.is_best
                logs[slot] = log.with_next_epoch()
            if best is not None:
                best = _where(cohort.put(improved), weights, best)
            epoch += 1
        stack = jax.device_get(weights if best is None else best)
        return {cohort.users[slot].number: UserResult(log, stack, slot) for slot, log in logs.items()}

    def _faulty_layer(self, cohort: Cohort) -> str | None:
        return failures.faulty_in_tail(self._programs.parts, self._given, self._frozen, cohort.data.blobs)

    def _stacked(self, tree: Any, cohort: Cohort) -> Any:
        return cohort.put(jax.tree.map(lambda leaf: np.broadcast_to(leaf, (cohort.size, *np.shape(leaf))), tree))

    def _finite(
        self, cohort: Cohort, losses: Mapping[int, Losses], epoch: int, failed: Callable[[int, GraphmlError], None]
    ) -> set[int]:
        """The slots whose losses are finite; the others are reported as failed, in the order of the users."""
        finite: set[int] = set()
        for slot in sorted(losses, key=lambda slot: cohort.users[slot].number):
            number = cohort.users[slot].number
            try:
                refuse_unless_finite(losses[slot], epoch, 0, self._recipe.hyper)
                finite.add(slot)
            except UpdateError as error:
                failed(number, error.in_context(f"user {number}"))
        return finite

    def _measures(self, cohort: Cohort, weights: Any, hyper: training.Hyper, epoch: int) -> dict[int, dict[str, float]]:
        """{slot: {measure: mean over the samples that are evaluated}}; empty if nothing is."""
        key = training.evaluation_key(self._programs.parts, self._recipe.seed, epoch)
        means: dict[int, WeightedMeans] = {}
        for picked, counts, rows in cohort.evaluated(self._recipe, EVALUATION_ROWS):
            with failures.as_update_errors(lambda: self._faulty_layer(cohort)):
                own = (weights, picked, counts, cohort.starts)
                found = jax.device_get(self._evaluation(own, cohort.data, self._frozen, hyper, key))
            for slot, count in rows.items():
                own_means = {name: values[slot] for name, values in found.items()}
                means.setdefault(slot, WeightedMeans()).add(own_means, count)
        return {slot: mean.result() for slot, mean in means.items()}


# The compiled programs -----------------------------------------------------------------------------------------------


def _users_together(size: int, platform: str) -> int:
    """The number of users that a device trains in one vectorized call; it takes such groups one after the other.

    A CPU gains from this for small copies only: it would compute the convolutions of large ones one by one.

    Args:
        size: the number of weights in a copy.
        platform: of the device.
    """
    if platform == "cpu":
        return 32 if size <= 2**14 else 1
    return max(1, min(_MOST_USERS, 2**26 // size))


def _for_each_user(run: Callable[..., Any], together: int) -> Callable[..., Any]:
    """`run(own, *shared)` of one user, over a leading axis of users in `own`."""

    def over_all(own: Any, *shared: Any) -> Any:
        one = lambda own: run(own, *shared)  # noqa: E731
        count = jax.tree.leaves(own)[0].shape[0]
        if 1 < count <= together:
            return jax.vmap(one)(own)
        return jax.lax.map(one, own, batch_size=together if together > 1 else None)

    return over_all


def _compiled(one: Callable[..., Any], mesh: Mesh, together: int) -> Compiled:
    """`one(own, data, frozen, hyper, key)` for each user; own and data are divided among the devices."""
    each = jax.shard_map(
        _for_each_user(one, together),
        mesh=mesh,
        in_specs=(SHARDED, SHARDED, REPLICATED, REPLICATED, REPLICATED),
        out_specs=SHARDED,
        check_vma=False,
    )
    return Compiled(each, most=training.MOST_SHAPES)


def _make_slice(programs: Programs, mesh: Mesh, together: int) -> Compiled:
    """run((weights, state, order, stops, counts), data, frozen, hyper, key) -> weights, state, losses.

    An epoch for every slot, up to its `stop`; devices do not wait for one another.
    """

    def one(own: Any, data: Any, frozen: Any, hyper: Any, key: Any) -> Any:
        weights, state, order, stop, count = own
        return programs.slice(weights, frozen, state, data, order, 0, stop, hyper, key, 0, count)

    return _compiled(one, mesh, together)


def _make_evaluation(programs: Programs, mesh: Mesh, together: int) -> Compiled:
    """run((weights, picked, counts, starts), data, frozen, hyper, key) -> {measure: [slots]}."""

    def one(own: Any, data: Any, frozen: Any, hyper: Any, key: Any) -> Any:
        weights, picked, count, start = own
        blobs = {name: blob[picked] for name, blob in data.blobs.items()}
        mask = jnp.arange(picked.shape[0]) < count
        return programs.evaluation(weights, frozen, blobs, data.target[picked], mask, hyper, key, picked - start)

    return _compiled(one, mesh, together)


@jax.jit
def _where(slots: jax.Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(slots.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)
