"""Turns the written layers into a model: removes unused layers, and names everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from graphml.build.datatypes import array
from graphml.build.network import NeuralNetworkBuilder
from graphml.convert.onnx.interface import OnnxInput
from graphml.convert.onnx.joining import with_biases
from graphml.convert.onnx.tensors import LARGEST_RANK, Tensor, blob_shape
from graphml.convert.onnx.writer import LayerStep, Writer
from graphml.errors import UnsupportedError, quoted
from graphml.naming import Names
from graphml.spec import layers
from graphml.spec.attributes import weight_messages
from graphml.spec.wire.model_pb2 import Model


def assembled(
    writer: Writer, inputs: Sequence[OnnxInput], entered: Sequence[Tensor], names: Sequence[str], results: list[Tensor]
) -> Model:
    """The model that consists of the written layers.

    Args:
        writer: The writer of the layers.
        inputs: The inputs of the model.
        entered: Their tensors.
        names: The names of the outputs.
        results: Their tensors.

    Raises:
        UnsupportedError: An output is a constant that a network cannot hold.
    """
    _name_outputs(writer, entered, names, results)
    wanted = {id(tensor) for tensor in results}
    steps = _needed(with_biases(_needed(writer.steps, set(wanted)), wanted), set(wanted))
    _name_blobs(steps, [*entered, *results])
    builder = NeuralNetworkBuilder(
        [(each.name, _input_type(each)) for each in inputs],
        [(name, _output_type(name, tensor)) for name, tensor in zip(names, results, strict=True)],
        disable_rank5_shape_mapping=True,
    )
    labels = _LayerNames(steps)
    for step in steps:
        builder.network.layers.append(_message(step, labels))
    return builder.spec


def _name_outputs(writer: Writer, entered: Sequence[Tensor], names: Sequence[str], results: list[Tensor]) -> None:
    """Give the outputs their names; inputs, constants and values that already are outputs are copied."""
    taken = {id(tensor) for tensor in entered}
    loaded = {id(out) for step in writer.steps if not step.inputs and not step.regions for out in step.outputs}
    for i, name in enumerate(names):
        tensor = results[i]
        if id(tensor) in taken or id(tensor) in loaded or not writer.exists(tensor):
            tensor = results[i] = writer.layer("copy", [tensor], dtype=tensor.dtype, shapes=tensor.shapes)
        tensor.name = name
        taken.add(id(tensor))


# What is needed ------------------------------------------------------------------------------------------------------


def _needed(steps: Sequence[LayerStep], wanted: set[int]) -> list[LayerStep]:
    """The layers that the wanted blobs depend on. The blobs that these read are added to `wanted`."""
    kept: list[LayerStep] = []
    for step in reversed(steps):
        if step.regions:
            if wanted.isdisjoint(map(id, _rewritten(step))):
                continue
            wanted |= {id(tensor) for tensor in step.keeps}
            for name, inner in reversed(step.regions.items()):
                wanted |= {id(tensor) for tensor in _rewritten(step)}
                step.regions[name] = _needed(inner, wanted)
        elif wanted.isdisjoint(map(id, step.outputs)):
            continue
        elif not step.rewrites:
            wanted -= {id(tensor) for tensor in step.outputs}
        wanted |= {id(tensor) for tensor in step.inputs}
        kept.append(step)
    return kept[::-1]


def _rewritten(step: LayerStep) -> Iterator[Tensor]:
    """The blobs that the sub-networks of a step write and others read."""
    for inner in step.regions.values():
        for each in inner:
            if each.rewrites:
                yield from each.outputs
            yield from _rewritten(each)


# Names ---------------------------------------------------------------------------------------------------------------


def _walk(steps: Iterable[LayerStep]) -> Iterator[LayerStep]:
    for step in steps:
        for inner in step.regions.values():
            yield from _walk(inner)
        yield step


def _name_blobs(steps: Sequence[LayerStep], features: Sequence[Tensor]) -> None:
    """Give every blob a unique name. Features and values of ONNX keep theirs. Other blobs that the layers of a node
    write get longer ones, so that a comparison by names does not mistake them for values of ONNX."""
    names = Names(tensor.name for tensor in features)
    named = {id(tensor) for tensor in features}
    written = [(tensor, step) for step in _walk(steps) for tensor in step.outputs]
    for tensor, step in sorted(written, key=lambda pair: not pair[0].name):
        if id(tensor) not in named:
            tensor.name = names.free(tensor.name or _longer(step))
            named.add(id(tensor))


class _LayerNames:
    """The names of layers: the node's name for the layer with its weights, or else for its last one; longer ones for
    the rest."""

    def __init__(self, steps: Sequence[LayerStep]) -> None:
        whole = list(_walk(steps))
        weighted = Counter(step.origin for step in whole if _has_weights(step))
        self._main: dict[str, int] = {}
        for step in whole:
            if weighted[step.origin] != 1 or _has_weights(step):
                self._main[step.origin] = id(step)
        self._names = Names(origin for origin in self._main if origin)

    def __call__(self, step: LayerStep) -> str:
        if step.origin and self._main.get(step.origin) == id(step):
            return step.origin
        return self._names.free(_longer(step))


def _longer(step: LayerStep) -> str:
    """The name of a node and the kind of one of its layers."""
    return "/".join(filter(None, (step.origin, str(step.message.WhichOneof("layer")))))


def _has_weights(step: LayerStep) -> bool:
    return step.message.WhichOneof("layer") != "loadConstantND" and any(True for _ in weight_messages(step.message))


# Messages ------------------------------------------------------------------------------------------------------------


def _message(step: LayerStep, labels: _LayerNames) -> Any:
    message = step.message
    message.name = labels(step)
    message.input.extend(tensor.name for tensor in step.inputs)
    if not step.regions:
        message.output.extend(tensor.name for tensor in step.outputs)
        return message
    kind = str(message.WhichOneof("layer"))
    params = getattr(message, kind)
    for field in layers.REGIONS[kind]:
        if step.regions.get(field):
            getattr(params, field).layers.extend(_message(inner, labels) for inner in step.regions[field])
    if step.keeps:
        params.conditionVar = step.keeps[0].name
    return message


def _input_type(each: OnnxInput) -> Any:
    shape = blob_shape(each.shapes[0])
    if any(size == 0 for size in shape):
        raise UnsupportedError(f"the input {each.name!r} is empty, shape {list(shape)}")
    feature: Any = array(*shape, dtype=_dtype(each.dtype))
    if any(not isinstance(size, int) for size in each.axes):
        for size in each.axes:
            low, high = size if isinstance(size, tuple) else (1, None) if size is None else (size, size)
            feature.multiArrayType.shapeRange.sizeRanges.add(lowerBound=low, upperBound=-1 if high is None else high)
    return feature


def _output_type(name: str, tensor: Tensor) -> Any:
    shape = tensor.shape
    if len(shape) > LARGEST_RANK:
        raise UnsupportedError(f"the output {quoted(name)} has {len(shape)} axes; a network has at most {LARGEST_RANK}")
    known = [int(size) for size in shape if size is not None]
    sizes = blob_shape(tuple(known)) if len(known) == len(shape) and 0 not in known else ()
    return array(*sizes, dtype=_dtype(tensor.dtype))


def _dtype(dtype: np.dtype[Any]) -> Any:
    """The declared type. Floats are float32, as the network computes them, unless they are double in ONNX."""
    return "int32" if dtype.kind in "iub" else "float64" if dtype == np.float64 else "float32"
