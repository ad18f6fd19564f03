"""onnxruntime's operators for optimized transformers (domain com.microsoft)."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from graphml.convert.onnx import basics, catalogue, static
from graphml.convert.onnx.operators import attention as heads
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError

operator = functools.partial(catalogue.operator, domain="com.microsoft")

_FILTER = -10000.0  # added to the scores of masked keys

# Activations and products --------------------------------------------------------------------------------------------


@operator("Gelu")
def gelu(w: Writer, x: Tensor) -> Tensor:
    return basics.unary(w, "gelu", x, mode="EXACT")


@operator("BiasGelu")
def bias_gelu(w: Writer, x: Tensor, bias: Tensor) -> Tensor:
    return gelu(w, basics.add(w, x, bias))


@operator("FastGelu")
def fast_gelu(w: Writer, x: Tensor, bias: Tensor | None = None) -> Tensor:
    return basics.unary(w, "gelu", x if bias is None else basics.add(w, x, bias), mode="TANH_APPROXIMATION")


@operator("QuickGelu")
def quick_gelu(w: Writer, x: Tensor, *, alpha: float = 1.702) -> Tensor:
    return basics.multiply(w, x, basics.activation(w, "sigmoid", basics.linear(w, x, alpha)))


@operator("FusedMatMul")
def fused_matmul(
    w: Writer,
    a: Tensor,
    b: Tensor,
    *,
    alpha: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    transBatchA: int = 0,
    transBatchB: int = 0,
) -> Tensor:
    if transBatchA or transBatchB or min(a.rank, b.rank) < 2:
        raise UnsupportedError("it moves the first axis of a batch (transBatchA, transBatchB), or multiplies vectors")
    made = w.layer("batchedMatmul", [a, b], transpose_a=bool(transA), transpose_b=bool(transB))
    return made if alpha == 1 else basics.linear(w, made, alpha)


# Normalization -------------------------------------------------------------------------------------------------------


def _normalized(w: Writer, x: Tensor, gamma: Tensor, beta: Tensor | None, epsilon: float) -> Tensor:
    scale = static.required(gamma, "gamma")
    shift = np.zeros_like(scale) if beta is None else static.required(beta, "beta")
    fields = {"normalized_shape": scale.shape, "eps": epsilon, "gamma": scale, "beta": shift}
    return basics.unary(w, "layerNormalization", x, **fields)


def _root_mean_square(w: Writer, x: Tensor, gamma: Tensor, epsilon: float) -> Tensor:
    mean = basics.reduce(w, "reduceMean", basics.multiply(w, x, x), [-1])
    return basics.multiply(w, basics.multiply(w, x, basics.function(w, "RSQRT", mean, epsilon=epsilon)), gamma)


def _no_statistics(w: Writer) -> None:
    if any(w.node.wanted[1:3]):
        raise UnsupportedError("its mean and standard deviation are outputs")


@operator("SkipLayerNormalization")
def skip_layer_normalization(
    w: Writer,
    x: Tensor,
    skip: Tensor,
    gamma: Tensor,
    beta: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    epsilon: float = 1e-12,
) -> list[Tensor | None]:
    _no_statistics(w)
    total = basics.add(w, x, skip)
    total = total if bias is None else basics.add(w, total, bias)
    return [_normalized(w, total, gamma, beta, epsilon), None, None, total]


@operator("SkipSimplifiedLayerNormalization")
def skip_simplified_layer_normalization(
    w: Writer, x: Tensor, skip: Tensor, gamma: Tensor, bias: Tensor | None = None, *, epsilon: float = 1e-12
) -> list[Tensor | None]:
    _no_statistics(w)
    total = basics.add(w, x, skip)
    total = total if bias is None else basics.add(w, total, bias)
    return [_root_mean_square(w, total, gamma, epsilon), None, None, total]


@operator("EmbedLayerNormalization", ignored=("mask_index_type",))
def embed_layer_normalization(
    w: Writer,
    ids: Tensor,
    segments: Tensor | None,
    words: Tensor,
    positions: Tensor,
    segment_table: Tensor | None,
    gamma: Tensor,
    beta: Tensor,
    mask: Tensor | None = None,
    places: Tensor | None = None,
    *,
    epsilon: float = 1e-12,
) -> list[Tensor | None]:
    """The normalized sum of the embeddings of words, positions and segments, and how many words the mask keeps."""
    total = w.layer("gather", [words, ids], dtype=words.dtype, axis=0)
    where = heads.positions(w, ids, 1) if places is None else places
    total = basics.add(w, total, w.layer("gather", [positions, where], dtype=words.dtype, axis=0))
    if segments is not None and segment_table is not None:
        total = basics.add(w, total, w.layer("gather", [segment_table, segments], dtype=words.dtype, axis=0))
    kept = None
    if len(w.node.wanted) > 1 and w.node.wanted[1]:
        count = basics.linear(w, ids, 0.0) if mask is None else mask
        kept = basics.retyped(w, basics.reduce(w, "reduceSum", count, [1], keep=False), np.int32)
    return [_normalized(w, total, gamma, beta, epsilon), kept, total]


# Attention -----------------------------------------------------------------------------------------------------------


def _mask(w: Writer, mask: Tensor, query: Tensor, key: Tensor, value: float) -> Tensor:
    """The term added to the scores: 0 for unmasked keys.

    Args:
        w: The writer.
        mask: [batch, keys] or [batch, queries, keys] of 1 and 0, or [batch], the number of unmasked keys.
        query: Has the batch in its first axis.
        key: Has the keys in its second axis.
        value: Added for masked keys.
    """
    if mask.rank == 1:
        if any(own[0] != given[0] for own, given in zip(mask.shapes, query.shapes, strict=True)):
            raise UnsupportedError("its mask has the beginning and the end of each sequence")
        kept = basics.compare(w, "lessThan", heads.positions(w, key, 1), basics.expand_dims(w, mask, [1]))
        mask = basics.retyped(w, kept, np.float32)
    if mask.rank > 3:
        raise UnsupportedError(f"its mask has {mask.rank} axes")
    whole = basics.expand_dims(w, mask, [1, 2] if mask.rank == 2 else [1])
    return basics.retyped(w, basics.linear(w, whole, -value, value), np.float32)


def _attended(
    w: Writer,
    parts: Sequence[Tensor],
    past: Sequence[Tensor],
    masks: Sequence[Tensor],
    count: int,
    scale: float | None,
    causal: int,
) -> list[Tensor | None]:
    bias = functools.reduce(lambda a, b: basics.add(w, a, b), masks) if masks else None
    return heads.attention(
        w,
        *parts,
        bias,
        *past,
        is_causal=causal,
        q_num_heads=count,
        kv_num_heads=count,
        scale=scale or None,
    )


@operator("Attention")
def attention(
    w: Writer,
    x: Tensor,
    weights: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    past: Tensor | None = None,
    attention_bias: Tensor | None = None,
    *,
    do_rotary: int = 0,
    mask_filter_value: float = _FILTER,
    num_heads: int,
    past_present_share_buffer: int = 0,
    qkv_hidden_sizes: Sequence[int] | None = None,
    scale: float | None = None,
    unidirectional: int = 0,
) -> list[Tensor | None]:
    """Self-attention with one matrix for queries, keys and values."""
    if do_rotary or past_present_share_buffer:
        raise UnsupportedError("it rotates positions (do_rotary), or writes to its past (past_present_share_buffer)")
    matrix = static.required(weights, "the weights")
    shift = None if bias is None else static.required(bias, "the bias")
    whole = w.layer("innerProduct", [x], weights=np.ascontiguousarray(matrix.T), bias=shift)
    sizes = list(qkv_hidden_sizes or [matrix.shape[1] // 3] * 3)
    parts = w.layers("splitND", [whole], 3, axis=2, split_sizes=sizes)
    cache = (
        []
        if past is None
        else [basics.squeeze(w, half, [0]) for half in w.layers("splitND", [past], 2, axis=0, num_splits=2)]
    )
    if cache and mask is not None and mask.rank == 1:
        raise UnsupportedError("it has a past, and its mask is a number of keys")
    masks = [] if mask is None else [_mask(w, mask, x, x, mask_filter_value)]
    masks += [] if attention_bias is None else [attention_bias]
    made, key, value, _ = _attended(w, parts, cache, masks, num_heads, scale, unidirectional)
    wanted = len(w.node.wanted) > 1 and w.node.wanted[1]
    present = basics.stack(w, [key, value], 0) if wanted and key is not None and value is not None else None
    return [made, present]


@operator("MultiHeadAttention")
def multi_head_attention(
    w: Writer,
    query: Tensor,
    key: Tensor | None = None,
    value: Tensor | None = None,
    bias: Tensor | None = None,
    key_padding_mask: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    *,
    mask_filter_value: float = _FILTER,
    num_heads: int,
    scale: float | None = None,
    unidirectional: int = 0,
) -> list[Tensor | None]:
    if key is None or value is None or query.rank != 3:
        raise UnsupportedError("queries, keys and values are packed into one tensor")
    parts = [query, key, value]
    if bias is not None:
        sizes = [
            part.shape[2] or 0 if part.rank == 3 else (part.shape[1] or 0) * (part.shape[3] or 0) for part in parts
        ]
        shifts = w.layers("splitND", [bias], 3, axis=0, split_sizes=sizes)
        parts = [
            basics.add(w, part, shift) if part.rank == 3 else part for part, shift in zip(parts, shifts, strict=True)
        ]
    past = [each for each in (past_key, past_value) if each is not None]
    if past and key_padding_mask is not None and key_padding_mask.rank == 1:
        raise UnsupportedError("it has a past, and its mask is a number of keys")
    if key.rank == 4 and key_padding_mask is not None and key_padding_mask.rank == 1:
        raise UnsupportedError("its keys are separated by heads, and its mask is a number of keys")
    masks = [] if key_padding_mask is None else [_mask(w, key_padding_mask, query, key, mask_filter_value)]
    masks += [] if attention_bias is None else [attention_bias]
    return _attended(w, parts, past, masks, num_heads, scale, unidirectional)[:3]
