"""Masks: keeping, choosing, finding and marking elements by a condition."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape
from graphml.ops._axes import from_start, need_rank
from graphml.ops._known import module, whole, whole_number
from graphml.ops.layers.dialect import layer

# Choosing ------------------------------------------------------------------------------------------------------------


@layer("whereBroadcastable", layout="any")
def where_broadcastable(condition, x, y):
    """x where the condition is not zero, else y. All three broadcast.

    Source: WhereBroadcastableLayerParams (spec 4).
    """
    return module(condition, x, y).where(condition != 0, x, y)


@layer(
    "whereNonZero",
    concrete=(0,),
    sizes=lambda x: (jnp.count_nonzero(x),),
    differentiable="positions are whole numbers, which have no slope",
)
def where_non_zero(x, *, sizes=None):
    """The positions of all elements that are not zero, in row-major order.

    x: rank R. Returns [count, R]; the count, or else the values of x, are known when the network is traced.
    Source: WhereNonZeroLayerParams (spec 4).
    """
    found = np.argwhere(np.asarray(x)) if sizes is None else jnp.argwhere(x, size=sizes[0])
    return found.astype(x.dtype)


# Parts of matrices ---------------------------------------------------------------------------------------------------


def _matrix_part(x, keep):
    """x where keep(column - row) holds in the last two axes, else 0."""
    need_rank(x, 2)
    check_shape(x.shape[-2:], np.int64)
    rows, columns = np.arange(x.shape[-2])[:, None], np.arange(x.shape[-1])
    return module(x).where(keep(columns - rows), x, np.zeros((), x.dtype))


@layer("matrixBandPart")
def matrix_band_part(x, *, num_lower: int, num_upper: int):
    """The band of each innermost matrix: `num_lower` diagonals below the main one, `num_upper` above; the rest is 0.

    x: rank >= 2. A negative number keeps all diagonals on its side. Source: MatrixBandPartLayerParams (spec 4).
    """
    return _matrix_part(
        x, lambda above: ((num_lower < 0) | (-above <= num_lower)) & ((num_upper < 0) | (above <= num_upper))
    )


@layer("lowerTriangular")
def lower_triangular(x, *, k: int):
    """Each innermost matrix up to its k-th diagonal (above the main one where k > 0); what is above it is 0.

    x: rank >= 2. Source: LowerTriangularLayerParams (spec 4).
    """
    return _matrix_part(x, lambda above: above <= k)


@layer("upperTriangular")
def upper_triangular(x, *, k: int):
    """Each innermost matrix from its k-th diagonal (above the main one where k > 0); what is below it is 0.

    x: rank >= 2. Source: UpperTriangularLayerParams (spec 4).
    """
    return _matrix_part(x, lambda above: above >= k)


# Marking -------------------------------------------------------------------------------------------------------------


@layer(
    "oneHot",
    concrete=(1,),
    differentiable="the result jumps from one value to another and is flat between",
)
def one_hot(x, size=None, *, one_hot_vector_size: int, axis: int, on_value: float, off_value: float):
    """`on_value` at the index that x names along a new axis, `off_value` elsewhere; nothing is on outside [0, size).

    x: rank R, indices whose fraction is dropped -> rank R + 1; `axis` is the place of the new axis in the result and
    may count from the end. size: [1], known when the network is traced; takes the place of `one_hot_vector_size`.
    Raises ShapeError for an axis or size that cannot be. Source: OneHotLayerParams (spec 5).
    """
    place = from_start(axis, x.ndim + 1)
    count = one_hot_vector_size if size is None else whole_number(size, "the size")
    if count < 0:
        raise ShapeError(f"the size is {count}; sizes are not negative")
    np_or_jnp = module(x)
    shape = [1] * (x.ndim + 1)
    shape[place] = count
    column = np_or_jnp.expand_dims(whole(x), place)
    on, off = np.asarray(on_value, x.dtype), np.asarray(off_value, x.dtype)
    check_shape((count,), np.int32)
    return np_or_jnp.where(column == np.arange(count, dtype=np.int32).reshape(shape), on, off)
