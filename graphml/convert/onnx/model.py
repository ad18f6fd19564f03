"""Reads an ONNX model: the message, the types of its values, the attributes of its nodes."""

# the onnx package is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphml.convert.onnx.tensors import Array
from graphml.errors import FeatureError, SpecError, need, quoted, reason


@dataclass(frozen=True)
class ValueType:
    """The type of a value in ONNX.

    Attributes:
        dtype: The type of its elements; None if it is not a tensor, or unknown.
        shape: Its shape; None for sizes that are not fixed, or for all of it if the rank is not known.
        symbols: The name of each size that is not fixed; empty for the others, and for those without a name.
    """

    dtype: np.dtype[Any] | None
    shape: tuple[int | None, ...] | None
    symbols: tuple[str, ...] = ()


def loaded(source: Any) -> Any:
    """The ModelProto of a source, with weights from its files, and functions of the model written out.

    Args:
        source: A path, bytes, or a ModelProto.

    Raises:
        SpecError: It is not a valid ONNX model.
    """
    onnx = need("onnx", "onnx")
    inliner = need("onnx.inliner", "onnx")
    try:
        if isinstance(source, str | Path):
            model = onnx.load(str(source))
        elif isinstance(source, bytes):
            model = onnx.load_from_string(source)
        else:
            model = onnx.ModelProto()
            model.CopyFrom(source)
        if model.functions:
            model = inliner.inline_local_functions(model)
    except Exception as error:  # protobuf and onnx raise their own classes
        name = str(source) if isinstance(source, str | Path) else "the source"
        raise SpecError(f"{name} cannot be read as an ONNX model: {reason(error)}") from None
    if not model.graph.node and not model.graph.output:
        raise SpecError("the ONNX model has no graph")
    return model


def check_names(given: Iterable[str], declared: Iterable[str]) -> None:
    """Check that all names are names of inputs.

    Raises:
        FeatureError: One is not.
    """
    names = list(declared)
    unknown = next((name for name in given if name not in names), None)
    if unknown is not None:
        raise FeatureError(f"there is no input {quoted(unknown)}; the inputs are {', '.join(map(quoted, names))}")


def with_constants(model: Any, values: Mapping[str, Any]) -> Any:
    """The model with fixed values in place of some of its inputs.

    Args:
        model: A ModelProto, which is changed.
        values: {input: array}.

    Raises:
        FeatureError: There is no such input.
    """
    numpy_helper = need("onnx.numpy_helper", "onnx")
    declared = {info.name: value_type(info) for info in model.graph.input}
    check_names(values, declared)
    for name, value in values.items():
        array = np.asarray(value, declared[name].dtype)
        kept = [tensor for tensor in model.graph.initializer if tensor.name != name]
        del model.graph.initializer[:]
        model.graph.initializer.extend([*kept, numpy_helper.from_array(array, name)])
    return model


def opset_versions(model: Any) -> dict[str, int]:
    """{domain: version of its operator set}; ONNX's own domain is the empty one."""
    return {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import}


def to_array(tensor: Any) -> Array:
    """The values of a TensorProto.

    Raises:
        SpecError: They are damaged, or in an external file that was not read.
    """
    numpy_helper = need("onnx.numpy_helper", "onnx")
    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:
        raise SpecError(f"the values of {quoted(tensor.name)} cannot be read: {reason(error)}") from None


def element_type(code: int) -> np.dtype[Any] | None:
    """The NumPy type of an ONNX element type; None for unknown ones."""
    helper = need("onnx.helper", "onnx")
    try:
        return np.dtype(helper.tensor_dtype_to_np_dtype(code))
    except (KeyError, TypeError, ValueError):
        return None


def value_type(info: Any) -> ValueType:
    """The type in a ValueInfoProto."""
    if not info.type.HasField("tensor_type"):
        return ValueType(None, None)
    tensor = info.type.tensor_type
    dtype = element_type(tensor.elem_type)
    if not tensor.HasField("shape"):
        return ValueType(dtype, None)
    sizes = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None for dim in tensor.shape.dim]
    return ValueType(dtype, tuple(sizes), tuple(dim.dim_param for dim in tensor.shape.dim))


def node_types(model: Any) -> dict[str, ValueType]:
    """{value: its type} for all values of a model, as far as ONNX infers them, sub-graphs included."""
    onnx = need("onnx", "onnx")
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_propagation=True)
    except Exception:  # a model of 2 GB or more, or one that inference does not support; declared types remain
        inferred = model
    return {
        info.name: value_type(info)
        for graph in _graphs(inferred.graph)
        for info in (*graph.value_info, *graph.input, *graph.output)
    }


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for inner in sub_graphs(node):
            yield from _graphs(inner)


def sub_graphs(node: Any) -> list[Any]:
    """The graphs among a node's attributes."""
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def attribute_values(node: Any) -> dict[str, Any]:
    """{attribute: value} of a node: numbers, text, arrays, tuples of them, or graphs.

    Raises:
        SpecError: An array is damaged.
    """
    helper = need("onnx.helper", "onnx")
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        elif type(value).__name__ == "TensorProto":
            value = to_array(value)
        elif type(value).__name__ == "SparseTensorProto":
            value = _dense(value)
        elif isinstance(value, list | tuple) or not isinstance(value, int | float | str | type(node)):
            value = _plain_items(value) if _is_many(value) else value
        found[attribute.name] = value
    return found


def stored_values(graph: Any) -> dict[str, Array]:
    """{name: value} of the values that a graph stores.

    Raises:
        SpecError: They are damaged, or in an external file that was not read.
    """
    dense = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    return dense | {tensor.values.name: _dense(tensor) for tensor in graph.sparse_initializer}


def _dense(sparse: Any) -> Array:
    """All elements of a SparseTensorProto, whose indices refer to the flat tensor or to each axis."""
    values, indices = to_array(sparse.values), to_array(sparse.indices)
    made = np.zeros(tuple(sparse.dims), values.dtype)
    try:
        made[np.unravel_index(indices, made.shape) if indices.ndim == 1 else tuple(indices.T)] = values
    except (IndexError, ValueError) as error:
        raise SpecError(f"the sparse tensor {quoted(sparse.values.name)} is damaged: {error}") from None
    return made


def _is_many(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, str | np.ndarray)


def _plain_items(values: Any) -> tuple[Any, ...]:
    return tuple(value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values)
