"""Masks: parts of matrices, finding and marking elements."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError
from graphml.ops.kernels import masks
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.axes import normalize_axis
from graphml.ops.program._known import known_integer
from graphml.ops.program.dialect import computed_type, operation


@operation("band_part", version=15)
def band_part(x: Array, *, lower: int, upper: int) -> Array:
    """The band of each innermost matrix: `lower` diagonals below the main one, `upper` above; the rest is 0.

    Args:
        x: [..., rows, columns].
        lower: a negative number keeps all diagonals on its side.
        upper: as `lower`.

    Returns:
        The shape of x.

    Raises:
        ShapeError: x has fewer than two axes.

    Source: the operation band_part of ML Programs (iOS 15).
    """
    if x.ndim < 2:
        raise ShapeError(f"x has rank {x.ndim}; it must be a matrix or a stack of them")
    return masks.band_part(x, lower, upper)


def _count_non_zero(x: Array) -> tuple[Array]:
    return (jnp.count_nonzero(x),)


@operation(
    "non_zero",
    version=15,
    concrete=(0,),
    sizes=_count_non_zero,
    differentiable="positions are integers, which have no gradient",
)
def non_zero(x: Array, *, sizes: tuple[int, ...] | None = None) -> Array:
    """The positions of all elements that are not zero, in row-major order.

    Args:
        x: rank R; its values are known when the program is traced, unless `sizes` is given.
        sizes: the count, or more.

    Returns:
        int32 [count, R].

    Source: the operation non_zero of ML Programs (iOS 15).
    """
    return masks.non_zero(x, None if sizes is None else sizes[0])


@operation(
    "one_hot",
    version=15,
    concrete=(1, 2, 3),
    differentiable="the gradient of a step function is 0 almost everywhere",
)
def one_hot(
    indices: Array,
    one_hot_vector_size: Array,
    on_value: Array | None = None,
    off_value: Array | None = None,
    *,
    axis: int,
) -> Array:
    """`on_value` at each index along a new axis, `off_value` elsewhere.

    Args:
        indices: integers, rank R. Those outside of [0, size), also negative ones, give `off_value` everywhere.
        one_hot_vector_size: [], the size of the new axis; known when the program is traced.
        on_value: [], the int32 1 unless given.
        off_value: [], the int32 0 unless given.
        axis: the position of the new axis in the result; may count from the end.

    Returns:
        Rank R + 1, of the type of the values.

    Raises:
        ShapeError: the axis does not exist, or the size is negative.

    Source: the operation one_hot of ML Programs (iOS 15).
    """
    place = normalize_axis(axis, indices.ndim + 1)
    count = known_integer(one_hot_vector_size, "one_hot_vector_size")
    if count < 0:
        raise ShapeError(f"one_hot_vector_size must not be negative, got {count}")
    on, off = (np.int32(n) if value is None else np.asarray(value) for n, value in ((1, on_value), (0, off_value)))
    given = [np.asarray(value) for value in (on_value, off_value) if value is not None]
    dtype = computed_type((np.result_type(*given) if given else np.dtype(np.int32)).name)
    return masks.one_hot(indices.astype(np.int32), count, place, on.item(), off.item(), dtype)
