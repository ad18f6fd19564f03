"""Frozen graphs of TensorFlow: the inputs are placeholders, the outputs are values that nothing reads."""

# TensorFlow is untyped
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphml.convert.request import ConversionRequest, Input, open_axis
from graphml.errors import FeatureError, SpecError, UnsupportedError, reason
from graphml.inspect.references import Array
from graphml.naming import Names

_VARIABLES = ("Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable")
_NO_OUTPUT = (
    "NoOp",
    "Assert",
    "Const",
    "Placeholder",
    "PlaceholderWithDefault",
    "SaveV2",
    "RestoreV2",
    "MergeV2Checkpoints",
)


@dataclass(frozen=True)
class OpenedGraph:
    """A frozen graph as a function.

    Attributes:
        function: The concrete function.
        inputs: {name: input}.
        outputs: The names of the operations that give the outputs.
    """

    function: Any
    inputs: Mapping[str, Input]
    outputs: list[str]


def read_graph(tf: Any, path: Path) -> Any:
    """Read a GraphDef from a .pb file, or from its text in a .pbtxt file.

    Args:
        tf: The package TensorFlow.
        path: The file.

    Raises:
        SpecError: It is not a GraphDef.
    """
    graph = tf.compat.v1.GraphDef()
    try:
        if path.suffix == ".pbtxt":
            from google.protobuf import text_format

            text_format.Parse(path.read_text(), graph)
        else:
            graph.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf raises its own classes
        hint = "; for a SavedModel, give its folder" if path.name == "saved_model.pb" else ""
        raise SpecError(f"{path} cannot be read as a frozen graph: {reason(error)}{hint}") from None
    if not graph.node:
        hint = "; for a SavedModel, give its folder" if path.name == "saved_model.pb" else ""
        raise SpecError(f"{path} cannot be read as a frozen graph: it has no nodes{hint}")
    return graph


def open_graph(tf: Any, graph: Any, request: ConversionRequest) -> OpenedGraph:
    """Make a concrete function of a frozen graph.

    Args:
        tf: The package TensorFlow.
        graph: A GraphDef.
        request: The request.

    Raises:
        UnsupportedError: The graph has variables.
        FeatureError: It has no inputs, or not those that were described.
        SpecError: TensorFlow cannot import it.
    """
    variables = [node.name for node in graph.node if node.op in _VARIABLES]
    if variables:
        raise UnsupportedError(
            f"the graph is not frozen: it has {len(variables)} variables, such as {variables[0]!r}; freeze it, or give "
            "the SavedModel"
        )
    copy = type(graph)()
    copy.CopyFrom(graph)
    _fill_in_defaults(copy)
    declared = {node.name: _declared(tf, node) for node in copy.node if node.op == "Placeholder"}
    if not declared:
        raise FeatureError("the graph has no placeholders, so it has no inputs")
    inputs = request.named(declared)
    ends = _ends(copy)
    names = dict(zip(declared, inputs, strict=True)) | dict(zip(ends, request.outputs, strict=False))
    _rename(copy, {old: new for old, new in names.items() if old != new} | _out_of_the_way(copy, names))
    ends = [names.get(name, name) for name in ends]
    try:
        whole = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(copy, name=""), [])
        outputs = [tensor for name in ends for tensor in whole.graph.get_operation_by_name(name).outputs]
        function = whole.prune([whole.graph.get_tensor_by_name(f"{name}:0") for name in inputs], outputs)
    except Exception as error:  # TensorFlow raises its own classes
        raise SpecError(f"TensorFlow cannot import the graph: {error}") from None
    return OpenedGraph(function, inputs, [tensor.name.removesuffix(":0") for tensor in outputs])


def chosen_signature(names: Sequence[str], wanted: str | None) -> str:
    """The signature of a SavedModel to convert.

    Args:
        names: Its signatures.
        wanted: The requested one; None: "serving_default", or the only one.

    Raises:
        FeatureError: There is no such signature, or none was requested and there are several.
    """
    if wanted is None:
        wanted = "serving_default" if "serving_default" in names else names[0] if len(names) == 1 else None
    if wanted is None or wanted not in names:
        listed = ", ".join(map(repr, names)) or "none"
        raise FeatureError(f"the SavedModel has no signature {wanted!r}; its signatures are {listed}")
    return wanted


