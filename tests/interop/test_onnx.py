"""Errors of onnxruntime become graphml errors."""

from __future__ import annotations

import numpy as np
import pytest

from graphml.errors import FeatureError, GraphmlError, SpecError
from graphml.interop.onnx import onnx_session, run_onnx, run_session

onnx = pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra and is not installed here")


@pytest.fixture
def path(tmp_path):
    """gather(x, index): x is float [3], and the index may be out of range."""
    helper, types = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("Gather", ["x", "index"], ["y"])],
        "g",
        [
            helper.make_tensor_value_info("x", types.FLOAT, [3]),
            helper.make_tensor_value_info("index", types.INT64, [1]),
        ],
        [helper.make_tensor_value_info("y", types.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_run_onnx_returns_the_values_of_onnxruntime(path):
    assert run_onnx(path, {"x": np.arange(3.0), "index": np.array([2])})["y"].tolist() == [2]


def test_inputs_of_the_wrong_shape(path):
    with pytest.raises(
        FeatureError, match=r"m.onnx fails in onnxruntime with x \[4\], index \[1\]: .*INVALID_ARGUMENT"
    ):
        run_onnx(path, {"x": np.arange(4.0), "index": np.array([2])})


def test_an_operator_that_fails(path):
    with pytest.raises(
        (FeatureError, SpecError), match=r"m.onnx fails in onnxruntime with x \[3\], index \[1\]: .*out of"
    ):
        run_onnx(path, {"x": np.arange(3.0), "index": np.array([9])})


def test_what_onnxruntime_refuses_is_an_error_and_not_a_line_on_the_screen(path, capfd):
    """It logs in red, also what a conversion tries only to find out which sizes the source takes."""
    x = {"x": np.arange(3.0), "index": np.array([7])}
    for source in (path, onnx.load(path)):
        with pytest.raises(GraphmlError, match="out of"):
            run_session(onnx_session(source), x)
        with pytest.raises(GraphmlError, match="out of"):
            run_onnx(source, x)
    assert capfd.readouterr() == ("", "")


def test_products_of_quantized_numbers_do_not_saturate():
    """Those of unsigned and signed bytes do in onnxruntime, unless it is told otherwise, on processors without VNNI."""
    helper, types = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", types.UINT8, [1, 64])],
        [helper.make_tensor_value_info("y", types.INT32, [1, 1])],
        [onnx.numpy_helper.from_array(np.full((64, 1), 127, np.int8), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert run_onnx(model, {"x": np.full((1, 64), 255)})["y"].item() == 64 * 127 * 255
