"""Non-maximum suppression: of overlapping boxes, the one with the best score is kept."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape
from graphml.ops.kernels.arrays import Array

_BLOCK = 256  # boxes examined between two searches for the next best ones


class _Kept(NamedTuple):
    """The boxes kept so far, in their order: unused places have size 0 and box -1."""

    corners: Array  # [4, count]: left, top, right, bottom
    label: Array  # [count]
    box: Array  # [count], its index
    number: Any  # how many there are: 0 at first, then a traced number


def non_maximum_suppression(
    boxes: Array,
    scores: Array,
    iou_threshold: float | Array,
    score_threshold: float | Array,
    *,
    count: int,
    per_class: bool,
    at_least_one: bool = True,
) -> tuple[Array, Array]:
    """Greedy non-maximum suppression of one image.

    Boxes are visited from the best score down, lower indices first among equal scores. A box is dropped if it overlaps
    one that was kept by more than the threshold. The next best boxes are found a block at a time: usually `count` boxes
    are kept long before all are sorted.

    Args:
        boxes: [N, 4] as (center x, center y, width, height).
        scores: [N, C]; the score of a box is its largest.
        iou_threshold: intersection over union.
        score_threshold: boxes with lower scores are ignored.
        count: how many boxes are kept at most.
        per_class: whether a box is dropped only by one of its class, that of its largest score.
        at_least_one: whether the best box is kept where all scores are below the threshold.

    Returns:
        (indices [count], -1 beyond the number of boxes kept; that number).
    """
    score, label, corners = jnp.max(scores, axis=-1), jnp.argmax(scores, axis=-1), _corners(boxes)
    block = min(len(score), max(_BLOCK, 2 * count))

    def visit_block(state: tuple[Array, _Kept]) -> tuple[Array, _Kept]:
        remaining, kept = state
        best, order = lax.top_k(remaining, block)
        candidates, labels = corners[:, order], label[order]

        def visit(state: tuple[Array, _Kept]) -> tuple[Array, _Kept]:
            position, kept = state
            one = lax.dynamic_slice_in_dim(candidates, position, 1, axis=1)
            near = (_overlap(one, kept.corners) > iou_threshold) & (kept.box >= 0)
            near = near & (kept.label == labels[position]) if per_class else near
            extended = _Kept(
                lax.dynamic_update_slice_in_dim(kept.corners, one, kept.number, axis=1),
                kept.label.at[kept.number].set(labels[position]),
                kept.box.at[kept.number].set(order[position]),
                kept.number + 1,
            )
            return position + 1, jax.tree.map(partial(jnp.where, jnp.any(near)), kept, extended)

        def more(state: tuple[Array, _Kept]) -> Array:
            position, kept = state
            return (position < block) & (best[jnp.minimum(position, block - 1)] > -jnp.inf) & (kept.number < count)

        start: tuple[Any, _Kept] = (0, kept)
        _, kept = lax.while_loop(more, visit, start)
        return remaining.at[order].set(-jnp.inf), kept

    def unfinished(state: tuple[Array, _Kept]) -> Array:
        remaining, kept = state
        return jnp.any(remaining > -jnp.inf) & (kept.number < count)

    most = min(count, len(score))  # each box is compared with all that were kept before it
    nothing = _Kept(jnp.zeros((4, most), boxes.dtype), jnp.zeros(most, label.dtype), jnp.full(most, -1), 0)
    eligible = jnp.where(score >= score_threshold, score, -jnp.inf)
    _, kept = lax.while_loop(unfinished, visit_block, (eligible, nothing))
    index = jnp.pad(kept.box, (0, count - most), constant_values=-1)
    if not at_least_one:
        return index, kept.number
    first = jnp.where(kept.number == 0, jnp.argmax(score), index[0])
    return index.at[0].set(first), jnp.maximum(kept.number, 1)


class Survivors(NamedTuple):
    """What is left of the boxes of each image, best first."""

    boxes: Array  # [images, count, 4], zeros in unused places
    scores: Array  # [images, count, C], likewise
    index: Array  # [images, count], -1 in unused places
    number: Array  # [images], how many there are


def suppress(
    boxes: Array,
    scores: Array,
    iou_threshold: float | Array,
    score_threshold: float | Array,
    *,
    count: int,
    per_class: bool,
) -> Survivors:
    """Non-maximum suppression of several images. Gradients flow through what was chosen, not through the choice.

    Args:
        boxes: [images, N, 4] as (center x, center y, width, height).
        scores: [images, N, C].
        iou_threshold: see `non_maximum_suppression`.
        score_threshold: likewise; if all scores are below it, the best box is kept anyway.
        count: how many boxes are returned.
        per_class: see `non_maximum_suppression`.

    Raises:
        ShapeError: boxes or scores have other shapes, there is no box, or `count` is below 1.
    """
    if boxes.ndim != 3 or boxes.shape[2] != 4 or scores.ndim != 3 or scores.shape[:2] != boxes.shape[:2]:
        raise ShapeError(
            f"boxes have shape {list(boxes.shape)} and scores {list(scores.shape)}; "
            "they must be [B, N, 4] and [B, N, C]"
        )
    if 0 in scores.shape[1:]:
        raise ShapeError(f"scores have shape {list(scores.shape)}; there must be at least one box and one class")
    if count < 1:
        raise ShapeError(f"the maximum number of boxes is {count}; it must be at least 1")
    check_shape((4, count), boxes.dtype)

    def choose(boxes: Array, scores: Array) -> tuple[Array, Array]:
        return non_maximum_suppression(boxes, scores, iou_threshold, score_threshold, count=count, per_class=per_class)

    index, number = jax.vmap(choose)(lax.stop_gradient(boxes), lax.stop_gradient(scores))

    def chosen(values: Array) -> Array:
        rows = jnp.take_along_axis(values, jnp.maximum(index, 0)[..., None], axis=1)
        return jnp.where(index[..., None] >= 0, rows, 0)

    return Survivors(chosen(boxes), chosen(scores), index, number)


def _corners(boxes: Array) -> Array:
    """[N, 4] boxes as (center x, center y, width, height) -> [4, N] left, top, right, bottom."""
    half = boxes[:, 2:] / 2
    return jnp.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1).T


def _overlap(one: Array, others: Array) -> Array:
    """Intersection over union of corners [4, 1] with corners [4, N]."""

    def area(corners: Array) -> Array:
        sides = jnp.maximum(corners[2:] - corners[:2], 0)
        return sides[0] * sides[1]

    shared = area(jnp.concatenate([jnp.maximum(one[:2], others[:2]), jnp.minimum(one[2:], others[2:])]))
    union = area(one) + area(others) - shared
    # rounding may put a box that overlaps itself above 1, and a threshold of 1 means that nothing is suppressed
    return jnp.where(union > 0, jnp.minimum(shared / jnp.where(union > 0, union, 1), 1), 0)
