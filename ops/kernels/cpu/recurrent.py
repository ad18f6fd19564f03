"""Matrix products of recurrent cells.

Measured with jaxlib 0.10.2. The plain forms are one product of the whole sequence with the input's matrix before the
loop, and one product with the recurrent matrix in each step.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import matmul

_JOIN_FROM = 8  # steps from which it pays to copy both matrices into one
_COLUMNS = 256  # of a product with several rows: its part of the matrix stays in the cache, and each core takes some


def multiply_in_blocks(matrix: Array, batch: int) -> Callable[[Array], Array]:
    """x -> x @ matrix, in products of few enough columns.

    Args:
        matrix: [in, out].
        batch: the number of rows of x.

    Returns:
        A function of x [batch, in] that gives [batch, out].
    """
    if batch == 1 or matrix.shape[1] <= _COLUMNS:
        return lambda x: matmul(x, matrix)
    parts = jnp.split(matrix, list(range(_COLUMNS, matrix.shape[1], _COLUMNS)), axis=1)
    return lambda x: jnp.concatenate([matmul(x, part) for part in parts], axis=1)


def multiply_in_step(
    matrix: Array, recursion: Array | None, *, length: int, batch: int
) -> Callable[[Array, Array], Array]:
    """(y, x) -> x @ matrix + y @ recursion, for one step of the loop, whose operands then stay in the cache.

    Args:
        matrix: [in, out].
        recursion: [size, out]; None leaves its term out.
        length: the number of steps. In a long sequence both products become one.
        batch: the number of rows of x and y.

    Returns:
        A function of the state y [batch, size] and the input x [batch, in] that gives [batch, out].
    """
    if recursion is None:
        return lambda y, x: matmul(x, matrix)
    if length >= _JOIN_FROM:
        multiply = multiply_in_blocks(jnp.concatenate([matrix, recursion]), batch)
        return lambda y, x: multiply(jnp.concatenate([x, y], axis=-1))
    multiply = multiply_in_blocks(recursion, batch)
    return lambda y, x: matmul(x, matrix) + multiply(y)
