"""Rules of the models that prepare features, choose boxes, or stand for code and files elsewhere."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from graphml.errors import with_article
from graphml.spec.rules.interface import fixed_size
from graphml.spec.rules.problems import Problem, first_few
from graphml.spec.wire.model_pb2 import FeatureDescription, Model

_NUMBERS = ("int64Type", "doubleType")
_ARRAY, _DICTIONARY = "multiArrayType", "dictionaryType"
_KEYS = {"int64": "int64KeyType", "string": "stringKeyType"}


def transform_problems(model: Model) -> Iterator[Problem]:
    """Everything wrong with the content of these kinds; nothing for all others."""
    kind = model.WhichOneof("Type") or ""
    if kind in _RULES:
        yield from _RULES[kind](model, getattr(model, kind))


# What a model takes and gives -----------------------------------------------------------------------------------------


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
            found.append(Problem(kind, f"has {len(features)} {what}s; it has one"))
        found += _types(kind, what, features, legal)
    return found


def _types(kind: str, what: str, features: Any, legal: tuple[str, ...]) -> Iterator[Problem]:
    for feature in features:
        if _type(feature) not in (*legal, None):
            yield Problem(
                f"{what} {feature.name!r}",
                f"has the type {_type(feature)}; the {what} of {with_article(kind)} is {_or(legal)}",
            )


def _or(words: tuple[str, ...]) -> str:
    return " or ".join(words)


def _size(feature: FeatureDescription) -> int | None:
    """How many elements an array of one declared shape has."""
    return fixed_size(feature.type.multiArrayType) if _type(feature) == _ARRAY else None


def _rank(feature: FeatureDescription, where: str) -> Iterator[Problem]:
    if _type(feature) == _ARRAY and len(feature.type.multiArrayType.shape) > 1:
        what = f"has {len(feature.type.multiArrayType.shape)} axes; Core ML takes arrays of one axis here"
        yield Problem(f"{where} {feature.name!r}", what, "warning")


def _keys(
    feature: FeatureDescription, wanted: str, what: str, severity: Literal["error", "warning"] = "error"
) -> Iterator[Problem]:
    if _type(feature) == _DICTIONARY and feature.type.dictionaryType.WhichOneof("KeyType") not in (wanted, None):
        yield Problem(f"{what} {feature.name!r}", f"has other keys than {wanted}, which the model's list has", severity)


# One rule for each kind -----------------------------------------------------------------------------------------------


def _extractor(model: Model, message: Any) -> Iterator[Problem]:
    found = _single(model, (_ARRAY,), (*_NUMBERS, _ARRAY))
    yield from found
    if found:
        return
    source, result = model.description.input[0], model.description.output[0]
    count, size = len(message.extractIndex), _size(source)
    if not count:
        yield Problem("arrayFeatureExtractor", "names no elements")
    if count > 1 and _type(result) in _NUMBERS:
        yield Problem("arrayFeatureExtractor", f"names {count} elements for one number")
    if size is not None and count and max(message.extractIndex) >= size:
        yield Problem("arrayFeatureExtractor", f"names element {max(message.extractIndex)} of {size}, from 0 on")
    if count and _size(result) not in (count, None):
        yield Problem("arrayFeatureExtractor", f"names {count} elements, its output has {_size(result)}")


def _mapping(model: Model, message: Any) -> Iterator[Problem]:
    which, default = message.WhichOneof("MappingType"), message.WhichOneof("ValueOnUnknown")
    if which is None:
        yield Problem("categoricalMapping", "has no map")
        return
    types = ("stringType", "int64Type") if which == "stringToInt64Map" else ("int64Type", "stringType")
    found = _single(model, (types[0], "sequenceType"), (types[1], "sequenceType"))
    yield from found
    if default is not None and (default == "strValue") != (types[1] == "stringType"):
        yield Problem("categoricalMapping", f"its {default} has another type than the values of its {which}")
    if found:
        return
    ends = model.description.input[0], model.description.output[0]
    if len({_type(feature) == "sequenceType" for feature in ends}) > 1:
        yield Problem("categoricalMapping", "a sequence becomes a sequence, one value becomes one value")
    for feature, wanted in zip(ends, types, strict=True):
        elements = feature.type.sequenceType.WhichOneof("Type") if _type(feature) == "sequenceType" else None
        if elements not in (wanted, None):
            yield Problem(f"sequence {feature.name!r}", f"has elements {elements}; the map has {wanted} here")


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
    # a common converter declares strings whatever the list holds, and Core ML predicts with such files
    yield from _keys(source, _KEYS[which.removesuffix("ToIndex")], "input", "warning")
    yield from _keys(result, "int64KeyType", "output")
    if _size(result) not in (len(keys), None):
        yield Problem("dictVectorizer", f"lists {len(keys)} keys, its output has {_size(result)} elements")


def _repeated(kind: str, keys: Sequence[str] | Sequence[int]) -> Iterator[Problem]:
    for key, count in Counter(keys).items():
        if count > 1:
            yield Problem(kind, f"lists {key!r} {count} times; the first place counts", "warning")


def _vectorizer(model: Model, message: Any) -> Iterator[Problem]:
    kind = "featureVectorizer"
    description = model.description
    if len(description.output) != 1:
        yield Problem(kind, f"has {len(description.output)} outputs; it has one")
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
            yield Problem(kind, f"gives {column.inputColumn!r} no place")
        elif places not in (column.inputDimensions, None):
            yield Problem(kind, f"gives {column.inputColumn!r} {column.inputDimensions} places; it takes {places}")
        yield from _keys(feature, "int64KeyType", "input")
    for name in inputs.keys() - {column.inputColumn for column in message.inputList}:
        yield Problem(kind, f"does not list its input {name!r}", "warning")
    total = sum(column.inputDimensions for column in message.inputList)
    if total > 2**40:
        yield Problem(kind, f"makes rows of {total} elements, more than any machine can hold")
    for feature in description.output:
        if _size(feature) not in (total, None):
            yield Problem(kind, f"lists {total} places, its output has {_size(feature)} elements")


# Type of the imputed value -> the features and the marks that it goes with.
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
        yield Problem("imputer", "has no value to put in")
        return
    legal, legal_mark = _IMPUTED[which]
    found = _single(model, legal, legal)
    yield from found
    if mark is not None and mark != legal_mark:
        yield Problem("imputer", f"marks what is missing by {mark}, which does not go with {which}")
    if found:
        return
    source, result = model.description.input[0], model.description.output[0]
    if _type(source) != _type(result):
        yield Problem("imputer", f"takes {_type(source)} and gives {_type(result)}, which must be the same")
    yield from _rank(source, "input")
    if which.endswith("Array") and _size(source) not in (len(getattr(message, which).vector), None):
        yield Problem("imputer", f"has {len(getattr(message, which).vector)} values for {_size(source)} elements")
    if _size(source) is not None and _size(result) not in (_size(source), None):
        yield Problem("imputer", f"takes {_size(source)} elements and gives {_size(result)}")
    if which.endswith("Dictionary"):
        wanted = "int64KeyType" if "Int64" in which else "stringKeyType"
        yield from _keys(source, wanted, "input")
        yield from _keys(result, wanted, "output")


def _normalizer(model: Model, message: Any) -> Iterator[Problem]:
    yield from _single(model, (_ARRAY,), (_ARRAY,))
    if message.normType not in message.NormType.values():
        yield Problem("normalizer", f"has the unknown norm {message.normType}")


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
        yield Problem("oneHotEncoder", f"has the unknown way {message.handleUnknown} with unknown categories")
    if found:
        return
    result = model.description.output[0]
    if which == "int64Categories":
        yield from _keys(result, "int64KeyType", "output")
    if _size(result) not in (len(categories), None):
        yield Problem("oneHotEncoder", f"has {len(categories)} categories, its output has {_size(result)} elements")


def _scaler(model: Model, message: Any) -> Iterator[Problem]:
    found = _single(model, (*_NUMBERS, _ARRAY), (*_NUMBERS, _ARRAY))
    yield from found
    if found:
        return
    source, result = model.description.input[0], model.description.output[0]
    if len({_type(feature) == _ARRAY for feature in (source, result)}) > 1:
        yield Problem("scaler", f"takes {_type(source)} and gives {_type(result)}")
    if _type(source) == "doubleType" and _type(result) == "int64Type":
        yield Problem("scaler", "gives an integer for a double", "warning")
    yield from _rank(source, "input")
    size = _size(source) if _type(source) == _ARRAY else 1
    if size is not None and _size(result) not in (size, None):
        yield Problem("scaler", f"takes {size} elements and gives {_size(result)}")
    for name, values in (("shiftValue", message.shiftValue), ("scaleValue", message.scaleValue)):
        if size is not None and len(values) not in (0, 1, size):
            yield Problem("scaler", f"{name} has {len(values)} numbers; legal are none, one or {size}")


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
            yield Problem(f"{what} {name!r}", f"is none that {with_article(kind)} names", severity)
        if len(wanted) < len(fields):
            yield Problem(kind, f"names one {what} for both confidences and coordinates")
    if not 0 <= message.iouThreshold <= 1:
        yield Problem(kind, f"iouThreshold is {message.iouThreshold}; it is from 0 to 1")
    if not message.confidenceThreshold >= 0:
        yield Problem(kind, f"confidenceThreshold is {message.confidenceThreshold}; it is not negative")
    if message.WhichOneof("SuppressionMethod") is None:
        yield Problem(kind, "names no method; picking the best one is the only one", "warning")
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
            yield Problem(f"output {feature.name!r}", f"has {rank} axes; boxes and confidences have two")
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
            kind, f"gives {_size(model.description.output[0])} numbers for {size} classes; two for each are due"
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
        yield Problem(kind, "does not say which preprocessing is meant")
    if not found:
        ends = model.description.input[0], model.description.output[0]
        for feature, shape in zip(ends, ([15600], [1, 96, 64]), strict=True):
            if _size(feature) is not None and list(feature.type.multiArrayType.shape) != shape:
                yield Problem(f"array {feature.name!r}", f"has another shape than {shape}, which this {kind} has")


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
