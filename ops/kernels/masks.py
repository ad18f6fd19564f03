"""Parts of matrices, one-hot vectors, and positions of nonzero elements. Known values give NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from graphml.interpreter.budget import check_shape
from graphml.ops.kernels.arrays import Array, DType, along_axis, array_namespace

Diagonals = npt.NDArray[np.int64]


def band_part(x: Array, lower: int, upper: int) -> Array:
    """The band around the main diagonal of each matrix; the rest is 0.

    Args:
        x: [..., rows, columns].
        lower: how many diagonals below the main one are kept; all of them if negative.
        upper: how many above it.

    Returns:
        The shape of x.
    """
    return _where_diagonal(x, lambda above: ((lower < 0) | (-above <= lower)) & ((upper < 0) | (above <= upper)))


def lower_triangle(x: Array, k: int) -> Array:
    """Each matrix [rows, columns] of x up to its k-th diagonal, counted upwards from the main one; 0 above it."""
    return _where_diagonal(x, lambda above: above <= k)


def upper_triangle(x: Array, k: int) -> Array:
    """Each matrix [rows, columns] of x from its k-th diagonal, counted upwards from the main one; 0 below it."""
    return _where_diagonal(x, lambda above: above >= k)


def _where_diagonal(x: Array, keep: Callable[[Diagonals], npt.NDArray[np.bool_]]) -> Array:
    check_shape(x.shape[-2:], np.int64)
    rows, columns = np.arange(x.shape[-2])[:, None], np.arange(x.shape[-1])
    return array_namespace(x).where(keep(columns - rows), x, np.zeros((), x.dtype))


def one_hot(index: Array, size: int, axis: int, on: float, off: float, dtype: DType) -> Array:
    """`on` at each index along a new axis, `off` elsewhere.

    Args:
        index: integers of any shape; those outside [0, size) give `off` everywhere.
        size: of the new axis.
        axis: position of the new axis in the result, counted from the start.
        on: one number.
        off: one number.
        dtype: of the result.

    Returns:
        One rank more than the index.
    """
    check_shape((size,), np.int32)
    xp = array_namespace(index)
    positions = along_axis(np.arange(size, dtype=np.int32), axis, index.ndim + 1)
    return xp.where(xp.expand_dims(index, axis) == positions, np.asarray(on, dtype), np.asarray(off, dtype))


def non_zero(x: Array, count: int | None = None) -> Array:
    """The positions of all elements that are not zero, in row-major order.

    Args:
        x: rank R; known unless `count` is given.
        count: how many positions to return; missing ones are 0.

    Returns:
        int32 [count, R].
    """
    xp: Any = np if count is None else jnp
    found = np.argwhere(np.asarray(x)) if count is None else jnp.argwhere(x, size=count)
    return xp.asarray(found, xp.int32)
