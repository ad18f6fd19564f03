"""Converts an array to the storage of an existing weight: linear codes, tables, half precision.

`requantized` tries the parameters of the old weight (its scale, its table) and new ones that are fitted to the floats,
and takes the closer result. A weight that was not trained therefore gets its old codes again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from graphml.errors import ShapeError, SpecError
from graphml.spec.program.compression import (
    AffineWeights,
    BlockwiseWeights,
    CastWeights,
    PalettizedWeights,
    split_axes,
)
from graphml.spec.weights import CompressedWeight, Quantized, quantize

Array = np.ndarray[Any, np.dtype[Any]]


def requantized(weight: Array, form: CompressedWeight) -> CompressedWeight | Array:
    """A weight, stored in the form of another weight.

    Args:
        weight: Array.
        form: A compressed weight of the same shape: its class, bits and groups are those of the result.

    Returns:
        The compressed weight; `weight` itself where `form` stores only some of the elements, vectors of elements, or
        parameters that are compressed themselves.

    Raises:
        ShapeError: If the shapes differ.
        SpecError: If a value is not finite.
    """
    floats = np.asarray(weight, np.float32)
    if floats.shape != tuple(form.shape):
        raise ShapeError(f"the weight has shape {list(floats.shape)}, its storage {list(form.shape)}")
    if not np.isfinite(floats).all():
        raise SpecError("weights must be finite to be quantized, got NaN or infinity")
    best: CompressedWeight | None = None
    least = float("inf")
    for one in _candidates(floats, form):
        distance = _distance(one, floats)
        if distance < least:
            best, least = one, distance
        if not distance:  # as for weights that were not trained
            break
    return weight if best is None else best


def _distance(form: CompressedWeight, floats: Array) -> float:
    return float(np.square(np.asarray(form.dequantize(), np.float32) - floats).sum(dtype=np.float64))


def _candidates(floats: Array, form: CompressedWeight) -> Iterator[CompressedWeight]:
    match form:
        case Quantized():
            yield replace(form, codes=codes_for(floats, form))
            yield _fitted(floats, form)
        case AffineWeights():
            yield from _affine(floats, form)
        case BlockwiseWeights():
            yield from _blockwise(floats, form)
        case PalettizedWeights():
            yield from _palettized(floats, form)
        case CastWeights() if not isinstance(form.source, CompressedWeight):
            if np.abs(floats).max(initial=0) <= np.finfo(np.float16).max:
                yield CastWeights(floats.astype(np.float16))
        case _:
            return


# Networks ------------------------------------------------------------------------------------------------------------


def codes_for(weight: Any, form: Quantized, xp: Any = np) -> Any:
    """The codes of the values nearest to a weight.

    Args:
        weight: floats.
        form: its scale and bias, or its table; only the dtype of its codes matters.
        xp: the module that computes, numpy or jax.numpy.
    """
    if form.table is not None:
        order = xp.argsort(xp.asarray(form.table))
        table = xp.asarray(form.table)[order]
        return order[xp.searchsorted((table[1:] + table[:-1]) / 2, weight)].astype(form.codes.dtype)
    low, high = (-128, 127) if form.codes.dtype == np.int8 else (0, 2**form.bits - 1)
    scale = xp.asarray(form.scale)
    scale = xp.where(scale == 0, 1, scale)
    steps = (weight if form.bias is None else weight - xp.asarray(form.bias)) / scale
    return xp.clip(xp.round(steps), low, high).astype(form.codes.dtype)


def values_of(codes: Any, form: Quantized, xp: Any = np) -> Any:
    """The values of codes; the inverse of `codes_for` except for rounding."""
    known = {name: None if value is None else xp.asarray(value) for name, value in _numbers(form).items()}
    return replace(form, codes=codes, **known).dequantize()


def _numbers(form: Quantized) -> dict[str, Any]:
    return {"scale": form.scale, "bias": form.bias, "table": form.table}


def _fitted(floats: Array, form: Quantized) -> Quantized:
    """The weight with a new scale and bias, or a new table."""
    if form.table is not None:
        return quantize(floats, bits=form.bits, table=True)
    assert form.scale is not None, "linear quantization has a scale"
    vary = [axis for axis, size in enumerate(form.scale.shape) if size > 1]
    if form.codes.dtype != np.int8:
        return quantize(floats, bits=form.bits, axis=vary[0] if vary else None)
    axes = tuple(axis for axis in range(floats.ndim) if axis not in vary)
    steps = floats if form.bias is None else floats - form.bias
    scale = np.abs(steps).max(axis=axes, keepdims=True).reshape(form.scale.shape) / 127
    fitted = replace(form, scale=np.where(scale == 0, 1, scale).astype(np.float32))
    return replace(fitted, codes=codes_for(floats, fitted))


# ML Programs ---------------------------------------------------------------------------------------------------------


def _affine(floats: Array, form: AffineWeights) -> Iterator[AffineWeights]:
    held = np.iinfo(form.quantized.dtype)
    vector = [-1 if axis == form.axis else 1 for axis in range(floats.ndim)]
    zeros = np.asarray(form.zero_point, np.float32)
    zeros = zeros.reshape(vector) if zeros.ndim else zeros
    axes = tuple(axis for axis in range(floats.ndim) if not form.scale.ndim or axis != form.axis)
    needed = _scale_for(floats, zeros, held.min, held.max).max(axis=axes).reshape(form.scale.shape)
    for scale in (form.scale, needed.astype(form.scale.dtype)):
        steps = np.asarray(scale, np.float32)
        steps = steps.reshape(vector) if steps.ndim else steps
        yield replace(form, quantized=_rounded(floats, steps, zeros, held, form.quantized.dtype), scale=scale)


def _blockwise(floats: Array, form: BlockwiseWeights) -> Iterator[BlockwiseWeights]:
    parts = (form.data, form.scale) if form.offset is None else (form.data, form.scale, form.offset)
    if any(isinstance(part, CompressedWeight) for part in parts) or form.data.dtype.kind not in "iu":
        return
    signed = form.data.dtype.kind == "i"
    low, high = (-(1 << form.bits - 1), (1 << form.bits - 1) - 1) if signed else (0, (1 << form.bits) - 1)
    blocks = floats.reshape(split_axes(floats.shape, form.scale.shape))
    each = [size for count in form.scale.shape for size in (count, 1)]
    offset = np.float32(0) if form.offset is None else np.asarray(form.offset, np.float32).reshape(each)
    inside = tuple(range(1, blocks.ndim, 2))
    needed = _scale_for(blocks, offset, low, high).max(axis=inside).astype(form.scale.dtype)
    for scale in (form.scale, needed):
        steps = np.asarray(scale, np.float32).reshape(each)
        codes = _rounded(blocks, steps, offset, _Limits(low, high), form.data.dtype)
        yield replace(form, data=codes.reshape(floats.shape), scale=scale)


def _palettized(floats: Array, form: PalettizedWeights) -> Iterator[PalettizedWeights]:
    if any(isinstance(part, CompressedWeight) for part in (form.lut, form.indices)) or form.lut.shape[-1] != 1:
        return
    groups, entries = form.lut.shape[:-2], form.lut.shape[-2]
    blocks = floats.reshape(split_axes(floats.shape, groups))
    old, new, codes = form.lut.reshape(-1, entries), list[Any](), (list[Any](), list[Any]())
    places = [tuple(part for group in place for part in (group, slice(None))) for place in np.ndindex(*groups)]
    for place, table in zip(places, old, strict=True):
        fitted = quantize(blocks[place], bits=entries.bit_length() - 1, table=True).table
        assert fitted is not None
        new.append(fitted.astype(form.lut.dtype))
        for found, one in zip(codes, (table, new[-1]), strict=True):
            found.append(_nearest(blocks[place], np.asarray(one, np.float32)))
    for tables, found in zip((old, new), codes, strict=True):
        indices = np.empty(blocks.shape, form.indices.dtype)
        for place, one in zip(places, found, strict=True):
            indices[place] = one
        lut = np.stack(list(tables)).reshape(form.lut.shape)
        yield replace(form, indices=indices.reshape(form.indices.shape), lut=lut)


def _nearest(floats: Array, table: Array) -> Array:
    """The index of the table entry nearest to each value."""
    order = np.argsort(table)
    ordered = table[order]
    return order[np.searchsorted((ordered[1:] + ordered[:-1]) / 2, floats)]


class _Limits:
    def __init__(self, low: int, high: int) -> None:
        self.min, self.max = low, high


def _scale_for(floats: Array, zeros: Any, low: int, high: int) -> Array:
    """The smallest nonzero scale with which the codes from `low` to `high` cover all values."""
    above, below = np.maximum(high - zeros, 1), np.maximum(zeros - low, 1)
    needed = np.maximum(floats / above, -floats / below)
    return np.maximum(needed, np.finfo(np.float16).tiny).astype(np.float32)


def _rounded(floats: Array, scale: Any, zeros: Any, limits: Any, dtype: Any) -> Array:
    return np.clip(np.rint(floats / np.where(scale == 0, 1, scale) + zeros), limits.min, limits.max).astype(dtype)
