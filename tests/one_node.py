"""A model of one ONNX node, run by onnxruntime: a judge that shares no code with graphml."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

ort = pytest.importorskip("onnxruntime", reason="onnxruntime judges here and is not installed")
onnx = pytest.importorskip("onnx", reason="onnx builds the judge's models and is not installed")


def judged(operator: str, *inputs: Any, outputs: int = 1, opset: int = 18, **attributes: Any) -> list[np.ndarray]:
    """The answers of an ONNX operator. None means an omitted input."""
    given = {f"x{i}": np.asarray(x) for i, x in enumerate(inputs) if x is not None}
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    answers = [f"y{i}" for i in range(outputs)]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(operator, names, answers, **attributes)],
        "judge",
        [
            onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for name, x in given.items()
        ],
        [onnx.helper.make_empty_tensor_value_info(name) for name in answers],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=9)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, given)
