"""Shapes, slices, positions and choices, judged by onnxruntime at several sizes."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.errors import UnsupportedError

RANDOM = np.random.default_rng(1)
node = helper.make_node


def numbers(*shape):
    return np.float32(RANDOM.normal(size=shape))


def test_shapes_follow_the_sizes_of_the_inputs():
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Shape", ["x"], ["part"], start=1, end=-1),
        node("Size", ["x"], ["size"]),
        node("Gather", ["shape", "zero"], ["batch"]),
        node("Unsqueeze", ["batch", "zeros"], ["batch1"]),
        node("Concat", ["batch1", "three", "rest"], ["wanted"], axis=0),
        node("Reshape", ["x", "wanted"], ["merged"]),
        node("Transpose", ["merged"], ["turned"], perm=[2, 0, 1]),
        node("Reshape", ["x", "keeping"], ["kept"]),
        node("Flatten", ["x"], ["flat"], axis=2),
        node("Flatten", ["x"], ["flatter"], axis=-1),
        node("Squeeze", ["y", "last"], ["squeezed"]),
        node("Expand", ["y", "shape_of_row"], ["expanded"]),
        node("Concat", ["x", "x"], ["joined"], axis=-1),
        node("Slice", ["x", "zeros", "half", "two"], ["halved"]),
        node("Shape", ["halved"], ["halved_shape"]),
    ]
    half = [node("Gather", ["shape", "two0"], ["height"]), node("Div", ["height", "two0"], ["h2"])]
    half += [node("Unsqueeze", ["h2", "zeros"], ["half"])]
    constants = {
        **{"zero": np.int64(0), "zeros": np.int64([0]), "three": np.int64([3]), "rest": np.int64([-1])},
        **{"keeping": np.int64([0, -1, 1]), "last": np.int64([-1]), "shape_of_row": np.int64([2, 1, 4])},
        **{"two": np.int64([2]), "two0": np.int64(2)},
    }
    ordered = [*nodes[:1], *half, *nodes[1:]]
    outputs = [name for each in ordered for name in each.output]
    model = graph(ordered, {"x": (np.float32, ["N", 3, "H", "W"]), "y": (np.float32, ["N", 1])}, outputs, constants)
    feeds = [{"x": numbers(n, 3, h, w), "y": numbers(n, 1)} for n, h, w in ((2, 4, 5), (5, 7, 2))]
    agree(model, *feeds)


def test_more_axes_than_a_network_supports():
    """Six axes, as when pixels are shuffled by hand."""
    nodes = [
        node("Reshape", ["x", "six"], ["split"]),
        node("Relu", ["split"], ["positive"]),
        node("Transpose", ["positive"], ["turned"], perm=[0, 1, 4, 2, 5, 3]),
        node("Reshape", ["turned", "four"], ["y"]),
    ]
    constants = {"six": np.int64([0, 2, 2, 2, -1, 6]), "four": np.int64([0, 2, -1, 12])}
    model = graph(nodes, {"x": (np.float32, ["N", 8, 4, 6])}, ["y"], constants)
    agree(model, {"x": numbers(1, 8, 4, 6)}, {"x": numbers(3, 8, 4, 6)})


def test_positions():
    nodes = [
        node("Gather", ["x", "rows"], ["g0"]),
        node("Gather", ["x", "rows"], ["g1"], axis=1),
        node("Gather", ["x", "last"], ["g2"], axis=-1),
        node("Gather", ["x", "index"], ["g3"], axis=1),
        node("GatherElements", ["x", "few"], ["ge"], axis=1),
        node("GatherND", ["x", "pairs"], ["nd"]),
        node("GatherND", ["x", "single"], ["nd_batch"], batch_dims=1),
        node("ScatterND", ["x", "pairs", "updates"], ["snd"]),
        node("ScatterND", ["x", "pairs", "updates"], ["snd_add"], reduction="add"),
        node("ScatterElements", ["x", "few", "fewer"], ["se"], axis=1),
        node("ScatterElements", ["x", "few", "fewer"], ["se_max"], axis=1, reduction="max"),
        node("ScatterElements", ["x", "full", "x"], ["se_mul"], axis=0, reduction="mul"),
        node("ReverseSequence", ["x", "lengths"], ["reversed"], batch_axis=0, time_axis=1),
        node("Tile", ["x", "times"], ["tiled"]),
        node("Tile", ["x", "how_often"], ["tiled_as_told"]),
    ]
    constants = {
        **{"rows": np.int64([[0, -1], [1, 1]]), "last": np.int64(-1), "few": np.int64([[[0], [1]], [[2], [0]]])},
        **{"pairs": np.int64([[0, 1], [-1, -2]]), "single": np.int64([[1], [2]]), "fewer": numbers(2, 2, 1)},
        **{"updates": numbers(2, 4), "full": RANDOM.integers(-2, 2, (2, 3, 4)), "times": np.int64([1, 2, 3])},
    }
    inputs = {"x": (np.float32, [2, 3, 4]), "index": (np.int64, []), "lengths": (np.int64, [2])}
    inputs["how_often"] = (np.int64, [3])
    feed = {"x": numbers(2, 3, 4), "index": np.int64(2), "lengths": np.int64([1, 3]), "how_often": np.int64([2, 1, 1])}
    outputs = [name for each in nodes for name in each.output]
    agree(graph(nodes, inputs, outputs, constants, opset=18), feed)


def test_slices():
    far = np.iinfo(np.int64).max
    nodes = [
        node("Slice", ["x", "s1", "e1", "a1"], ["plain"]),
        node("Slice", ["x", "s2", "e2", "a1", "back"], ["backwards"]),
        node("Slice", ["x", "s3", "e3"], ["all_axes"]),
        node("Slice", ["x", "begin", "end", "a1"], ["computed"]),
        node("Slice", ["x", "begin", "end", "where", "steps"], ["all_computed"]),
    ]
    constants = {
        **{"s1": np.int64([1, -3]), "e1": np.int64([far, -1]), "a1": np.int64([-1, 0]), "back": np.int64([-1, -2])},
        **{"s2": np.int64([-1, far]), "e2": np.int64([-far, 0]), "s3": np.int64([0, 1, 2]), "e3": np.int64([9, 2, 4])},
    }
    computed = {name: (np.int64, [2]) for name in ("begin", "end", "where", "steps")}
    feeds = [
        {"x": numbers(4, 5, 6), **{name: np.int64(value) for name, value in values.items()}}
        for values in (
            {"begin": [1, 0], "end": [4, 2], "where": [0, 2], "steps": [1, 2]},
            {"begin": [-2, 1], "end": [9, -1], "where": [-1, 1], "steps": [-1, 1]},
        )
    ]
    feeds[1] |= {"begin": np.int64([-2, 1]), "end": np.int64([-6, 4])}
    outputs = ["plain", "backwards", "all_axes", "all_computed"]
    agree(graph(nodes, {"x": (np.float32, [4, 5, 6]), **computed}, outputs, constants), *feeds)
    agree(graph(nodes, {"x": (np.float32, [4, 5, 6]), **computed}, ["computed"], constants), feeds[0])


def test_a_data_dependent_number_of_choices():
    nodes = [
        node("NonZero", ["x"], ["found"]),
        node("Transpose", ["found"], ["places"]),
        node("GatherND", ["x", "places"], ["values"]),
        node("Compress", ["x", "picked"], ["columns"], axis=1),
        node("Compress", ["x", "picked"], ["first"]),
        node("TopK", ["x", "two"], ["top", "top_at"], axis=1),
        node("TopK", ["x", "how_many"], ["low", "low_at"], axis=-1, largest=0),
        node("Unique", ["x"], ["u", "u_first", "u_inverse", "u_counts"]),
        node("Unique", ["x"], ["v", "v_first", "v_inverse", "v_counts"], sorted=0),
    ]
    inputs = {"x": (np.float32, [3, 4]), "picked": (np.bool_, [4]), "how_many": (np.int64, [1])}
    outputs = [name for each in nodes for name in each.output]
    model = graph(nodes, inputs, outputs, {"two": np.int64([2])})
    for picked, count in (([True, False, True, True], 1), ([False, True, False, False], 3)):
        x = np.float32(RANDOM.integers(0, 4, (3, 4)) * 0.5 + np.arange(4) * 0.01)
        x[1, 1] = 0
        agree(model, {"x": x, "picked": np.array(picked), "how_many": np.int64([count])})


@pytest.mark.parametrize("centered", [0, 1])
def test_detections(centered):
    boxes = np.float32(RANDOM.uniform(0, 8, (2, 7, 4)))
    if not centered:
        boxes[0, :, [0, 2]] = boxes[0, :, [2, 0]]  # any two corners
    scores = np.float32(RANDOM.uniform(0, 1, (2, 3, 7)))
    nms = node("NonMaxSuppression", ["boxes", "scores", "most", "iou", "least"], ["y"], center_point_box=centered)
    constants = {"most": np.int64([3]), "iou": np.float32([0.3]), "least": np.float32([0.5])}
    inputs = {"boxes": (np.float32, [2, 7, 4]), "scores": (np.float32, [2, 3, 7])}
    agree(graph([nms], inputs, ["y"], constants), {"boxes": boxes, "scores": scores})


def test_what_cannot_be_expressed_is_refused_with_all_nodes():
    nodes = [
        node("Expand", ["x", "shape"], ["a"], name="first"),
        node("Expand", ["a", "shape"], ["b"], name="second"),
        node("Unique", ["x"], ["c"], axis=0, name="third"),
        node("StringConcat", ["x", "x"], ["d"], name="fourth"),
        node("StringConcat", ["x", "x"], ["e"], name="fifth"),
    ]
    model = graph(nodes, {"x": (np.float32, [2, 3]), "shape": (np.int64, [2])}, ["b", "c", "d", "e"], opset=20)
    with pytest.raises(UnsupportedError) as caught:
        agree(model)
    text = str(caught.value)
    assert text.startswith("4 nodes cannot be converted:")  # the second Expand only follows from the first
    assert "Expand (1: 'first'): the shape depends on values" in text
    assert "StringConcat (2: 'fourth', 'fifth'): the operator is not supported" in text


def test_scatter_of_old_versions():
    scatter = node("Scatter", ["x", "rows", "updates"], ["y"])
    constants = {"rows": np.int64([[1, 0, 2]]), "updates": numbers(1, 3)}
    agree(graph([scatter], {"x": (np.float32, [3, 3])}, ["y"], constants, opset=9), {"x": numbers(3, 3)})


@pytest.mark.parametrize("mode", ["linear", "circular"])
def test_a_cache_is_written_at_a_position(mode):
    """ONNX's own reference implementation judges: onnxruntime has no TensorScatter."""
    scatter = node("TensorScatter", ["past", "new", "starts"], ["y"], mode=mode, axis=-2)
    inputs = {"past": (np.float32, [2, 5, 3]), "new": (np.float32, [2, 2, 3]), "starts": (np.int64, [2])}
    starts = np.int64([3, 0]) if mode == "linear" else np.int64([4, 1])
    feed = {"past": numbers(2, 5, 3), "new": numbers(2, 2, 3), "starts": starts}
    agree(graph([scatter], inputs, ["y"], opset=24), feed, judge="reference")
