"""The interface of a function of an ML Program: its arguments, the labels of a classifier, images with a batch axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from graphml.descriptions import ArrayConstraint, Description, FeatureDescription
from graphml.errors import SpecError
from graphml.frontends.program_interface import Argument
from graphml.models.interface.arrays import input_check, output_conversion
from graphml.models.interface.ports import Classes
from graphml.models.interface.values import Check
from graphml.spec.program import programs
from graphml.spec.program.types import dtype_of, tensor_type
from graphml.spec.program.values import WeightFiles, decode

_CLASSIFY = "classify"


def arguments(function: Any, description: Description) -> tuple[Argument, ...]:
    """The inputs of a function, without those that are a state.

    Args:
        function: The Function message.
        description: Its interface, which says what fills an optional input.

    Raises:
        SpecError: An argument is not a tensor, or the interface does not describe it.
    """
    features = {feature.name: feature for feature in description.inputs}
    found: list[Argument] = []
    for message in function.inputs:
        if message.type.WhichOneof("type") == "stateType":
            continue
        if message.name not in features:
            raise SpecError(f"the function takes {message.name!r}, which is not an input of the model")
        name, shape = tensor_type(message.type)
        feature = features[message.name]
        argument = Argument(message.name, dtype_of(name), shape)
        if feature.image is not None:
            argument = replace(argument, default_shape=(1, *feature.image.shape), image=True)
        if feature.array is not None and feature.array.shape is not None:
            inside = feature.array.shape if shape is None or len(shape) > 0 else ()
            argument = replace(argument, default_shape=inside)
            if feature.optional:
                argument = replace(argument, default=float(feature.array.default or 0))
        found.append(argument)
    return tuple(found)


def check_of(feature: FeatureDescription) -> Check:
    """Make the check of an input: arrays of the declared type; images as float32 [1, channels, height, width]."""
    plain = input_check(feature, lambda: "", rank5=False)
    return plain if feature.image is None else lambda value: plain(value)[None]


def conversion_of(feature: FeatureDescription) -> Callable[[Any], Any]:
    """Make the conversion of an output: to the declared type, and to the declared shape where sizes are fixed."""
    plain = output_conversion(feature)
    shape = _fixed_shape(feature.array)
    if shape is None:
        return plain
    size = math.prod(shape)

    def converted(blob: Any) -> Any:
        return plain(blob.reshape(shape) if blob.shape != shape and blob.size == size else blob)

    return converted


def _fixed_shape(constraint: ArrayConstraint | None) -> tuple[int, ...] | None:
    return None if constraint is None or constraint.flexible else constraint.shape


# Classifiers ---------------------------------------------------------------------------------------------------------


def classes_of_function(function: Any, description: Description, files: WeightFiles) -> Classes | None:
    """The labels of a classifier, which the operation `classify` of its body holds; None for other functions.

    Args:
        function: The Function message.
        description: Its interface.
        files: The weight files of the model.

    Raises:
        SpecError: The labels are neither strings nor integers, or not in the file.
    """
    if not description.predicted_feature_name:
        return None
    operations = programs.body(function).operations
    message = next((operation for operation in reversed(operations) if operation.type == _CLASSIFY), None)
    if message is None or len(message.outputs) != 2:
        raise SpecError(f"nothing in the program computes {description.predicted_feature_name!r}: it has no classify")
    stored = [_stored(binding, operations, files) for binding in message.inputs["classes"].arguments]
    labels = _labels(stored[0] if len(stored) == 1 else stored)
    return Classes(
        labels=labels,
        blob=message.outputs[1].name,
        label_name=description.predicted_feature_name,
        probabilities_name=description.predicted_probabilities_name or None,
    )


def _stored(binding: Any, operations: Any, files: WeightFiles) -> Any:
    """The value of a constant that is given inline or by name."""
    if binding.WhichOneof("binding") == "value":
        return decode(binding.value, files)
    for operation in operations:
        if operation.type == "const" and operation.outputs[0].name == binding.name:
            return decode(operation.attributes["val"], files)
    raise SpecError(f"the classes {binding.name!r} are not a constant")


def _labels(stored: Any) -> tuple[str, ...] | tuple[int, ...]:
    items: list[Any] = list(np.asarray(stored, object).reshape(-1))
    flat: list[Any] = [item.item() if getattr(item, "shape", None) == () else item for item in items]  # of a list
    if all(isinstance(label, str) for label in flat):
        return tuple(flat)
    if all(isinstance(label, int | np.integer) and not isinstance(label, bool) for label in flat):
        return tuple(int(label) for label in flat)
    raise SpecError("the classes are neither strings nor integers")


# The body ------------------------------------------------------------------------------------------------------------


def kinds_of(block: Any) -> Iterator[str]:
    """The kinds of the operations of a block, and of the blocks in it."""
    todo = [block]
    while todo:
        for operation in todo.pop().operations:
            yield operation.type
            todo += operation.blocks


def function_name(message: Any, wanted: str | None) -> str:
    """The name of the function that runs.

    Args:
        message: The Model message.
        wanted: The name that the user gives, if any.

    Raises:
        SpecError: There is no such function.
    """
    held: Mapping[str, Any] = message.mlProgram.functions
    if wanted is None:
        if not message.description.defaultFunctionName and len(held) == 1:
            return next(iter(held))
        return programs.default_function(message)
    if wanted not in held:
        names = ", ".join(map(repr, sorted(held))) or "none"
        raise SpecError(f"the program has no function {wanted!r}; its functions are {names}")
    return wanted
