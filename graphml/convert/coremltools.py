"""Calls of coremltools' converters: its input types, its options, and its failures."""

# coremltools is untyped
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Generator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graphml.convert.request import INTEGERS, ConversionRequest, Flexible, ImageInput, Input, enumerated_shapes
from graphml.convert.source import TensorSource, Translation
from graphml.convert.versions import tried, version
from graphml.errors import GraphmlError, need, typed
from graphml.naming import Names
from graphml.spec import parse
from graphml.spec.networks import all_kinds, all_layers
from graphml.spec.program.programs import body, walk
from graphml.spec.program.values import encode
from graphml.spec.wire.features_pb2 import ArrayFeatureType
from graphml.spec.wire.model_pb2 import Model

MOST = 4096
"""The largest size of an unlimited axis in an ML Program, which needs limits."""


def load_coremltools() -> Any:
    """Import coremltools without the warnings that it prints.

    Raises:
        MissingExtraError: It is not installed.
    """
    logger = logging.getLogger("coremltools")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return need("coremltools", "coremltools")
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def quiet() -> Generator[list[str]]:
    """Hide progress bars and warnings of libraries; the warnings that were raised are added to the list."""
    said: list[str] = []
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
        said.extend(dict.fromkeys(str(warning.message) for warning in caught))


def translate(
    source: TensorSource,
    model: Any,
    inputs: Mapping[str, Input] | None,
    outputs: Sequence[str] | None,
    packages: Sequence[str],
    framework: str = "auto",
    renamed: Mapping[str, str] | None = None,
) -> Translation:
    """Convert with coremltools.

    Args:
        source: What is converted; its operators are listed if it fails.
        model: What `coremltools.convert` takes.
        inputs: The inputs; None: coremltools determines them.
        outputs: Names for the outputs; None: those of the model.
        packages: The packages whose versions a message names.
        renamed: {output: its name in the result}.
        framework: coremltools' name for the framework of the model, if it cannot detect it.

    Raises:
        UnsupportedError: Operators cannot be converted; the message lists all of them.
        GraphmlError: coremltools fails for another reason.
    """
    tools = load_coremltools()
    request = source.request
    notes: list[str] = []
    inputs = None if inputs is None else _limited(inputs, request, notes)
    own: dict[str, Any] = {"convert_to": request.to, "skip_model_load": True}
    if inputs is not None:
        own["inputs"] = input_types(tools, inputs)
    if outputs:
        own["outputs"] = [tools.TensorType(name=name) for name in outputs]
    if request.class_labels:
        own["classifier_config"] = tools.ClassifierConfig(list(request.class_labels))
    if request.to == "mlprogram":
        own["compute_precision"] = getattr(tools.precision, request.precision.upper())
    by = f"coremltools {version('coremltools')}"
    try:
        with quiet():
            found = tools.convert(model, source=framework, **own)
    except Exception as error:  # of any class: its operators raise many
        if isinstance(error, GraphmlError):
            raise
        source.refuse_unsupported(by)
        where = f"{by} fails to convert {source.what}"
        raise typed(error, where, tried(["coremltools", "numpy", *packages])) from error
    return translation_of(found, by, notes, inputs or {}, renamed or {})


def translation_of(
    model: Any,
    by: str,
    notes: Sequence[str],
    inputs: Mapping[str, Input],
    renamed: Mapping[str, str],
    message: Any = None,
) -> Translation:
    """The result of coremltools.

    Args:
        model: An MLModel.
        by: What converted it.
        notes: Notes for the caller.
        inputs: {name: input}; integers are declared as such, because coremltools declares all inputs of networks as
            float32.
        renamed: {output: its name in the result}.
        message: Its message, if it was changed.
    """
    message = model.get_spec() if message is None else message
    if message.WhichOneof("Type") == "mlProgram":
        for old, new in renamed.items():
            load_coremltools().utils.rename_feature(message, old, new, rename_inputs=False)
        folder = Path(model.package_path) / "Data" / "com.apple.CoreML" / "weights"
        weights = folder if folder.is_dir() else None
        return Translation(parse(message.SerializeToString()), by, (), tuple(notes), weights, model)
    spec = parse(message.SerializeToString())
    for feature in spec.description.input:
        one = inputs.get(feature.name)
        if one is not None and one.dtype in INTEGERS and feature.type.HasField("multiArrayType"):
            feature.type.multiArrayType.dataType = ArrayFeatureType.INT32
    network = getattr(spec, spec.WhichOneof("Type") or "")
    _write_once(network.layers, {one.name for one in spec.description.output})
    _rename_outputs(spec, network, renamed)
    return Translation(spec, by, (), tuple(notes))


