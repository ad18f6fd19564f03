"""Generated tensors: constants, ranges, identity matrices, one-hot codes; cumulative sums and products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.model import element_type
from graphml.convert.onnx.tensors import Array, Shape, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import GraphError, UnsupportedError

# Constants -----------------------------------------------------------------------------------------------------------


@operator("Constant")
def constant(
    w: Writer,
    *,
    value: Array | None = None,
    sparse_value: Array | None = None,
    value_float: float | None = None,
    value_floats: tuple[float, ...] | None = None,
    value_int: int | None = None,
    value_ints: tuple[int, ...] | None = None,
    value_string: str | None = None,
    value_strings: tuple[str, ...] | None = None,
) -> Tensor:
    for given in (value, sparse_value):
        if given is not None:
            return w.constant(given)
    for numbers in (value_float, value_floats):
        if numbers is not None:
            return w.constant(np.asarray(numbers, np.float32))
    for numbers in (value_int, value_ints):
        if numbers is not None:
            return w.constant(np.asarray(numbers, np.int64))
    text = value_string if value_string is not None else value_strings
    if text is None:
        raise GraphError("it has no value")
    return w.constant(np.asarray(text, np.object_))


@operator("ConstantOfShape")
def constant_of_shape(w: Writer, shape: Tensor, *, value: Array | None = None) -> Tensor:
    number = np.zeros(1, np.float32) if value is None else value
    return filled(w, shape, float(number.flat[0]), number.dtype)


def filled(w: Writer, shape: Tensor, value: float, dtype: Any) -> Tensor:
    """A tensor of one value, whose shape is given by a tensor.

    Args:
        w: The writer.
        shape: The shape; only its length must be known.
        value: The value.
        dtype: Its ONNX type.
    """
    shapes = asked_shapes(w, shape)
    if shape.known is not None or shapes == static.declared_shapes(w):
        return basics.fill(w, shapes, value, dtype, w.features)
    return w.layer("fillDynamic", [shape], dtype=dtype, shapes=shapes, value=value)


def asked_shapes(w: Writer, shape: Tensor) -> list[Shape]:
    """The shape that a tensor specifies, for each set of sizes; where its values are unknown, sizes that differ from
    all others."""
    if shape.known is not None:
        return [tuple(int(size) for size in np.ravel(known)) for known in shape.known]
    declared = static.declared_shapes(w)
    if declared is not None:
        return declared
    count = shape.shape[0] if shape.rank else 0
    if not count:
        raise UnsupportedError("the number of axes of the result depends on values")
    return list(zip(*(w.fresh_size() for _ in range(count)), strict=True))


@operator("EyeLike")
def eye_like(w: Writer, x: Tensor, *, dtype: int | None = None, k: int = 0) -> Tensor:
    made = x.dtype if dtype is None else element_type(dtype)
    rows, columns = x.shape
    if rows is not None and columns is not None:
        return w.constant(np.eye(rows, columns, k, made))
    upper = w.layer("upperTriangular", [w.layer("fillLike", [x], value=1.0)], k=k)
    return w.layer("lowerTriangular", [upper], dtype=made, k=k)


@operator("Range", ignored=("stash_type",))
def range_(w: Writer, start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    known = [each.known for each in (start, limit, delta)]
    counts: tuple[int, ...] = ()
    for first, last, step in zip(*(each or () for each in known), strict=False):
        counts += (max(math.ceil((float(last) - float(first)) / float(step)), 0),)
    if 0 in counts:
        raise UnsupportedError("the result is empty, which a network cannot hold")
    declared = static.declared_shapes(w)
    shapes = [(count,) for count in counts] or declared or [(size,) for size in w.fresh_size()]
    return w.layer("rangeDynamic", [limit, start, delta], dtype=start.dtype, shapes=shapes)


@operator("OneHot")
def one_hot(w: Writer, indices: Tensor, depth: Tensor, values: Tensor, *, axis: int = -1) -> Tensor:
    """A negative index counts from the end; one that is out of range gives the off value everywhere."""
    at = indices.axis(axis, indices.rank + 1)
    size = None if depth.constant is None else int(np.ravel(depth.constant)[0])
    wrapped = basics.where(
        w, basics.compare(w, "lessThan", indices, 0.0), basics.add(w, indices, size or _number(w, depth)), indices
    )
    sizes = (size,) * w.sets if size is not None else _declared_sizes(w, at)
    shapes = [(*own[:at], new, *own[at:]) for own, new in zip(indices.shapes, sizes, strict=True)]
    made = w.layer(
        "oneHot",
        [basics.truncate(w, wrapped) if wrapped.is_float else wrapped, *([] if size is not None else [depth])],
        shapes=shapes,
        one_hot_vector_size=size or 0,
        axis=at,
        on_value=1.0,
        off_value=0.0,
    )
    off, on = (basics.slice_axis(w, values, 0, i, i + 1) for i in range(2))
    return basics.where(w, basics.retyped(w, made, np.bool_), on, off)


def _number(w: Writer, x: Tensor) -> Tensor:
    """A tensor of one element as a scalar."""
    return basics.reshape(w, x, [()] * w.sets)


def _declared_sizes(w: Writer, axis: int) -> tuple[int, ...]:
    declared = static.declared_shapes(w)
    return w.fresh_size() if declared is None else tuple(shape[axis] for shape in declared)


# Triangles -----------------------------------------------------------------------------------------------------------


@operator("Trilu")
def trilu(w: Writer, x: Tensor, k: Tensor | None = None, *, upper: int = 1) -> Tensor:
    offset = 0 if k is None else k.constant
    if offset is None:
        rows, columns = x.shape[-2:]
        if rows is None or columns is None:
            raise UnsupportedError("k is computed, and the size of the matrix depends on the inputs")
        distance = np.arange(columns, dtype=np.float32) - np.arange(rows, dtype=np.float32)[:, None]
        assert k is not None, "its default is known"
        kept = basics.compare(w, "greaterEqual" if upper else "lessEqual", w.constant(distance), _number(w, k))
        return basics.where(w, kept, x, 0.0)
    kind = "upperTriangular" if upper else "lowerTriangular"
    return basics.unary(w, kind, x, k=int(np.ravel(offset)[0]))


# Cumulative sums and products ----------------------------------------------------------------------------------------


@operator("CumSum")
def cum_sum(w: Writer, x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    flags = {"exclude_final_sum": bool(exclusive), "reverse": bool(reverse)}
    if axis.constant is None:
        return w.layer("cumSum", [x, axis], dtype=x.dtype, shapes=x.shapes, axis=0, **flags)
    return basics.unary(w, "cumSum", x, axis=x.axis(int(np.ravel(axis.constant)[0])), **flags)


@operator("CumProd")
def cum_prod(w: Writer, x: Tensor, axis: Tensor, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    if axis.constant is not None or x.rank == 1:
        at = 0 if axis.constant is None else x.axis(int(np.ravel(axis.constant)[0]))
        return _cumulative_product(w, x, at, bool(exclusive), bool(reverse))
    made = _cumulative_product(w, x, 0, bool(exclusive), bool(reverse))
    for at in range(1, x.rank):  # a computed axis: computed for all axes, one is selected
        chosen = basics.compare(w, "equal", basics.binary(w, "modBroadcastable", _number(w, axis), x.rank), at)
        made = basics.where(w, chosen, _cumulative_product(w, x, at, bool(exclusive), bool(reverse)), made)
    return made


def _cumulative_product(w: Writer, x: Tensor, at: int, exclusive: bool, reverse: bool) -> Tensor:
    """By doubling: after step s, each element is the product of 2^s elements up to it."""
    size = x.shape[at]
    if size is None:
        raise UnsupportedError("the size of the axis depends on the inputs; a network has no cumulative product")
    marks = tuple(i == at for i in range(x.rank))
    product = basics.unary(w, "reverse", x, reverse_dim=marks) if reverse else x
    if exclusive:
        product = _delayed(w, product, at, 1)
    step = 1
    while step < size:
        product = basics.multiply(w, product, _delayed(w, product, at, step))
        step *= 2
    return basics.unary(w, "reverse", product, reverse_dim=marks) if reverse else product


def _delayed(w: Writer, x: Tensor, axis: int, count: int) -> Tensor:
    """x shifted towards the end of an axis, padded with ones."""
    ones = basics.fill(w, [(*own[:axis], count, *own[axis + 1 :]) for own in x.shapes], 1.0, x.dtype, [x])
    size = x.shape[axis] or 0
    return basics.concat(w, [ones, basics.slice_axis(w, x, axis, 0, size - count)], axis) if count < size else ones
