"""Object detection: non-maximum suppression."""

from __future__ import annotations

import math

import jax.numpy as jnp

from graphml.errors import ShapeError
from graphml.ops.kernels import nms
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import widened
from graphml.ops.program.dialect import operation


def _suppress(
    boxes: Array, scores: Array, *, iou_threshold: float, score_threshold: float, max_boxes: int, per_class: bool
) -> nms.Survivors:
    """As `nms.suppress`: overlaps are computed in float32, results have the types of boxes and scores."""
    found = nms.suppress(
        widened(boxes),
        widened(scores),
        iou_threshold,
        score_threshold,
        count=max_boxes,
        per_class=per_class,
    )
    return nms.Survivors(
        found.boxes.astype(boxes.dtype),
        found.scores.astype(scores.dtype),
        found.index.astype(jnp.int32),
        found.number.astype(jnp.int32),
    )


@operation("non_maximum_suppression", version=15)
def non_maximum_suppression(
    boxes: Array,
    scores: Array,
    *,
    iou_threshold: float,
    score_threshold: float,
    max_boxes: int,
    per_class_suppression: bool,
) -> tuple[Array, Array, Array, Array]:
    """The boxes that do not overlap with better ones, best first, padded to a fixed number.

    Gradients flow through the boxes and scores that were chosen, not through the choice.

    Args:
        boxes: [n, B, 4] as (center x, center y, width, height), of n images.
        scores: [n, B, K]; the score of a box is its largest.
        iou_threshold: boxes that overlap a better one by more (intersection over union) are dropped.
        score_threshold: boxes with lower scores are ignored; if all are, the best one is kept anyway.
        max_boxes: how many boxes are returned.
        per_class_suppression: whether a box is dropped only by one of its own class, that of its largest score.

    Returns:
        Boxes [n, max_boxes, 4] and scores [n, max_boxes, K], padded with 0, int32 indices [n, max_boxes], padded with
        -1, and the int32 number of boxes that are left [n], at least 1.

    Raises:
        ShapeError: boxes or scores have other shapes, there is no box, or `max_boxes` is below 1.

    Source: the operation non_maximum_suppression of ML Programs (iOS 15).
    """
    return _suppress(
        boxes,
        scores,
        iou_threshold=iou_threshold,
        score_threshold=score_threshold,
        max_boxes=max_boxes,
        per_class=per_class_suppression,
    )


@operation("non_maximum_suppression", version=17)
def non_maximum_suppression_transposed(
    boxes: Array, scores: Array, *, iou_threshold: float, max_boxes: int, per_class_suppression: bool
) -> tuple[Array, Array, Array]:
    """The boxes that do not overlap with better ones, best first, padded to a fixed number.

    Args:
        boxes: [n, 4, B], as in `non_maximum_suppression` with the boxes along the last axis.
        scores: [n, K, B].
        iou_threshold: see `non_maximum_suppression`.
        max_boxes: how many boxes are returned.
        per_class_suppression: see `non_maximum_suppression`.

    Returns:
        Boxes [n, 4, max_boxes] and scores [n, K, max_boxes], padded with 0, and int32 indices [n, max_boxes], padded
        with -1.

    Raises:
        ShapeError: boxes or scores have other shapes, there is no box, or `max_boxes` is below 1.

    Source: the operation non_maximum_suppression of ML Programs (iOS 17).
    """
    if boxes.ndim != 3 or boxes.shape[1] != 4 or scores.ndim != 3 or scores.shape[::2] != boxes.shape[::2]:
        raise ShapeError(
            f"boxes have shape {list(boxes.shape)} and scores {list(scores.shape)}; "
            "they must be [n, 4, B] and [n, K, B]"
        )
    found = _suppress(
        jnp.swapaxes(boxes, 1, 2),
        jnp.swapaxes(scores, 1, 2),
        iou_threshold=iou_threshold,
        score_threshold=-math.inf,
        max_boxes=max_boxes,
        per_class=per_class_suppression,
    )
    return jnp.swapaxes(found.boxes, 1, 2), jnp.swapaxes(found.scores, 1, 2), found.index
