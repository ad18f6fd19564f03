"""Masks: selecting, finding and marking elements by a condition."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from graphml.errors import ShapeError
from graphml.ops.kernels import masks
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.layers._axes import check_rank, normalize_axis
from graphml.ops.layers._integers import known_integer, to_integers
from graphml.ops.layers.dialect import layer

# Choosing ------------------------------------------------------------------------------------------------------------


@layer("whereBroadcastable", layout="any")
def where_broadcastable(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition is not zero, else y. All three broadcast.

    Args:
        condition: a shape that broadcasts against those of x and y.
        x: chosen where the condition is not zero.
        y: chosen elsewhere.

    Returns:
        The broadcast shape.

    Source: WhereBroadcastableLayerParams (spec 4).
    """
    return array_namespace(condition, x, y).where(condition != 0, x, y)


def _count_non_zero(x: Array) -> tuple[Array]:
    return (jnp.count_nonzero(x),)


@layer(
    "whereNonZero",
    concrete=(0,),
    sizes=_count_non_zero,
    differentiable="positions are integers, which have no gradient",
)
def where_non_zero(x: Array, *, sizes: tuple[int, ...] | None = None) -> Any:
    """The positions of all elements that are not zero, in row-major order.

    Args:
        x: rank R; its values are known when the network is traced, unless `sizes` is given.
        sizes: the count, or more.

    Returns:
        [count, R].

    Source: WhereNonZeroLayerParams (spec 4).
    """
    return masks.non_zero(x, None if sizes is None else sizes[0]).astype(x.dtype)


# Parts of matrices ---------------------------------------------------------------------------------------------------


@layer("matrixBandPart")
def matrix_band_part(x: Array, *, num_lower: int, num_upper: int) -> Array:
    """The band of each innermost matrix: `num_lower` diagonals below the main one, `num_upper` above; the rest is 0.

    Args:
        x: rank >= 2.
        num_lower: a negative number keeps all diagonals on its side.
        num_upper: as `num_lower`.

    Returns:
        The shape of x.

    Source: MatrixBandPartLayerParams (spec 4).
    """
    check_rank(x, 2)
    return masks.band_part(x, num_lower, num_upper)


@layer("lowerTriangular")
def lower_triangular(x: Array, *, k: int) -> Array:
    """Each innermost matrix up to its k-th diagonal (above the main one where k > 0); what is above it is 0.

    Args:
        x: rank >= 2.
        k: the last diagonal that is kept.

    Returns:
        The shape of x.

    Source: LowerTriangularLayerParams (spec 4).
    """
    check_rank(x, 2)
    return masks.lower_triangle(x, k)


@layer("upperTriangular")
def upper_triangular(x: Array, *, k: int) -> Array:
    """Each innermost matrix from its k-th diagonal (above the main one where k > 0); what is below it is 0.

    Args:
        x: rank >= 2.
        k: the first diagonal that is kept.

    Returns:
        The shape of x.

    Source: UpperTriangularLayerParams (spec 4).
    """
    check_rank(x, 2)
    return masks.upper_triangle(x, k)


# Marking -------------------------------------------------------------------------------------------------------------


@layer(
    "oneHot",
    concrete=(1,),
    differentiable="the gradient of a step function is 0 almost everywhere",
)
def one_hot(
    x: Array, size: Array | None = None, *, one_hot_vector_size: int, axis: int, on_value: float, off_value: float
) -> Array:
    """`on_value` at the index given by x along a new axis, `off_value` elsewhere, and everywhere for an index outside
    [0, size).

    Args:
        x: rank R, indices whose fraction is dropped.
        size: [1], in place of `one_hot_vector_size`; known when the network is traced.
        one_hot_vector_size: the size of the new axis.
        axis: the position of the new axis in the result; may count from the end.
        on_value: the value at the index.
        off_value: the value elsewhere.

    Returns:
        Rank R + 1.

    Raises:
        ShapeError: the axis does not exist, or the size is negative.

    Source: OneHotLayerParams (spec 5).
    """
    place = normalize_axis(axis, x.ndim + 1)
    count = one_hot_vector_size if size is None else known_integer(size, "the size")
    if count < 0:
        raise ShapeError(f"the size must not be negative, got {count}")
    return masks.one_hot(to_integers(x), count, place, on_value, off_value, x.dtype)
