"""Object detection: choosing the boxes that say something new."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from graphml.catalogue import op
from graphml.errors import ShapeError
from graphml.ops._known import whole_numbers


def _overlap(box, boxes):
    """Intersection over union of one box with [N, 4] boxes, all as (center x, center y, width, height)."""
    low, high = box[:2] - box[2:] / 2, box[:2] + box[2:] / 2
    lows, highs = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    shared = jnp.prod(jnp.maximum(jnp.minimum(high, highs) - jnp.maximum(low, lows), 0), axis=-1)
    union = jnp.prod(box[2:]) + jnp.prod(boxes[:, 2:], axis=-1) - shared
    # rounding may put a box that overlaps itself above 1, and a threshold of 1 means that nothing is suppressed
    return jnp.where(union > 0, jnp.minimum(shared / jnp.where(union > 0, union, 1), 1), 0)


def suppress(boxes, scores, iou_threshold, score_threshold, *, count: int, per_class: bool):
    """Greedy non-maximum suppression of one image: (indices [count], how many of them count).

    boxes: [N, 4] as (center x, center y, width, height); scores: [N, C], a box's score is its largest. Boxes below the
    score threshold do not take part. The best box is taken and those that overlap it by more than the IoU threshold
    (per_class: of its class, that of the largest score) are dropped, and so on; equal scores: lower index first.
    Indices beyond the number of boxes taken are -1. Where no box takes part, the best one is taken all the same.
    """
    score = jnp.max(scores, axis=-1)
    label = jnp.argmax(scores, axis=-1)
    eligible = score >= score_threshold

    def take(left, _):
        best = jnp.argmax(jnp.where(left, score, -jnp.inf))
        found = left[best]
        near = _overlap(boxes[best], boxes) > iou_threshold
        near = near & (label == label[best]) if per_class else near
        left = left & ~near & (jnp.arange(len(score)) != best)
        return left, jnp.where(found, best, -1)

    steps = min(count, len(score))
    _, taken = lax.scan(take, eligible, length=steps)
    taken = jnp.pad(taken, (0, count - steps), constant_values=-1)
    taken = taken.at[0].set(jnp.where(taken[0] < 0, jnp.argmax(score), taken[0]))
    return taken, jnp.sum(taken >= 0)


@op("NonMaximumSuppression", concrete=(4,))
def non_maximum_suppression(
    boxes,
    scores,
    iou=None,
    score=None,
    most=None,
    *,
    iou_threshold: float,
    score_threshold: float,
    max_boxes: int,
    per_class_suppression: bool,
):
    """The boxes that survive non-maximum suppression, best first, padded to a fixed number. See `suppress`.

    boxes: [B, N, 4] as (center x, center y, width, height), scores: [B, N, C]; iou, score and most: [1], in place of
    the attributes where given, `most` known when the network is traced. Returns boxes [B, most, 4] and scores
    [B, most, C], padded with 0, indices [B, most], padded with -1, and the number of boxes that survived [B], at least
    1. Gradients go through the boxes and scores that were chosen, not through the choice.
    Raises ShapeError for other shapes, and where there is no box or none may be given.
    Source: NonMaximumSuppressionLayerParams (spec 4).
    """
    if boxes.ndim != 3 or boxes.shape[2] != 4 or scores.ndim != 3 or scores.shape[:2] != boxes.shape[:2]:
        raise ShapeError(
            f"boxes have shape {list(boxes.shape)} and scores {list(scores.shape)}; they are [B, N, 4] and [B, N, C]"
        )
    if math.prod(scores.shape[1:]) == 0:
        raise ShapeError(f"scores have shape {list(scores.shape)}; there must be a box and a class")
    count = max_boxes if most is None else whole_numbers(most.reshape(-1), "the maximum of boxes")[0]
    if count < 1:
        raise ShapeError(f"the maximum of boxes is {count}; at least one is returned")
    iou = iou_threshold if iou is None else iou.reshape(())
    score = score_threshold if score is None else score.reshape(())

    def choose(boxes, scores):
        return suppress(boxes, scores, iou, score, count=count, per_class=per_class_suppression)

    index, survivors = jax.vmap(choose)(lax.stop_gradient(boxes), lax.stop_gradient(scores))

    def chosen(values):
        rows = jnp.take_along_axis(values, jnp.maximum(index, 0)[..., None], axis=1)
        return jnp.where(index[..., None] >= 0, rows, 0)

    dtype = boxes.dtype
    return chosen(boxes), chosen(scores), index.astype(dtype), survivors.astype(dtype)
