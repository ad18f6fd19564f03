"""Compressed weights: the `constexpr_*` operations of programs, kept compressed until they are used.

Each class is one form of storage. Its arrays may be of NumPy or JAX, or compressed weights themselves: a table of
quantized values, or codes of which only some are stored. `dequantize` computes with whatever arrays it holds, so that
gradients reach scales, tables and stored values. `constexprs` makes these from operations.

Source: the operations of iOS 16, whose parameters are attributes, and those of iOS 18, whose parameters are inputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graphml.spec.weights import CompressedWeight

_Part = Any  # an array of NumPy or JAX, or a CompressedWeight; JAX is not imported here


@dataclass(frozen=True, eq=False, repr=False)
class AffineWeights(CompressedWeight):
    """scale * (quantized - zero_point), computed in float32.

    Attributes:
        quantized: int8 or uint8 in the shape of the weight.
        zero_point: integers or floats: one value of rank 0, or a vector along `axis`.
        scale: Like zero_point, in the type of the weight.
        axis: The axis of vectors, from 0.
    """

    quantized: _Part
    zero_point: _Part
    scale: _Part
    axis: int

    ARRAYS: ClassVar = ("quantized", "zero_point", "scale")

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.quantized.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.scale.dtype)

    def dequantize(self) -> Any:
        steps = self.quantized.astype(np.float32) - self._spread(self.zero_point)
        return (steps * self._spread(self.scale)).astype(self.scale.dtype)

    def _spread(self, values: Any) -> Any:
        """A scalar or vector as float32 that broadcasts to the weight."""
        values = values.astype(np.float32)
        rank = len(self.shape)
        return values.reshape([-1 if i == self.axis else 1 for i in range(rank)]) if values.ndim else values


@dataclass(frozen=True, eq=False, repr=False)
class BlockwiseWeights(CompressedWeight):
    """scale * (data - offset), with one scale and offset for each block of the weight.

    Attributes:
        data: Integers or floats in the shape of the weight.
        scale: Of the rank of `data`, in the type of the weight. Its sizes divide those of `data`; the quotients are the
            sizes of a block.
        offset: Of the shape of `scale`, or None.
        bits: How many bits an element of `data` takes in the file.
    """

    data: _Part
    scale: _Part
    offset: _Part | None
    bits: int

    ARRAYS: ClassVar = ("data", "scale", "offset")

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.scale.dtype)

    def dequantize(self) -> Any:
        scale = dense(self.scale)
        values = dense(self.data).astype(scale.dtype).reshape(split_axes(self.shape, scale.shape))
        each = [size for blocks in scale.shape for size in (blocks, 1)]
        if self.offset is not None:
            values = values - dense(self.offset).astype(scale.dtype).reshape(each)
        return (values * scale.reshape(each)).reshape(self.shape)


@dataclass(frozen=True, eq=False, repr=False)
class PalettizedWeights(CompressedWeight):
    """Entries of lookup tables: scalars, or vectors along an axis.

    Attributes:
        indices: Codes in the shape of the weight, except on `vector_axis`.
        lut: The tables, of the rank of `indices` plus two. The first sizes divide those of `indices`: each block of
            these has a separate table. The last two are the number of entries and the length of one.
        vector_axis: The axis, from 0, along which the weight is longer than `indices` by a factor of the length of an
            entry.
    """

    indices: _Part
    lut: _Part
    vector_axis: int

    ARRAYS: ClassVar = ("indices", "lut")

    @property
    def shape(self) -> tuple[int, ...]:
        length = self.lut.shape[-1]
        return tuple(n * length if i == self.vector_axis else n for i, n in enumerate(self.indices.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.lut.dtype)

    @property
    def bits(self) -> int:
        """How many bits an index takes in the file."""
        return int(self.lut.shape[-2]).bit_length() - 1

    def dequantize(self) -> Any:
        lut, indices = _together(dense(self.lut), dense(self.indices))
        groups, (entries, length) = lut.shape[:-2], lut.shape[-2:]
        codes = indices.astype(np.int32).reshape(split_axes(indices.shape, groups))
        grouped = [axis for axis, count in enumerate(groups) if count > 1]
        tables = lut.reshape([*(groups[axis] for axis in grouped), entries, length])
        places = [_along(2 * axis, groups[axis], codes.ndim) for axis in grouped]
        values = tables[(*places, codes)].reshape([*indices.shape, length])
        if length > 1:
            order = list(range(indices.ndim))
            order.insert(self.vector_axis + 1, indices.ndim)
            values = values.transpose(order)
        return values.reshape(self.shape)


@dataclass(frozen=True, eq=False, repr=False)
class SparseWeights(CompressedWeight):
    """Zeros, except for some elements.

    Attributes:
        mask: uint8, which elements are stored: a bit for each in row-major order, from the least significant on.
        stored: A vector of the stored values in row-major order, or a compressed weight of the whole shape which is
            used only where the mask has a bit.
        size: The shape of the weight.
    """

    mask: _Part
    stored: _Part
    size: tuple[int, ...]

    ARRAYS: ClassVar = ("mask", "stored")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.stored.dtype)

    def dequantize(self) -> Any:
        mask, stored = _together(self.mask, dense(self.stored))
        xp = _namespace(stored)
        bits = (mask.reshape(-1, 1) >> np.arange(8, dtype=np.uint8)) & np.uint8(1)
        bits = bits.reshape(-1)[: math.prod(self.size)]
        values = stored.reshape(-1)
        if not isinstance(self.stored, CompressedWeight):
            if not values.shape[0]:
                return xp.zeros(self.size, values.dtype)
            place = bits.cumsum(dtype=np.int32) - 1  # of each element among the stored ones
            values = values[xp.maximum(place, 0)]
        return xp.where(bits != 0, values, values.dtype.type(0)).reshape(self.size)


@dataclass(frozen=True, eq=False, repr=False)
class CastWeights(CompressedWeight):
    """float16 storage of float32.

    Attributes:
        source: float16 in the shape of the weight.
    """

    source: _Part

    ARRAYS: ClassVar = ("source",)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.source.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def dequantize(self) -> Any:
        return dense(self.source).astype(np.float32)


KINDS: tuple[type[CompressedWeight], ...] = (
    AffineWeights,
    BlockwiseWeights,
    PalettizedWeights,
    SparseWeights,
    CastWeights,
)
"""All classes of this module."""


def dense(value: _Part) -> Any:
    """The array itself, or that of a compressed weight."""
    return value.dequantize() if isinstance(value, CompressedWeight) else value


def _together(*arrays: Any) -> list[Any]:
    """The arrays, all converted to JAX if one is of JAX; NumPy cannot be indexed by tracers."""
    found = [_namespace(array) for array in arrays]
    xp = next((one for one in found if one is not np), np)
    return [xp.asarray(array) for array in arrays]


def _namespace(array: Any) -> Any:
    """The module whose functions take an array: numpy or jax.numpy."""
    return array.__array_namespace__()


def _along(axis: int, count: int, rank: int) -> np.ndarray:
    """0, 1, 2, ... along one axis of many."""
    return np.arange(count).reshape([-1 if i == axis else 1 for i in range(rank)])


def split_axes(shape: Sequence[int], blocks: Sequence[int]) -> list[int]:
    """A shape with each axis in two: the number of blocks, and the size of one."""
    return [part for size, count in zip(shape, blocks, strict=True) for part in (count, size // max(count, 1))]
