"""Products with a matrix, and look-ups in one: dense layers, batched matrix products, embeddings.

Stored matrices are [out, in]; `prepare` turns them over once. XLA's matrix product on CPUs is up to fifty times slower
on a transposed right-hand side, and a look-up wants its rows in one piece.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import target
from graphml.errors import ShapeError, SpecError
from graphml.ops._axes import need_rank
from graphml.ops._known import refuse_missing, whole
from graphml.ops.layers.dialect import layer
from graphml.ops.layers.precision import contract
from graphml.spec.weights import Quantized

# Stored matrices -----------------------------------------------------------------------------------------------------


def _turned(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The matrix as [in, out]: in floats, or as 8-bit codes where the layer multiplies codes."""

    def floats(leaf):
        return jax.tree.map(jnp.asarray, leaf).dequantize() if isinstance(leaf, Quantized) else leaf

    ready = {name: floats(leaf) for name, leaf in weights.items() if name != "weights"}
    matrix = weights.get("weights")
    if matrix is None:
        return ready
    if attributes.get("int8_dynamic_quantize", False):
        return {**ready, "weights": _turned_codes(matrix)}
    return {**ready, "weights": floats(matrix).T}


def _channels(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> int | None:
    """Only where all blobs have rank 5: in lower ranks the results stand on the last axis, and are no channels."""
    if "weights" not in weights or attributes["int8_dynamic_quantize"] or target().blob_rank is None:
        return None
    return weights["weights"].shape[0]


def _turned_codes(matrix) -> Quantized:
    plain = isinstance(matrix, Quantized) and matrix.bias is None and matrix.codes.dtype == np.int8
    if not plain or matrix.scale is None or matrix.scale.size != 1:
        raise SpecError("int8DynamicQuantize needs weights of 8 bits with a sign, with a single scale and no bias")
    return replace(matrix, codes=matrix.codes.T, scale=matrix.scale.reshape(()))


def _times_stored(x, weights, bias, *, features: str):
    """x @ weights + bias on the last axis of x. `features` says in the refusal where they are."""
    expected = weights.shape[0]
    if x.shape[-1] != expected:
        raise ShapeError(f"x has {x.shape[-1]} features {features}, weights expect {expected}")
    if isinstance(weights, Quantized):
        y = _int8_product(x, weights.codes, jnp.asarray(weights.scale, x.dtype))
    else:
        y = contract(jnp.matmul, x, weights.astype(x.dtype))
    return y if bias is None else y + bias.astype(x.dtype)


# 8-bit products ------------------------------------------------------------------------------------------------------

_EXACT_IN_FLOAT32 = 1024  # products of two 8-bit codes whose sum float32 surely holds: 2^24 / 2^14


@jax.custom_jvp
def _int8_product(x, codes, scale):
    """x @ (codes * scale), x rounded to 8 bits: in steps of max|x| / 127, half to even, summed as integers."""
    step = jnp.max(jnp.abs(x), initial=0) / 127
    step = jnp.where(step > 0, step, 1)
    total = _integer_product(jnp.clip(jnp.round(x / step), -127, 127), codes)
    return total.astype(x.dtype) * (step * scale)


@_int8_product.defjvp
def _int8_slope(primals, tangents):
    """Straight through: rounding is a staircase without a useful slope, so the product counts as not rounded."""
    x, codes, scale = primals
    dx, _, dscale = tangents
    exact = codes.astype(x.dtype)
    return _int8_product(x, codes, scale), jnp.matmul(dx, exact) * scale + jnp.matmul(x, exact) * dscale


def _integer_product(x, codes):
    """The int32 product of whole numbers of up to 8 bits, x [..., in] in floats, codes [in, out] int8.

    XLA multiplies int8 on CPUs with a scalar loop; float32 products are exact up to 1024 terms and much faster.
    """
    if target().platform != "cpu":
        return jnp.matmul(x.astype(jnp.int8), codes, preferred_element_type=jnp.int32)
    x = x.astype(jnp.float32)
    total = jnp.zeros((*x.shape[:-1], codes.shape[1]), jnp.int32)
    for start in range(0, codes.shape[0], _EXACT_IN_FLOAT32):
        part = slice(start, start + _EXACT_IN_FLOAT32)
        product = jnp.matmul(x[..., part], codes[part].astype(jnp.float32), precision=lax.Precision.HIGHEST)
        total += product.astype(jnp.int32)
    return total


# Layers --------------------------------------------------------------------------------------------------------------


@layer(
    "innerProduct",
    wire_only=("input_channels", "output_channels", "has_bias"),
    quantized=True,
    prepare=_turned,
    channels=_channels,
)
def inner_product(x, *, weights, bias, int8_dynamic_quantize: bool):
    """A dense layer: x W^T + b, W of shape [out, in].

    x: rank 1 to 3 [..., in] -> [..., out]; rank 4 or 5 [..., C, H, W] with C H W = in -> [..., out, 1, 1].
    `int8_dynamic_quantize` rounds x to 8 bits, in steps of the largest magnitude in the whole blob / 127 (half to
    even), and multiplies the codes of the weights as integers; its gradient is that of the product without rounding.
    Raises ShapeError for other ranks and counts. Source: InnerProductLayerParams (spec 1; 8 bits: spec 5).
    """
    need_rank(x, 1, 5)
    if x.ndim <= 3:
        return _times_stored(x, weights, bias, features="in its last axis")
    rows = x.reshape(*x.shape[:-3], math.prod(x.shape[-3:]))
    return _times_stored(rows, weights, bias, features="in its last three axes")[..., None, None]


@layer(
    "batchedMatmul",
    wire_only=("weight_matrix_first_dimension", "weight_matrix_second_dimension", "has_bias"),
    quantized=True,
    prepare=_turned,
)
def batched_matmul(a, b=None, *, transpose_a: bool, transpose_b: bool, weights, bias, int8_dynamic_quantize: bool):
    """Matrix products of the last two axes; the axes before them broadcast.

    Two inputs: [..., M, K] and [..., K, N] -> [..., M, N]; a of rank 1 is a row, b of rank 1 a column, and the axes
    that they gain stay: (10) x (10) -> (1, 1). Transposition comes after that. Weights and bias are not used.
    One input: [..., X1] times stored weights plus bias -> [..., X2]; the transposition flags are not used.
    `int8_dynamic_quantize` as in `inner_product`. Raises ShapeError where sizes do not fit.
    Source: BatchedMatMulLayerParams (spec 4; 8 bits: spec 5).
    """
    if b is None:
        if weights is None:
            raise ShapeError("with a single input the layer multiplies by stored weights, and there are none")
        return _times_stored(a, weights, bias, features="in its last axis")
    if int8_dynamic_quantize:
        raise ShapeError("int8DynamicQuantize multiplies by stored weights: it takes one input, not two")
    a = a[None, :] if a.ndim == 1 else a
    b = b[:, None] if b.ndim == 1 else b
    a = jnp.swapaxes(a, -1, -2) if transpose_a else a
    b = jnp.swapaxes(b, -1, -2) if transpose_b else b
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"rows of a have {a.shape[-1]} numbers, columns of b {b.shape[-2]} (shapes as multiplied)")
    return contract(jnp.matmul, a, b)


