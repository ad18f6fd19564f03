"""Products with a matrix, and lookups in one: dense layers, batched matrix products, embeddings.

Stored matrices are [out, in]; `prepare` transposes them once. XLA's matrix product on CPUs is up to fifty times slower
on a transposed right-hand side, and a lookup wants contiguous rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.catalogue import target
from graphml.errors import ShapeError, SpecError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.matrices import embedding_lookup, int8_matmul
from graphml.ops.kernels.precision import matmul, stored_matrix
from graphml.ops.layers._axes import check_rank
from graphml.ops.layers._integers import check_indices, to_integers
from graphml.ops.layers.dialect import layer
from graphml.spec.weights import Quantized

# Stored matrices -----------------------------------------------------------------------------------------------------


def _on_device(array: Any) -> Array:
    return jnp.asarray(array)


def _transposed(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The matrix as [in, out]: in floats, or as 8-bit codes where the layer multiplies codes."""

    def floats(leaf: Any) -> Any:
        return jax.tree.map(_on_device, leaf).dequantize() if isinstance(leaf, Quantized) else leaf

    ready = {name: floats(leaf) for name, leaf in weights.items() if name != "weights"}
    matrix = weights.get("weights")
    if matrix is None:
        return ready
    if attributes.get("int8_dynamic_quantize", False):
        return {**ready, "weights": _transposed_codes(matrix)}
    return {**ready, "weights": floats(matrix).T}


