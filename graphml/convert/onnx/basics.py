"""Helpers with which operators are written: small functions that append one layer, or none if none is needed.

All take the writer first. Axes and shapes are those of ONNX; scalars and more than five axes are handled here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.convert.onnx.tensors import LARGEST_RANK, Array, Shape, Tensor, blob_shape
from graphml.convert.onnx.writer import Writer
from graphml.errors import ShapeError, UnsupportedError
from graphml.spec.attributes import Choice

Operand = Tensor | float | int
"""A tensor, or a number that becomes a constant."""

_TINY = 1.1754944e-38  # the smallest epsilon; 0 would mean the default of 1e-6, which would limit logarithms

# Elementwise ---------------------------------------------------------------------------------------------------------


def unary(w: Writer, kind: str, x: Tensor, *, dtype: Any = None, **fields: Any) -> Tensor:
    """A layer of one input that keeps the shape."""
    return w.layer(kind, [x], dtype=dtype, shapes=x.shapes, **fields)


def function(w: Writer, name: str, x: Tensor, **fields: Any) -> Tensor:
    """One of the functions of the layer `unary`: SQRT, RSQRT, INVERSE, POWER, EXP, LOG, ABS, THRESHOLD."""
    given = {"alpha": 1.0, "shift": 0.0, "scale": 1.0, "epsilon": _TINY, **fields}
    return unary(w, "unary", x, type=name, **given)


def activation(w: Writer, name: str, x: Tensor, **fields: Any) -> Tensor:
    """An activation layer, by its name in the format ("ReLU", "sigmoid", "leakyReLU" ...)."""
    return unary(w, "activation", x, nonlinearity_type=Choice(name, fields))


def linear(w: Writer, x: Tensor, scale: float = 1.0, shift: float = 0.0) -> Tensor:
    """scale * x + shift."""
    return activation(w, "linear", x, alpha=scale, beta=shift)


def clip(w: Writer, x: Tensor, low: float | None, high: float | None) -> Tensor:
    """x clipped to [low, high]."""
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        return unary(w, "clip", x, min_val=low, max_val=high)
    if low is not None and low > -math.inf:
        x = maximum(w, x, low)
    return minimum(w, x, high) if high is not None and high < math.inf else x


def binary(w: Writer, kind: str, a: Operand, b: Operand, *, dtype: Any = None) -> Tensor:
    """A layer of two inputs that broadcast against each other."""
    first, second = _pair(w, a, b)
    shapes = together([first, second])
    if max(first.rank, second.rank) > LARGEST_RANK:
        # stored flat, which is equivalent only without broadcasting
        sizes = {math.prod(shape) for each in (first.shapes, second.shapes) for shape in each} - {1}
        if len(sizes) > 1:
            raise UnsupportedError(f"{kind} broadcasts tensors of more than {LARGEST_RANK} axes")
        if len(first.shapes[0]) != len(second.shapes[0]):
            first, second = (_flat(w, x) if math.prod(x.shapes[0]) > 1 else x for x in (first, second))
    return w.layer(kind, [first, second], dtype=first.dtype if dtype is None else dtype, shapes=shapes)


def together(parts: Sequence[Tensor]) -> list[Shape]:
    """The shape to which tensors broadcast, for each set of sizes.

    Raises:
        ShapeError: They do not broadcast.
    """
    try:
        return [np.broadcast_shapes(*each) for each in zip(*(part.shapes for part in parts), strict=True)]
    except ValueError:
        shown = ", ".join(str([*part.shape]).replace("None", "?") for part in parts)
        raise ShapeError(f"the shapes {shown} do not broadcast") from None


def _pair(w: Writer, a: Operand, b: Operand) -> tuple[Tensor, Tensor]:
    """Both as tensors; a number has the type of the other one."""
    if isinstance(a, Tensor):
        return a, b if isinstance(b, Tensor) else w.constant(b, a.dtype if a.is_float else None)
    assert isinstance(b, Tensor), "one operand is a tensor"
    return w.constant(a, b.dtype if b.is_float else None), b


def _flat(w: Writer, x: Tensor) -> Tensor:
    return reshape(w, x, [(math.prod(shape),) for shape in x.shapes]) if x.rank <= LARGEST_RANK else x


def add(w: Writer, a: Operand, b: Operand) -> Tensor:
    """a + b."""
    return binary(w, "addBroadcastable", a, b)


def subtract(w: Writer, a: Operand, b: Operand) -> Tensor:
    """a - b."""
    return binary(w, "subtractBroadcastable", a, b)


def multiply(w: Writer, a: Operand, b: Operand) -> Tensor:
    """a * b."""
    return binary(w, "multiplyBroadcastable", a, b)


def divide(w: Writer, a: Operand, b: Operand) -> Tensor:
    """a / b as floats, whatever the types."""
    return binary(w, "divideBroadcastable", a, b)


def power(w: Writer, a: Operand, b: Operand) -> Tensor:
    """a to the power of b."""
    return binary(w, "powBroadcastable", a, b)


def maximum(w: Writer, a: Operand, b: Operand) -> Tensor:
    """The elementwise maximum."""
    return binary(w, "maxBroadcastable", a, b)


def minimum(w: Writer, a: Operand, b: Operand) -> Tensor:
    """The elementwise minimum."""
    return binary(w, "minBroadcastable", a, b)


def compare(w: Writer, kind: str, a: Operand, b: Operand) -> Tensor:
    """1 where a comparison holds, by its kind of layer ("equal", "lessThan" ...), as a bool."""
    return binary(w, kind, a, b, dtype=np.bool_)


def logical_not(w: Writer, x: Tensor) -> Tensor:
    """1 where x is 0, as a bool."""
    return unary(w, "logicalNot", x, dtype=np.bool_)


def where(w: Writer, condition: Tensor, a: Operand, b: Operand) -> Tensor:
    """a where the condition is not 0, else b."""
    first, second = _pair(w, a, b)
    parts = [condition, first, second]
    shapes = together(parts)
    return w.layer("whereBroadcastable", parts, dtype=first.dtype, shapes=shapes)


def truncate(w: Writer, x: Tensor) -> Tensor:
    """x truncated towards 0."""
    return multiply(w, unary(w, "sign", x), unary(w, "floor", function(w, "ABS", x)))


def cast(w: Writer, x: Tensor, dtype: Any) -> Tensor:
    """x as another ONNX type. All values of a network are float32, so only truncation and the like need a layer."""
    dtype = np.dtype(dtype)
    if dtype.kind in "OSU" or x.dtype.kind in "OSU":
        raise UnsupportedError("it is text, which a network cannot hold")
    if dtype == x.dtype:
        return x
    if dtype.kind == "b":
        return compare(w, "notEqual", x, 0.0)
    made = truncate(w, x) if dtype.kind in "iu" and x.is_float else x
    return retyped(w, made, dtype)


def retyped(w: Writer, x: Tensor, dtype: Any) -> Tensor:
    """The same values, declared with another type."""
    if np.dtype(dtype) == x.dtype:
        return x
    return unary(w, "activation", x, dtype=dtype, nonlinearity_type=Choice("linear", {"alpha": 1.0, "beta": 0.0}))


# Shapes --------------------------------------------------------------------------------------------------------------


def reshape(w: Writer, x: Tensor, shapes: Sequence[Shape], sources: Sequence[Tensor] = ()) -> Tensor:
    """x in another shape.

    Args:
        w: The writer.
        x: Any tensor.
        shapes: The shape, one for each set of sizes.
        sources: Other tensors whose sizes may be needed where more than one size varies.

    Raises:
        ShapeError: The number of elements differs.
        UnsupportedError: A size that varies is not a size of x or of the sources.
    """
    shapes = [tuple(int(size) for size in shape) for shape in shapes]
    for own, shape in zip(x.shapes, shapes, strict=True):
        if math.prod(own) != math.prod(shape):
            raise ShapeError(f"the shape {list(own)} cannot become {list(shape)}")
    if list(x.shapes) == shapes:
        return x
    stored = [blob_shape(shape) for shape in shapes]
    if [blob_shape(shape) for shape in x.shapes] == stored:
        return w.layer("copy", [x], shapes=shapes)
    sizes = list(zip(*stored, strict=True))
    varying = [axis for axis, size in enumerate(sizes) if len(set(size)) > 1]
    if len(varying) <= 1:
        target = tuple(-1 if axis in varying else size[0] for axis, size in enumerate(sizes))
        return w.layer("reshapeStatic", [x], shapes=shapes, target_shape=target)
    return w.layer("reshapeDynamic", [x, shape_tensor(w, stored, [x, *sources], inferred=True)], shapes=shapes)


def shape_tensor(w: Writer, shapes: Sequence[Shape], sources: Sequence[Tensor], inferred: bool = False) -> Tensor:
    """A shape as a tensor of rank 1, computed from the shapes of other tensors where it varies.

    Args:
        w: The writer.
        shapes: The shape, for each set of sizes.
        sources: Where the sizes that vary may come from.
        inferred: Whether one size may be -1, for a reshape.

    Raises:
        UnsupportedError: A size that varies is not a size of a source.
    """
    values = [np.asarray(shape, np.int64) for shape in shapes]
    if all(np.array_equal(values[0], other) for other in values):
        return w.constant(values[0])
    sizes = list(zip(*shapes, strict=True))
    places = [_place(each, sources) if len(set(each)) > 1 else None for each in sizes]
    lost = [axis for axis, each in enumerate(sizes) if len(set(each)) > 1 and places[axis] is None]
    if len(lost) > (1 if inferred else 0):
        raise UnsupportedError(
            f"the size of axis {lost[-1]} depends on the inputs, and no tensor has an axis of that size"
        )
    parts = [
        w.constant(np.asarray([-1 if axis in lost else each[0]], np.int64)) if place is None else size_of(w, *place)
        for axis, (each, place) in enumerate(zip(sizes, places, strict=True))
    ]
    return concat(w, parts, 0)


def _place(sizes: tuple[int, ...], sources: Sequence[Tensor]) -> tuple[Tensor, int, int] | None:
    """A tensor and the range (from, to) of its axes, as short as possible, whose product is a size that varies."""
    for source in sources:
        rank = source.rank if source.rank <= LARGEST_RANK else 0
        for count in range(1, rank + 1):
            for axis in range(rank - count + 1):
                if all(
                    math.prod(own[axis : axis + count]) == size for own, size in zip(source.shapes, sizes, strict=True)
                ):
                    return source, axis, axis + count
    return None


def size_of(w: Writer, x: Tensor, axis: int, end: int | None = None) -> Tensor:
    """[1], int64: one size of a tensor, or the product of those of the axes `axis` to `end`."""
    end = axis + 1 if end is None else end
    whole = w.layer("getShape", [x], dtype=np.int64)
    whole.known = tuple(np.asarray(shape, np.int64) for shape in x.shapes)
    part = slice_axis(w, whole, 0, axis, end)
    part.known = tuple(np.asarray(shape[axis:end], np.int64) for shape in x.shapes)
    if end > axis + 1:
        part = reduce(w, "reduceProd", part, [0])
        part.known = tuple(np.asarray([math.prod(shape[axis:end])], np.int64) for shape in x.shapes)
    return part


def squeeze(w: Writer, x: Tensor, axes: Sequence[int]) -> Tensor:
    """x without axes of size 1."""
    dropped = {x.axis(axis) for axis in axes}
    kept = [axis for axis in range(x.rank) if axis not in dropped]
    if any(shape[axis] != 1 for shape in x.shapes for axis in dropped):
        raise ShapeError(f"axes {sorted(dropped)} of the shape {list(x.shapes[0])} are not all of size 1")
    shapes = [tuple(shape[axis] for axis in kept) for shape in x.shapes]
    if not kept or x.rank > LARGEST_RANK:
        return reshape(w, x, shapes)
    return w.layer("squeeze", [x], shapes=shapes, axes=sorted(dropped)) if dropped else x


def expand_dims(w: Writer, x: Tensor, axes: Sequence[int]) -> Tensor:
    """x with new axes of size 1.

    Args:
        w: The writer.
        x: Any tensor.
        axes: Their positions in the result.
    """
    rank = x.rank + len(axes)
    new = sorted({x.axis(axis, rank) for axis in axes})
    shapes: list[Shape] = []
    for shape in x.shapes:
        rest = iter(shape)
        shapes.append(tuple(1 if axis in new else next(rest) for axis in range(rank)))
    if x.rank == 0 or rank > LARGEST_RANK:
        return reshape(w, x, shapes)
    return w.layer("expandDims", [x], shapes=shapes, axes=new) if new else x


def transpose(w: Writer, x: Tensor, order: Sequence[int]) -> Tensor:
    """x with its axes in another order.

    Adjacent axes that stay together are moved as one, so up to five groups may move.

    Raises:
        UnsupportedError: More than five groups of axes move.
    """
    order = list(order)
    if order == sorted(order):
        return x
    shapes = [tuple(shape[axis] for axis in order) for shape in x.shapes]
    if x.rank <= LARGEST_RANK:
        return w.layer("transpose", [x], shapes=shapes, axes=tuple(order))
    groups: list[list[int]] = []
    for axis in order:
        if all(shape[axis] == 1 for shape in x.shapes):
            continue
        if groups and axis == groups[-1][-1] + 1:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    if len(groups) > LARGEST_RANK:
        raise UnsupportedError(f"it moves {len(groups)} groups of axes; a network has at most {LARGEST_RANK} axes")
    before = sorted(groups)
    merged = reshape(w, x, [tuple(math.prod(shape[axis] for axis in group) for group in before) for shape in x.shapes])
    moved = transpose(w, merged, [before.index(group) for group in groups])
    return reshape(w, moved, shapes)


def concat(w: Writer, parts: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors of the same rank joined along an axis."""
    parts = [part for part in parts if all(math.prod(shape) for shape in part.shapes)] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    axis = parts[0].axis(axis)
    if parts[0].rank > LARGEST_RANK:
        raise UnsupportedError(f"it joins tensors of more than {LARGEST_RANK} axes")
    made = w.layer("concatND", parts, axis=axis)
    if all(part.known is not None for part in parts):
        made.known = tuple(
            np.concatenate([part.known[which] for part in parts if part.known is not None], axis)
            for which in range(w.sets)
        )
    return made


