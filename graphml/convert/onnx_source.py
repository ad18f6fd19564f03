"""ONNX models: graphml converts them to networks, the package onnx2coreml to ML Programs."""

# the onnx package is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphml.convert.coremltools import load_coremltools, quiet, translation_of
from graphml.convert.finishing import finish_network
from graphml.convert.request import Axis, ConversionRequest, Flexible, Input, open_axis
from graphml.convert.source import OperatorUse, TensorSource, Translation, counted, unsupported_operators
from graphml.convert.versions import tried, version
from graphml.errors import GraphmlError, SpecError, need, reason, typed
from graphml.inspect.references import Array, Given, Reference
from graphml.interop.onnx import onnx_session, run_onnx, run_session

if TYPE_CHECKING:
    from graphml.convert.onnx import Converted


class OnnxSource(TensorSource):
    """An ONNX model.

    Args:
        source: A path, bytes or a ModelProto.
        request: The request.
        what: A description of it.

    Raises:
        SpecError: It cannot be read.
        FeatureError: Inputs are described that it does not have.
    """

    def __init__(self, source: Any, request: ConversionRequest, what: str = "an ONNX model") -> None:
        self.request = request
        self.model = _read(source)
        opset = max((entry.version for entry in self.model.opset_import if entry.domain in ("", "ai.onnx")), default=1)
        self.what = f"{what} (opset {opset})"
        declared = _declared(self.model)
        self._inputs = _with_named_axes(declared, request.named(declared))
        names = dict(zip(declared, self._inputs, strict=True))
        if request.outputs:
            names |= dict(zip([value.name for value in self.model.graph.output], request.outputs, strict=False))
        _rename(self.model.graph, {old: new for old, new in names.items() if old != new})
        _reshape(self.model.graph, self._inputs)

    @property
    def inputs(self) -> Mapping[str, Input]:
        return self._inputs

    def translate(self) -> Translation:
        if self.request.to == "neuralnetwork":
            return _from_onnx(self.model, self.request, self._inputs)
        return self._program()

    def _program(self) -> Translation:
        """The model as an ML Program. The package writes fixed shapes."""
        load_coremltools()
        converter = need("onnx2coreml", "onnx2coreml")
        notes: list[str] = []
        model = _copied(self.model)
        for value in model.graph.input:
            one = self._inputs.get(value.name)
            if one is None:
                continue
            if one.flexible:
                notes.append(f"onnx2coreml writes fixed shapes: {value.name!r} is {list(one.default_shape)}")
            del value.type.tensor_type.shape.dim[:]
            for size in one.default_shape:
                value.type.tensor_type.shape.dim.add(dim_value=size)
        self._inputs = {n: Input(o.default_shape, o.dtype, o.example) for n, o in self._inputs.items()}
        by = f"onnx2coreml {version('onnx2coreml')}"
        try:
            with quiet():
                precision = "fp16" if self.request.precision == "float16" else "fp32"
                found = converter.convert(model, format="mlpackage", compute_precision=precision)
        except Exception as error:
            missing: Mapping[str, list[str]] = getattr(error, "missing", {})
            if missing:
                uses = [
                    OperatorUse(kind, len(nodes), "", "it has no converter", tuple(nodes))
                    for kind, nodes in missing.items()
                ]
                raise unsupported_operators(self.what, by, uses) from None
            raise typed(error, f"{by} fails to convert {self.what}", tried(["onnx2coreml", "onnx"])) from error
        return translation_of(found, by, notes, self._inputs, {})

    def operators(self) -> list[OperatorUse]:
        if self.request.to == "mlprogram":
            return counted((node.op_type, node.name, "") for node in _nodes(self.model.graph))
        return _uses_of_onnx(self.model, self._inputs)

    def weights(self) -> Mapping[str, tuple[Array, bool]]:
        helper = need("onnx.numpy_helper", "onnx")
        found = {tensor.name: helper.to_array(tensor) for tensor in self.model.graph.initializer}
        return {name: (array, True) for name, array in found.items() if array.dtype.kind == "f"}

    @functools.cached_property
    def _session(self) -> Any:
        try:
            return onnx_session(self.model)
        except Exception as error:  # onnxruntime raises its own classes
            raise SpecError(f"onnxruntime cannot load {self.what}: {error}") from None

    def reference(self) -> Reference:
        def arrays(given: Given) -> dict[str, Array]:
            return dict(zip(self._inputs, self.arguments(given), strict=True))

        return Reference(
            "the ONNX graph",
            lambda given: run_session(self._session, arrays(given)),
            lambda given: run_onnx(self.model, arrays(given)),
        )


def _from_onnx(model: Any, request: ConversionRequest, inputs: Mapping[str, Input]) -> Translation:
    """The network that graphml's converter makes from an ONNX model."""
    found, notes = _network(model, inputs)
    finish_network(found.model, request, inputs)
    lines = [f"{note.name} ({note.kind}) -> {', '.join(note.layers) or 'nothing'}" for note in found.nodes]
    return Translation(found.model, "graphml", tuple(lines), tuple(notes))


