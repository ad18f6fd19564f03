"""Converts an ONNX model to a neural network: node by node, in the order of the graph."""

# the onnx package is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphml.convert.onnx import catalogue
from graphml.convert.onnx.assembly import assembled
from graphml.convert.onnx.folding import folded
from graphml.convert.onnx.functions import function_of
from graphml.convert.onnx.interface import Axis, OnnxInput, interface_inputs
from graphml.convert.onnx.model import (
    attribute_values,
    loaded,
    node_types,
    opset_versions,
    stored_values,
    sub_graphs,
    with_constants,
)
from graphml.convert.onnx.tensors import Tensor, TensorList, Value
from graphml.convert.onnx.unsupported import Fault, Unconvertible, refusal
from graphml.convert.onnx.writer import LayerStep, NodeFacts, SizesVary, Writer
from graphml.errors import GraphError, GraphmlError, quoted, typed
from graphml.spec.wire.model_pb2 import Model

Scope = ChainMap[str, Value]


@dataclass(frozen=True)
class NodeNote:
    """How a node was converted.

    Attributes:
        name: The name of the node, or of its first output.
        kind: The operator.
        layers: The kinds of layers that it became; empty if it was folded, or needs none.
        dynamic: Whether a size of its outputs depends on the inputs.
    """

    name: str
    kind: str
    layers: tuple[str, ...]
    dynamic: bool


@dataclass(frozen=True)
class Converted:
    """A converted ONNX model.

    Attributes:
        model: The Core ML model.
        nodes: How each node was converted.
    """

    model: Model
    nodes: tuple[NodeNote, ...]


def network_from_onnx(
    source: Any, *, shapes: Mapping[str, Sequence[Axis]] | None = None, constants: Mapping[str, Any] | None = None
) -> Converted:
    """Convert an ONNX model to a neural network (specification 4 or 5).

    Args:
        source: A file, bytes, or a ModelProto.
        shapes: {input: its shape}. A size is a number, a range (low, high), with a high of None for no bound, or None
            for any. Default: as the model declares it; undeclared sizes may be any size.
        constants: {input: array} for inputs that get a fixed value and are not inputs of the result: axes, shapes,
            window sizes and other values that layers need as constants.

    Returns:
        The model, and how each node was converted.

    Raises:
        SpecError: The source is not a valid ONNX model.
        FeatureError: `shapes` or `constants` do not fit the inputs.
        UnsupportedError: Nodes cannot be converted. The message lists all of them, with counts, names and reasons.
    """
    model = with_constants(loaded(source), constants or {})
    inputs = interface_inputs(model, shapes or {})
    try:
        return _Conversion(model, inputs).run()
    except SizesVary:
        return _Conversion(model, [replace(each, shapes=each.shapes * 2) for each in inputs]).run()


