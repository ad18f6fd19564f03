"""Shapes and order: operators without arithmetic."""

from __future__ import annotations

import math

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import ShapeError, UnsupportedError


@operator("Shape")
def shape(w: Writer, x: Tensor, *, start: int = 0, end: int | None = None) -> Tensor:
    if x.rank in (0, 6, 7, 8):
        raise UnsupportedError(f"the shape of a tensor with {x.rank} axes varies")
    whole = w.layer("getShape", [x], dtype=np.int64)
    whole.known = tuple(np.asarray(each, np.int64) for each in x.shapes)
    begin, stop, _ = slice(start, end).indices(x.rank)
    return basics.slice_axis(w, whole, 0, begin, stop)


@operator("Size")
def size(w: Writer, x: Tensor) -> Tensor:
    whole = w.layer("getShape", [x], dtype=np.int64)
    return basics.reduce(w, "reduceProd", whole, None, keep=False)


@operator("Reshape", moved={"shape": 5}, ignored=("consumed_inputs",))
def reshape(w: Writer, x: Tensor, shape: Tensor, *, allowzero: int = 0) -> Tensor:
    """0 in the shape keeps the size of that axis (unless allowzero), -1 is the remaining size."""
    if shape.known is None:
        declared = static.declared_shapes(w)
        return _reshape_by_data(w, x, shape) if declared is None else basics.reshape(w, x, declared)
    shapes: list[tuple[int, ...]] = []
    for own, wanted in zip(x.shapes, shape.known, strict=True):
        sizes = [int(size) for size in wanted]
        if not allowzero:
            sizes = [own[axis] if size == 0 and axis < len(own) else size for axis, size in enumerate(sizes)]
        if -1 in sizes:
            rest = math.prod(size for size in sizes if size != -1)
            if rest == 0 or math.prod(own) % rest:
                raise ShapeError(f"the shape {list(own)} cannot become {list(map(int, wanted))}")
            sizes[sizes.index(-1)] = math.prod(own) // rest
        shapes.append(tuple(sizes))
    return basics.reshape(w, x, shapes, w.features)


def _reshape_by_data(w: Writer, x: Tensor, shape: Tensor) -> Tensor:
    """The shape is computed from values: only its length is known."""
    count = shape.shape[0]
    if count is None or x.rank == 0:
        raise UnsupportedError("the number of axes of the result depends on values")
    declared = w.node.shapes[0] or (None,) * count
    free = [w.fresh_size() if size is None else (size,) * w.sets for size in declared]
    return w.layer("reshapeDynamic", [x, shape], shapes=list(zip(*free, strict=True)))


@operator("Flatten")
def flatten(w: Writer, x: Tensor, *, axis: int = 1) -> Tensor:
    at = axis + x.rank if axis < 0 else axis
    return basics.reshape(w, x, [(math.prod(each[:at]), math.prod(each[at:])) for each in x.shapes])


@operator("Squeeze", moved={"axes": 13})
def squeeze(w: Writer, x: Tensor, axes: Tensor | None = None) -> Tensor:
    declared = static.declared_shapes(w)
    if axes is not None and axes.constant is None and declared is not None:
        return basics.reshape(w, x, declared)
    listed = static.integers(axes, "axes")
    if listed is None:
        listed = tuple(axis for axis, size in enumerate(x.shape) if size == 1)
    return basics.squeeze(w, x, listed)


@operator("Unsqueeze", moved={"axes": 13})
def unsqueeze(w: Writer, x: Tensor, axes: Tensor) -> Tensor:
    declared = static.declared_shapes(w)
    if axes.constant is None and declared is not None:
        return basics.reshape(w, x, declared)
    return basics.expand_dims(w, x, static.integers(axes, "axes") or ())


@operator("Transpose")
def transpose(w: Writer, x: Tensor, *, perm: tuple[int, ...] | None = None) -> Tensor:
    return basics.transpose(w, x, tuple(reversed(range(x.rank))) if perm is None else perm)


@operator("Concat")
def concat(w: Writer, *parts: Tensor, axis: int = 1) -> Tensor:
    return basics.concat(w, parts, axis)


@operator("Expand")
def expand(w: Writer, x: Tensor, shape: Tensor) -> Tensor:
    if shape.known is None:
        declared = static.declared_shapes(w)
        if declared is None:
            raise UnsupportedError("the shape depends on values, not only on sizes")
        return basics.broadcast(w, x, declared)
    shapes = [np.broadcast_shapes(own, tuple(map(int, new))) for own, new in zip(x.shapes, shape.known, strict=True)]
    return basics.broadcast(w, x, shapes, w.features)
