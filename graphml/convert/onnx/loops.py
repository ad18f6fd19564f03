"""Helpers for loops: carried values, elements that are read, results that are collected."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.tensors import LARGEST_RANK, Shape, Tensor
from graphml.convert.onnx.writer import LayerStep, Writer
from graphml.errors import UnsupportedError


def carry(w: Writer, value: Tensor, growing: Collection[int] = ()) -> Tensor:
    """A new blob that is initialized with a value, and which the iterations of a loop overwrite.

    Args:
        w: The writer.
        value: The initial value.
        growing: Axes whose size changes from one iteration to the next.
    """
    if growing:
        sizes = [w.fresh_size() if i in growing else size for i, size in enumerate(zip(*value.shapes, strict=True))]
        target = Tensor(value.dtype, list(zip(*sizes, strict=True)))
        w.copy_to(value, target)
        return target
    made = w.layer("copy", [value], dtype=value.dtype, shapes=value.shapes)
    made.known = None
    return made


def carry_on(w: Writer, values: Sequence[Tensor], targets: Sequence[Tensor]) -> None:
    """Write values to carried blobs at the end of an iteration, as if simultaneously."""
    held = {id(target) for target in targets}
    pairs = [(value, target) for value, target in zip(values, targets, strict=True) if value is not target]
    ready = [(w.layer("copy", [value]) if id(value) in held else value, target) for value, target in pairs]
    for value, target in ready:
        w.copy_to(value, target)


def element(w: Writer, x: Tensor, axis: int, number: Tensor) -> Tensor:
    """x without an axis, at a position that is a tensor of one element."""
    if x.rank > LARGEST_RANK:
        raise UnsupportedError(f"it takes parts of a tensor of more than {LARGEST_RANK} axes")
    return basics.squeeze(w, w.layer("gather", [x, number], axis=axis), [axis])


def storage(
    w: Writer, element: Tensor, axis: int, iterations: Sequence[int], count: Tensor, sources: Sequence[Tensor]
) -> Tensor:
    """A carried blob of zeros with room for an element of each iteration.

    Args:
        w: The writer, outside of the loop.
        element: The result of one iteration.
        axis: The axis of the result along which iterations are stacked.
        iterations: Their number, for each set of sizes.
        count: Their number, outside of the loop.
        sources: Tensors outside of the loop that may have the sizes of the element.
    """
    shapes = [(*own[:axis], size, *own[axis:]) for own, size in zip(element.shapes, iterations, strict=True)]
    if len(shapes[0]) > LARGEST_RANK:
        raise UnsupportedError(f"it collects a tensor of more than {LARGEST_RANK} axes")
    if all(shape == shapes[0] for shape in shapes):
        return carry(w, basics.fill(w, shapes, 0.0, element.dtype))
    before = [basics.shape_tensor(w, part, sources) for part in ([own[:axis] for own in element.shapes],) if part[0]]
    after = [basics.shape_tensor(w, part, sources) for part in ([own[axis:] for own in element.shapes],) if part[0]]
    size = basics.concat(w, [*before, basics.reshape(w, count, [(1,)] * w.sets), *after], 0)
    made = w.layer("fillDynamic", [size], dtype=element.dtype, shapes=shapes, value=0.0)
    return carry(w, made)


def store(w: Writer, element: Tensor, stored: Tensor, axis: int, number: Tensor) -> Tensor:
    """The storage with the element of one iteration written to it, for `carry_on`."""
    one = basics.expand_dims(w, element, [axis])
    return w.layer(
        "scatter", [stored, number, one], dtype=stored.dtype, shapes=stored.shapes, axis=axis, mode="SCATTER_UPDATE"
    )


def first_elements(w: Writer, x: Tensor, count: Tensor) -> Tensor:
    """The first elements along the first axis, as many as a tensor of one element says."""
    rest = [True] * (x.rank - 1)
    begin = w.constant(np.zeros(x.rank, np.int64))
    numbers: list[Any] = [basics.reshape(w, count, [(1,)] * w.sets)]
    end = basics.concat(w, [*numbers, *([w.constant(np.zeros(x.rank - 1, np.int64))] if rest else [])], 0)
    shapes: list[Shape] = [(size, *own[1:]) for own, size in zip(x.shapes, w.fresh_size(), strict=True)]
    return w.layer(
        "sliceDynamic",
        [x, begin, end],
        dtype=x.dtype,
        shapes=shapes,
        begin_masks=[False, *rest],
        end_masks=[False, *rest],
        strides=[1] * x.rank,
        squeeze_masks=[False] * x.rank,
    )


def repeat(w: Writer, iteration: list[LayerStep], count: int | Tensor | None, going: Tensor | None = None) -> None:
    """Append the loop.

    Args:
        w: The writer.
        iteration: The layers of one iteration.
        count: The number of iterations; None for no bound.
        going: A carried blob that is 0 when the loop is to end.
    """
    limit = count if isinstance(count, int) else 0
    bound = [count] if isinstance(count, Tensor) else []
    if going is None:
        w.control("loop", bound, {"bodyNetwork": iteration}, max_loop_iterations=limit)
        return
    with w.region() as check:
        decision = w.layer("copy", [going])
    w.control("loop", bound, {"conditionNetwork": check, "bodyNetwork": iteration}, decision, max_loop_iterations=limit)
