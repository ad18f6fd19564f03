"""Non-maximum suppression, answered by walking down the boxes in the order of their scores."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, kind, numbers


def _corners(box):
    x, y, w, h = (float(v) for v in box)
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def _iou(one, other):
    left, top, right, bottom = _corners(one)
    left2, top2, right2, bottom2 = _corners(other)
    width, height = min(right, right2) - max(left, left2), min(bottom, bottom2) - max(top, top2)
    shared = width * height if width > 0 and height > 0 else 0.0
    union = float(one[2]) * float(one[3]) + float(other[2]) * float(other[3]) - shared
    return shared / union if union > 0 else 0.0


def _survivors(boxes, scores, iou, threshold, per_class):
    best, label = scores.max(axis=1), scores.argmax(axis=1)
    kept = []
    for n in sorted(range(len(best)), key=lambda n: (-best[n], n)):
        if best[n] < threshold:
            continue
        rivals = [k for k in kept if not per_class or label[k] == label[n]]
        if all(_iou(boxes[k], boxes[n]) <= iou for k in rivals):
            kept.append(n)
    return kept if kept else [int(np.argmax(best))]


def _oracle(inputs, f):
    boxes, scores, *rest = (np.asarray(x, np.float32) for x in inputs)
    given = [float(np.ravel(x)[0]) for x in rest]
    names = ("iou_threshold", "score_threshold", "max_boxes")
    iou, threshold, most = [*given, *(np.float32(f.get(name, 0)) for name in names[len(given) :])]
    most = int(most)
    batch = boxes.shape[0]
    out = np.zeros((batch, most, 4)), np.zeros((batch, most, scores.shape[2])), np.full((batch, most), -1.0)
    count = np.zeros(batch)
    for b in range(batch):
        kept = _survivors(boxes[b], scores[b], iou, threshold, f.get("per_class_suppression", False))[:most]
        count[b] = len(kept)
        for place, n in enumerate(kept):
            out[0][b, place], out[1][b, place], out[2][b, place] = boxes[b, n], scores[b, n], n
    return *out, count


def _boxes(batch, count, seed=0):
    centers = numbers(batch, count, 2, low=0, high=4, seed=seed)
    return np.concatenate([centers, numbers(batch, count, 2, low=1, high=3, seed=seed + 50)], axis=-1)


_BOXES, _SCORES = _boxes(2, 7), numbers(2, 7, 3, low=0, high=1, seed=5)
_FIELDS = {"iou_threshold": 0.2, "score_threshold": 0.3, "max_boxes": 4}
_ONE = np.float32([[[0, 0, 2, 2], [0.5, 0, 2, 2], [9, 9, 2, 2]]])  # the first two overlap by 3/5
_SURE = np.float32([[[0.5], [0.9], [0.2]]])


@st.composite
def _draw(draw):
    batch, count, classes = draw(st.sampled_from([(2, 7, 3), (1, 1, 1), (1, 5, 1)]))
    scores = numbers(batch, count, classes, low=0, high=1, seed=draw(st.integers(0, 20)))
    if draw(st.booleans()):
        scores = np.round(scores * 4) / np.float32(4)  # many ties
    inputs = (_boxes(batch, count, seed=draw(st.integers(0, 20))), scores)
    fields = {
        "iou_threshold": draw(st.sampled_from([0.0, 0.15, 0.45, 1.0])),
        "score_threshold": draw(st.sampled_from([0.0, 0.4, 2.0])),
        "max_boxes": draw(st.sampled_from([1, 3, 9])),
        "per_class_suppression": draw(st.booleans()),
    }
    more = (np.float32([0.3]), np.float32([0.35]), np.float32([2]))[: draw(st.integers(0, 3))]
    return Case((*inputs, *more), fields, outputs=4)


kind(
    "NonMaximumSuppression",
    oracle=_oracle,
    base=Case((_BOXES, _SCORES), _FIELDS, outputs=4),
    vary={
        "iou_threshold": [0.6],
        "score_threshold": [0.9, 2.0],
        "max_boxes": [2, 10],
        "per_class_suppression": [True],
        "inputs": [
            Case((_BOXES, _SCORES, np.float32([0.6])), _FIELDS, outputs=4),
            Case((_BOXES, _SCORES, np.float32([0.2]), np.float32([0.9]), np.float32([2])), _FIELDS, outputs=4),
        ],
    },
    draw=_draw(),
    worked=[
        # the second is best and drops the first; the third is far away but not sure enough
        (
            Case((_ONE, _SURE), {"iou_threshold": 0.5, "score_threshold": 0.3, "max_boxes": 2}, outputs=4),
            [[[[0.5, 0, 2, 2], [0, 0, 0, 0]]], [[[0.9], [0]]], [[1, -1]], [1]],
        ),
        # an overlap of 0.6 is not over 0.7
        (
            Case((_ONE, _SURE), {"iou_threshold": 0.7, "score_threshold": 0.3, "max_boxes": 2}, outputs=4),
            [[[[0.5, 0, 2, 2], [0, 0, 2, 2]]], [[[0.9], [0.5]]], [[1, 0]], [2]],
        ),
        # nobody is sure enough: the best is returned, and counted
        (
            Case((_ONE, _SURE), {"iou_threshold": 0.7, "score_threshold": 0.95, "max_boxes": 1}, outputs=4),
            [[[[0.5, 0, 2, 2]]], [[[0.9]]], [[1]], [1]],
        ),
        # a threshold of 1 suppresses nothing, not even an identical box; equal scores: lower index first
        (
            Case(
                (np.float32([[[0.1, 0.1, 0.3, 0.3]] * 2]), np.float32([[[0.5], [0.5]]])),
                {"iou_threshold": 1.0, "max_boxes": 2},
                outputs=4,
            ),
            [np.float32([[[0.1, 0.1, 0.3, 0.3]] * 2]), [[[0.5], [0.5]]], [[0, 1]], [2]],
        ),
        # boxes without area overlap nothing
        (
            Case(
                (np.zeros((1, 2, 4), np.float32), np.float32([[[0.5], [0.6]]])),
                {"iou_threshold": 0.1, "max_boxes": 2},
                outputs=4,
            ),
            [np.zeros((1, 2, 4)), [[[0.6], [0.5]]], [[1, 0]], [2]],
        ),
    ],
    smooth=dict.fromkeys(
        ("iou_threshold", "score_threshold", "max_boxes", "per_class_suppression"),
        "only what is chosen has a gradient, which the base case shows",
    ),
    refuse=[
        (Case((_BOXES, _SCORES), {"max_boxes": 0}, outputs=4), "must be at least 1"),
        (Case((_BOXES[0], _SCORES[0]), _FIELDS, outputs=4), "[B, N, 4] and [B, N, C]"),
        (Case((_BOXES, _SCORES[:, :5]), _FIELDS, outputs=4), "scores [2, 5, 3]"),
        (Case((_BOXES[:, :0], _SCORES[:, :0]), _FIELDS, outputs=4), "at least one box and one class"),
    ],
)
