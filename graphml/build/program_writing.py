"""Writes a program under construction as messages and a weight file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphml.build.program_core import ProgramBlock, Step, Value
from graphml.errors import SpecError
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.operations import OPSETS, SPECIFICATIONS
from graphml.spec.program.types import name_of_dtype, value_type
from graphml.spec.program.values import encode
from graphml.spec.wire.features_pb2 import ArrayFeatureType, FeatureType, ImageFeatureType
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.program_pb2 import ValueType

ELEMENT_TYPES = {"float32": "FLOAT32", "float16": "FLOAT16", "int32": "INT32", "int8": "INT8"}
"""Types of inputs and outputs: name -> name in the schema."""

_IMAGES = {"RGB": 3, "BGR": 3, "GRAYSCALE": 1, "GRAYSCALE_FLOAT16": 1}
_ATTRIBUTES_UNTIL_18 = (
    "constexpr_affine_dequantize",
    "constexpr_lut_to_dense",
    "constexpr_sparse_to_dense",
    "constexpr_cast",
)


@dataclass(frozen=True)
class InputType:
    """An input as the interface declares it.

    Attributes:
        name: Its name.
        dtype: The type of its elements.
        sizes: A size, or (smallest, largest), for each axis.
        enumerated: All allowed shapes, if they are listed.
        image: The color space of an image, or None.
        default: The value that fills it if it is left out, or None.
        value: The value in the program.
    """

    name: str
    dtype: str
    sizes: tuple[int | tuple[int, int], ...]
    enumerated: tuple[tuple[int, ...], ...] = ()
    image: str | None = None
    default: float | None = None
    value: Value | None = None

    @staticmethod
    def of(
        name: str, shape: Sequence[Any], dtype: str, enumerated: Any, image: str | None, default: float | None
    ) -> InputType:
        """An input from the arguments of `ProgramBuilder.input`. Raises SpecError."""
        sizes = tuple(size if isinstance(size, int) else (int(size[0]), int(size[1])) for size in shape)
        for size in sizes:
            smallest, largest = (size, size) if isinstance(size, int) else size
            if smallest < 1 or (largest != -1 and largest < smallest):
                raise SpecError(f"input {name!r} has the size {size}; expected 1 or more, or (smallest, largest)")
        listed = tuple(tuple(int(size) for size in other) for other in enumerated or ())
        fixed = tuple(size for size in sizes if isinstance(size, int))
        if listed and len(fixed) < len(sizes):
            raise SpecError(f"input {name!r} has enumerated shapes, so its shape must have fixed sizes")
        if image is not None and (image not in _IMAGES or len(sizes) != 4 or sizes[:2] != (1, _IMAGES[image])):
            raise SpecError(
                f"an image is RGB or BGR [1, 3, height, width] or GRAYSCALE [1, 1, height, width]; "
                f"input {name!r} is {image} {list(sizes)}"
            )
        return InputType(name, dtype, sizes, (fixed, *listed) if listed else (), image, default)

    @property
    def flexible(self) -> bool:
        """Whether several shapes are allowed."""
        return bool(self.enumerated) or any(not isinstance(size, int) for size in self.sizes)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Two allowed shapes, which differ in each flexible axis; the first is the default."""
        first = tuple(size if isinstance(size, int) else size[0] for size in self.sizes)
        if self.enumerated:
            return first, self.enumerated[-1]
        other = tuple(
            size if isinstance(size, int) else size[0] + 1 if size[1] == -1 else size[1] for size in self.sizes
        )
        return first, other

    def holding(self, value: Value) -> InputType:
        """The same input with its value."""
        return replace(self, value=value)


@dataclass(frozen=True)
class OutputType:
    """An output as the interface declares it.

    Attributes:
        name: Its name.
        value: The value in the program.
        image: The color space of an image, or None.
        labels: The labels of a classifier, for its two outputs.
        is_dictionary: Whether it is the dictionary of a classifier.
    """

    name: str
    value: Value
    image: str | None = None
    labels: tuple[Any, ...] = ()
    is_dictionary: bool = False


@dataclass(frozen=True)
class Function:
    """A finished function: its name, inputs, states, block and outputs."""

    name: str
    inputs: tuple[InputType, ...]
    states: tuple[Value, ...]
    block: ProgramBlock
    outputs: tuple[OutputType, ...]


def write_model(functions: Sequence[Function], opset: str, blobs: BlobWriter) -> Model:
    """The model of a program.

    Args:
        functions: Its functions; the first one is the default.
        opset: The operator set.
        blobs: The weight file to write to.

    Returns:
        The message.
    """
    model = Model(specificationVersion=SPECIFICATIONS[OPSETS[opset]])
    description: Any = model.description
    model.mlProgram.version = 1
    for function in functions:
        place = description if len(functions) == 1 else description.functions.add(name=function.name)
        _describe(function, place)
        _Writer(opset, blobs).write(function, model.mlProgram.functions[function.name])
    if len(functions) > 1:
        description.defaultFunctionName = functions[0].name
    return model


# The interface -------------------------------------------------------------------------------------------------------


def _describe(function: Function, place: Any) -> None:
    for given in function.inputs:
        _input_feature(given, place.input.add(name=given.name).type)
    for state in function.states:
        feature = place.state.add(name=state.name)
        array = feature.type.stateType.arrayType
        array.dataType = _data_type(state.dtype.name)
        array.shape.extend(state.probes[0].form.shape)
    for given in function.outputs:
        feature = place.output.add(name=given.name)
        if given.is_dictionary:
            key = "int64KeyType" if isinstance(given.labels[0], int) else "stringKeyType"
            getattr(feature.type.dictionaryType, key).SetInParent()
            place.predictedProbabilitiesName = given.name
        elif given.labels:
            getattr(feature.type, "int64Type" if isinstance(given.labels[0], int) else "stringType").SetInParent()
            place.predictedFeatureName = given.name
        else:
            _output_feature(given, feature.type)


