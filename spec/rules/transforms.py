"""Rules of the models that transform features, suppress boxes, or refer to code and files elsewhere."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from graphml.spec.rules.interface import fixed_size
from graphml.spec.rules.problems import Problem, first_few
from graphml.spec.wire.model_pb2 import FeatureDescription, Model

_NUMBERS = ("int64Type", "doubleType")
_ARRAY, _DICTIONARY = "multiArrayType", "dictionaryType"
_KEYS = {"int64": "int64KeyType", "string": "stringKeyType"}


def transform_problems(model: Model) -> Iterator[Problem]:
    """Everything that is wrong with the content of a model of one of these kinds; nothing for other kinds."""
    kind = model.WhichOneof("Type") or ""
    if kind in _RULES:
        yield from _RULES[kind](model, getattr(model, kind))


# Inputs and outputs --------------------------------------------------------------------------------------------------


def _type(feature: FeatureDescription) -> str | None:
    return feature.type.WhichOneof("Type")


def _single(model: Model, takes: tuple[str, ...], gives: tuple[str, ...]) -> list[Problem]:
    """One input and one output, of these types."""
    kind = str(model.WhichOneof("Type"))
    found: list[Problem] = []
    for what, features, legal in (
        ("input", model.description.input, takes),
        ("output", model.description.output, gives),
    ):
        if len(features) != 1:
            found.append(Problem(kind, f"expected 1 {what}, got {len(features)}"))
        found += _types(kind, what, features, legal)
    return found


def _types(kind: str, what: str, features: Any, legal: tuple[str, ...]) -> Iterator[Problem]:
    for feature in features:
        if _type(feature) not in (*legal, None):
            yield Problem(
                f"{what} {feature.name!r}",
                f"must have the type {_or(legal)}, got {_type(feature)}",
            )


def _or(words: tuple[str, ...]) -> str:
    return " or ".join(words)


def _size(feature: FeatureDescription) -> int | None:
    """The number of elements of an array with one declared shape, else None."""
    return fixed_size(feature.type.multiArrayType) if _type(feature) == _ARRAY else None


def _rank(feature: FeatureDescription, where: str) -> Iterator[Problem]:
    if _type(feature) == _ARRAY and len(feature.type.multiArrayType.shape) > 1:
        what = f"has {len(feature.type.multiArrayType.shape)} axes; Core ML expects 1"
        yield Problem(f"{where} {feature.name!r}", what, "warning")


def _keys(
    feature: FeatureDescription, wanted: str, what: str, severity: Literal["error", "warning"] = "error"
) -> Iterator[Problem]:
    if _type(feature) == _DICTIONARY and feature.type.dictionaryType.WhichOneof("KeyType") not in (wanted, None):
        yield Problem(f"{what} {feature.name!r}", f"must have keys of {wanted}, as the list of the model has", severity)


# One rule for each kind -----------------------------------------------------------------------------------------------


def _extractor(model: Model, message: Any) -> Iterator[Problem]:
    found = _single(model, (_ARRAY,), (*_NUMBERS, _ARRAY))
    yield from found
    if found:
        return
    source, result = model.description.input[0], model.description.output[0]
    count, size = len(message.extractIndex), _size(source)
    if not count:
        yield Problem("arrayFeatureExtractor", "selects no elements")
    if count > 1 and _type(result) in _NUMBERS:
        yield Problem("arrayFeatureExtractor", f"selects {count} elements, but its output is one number")
    if size is not None and count and max(message.extractIndex) >= size:
        yield Problem("arrayFeatureExtractor", f"index {max(message.extractIndex)} is out of range for size {size}")
    if count and _size(result) not in (count, None):
        yield Problem("arrayFeatureExtractor", f"selects {count} elements, but its output has {_size(result)}")


def _mapping(model: Model, message: Any) -> Iterator[Problem]:
    which, default = message.WhichOneof("MappingType"), message.WhichOneof("ValueOnUnknown")
    if which is None:
        yield Problem("categoricalMapping", "has no map")
        return
    types = ("stringType", "int64Type") if which == "stringToInt64Map" else ("int64Type", "stringType")
    found = _single(model, (types[0], "sequenceType"), (types[1], "sequenceType"))
    yield from found
    if default is not None and (default == "strValue") != (types[1] == "stringType"):
        yield Problem("categoricalMapping", f"its {default} must have the type of the values of its {which}")
    if found:
        return
    ends = model.description.input[0], model.description.output[0]
    if len({_type(feature) == "sequenceType" for feature in ends}) > 1:
        yield Problem("categoricalMapping", "input and output must both be sequences, or both be single values")
    for feature, wanted in zip(ends, types, strict=True):
        elements = feature.type.sequenceType.WhichOneof("Type") if _type(feature) == "sequenceType" else None
        if elements not in (wanted, None):
            yield Problem(f"sequence {feature.name!r}", f"must have elements of {wanted}, got {elements}")


def _dictionary_vectorizer(model: Model, message: Any) -> Iterator[Problem]:
    which = message.WhichOneof("Map")
    if which is None:
        yield Problem("dictVectorizer", "has no list of keys")
        return
    keys = getattr(message, which).vector
    found = _single(model, (_DICTIONARY,), (_ARRAY, _DICTIONARY))
    yield from found
    yield from _repeated("dictVectorizer", keys)
    if found:
        return
    source, result = model.description.input[0], model.description.output[0]
    # a common converter declares strings whatever the list contains, and Core ML accepts such files
    yield from _keys(source, _KEYS[which.removesuffix("ToIndex")], "input", "warning")
    yield from _keys(result, "int64KeyType", "output")
    if _size(result) not in (len(keys), None):
        yield Problem("dictVectorizer", f"lists {len(keys)} keys, but its output has {_size(result)} elements")


def _repeated(kind: str, keys: Sequence[str] | Sequence[int]) -> Iterator[Problem]:
    for key, count in Counter(keys).items():
        if count > 1:
            yield Problem(kind, f"lists {key!r} {count} times; the first is used", "warning")


def _vectorizer(model: Model, message: Any) -> Iterator[Problem]:
    kind = "featureVectorizer"
    description = model.description
    if len(description.output) != 1:
        yield Problem(kind, f"expected 1 output, got {len(description.output)}")
    yield from _types(kind, "input", description.input, (*_NUMBERS, _ARRAY, _DICTIONARY))
    yield from _types(kind, "output", description.output, (_ARRAY,))
    inputs = {feature.name: feature for feature in description.input}
    if not message.inputList:
        yield Problem(kind, "lists no inputs")
    for column in message.inputList:
        feature = inputs.get(column.inputColumn)
        if feature is None:
            yield Problem(kind, f"lists {column.inputColumn!r}, which is not an input")
            continue
        places = 1 if _type(feature) in _NUMBERS else _size(feature)
        if not column.inputDimensions:
            yield Problem(kind, f"inputDimensions of {column.inputColumn!r} must be at least 1, got 0")
        elif places not in (column.inputDimensions, None):
            yield Problem(
                kind, f"inputDimensions of {column.inputColumn!r} must be {places}, got {column.inputDimensions}"
            )
        yield from _keys(feature, "int64KeyType", "input")
    for name in inputs.keys() - {column.inputColumn for column in message.inputList}:
        yield Problem(kind, f"does not list its input {name!r}", "warning")
    total = sum(column.inputDimensions for column in message.inputList)
    if total > 2**40:
        yield Problem(kind, f"makes rows of {total} elements, which no machine can hold")
    for feature in description.output:
        if _size(feature) not in (total, None):
            yield Problem(kind, f"makes rows of {total} elements, but its output has {_size(feature)}")


# Type of the imputed value -> the types of features, and the marker of missing values, that it can be used with.
_IMPUTED: dict[str, tuple[tuple[str, ...], str | None]] = {
    "imputedDoubleValue": (("doubleType", _ARRAY), "replaceDoubleValue"),
    "imputedInt64Value": (("int64Type", _ARRAY), "replaceInt64Value"),
    "imputedStringValue": (("stringType",), "replaceStringValue"),
    "imputedDoubleArray": ((_ARRAY,), "replaceDoubleValue"),
    "imputedInt64Array": ((_ARRAY,), "replaceInt64Value"),
    "imputedStringDictionary": ((_DICTIONARY,), "replaceDoubleValue"),
    "imputedInt64Dictionary": ((_DICTIONARY,), "replaceDoubleValue"),
}


def _imputer(model: Model, message: Any) -> Iterator[Problem]:
    which, mark = message.WhichOneof("ImputedValue"), message.WhichOneof("ReplaceValue")
    if which is None:
        yield Problem("imputer", "has no imputed value")
        return
    legal, legal_mark = _IMPUTED[which]
    found = _single(model, legal, legal)
    yield from found
    if mark is not None and mark != legal_mark:
        yield Problem("imputer", f"{mark} cannot be used with {which}")
    if found:
        return
    source, result = model.description.input[0], model.description.output[0]
    if _type(source) != _type(result):
        yield Problem("imputer", f"input and output must have the same type, got {_type(source)} and {_type(result)}")
    yield from _rank(source, "input")
    if which.endswith("Array") and _size(source) not in (len(getattr(message, which).vector), None):
        yield Problem("imputer", f"has {len(getattr(message, which).vector)} values for {_size(source)} elements")
    if _size(source) is not None and _size(result) not in (_size(source), None):
        yield Problem("imputer", f"input and output must have the same size, got {_size(source)} and {_size(result)}")
    if which.endswith("Dictionary"):
        wanted = "int64KeyType" if "Int64" in which else "stringKeyType"
        yield from _keys(source, wanted, "input")
        yield from _keys(result, wanted, "output")


def _normalizer(model: Model, message: Any) -> Iterator[Problem]:
    yield from _single(model, (_ARRAY,), (_ARRAY,))
    if message.normType not in message.NormType.values():
        yield Problem("normalizer", f"normType has the unknown value {message.normType}")


def _encoder(model: Model, message: Any) -> Iterator[Problem]:
    which = message.WhichOneof("CategoryType")
    if which is None:
        yield Problem("oneHotEncoder", "has no categories")
        return
    gives = _DICTIONARY if message.outputSparse else _ARRAY
    found = _single(model, ("stringType" if which == "stringCategories" else "int64Type",), (gives,))
    yield from found
    categories = getattr(message, which).vector
    yield from _repeated("oneHotEncoder", categories)
    if message.handleUnknown not in message.HandleUnknown.values():
        yield Problem("oneHotEncoder", f"handleUnknown has the unknown value {message.handleUnknown}")
    if found:
        return
    result = model.description.output[0]
    if which == "int64Categories":
        yield from _keys(result, "int64KeyType", "output")
    if _size(result) not in (len(categories), None):
        yield Problem("oneHotEncoder", f"has {len(categories)} categories, but its output has {_size(result)} elements")


def _scaler(model: Model, message: Any) -> Iterator[Problem]:
    found = _single(model, (*_NUMBERS, _ARRAY), (*_NUMBERS, _ARRAY))
    yield from found
    if found:
        return
    source, result = model.description.input[0], model.description.output[0]
    if len({_type(feature) == _ARRAY for feature in (source, result)}) > 1:
        yield Problem(
            "scaler",
            f"input and output must both be arrays, or both be numbers, got {_type(source)} and {_type(result)}",
        )
    if _type(source) == "doubleType" and _type(result) == "int64Type":
        yield Problem("scaler", "turns a double into an integer", "warning")
    yield from _rank(source, "input")
    size = _size(source) if _type(source) == _ARRAY else 1
    if size is not None and _size(result) not in (size, None):
        yield Problem("scaler", f"input and output must have the same size, got {size} and {_size(result)}")
    for name, values in (("shiftValue", message.shiftValue), ("scaleValue", message.scaleValue)):
        if size is not None and len(values) not in (0, 1, size):
            yield Problem("scaler", f"{name} must have 0, 1 or {size} values, got {len(values)}")


def _suppression(model: Model, message: Any) -> Iterator[Problem]:
    kind, description = "nonMaximumSuppression", model.description
    for what, features, fields in (
        ("input", description.input, ("confidenceInput", "coordinatesInput")),
        ("output", description.output, ("confidenceOutput", "coordinatesOutput")),
    ):
        types = {feature.name: _type(feature) for feature in features}
        wanted = {getattr(message, f"{field}FeatureName"): (field, _ARRAY) for field in fields}
        optional = {}
        if what == "input":
            names = ("iouThresholdInput", "confidenceThresholdInput")
            optional = {getattr(message, f"{name}FeatureName"): (name, "doubleType") for name in names}
        for name, (field, legal) in {**optional, **wanted}.items():
            if name not in types:
                if (field, legal) not in optional.values():
                    yield Problem(kind, f"{field}FeatureName is {name!r}, which is not an {what}")
            elif types[name] not in (legal, None):
                yield Problem(f"{what} {name!r}", f"has the type {types[name]}; {field}FeatureName is {legal}")
        for name in types.keys() - wanted.keys() - optional.keys():
            severity = "warning" if what == "input" else "error"
            yield Problem(f"{what} {name!r}", "is not named by any field of the model", severity)
        if len(wanted) < len(fields):
            yield Problem(kind, f"names the same {what} for confidences and coordinates")
    if not 0 <= message.iouThreshold <= 1:
        yield Problem(kind, f"iouThreshold must be between 0 and 1, got {message.iouThreshold}")
    if not message.confidenceThreshold >= 0:
        yield Problem(kind, f"confidenceThreshold must not be negative, got {message.confidenceThreshold}")
    if message.WhichOneof("SuppressionMethod") is None:
        yield Problem(kind, "sets no suppression method; pickTop is the only one", "warning")
    yield from _rows(message, description)


def _rows(message: Any, description: Any) -> Iterator[Problem]:
    kind = "nonMaximumSuppression"
    bounds: dict[str, tuple[float, float]] = {}
    for feature in description.output:
        if _type(feature) != _ARRAY:
            continue
        array = feature.type.multiArrayType
        ranges = array.shapeRange.sizeRanges
        rank = len(ranges) or len(array.shape)
        if rank not in (0, 2):
            yield Problem(f"output {feature.name!r}", f"must have 2 axes, got {rank}")
        elif ranges:
            high = ranges[0].upperBound
            bounds[feature.name] = ranges[0].lowerBound, math.inf if high < 0 else high
        elif array.shape:
            bounds[feature.name] = array.shape[0], array.shape[0]
    if bounds and max(low for low, _ in bounds.values()) > min(high for _, high in bounds.values()):
        yield Problem(kind, "its outputs have different numbers of rows")
    labels = message.WhichOneof("ClassLabels")
    declared = next((f for f in description.output if f.name == message.confidenceOutputFeatureName), None)
    shape: Sequence[int] = [] if declared is None else declared.type.multiArrayType.shape
    if labels and len(shape) == 2 and shape[1] != len(getattr(message, labels).vector):
        yield Problem(kind, f"has {len(getattr(message, labels).vector)} labels and {shape[1]} columns of confidences")


def _thresholding(model: Model, message: Any) -> Iterator[Problem]:
    kind = "classConfidenceThresholding"
    found = _single(model, (_ARRAY,), (_ARRAY,))
    yield from found
    if not message.precisionRecallCurves:
        yield Problem(kind, "has no curves")
    faults = (fault for number, curve in enumerate(message.precisionRecallCurves, 1) for fault in _curve(number, curve))
    yield from (Problem(kind, fault) for fault in first_few(faults))
    if found:
        return
    size, curves = _size(model.description.input[0]), len(message.precisionRecallCurves)
    if curves and size not in (curves, None):
        yield Problem(kind, f"has {curves} curves for {size} classes", "warning")
    if size is not None and _size(model.description.output[0]) not in (2 * size, None):
        yield Problem(
            kind, f"gives {_size(model.description.output[0])} numbers for {size} classes; expected two for each"
        )


def _curve(number: int, curve: Any) -> Iterator[str]:
    for what in ("precision", "recall"):
        values = getattr(curve, f"{what}Values").vector
        thresholds = getattr(curve, f"{what}ConfidenceThresholds").vector
        if not values or len(values) != len(thresholds):
            yield f"curve {number} has {len(values)} {what}s and {len(thresholds)} thresholds for them"
        if not all(math.isfinite(number) and number >= 0 for number in (*values, *thresholds)):
            yield f"curve {number} has a {what} or threshold that is negative or not finite"


def _sound(model: Model, message: Any) -> Iterator[Problem]:
    kind = "soundAnalysisPreprocessing"
    found = _single(model, (_ARRAY,), (_ARRAY,))
    yield from found
    if message.WhichOneof("SoundAnalysisPreprocessingType") is None:
        yield Problem(kind, "sets no preprocessing")
    if not found:
        ends = model.description.input[0], model.description.output[0]
        for feature, shape in zip(ends, ([15600], [1, 96, 64]), strict=True):
            if _size(feature) is not None and list(feature.type.multiArrayType.shape) != shape:
                yield Problem(f"array {feature.name!r}", f"must have the shape {shape}")


def _custom(model: Model, message: Any) -> Iterator[Problem]:
    if not message.className:
        yield Problem("customModel", "names no class")
    for name, value in message.parameters.items():
        if not name or value.WhichOneof("value") is None:
            yield Problem("customModel", f"its parameter {name!r} has no {'value' if name else 'name'}")


def _linked(model: Model, message: Any) -> Iterator[Problem]:
    if not message.linkedModelFile.linkedModelFileName.defaultValue:
        yield Problem("linked model", "the name of the linked file is empty")
    if model.isUpdatable:
        yield Problem("linked model", "is marked as updatable, which it cannot be", "warning")


_RULES: dict[str, Callable[[Model, Any], Iterator[Problem]]] = {
    "arrayFeatureExtractor": _extractor,
    "categoricalMapping": _mapping,
    "classConfidenceThresholding": _thresholding,
    "customModel": _custom,
    "dictVectorizer": _dictionary_vectorizer,
    "featureVectorizer": _vectorizer,
    "imputer": _imputer,
    "linkedModel": _linked,
    "nonMaximumSuppression": _suppression,
    "normalizer": _normalizer,
    "oneHotEncoder": _encoder,
    "scaler": _scaler,
    "soundAnalysisPreprocessing": _sound,
}
