"""Products with stored matrices, in floats or in 8-bit integers, and row lookups."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu import matmul as cpu
from graphml.ops.kernels.platform import on_cpu


@jax.custom_jvp
def int8_matmul(x: Array, codes: Array, scale: Array) -> Array:
    """x @ (codes * scale), with x rounded to 8 bits: in steps of max|x| / 127, half to even, summed as integers.

    The derivative is that of the product without rounding.

    Args:
        x: [..., in], floats.
        codes: [in, out], int8.
        scale: one number.

    Returns:
        [..., out], in the dtype of x.
    """
    step = jnp.max(jnp.abs(x), initial=0) / 127
    step = jnp.where(step > 0, step, 1)
    total = _integer_matmul(jnp.clip(jnp.round(x / step), -127, 127), codes)
    return total.astype(x.dtype) * (step * scale)


@int8_matmul.defjvp
def _int8_matmul_jvp(primals: tuple[Array, Array, Array], tangents: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    """A straight-through estimator: the derivative of rounding is 0 almost everywhere."""
    x, codes, scale = primals
    dx, _, dscale = tangents
    exact = codes.astype(x.dtype)
    return int8_matmul(x, codes, scale), jnp.matmul(dx, exact) * scale + jnp.matmul(x, exact) * dscale


def _integer_matmul(x: Array, codes: Array) -> Array:
    if on_cpu():
        return cpu.matmul_int8(x, codes)
    return jnp.matmul(x.astype(jnp.int8), codes, preferred_element_type=jnp.int32)


def embedding_lookup(table: Array, index: Array, bias: Array | None) -> Array:
    """Rows of a table; NaN where an index is outside of it.

    Args:
        table: [vocabulary, size].
        index: integers of any shape.
        bias: [size], added to every row.

    Returns:
        [*shape of index, size].
    """
    inside = (index >= 0) & (index < table.shape[0])
    rows = jnp.take(table, index, axis=0, mode="clip")
    rows = rows if bias is None else rows + bias
    return jnp.where(inside[..., None], rows, jnp.nan)