def stack(w: Writer, parts: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors of the same shape joined along a new axis."""
    return concat(w, [expand_dims(w, part, [axis]) for part in parts], axis)


def slice_axis(w: Writer, x: Tensor, axis: int, begin: int, end: int | None, stride: int = 1) -> Tensor:
    """x[begin:end:stride] along one axis; an `end` of None is the edge."""
    return slice_axes(w, x, {axis: (begin, end, stride)})


def slice_axes(w: Writer, x: Tensor, cuts: dict[int, tuple[int | None, int | None, int]]) -> Tensor:
    """x[begin:end:stride] along several axes.

    Args:
        w: The writer.
        x: At most five axes.
        cuts: {axis: (begin, end, stride)}; None for a bound is the edge.
    """
    if x.rank > LARGEST_RANK:
        raise UnsupportedError(f"it cuts a tensor of more than {LARGEST_RANK} axes")
    named = {x.axis(axis): cut for axis, cut in cuts.items()}
    each = [named.get(axis, (None, None, 1)) for axis in range(x.rank)]
    shapes = [tuple(len(range(size)[slice(*cut)]) for size, cut in zip(shape, each, strict=True)) for shape in x.shapes]
    if shapes == list(x.shapes) and all(cut[2] == 1 for cut in each):
        return x
    if any(0 in shape for shape in shapes):
        raise UnsupportedError("the result is empty, which a network cannot hold")
    return w.layer(
        "sliceStatic",
        [x],
        shapes=shapes,
        begin_ids=[begin or 0 for begin, _, _ in each],
        end_ids=[end or 0 for _, end, _ in each],
        strides=[stride for _, _, stride in each],
        begin_masks=[begin is None for begin, _, _ in each],
        end_masks=[end is None for _, end, _ in each],
        squeeze_masks=[False] * x.rank,
    )


def broadcast(w: Writer, x: Tensor, shapes: Sequence[Shape], sources: Sequence[Tensor] = ()) -> Tensor:
    """x repeated along axes of size 1, and along new ones in front.

    Args:
        w: The writer.
        x: Any tensor.
        shapes: The shape of the result, one for each set of sizes.
        sources: Tensors whose sizes may be needed where one varies.
    """
    if list(x.shapes) == [tuple(shape) for shape in shapes]:
        return x
    if len(shapes[0]) > LARGEST_RANK:
        raise UnsupportedError(f"it broadcasts to more than {LARGEST_RANK} axes")
    stored = [blob_shape(tuple(shape)) for shape in shapes]
    if all(shape == stored[0] for shape in stored):
        return w.layer("broadcastToStatic", [x], shapes=shapes, target_shape=stored[0])
    return w.layer("broadcastToDynamic", [x, shape_tensor(w, stored, [x, *sources])], shapes=shapes)


def fill(w: Writer, shapes: Sequence[Shape], value: float, dtype: Any, sources: Sequence[Tensor] = ()) -> Tensor:
    """A tensor filled with one value; see `broadcast`."""
    scalar = w.constant(np.asarray(value, dtype))
    if all(tuple(shape) == tuple(shapes[0]) for shape in shapes):
        if math.prod(shapes[0]) <= 64:
            return w.constant(np.full(shapes[0], value, dtype))
        stored = blob_shape(tuple(shapes[0]))
        return w.layer("fillStatic", [], dtype=dtype, shapes=shapes, target_shape=stored, value=float(value))
    return broadcast(w, scalar, shapes, sources)


# Reductions ----------------------------------------------------------------------------------------------------------


def reduce(w: Writer, kind: str, x: Tensor, axes: Sequence[int] | None, keep: bool = True) -> Tensor:
    """A reduction by its kind of layer ("reduceSum" ...).

    Args:
        w: The writer.
        kind: The kind.
        x: Any tensor.
        axes: The axes that are reduced; None for all.
        keep: Whether they stay, with size 1.
    """
    reduced = set(range(x.rank)) if axes is None else {x.axis(axis) for axis in axes}
    shapes = [
        tuple(1 if axis in reduced else size for axis, size in enumerate(shape) if keep or axis not in reduced)
        for shape in x.shapes
    ]
    if not reduced and x.rank:
        return x
    if x.rank > LARGEST_RANK:
        return reshape(w, _reduce_merged(w, kind, x, reduced), shapes, w.features)
    if len(reduced) < x.rank:
        return w.layer(kind, [x], shapes=shapes, axes=sorted(reduced), keep_dims=keep, reduce_all=False)
    # reducing all axes leaves a vector of one element, so they stay at first
    ones = [(1,) * x.rank] * w.sets if x.rank > 1 else shapes
    return reshape(w, w.layer(kind, [x], shapes=ones, axes=range(max(x.rank, 1)), keep_dims=True), shapes)


def _reduce_merged(w: Writer, kind: str, x: Tensor, reduced: set[int]) -> Tensor:
    """A reduction in which neighbouring axes that are all reduced, or all kept, are one axis."""
    groups = [list(group) for _, group in itertools.groupby(range(x.rank), lambda axis: axis in reduced)]
    if len(groups) > LARGEST_RANK:
        raise UnsupportedError(f"it reduces {len(groups)} groups of axes; a network has at most {LARGEST_RANK} axes")
    merged = [tuple(math.prod(shape[axis] for axis in group) for group in groups) for shape in x.shapes]
    whole = reshape(w, x, merged, w.features)
    return reduce(w, kind, whole, [i for i, group in enumerate(groups) if group[0] in reduced])


def softmax(w: Writer, x: Tensor, axis: int) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis."""
    return unary(w, "softmaxND", x, axis=x.axis(axis))


def matmul(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    """The matrix product of tensors of rank 2 or more, whose leading axes broadcast."""
    return w.layer("batchedMatmul", [a, b])


def stored(value: Array) -> Array:
    """A constant as the weights of a layer: half precision stays, everything else becomes float32."""
    return np.ascontiguousarray(value if value.dtype == np.float16 else np.asarray(value, np.float32))