# Embeddings ----------------------------------------------------------------------------------------------------------


def _rows(table, x, bias):
    """The rows of a table [vocabulary, size] at float indices; NaN where an index is no row of it."""
    index = whole(x)
    refuse_missing(index, table.shape[0])
    known = (index >= 0) & (index < table.shape[0])
    rows = jnp.take(table, index, axis=0, mode="clip")
    rows = rows if bias is None else rows + bias
    return jnp.where(known[..., None], rows, jnp.nan)


@layer("embedding", wire_only=("input_dim", "output_channels", "has_bias"), prepare=_turned)
def embedding(x, *, weights, bias):
    """One column of `weights` [out, vocabulary] for each index, plus bias.

    x: [N, 1, 1, 1] or [S, N, 1, 1, 1], indices in [0, vocabulary) -> [..., out, 1, 1]; a fraction is dropped, and an
    index outside gives NaN (the format leaves both open). Raises ShapeError for other shapes.
    Source: EmbeddingLayerParams (spec 1).
    """
    if x.ndim not in (4, 5) or x.shape[-3:] != (1, 1, 1):
        raise ShapeError(f"x has shape {list(x.shape)}; it is [N, 1, 1, 1] or [S, N, 1, 1, 1]")
    return _rows(weights, x[..., 0, 0, 0], bias)[..., None, None]


@layer("embeddingND", wire_only=("vocab_size", "embedding_size", "has_bias"), prepare=_turned)
def embedding_nd(x, *, weights, bias):
    """One column of `weights` [size, vocabulary] for each index, plus bias.

    x: [..., 1], rank 2 to 5 -> [..., size]. Indices as in `embedding`. Raises ShapeError for other shapes.
    Source: EmbeddingNDLayerParams (spec 4).
    """
    need_rank(x, 2, 5)
    if x.shape[-1] != 1:
        raise ShapeError(f"x has shape {list(x.shape)}; its last axis has size 1")
    return _rows(weights, x[..., 0], bias)
