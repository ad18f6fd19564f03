"""Padding and cropping along chosen axes. Amounts are (before, after); axes may count from the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.windows import Pair


def pad_constant(x: Array, axes: Sequence[int], amounts: Sequence[Pair], value: float = 0.0) -> Array:
    """Pad with a constant.

    Args:
        x: any rank.
        axes: the axes to pad, one after the other: XLA:CPU fuses pads of one axis, and takes twice as long for a single
            pad of two.
        amounts: (before, after) of each of these axes; negative amounts cut.
        value: the constant.

    Returns:
        The rank of x.
    """
    for axis, both in zip(axes, amounts, strict=True):
        if any(both):
            widths = [(*both, 0) if i == axis % x.ndim else (0, 0, 0) for i in range(x.ndim)]
            x = lax.pad(x, np.asarray(value, x.dtype), widths)
    return x


def pad_from_edge(x: Array, axes: Sequence[int], amounts: Sequence[Pair], mode: Literal["reflect", "edge"]) -> Array:
    """Pad with elements of x.

    Args:
        x: any rank.
        axes: the axes to pad.
        amounts: (before, after) of each of these axes; a reflection must be shorter than its axis.
        mode: "reflect" mirrors x without its edge, "edge" repeats the edge.

    Returns:
        The rank of x.
    """
    widths = [(0, 0)] * x.ndim
    for axis, both in zip(axes, amounts, strict=True):
        widths[axis] = both
    return jnp.pad(x, widths, mode=mode)


def crop(x: Array, axes: Sequence[int], starts: Sequence[int], sizes: Sequence[int]) -> Array:
    """`sizes` elements of each of some axes, from `starts`, which must be within x."""
    for axis, start, size in zip(axes, starts, sizes, strict=True):
        x = lax.slice_in_dim(x, start, start + size, axis=axis)
    return x
