"""Splitting, and sequences and optional values of ONNX, whose length is known while converting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import LARGEST_RANK, Tensor, TensorList, Value
from graphml.convert.onnx.writer import Writer
from graphml.errors import GraphError, ShapeError, UnsupportedError

# Splitting -----------------------------------------------------------------------------------------------------------


@operator("Split", moved={"split": 13})
def split(
    w: Writer, x: Tensor, split: Tensor | None = None, *, axis: int = 0, num_outputs: int | None = None
) -> list[Tensor]:
    count = len(w.node.wanted)
    at = x.axis(axis)
    if split is not None:
        return parts(w, x, at, _sizes(w, split, at, count))
    if num_outputs is not None and num_outputs != count:
        raise GraphError(f"num_outputs is {num_outputs}, and the node has {count} outputs")
    size = x.shape[at]
    if size is None:
        return _equal_parts(w, x, at, count, uneven=num_outputs is not None)
    longest = math.ceil(size / count)
    return parts(w, x, at, [min(longest, size - longest * i) for i in range(count)])


def _sizes(w: Writer, split: Tensor, axis: int, count: int) -> Sequence[int]:
    declared = [static.declared_shapes(w, i) for i in range(count)]
    known = [shapes[0][axis] for shapes in declared if shapes is not None]
    if split.constant is None and len(known) == count:
        return known
    return [int(size) for size in np.ravel(static.required(split, "split"))]


def parts(w: Writer, x: Tensor, axis: int, sizes: Sequence[int]) -> list[Tensor]:
    """x cut along an axis into parts of the given sizes."""
    size = x.shape[axis]
    if size is not None and (sum(sizes) != size or min(sizes) < 0):
        raise ShapeError(f"axis {axis} of size {size} cannot be split into {list(sizes)}")
    filled = [size for size in sizes if size]
    if len(filled) < len(sizes):  # an empty part is allowed as long as no layer reads it
        made = iter(parts(w, x, axis, filled) if filled else ())
        return [next(made) if size else _empty(x, axis) for size in sizes]
    if len(sizes) == 1:
        return [x]
    if x.rank > LARGEST_RANK:
        raise UnsupportedError(f"it splits a tensor of more than {LARGEST_RANK} axes")
    return w.layers("splitND", [x], len(sizes), axis=axis, split_sizes=list(sizes))


def _empty(x: Tensor, axis: int) -> Tensor:
    shapes = [(*own[:axis], 0, *own[axis + 1 :]) for own in x.shapes]
    return Tensor(x.dtype, shapes, [np.zeros(shape, x.dtype) for shape in shapes])


def _equal_parts(w: Writer, x: Tensor, axis: int, count: int, uneven: bool) -> list[Tensor]:
    """Parts of an axis whose size depends on the inputs. A last part that is smaller than the others is allowed, unlike
    in the layer."""
    if not uneven:
        if any(shape[axis] % count for shape in x.shapes):
            raise UnsupportedError(f"the size of axis {axis} is not always a multiple of {count}")
        return w.layers("splitND", [x], count, axis=axis, num_splits=count)
    longest = basics.unary(w, "ceil", basics.linear(w, basics.size_of(w, x, axis), 1 / count))
    made: list[Tensor] = []
    for i in range(count):
        lengths = [(math.ceil(shape[axis] / count), shape[axis]) for shape in x.shapes]
        sizes = [min(long, size - i * long) for long, size in lengths]
        if min(sizes) <= 0:
            raise UnsupportedError("a part is empty for some sizes of the inputs, which a network cannot hold")
        begin, end = (_at_axis(w, x, axis, basics.linear(w, longest, float(bound))) for bound in (i, i + 1))
        others = [other != axis for other in range(x.rank)]
        made.append(
            w.layer(
                "sliceDynamic",
                [x, begin, end],
                shapes=[(*own[:axis], size, *own[axis + 1 :]) for own, size in zip(x.shapes, sizes, strict=True)],
                begin_masks=others,
                end_masks=[each or i == count - 1 for each in others],
                strides=[1] * x.rank,
                squeeze_masks=[False] * x.rank,
            )
        )
    return made


def _at_axis(w: Writer, x: Tensor, axis: int, number: Tensor) -> Tensor:
    """[rank of x]: a number at one axis, 0 at the others."""
    zero = w.constant(np.zeros(1, np.int64))
    return basics.concat(w, [number if other == axis else zero for other in range(x.rank)], 0)


# Sequences -----------------------------------------------------------------------------------------------------------


@operator("SequenceConstruct")
def sequence_construct(w: Writer, *items: Tensor) -> TensorList:
    return TensorList(items)


@operator("SequenceEmpty", ignored=("dtype",))
def sequence_empty(w: Writer) -> TensorList:
    return TensorList(())


@operator("SequenceLength")
def sequence_length(w: Writer, sequence: TensorList) -> Tensor:
    return w.constant(np.asarray(len(sequence.items), np.int64))


@operator("SequenceAt")
def sequence_at(w: Writer, sequence: TensorList, position: Tensor) -> Tensor:
    if position.constant is None:
        return _at_computed(w, sequence, position)
    return sequence.items[_position(sequence, position, len(sequence.items) - 1)]


def _at_computed(w: Writer, sequence: TensorList, position: Tensor) -> Tensor:
    """Items of one shape are stacked to one tensor."""
    first = sequence.items[0] if sequence.items else None
    if first is None or any(item.shapes != first.shapes for item in sequence.items):
        raise UnsupportedError("the position is computed, and the items of the sequence differ in shape")
    whole = basics.stack(w, sequence.items, 0)
    one = w.layer("gather", [whole, basics.reshape(w, position, [(1,)] * w.sets)], axis=0)
    return basics.squeeze(w, one, [0])


def _position(sequence: TensorList, position: Tensor | None, last: int) -> int:
    """A position counted from the front; without one, the last valid one."""
    if position is None:
        return last
    size, at = len(sequence.items), int(np.ravel(static.required(position, "the position"))[0])
    if not -size <= at <= last:
        raise GraphError(f"position {at} is out of range for a sequence of {size} tensors")
    return at + size if at < 0 else at


@operator("SequenceInsert")
def sequence_insert(w: Writer, sequence: TensorList, item: Tensor, position: Tensor | None = None) -> TensorList:
    items = sequence.items
    at = _position(sequence, position, len(items))
    return TensorList((*items[:at], item, *items[at:]))


@operator("SequenceErase")
def sequence_erase(w: Writer, sequence: TensorList, position: Tensor | None = None) -> TensorList:
    items = sequence.items
    at = _position(sequence, position, len(items) - 1)
    return TensorList((*items[:at], *items[at + 1 :]))


@operator("SplitToSequence")
def split_to_sequence(
    w: Writer, x: Tensor, split: Tensor | None = None, *, axis: int = 0, keepdims: int = 1
) -> TensorList:
    """Into parts of one size, of the listed sizes, or of size 1, whose axis may then be dropped."""
    at = x.axis(axis)
    size = x.shape[at]
    if size is None:
        raise UnsupportedError("the length of the sequence depends on the sizes of the inputs")
    if split is None:
        made = parts(w, x, at, [1] * size)
        return TensorList(made if keepdims else [basics.squeeze(w, part, [at]) for part in made])
    wanted = static.required(split, "split")
    sizes = [int(each) for each in np.ravel(wanted)]
    if not split.rank:
        longest = sizes[0]
        sizes = [min(longest, size - begin) for begin in range(0, size, longest)]
    return TensorList(parts(w, x, at, sizes))


@operator("ConcatFromSequence")
def concat_from_sequence(w: Writer, sequence: TensorList, *, axis: int, new_axis: int = 0) -> Tensor:
    if not sequence.items:
        raise UnsupportedError("the sequence is empty")
    if new_axis:
        return basics.stack(w, sequence.items, sequence.items[0].axis(axis, sequence.items[0].rank + 1))
    return basics.concat(w, sequence.items, axis)


@operator("SequenceMap")
def sequence_map(w: Writer, sequence: TensorList, *others: Value, body: Any) -> list[TensorList]:
    """The sub-graph once for each position; a tensor among the inputs is the same for all."""
    rows = [
        w.inline(body, [each.items[i] if isinstance(each, TensorList) else each for each in (sequence, *others)])
        for i in range(len(sequence.items))
    ]
    columns = [[row[output] for row in rows] for output in range(len(body.output))]
    return [TensorList([item for item in column if isinstance(item, Tensor)]) for column in columns]


# Optional values -----------------------------------------------------------------------------------------------------


@operator("Optional", ignored=("type",))
def optional(w: Writer, x: Value = None) -> Value:
    return x


@operator("OptionalGetElement")
def optional_get_element(w: Writer, x: Value) -> Value:
    if x is None:
        raise GraphError("the optional value is empty")
    return x


@operator("OptionalHasElement")
def optional_has_element(w: Writer, x: Value = None) -> Tensor:
    return w.constant(np.asarray(x is not None))