def _input_feature(given: InputType, feature: FeatureType) -> None:
    shape = given.shapes[0]
    if given.image is not None:
        _image_feature(given.image, shape, feature)
        image: Any = feature.imageType
        if given.enumerated:
            for listed in given.enumerated:
                image.enumeratedSizes.sizes.add(height=listed[2], width=listed[3])
        elif given.flexible:
            for axis, size_range in ((2, image.imageSizeRange.heightRange), (3, image.imageSizeRange.widthRange)):
                size = given.sizes[axis]
                size_range.lowerBound, size_range.upperBound = (size, size) if isinstance(size, int) else size
    else:
        array: Any = feature.multiArrayType
        array.dataType = _data_type(given.dtype)
        array.shape.extend(shape or (1,))
        if given.enumerated:
            for listed in given.enumerated:
                array.enumeratedShapes.shapes.add().shape.extend(listed)
        elif given.flexible:
            for size in given.sizes:
                lower, upper = (size, size) if isinstance(size, int) else size
                array.shapeRange.sizeRanges.add(lowerBound=lower, upperBound=upper)
        if given.default is not None:
            if given.dtype.startswith("float"):
                array.floatDefaultValue = given.default
            else:
                array.intDefaultValue = int(given.default)
    feature.isOptional = given.default is not None


def _output_feature(given: OutputType, feature: FeatureType) -> None:
    shape = given.value.shape
    if given.image is not None:
        _image_feature(given.image, tuple(size or 1 for size in shape), feature)
        return
    dtype = given.value.dtype.name
    if dtype not in ELEMENT_TYPES:
        raise SpecError(
            f"output {given.name!r} is {dtype}; outputs must be one of {', '.join(ELEMENT_TYPES)}; add a cast before it"
        )
    feature.multiArrayType.dataType = _data_type(dtype)
    known = [size for size in shape if size is not None]
    if len(known) == len(shape):
        feature.multiArrayType.shape.extend(known or [1])


def _image_feature(color: str, shape: Sequence[int], feature: FeatureType) -> None:
    image: Any = feature.imageType
    image.height, image.width = shape[2], shape[3]
    image.colorSpace = ImageFeatureType.ColorSpace.Value(color)


def _data_type(dtype: str) -> Any:
    return ArrayFeatureType.ArrayDataType.Value(ELEMENT_TYPES[dtype])


# The program ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Writer:
    """Writes one function.

    Attributes:
        opset: The operator set.
        blobs: The weight file to write to.
    """

    opset: str
    blobs: BlobWriter

    def write(self, function: Function, message: Any) -> None:
        message.opset = self.opset
        for given in function.inputs:
            assert given.value is not None
            message.inputs.add(name=given.name).type.CopyFrom(_type(given.value))
        for state in function.states:
            message.inputs.add(name=state.name).type.stateType.wrappedType.CopyFrom(_type(state))
        block = message.block_specializations[self.opset]
        self._block(function.block, block)
        block.outputs.extend(output.name for output in function.outputs)

    def _block(self, block: ProgramBlock, message: Any) -> None:
        for value in block.inputs:
            message.inputs.add(name=value.name).type.CopyFrom(_type(value))
        message.outputs.extend(value.name for value in block.outputs)
        for step in block.steps:
            self._step(step, message.operations.add(type=step.kind))

    def _step(self, step: Step, message: Any) -> None:
        message.attributes["name"].CopyFrom(encode(step.name))
        version = OPSETS[self.opset]
        if step.kind == "const":
            (made,) = step.outputs
            message.attributes["val"].CopyFrom(encode(made.stored, blobs=self.blobs, version=version))
        for parameter, values in step.arguments.items():
            if step.kind in _ATTRIBUTES_UNTIL_18 and version < 18:
                stored = encode(values[0].stored, blobs=self.blobs, version=version)
                message.attributes[parameter].CopyFrom(stored)
                continue
            for value in values:
                binding = message.inputs[parameter].arguments.add()
                if value.inline:
                    binding.value.CopyFrom(encode(value.stored, blobs=self.blobs, version=version))
                else:
                    binding.name = value.name
        types = _classified(step.labels) if step.labels else [_type(made) for made in step.outputs]
        for made, kind in zip(step.outputs, types, strict=True):
            message.outputs.add(name=made.name).type.CopyFrom(kind)
        for block in step.blocks:
            self._block(block, message.blocks.add())


def _classified(labels: Sequence[Any]) -> list[ValueType]:
    """The types of a classifier's outputs: a label, and a dictionary from labels to probabilities."""
    label = value_type("string" if isinstance(labels[0], str) else "int64")
    table = ValueType()
    table.dictionaryType.keyType.CopyFrom(label)
    table.dictionaryType.valueType.CopyFrom(value_type("float64"))
    return [label, table]


def _type(value: Value) -> ValueType:
    if isinstance(value.stored, str):
        return value_type("string")
    dtype = name_of_dtype(value.dtype)
    if not value.is_list:
        return value_type(dtype, value.shape)
    message = ValueType()
    message.listType.type.CopyFrom(value_type(dtype, value.shape[1:]))
    message.listType.length.unknown.variadic = False
    return message