class _Conversion:
    def __init__(self, model: Any, inputs: Sequence[OnnxInput]) -> None:
        self._model = model
        self._inputs = inputs
        self._opsets = opset_versions(model)
        self._types = node_types(model)
        self._writer = Writer(len(inputs[0].shapes) if inputs else 2, self._inline)
        self._scope: Scope = ChainMap()
        self._faults: list[Fault] = []
        self._notes: list[NodeNote] = []
        self._inside = ""  # prefix for the names of values in the body of an operator

    def run(self) -> Converted:
        graph = self._model.graph
        self._store(graph)
        entered: list[Tensor] = []
        for each in self._inputs:
            tensor = self._writer.adopt(Tensor(each.dtype, each.shapes, name=each.name))
            entered.append(tensor)
            self._writer.features.append(tensor)
            self._scope[each.name] = tensor
        self._nodes(graph.node)
        outputs = [self._output(value.name) for value in graph.output]
        if self._faults:
            raise refusal(self._faults, self._notes)
        names = [value.name for value in graph.output]
        results = [value for value in outputs if value is not None]
        return Converted(assembled(self._writer, self._inputs, entered, names, results), tuple(self._notes))

    def _output(self, name: str) -> Tensor | None:
        value = self._scope.get(name)
        if isinstance(value, Tensor):
            return value
        if not self._faults:
            what = "a sequence" if isinstance(value, TensorList) else "not written by any node"
            self._faults.append(Fault("", name, f"the output {quoted(name)} is {what}"))
        return None

    # Graphs ----------------------------------------------------------------------------------------------------------

    def _inline(self, graph: Any, inputs: Sequence[Value]) -> list[Value]:
        """Convert the nodes of a sub-graph at the writer's current position."""
        outer, facts, faults, notes = self._scope, self._writer.node, self._faults, len(self._notes)
        self._scope, self._faults = outer.new_child(), []
        try:
            self._store(graph)
            for declared, value in zip(graph.input, inputs, strict=True):
                self._scope[declared.name] = value
            self._nodes(graph.node)
            if self._faults:
                raise Unconvertible(follows=True, faults=self._faults)
            return [self._read(output.name) for output in graph.output]
        except Exception:
            del self._notes[notes:]  # the operator may try another form
            raise
        finally:
            self._scope, self._writer.node, self._faults = outer, facts, faults

    def _nodes(self, nodes: Sequence[Any]) -> None:
        for node in nodes:
            try:
                self._node(node)
            except Unconvertible as fault:
                self._faults += fault.faults
                if not fault.follows:
                    self._faults.append(Fault(node.op_type, _label(node), str(fault)))
                self._scope.update({name: _Missing() for name in node.output if name})

    def _node(self, node: Any) -> None:
        domain = "" if node.domain == "ai.onnx" else node.domain
        opset = self._opsets.get(domain, 1)
        inputs = [self._read(name) if name else None for name in node.input]
        tensors = [value for value in inputs if isinstance(value, Tensor | None)]
        foldable = len(tensors) == len(inputs) and not sub_graphs(node)
        known = folded(node, opset, tensors, self._writer.sets) if foldable else None
        if known is not None and all(tensor.constant is not None for tensor in known):
            self._define(node, known, [])
            return
        row = catalogue.find(domain, node.op_type, opset)
        current = self._writer.current
        before = len(current)
        if row is None:
            function = function_of(node, opset, inputs)
            if function is not None:
                results = self._call(function, node, inputs)
                self._define(node, results, _kinds(current[before:]))
                return
            raise Unconvertible(f"the operator is not supported{f' (domain {domain})' if domain else ''}")
        declared = [self._types.get(name) for name in node.output]
        self._writer.node = NodeFacts(
            node.op_type,
            _label(node),
            opset,
            tuple(bool(name) for name in node.output),
            tuple(None if each is None else each.dtype for each in declared),
            tuple(None if each is None else each.shape for each in declared),
        )
        try:
            arguments, attributes = self._arguments(row, node, inputs)
            made = row.convert(self._writer, *arguments, **attributes)
        except (Unconvertible, SizesVary):
            raise
        except GraphmlError as error:
            raise Unconvertible(str(error)) from error
        except Exception as error:
            raise typed(error, f"{node.op_type} {quoted(_label(node))}") from error
        results = [made] if isinstance(made, Tensor | TensorList | None) else list(made)
        for result, fact in zip(results, known or (), strict=False):
            if isinstance(result, Tensor):
                result.known = fact.known
        self._define(node, results, _kinds(current[before:]))

    def _call(self, function: Any, node: Any, inputs: Sequence[Value]) -> list[Value]:
        """Convert the body of an operator that is defined by others."""
        scope, types, opsets, faults, notes = self._scope, self._types, self._opsets, self._faults, len(self._notes)
        inside = self._inside
        absent: list[Value] = [None] * (len(function.input) - len(inputs))
        self._scope = ChainMap(dict(zip(function.input, [*inputs, *absent], strict=True)))
        self._types, self._faults = {}, []
        self._opsets = opsets | opset_versions(function)
        self._inside = f"{_label(node)}/"
        try:
            for inner in function.node:
                inner.name = f"{_label(node)}/{_label(inner)}"
            self._nodes(function.node)
            if self._faults:
                fault = self._faults[0]
                reason = f"it consists of other operators, of which {fault.kind} cannot be converted: {fault.reason}"
                raise Unconvertible(reason)
            return [self._read(name) for name in function.output[: len(node.output)]]
        finally:
            self._scope, self._types, self._opsets, self._faults, self._inside = scope, types, opsets, faults, inside
            del self._notes[notes:]

    def _define(self, node: Any, results: Sequence[Value], kinds: Sequence[str]) -> None:
        for name, result in zip(node.output, results, strict=False):
            if not name:
                continue
            if isinstance(result, Tensor) and (not result.name or result.name.startswith(f"{_label(node)}/")):
                result.name = self._inside + name
            self._scope[name] = result
        dynamic = any(isinstance(each, Tensor) and None in each.shape for each in results)
        self._notes.append(NodeNote(_label(node), node.op_type, tuple(kinds), dynamic))

    def _arguments(
        self, row: catalogue.OnnxOperator, node: Any, inputs: Sequence[Value]
    ) -> tuple[list[Value], dict[str, Any]]:
        attributes = attribute_values(node)
        arguments = list(inputs)
        for name in row.moved:
            if name not in attributes:
                continue
            position = row.parameters.index(name)
            arguments += [None] * (position + 1 - len(arguments))
            arguments[position] = self._writer.constant(_moved(attributes.pop(name)))
        for name in row.ignored:
            attributes.pop(name, None)
        unknown = sorted(attributes.keys() - row.attributes)
        if unknown:
            raise Unconvertible(f"the attribute {unknown[0]} is not supported")
        return arguments, attributes

    # Values ----------------------------------------------------------------------------------------------------------

    def _read(self, name: str) -> Value:
        if name not in self._scope:
            raise GraphError(f"nothing writes {quoted(name)}")
        value = self._scope[name]
        if isinstance(value, _Missing):
            raise Unconvertible("", follows=True)
        return value

    def _store(self, graph: Any) -> None:
        for name, value in stored_values(graph).items():
            made = self._scope[name] = self._writer.constant(value)
            made.name = name


class _Missing:
    """A placeholder for the outputs of a node that cannot be converted."""


def _moved(value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.int64)


def _kinds(steps: Sequence[LayerStep]) -> list[str]:
    return [str(step.message.WhichOneof("layer")) for step in steps]


def _label(node: Any) -> str:
    return str(node.name or next(iter(node.output), "") or node.op_type)