def saved_signature(tf: Any, path: Path, wanted: str | None) -> Any:
    """A signature of a SavedModel whose objects cannot be restored, as a concrete function with constant weights.

    Args:
        tf: The package TensorFlow.
        path: The folder.
        wanted: The requested signature.

    Raises:
        FeatureError: There is no such signature.
        SpecError: The folder cannot be read.
    """
    graph, v1 = tf.Graph(), tf.compat.v1
    with graph.as_default(), v1.Session(graph=graph) as session:
        try:
            meta = v1.saved_model.load(session, ["serve"], str(path))
        except Exception as error:  # TensorFlow raises its own classes
            raise SpecError(f"the SavedModel cannot be loaded: {error}") from None
        signatures = {name: one for name, one in meta.signature_def.items() if one.inputs}
        signature = signatures[chosen_signature(list(signatures), wanted)]
        ends = list(dict.fromkeys(tensor.name.partition(":")[0] for tensor in signature.outputs.values()))
        constants = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ends)
    whole = v1.wrap_function(lambda: tf.graph_util.import_graph_def(constants, name=""), [])
    given = {name: whole.graph.get_tensor_by_name(tensor.name) for name, tensor in signature.inputs.items()}
    outputs = {name: whole.graph.get_tensor_by_name(tensor.name) for name, tensor in signature.outputs.items()}
    pruned = whole.prune(list(given.values()), outputs)

    def call(**tensors: Any) -> Any:
        return pruned(*(tensors[name] for name in given))

    specs = {name: tf.TensorSpec(tensor.shape, tensor.dtype, name) for name, tensor in given.items()}
    return tf.function(call, autograph=False).get_concrete_function(**specs)


def float_constants(tf: Any, graph: Any) -> dict[str, Array]:
    """The weights of a frozen graph: its constants with more than one element.

    Args:
        tf: The package TensorFlow.
        graph: A GraphDef.
    """
    found: dict[str, Array] = {}
    for node in graph.node:
        if node.op == "Const":
            array = np.asarray(tf.make_ndarray(node.attr["value"].tensor))
            if array.dtype.kind == "f" and array.size > 1:
                found[node.name] = array
    return found


def _fill_in_defaults(graph: Any) -> None:
    """Replace placeholders that have a default value by that value."""
    for node in graph.node:
        if node.op == "PlaceholderWithDefault":
            node.op = "Identity"
            node.attr["T"].CopyFrom(node.attr["dtype"])
            del node.attr["dtype"], node.attr["shape"]


def _declared(tf: Any, node: Any) -> Input:
    shape = node.attr["shape"].shape
    dtype = tf.as_dtype(node.attr["dtype"].type).name
    if shape.unknown_rank or "shape" not in node.attr:
        return Input(None, dtype)
    sizes = [dim.size for dim in shape.dim]
    return Input(tuple(open_axis(number) if size < 0 else size for number, size in enumerate(sizes)), dtype)


def _ends(graph: Any) -> list[str]:
    """The operations whose values nothing reads."""
    read = {name.lstrip("^").partition(":")[0] for node in graph.node for name in node.input}
    found = [node.name for node in graph.node if node.name not in read and node.op not in _NO_OUTPUT]
    if not found:
        raise FeatureError("the graph has no outputs: every value in it is read by another operation")
    return found


def _out_of_the_way(graph: Any, names: Mapping[str, str]) -> dict[str, str]:
    """New names for inner nodes whose name an input or output is to get."""
    free, wanted = Names(node.name for node in graph.node), set(names.values())
    return {node.name: free.free(node.name) for node in graph.node if node.name in wanted and node.name not in names}


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    if not names:
        return
    for node in graph.node:
        node.name = names.get(node.name, node.name)
        for position, text in enumerate(node.input):
            name, colon, number = text.lstrip("^").partition(":")
            if name in names:
                node.input[position] = f"{'^' if text.startswith('^') else ''}{names[name]}{colon}{number}"
