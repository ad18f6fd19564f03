"""Object detection: non-maximum suppression."""

from __future__ import annotations

from jax import lax

from graphml.ops.kernels import nms
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._integers import known_integer
from graphml.ops.layers.dialect import layer


@layer("NonMaximumSuppression", concrete=(4,))
def non_maximum_suppression(
    boxes: Array,
    scores: Array,
    iou: Array | None = None,
    score: Array | None = None,
    most: Array | None = None,
    *,
    iou_threshold: float,
    score_threshold: float,
    max_boxes: int,
    per_class_suppression: bool,
) -> tuple[Array, Array, Array, Array]:
    """The boxes that survive non-maximum suppression, best first, padded to a fixed number.

    Gradients flow through the boxes and scores that were chosen, not through the choice.

    Args:
        boxes: [B, N, 4] as (center x, center y, width, height).
        scores: [B, N, C].
        iou: [1], in place of `iou_threshold`.
        score: [1], in place of `score_threshold`.
        most: [1], in place of `max_boxes`; known when the network is traced.
        iou_threshold: the overlap above which a box is dropped.
        score_threshold: boxes with lower scores are ignored; if all are, the best one is kept anyway.
        max_boxes: how many boxes are returned.
        per_class_suppression: whether a box is dropped only by one of its own class.

    Returns:
        Boxes [B, most, 4] and scores [B, most, C], padded with 0, indices [B, most], padded with -1, and the number of
        boxes that survived [B], at least 1.

    Raises:
        ShapeError: boxes or scores have other shapes, there is no box, or `most` is below 1.

    Source: NonMaximumSuppressionLayerParams (spec 4).
    """
    found = nms.suppress(
        boxes,
        scores,
        iou_threshold if iou is None else lax.stop_gradient(iou).reshape(()),
        score_threshold if score is None else lax.stop_gradient(score).reshape(()),
        count=max_boxes if most is None else known_integer(most, "the maximum number of boxes"),
        per_class=per_class_suppression,
    )
    dtype = boxes.dtype
    return found.boxes, found.scores, found.index.astype(dtype), found.number.astype(dtype)
