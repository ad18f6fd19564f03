"""The compiled programs of training, shared by all tasks on models that differ in their weights only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphml.models.configuration import Device
from graphml.models.network import NeuralNetwork
from graphml.update.recipe import Recipe
from graphml.update.training import make_slice, make_trunk
from graphml.update.trunk import Parts, take_apart


@dataclass(frozen=True, eq=False)
class Programs:
    """A network taken apart, and its two programs: see `make_trunk` and `make_slice`."""

    parts: Parts
    trunk: Callable[..., Any]
    slice: Callable[..., Any]


def programs_for(model: NeuralNetwork, recipe: Recipe, device: Device | None) -> Programs:
    """The programs for a model and the loss and optimizer of a recipe; those of an earlier task where there are
    any."""
    key = ("update", recipe.loss, recipe.optimizer, device)
    kept = model.programs.get(key)
    if kept is None:
        platform = None if device is None else device.platform
        parts = take_apart(model.lower(platform=platform), recipe.loss)
        kept = model.programs[key] = Programs(parts, make_trunk(parts), make_slice(parts, recipe))
    return kept
