"""Small ONNX models, and onnxruntime as the judge of what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

import graphml
from graphml.convert.onnx import Converted, network_from_onnx


def graph(
    nodes: Sequence[Any],
    inputs: Mapping[str, tuple[Any, Sequence[int | str]]],
    outputs: Sequence[str],
    constants: Mapping[str, Any] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """A model of nodes. inputs: {name: (NumPy type, shape)}; a size that is a string is flexible."""
    entered = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
        for name, (dtype, shape) in inputs.items()
    ]
    left = [onnx.ValueInfoProto(name=name) for name in outputs]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    whole = helper.make_graph(nodes, "graph", entered, left, stored)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def agree(
    model: onnx.ModelProto, *feeds: Mapping[str, Any], rtol: float = 1e-4, atol: float = 1e-5, **options: Any
) -> Converted:
    """Convert the model, and compare each output with onnxruntime's for each of the inputs."""
    converted = network_from_onnx(model, **options)
    network = graphml.load(converted.model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    fixed = options.get("constants", {})
    for feed in feeds:
        expected = session.run(names, {name: np.asarray(value) for name, value in {**feed, **fixed}.items()})
        found = network.predict({name: _entered(value) for name, value in feed.items() if name not in fixed})
        for name, wanted in zip(names, expected, strict=True):
            wanted = np.asarray(wanted)
            shape = wanted.shape or (1,)  # a network has no scalars
            assert found[name].shape == shape, f"{name}: shape {found[name].shape}, expected {shape}"
            np.testing.assert_allclose(found[name].reshape(wanted.shape), wanted, rtol, atol, err_msg=name)
    return converted


def _entered(value: Any) -> Any:
    array = np.atleast_1d(np.asarray(value))
    return array.astype(np.int32) if array.dtype.kind in "iub" else array.astype(np.float32)
