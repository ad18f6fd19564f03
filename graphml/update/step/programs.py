"""The compiled programs of training, shared by all tasks on models that differ only in their weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp

from graphml.errors import UpdateError
from graphml.interpreter.programs import Latest
from graphml.models.compile.programs import Program
from graphml.models.configuration import Device
from graphml.models.graph_model import GraphModel
from graphml.recipes import Recipe
from graphml.update.step import failures
from graphml.update.step.training import MOST_SHAPES, make_evaluation, make_slice
from graphml.update.step.trunk import Parts, take_apart

Precision = Literal["float32", "bfloat16"]
_DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}
_MOST = 16  # forms of recipes for which a model keeps its programs


@dataclass(frozen=True, eq=False)
class Programs:
    """The compiled programs of a network and a form of recipe.

    Attributes:
        parts: the network, split into trunk and tail.
        trunk: the trunk, compiled as for prediction: its weights are prepared once, and its rows run on all cores.
        slice: see `training.make_slice`.
        evaluation: see `training.make_evaluation`.
    """

    parts: Parts
    trunk: Program
    slice: Callable[..., Any]
    evaluation: Callable[..., Any]


def programs_for(
    model: GraphModel, recipe: Recipe, device: Device | None, precision: Precision = "float32"
) -> Programs:
    """The programs for a model and a recipe; those of an earlier task if the form of the recipe is the same.

    Args:
        model: the network, which keeps the programs.
        recipe: only its form matters.
        device: where the programs run.
        precision: of the computation; weights are float32 outside of it.

    Raises:
        UpdateError: the network cannot be trained by this recipe, or the precision is unknown.
    """
    if precision not in _DTYPES:
        raise UpdateError(f"precision={precision!r} is refused; allowed: {', '.join(_DTYPES)}")
    marked = tuple(node.key for node in model.graph.body.walk() if node.updatable)
    key = (recipe.form, marked, device, precision)
    all_kept = model.programs.setdefault("update", Latest(_MOST))
    kept = all_kept.get(key)
    if kept is None:
        platform = None if device is None else device.platform
        with failures.as_update_errors():
            parts = take_apart(model.lower(dtype=_DTYPES[precision], platform=platform), recipe)
        kept = Programs(parts, trunk_program(parts, device), make_slice(parts, recipe), make_evaluation(parts, recipe))
        all_kept.put(key, kept)
    return kept


def trunk_program(parts: Parts, device: Device | None = None) -> Program:
    """The trunk as a program from inputs to the blobs at the cut."""
    trunk = parts.trunk
    return Program(lambda: trunk, trunk.target.platform, device, dtype=trunk.dtype, most=MOST_SHAPES)
