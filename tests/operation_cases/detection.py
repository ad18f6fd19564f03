"""Non-maximum suppression, answered by walking down the boxes in the order of their scores."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, numbers, operation


def _iou(one, other):
    """Overlap of boxes (center x, center y, width, height)."""
    shared = 1.0
    for axis in (0, 1):
        low = max(one[axis] - one[axis + 2] / 2, other[axis] - other[axis + 2] / 2)
        high = min(one[axis] + one[axis + 2] / 2, other[axis] + other[axis + 2] / 2)
        shared *= max(0.0, high - low)
    union = one[2] * one[3] + other[2] * other[3] - shared
    return shared / union if union > 0 else 0.0


def _kept(boxes, scores, iou, least, most, per_class):
    best, label = scores.max(axis=1), scores.argmax(axis=1)
    kept = []
    for n in sorted(range(len(best)), key=lambda n: (-best[n], n)):
        rivals = [k for k in kept if not per_class or label[k] == label[n]]
        if best[n] >= least and all(_iou(boxes[k], boxes[n]) <= iou for k in rivals):
            kept.append(n)
    return (kept or [int(best.argmax())])[:most]


def _suppressed(boxes, scores, a, least):
    boxes, scores, most = np.asarray(boxes, np.float64), np.asarray(scores, np.float64), a["max_boxes"]
    images = len(boxes)
    left = np.zeros((images, most, 4)), np.zeros((images, most, scores.shape[2])), np.full((images, most), -1, np.int32)
    counts = np.zeros(images, np.int32)
    for image in range(images):
        kept = _kept(boxes[image], scores[image], a["iou_threshold"], least, most, a["per_class_suppression"])
        for array, values in zip(left, (boxes[image][kept], scores[image][kept], kept), strict=True):
            array[image, : len(kept)] = values
        counts[image] = len(kept)
    return *left, counts


def _oracle(i, a):
    return _suppressed(i["boxes"], i["scores"], a, a["score_threshold"])


def _transposed(x):
    return np.ascontiguousarray(np.swapaxes(x, 1, 2))


def _oracle_17(i, a):
    boxes, scores, index, _ = _suppressed(_transposed(i["boxes"]), _transposed(i["scores"]), a, -np.inf)
    return _transposed(boxes), _transposed(scores), index


# Cases ---------------------------------------------------------------------------------------------------------------


def _boxes(images, count, seed=0):
    centers = numbers(images, count, 2, low=0, high=4, seed=seed)
    return np.concatenate([centers, numbers(images, count, 2, low=1, high=3, seed=seed + 50)], axis=-1)


_FIELDS = {"iou_threshold": 0.2, "max_boxes": 4, "score_threshold": 0.3}
_BASE = Case({"boxes": _boxes(2, 7), "scores": numbers(2, 7, 3, low=0, high=1, seed=5)}, _FIELDS)
_ONE = np.float32([[[0, 0, 2, 2], [0.5, 0, 2, 2], [9, 9, 2, 2]]])  # the first two overlap by 3/5
_SURE = np.float32([[[0.5], [0.9], [0.2]]])
_LINE = np.float32([[[0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3]]])
_SCORES = np.float32([[[-3.5], [9.4], [2.3], [0.7]]])


def _some(iou, most, least=0.3, boxes=_ONE, scores=_SURE, **attributes):
    fields = {"iou_threshold": iou, "max_boxes": most, "score_threshold": least, **attributes}
    return Case({"boxes": boxes, "scores": scores}, fields)


def _later(case):
    """The case as iOS 17 writes it, without a threshold of scores."""
    fields = {name: value for name, value in case.attributes.items() if name != "score_threshold"}
    return Case({name: _transposed(x) for name, x in case.inputs.items()}, fields)


def _drawn(seed):
    """A case for each integer: each is a separate program, so there are only a few."""
    rng = np.random.default_rng(seed)
    images, count, classes = [(2, 7, 3), (1, 1, 1), (1, 5, 1)][seed % 3]
    scores = numbers(images, count, classes, low=0, high=1, seed=seed)
    if seed % 2:
        scores = np.round(scores * 4) / np.float32(4)  # many ties
    return _some(
        float(rng.choice([0.0, 0.21, 0.57])),
        int(rng.integers(1, 9)),
        float(rng.choice([0.0, 0.4, 0.9])),
        boxes=_boxes(images, count, seed=seed),
        scores=scores,
        per_class_suppression=bool(seed % 4 < 2),
    )


_VARY = {
    "iou_threshold": [0.0, 0.5, 1.0],
    "max_boxes": [1, 9],
    "per_class_suppression": [True],
}

operation(
    "non_maximum_suppression",
    15,
    oracle=_oracle,
    base=_BASE,
    vary={**_VARY, "score_threshold": [0.7, 2.0]},
    draw=st.integers(0, 5).map(_drawn),
    worked=[
        (
            _some(0.2, 2, 0.4, boxes=_LINE, scores=_SCORES, per_class_suppression=True),
            ([[[1, 1, 1, 1], [2, 2, 2, 2]]], [[[9.4], [2.3]]], [[1, 2]], [2]),
        ),
        (  # the second box is the best and drops the first; the third is not good enough
            _some(0.5, 3),
            ([[[0.5, 0, 2, 2], [0, 0, 0, 0], [0, 0, 0, 0]]], [[[0.9], [0], [0]]], [[1, -1, -1]], [1]),
        ),
        (  # an overlap of 3/5 is not more than the threshold
            _some(np.float32(0.6).item(), 2),
            ([[[0.5, 0, 2, 2], [0, 0, 2, 2]]], [[[0.9], [0.5]]], [[1, 0]], [2]),
        ),
        (_some(0.5, 2, 0.95), ([[[0.5, 0, 2, 2], [0, 0, 0, 0]]], [[[0.9], [0]]], [[1, -1]], [1])),  # at least one
    ],
    refuse=[
        (_BASE.but(boxes=_boxes(2, 6)), "[B, N, 4]"),
        (_BASE.but(max_boxes=0), "at least 1"),
    ],
)
operation(
    "non_maximum_suppression",
    17,
    oracle=_oracle_17,
    base=_later(_BASE),
    vary=_VARY,
    draw=st.integers(6, 8).map(_drawn).map(_later),
    worked=[
        (
            _later(_some(0.3, 3, boxes=_LINE[:, 1:], scores=_SCORES[:, 1:])),
            ([np.float32([[1, 2, 3]] * 4)], [[[9.4, 2.3, 0.7]]], [[0, 1, 2]]),
        ),
        (  # bad scores take part, too
            _later(_some(0.5, 4, scores=_SURE - 1)),
            (
                [[[0.5, 9, 0, 0], [0, 9, 0, 0], [2, 2, 0, 0], [2, 2, 0, 0]]],
                [[[-0.1, -0.8, 0, 0]]],
                [[1, 2, -1, -1]],
            ),
        ),
    ],
    refuse=[
        (_BASE.but(score_threshold=None), "[n, 4, B]"),
        (_later(_BASE).but(max_boxes=-1), "at least 1"),
    ],
)
