"""Attention."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import contract, product_type, working_type
from graphml.ops.program.dialect import operation


@operation("scaled_dot_product_attention", version=18)
def scaled_dot_product_attention(query: Array, key: Array, value: Array, attn_mask: Array | None = None) -> Array:
    """softmax(Q K^T / sqrt(E) + mask) V: for each query the mean of values, weighted by how well their keys match.

    Args:
        query: [..., L, E], rank 3 or more.
        key: [..., S, E]. The axes before the last two broadcast.
        value: [..., S, V].
        attn_mask: broadcasts over [..., L, S]: bool, whether a key counts, or floats that are added to the scores. A
            query for which no key counts gives NaN, as in PyTorch, which the format refers to.

    Returns:
        [..., L, V], in the type of the query.

    Raises:
        ShapeError: shapes do not fit.

    Source: the operation scaled_dot_product_attention of ML Programs (iOS 18).
    """
    _check(query, key, value, attn_mask)
    wide = product_type(query.dtype, key.dtype, value.dtype)
    sums = working_type(wide)
    products: Any = partial(jnp.matmul, preferred_element_type=sums)
    root = np.sqrt(query.shape[-1]).astype(sums)
    scaled = (query.astype(sums) / root).astype(wide)
    scores = contract(products, scaled, key.astype(wide).swapaxes(-1, -2)).astype(sums)
    if attn_mask is not None and attn_mask.dtype == bool:
        scores = jnp.where(attn_mask, scores, -jnp.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask.astype(sums)
    powers = jnp.exp(scores - lax.stop_gradient(jnp.max(scores, -1, keepdims=True)))
    total = jnp.sum(powers, -1, keepdims=True)
    if sums.itemsize == 2:  # the sum below might overflow float16
        powers, total = powers / total, jnp.ones_like(total)
    # dividing the result instead of the weights saves a pass over the scores
    return (contract(products, powers.astype(wide), value.astype(wide)) / total).astype(query.dtype)


def _check(query: Array, key: Array, value: Array, mask: Array | None) -> None:
    for name, array in (("query", query), ("key", key), ("value", value)):
        if array.ndim < 3:
            raise ShapeError(f"{name} has shape {list(array.shape)}; it must be [..., batch, sequence, features]")
    if query.shape[-1] != key.shape[-1]:
        raise ShapeError(f"query has {query.shape[-1]} features, key has {key.shape[-1]}")
    if key.shape[-2] != value.shape[-2]:
        raise ShapeError(f"there are {key.shape[-2]} keys and {value.shape[-2]} values")
    if mask is not None and (mask.ndim < 1 or mask.shape[-1] not in (1, key.shape[-2])):
        raise ShapeError(f"attn_mask has shape {list(mask.shape)}; its last axis must have size 1 or {key.shape[-2]}")