def _network(model: Any, inputs: Mapping[str, Input]) -> tuple[Converted, list[str]]:
    """The converted model, and notes on the assumptions that were needed.

    Unnamed axes may differ, as height and width do. If the model cannot be converted this way, axes with equal ranges
    are assumed to change together.
    """
    from graphml.convert.onnx import UnsupportedNodes, network_from_onnx

    try:
        return network_from_onnx(model, shapes=_shapes(inputs)), []
    except UnsupportedNodes:
        places: dict[Flexible, list[str]] = {}
        for name, one in inputs.items():
            for position, axis in enumerate(one.shape or ()):
                if isinstance(axis, Flexible) and not axis.name:
                    places.setdefault(axis, []).append(f"{name}[{position}]")
        together = {axis: where for axis, where in places.items() if len(where) > 1}
        if not together:
            raise
    tied = {
        name: replace(one, shape=tuple(replace(a, name=together[a][0]) if a in together else a for a in one.shape))
        for name, one in inputs.items()
        if one.shape is not None
    }
    model = _copied(model)
    _reshape(model.graph, tied)
    notes = [f"sizes that must be equal: {', '.join(where)}" for where in together.values()]
    return network_from_onnx(model, shapes=_shapes(inputs)), notes


def _uses_of_onnx(model: Any, inputs: Mapping[str, Input]) -> list[OperatorUse]:
    """The operators of an ONNX model and the layers that they become; first those that cannot be
    converted."""
    from graphml.convert.onnx import UnsupportedNodes

    refused: list[OperatorUse] = []
    try:
        notes = _network(model, inputs)[0].nodes
    except UnsupportedNodes as error:
        notes = error.notes
        refused = counted((fault.kind or "output", fault.name, fault.reason) for fault in error.faults)
    found: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        layers = ", ".join(dict.fromkeys(note.layers)) or "nothing: it is computed while converting"
        found.setdefault((note.kind, f"{layers}{' (dynamic)' if note.dynamic else ''}"), []).append(note.name)
    uses = [OperatorUse(kind, len(names), layers, "", tuple(names)) for (kind, layers), names in found.items()]
    return [*refused, *sorted(uses, key=lambda use: (-use.count, use.operator))]


def _shapes(inputs: Mapping[str, Input]) -> dict[str, list[Any]]:
    """{input: sizes} as `network_from_onnx` takes them; a range is (low, high)."""
    return {
        name: [(axis.low, axis.high) if isinstance(axis, Flexible) else axis for axis in one.shape]
        for name, one in inputs.items()
        if one.shape is not None
    }


# Messages ------------------------------------------------------------------------------------------------------------


def _read(source: Any) -> Any:
    """A ModelProto that may be changed."""
    onnx = need("onnx", "onnx")
    if not isinstance(source, str | Path | bytes | bytearray | memoryview):
        return _copied(source)
    try:
        if isinstance(source, str | Path):
            return onnx.load(str(source))
        return onnx.load_from_string(bytes(source))
    except Exception as error:  # protobuf raises its own classes
        name = str(source) if isinstance(source, str | Path) else "the bytes"
        raise SpecError(f"{name} cannot be read as an ONNX model: {reason(error)}") from None


def _copied(model: Any) -> Any:
    found = type(model)()
    found.CopyFrom(model)
    return found


def _declared(model: Any) -> dict[str, Input]:
    helper = need("onnx.helper", "onnx")
    stored = {tensor.name for tensor in model.graph.initializer}
    found: dict[str, Input] = {}
    named: dict[str, Flexible] = {}  # one size for each name, also across axes of several inputs

    def axis(position: int, dim: Any) -> int | Flexible:
        if dim.HasField("dim_value"):
            return int(dim.dim_value)
        made = open_axis(position, dim.dim_param)
        return named.setdefault(dim.dim_param, made) if dim.dim_param else made

    for value in model.graph.input:
        if value.name in stored:
            continue
        kind = value.type.tensor_type
        axes = tuple(axis(position, dim) for position, dim in enumerate(kind.shape.dim))
        try:
            dtype = str(helper.tensor_dtype_to_np_dtype(kind.elem_type))
        except (KeyError, ValueError):  # a sequence or an optional value
            raise GraphmlError(f"the input {value.name!r} is not a tensor of numbers") from None
        found[value.name] = Input(axes if kind.HasField("shape") else None, dtype)
    return found


def _with_named_axes(declared: Mapping[str, Input], described: Mapping[str, Input]) -> dict[str, Input]:
    """What the caller says about a named axis applies to all axes with that name."""
    said: dict[str, Axis] = {}

    def axis(own: Axis, given: Axis) -> Axis:
        if not isinstance(own, Flexible) or not own.name:
            return given
        if given == own:
            return said.get(own.name, own)
        found = replace(given, name=given.name or own.name) if isinstance(given, Flexible) else given
        said.setdefault(own.name, found)
        return found

    def filled(old: Input, new: Input) -> Input:
        if old.shape is None or new.shape is None or len(old.shape) != len(new.shape):
            return new
        return replace(new, shape=tuple(map(axis, old.shape, new.shape)))

    first = map(filled, declared.values(), described.values())  # collects the sizes by name
    return dict(zip(described, map(filled, declared.values(), list(first)), strict=True))


def _nodes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _nodes(inner)


def _reshape(graph: Any, inputs: Mapping[str, Input]) -> None:
    """Write the shapes of inputs, so that onnxruntime accepts the requested sizes."""
    for value in graph.input:
        one = inputs.get(value.name)
        if one is None or one.shape is None:
            continue
        del value.type.tensor_type.shape.dim[:]
        for position, axis in enumerate(one.shape):
            dim = value.type.tensor_type.shape.dim.add()
            if isinstance(axis, Flexible):
                dim.dim_param = axis.name or f"{value.name}_{position}"
            else:
                dim.dim_value = axis


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Rename values of a graph, also where its sub-graphs read them."""
    if not names:
        return
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = names.get(value.name, value.name)
    for node in _nodes(graph):
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                for value in inner.output:
                    value.name = names.get(value.name, value.name)
