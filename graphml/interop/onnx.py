"""Run an ONNX file with onnxruntime and return every intermediate value, for comparison with a Core ML network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphml.errors import FeatureError, SpecError, need, reason
from graphml.ops.layers._integers import to_integers

_DTYPES = {f"tensor({np.dtype(t).name})": t for t in (np.int8, np.int16, np.int32, np.int64, np.uint8)} | {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_,
}


def run_onnx(path: Any, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run an ONNX file.

    Args:
        path: The file, or a ModelProto.
        inputs: {name: array}, by the names of the ONNX graph, or in its order unless all names match. Each array is
            cast to the declared type (floats become integers like indices of Core ML's layers), and reshaped to the
            declared shape if the number of elements is the same.

    Returns:
        {name: array} for every value that the nodes of the graph compute, in order.

    Raises:
        SpecError: The file cannot be read or run.
        FeatureError: The inputs do not match the graph.
    """
    onnx = need("onnx", "onnx")
    need("onnxruntime", "onnx")
    given, path = path, path if isinstance(path, str | Path) else "the message"
    try:
        model = onnx.load(str(given)) if given is path else onnx.ModelProto.FromString(given.SerializeToString())
        written = [output for node in model.graph.node for output in node.output if output]
        declared = {output.name for output in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in written if name not in declared)
        session = onnx_session(model)
    except Exception as error:  # protobuf and onnxruntime raise their own classes
        raise SpecError(f"{path} cannot be run as an ONNX model: {reason(error)}") from None
    return _run(session, [name for name in dict.fromkeys(written) if name], inputs, path)


def onnx_outputs(path: str | Path) -> list[str]:
    """The names of the outputs of an ONNX file, in its order.

    Args:
        path: The file.

    Raises:
        SpecError: The file cannot be read.
    """
    onnx = need("onnx", "onnx")
    try:
        return [output.name for output in onnx.load(str(path), load_external_data=False).graph.output]
    except Exception as error:  # protobuf raises its own classes
        raise SpecError(f"{path} cannot be read as an ONNX model: {reason(error)}") from None


def _feeds(wanted: Sequence[Any], inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    if len(wanted) != len(inputs):
        raise FeatureError(f"the ONNX graph takes {len(wanted)} inputs, got {len(inputs)}: {', '.join(inputs)}")
    by_name = all(one.name in inputs for one in wanted)
    values = [inputs[one.name] for one in wanted] if by_name else list(inputs.values())
    return {one.name: _fitted(one, value) for one, value in zip(wanted, values, strict=True)}


def _fitted(wanted: Any, value: np.ndarray) -> np.ndarray:
    """The value in the type and shape of a declared input, a `NodeArg` of onnxruntime, which has no type stubs."""
    shape = [n if isinstance(n, int) else -1 for n in wanted.shape]
    dtype = _DTYPES.get(wanted.type)
    array = np.asarray(value)
    if dtype is not None and np.issubdtype(dtype, np.integer):
        array = to_integers(array)  # like indices of Core ML's layers
    array = np.asarray(array, dtype)
    if shape.count(-1) == 0 and int(np.prod(shape)) == array.size:
        return array.reshape(shape)
    return array.reshape((1,) * (len(shape) - array.ndim) + array.shape)


def onnx_session(model: Any) -> Any:
    """An `onnxruntime.InferenceSession` on the CPU that computes exactly what the graph says.

    Without these options onnxruntime fuses nodes between quantizing and dequantizing, which changes the rounding, and
    its 8-bit products saturate on processors without VNNI. Its log is also turned off, since failures raise exceptions
    anyway.

    Args:
        model: A ModelProto, or the path of a file.
    """
    runtime = need("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # fatal errors only
    for option in ("disable_quant_qdq", "x64quantprecision"):
        options.add_session_config_entry(f"session.{option}", "1")
    source = str(model) if isinstance(model, str | Path) else model.SerializeToString()
    return runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run_session(session: Any, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of a graph that onnxruntime has loaded.

    Args:
        session: An `onnxruntime.InferenceSession`, which has no type stubs.
        inputs: {name: array}, as `run_onnx` takes them.

    Returns:
        {name: array}, in the order of the graph.

    Raises:
        SpecError: An operator fails.
        FeatureError: The inputs do not match the graph.
    """
    return _run(session, [output.name for output in session.get_outputs()], inputs, "the ONNX graph")


def _run(session: Any, names: Sequence[str], inputs: Mapping[str, np.ndarray], what: Any) -> dict[str, np.ndarray]:
    feeds = _feeds(session.get_inputs(), inputs)
    try:
        values = session.run(names, feeds)
    except Exception as error:  # shapes that do not match, or an operator that fails
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in feeds.items())
        kind = FeatureError if type(error).__name__ == "InvalidArgument" else SpecError
        raise kind(f"{what} fails in onnxruntime with {shapes}: {error}") from None
    return dict(zip(names, values, strict=True))
