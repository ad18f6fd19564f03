"""Weights that are not stored as float32: what training computes with, and what is stored afterwards.

"straight-through": training keeps floats, the network sees them rounded to the codes of the file (its scale or its
table), gradients pass the rounding as if it were not there, and codes are stored again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.spec.weights import Quantized


@dataclass(frozen=True, eq=False)
class Grid:
    """The form of a quantized weight, among the frozen parameters, in the place of a weight that is trained."""

    form: Quantized


jax.tree_util.register_dataclass(Grid, data_fields=["form"], meta_fields=[])


def is_stored_form(leaf: Any) -> bool:
    return isinstance(leaf, Quantized | Grid)


def as_floats(leaf: Any) -> Any:
    """What is trained: float32, whatever the storage was."""
    return (leaf.dequantize() if isinstance(leaf, Quantized) else leaf).astype(np.float32)


def straight_through(weight: jax.Array, grid: Grid) -> jax.Array:
    """The weight rounded to a grid; its derivative is that of the weight itself."""
    rounded = values_of(codes_for(weight, grid.form, jnp), grid.form, jnp).astype(weight.dtype)
    return weight + jax.lax.stop_gradient(rounded - weight)


def codes_for(weight: Any, form: Quantized, xp: Any = np) -> Any:
    """The codes nearest to a weight. form: its scale and bias, or its table; its codes say only signed or not."""
    if form.table is not None:
        order = xp.argsort(xp.asarray(form.table))
        table = xp.asarray(form.table)[order]
        return order[xp.searchsorted((table[1:] + table[:-1]) / 2, weight)].astype(form.codes.dtype)
    low, high = (-128, 127) if form.codes.dtype == np.int8 else (0, 2**form.bits - 1)
    scale = xp.asarray(form.scale)
    scale = xp.where(scale == 0, 1, scale)
    steps = (weight if form.bias is None else weight - xp.asarray(form.bias)) / scale
    return xp.clip(xp.round(steps), low, high).astype(form.codes.dtype)


def values_of(codes: Any, form: Quantized, xp: Any = np) -> Any:
    """The numbers that codes stand for."""
    known = {name: None if value is None else xp.asarray(value) for name, value in _numbers(form).items()}
    return replace(form, codes=codes, **known).dequantize()


def _numbers(form: Quantized) -> dict[str, Any]:
    return {"scale": form.scale, "bias": form.bias, "table": form.table}


def joined(trained: Any, frozen: Any) -> Any:
    """Trained weights as the network sees them: over a grid where `frozen` holds one in the same place."""
    if isinstance(trained, Mapping):
        held = frozen if isinstance(frozen, Mapping) else {}
        return {**held, **{name: joined(leaf, held.get(name)) for name, leaf in trained.items()}}
    if isinstance(trained, list):
        held = frozen if isinstance(frozen, list) else [None] * len(trained)
        return [joined(leaf, one) for leaf, one in zip(trained, held, strict=True)]
    return straight_through(trained, frozen) if isinstance(frozen, Grid) else trained


def grids(weight: Any) -> Any:
    """The quantized leaves of a weight as grids, None elsewhere."""
    return jax.tree.map(
        lambda leaf: Grid(leaf) if isinstance(leaf, Quantized) else None, weight, is_leaf=is_stored_form
    )


def to_store(trained: Any, original: Any, quantized: str, half: str) -> Any:
    """Trained weights in the form in which they are stored. original: the same tree as it was read."""
    if isinstance(trained, Mapping):
        return {name: to_store(leaf, original[name], quantized, half) for name, leaf in trained.items()}
    if isinstance(trained, list):
        return [to_store(leaf, one, quantized, half) for leaf, one in zip(trained, original, strict=True)]
    if isinstance(original, Quantized) and quantized == "straight-through":
        return replace(original, codes=codes_for(np.asarray(trained), original))
    if half == "float16" and original.dtype == np.float16:
        return np.asarray(trained).astype(np.float16)
    return trained
