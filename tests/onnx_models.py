"""Small ONNX models, and onnxruntime as the judge of what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import graphml
from graphml.convert.onnx import Converted, network_from_onnx
from graphml.spec import validate


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
    model: onnx.ModelProto,
    *feeds: Mapping[str, Any],
    rtol: float = 1e-4,
    atol: float = 1e-5,
    judge: str = "onnxruntime",
    **options: Any,
) -> Converted:
    """Convert the model, and compare each output with the judge's for each of the inputs.

    What Core ML's rules say of the result holds too, and it survives being written. judge: "onnxruntime", or
    "reference" for ONNX's own implementation.
    """
    converted = network_from_onnx(model, **options)
    problems = [str(problem) for problem in validate.problems(converted.model)]
    assert not problems, "\n".join(problems)
    assert type(converted.model).FromString(converted.model.SerializeToString()) == converted.model
    network = graphml.load(converted.model)
    names = [output.name for output in model.graph.output]
    fixed = options.get("constants", {})
    run = _judge(model, judge)
    for feed in feeds:
        expected = run({name: np.asarray(value) for name, value in {**feed, **fixed}.items()})
        found = network.predict({name: _entered(value) for name, value in feed.items() if name not in fixed})
        for name, wanted in zip(names, expected, strict=True):
            wanted = np.asarray(wanted)
            shape = wanted.shape or (1,)  # a network has no scalars
            assert found[name].shape == shape, f"{name}: shape {found[name].shape}, expected {shape}"
            np.testing.assert_allclose(found[name].reshape(wanted.shape), wanted, rtol, atol, err_msg=name)
    return converted


def _judge(model: onnx.ModelProto, judge: str) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """{input: array} -> the outputs in order."""
    if judge == "reference":
        evaluator = ReferenceEvaluator(model)
        return lambda feed: evaluator.run(None, dict(feed))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda feed: session.run(None, dict(feed))


def _entered(value: Any) -> Any:
    array = np.atleast_1d(np.asarray(value))
    return array.astype(np.int32) if array.dtype.kind in "iub" else array.astype(np.float32)
