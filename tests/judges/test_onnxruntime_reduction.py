"""Reductions, positions, orderings and rearrangements against onnxruntime."""

import numpy as np
import pytest
from cases import Case, numbers
from one_layer import compiled, same

ort = pytest.importorskip("onnxruntime", reason="onnxruntime judges this family and is not installed")
onnx = pytest.importorskip("onnx", reason="onnx builds the judge's models and is not installed")

_X = numbers(2, 8, 4, 6, low=0.2, high=2)
_TIES = np.round(3 * numbers(2, 8, 4, 6))


def _judge(operator, x, constants=(), outputs=1, opset=18, **attributes):
    names = ["x", *(f"c{i}" for i in range(len(constants)))]
    answers = [f"y{i}" for i in range(outputs)]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(operator, names, answers, **attributes)],
        "judge",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [onnx.helper.make_empty_tensor_value_info(name) for name in answers],
        [onnx.numpy_helper.from_array(np.asarray(c), n) for c, n in zip(constants, names[1:], strict=True)],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


def _ours(kind, x, outputs=1, **fields):
    return compiled(kind, Case((x,), fields, outputs=outputs))


_SAME_NAMES = ["L1", "L2", "Max", "Min", "Sum", "Prod", "Mean", "LogSum", "SumSquare", "LogSumExp"]


@pytest.mark.parametrize("name", _SAME_NAMES)
@pytest.mark.parametrize(("axes", "keep"), [((1,), False), ((-1, 0), True), ((0, 1, 2, 3), False)])
def test_reductions(name, axes, keep):
    want = _judge(f"Reduce{name}", _X, (np.int64(axes),), keepdims=int(keep))[0]
    got = _ours(f"reduce{name}", _X, axes=axes, keep_dims=keep)[0]
    same(got, want.reshape(want.shape or (1,)), rtol=2e-5, atol=1e-6)


_LEGACY = {
    "SUM": "Sum",
    "AVG": "Mean",
    "PROD": "Prod",
    "SUMSQUARE": "SumSquare",
    "L1": "L1",
    "L2": "L2",
    "MAX": "Max",
    "MIN": "Min",
}


@pytest.mark.parametrize("mode", _LEGACY)
@pytest.mark.parametrize(("axis", "axes"), [("CHW", (1, 2, 3)), ("HW", (2, 3)), ("C", (1,)), ("H", (2,)), ("W", (3,))])
def test_legacy_reductions(mode, axis, axes):
    want = _judge(f"Reduce{_LEGACY[mode]}", _X, (np.int64(axes),), keepdims=1)[0]
    same(_ours("reduce", _X, mode=mode, axis=axis)[0], want, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("axis", "letter"), [(1, "C"), (2, "H"), (3, "W")])
def test_positions(axis, letter):
    want = _judge("ArgMax", _TIES, axis=axis, keepdims=1)[0]
    same(_ours("reduce", _TIES, mode="ARGMAX", axis=letter)[0], want)
    same(_ours("argMax", _TIES, axis=axis)[0], want)
    removed = _judge("ArgMin", _TIES, axis=axis, keepdims=0)[0]
    same(_ours("argMin", _TIES, axis=axis, remove_dim=True)[0], removed)


@pytest.mark.parametrize(("axis", "k"), [(1, 3), (-1, 6), (0, 1)])
@pytest.mark.parametrize("bottom", [False, True])
def test_top_k(axis, k, bottom):
    want = _judge("TopK", _TIES, (np.int64([k]),), outputs=2, axis=axis, largest=int(not bottom))
    for got, answer in zip(_ours("topK", _TIES, outputs=2, axis=axis, k=k, use_bottom_k=bottom), want, strict=True):
        same(got, answer)


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_cum_sum(axis, exclusive, reverse):
    want = _judge("CumSum", _X, (np.int64(axis),), exclusive=int(exclusive), reverse=int(reverse))[0]
    same(_ours("cumSum", _X, axis=axis, exclude_final_sum=exclusive, reverse=reverse)[0], want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "operator", "attributes"),
    [
        ("SPACE_TO_DEPTH", "SpaceToDepth", {}),
        ("DEPTH_TO_SPACE", "DepthToSpace", {"mode": "DCR"}),
        ("PIXEL_SHUFFLE", "DepthToSpace", {"mode": "CRD"}),
    ],
)
def test_reorganize_data(mode, operator, attributes):
    want = _judge(operator, _X, blocksize=2, **attributes)[0]
    same(_ours("reorganizeData", _X, mode=mode, block_size=2)[0], want)


@pytest.mark.parametrize("axis", [(0, 3, 1, 2), (3, 1, 2, 0), (2, 0, 3, 1)])
def test_permute(axis):
    x = numbers(3, 2, 4, 5, 6)
    order = [(0, 2, 3, 4)[i] for i in axis]
    want = _judge("Transpose", x, perm=[order[0], 1, *order[1:]])[0]
    same(_ours("permute", x, axis=axis)[0], want)


@pytest.mark.parametrize(
    ("operation", "operator"),
    [("SQRT", "Sqrt"), ("EXP", "Exp"), ("LOG", "Log"), ("ABS", "Abs"), ("INVERSE", "Reciprocal")],
)
def test_unary(operation, operator):
    want = _judge(operator, _X)[0]
    same(_ours("unary", _X, type=operation, epsilon=1e-30)[0], want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("exponent", [2.0, -1.0, 0.5, 1.7, -0.3])
def test_power(exponent):
    want = _judge("Pow", _X, (np.float32(exponent),))[0]
    same(_ours("unary", _X, type="POWER", alpha=exponent)[0], want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("start", "end", "stride"), [(1, 7, 2), (-5, -1, 1), (2, 100, 3)])
def test_slice(start, end, stride):
    want = _judge("Slice", _X, tuple(np.int64([v]) for v in (start, end, 1, stride)))[0]
    got = _ours("slice", _X, start_index=start, end_index=end, stride=stride, axis="CHANNEL_AXIS")[0]
    same(got, want)


@pytest.mark.parametrize("parts", [2, 4])
def test_split(parts):
    want = _judge("Split", _X, outputs=parts, axis=1, num_outputs=parts)
    for got, answer in zip(_ours("split", _X, outputs=parts, n_outputs=parts), want, strict=True):
        same(got, answer)
