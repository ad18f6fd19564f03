"""Rules of a model's interface: its input, output and training features, and the names that refer to them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from graphml.errors import with_article
from graphml.spec.rules.problems import Problem, inside
from graphml.spec.wire.model_pb2 import FeatureDescription, Model

MOST_ELEMENTS = 2**40
"""Arrays and images with more elements are considered damaged: as float32 they would take four terabytes."""

_MOST_AXES = 32


def interface_problems(model: Model) -> Iterator[Problem]:
    """Everything that is wrong with the description of a model."""
    description = model.description
    yield from _features(description)
    for function in description.functions:
        yield from inside(f"function {function.name!r}", _features(function))
    names = [function.name for function in description.functions]
    if names and description.defaultFunctionName not in names:
        yield Problem("description", f"the default function {description.defaultFunctionName!r} does not exist")
    if not description.output and not description.functions:
        yield Problem("description", "there are no outputs")
    yield from _prediction_names(model)


def fixed_size(array: Any) -> int | None:
    """The number of elements of an array with one declared shape.

    Args:
        array: An ArrayFeatureType.

    Returns:
        The number, or None if the shape is flexible, not declared or illegal: Python takes too long to multiply
        thousands of sizes.
    """
    if not array.shape or array.WhichOneof("ShapeFlexibility") or any(_size_faults(array.shape, "")):
        return None
    return math.prod(array.shape)


def _features(description: Any) -> Iterator[Problem]:
    for what in ("input", "output", "state"):
        features = getattr(description, what)
        for name, count in Counter(feature.name for feature in features).items():
            if count > 1:
                yield Problem(f"{what} {name!r}", f"{count} {what}s have this name")
        for feature in features:
            yield from _feature(feature, what)


def _feature(feature: FeatureDescription, what: str) -> Iterator[Problem]:
    where = f"{what} {feature.name!r}"
    if not feature.name:
        yield Problem(where, "a feature needs a name")
    kind = feature.type.WhichOneof("Type")
    if kind is None:
        yield Problem(where, "has no type, or one that is newer than this reader")
    elif kind in _TYPES:
        for fault, severity in _TYPES[kind](getattr(feature.type, kind), what):
            yield Problem(where, fault, severity)
    if what == "output" and feature.type.isOptional:
        yield Problem(where, "is optional, but only inputs may be", "warning")


def _array(array: Any, what: str) -> Iterator[tuple[str, Any]]:
    known = array.DESCRIPTOR.enum_types_by_name["ArrayDataType"].values_by_number
    if not array.dataType:
        yield "has no data type", "warning"
    elif array.dataType not in known:
        yield f"has the unknown data type {array.dataType}", "error"
    if array.shape:
        yield from ((fault, "error") for fault in _size_faults(list(array.shape), "shape"))
    flexible = array.WhichOneof("ShapeFlexibility")
    if flexible == "enumeratedShapes":
        shapes = [list(item.shape) for item in array.enumeratedShapes.shapes]
        if not shapes or not all(shapes):
            yield "enumerates no shapes, or an empty one", "error"
        for shape in shapes:
            yield from ((fault, "error") for fault in _size_faults(shape, "an enumerated shape"))
        if array.shape and list(array.shape) not in shapes:
            yield f"its shape {_shown(list(array.shape))} is not one of its enumerated shapes", "error"
    elif flexible == "shapeRange":
        ranges = list(array.shapeRange.sizeRanges)
        for axis, bounds in enumerate(ranges):
            yield from _range(bounds, f"axis {axis}")
        if array.shape and len(array.shape) != len(ranges):
            yield f"has {len(array.shape)} sizes, but ranges for {len(ranges)}", "error"
        elif array.shape:
            outside = [axis for axis, bounds in enumerate(ranges) if not _holds(bounds, array.shape[axis])]
            if outside:
                yield (
                    f"its default size of axis {outside[0]}, {array.shape[outside[0]]}, is outside its range",
                    "error",
                )
    elif not array.shape and what == "input":
        yield "declares no shape", "warning"
    yield from _default(array)


def _default(array: Any) -> Iterator[tuple[str, Any]]:
    """The default value of an optional input must have the type of the array."""
    default = array.WhichOneof("defaultOptionalValue")
    types = {
        "doubleDefaultValue": (array.DOUBLE,),
        "floatDefaultValue": (array.FLOAT32, array.FLOAT16),
        "intDefaultValue": (array.INT32, array.INT8),
    }
    if default and array.dataType and array.dataType not in types[default]:
        yield f"{default} does not fit its data type", "error"
    elif default == "intDefaultValue" and array.dataType == array.INT8 and not -128 <= array.intDefaultValue < 128:
        yield f"the default value {array.intDefaultValue} does not fit into int8", "error"


def _image(image: Any, what: str) -> Iterator[tuple[str, Any]]:
    known = image.DESCRIPTOR.enum_types_by_name["ColorSpace"].values_by_number
    if not image.colorSpace or image.colorSpace not in known:
        yield "has no colour space, or an unknown one", "error"
    flexible = image.WhichOneof("SizeFlexibility")
    size = (image.width, image.height)
    if flexible == "enumeratedSizes":
        sizes = [(item.width, item.height) for item in image.enumeratedSizes.sizes]
        if not sizes:
            yield "enumerates no sizes", "error"
        for item in sizes:
            yield from ((fault, "error") for fault in _size_faults(item, "an enumerated size"))
        if all(size) and size not in sizes:
            yield f"its size {_shown(size)} is not one of its enumerated sizes", "error"
    elif flexible == "imageSizeRange":
        for name, number in (("width", image.width), ("height", image.height)):
            bounds = getattr(image.imageSizeRange, f"{name}Range")
            yield from _range(bounds, name)
            if number and not _holds(bounds, number):
                yield f"its default {name}, {number}, is outside its range", "error"
    if any(size) or not flexible:
        yield from ((fault, "error") for fault in _size_faults(size, "size (width, height)"))


def _dictionary(dictionary: Any, what: str) -> Iterator[tuple[str, Any]]:
    if dictionary.WhichOneof("KeyType") is None:
        yield "is a dictionary without a key type", "error"


def _sequence(sequence: Any, what: str) -> Iterator[tuple[str, Any]]:
    if sequence.WhichOneof("Type") is None:
        yield "is a sequence without an element type", "error"
    yield from _range(sequence.sizeRange, "length")


def _state(state: Any, what: str) -> Iterator[tuple[str, Any]]:
    if what == "output":
        yield "is a state, but an output cannot be one", "error"
    if not state.arrayType.shape:
        yield "is a state without a shape", "error"
    yield from ((fault, "error") for fault in _size_faults(list(state.arrayType.shape), "shape"))


_TYPES = {
    "multiArrayType": _array,
    "imageType": _image,
    "dictionaryType": _dictionary,
    "sequenceType": _sequence,
    "stateType": _state,
}


def _size_faults(sizes: Sequence[int], what: str) -> Iterator[str]:
    """Sizes must be positive, few, and have a product of at most `MOST_ELEMENTS`. Python integers do not overflow."""
    if len(sizes) > _MOST_AXES:
        yield f"{what} has {len(sizes)} axes; expected at most {_MOST_AXES}"
        return
    count = 1
    for size in sizes:
        if size < 1:
            yield f"{what} {_shown(sizes)} has a size that is not positive"
            return
        count *= size
    if count > MOST_ELEMENTS:
        yield f"{what} {_shown(sizes)} has {count} elements, which no machine can hold"


def _shown(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes[:_MOST_AXES]))


def _range(bounds: Any, what: str) -> Iterator[tuple[str, Any]]:
    """A range must not be empty; a negative upper bound means that there is none."""
    if 0 <= bounds.upperBound < bounds.lowerBound:
        yield f"{what} has the range {bounds.lowerBound} to {bounds.upperBound}, which is empty", "error"


def _holds(bounds: Any, size: int) -> bool:
    return bounds.lowerBound <= size and (bounds.upperBound < 0 or size <= bounds.upperBound)


# Names of predictions -------------------------------------------------------------------------------------------------


def _prediction_names(model: Model) -> Iterator[Problem]:
    kind = model.WhichOneof("Type") or ""
    description = model.description
    outputs = {feature.name: feature.type.WhichOneof("Type") for feature in description.output}
    name, probabilities = description.predictedFeatureName, description.predictedProbabilitiesName
    # a text classifier has separate fields for names
    classifier, regressor = kind.endswith("Classifier") and kind != "textClassifier", kind.endswith("Regressor")
    if not classifier and not regressor:
        return
    if not name:
        yield Problem(
            "description", f"{with_article(kind)} has no predictedFeatureName", "error" if regressor else "warning"
        )
    elif name not in outputs:
        yield Problem("description", f"predictedFeatureName is {name!r}, which is not an output")
    else:
        legal = ("int64Type", "stringType") if classifier else ("doubleType", "multiArrayType")
        if outputs[name] not in (*legal, None):
            yield Problem(
                f"output {name!r}",
                f"must have the type {' or '.join(legal)}, got {outputs[name]}",
            )
        yield from _label_type(model, kind, name, outputs[name])
    if classifier and probabilities:
        if probabilities not in outputs:
            yield Problem("description", f"predictedProbabilitiesName is {probabilities!r}, which is not an output")
        elif outputs[probabilities] not in ("dictionaryType", "multiArrayType", None):
            yield Problem(
                f"output {probabilities!r}", f"must be a dictionary of probabilities, got {outputs[probabilities]}"
            )


def _label_type(model: Model, kind: str, name: str, declared: str | None) -> Iterator[Problem]:
    """The class labels must have the type of the output for them."""
    message = getattr(model, kind)
    if "ClassLabels" not in message.DESCRIPTOR.oneofs_by_name or declared not in ("int64Type", "stringType"):
        return
    labels = message.WhichOneof("ClassLabels")
    if labels and labels.startswith("int64") != (declared == "int64Type"):
        yield Problem(f"output {name!r}", f"has the type {declared}, but the model has {labels}")