def _multiplied(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The matrix in the form that `matmul` takes."""
    ready = _transposed(weights, attributes)
    matrix = ready.get("weights")
    return ready if matrix is None or isinstance(matrix, Quantized) else {**ready, "weights": stored_matrix(matrix)}


def _channels(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> int | None:
    """Only where all blobs have rank 5: in lower ranks the results are on the last axis, and are not channels."""
    if "weights" not in weights or attributes["int8_dynamic_quantize"] or target().blob_rank is None:
        return None
    return weights["weights"].shape[0]


def _transposed_codes(matrix: Any) -> Quantized:
    plain = isinstance(matrix, Quantized) and matrix.bias is None and matrix.codes.dtype == np.int8
    if not plain or matrix.scale is None or matrix.scale.size != 1:
        raise SpecError("int8DynamicQuantize needs signed 8-bit weights with a single scale and no bias")
    return replace(matrix, codes=matrix.codes.T, scale=matrix.scale.reshape(()))


def _times_stored(x: Array, weights: Any, bias: Array | None, *, features: str) -> Array:
    """x @ weights + bias on the last axis of x. `features` is where they are, for the error."""
    expected = weights.shape[0]
    if x.shape[-1] != expected:
        raise ShapeError(f"x has {x.shape[-1]} features {features}, weights expect {expected}")
    if isinstance(weights, Quantized):
        y = int8_matmul(x, weights.codes, jnp.asarray(weights.scale, x.dtype))
    else:
        y = matmul(x, weights.astype(x.dtype))
    return y if bias is None else y + bias.astype(x.dtype)


# Products ------------------------------------------------------------------------------------------------------------


@layer(
    "innerProduct",
    wire_only=("input_channels", "output_channels", "has_bias"),
    quantized=True,
    prepare=_multiplied,
    channels=_channels,
)
def inner_product(x: Array, *, weights: Any, bias: Array | None, int8_dynamic_quantize: bool) -> Array:
    """A dense layer: x W^T + b, W of shape [out, in].

    Args:
        x: rank 1 to 3, [..., in]; rank 4 or 5, [..., C, H, W] with C H W = in.
        weights: W, transposed to [in, out] by `prepare`.
        bias: [out].
        int8_dynamic_quantize: whether x is rounded to 8 bits, in steps of the largest magnitude in the whole blob / 127
            (half to even), and multiplied with the codes of the weights as integers; the gradient is that of the
            product without rounding.

    Returns:
        [..., out]; for rank 4 or 5 [..., out, 1, 1].

    Raises:
        ShapeError: x has another rank or number of features.

    Source: InnerProductLayerParams (spec 1; 8 bits: spec 5).
    """
    check_rank(x, 1, 5)
    if x.ndim <= 3:
        return _times_stored(x, weights, bias, features="in its last axis")
    rows = x.reshape(*x.shape[:-3], math.prod(x.shape[-3:]))
    return _times_stored(rows, weights, bias, features="in its last three axes")[..., None, None]


@layer(
    "batchedMatmul",
    wire_only=("weight_matrix_first_dimension", "weight_matrix_second_dimension", "has_bias"),
    quantized=True,
    prepare=_multiplied,
)
def batched_matmul(
    a: Array,
    b: Array | None = None,
    *,
    transpose_a: bool,
    transpose_b: bool,
    weights: Any,
    bias: Array | None,
    int8_dynamic_quantize: bool,
) -> Array:
    """Matrix products of the last two axes; the axes before them broadcast.

    Args:
        a: [..., M, K]; rank 1 is a row. With a single input [..., X1].
        b: [..., K, N]; rank 1 is a column. Without it a is multiplied with stored weights.
        transpose_a: whether a is transposed; not used with a single input.
        transpose_b: as `transpose_a`.
        weights: [X1, X2], for a single input.
        bias: [X2], for a single input.
        int8_dynamic_quantize: as in `inner_product`.

    Returns:
        [..., M, N], where the axes added to a row and a column remain: (10) x (10) -> (1, 1). They are added before
        transposing. With a single input [..., X2].

    Raises:
        ShapeError: sizes do not fit, or weights are absent.

    Source: BatchedMatMulLayerParams (spec 4; 8 bits: spec 5).
    """
    if b is None:
        if weights is None:
            raise ShapeError("with a single input the layer multiplies with stored weights, but it has none")
        return _times_stored(a, weights, bias, features="in its last axis")
    if int8_dynamic_quantize:
        raise ShapeError("int8DynamicQuantize multiplies with stored weights: it takes one input, not two")
    a = a[None, :] if a.ndim == 1 else a
    b = b[:, None] if b.ndim == 1 else b
    a = jnp.swapaxes(a, -1, -2) if transpose_a else a
    b = jnp.swapaxes(b, -1, -2) if transpose_b else b
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"rows of a have {a.shape[-1]} elements, columns of b {b.shape[-2]} (after any transposition)")
    return matmul(a, b)


# Embeddings ----------------------------------------------------------------------------------------------------------


def _rows(table: Array, x: Array, bias: Array | None) -> Array:
    index = to_integers(x)
    check_indices(index, table.shape[0])
    return embedding_lookup(table, index, bias)


@layer("embedding", wire_only=("input_dim", "output_channels", "has_bias"), prepare=_transposed)
def embedding(x: Array, *, weights: Array, bias: Array | None) -> Array:
    """One column of `weights` [out, vocabulary] for each index, plus bias.

    Args:
        x: [N, 1, 1, 1] or [S, N, 1, 1, 1], indices in [0, vocabulary); a fraction is dropped, and an index outside
            gives NaN (the format defines neither).
        weights: transposed to [vocabulary, out] by `prepare`.
        bias: [out].

    Returns:
        [..., out, 1, 1].

    Raises:
        ShapeError: x has another shape.

    Source: EmbeddingLayerParams (spec 1).
    """
    if x.ndim not in (4, 5) or x.shape[-3:] != (1, 1, 1):
        raise ShapeError(f"x has shape {list(x.shape)}; it must be [N, 1, 1, 1] or [S, N, 1, 1, 1]")
    return _rows(weights, x[..., 0, 0, 0], bias)[..., None, None]


@layer("embeddingND", wire_only=("vocab_size", "embedding_size", "has_bias"), prepare=_transposed)
def embedding_nd(x: Array, *, weights: Array, bias: Array | None) -> Array:
    """One column of `weights` [size, vocabulary] for each index, plus bias.

    Args:
        x: [..., 1], rank 2 to 5; indices as in `embedding`.
        weights: transposed to [vocabulary, size] by `prepare`.
        bias: [size].

    Returns:
        [..., size].

    Raises:
        ShapeError: x has another shape.

    Source: EmbeddingNDLayerParams (spec 4).
    """
    check_rank(x, 2, 5)
    if x.shape[-1] != 1:
        raise ShapeError(f"x has shape {list(x.shape)}; its last axis must have size 1")
    return _rows(weights, x[..., 0], bias)
