"""The service of a worker, without HTTP and Ray: predict for many users in one call, and train one user's model.

All users share the layers before `learned`. The rows of a batch may belong to different users: one compiled program
takes a stack of the learned layers, one for each row.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from user_store import UserStore

import graphml
from graphml.descriptions import FeatureDescription, FeatureType
from graphml.errors import FeatureError

BATCHES = (1, 4, 16)
"""Batch sizes that are compiled when the service starts; a batch is padded to the next of them."""

SAMPLES = (1, 2, 4, 8)
"""Numbers of samples that are compiled when the service starts; other updates compile on first use."""

MOST_USERS = 10_000  # whose weights a worker caches

Row = tuple[str | None, dict[str, Any]]


class Service:
    """Predictions and updates of one updatable network or ML Program.

    Args:
        model: the shared base model, updatable.
        learned: the layers that an update trains.
        users: where updates are stored.
    """

    def __init__(self, model: graphml.Model, learned: Sequence[str], users: UserStore) -> None:
        self.model, self.users = model, users
        lowered = model.lower()
        known = {name: lowered.params[name] for name in lowered.params if name not in learned}
        self._own = {name: lowered.params[name] for name in learned}
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._keeping = threading.Lock()
        one = lambda own, inputs: lowered.fn({**known, **own}, inputs)  # noqa: E731
        self._program = jax.jit(jax.vmap(one))

    def warm_up(self, sample: Mapping[str, Any]) -> None:
        """Compile the programs that requests need. sample: features and target, as for `personalize`."""
        inputs = {feature.name for feature in self.model.description.inputs}
        row = self.checked(None, {name: value for name, value in sample.items() if name in inputs})
        for size in BATCHES:
            self.predict([row] * size)
        for count in SAMPLES:
            _trained(self.model, [dict(sample)] * count)

    # Predictions -----------------------------------------------------------------------------------------------------

    def checked(self, user: str | None, features: Any) -> Row:
        """A row for `predict`. Raises FeatureError, which names the feature, for anything that the model refuses."""
        if user is not None:
            self.users.newest(user)  # refuses malformed names
        return user, self.model.arrays(_plain(features, self.model.description.inputs))  # type: ignore[attr-defined]

    def predict(self, rows: Sequence[Row]) -> list[tuple[int, dict[str, Any]]]:
        """The version of the user's weights and the outputs, for each row; takes at most `BATCHES[-1]` rows."""
        size = next(size for size in BATCHES if size >= len(rows))
        filled = [*rows, *[rows[-1]] * (size - len(rows))]
        found = {user: self._weights(user) for user in {user for user, _ in rows}}
        own = jax.tree.map(lambda *leaves: np.stack(leaves), *(found[user][1] for user, _ in filled))
        inputs = {name: np.stack([arrays[name] for _, arrays in filled]) for name in rows[0][1]}
        outputs = jax.device_get(self._program(own, inputs))
        present = self.model.present  # type: ignore[attr-defined]
        answers = [present({name: rows[i] for name, rows in outputs.items()}) for i in range(len(rows))]
        return [(found[user][0], answer) for (user, _), answer in zip(rows, answers, strict=True)]

    def _weights(self, user: str | None) -> tuple[int, Any]:
        """The newest version of the user's learned layers; read again only if there is a newer one on disk."""
        if user is None:
            return 0, self._own
        newest = self.users.newest(user)
        if newest is None:
            return 0, self._own
        with self._keeping:
            kept = self._kept.get(user)
        if kept is not None and kept[0] == newest.number:
            return kept
        number, delta = self.users.read(user)
        personal = self.model if delta is None else graphml.apply_delta(self.model, delta)
        found = number, {name: personal.parameters[name] for name in self._own}
        with self._keeping:
            self._kept[user] = found
            self._kept.move_to_end(user)
            while len(self._kept) > MOST_USERS:
                self._kept.popitem(last=False)
        return found

    # Updates ---------------------------------------------------------------------------------------------------------

    def personalize(self, user: str, samples: Any, request: str) -> int:
        """Train a user's model further, store it, and return its version number.

        A request whose id is already stored is not applied again, so clients may repeat a request whose answer they
        have not received.

        Raises:
            GraphmlError: the samples do not fit, or training failed; nothing is stored then.
            OSError: the update cannot be written.
        """
        if not isinstance(samples, list) or not samples:
            raise FeatureError("samples must be a list of at least one object, {feature: value}")
        features = self.model.description.training_inputs
        plain = [_plain(sample, features, f"sample {number}: ") for number, sample in enumerate(samples)]
        with self.users.locked(user):
            for version in self.users.versions(user):
                if version.request == request:
                    return version.number
            _, delta = self.users.read(user)
            personal = self.model if delta is None else graphml.apply_delta(self.model, delta)
            return self.users.save(user, request, _trained(personal, plain), self.model).number


def _trained(model: graphml.Model, samples: list[dict[str, Any]]) -> graphml.Model:
    task = graphml.UpdateTask(model, samples)
    task.resume()
    task.wait()
    if task.error is not None:
        raise task.error
    return task.model


def _plain(features: Any, descriptions: Sequence[FeatureDescription], where: str = "") -> dict[str, Any]:
    """Check features from JSON. Only string features may be text: `predict` would read other text as an image path."""
    if not isinstance(features, dict):
        raise FeatureError(f"{where}features must be an object, {{name: value}}, got {type(features).__name__}")
    for feature in descriptions:
        if feature.type is not FeatureType.STRING and isinstance(features.get(feature.name), str):
            raise FeatureError(f"{where}the feature {feature.name!r} takes {feature.type.name.lower()}, got text")
    return features
