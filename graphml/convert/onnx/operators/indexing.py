"""Elements by position: gathering and scattering."""

from __future__ import annotations

import math

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError

_MODES = {
    "none": "SCATTER_UPDATE",
    "add": "SCATTER_ADD",
    "mul": "SCATTER_MUL",
    "max": "SCATTER_MAX",
    "min": "SCATTER_MIN",
}


@operator("Gather")
def gather(w: Writer, x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    at = x.axis(axis)
    if indices.rank == 0 and indices.constant is not None:
        index = int(indices.constant)
        one = basics.slice_axis(w, x, at, index, None if index == -1 else index + 1)
        return basics.squeeze(w, one, [at])
    shapes = [own[:at] + part + own[at + 1 :] for own, part in zip(x.shapes, indices.shapes, strict=True)]
    flat = basics.reshape(w, indices, [(math.prod(shape),) for shape in indices.shapes])
    rows = w.layer("gather", [x, flat], dtype=x.dtype, axis=at)
    return basics.reshape(w, rows, shapes, [x, indices])


@operator("GatherElements")
def gather_elements(w: Writer, x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    """The layer needs equal sizes of x and the indices on the other axes; ONNX reads the beginning of these axes of
    x."""
    at = x.axis(axis)
    cuts = {
        other: (0, size, 1)
        for other, size in enumerate(indices.shape)
        if other != at and size != x.shape[other] and size is not None
    }
    part = basics.slice_axes(w, x, {**cuts}) if cuts else x
    return w.layer("gatherAlongAxis", [part, indices], dtype=x.dtype, shapes=indices.shapes, axis=at)


@operator("GatherND")
def gather_nd(w: Writer, x: Tensor, indices: Tensor, *, batch_dims: int = 0) -> Tensor:
    depth = indices.shape[-1]
    if depth is None:
        raise UnsupportedError("the number of coordinates depends on the inputs")
    positions = _with_batch(w, _not_negative(w, x, indices, batch_dims), batch_dims)
    shapes = [part[:-1] + own[batch_dims + depth :] for own, part in zip(x.shapes, indices.shapes, strict=True)]
    return w.layer("gatherND", [x, positions], dtype=x.dtype, shapes=shapes)


def _not_negative(w: Writer, x: Tensor, indices: Tensor, first: int = 0) -> Tensor:
    """Coordinates that count from the front. first: the axis of x of the first coordinate."""
    depth = indices.shape[-1] or 0
    sizes = x.shape[first : first + depth]
    if None in sizes:
        whole = basics.concat(w, [basics.size_of(w, x, first + axis) for axis in range(depth)], 0)
    else:
        whole = w.constant(np.asarray(sizes, np.int64))
    value = indices.constant
    if value is not None and (value >= 0).all():
        return indices
    if value is not None and whole.constant is not None:
        return w.constant(np.where(value < 0, value + whole.constant, value))
    below = basics.compare(w, "lessThan", indices, 0.0)
    return basics.where(w, below, basics.add(w, indices, whole), indices)


def _with_batch(w: Writer, indices: Tensor, batch_dims: int) -> Tensor:
    """Indices whose first coordinates are the positions on the batch axes."""
    if not batch_dims:
        return indices
    shape = indices.shape[:-1]
    if None in shape:
        raise UnsupportedError("batch_dims needs indices of a fixed shape")
    sizes = [size or 0 for size in shape]
    grid = np.stack(np.meshgrid(*(np.arange(size) for size in sizes), indexing="ij"), -1)[..., :batch_dims]
    value = indices.constant
    if value is not None:
        return w.constant(np.concatenate([grid, value], -1))
    return basics.concat(w, [w.constant(grid.astype(np.int64)), indices], -1)


# Scattering ----------------------------------------------------------------------------------------------------------


@operator("ScatterND")
def scatter_nd(w: Writer, x: Tensor, indices: Tensor, updates: Tensor, *, reduction: str = "none") -> Tensor:
    positions = _not_negative(w, x, indices)
    return w.layer("scatterND", [x, positions, updates], shapes=x.shapes, mode=_mode(reduction))


@operator("ScatterElements", "Scatter")
def scatter_elements(
    w: Writer, x: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0, reduction: str = "none"
) -> Tensor:
    at = x.axis(axis)
    mode = _mode(reduction)
    if all(size == x.shape[other] for other, size in enumerate(indices.shape) if other != at):
        return w.layer("scatterAlongAxis", [x, indices, updates], shapes=x.shapes, axis=at, mode=mode)
    # the layer needs the other axes to be equal; coordinates do not
    if None in indices.shape:
        raise UnsupportedError("the indices cover a part of x, and their shape is not fixed")
    sizes = [size or 0 for size in indices.shape]
    grid = np.stack(np.meshgrid(*(np.arange(size) for size in sizes), indexing="ij"), -1).astype(np.int64)
    columns = [
        basics.expand_dims(w, indices, [-1]) if other == at else w.constant(grid[..., other : other + 1])
        for other in range(x.rank)
    ]
    flat = basics.reshape(w, basics.concat(w, columns, -1), [(math.prod(sizes), x.rank)] * w.sets)
    values = basics.reshape(w, updates, [(math.prod(sizes),)] * w.sets)
    return w.layer("scatterND", [x, _not_negative(w, x, flat), values], shapes=x.shapes, mode=mode)


def _mode(reduction: str) -> str:
    if reduction not in _MODES:
        raise UnsupportedError(f"the reduction {reduction!r} is not one of {', '.join(_MODES)}")
    return _MODES[reduction]


@operator("TensorScatter")
def tensor_scatter(
    w: Writer, past: Tensor, update: Tensor, starts: Tensor | None = None, *, axis: int = -2, mode: str = "linear"
) -> Tensor:
    """The update of each batch element goes to positions starts[b], starts[b] + 1 ... of the axis."""
    at = past.axis(axis)
    length, size = update.shape[at], past.shape[at]
    if length is None or size is None:
        raise UnsupportedError("the axis depends on the inputs")
    shape = [1] * past.rank
    shape[at] = length
    steps = w.constant(np.arange(length, dtype=np.int64).reshape(shape))
    positions = steps
    if starts is not None:
        batch = basics.reshape(w, starts, [(each[0], *[1] * (past.rank - 1)) for each in past.shapes])
        positions = basics.add(w, batch, steps)
    if mode == "circular":
        positions = basics.binary(w, "modBroadcastable", positions, float(size))
    whole = basics.broadcast(w, positions, update.shapes, [update])
    return w.layer("scatterAlongAxis", [past, whole, update], shapes=past.shapes, axis=at, mode="SCATTER_UPDATE")
