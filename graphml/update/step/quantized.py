"""Trained weights that are not stored as float32: what training computes with, and what is stored afterwards.

"straight-through": training updates floats, the network computes with these floats rounded to the codes of the file (by
its scale or lookup table), gradients pass the rounding unchanged, and codes are stored again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import UpdateError
from graphml.spec.requantization import codes_for, values_of
from graphml.spec.weights import CompressedWeight, Quantized


@dataclass(frozen=True, eq=False)
class Grid:
    """Marks a trained weight among the frozen parameters: the values that its codes can have.

    Args:
        form: the quantized weight as it was read.
    """

    form: Quantized


jax.tree_util.register_dataclass(Grid, data_fields=["form"], meta_fields=[])


def is_stored_form(leaf: Any) -> bool:
    """Whether a leaf of a tree of weights is compressed, or the grid of a quantized weight."""
    return isinstance(leaf, CompressedWeight | Grid)


def as_floats(leaf: Any) -> Any:
    """A weight as training uses it: always float32, regardless of how it is stored."""
    return (leaf.dequantize() if isinstance(leaf, CompressedWeight) else leaf).astype(np.float32)


def straight_through(weight: jax.Array, grid: Grid) -> jax.Array:
    """The weight rounded to a grid; its derivative is 1, as if it were not rounded."""
    rounded = values_of(codes_for(weight, grid.form, jnp), grid.form, jnp).astype(weight.dtype)
    return weight + jax.lax.stop_gradient(rounded - weight)


def joined(trained: Any, frozen: Any) -> Any:
    """Trained weights as the network uses them: rounded if `frozen` has a grid at the same path."""
    if isinstance(trained, Mapping):
        held = frozen if isinstance(frozen, Mapping) else {}
        return {**held, **{name: joined(leaf, held.get(name)) for name, leaf in trained.items()}}
    if isinstance(trained, list):
        held = frozen if isinstance(frozen, list) else [None] * len(trained)
        return [joined(leaf, one) for leaf, one in zip(trained, held, strict=True)]
    return straight_through(trained, frozen) if isinstance(frozen, Grid) else trained


def grids(weight: Any) -> Any:
    """The grids of the quantized leaves of a weight; None for other leaves."""
    return jax.tree.map(
        lambda leaf: Grid(leaf) if isinstance(leaf, Quantized) else None, weight, is_leaf=is_stored_form
    )


def to_store(trained: Any, original: Any, quantized: str, half: str) -> Any:
    """Trained weights in the form in which they are stored.

    Args:
        trained: a tree of float32 arrays.
        original: the same tree as it was read.
        quantized: "dequantize" or "straight-through", see `Recipe`.
        half: "float32" or "float16", see `Recipe`.
    """
    if isinstance(trained, Mapping):
        return {name: to_store(leaf, original[name], quantized, half) for name, leaf in trained.items()}
    if isinstance(trained, list):
        return [to_store(leaf, one, quantized, half) for leaf, one in zip(trained, original, strict=True)]
    if isinstance(original, Quantized) and quantized == "straight-through":
        return replace(original, codes=codes_for(np.asarray(trained), original))
    if half == "float16" and original.dtype == np.float16:
        return _as_half(np.asarray(trained))
    return trained


def _as_half(weight: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        stored = weight.astype(np.float16)
    if not np.array_equal(np.isfinite(stored), np.isfinite(weight)):
        raise UpdateError(f"a weight has grown to {np.abs(weight).max():.6g}, which float16 cannot hold")
    return stored
