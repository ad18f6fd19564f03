"""Matrix products of recurrent cells.

Measured with jaxlib 0.10.2. The plain forms are one product of the whole sequence with the input's matrix before the
loop, and one product with the recurrent matrix in each step.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.platform import cores
from graphml.ops.kernels.precision import matmul

_JOIN_FROM = 8  # steps from which it pays to copy both matrices into one
_COLUMNS = 512  # of a product with several rows; XLA is slower with twice as many
_ROWS = 16  # of a product on several cores: XLA divides larger ones among them, which takes twice the time ...
_DIVIDED_FROM = 64  # ... up to this number of rows


def multiply_in_blocks(matrix: Array, batch: int) -> Callable[[Array], Array]:
    """x -> x @ matrix, in products of few enough rows and columns.

    Args:
        matrix: [in, out].
        batch: the number of rows of x.

    Returns:
        A function of x [batch, in] that gives [batch, out].
    """
    count = matrix.shape[1] // _COLUMNS
    split = batch > 1 and count > 1 and matrix.shape[1] % count == 0
    columns = jnp.split(matrix, count, axis=1) if split else [matrix]
    blocks = -(-batch // _ROWS) if cores() > 1 and batch <= _DIVIDED_FROM else 1
    ends = [batch * i // blocks for i in range(1, blocks)]

    def multiply(x: Array) -> Array:
        products = [[matmul(rows, part) for part in columns] for rows in jnp.split(x, ends)]
        return jnp.block(products) if ends or split else products[0][0]

    return multiply


def multiply_in_step(
    matrix: Array, recursion: Array | None, *, length: int, batch: int
) -> Callable[[Array, Array], Array]:
    """(y, x) -> x @ matrix + y @ recursion, for one step of the loop: what a step needs then stays in the cache.

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
