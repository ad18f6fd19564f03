"""Sorting and selection: the largest elements, nonzero ones, detections."""

from __future__ import annotations

import math

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Shape, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError

_LOWEST = -3e38  # below every score


@operator("TopK", moved={"k": 10})
def top_k(w: Writer, x: Tensor, k: Tensor, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> list[Tensor]:
    at = x.axis(axis)
    count = k.constant
    sizes = (int(np.ravel(count)[0]),) * w.sets if count is not None else _count(w, k, at)
    shapes = [(*own[:at], size, *own[at + 1 :]) for own, size in zip(x.shapes, sizes, strict=True)]
    inputs = [x] if count is not None else [x, k]
    values, indices = w.layers(
        "topK",
        inputs,
        2,
        dtype=x.dtype,
        shapes=[shapes, shapes],
        axis=at,
        k=sizes[0] if count is not None else 0,
        use_bottom_k=not largest,
    )
    indices.dtype = np.dtype(np.int64)
    return [values, indices]


def _count(w: Writer, k: Tensor, axis: int) -> tuple[int, ...]:
    if k.known is not None:
        return tuple(int(np.ravel(value)[0]) for value in k.known)
    declared = static.declared_shapes(w)
    return w.fresh_size() if declared is None else tuple(shape[axis] for shape in declared)


@operator("NonZero")
def non_zero(w: Writer, x: Tensor) -> Tensor:
    """[axes, count]; the layer gives [count, axes]."""
    return basics.transpose(w, positions(w, x), [1, 0])


def positions(w: Writer, x: Tensor) -> Tensor:
    """[count, axes], int64: where x is not zero."""
    value = x.constant
    if value is not None:
        return w.constant(np.argwhere(np.atleast_1d(value)))
    count = w.fresh_size()
    return w.layer("whereNonZero", [x], dtype=np.int64, shapes=[(size, max(x.rank, 1)) for size in count])


@operator("Compress")
def compress(w: Writer, x: Tensor, condition: Tensor, *, axis: int | None = None) -> Tensor:
    if axis is None:
        x, at = basics.reshape(w, x, [(math.prod(shape),) for shape in x.shapes]), 0
    else:
        at = x.axis(axis)
    chosen = condition.constant
    if chosen is not None:
        indices = w.constant(np.flatnonzero(chosen))
    else:
        found = positions(w, condition)
        indices = basics.squeeze(w, found, [1])
    return w.layer("gather", [x, indices], dtype=x.dtype, axis=at)


@operator("Unique")
def unique(w: Writer, x: Tensor, *, axis: int | None = None, sorted: int = 1) -> list[Tensor]:
    """A new value begins where neighbours in the sorted order differ.

    Returns:
        The values, the first position of each, for each element the index of its value, and the counts.
    """
    if axis is not None and x.rank != 1:
        raise UnsupportedError("with an axis the elements are slices, which a network cannot sort")
    flat = basics.reshape(w, x, [(math.prod(shape),) for shape in x.shapes])
    order = w.layer("argSort", [flat], dtype=np.int64, axis=0, descending=False)
    ordered = w.layer("gather", [flat, order], axis=0)
    size = flat.shape[0]
    if size is None:
        raise UnsupportedError("the number of elements depends on the inputs")
    one = w.constant(np.ones(1, np.bool_))
    parts = [one] if size < 2 else [one, _changes(w, ordered)]
    begins = basics.concat(w, parts, 0)
    starts = basics.squeeze(w, positions(w, begins), [1])
    values = w.layer("gather", [ordered, starts], axis=0)
    firsts = w.layer("gather", [order, starts], dtype=np.int64, axis=0)
    number = w.layer("cumSum", [begins], dtype=np.int64, axis=0, exclude_final_sum=False, reverse=False)
    ranks = basics.linear(w, number, 1.0, -1.0)
    inverse = w.layer("scatter", [order, order, ranks], axis=0, mode="SCATTER_UPDATE")
    total = w.constant(np.asarray([size], np.int64))
    ends = total if size < 2 else basics.concat(w, [basics.slice_axis(w, starts, 0, 1, None), total], 0)
    counts = basics.subtract(w, ends, starts)
    if sorted:
        return [values, firsts, inverse, counts]
    appearance = w.layer("argSort", [firsts], dtype=np.int64, axis=0, descending=False)
    places = w.layer("argSort", [appearance], dtype=np.int64, axis=0, descending=False)
    renamed = w.layer("gather", [places, inverse], dtype=np.int64, axis=0)
    moved = [w.layer("gather", [part, appearance], axis=0) for part in (values, firsts, counts)]
    return [moved[0], moved[1], renamed, moved[2]]


def _changes(w: Writer, ordered: Tensor) -> Tensor:
    before, after = basics.slice_axis(w, ordered, 0, 0, -1), basics.slice_axis(w, ordered, 0, 1, None)
    return basics.compare(w, "notEqual", before, after)


@operator("NonMaxSuppression")
def non_max_suppression(
    w: Writer,
    boxes: Tensor,
    scores: Tensor,
    most: Tensor | None = None,
    iou: Tensor | None = None,
    least: Tensor | None = None,
    *,
    center_point_box: int = 0,
) -> Tensor:
    """[count, 3], int64: batch, class, box.

    The layer suppresses separately for each image of its batch, so the classes become part of the batch. It always
    returns one box, which is used here only if its score is above the threshold.
    """
    limit = boxes.shape[1]
    batch, classes = scores.shape[:2]
    if limit is None or batch is None or classes is None:
        raise UnsupportedError("the number of boxes, classes or images depends on the inputs")
    wanted = most.constant if most is not None else np.zeros((), np.int64)
    count = limit if wanted is None else min(limit, int(np.ravel(wanted)[0]))
    if count < 1:
        raise UnsupportedError("max_output_boxes_per_class is 0, so the result is empty")
    threshold = least if least is not None else w.constant(_LOWEST)
    centered = boxes if center_point_box else _centered(w, boxes)
    rows = [(batch * classes, limit, 4)] * w.sets
    spread = basics.broadcast(w, basics.expand_dims(w, centered, [1]), [(batch, classes, limit, 4)] * w.sets)
    flat = basics.reshape(w, scores, [(batch * classes, limit, 1)] * w.sets)
    inputs = [basics.reshape(w, spread, rows), flat]
    iou_limit = 0.0 if iou is None else iou.constant
    if iou_limit is None or threshold.constant is None:
        inputs += [iou if iou is not None else w.constant(0.0), threshold]
    _, best, index, _ = w.layers(
        "NonMaximumSuppression",
        inputs,
        4,
        iou_threshold=0.0 if iou_limit is None else float(np.ravel(iou_limit)[0]),
        score_threshold=_LOWEST if threshold.constant is None else float(np.ravel(threshold.constant)[0]),
        max_boxes=count,
        per_class_suppression=False,
    )
    kept = basics.compare(w, "greaterEqual", index, 0.0)
    above = basics.compare(w, "greaterThan", basics.squeeze(w, best, [2]), threshold)
    kept = basics.compare(w, "logicalAnd", kept, above)
    if wanted is None and most is not None:
        slots = w.constant(np.arange(count, dtype=np.float32)[None])
        kept = basics.compare(w, "logicalAnd", kept, basics.compare(w, "lessThan", slots, most))
    where = positions(w, kept)
    row = basics.slice_axis(w, where, 1, 0, 1)
    shapes: list[Shape] = [(shape[0], 1) for shape in where.shapes]
    chosen = basics.reshape(w, w.layer("gatherND", [index, where], dtype=np.int64), shapes)
    image = basics.unary(w, "floor", basics.linear(w, row, 1 / classes, 0.5 / classes))
    label = basics.binary(w, "modBroadcastable", row, float(classes))
    return basics.concat(w, [image, label, chosen], 1)


def _centered(w: Writer, boxes: Tensor) -> Tensor:
    """(y1, x1, y2, x2), any two opposite corners, as (center x, center y, width, height)."""
    y1, x1, y2, x2 = (basics.slice_axis(w, boxes, 2, i, i + 1) for i in range(4))
    middle = [basics.linear(w, basics.add(w, a, b), 0.5) for a, b in ((x1, x2), (y1, y2))]
    extent = [basics.function(w, "ABS", basics.subtract(w, a, b)) for a, b in ((x1, x2), (y1, y2))]
    return basics.concat(w, [*middle, *extent], 2)
