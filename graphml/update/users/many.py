"""Personal copies of a model for many users at once: one compiled program trains a stack of weights."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, overload

import jax
import numpy as np
from jax.sharding import Mesh

from graphml import recipes
from graphml.errors import GraphmlError, UpdateError
from graphml.models import Model, ModelConfiguration, load
from graphml.models.configuration import Device, pick_device
from graphml.models.graph_model import GraphModel
from graphml.recipes import parameter_descriptions, recipe_of
from graphml.recipes.parameters import checked, refuse_unless_allowed
from graphml.recipes.part import integer
from graphml.update.data.samples import TrainingData
from graphml.update.data.storage import Limits
from graphml.update.learners.learner import trainee
from graphml.update.progress.history import History
from graphml.update.step.programs import Precision, Programs, programs_for
from graphml.update.users.cohort_runner import CohortRunner, UserResult
from graphml.update.users.cohorts import USERS, Cohort, read_users
from graphml.update.users.deltas import Delta, difference
from graphml.update.weights import NAMES, checked_weight, with_weight


def update_many(
    model: Model | str | os.PathLike[str],
    users: Iterable[TrainingData],
    configuration: ModelConfiguration | None = None,
    *,
    strict: bool = True,
    recipe: recipes.Recipe | None = None,
    precision: Precision = "float32",
    on_error: Literal["raise", "keep"] = "raise",
    users_at_once: int | None = None,
    memory_bytes: int = Limits.memory_bytes,
    devices: Sequence[Device] | None = None,
    **parameters: Any,
) -> PersonalModels:
    """Train a personal model for each user, all with one compiled program.

    Up to rounding, the models are those that an `UpdateTask` for each user would give.

        result = graphml.update_many("net.mlmodel", [samples_of_anna, samples_of_ben], epochs=3)
        result.models[1].save("ben.mlmodel")

    Args:
        model: the network or ML Program, or its file.
        users: the training data of each user, as a task takes them; a generator is read as users are needed. Users may
            have different numbers of samples, but samples of one shape. The frozen part of the network runs once for
            each sample.
        configuration: as for a task.
        strict: as for a task.
        recipe: as for a task.
        precision: as for a task.
        on_error: "keep" continues without a user whose data are bad or whose loss is not finite; see
            `PersonalModels.errors`.
        users_at_once: the number of users that are trained together. None allows up to 256, as long as their weights
            and those of the optimizer fit into `memory_bytes`.
        memory_bytes: fewer users are trained together if their samples take more memory.
        devices: share the users among these devices. None uses the device of the configuration, or all devices of this
            process. Under `jax.distributed` each process passes its own users.
        **parameters: learning_rate=0.1 and so on, for all users.

    Raises:
        UpdateError: the model cannot be trained with these options, or the data of a user are bad.
        FeatureError: a sample does not fit the model; the message names the user and the sample, from 0.
    """
    if isinstance(users, Mapping):
        raise UpdateError("users must be a list of training data, one for each user, got a mapping")
    if on_error not in ("raise", "keep"):
        raise UpdateError(f"on_error={on_error!r} is refused; allowed: raise, keep")
    if users_at_once is not None:
        integer(users_at_once, "users_at_once")
    memory_bytes = Limits(memory_bytes).memory_bytes
    loaded = model if isinstance(model, Model) else load(model, configuration=configuration)
    configuration = loaded.configuration if configuration is None else configuration
    loaded, base = trainee(loaded, recipe, strict=strict)
    device = pick_device(configuration) if devices is None else devices[0]
    if devices is None:
        devices = jax.local_devices() if device is None else [device]
    descriptions = parameter_descriptions(loaded.spec, recipe)
    values = checked({**(configuration.parameters or {}), **parameters}, descriptions)
    own_recipe = recipe_of(loaded.spec, values, recipe)
    refuse_unless_allowed(own_recipe.values, descriptions)
    programs = programs_for(loaded, own_recipe, device, precision)
    given, frozen = programs.parts.split(loaded.parameters)
    for key, value in values.items():
        if key.name in NAMES:
            given = with_weight(given, *checked_weight(given, key, value))
    mesh = Mesh(np.array(devices), (USERS,))
    runner = CohortRunner(loaded, own_recipe, programs, given, frozen, mesh)
    errors: dict[int, GraphmlError] = {}

    def failed(number: int, error: GraphmlError) -> None:
        if on_error == "raise":
            raise error
        errors[number] = error

    size = runner.size(users, users_at_once, memory_bytes)
    most = size if users_at_once is None else min(size, users_at_once)
    cohorts = read_users(loaded, users, programs, own_recipe, mesh, most=most, memory_bytes=memory_bytes, failed=failed)
    results: dict[int, UserResult] = {}
    for members in cohorts:
        results |= runner.train(Cohort(members, size, own_recipe.batch_size, mesh), failed)
    if not results and not errors:
        raise UpdateError("there are no users")
    return PersonalModels(base, programs, results, errors)


class PersonalModels:
    """The models that `update_many` has trained.

    Attributes:
        models: the model of each user, made when it is accessed; for a user who has failed, the error is raised.
        errors: {user: why training failed}.
        losses: the mean over the samples of each epoch, [users, epochs]; NaN for epochs that a user did not train.
    """

    def __init__(
        self,
        base: GraphModel,
        programs: Programs,
        results: Mapping[int, UserResult],
        errors: Mapping[int, GraphmlError],
    ) -> None:
        self._base, self._programs, self._results = base, programs, results
        self.errors = dict(sorted(errors.items()))
        self.models: Sequence[GraphModel] = _Models(self)
        finished = {number: History(result.log.records).epochs for number, result in results.items()}
        self.losses = np.full((len(self), max(map(len, finished.values()), default=0)), np.nan)
        for number, epochs in finished.items():
            self.losses[number, : len(epochs)] = [record.loss for record in epochs]

    def __len__(self) -> int:
        """The number of users, failed ones included."""
        return len({*self._results, *self.errors})

    def __repr__(self) -> str:
        return f"<{len(self)} personal models, {len(self.errors)} of them failed>"

    def history(self, user: int) -> History:
        """The records of a user, as in `UpdateTask.history`; they end with the failure of a user who has failed."""
        if user not in self._results:
            raise self._missing(user)
        return History(self._results[user].log.records)

    def delta(self, user: int) -> Delta:
        """The difference between the model of a user and the original one, to be saved or averaged."""
        return difference(self.model(user), self._base)

    def model(self, user: int) -> GraphModel:
        """The model of a user. Raises the error of a user who has failed, and IndexError for an unknown user."""
        if user in self.errors or user not in self._results:
            raise self._missing(user)
        weights = self._results[user].weights
        return self._base.with_parameters(self._programs.parts.stored(weights, self._base.parameters))

    def _missing(self, user: int) -> Exception:
        return self.errors[user] if user in self.errors else IndexError(f"user {user} of {len(self)}")


class _Models(Sequence[GraphModel]):
    def __init__(self, owner: PersonalModels) -> None:
        self._owner = owner

    def __len__(self) -> int:
        return len(self._owner)

    @overload
    def __getitem__(self, index: int) -> GraphModel: ...
    @overload
    def __getitem__(self, index: slice) -> list[GraphModel]: ...
    def __getitem__(self, index: int | slice) -> GraphModel | list[GraphModel]:
        count = len(self)
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(count))]
        return self._owner.model(index + count if -count <= index < 0 else index)
