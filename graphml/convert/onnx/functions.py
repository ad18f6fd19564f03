"""The bodies of operators that ONNX defines in terms of other operators."""

# the onnx package is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphml.convert.onnx.tensors import Tensor, TensorList, Value
from graphml.errors import need


def function_of(node: Any, opset: int, inputs: Sequence[Value]) -> Any | None:
    """The body of a node's operator, a FunctionProto with the node's attributes filled in.

    Args:
        node: A NodeProto.
        opset: The version of its operator set.
        inputs: What it reads, on whose types the body may depend.

    Returns:
        The body; None if ONNX does not define the operator by others.
    """
    onnx = need("onnx", "onnx")
    domain = "" if node.domain == "ai.onnx" else node.domain
    if not onnx.defs.has(node.op_type, opset, domain):
        return None
    schema = onnx.defs.get_schema(node.op_type, opset, domain)
    function = onnx.FunctionProto()
    try:
        function.ParseFromString(_stored(schema, node, opset, inputs))
    except Exception:  # it raises various classes if it lacks a type
        return None
    if not function.node:
        return None
    defaults = {name: each.default_value for name, each in schema.attributes.items() if each.default_value.name}
    _fill_in(function.node, defaults | {attribute.name: attribute for attribute in node.attribute})
    return function


def _stored(schema: Any, node: Any, opset: int, inputs: Sequence[Value]) -> bytes:
    """A function as bytes, in the newest version that the opset allows; empty if there is none."""
    if schema.has_context_dependent_function:
        types = [_type(value).SerializeToString() for value in inputs]
        version = _newest(schema.context_dependent_function_opset_versions, opset)
        return schema.get_context_dependent_function_with_opset_version(version, node.SerializeToString(), types)
    if not schema.has_function:
        return b""
    return schema.get_function_with_opset_version(_newest(schema.function_opset_versions, opset))


def _newest(versions: Sequence[int], opset: int) -> int:
    return max((each for each in versions if each <= opset), default=min(versions))


def _type(value: Value) -> Any:
    helper = need("onnx.helper", "onnx")
    if isinstance(value, Tensor):
        return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
    if isinstance(value, TensorList) and value.items:
        return helper.make_sequence_type_proto(_type(value.items[0]))
    return need("onnx", "onnx").TypeProto()


def _fill_in(nodes: Iterable[Any], values: Mapping[str, Any]) -> None:
    """Replace each reference to an attribute by its value, or remove it if there is none."""
    for node in nodes:
        kept: list[Any] = []
        for attribute in node.attribute:
            if attribute.ref_attr_name:
                value = values.get(attribute.ref_attr_name)
                if value is None:
                    continue
                name = attribute.name
                attribute.CopyFrom(value)
                attribute.name = name
            if attribute.HasField("g"):
                _fill_in(attribute.g.node, values)
            kept.append(attribute)
        if len(kept) < len(node.attribute):
            copies = [type(each)() for each in kept]
            for copy, each in zip(copies, kept, strict=True):
                copy.CopyFrom(each)
            del node.attribute[:]
            node.attribute.extend(copies)
