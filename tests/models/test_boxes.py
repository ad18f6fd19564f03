"""The model nonMaximumSuppression, against a walk down the boxes written from the format's words."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_model import DOUBLE, doubles, made, optional

import graphml
from graphml import FeatureError, ShapeError, UnsupportedError
from graphml.ops.kernels.nms import non_maximum_suppression

NAMES = {
    "confidenceInputFeatureName": "scores",
    "coordinatesInputFeatureName": "boxes",
    "iouThresholdInputFeatureName": "iou",
    "confidenceThresholdInputFeatureName": "least",
    "confidenceOutputFeatureName": "kept_scores",
    "coordinatesOutputFeatureName": "kept_boxes",
}


def suppression(rows=None, per_class=False, iou=0.4, least=0.2, classes=3, **content):
    """rows: the number of rows that the outputs declare: None, a number, or (low, high)."""
    inputs = {"scores": doubles(), "boxes": doubles(), "iou": optional(DOUBLE), "least": optional(DOUBLE)}
    outputs = {"kept_scores": doubles(), "kept_boxes": doubles()}
    for feature, columns in zip(outputs.values(), (classes, 4), strict=True):
        if isinstance(rows, int):
            feature.multiArrayType.shape.extend([rows, columns])
        elif rows is not None:
            for low, high in (rows, (columns, columns)):
                feature.multiArrayType.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    pick = {"perClass": per_class}
    content = {"pickTop": pick, "iouThreshold": iou, "confidenceThreshold": least, **NAMES, **content}
    return graphml.load(made("nonMaximumSuppression", inputs, outputs, **content))


def overlap(one, other):
    sides = []
    for axis in (0, 1):
        low = max(one[axis] - one[axis + 2] / 2, other[axis] - other[axis + 2] / 2)
        high = min(one[axis] + one[axis + 2] / 2, other[axis] + other[axis + 2] / 2)
        sides.append(max(0.0, high - low))
    shared = sides[0] * sides[1]
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def oracle(scores, boxes, iou, least, per_class):
    left = [n for n in range(len(boxes)) if max(scores[n]) >= least]
    kept = []
    while left:
        best = max(left, key=lambda n: max(scores[n]))  # the first of equals
        kept.append(best)
        drops = [
            n
            for n in left
            if n == best
            or (overlap(boxes[best], boxes[n]) > iou and (not per_class or scores[n].argmax() == scores[best].argmax()))
        ]
        left = [n for n in left if n not in drops]
    return kept


def case(count, seed=0):
    rng = np.random.default_rng(seed)
    boxes = np.concatenate([rng.uniform(0, 3, (count, 2)), rng.uniform(1, 3, (count, 2))], axis=1)
    return rng.uniform(size=(count, 3)) ** 2, boxes


@given(
    count=st.sampled_from([1, 5, 12]),
    seed=st.integers(0, 99),
    iou=st.sampled_from([0.0, 0.3, 1.0]),
    least=st.sampled_from([0.0, 0.6, 2.0]),
    per_class=st.booleans(),
)
def test_it_keeps_what_the_greedy_loop_keeps(count, seed, iou, least, per_class):
    scores, boxes = case(count, seed)
    out = suppression(per_class=per_class, iou=iou, least=least).predict({"scores": scores, "boxes": boxes})
    kept = oracle(scores, boxes, iou, least, per_class)
    np.testing.assert_array_equal(out["kept_scores"], scores[kept])
    np.testing.assert_array_equal(out["kept_boxes"], boxes[kept])


def test_more_boxes_than_there_are_cost_nothing_while_boxes_are_compared():
    boxes, scores = np.eye(3, 4, dtype=np.float32), np.ones((3, 1), np.float32)
    choose = partial(non_maximum_suppression, count=1000, per_class=False)
    index, number = choose(boxes, scores, 0.5, 0.0)
    assert (index[:3].tolist(), index[3:].max(), int(number)) == ([0, 1, 2], -1, 3)
    program = jax.make_jaxpr(choose)(boxes, scores, 0.5, 0.0)
    loops = [equation for equation in program.eqns if equation.primitive.name == "while"]
    assert loops
    assert all(value.aval.size <= 12 for loop in loops for value in loop.outvars)


def test_thresholds_are_inputs_too():
    scores, boxes = case(12, seed=2)
    features = {"scores": scores, "boxes": boxes}
    model = suppression(iou=0.3, least=0.4)
    for given_ in ({"iou": 0.05}, {"least": 0.0}, {"iou": 0.9, "least": 0.1}, {"iou": 0.0, "least": 0.0}):
        kept = oracle(scores, boxes, given_.get("iou", 0.3), given_.get("least", 0.4), per_class=False)
        np.testing.assert_array_equal(model.predict(features | given_)["kept_boxes"], boxes[kept])
    for wrong in ({"iou": 1.5}, {"iou": float("nan")}, {"least": -0.1}):
        with pytest.raises(FeatureError, match="threshold must be"):
            model.predict(features | wrong)


@pytest.mark.parametrize(("rows", "count"), [(2, 2), ((0, 3), 3), ((7, -1), 7), ((1, 50), None)])
def test_rows_are_padded_or_truncated(rows, count):
    scores, boxes = case(12, seed=2)
    kept = oracle(scores, boxes, 0.4, 0.2, per_class=False)
    assert 3 < len(kept) < 7
    out = suppression(rows).predict({"scores": scores, "boxes": boxes})
    count = len(kept) if count is None else count
    want = np.concatenate([boxes[kept], np.zeros((20, 4))])[:count] if count > len(kept) else boxes[kept][:count]
    np.testing.assert_array_equal(out["kept_boxes"], want)
    assert out["kept_scores"].shape == (count, 3)


@pytest.mark.parametrize("count", [0, 3])
def test_no_box_may_be_left(count):
    scores, boxes = case(count)
    features = {"scores": scores.reshape(count, 3), "boxes": boxes.reshape(count, 4)}
    assert suppression(least=5.0).predict(features)["kept_boxes"].shape == (0, 4)
    assert suppression(2, least=5.0).predict(features)["kept_boxes"].tolist() == np.zeros((2, 4)).tolist()


def test_fixed_rows_are_a_function_of_arrays():
    scores, boxes = case(10)
    model = suppression(4)
    function = model.as_function()
    want = model.predict({"scores": scores, "boxes": boxes})

    def total(boxes):
        out = function({"scores": scores, "boxes": boxes})
        return out["kept_boxes"].sum(), out

    with jax.enable_x64(True):
        gradients, got = jax.jit(jax.grad(total, has_aux=True))(boxes)
    for name, value in want.items():
        np.testing.assert_array_equal(got[name], value)
    assert np.asarray(gradients).sum() == 4 * (want["kept_scores"].max(axis=1) > 0).sum()
    with pytest.raises(UnsupportedError, match="its number of rows varies"):
        suppression().as_function()


def test_labels_name_the_columns():
    labels = {"stringClassLabels": {"vector": ["cat", "dog", "cow"]}}
    assert suppression(**labels).labels == ("cat", "dog", "cow")
    assert suppression().labels == ()
    with pytest.raises(ShapeError, match="expected 3 confidences for each box, one for each class, got 2"):
        suppression(**labels).predict({"scores": np.zeros((4, 2)), "boxes": np.zeros((4, 4))})


@pytest.mark.parametrize(("scores", "boxes"), [((4, 3), (5, 4)), ((4, 3), (4, 5)), ((4,), (4, 4)), ((4, 0), (4, 4))])
def test_other_shapes_are_refused(scores, boxes):
    with pytest.raises(ShapeError, match=r"expected confidences \[N, C\] and boxes \[N, 4\], got"):
        suppression().predict({"scores": np.zeros(scores), "boxes": np.zeros(boxes)})


def test_a_batch_of_one_in_front_is_dropped():
    scores, boxes = case(6)
    flat = suppression().predict({"scores": scores, "boxes": boxes})
    deep = suppression().predict({"scores": scores[None], "boxes": boxes[None]})
    np.testing.assert_array_equal(flat["kept_boxes"], deep["kept_boxes"])
