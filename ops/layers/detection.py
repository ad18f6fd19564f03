"""Object detection: choosing the boxes that say something new."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape
from graphml.ops._known import whole_number
from graphml.ops.layers.dialect import layer

_BLOCK = 256  # boxes looked at between two searches for the next best ones


class _Kept(NamedTuple):
    """The boxes taken so far, in their order: unused places have size 0 and index -1."""

    corners: Any  # [4, count]: left, top, right, bottom
    label: Any  # [count]
    index: Any  # [count]
    number: Any  # how many there are


def _corners(boxes):
    """[N, 4] boxes as (center x, center y, width, height) -> [4, N] left, top, right, bottom."""
    half = boxes[:, 2:] / 2
    return jnp.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1).T


def _overlap(one, others):
    """Intersection over union of corners [4, 1] with corners [4, N]."""

    def area(corners):
        sides = jnp.maximum(corners[2:] - corners[:2], 0)
        return sides[0] * sides[1]

    shared = area(jnp.concatenate([jnp.maximum(one[:2], others[:2]), jnp.minimum(one[2:], others[2:])]))
    union = area(one) + area(others) - shared
    # rounding may put a box that overlaps itself above 1, and a threshold of 1 means that nothing is suppressed
    return jnp.where(union > 0, jnp.minimum(shared / jnp.where(union > 0, union, 1), 1), 0)


def suppress(boxes, scores, iou_threshold, score_threshold, *, count: int, per_class: bool, at_least_one: bool = True):
    """Greedy non-maximum suppression of one image: (indices [count], how many of them count).

    boxes: [N, 4] as (center x, center y, width, height); scores: [N, C], a box's score is its largest. Boxes below the
    score threshold do not take part. The others are visited from the best score down (equal scores: lower index first);
    a box that overlaps one already taken by more than the IoU threshold is dropped (per_class: only by one of its
    class, that of its largest score). Indices beyond the number of boxes taken are -1. Where no box takes part, the
    best one is taken all the same, unless `at_least_one` is False.

    The next best boxes are found a block at a time: most often `count` boxes are taken long before all are sorted.
    """
    score, label, corners = jnp.max(scores, axis=-1), jnp.argmax(scores, axis=-1), _corners(boxes)
    block = min(len(score), max(_BLOCK, 2 * count))

    def visit_block(state):
        left, kept = state
        best, order = lax.top_k(left, block)
        candidates, labels = corners[:, order], label[order]

        def visit(state):
            place, kept = state
            one = lax.dynamic_slice_in_dim(candidates, place, 1, axis=1)
            near = (_overlap(one, kept.corners) > iou_threshold) & (kept.index >= 0)
            near = near & (kept.label == labels[place]) if per_class else near
            taken = _Kept(
                lax.dynamic_update_slice_in_dim(kept.corners, one, kept.number, axis=1),
                kept.label.at[kept.number].set(labels[place]),
                kept.index.at[kept.number].set(order[place]),
                kept.number + 1,
            )
            return place + 1, jax.tree.map(partial(jnp.where, jnp.any(near)), kept, taken)

        def more(state):
            place, kept = state
            return (place < block) & (best[jnp.minimum(place, block - 1)] > -jnp.inf) & (kept.number < count)

        _, kept = lax.while_loop(more, visit, (0, kept))
        return left.at[order].set(-jnp.inf), kept

    def unfinished(state):
        left, kept = state
        return jnp.any(left > -jnp.inf) & (kept.number < count)

    most = min(count, len(score))  # each box taken is compared with all before it
    nothing = _Kept(jnp.zeros((4, most), boxes.dtype), jnp.zeros(most, label.dtype), jnp.full(most, -1), 0)
    _, kept = lax.while_loop(unfinished, visit_block, (jnp.where(score >= score_threshold, score, -jnp.inf), nothing))
    index = jnp.pad(kept.index, (0, count - most), constant_values=-1)
    if not at_least_one:
        return index, kept.number
    first = jnp.where(kept.number == 0, jnp.argmax(score), index[0])
    return index.at[0].set(first), jnp.maximum(kept.number, 1)


@layer("NonMaximumSuppression", concrete=(4,))
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
    count = max_boxes if most is None else whole_number(most, "the maximum of boxes")
    check_shape((4, count), boxes.dtype)
    if count < 1:
        raise ShapeError(f"the maximum of boxes is {count}; at least one is returned")
    iou = iou_threshold if iou is None else lax.stop_gradient(iou).reshape(())
    score = score_threshold if score is None else lax.stop_gradient(score).reshape(())

    def choose(boxes, scores):
        return suppress(boxes, scores, iou, score, count=count, per_class=per_class_suppression)

    index, survivors = jax.vmap(choose)(lax.stop_gradient(boxes), lax.stop_gradient(scores))

    def chosen(values):
        rows = jnp.take_along_axis(values, jnp.maximum(index, 0)[..., None], axis=1)
        return jnp.where(index[..., None] >= 0, rows, 0)

    dtype = boxes.dtype
    return chosen(boxes), chosen(scores), index.astype(dtype), survivors.astype(dtype)
