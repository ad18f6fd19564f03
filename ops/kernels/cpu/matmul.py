"""Products with a matrix.

Measured with jaxlib 0.10.2. XLA multiplies int8 with a scalar loop; float32 products of small integers are exact up to
1024 terms. Where the rows of a float32 matrix are a multiple of 2 KB apart, they compete for the same few lines of the
cache, and XLA's products and convolutions take 1.3 to 2 times as long.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax

from graphml.ops.kernels.arrays import Array

_FROM, _EVERY = 512, 256  # columns: twice as fast with 1024, 1.4 times with 512, 1.05 times with 768
_MORE = 16  # columns, which fill a line of the cache

_EXACT_TERMS = 1024  # products of two 8-bit codes whose sum float32 can hold: 2^24 / 2^14


def matmul_int8(x: Array, codes: Array) -> Array:
    """The integer product of x and codes.

    Args:
        x: [..., in], floats that are integers of up to 8 bits.
        codes: [in, out], int8.

    Returns:
        [..., out], int32.
    """
    x = x.astype(jnp.float32)
    total = jnp.zeros((*x.shape[:-1], codes.shape[1]), jnp.int32)
    for start in range(0, codes.shape[0], _EXACT_TERMS):
        part = slice(start, start + _EXACT_TERMS)
        product = jnp.matmul(x[..., part], codes[part].astype(jnp.float32), precision=lax.Precision.HIGHEST)
        total += product.astype(jnp.int32)
    return total


class PaddedOutputs(NamedTuple):
    """A matrix or kernel [..., in, out], with zeros that keep its rows apart in the cache."""

    padded: Array  # [..., in, out + 16]

    @classmethod
    def of(cls, matrix: Array) -> PaddedOutputs:
        zeros = jnp.zeros((*matrix.shape[:-1], _MORE), matrix.dtype)
        return cls(jnp.concatenate([matrix, zeros], axis=-1))

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.padded.shape[:-1], self.padded.shape[-1] - _MORE)

    @property
    def ndim(self) -> int:
        return self.padded.ndim

    @property
    def dtype(self) -> Any:
        return self.padded.dtype

    def astype(self, dtype: Any) -> PaddedOutputs:
        return PaddedOutputs(self.padded.astype(dtype))

    def outputs_of(self, product: Array) -> Array:
        """A product with `padded`, [..., out + 16], without the columns of the zeros."""
        return lax.slice_in_dim(product, 0, self.shape[-1], axis=-1)


def kept_apart(matrix: Array) -> Array | PaddedOutputs:
    """A matrix or kernel [..., in, out] for products with many rows, padded where that is faster."""
    outputs = matrix.shape[-1]
    plain = matrix.dtype != jnp.float32 or outputs < _FROM or outputs % _EVERY
    return matrix if plain else PaddedOutputs.of(matrix)
