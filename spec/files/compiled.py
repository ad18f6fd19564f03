"""Compiled models (`.mlmodelc`), of which ML Programs can be read, from their text.

Apple's compiler writes the program as text (`model.mil`), the weights unchanged, a readable description
(`metadata.json`), and the exact description in a private format (`coremldata.bin`), which is not read. So the
description comes from `metadata.json`, which lacks the default values of optional inputs, the class labels of the
description, and the sizes of flexible images. Without `metadata.json`, every input and output is an array
as the program declares it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from graphml.errors import SpecError, quoted
from graphml.spec.files.disk import read_bytes
from graphml.spec.program.operations import SPECIFICATIONS
from graphml.spec.program.programs import body, version, walk
from graphml.spec.program.text import parse_text
from graphml.spec.program.types import tensor_type
from graphml.spec.rules.counts import check_counts
from graphml.spec.wire.features_pb2 import ArrayFeatureType, ImageFeatureType
from graphml.spec.wire.model_pb2 import FeatureDescription, Model
from graphml.spec.wire.program_pb2 import Function, ValueType

TEXT = "model.mil"
"""The name of the program."""

_METADATA = "metadata.json"
_LARGEST_TEXT = 1 << 28  # bytes; three hundred layers take half a million
_LARGEST_METADATA = 1 << 24
_ARRAYS = {"Float32": "FLOAT32", "Float16": "FLOAT16", "Double": "DOUBLE", "Int32": "INT32", "Int8": "INT8"}
_COLORS = {"GRAYSCALE16HALF": "GRAYSCALE_FLOAT16"}
_ARRAY_TYPES = {"float32": "FLOAT32", "float16": "FLOAT16", "float64": "DOUBLE", "int32": "INT32", "int8": "INT8"}


def is_compiled(path: Path) -> bool:
    """Whether a path is a compiled model, of any kind."""
    return path.suffix.lower() == ".mlmodelc" or (path / "coremldata.bin").is_file() or (path / TEXT).is_file()


def read_compiled(folder: Path) -> Model:
    """Read a compiled ML Program.

    Args:
        folder: The `.mlmodelc`.

    Returns:
        A model as an `.mlpackage` would hold it. Its weights are in the folder `weights` of the compiled model.

    Raises:
        SpecError: If it is another kind of model, or contains something that this reader does not know.
    """
    if not (folder / TEXT).is_file():
        if (folder / "model0").is_dir():
            raise SpecError("this .mlmodelc is a compiled pipeline, which only Core ML reads; use the original model")
        raise SpecError(
            "this .mlmodelc has no model.mil: it is compiled to a private format that only Core ML reads; use the "
            ".mlmodel that it was made from"
        )
    try:
        text = read_bytes(folder / TEXT, _LARGEST_TEXT).decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"{TEXT} is not text: byte {error.start} is not UTF-8") from None
    model = Model()
    try:
        model.mlProgram.CopyFrom(parse_text(text))
    except SpecError as error:
        raise SpecError(f"{TEXT}, {error}") from None
    versions = [version(function) for function in model.mlProgram.functions.values()]
    model.specificationVersion = max((SPECIFICATIONS[each] for each in versions), default=min(SPECIFICATIONS.values()))
    if (folder / _METADATA).is_file():
        _describe(model, _metadata(folder))
    else:
        for name, function in model.mlProgram.functions.items():
            alone = len(model.mlProgram.functions) == 1
            _describe_function(model.description if alone else model.description.functions.add(name=name), function)
    _name_classes(model)
    check_counts(model)
    return model


# metadata.json --------------------------------------------------------------------------------------------------------


def _metadata(folder: Path) -> Mapping[str, Any]:
    try:
        found: object = json.loads(read_bytes(folder / _METADATA, _LARGEST_METADATA))
    except (ValueError, RecursionError):
        raise SpecError(f"{_METADATA} is not JSON") from None
    first: object = found
    if isinstance(found, list) and found:
        first = cast("list[object]", found)[0]
    if not isinstance(first, dict):
        raise SpecError(f"{_METADATA} must hold an object, or a list of one")
    return cast("Mapping[str, Any]", first)


def _describe(model: Model, facts: Mapping[str, Any]) -> None:
    description = model.description
    declared = facts.get("specificationVersion")
    if type(declared) is int and 0 < declared < 1000:
        model.specificationVersion = declared
    for key, field in (("shortDescription", "shortDescription"), ("author", "author"), ("license", "license")):
        if isinstance(facts.get(key), str):
            setattr(description.metadata, field, facts[key])
    for key, value in cast("dict[str, object]", facts.get("userDefinedMetadata") or {}).items():
        description.metadata.userDefined[key] = str(value)
    functions = _objects(facts, "functions")
    for entry in functions:
        _schemas(description.functions.add(name=str(entry.get("name"))), entry)
    if functions:
        description.defaultFunctionName = str(facts.get("defaultFunctionName") or "")
    else:
        _schemas(description, facts)


def _schemas(target: Any, facts: Mapping[str, Any]) -> None:
    for key, field in (("inputSchema", "input"), ("outputSchema", "output"), ("stateSchema", "state")):
        for entry in _objects(facts, key):
            feature = getattr(target, field).add()
            try:
                _feature(feature, entry)
            except (TypeError, ValueError, LookupError, OverflowError):
                name = quoted(str(entry.get("name")))
                raise SpecError(f"{_METADATA}: the description of {name} in {key} is damaged") from None


def _objects(facts: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    found: object = facts.get(key) or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in cast("list[object]", found)):
        raise SpecError(f"{_METADATA}: {quoted(key)} must be a list of objects")
    return cast("Sequence[Mapping[str, Any]]", found)


def _feature(feature: FeatureDescription, entry: Mapping[str, Any]) -> None:
    feature.name, feature.shortDescription = str(entry["name"]), str(entry.get("shortDescription", ""))
    feature.type.isOptional = entry.get("isOptional") == "1"
    kind = entry.get("type")
    if kind == "MultiArray":
        _array(feature.type.multiArrayType, entry)
    elif kind == "State":
        _array(feature.type.stateType.arrayType, entry)
    elif kind == "Image":
        image = feature.type.imageType
        image.width, image.height = int(entry["width"]), int(entry["height"])
        space = str(entry.get("colorspace") or ("RGB" if entry.get("isColor") == "1" else "GRAYSCALE")).upper()
        image.colorSpace = cast("Any", ImageFeatureType.ColorSpace.Value(_COLORS.get(space, space)))
    elif kind == "Dictionary":
        key = "int64KeyType" if str(entry.get("keyType", "String")).startswith("Int") else "stringKeyType"
        getattr(feature.type.dictionaryType, key).SetInParent()
    elif kind in ("String", "Int64", "Double"):
        getattr(feature.type, f"{kind.lower()}Type").SetInParent()
    else:
        raise SpecError(f"{_METADATA}: {quoted(feature.name)} has the unknown type {quoted(str(kind))}")


def _array(array: ArrayFeatureType, entry: Mapping[str, Any]) -> None:
    array.dataType = cast("Any", ArrayFeatureType.ArrayDataType.Value(_ARRAYS[entry["dataType"]]))
    array.shape.extend(json.loads(entry.get("shape") or "[]"))
    for low, high in json.loads(entry.get("shapeRange") or "[]"):
        array.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    for shape in json.loads(entry.get("enumeratedShapes") or "[]"):
        array.enumeratedShapes.shapes.add(shape=shape)


# Without it -----------------------------------------------------------------------------------------------------------


def _describe_function(target: Any, function: Function) -> None:
    """Inputs, states and outputs as the function declares them."""
    for given in function.inputs:
        state = given.type.HasField("stateType")
        feature = (target.state if state else target.input).add(name=given.name)
        _as_array(feature.type.stateType.arrayType if state else feature.type.multiArrayType, given.type)
    types = {output.name: output.type for operation, _ in walk(body(function)) for output in operation.outputs}
    for name in body(function).outputs:
        feature = target.output.add(name=name)
        if name in types and types[name].HasField("tensorType"):
            _as_array(feature.type.multiArrayType, types[name])
        elif name in types and types[name].HasField("dictionaryType"):
            feature.type.dictionaryType.stringKeyType.SetInParent()


def _as_array(array: ArrayFeatureType, declared: ValueType) -> None:
    name, shape = tensor_type(declared)
    array.dataType = cast("Any", ArrayFeatureType.ArrayDataType.Value(_ARRAY_TYPES.get(name, "INT32")))
    array.shape.extend(1 if size is None else size for size in shape or ())
    if shape is not None and None in shape:
        for size in shape:
            array.shapeRange.sizeRanges.add(lowerBound=size or 1, upperBound=-1 if size is None else size)


def _name_classes(model: Model) -> None:
    """A classifier's outputs are those of its operation `classify`, in this order: label, probabilities."""
    for operation in _operations(model):
        if operation.type == "classify" and len(operation.outputs) == 2:
            names = [output.name for output in operation.outputs]
            model.description.predictedFeatureName, model.description.predictedProbabilitiesName = names


def _operations(model: Model) -> Iterator[Any]:
    for function in model.mlProgram.functions.values():
        yield from (operation for operation, _ in walk(body(function)))
