"""Feature engineering: small models that prepare features for the model after them in a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from graphml.build.datatypes import Dictionary, Int64, String, array
from graphml.build.interface import are_strings
from graphml.build.messages import Labels, enum_value, finished, new_model, numbers
from graphml.errors import SpecError
from graphml.spec.wire.model_pb2 import Model


def _array(size: int) -> Any:
    return array(size, dtype="float64")


def scaler(size: int, *, shift: Any = (), scale: Any = (), inputs: str = "input", output: str = "output") -> Model:
    """y = scale (x + shift), for an array.

    Args:
        size: The number of elements of the array.
        shift: One number for all elements, or one for each; default 0.
        scale: One number for all elements, or one for each; default 1.
        inputs: The name of the input.
        output: The name of the output.

    Returns:
        A scaler message.
    """
    model = new_model("scaler", {inputs: _array(size)}, {output: _array(size)})
    model.scaler.shiftValue.extend(numbers(shift, "shift"))
    model.scaler.scaleValue.extend(numbers(scale, "scale"))
    return finished(model)


def normalizer(
    size: int, norm: Literal["L1", "L2", "LMax"] = "L2", *, inputs: str = "input", output: str = "output"
) -> Model:
    """Divides an array by its norm.

    Args:
        size: The number of elements of the array.
        norm: "L1", the sum of magnitudes; "L2", the root of the sum of squares; "LMax", the largest element.
        inputs: The name of the input.
        output: The name of the output.

    Returns:
        A normalizer message.
    """
    model = new_model("normalizer", {inputs: _array(size)}, {output: _array(size)})
    message: Any = model.normalizer
    message.normType = enum_value(message, "normType", norm)
    return finished(model)


def imputer(
    values: Any, missing: float | None = None, *, size: int | None = None, inputs: str = "input", output: str = "output"
) -> Model:
    """Replaces the missing elements of an array.

    Args:
        values: The replacements: one number for each element, or one for all.
        missing: The number that marks a missing element. None: NaN.
        size: The number of elements of the array. None: as many as values.
        inputs: The name of the input.
        output: The name of the output.

    Returns:
        An imputer message.
    """
    stored = numbers(values, "values")
    size = len(stored) if size is None else size
    model = new_model("imputer", {inputs: _array(size)}, {output: _array(size)})
    message = model.imputer
    if len(stored) == 1 and size != 1:
        message.imputedDoubleValue = stored[0]
    else:
        message.imputedDoubleArray.vector.extend(stored)
    message.replaceDoubleValue = float("nan") if missing is None else missing
    return finished(model)


def one_hot_encoder(
    categories: Labels, *, ignore_unknown: bool = True, inputs: str = "input", output: str = "output"
) -> Model:
    """Turns a string or an integer into an array of zeros with a one at the position of the category.

    Args:
        categories: The categories in the order of their positions, all strings or all integers.
        ignore_unknown: Whether an unknown category gives zeros; otherwise it is an error.
        inputs: The name of the input.
        output: The name of the output.

    Returns:
        A oneHotEncoder message.
    """
    strings = are_strings(categories)
    source = String() if strings else Int64()
    model = new_model("oneHotEncoder", {inputs: source}, {output: _array(len(categories))})
    message = model.oneHotEncoder
    plain: Any = list(categories) if strings else [int(category) for category in categories]
    (message.stringCategories if strings else message.int64Categories).vector.extend(plain)
    message.handleUnknown = message.IgnoreUnknown if ignore_unknown else message.ErrorOnUnknown
    return finished(model)


def dict_vectorizer(keys: Labels, *, inputs: str = "input", output: str = "output") -> Model:
    """Turns a dictionary of numbers into an array: the values of the listed keys, 0 where the dictionary lacks one.

    Args:
        keys: The keys in the order of their positions, all strings or all integers. Other keys are ignored.
        inputs: The name of the input.
        output: The name of the output.

    Returns:
        A dictVectorizer message.
    """
    strings = are_strings(keys)
    source = Dictionary(String() if strings else Int64())
    model = new_model("dictVectorizer", {inputs: source}, {output: _array(len(keys))})
    plain: Any = list(keys) if strings else [int(key) for key in keys]
    (model.dictVectorizer.stringToIndex if strings else model.dictVectorizer.int64ToIndex).vector.extend(plain)
    return finished(model)


def feature_vectorizer(inputs: Mapping[str, Any], *, output: str = "output") -> Model:
    """Writes several inputs into one array.

    Args:
        inputs: {name: the number of elements of an array, or a type of `datatypes`: Double(), Int64(), Array(n)}.
        output: The name of the output.

    Returns:
        A featureVectorizer message.

    Raises:
        SpecError: If an input is neither a number nor an array.
    """
    types = {name: _array(kind) if isinstance(kind, int) else kind for name, kind in inputs.items()}
    model = new_model("featureVectorizer", types, {})
    total = 0
    for feature in model.description.input:
        kind = feature.type.WhichOneof("Type")
        if kind not in ("doubleType", "int64Type", "multiArrayType"):
            raise SpecError(f"input {feature.name!r} has the type {kind}; expected a number or an array")
        size = 1
        for length in feature.type.multiArrayType.shape:
            size *= length
        model.featureVectorizer.inputList.add(inputColumn=feature.name, inputDimensions=size)
        total += size
    model.description.output.add(name=output).type.CopyFrom(_array(total))
    return finished(model)


def array_feature_extractor(
    size: int,
    indices: Sequence[int],
    *,
    kind: Any = None,
    inputs: str = "input",
    output: str = "output",
) -> Model:
    """Selects elements of an array.

    Args:
        size: The number of elements of the array.
        indices: Which elements, from 0.
        kind: The type of the output: Double() or Int64() for a single element as a number. None: an array.
        inputs: The name of the input.
        output: The name of the output.

    Returns:
        An arrayFeatureExtractor message.
    """
    result = _array(len(indices)) if kind is None else kind
    model = new_model("arrayFeatureExtractor", {inputs: _array(size)}, {output: result})
    model.arrayFeatureExtractor.extractIndex.extend(int(index) for index in indices)
    return finished(model)


def categorical_mapping(
    mapping: Mapping[str, int] | Mapping[int, str],
    unknown: str | int | None = None,
    *,
    inputs: str = "input",
    output: str = "output",
) -> Model:
    """Replaces strings by integers, or integers by strings.

    Args:
        mapping: {string: integer} or {integer: string}.
        unknown: The result for other keys. None: they are an error.
        inputs: The name of the input.
        output: The name of the output.

    Returns:
        A categoricalMapping message.
    """
    strings = are_strings(list(mapping))
    source, result = (String(), Int64()) if strings else (Int64(), String())
    model = new_model("categoricalMapping", {inputs: source}, {output: result})
    message: Any = model.categoricalMapping
    table = message.stringToInt64Map if strings else message.int64ToStringMap
    table.SetInParent()
    for key, value in mapping.items():
        table.map[key] = value
    if unknown is not None:
        setattr(message, "int64Value" if strings else "strValue", unknown)
    return finished(model)
