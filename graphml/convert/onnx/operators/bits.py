"""Operators on the bits of integers, as arithmetic that is exact for numbers from -2^24 to 2^24 - 1."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor, integer_range
from graphml.convert.onnx.writer import Writer
from graphml.errors import GraphError, UnsupportedError

_EXACT_BITS = 24


@operator("BitShift")
def bit_shift(w: Writer, x: Tensor, by: Tensor, *, direction: str) -> Tensor:
    """Products and quotients with powers of 2; bits shifted out on the left are lost.

    A shift that is negative or at least the width of the type, which version 28 allows, leaves only the sign.
    """
    if direction not in ("LEFT", "RIGHT"):
        raise GraphError(f"direction is {direction!r}; it must be LEFT or RIGHT")
    low, high = integer_range(x.dtype)
    bits = (high - low).bit_length()
    outside = basics.compare(w, "logicalOr", *(basics.compare(w, *each) for each in _beyond(by, bits)))
    steps = basics.where(w, outside, float(bits), by)
    table = w.constant(np.exp2(np.arange(bits + 1, dtype=np.float32)))
    flat = basics.reshape(w, steps, [(math.prod(shape),) for shape in steps.shapes], w.features)
    powers = basics.reshape(w, w.layer("gather", [table, flat], axis=0), by.shapes, [by])
    if direction == "RIGHT":
        return basics.binary(w, "floorDivBroadcastable", x, powers)
    wide = basics.multiply(w, x, powers)
    size = basics.binary(w, "modBroadcastable", basics.function(w, "ABS", wide), float(high - low + 1))
    kept = basics.multiply(w, basics.unary(w, "sign", wide), size)
    if not low:
        return kept
    above, below = basics.compare(w, "greaterThan", kept, float(high)), basics.compare(w, "lessThan", kept, float(low))
    kept = basics.where(w, above, basics.linear(w, kept, 1.0, -float(high - low + 1)), kept)
    return basics.where(w, below, basics.linear(w, kept, 1.0, float(high - low + 1)), kept)


def _beyond(by: Tensor, bits: int) -> tuple[tuple[str, Tensor, float], tuple[str, Tensor, float]]:
    return ("lessThan", by, 0.0), ("greaterEqual", by, float(bits))


@operator("BitwiseNot")
def bitwise_not(w: Writer, x: Tensor) -> Tensor:
    low, high = integer_range(x.dtype)
    if low == 0 and high > 1 << _EXACT_BITS:
        raise UnsupportedError(
            f"the result for small {x.dtype.name} values is larger than the integers that a network holds (2^24)"
        )
    return basics.linear(w, x, -1.0, -1.0 if low else float(high))


def _bits(w: Writer, x: Tensor, weights: np.ndarray) -> Tensor:
    """0 or 1 for each power of 2, along a new last axis. Negative numbers are in two's complement."""
    apart = basics.expand_dims(w, x, [x.rank])
    shifted = basics.binary(w, "floorDivBroadcastable", apart, w.constant(np.abs(weights)))
    return basics.binary(w, "modBroadcastable", shifted, w.constant(np.asarray(2, np.float32)), dtype=np.float32)


def _bitwise(combine: Callable[[Writer, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def convert(w: Writer, a: Tensor, b: Tensor) -> Tensor:
        shapes = [np.broadcast_shapes(*each) for each in zip(a.shapes, b.shapes, strict=True)]
        if len(shapes[0]) > 4:
            flat = [(math.prod(shape),) for shape in shapes]
            a, b = (basics.reshape(w, basics.broadcast(w, x, shapes, [a, b]), flat, w.features) for x in (a, b))
        low, high = integer_range(a.dtype)
        count = min((high - low).bit_length(), _EXACT_BITS + bool(low))
        weights = np.exp2(np.arange(count, dtype=np.float32))
        if low:
            weights[-1] *= -1  # the sign
        joined = combine(w, _bits(w, a, weights), _bits(w, b, weights))
        total = basics.reduce(w, "reduceSum", basics.multiply(w, joined, w.constant(weights)), [-1], keep=False)
        return basics.reshape(w, basics.retyped(w, total, a.dtype), shapes, w.features)

    return convert


def _differ(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    return basics.binary(w, "notEqual", a, b, dtype=np.float32)


operator("BitwiseAnd")(_bitwise(basics.multiply))
operator("BitwiseOr")(_bitwise(basics.maximum))
operator("BitwiseXor")(_bitwise(_differ))
