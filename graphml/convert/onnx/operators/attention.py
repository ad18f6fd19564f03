"""Attention."""

from __future__ import annotations

import math

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import GraphError, ShapeError, UnsupportedError

# Heads ---------------------------------------------------------------------------------------------------------------


def _heads(w: Writer, x: Tensor, count: int | None) -> Tensor:
    """[batch, heads, length, size] of that, or of [batch, length, heads * size]."""
    if x.rank == 4:
        return x
    if x.rank != 3 or not count:
        raise GraphError("q_num_heads and kv_num_heads must be given for inputs of three axes")
    parted = basics.reshape(w, x, [(*shape[:2], count, shape[2] // count) for shape in x.shapes])
    return basics.transpose(w, parted, [0, 2, 1, 3])


def _joined(w: Writer, x: Tensor) -> Tensor:
    """[batch, length, heads * size] of [batch, heads, length, size]."""
    moved = basics.transpose(w, x, [0, 2, 1, 3])
    return basics.reshape(w, moved, [(*shape[:2], shape[2] * shape[3]) for shape in moved.shapes])


def _product(w: Writer, a: Tensor, b: Tensor, transposed: bool) -> Tensor:
    """The products of the matrices of each head; a may have several heads for each one of b."""
    heads, fewer = a.shape[1] or 0, b.shape[1] or 1
    if heads % fewer:
        raise ShapeError(f"{heads} heads of queries cannot share {fewer} heads of keys")
    groups = heads // fewer
    if groups <= 1:
        return w.layer("batchedMatmul", [a, b], transpose_b=transposed)
    parted = basics.reshape(w, a, [(own[0], own[1] // groups, groups, *own[2:]) for own in a.shapes])
    made = w.layer("batchedMatmul", [parted, basics.expand_dims(w, b, [2])], transpose_b=transposed)
    return basics.reshape(w, made, [(own[0], own[1] * own[2], *own[3:]) for own in made.shapes], [a, b])


# Masks ---------------------------------------------------------------------------------------------------------------


def positions(w: Writer, x: Tensor, axis: int) -> Tensor:
    """0, 1, 2 ... along an axis of x."""
    size = x.shape[axis]
    if size is not None:
        return w.constant(np.arange(size))
    shapes = [(own[axis],) for own in x.shapes]
    return w.layer("rangeDynamic", [basics.size_of(w, x, axis)], shapes=shapes, start_value=0.0, step_size_value=1.0)


def _window(w: Writer, query: Tensor, key: Tensor, offset: Tensor | int, left: int, right: int) -> Tensor | None:
    """Where a key is at most `left` before and `right` after its query, as a bool; -1 means no limit.

    Args:
        w: The writer.
        query: [batch, heads, length, size].
        key: [batch, heads, total, size].
        offset: The position of the first query among the keys, one or [batch, 1, 1, 1].
        left: See above.
        right: See above.
    """
    if left < 0 and right < 0:
        return None
    lengths = query.shape[2], key.shape[2]
    if isinstance(offset, int) and lengths[0] is not None and lengths[1] is not None:
        distance = np.arange(lengths[1]) - np.arange(lengths[0])[:, None] - offset
        return w.constant(
            (distance <= (right if right >= 0 else np.inf)) & (distance >= -(left if left >= 0 else np.inf))
        )
    rows = basics.expand_dims(w, basics.add(w, positions(w, query, 2), 0), [1])
    apart = basics.subtract(w, basics.subtract(w, positions(w, key, 2), rows), offset)
    kept = [basics.compare(w, "lessEqual", apart, right)] if right >= 0 else []
    kept += [basics.compare(w, "greaterEqual", apart, -left)] if left >= 0 else []
    return kept[0] if len(kept) == 1 else basics.compare(w, "logicalAnd", *kept)


def _whole_mask(w: Writer, mask: Tensor, key: Tensor) -> Tensor:
    """The mask padded to all keys; keys beyond it are masked out."""
    lacking = [own[2] - given[-1] for own, given in zip(key.shapes, mask.shapes, strict=True)]
    if not any(lacking):
        return mask
    if len(set(lacking)) > 1 or lacking[0] < 0:
        raise UnsupportedError("the mask is shorter than the keys by a number that depends on the inputs")
    shapes = [(*own[:-1], lacking[0]) for own in mask.shapes]
    rest = basics.fill(w, shapes, 0.0 if mask.is_bool else -math.inf, mask.dtype, [mask])
    return basics.concat(w, [mask, rest], mask.rank - 1)


# Operators -----------------------------------------------------------------------------------------------------------


@operator("Attention", since=23, ignored=("softmax_precision",))
def attention(
    w: Writer,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    lengths: Tensor | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    left_window_size: int = -1,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    right_window_size: int = -1,
    scale: float | None = None,
    softcap: float = 0.0,
) -> list[Tensor | None]:
    """softmax(scale * q k' + mask) v for each head; a query without any unmasked key gives zeros."""
    query, key, value = _heads(w, q, q_num_heads), _heads(w, k, kv_num_heads), _heads(w, v, kv_num_heads)
    offset: Tensor | int = 0
    if past_key is not None and past_value is not None:
        offset = past_key.shape[2] or basics.size_of(w, past_key, 2)
        key, value = basics.concat(w, [past_key, key], 2), basics.concat(w, [past_value, value], 2)
    size = query.shape[3]
    if size is None:
        raise UnsupportedError("the size of the heads depends on the inputs")
    scaled = basics.linear(w, query, 1 / math.sqrt(size) if scale is None else scale)
    seen = [_product(w, scaled, key, True)]
    limited = basics.unary(w, "tanh", basics.linear(w, seen[0], 1 / softcap)) if softcap else None
    seen.append(seen[0] if limited is None else basics.linear(w, limited, softcap))
    scores = seen[1]
    kept: list[Tensor] = []
    if lengths is not None:
        each = basics.expand_dims(w, lengths, [1, 2, 3])
        kept.append(basics.compare(w, "lessThan", positions(w, key, 2), each))
        if past_key is None:
            queries = query.shape[2]
            offset = basics.subtract(w, each, basics.size_of(w, query, 2) if queries is None else queries)
    right = 0 if is_causal and right_window_size < 0 else min(right_window_size, 0) if is_causal else right_window_size
    window = _window(w, query, key, offset, left_window_size, right)
    kept += [] if window is None else [window]
    if mask is not None:
        mask = _whole_mask(w, mask, key)
        if mask.is_bool:
            kept.append(mask)
        else:
            scores = basics.add(w, scores, mask)
    for each in kept:
        scores = basics.where(w, each, scores, -math.inf)
    seen.append(scores)
    if mask is not None or lengths is not None or left_window_size >= 0:
        blind = basics.compare(w, "equal", basics.reduce(w, "reduceMax", scores, [3]), -math.inf)
        shares = basics.softmax(w, basics.where(w, blind, 0.0, scores), 3)
        shares = basics.where(w, blind, 0.0, shares)
    else:
        shares = basics.softmax(w, scores, 3)
    seen.append(shares)
    made = _product(w, shares, value, False)
    return [_joined(w, made) if q.rank == 3 else made, key, value, seen[qk_matmul_output_mode]]
