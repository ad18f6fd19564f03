"""Matrix products against onnxruntime: Gemm, MatMul, MatMulInteger, Gather."""

import numpy as np
import pytest
from cases import Case, numbers
from one_layer import compiled, same

from graphml.spec.weights import Quantized

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime judges this family and is not installed")
onnx = pytest.importorskip("onnx", reason="onnx builds the judge's models and is not installed")


def _judge(nodes, inputs, constants, output="y"):
    """The output of an ONNX model of `nodes`: (type, inputs, output, attributes) each."""
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, names, [to], **attributes) for kind, names, to, attributes in nodes],
        "judge",
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(x.shape)) for name, x in inputs.items()],
        [onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def _ours(kind, inputs, fields):
    return np.asarray(compiled(kind, Case(tuple(inputs), fields))[0])


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("rows", "fan_in", "fan_out"), [(1, 30, 20), (7, 30, 20), (64, 130, 1)])
def test_dense(rows, fan_in, fan_out, biased):
    x, w, b = numbers(rows, fan_in), numbers(fan_out, fan_in, seed=1), numbers(fan_out, seed=2)
    constants = {"w": w, "b": b} if biased else {"w": w}
    want = _judge([("Gemm", ["x", *constants], "y", {"transB": 1})], {"x": x}, constants)
    same(_ours("innerProduct", [x], {"weights": w, **({"bias": b} if biased else {})}), want, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("a", "b"),
    [((2, 3, 4), (2, 4, 5)), ((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (6, 4, 1)), ((1, 1), (1, 1)), ((5, 40), (40, 3))],
)
def test_product_of_two(a, b):
    a, b = numbers(*a), numbers(*b, seed=1)
    want = _judge([("MatMul", ["a", "b"], "y", {})], {"a": a, "b": b}, {})
    same(_ours("batchedMatmul", [a, b], {}), want, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("shape", [(6, 30), (2, 3, 30)])
def test_product_with_a_stored_matrix(shape):
    a, w, bias = numbers(*shape), numbers(30, 8, seed=1), numbers(8, seed=2)
    want = _judge([("MatMul", ["a", "w"], "p", {}), ("Add", ["p", "b"], "y", {})], {"a": a}, {"w": w, "b": bias})
    ours = _ours("batchedMatmul", [a], {"weights": np.ascontiguousarray(w.T), "bias": bias})
    same(ours, want, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("kind", ["innerProduct", "batchedMatmul"])
@pytest.mark.parametrize("fan_in", [30, 1024, 3000])
def test_eight_bits(kind, fan_in):
    """The judge gets the step from outside; rounding, saturation and the integer product are its own."""
    rng = np.random.default_rng(fan_in)
    x, codes = numbers(5, fan_in), rng.integers(-128, 128, (4, fan_in)).astype(np.int8)
    codes[0] = -128  # with x all of one sign below: the largest sums
    x[0] = np.abs(x).max()
    step = np.abs(x).max() / np.float32(127)
    want = _judge(
        [
            ("QuantizeLinear", ["x", "step", "zero"], "q", {}),
            ("MatMulInteger", ["q", "w"], "sum", {}),
            ("Cast", ["sum"], "float", {"to": onnx.TensorProto.FLOAT}),
            ("Mul", ["float", "unit"], "y", {}),
        ],
        {"x": x},
        {
            "step": np.float32(step),
            "zero": np.int8(0),
            "w": np.ascontiguousarray(codes.T),
            "unit": np.float32(step * np.float32(0.01)),
        },
    )
    weights = Quantized(codes, np.float32([[0.01]]), None, None, 8)
    same(_ours(kind, [x], {"weights": weights, "int8_dynamic_quantize": True}), want, rtol=1e-6, atol=1e-6)


def test_embedding():
    table, index = numbers(12, 5), np.float32([[3], [0], [11], [3]])
    nodes = [
        ("Cast", ["x"], "i", {"to": onnx.TensorProto.INT64}),
        ("Squeeze", ["i", "last"], "s", {}),
        ("Gather", ["table", "s"], "y", {}),
    ]
    want = _judge(nodes, {"x": index}, {"table": table, "last": np.int64([1])})
    same(_ours("embeddingND", [index], {"weights": np.ascontiguousarray(table.T)}), want, rtol=0, atol=0)
    legacy = _ours("embedding", [index[:, :, None, None]], {"weights": np.ascontiguousarray(table.T)})
    same(legacy[..., 0, 0], want, rtol=0, atol=0)