def draw_anew(model: Model) -> None:
    """Let layers and operations with the seed 0 draw new numbers each time.

    In TensorFlow 0 means no seed; coremltools writes it as a seed.

    Args:
        model: A neural network or ML Program, which is changed.
    """
    if model.WhichOneof("Type") != "mlProgram":
        for _, params in all_layers(getattr(model, model.WhichOneof("Type") or "").layers):
            if getattr(params, "seed", None) == 0:
                params.seed = -1
        return
    for function in model.mlProgram.functions.values():
        operations = [operation for operation, _ in walk(body(function))]
        constants = {one.outputs[0].name: one.attributes["val"] for one in operations if one.type == "const"}
        for operation in operations:
            if operation.type.startswith("random_") and "seed" in operation.inputs:
                for bound in operation.inputs["seed"].arguments:
                    value = bound.value if bound.HasField("value") else constants[bound.name]
                    if not any(value.immediateValue.tensor.ints.values):
                        value.CopyFrom(encode(np.int32(-1)))


def _rename_outputs(spec: Model, network: Any, renamed: Mapping[str, str]) -> None:
    """Rename outputs of a network; other blobs with the new names get unused ones."""
    names = Names(name for layer in network.layers for name in (*layer.input, *layer.output))
    outputs = {feature.name: feature for feature in spec.description.output}
    wanted = {old: new for old, new in renamed.items() if old in outputs and old != new}
    inside = {new: names.free(new) for new in wanted.values() if new not in wanted} | wanted
    for layer in network.layers:
        layer.input[:] = [inside.get(name, name) for name in layer.input]
        layer.output[:] = [inside.get(name, name) for name in layer.output]
    for old, new in wanted.items():
        outputs[old].name = new
    description = spec.description
    description.predictedProbabilitiesName = wanted.get(
        description.predictedProbabilitiesName, description.predictedProbabilitiesName
    )
    if wanted and hasattr(network, "labelProbabilityLayerName"):
        network.labelProbabilityLayerName = wanted.get(
            network.labelProbabilityLayerName, network.labelProbabilityLayerName
        )


def _write_once(layers: Any, outputs: Set[str]) -> None:
    """Rename blobs that several layers write: coremltools uses some names of transposes twice. Networks with
    branches and loops, which overwrite blobs on purpose, stay unchanged."""
    if any(kind in ("branch", "loop") for kind in all_kinds(layers)):
        return
    names = Names(name for layer in layers for name in (*layer.input, *layer.output))
    last = {name: position for position, layer in enumerate(layers) for name in layer.output}
    written: set[str] = set()
    now: dict[str, str] = {}
    for position, layer in enumerate(layers):
        layer.input[:] = [now.get(name, name) for name in layer.input]
        for place, name in enumerate(layer.output):
            again = name in written or (name in outputs and last[name] != position)
            written.add(name)
            now.pop(name, None)
            if again and not (name in outputs and last[name] == position):
                layer.output[place] = now[name] = names.free(name)


def _limited(inputs: Mapping[str, Input], request: ConversionRequest, notes: list[str]) -> dict[str, Input]:
    """The inputs with a limit for each axis, if the format needs limits."""
    if request.to != "mlprogram":
        return dict(inputs)
    found = dict(inputs)
    for name, one in inputs.items():
        if any(axis.high is None for axis in one.flexible):
            shape = [
                replace(axis, high=MOST) if isinstance(axis, Flexible) and axis.high is None else axis
                for axis in one.shape or ()
            ]
            found[name] = replace(one, shape=tuple(shape))
            notes.append(f"ML Programs need limits: sizes of {name!r} without a limit go up to {MOST}")
    return found


def input_types(tools: Any, inputs: Mapping[str, Input]) -> list[Any]:
    """The inputs as coremltools input types.

    Args:
        tools: The package coremltools.
        inputs: {name: input}, with shapes.

    Raises:
        FeatureError: An image input does not have the shape of an image.
    """
    return [_input_type(tools, name, one) for name, one in inputs.items()]


def _input_type(tools: Any, name: str, one: Input) -> Any:
    import numpy as np

    shape = shape_type(tools, one)
    if isinstance(one, ImageInput):
        layout = {"RGB": tools.colorlayout.RGB, "BGR": tools.colorlayout.BGR, "GRAYSCALE": tools.colorlayout.GRAYSCALE}
        bias: Any = list(one.bias) if isinstance(one.bias, tuple) else one.bias
        if one.channels == 3 and not isinstance(bias, list):
            bias = [bias] * 3
        return tools.ImageType(
            name=name,
            shape=shape,
            scale=one.scale,
            bias=bias,
            color_layout=layout[one.color],
            channel_first=one.channels_first,
        )
    dtype = np.int32 if (one.dtype or "float32") in INTEGERS else np.float32
    return tools.TensorType(name=name, shape=shape, dtype=dtype)


def shape_type(tools: Any, one: Input) -> Any:
    """The shape of an input as a coremltools type: enumerated shapes if one axis has enumerated sizes."""
    if any(axis.sizes for axis in one.flexible):
        rows = [list(shape) for shape in enumerated_shapes(one)]
        return tools.EnumeratedShapes(shapes=rows, default=list(one.default_shape))
    axes: list[Any] = []
    for axis in one.shape or ():
        if isinstance(axis, Flexible):
            high = -1 if axis.high is None else axis.high
            axes.append(tools.RangeDim(lower_bound=axis.low, upper_bound=high, default=axis.default))
        else:
            axes.append(axis)
    return tools.Shape(shape=tuple(axes))
