"""Masks and non-maximum suppression against onnxruntime: Where, NonZero, Trilu, OneHot, NonMaxSuppression."""

import numpy as np
import pytest
from cases import Case, numbers
from one_layer import compiled, same

from graphml.ops.kernels import nms

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime judges this family and is not installed")
onnx = pytest.importorskip("onnx", reason="onnx builds the judge's models and is not installed")


def _judge(kind, inputs, **attributes):
    """The first output of a one-node ONNX model."""
    named = {f"in{n}": np.asarray(x) for n, x in enumerate(inputs)}
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, list(named), ["y"], **attributes)],
        "judge",
        [
            onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), list(x.shape))
            for name, x in named.items()
        ],
        [onnx.ValueInfoProto(name="y")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, named)[0]


def _ours(kind, inputs, outputs=1, **fields):
    return [np.asarray(y) for y in compiled(kind, Case(tuple(inputs), fields, outputs=outputs))]


def _sparse(*shape, seed=0):
    x = numbers(*shape, seed=seed)
    return np.where(x > 0, x, np.float32(0))


@pytest.mark.parametrize("shapes", [((2, 3),) * 3, ((3,), (2, 3), (1,)), ((2, 1, 3), (4, 1), (1, 1))])
def test_where(shapes):
    c, x, y = (_sparse(*shape, seed=n) for n, shape in enumerate(shapes))
    same(_ours("whereBroadcastable", [c, x, y])[0], _judge("Where", [c != 0, x, y]), rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 1, 3)])
def test_positions(shape):
    x = _sparse(*shape)
    same(_ours("whereNonZero", [x])[0], _judge("NonZero", [x]).T.astype(np.float32), rtol=0, atol=0)


@pytest.mark.parametrize("k", [0, 1, -2, 9])
@pytest.mark.parametrize("upper", [False, True])
def test_triangles(k, upper):
    x = numbers(2, 4, 5)
    kind = "upperTriangular" if upper else "lowerTriangular"
    same(_ours(kind, [x], k=k)[0], _judge("Trilu", [x, np.int64(k)], upper=int(upper)), rtol=0, atol=0)


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(axis):
    x, values = np.float32([[2, 0, 3], [0, 3, 1]]), np.float32([-1, 5])
    want = _judge("OneHot", [x.astype(np.int64), np.int64([4]), values], axis=axis)
    same(_ours("oneHot", [x], one_hot_vector_size=4, axis=axis, on_value=5.0, off_value=-1.0)[0], want, rtol=0, atol=0)


@pytest.mark.parametrize(("iou", "threshold", "most"), [(0.3, 0.2, 10), (0.05, 0.5, 10), (0.6, 0.0, 4), (1.0, 0.7, 30)])
@pytest.mark.parametrize("block", [256, 3])
def test_suppression(iou, threshold, most, block, monkeypatch):
    monkeypatch.setattr(nms, "_BLOCK", block)  # boxes beyond the first block are looked at too
    centers, sizes = numbers(2, 30, 2, low=0, high=9), numbers(2, 30, 2, low=1, high=4, seed=1)
    boxes, scores = np.concatenate([centers, sizes], axis=-1), numbers(2, 30, 1, low=0, high=1, seed=2)
    found = _judge(
        "NonMaxSuppression",
        [boxes, scores.transpose(0, 2, 1), np.int64([most]), np.float32([iou]), np.float32([threshold])],
        center_point_box=1,
    )
    fields = {"iou_threshold": iou, "score_threshold": threshold, "max_boxes": most}
    _, _, indices, count = _ours("NonMaximumSuppression", [boxes, scores], 4, **fields)
    for batch in range(2):
        want = found[found[:, 0] == batch, 2]
        assert count[batch] == len(want)
        same(indices[batch], np.pad(want, (0, most - len(want)), constant_values=-1), rtol=0, atol=0)
