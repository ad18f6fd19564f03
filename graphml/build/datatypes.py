"""The types of a model's inputs and outputs.

A type is one of the classes here (`Array(3, 8, 8)`, `Int64()`) or a FeatureType message (`array(...)`, `image(...)`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from graphml.errors import SpecError
from graphml.spec.wire.features_pb2 import ArrayFeatureType, FeatureType, ImageFeatureType

Dtype = Literal["float32", "float64", "int32", "float16"]

_DTYPES = {"float32": "FLOAT32", "float64": "DOUBLE", "int32": "INT32", "float16": "FLOAT16"}


@dataclass(frozen=True, init=False)
class Array:
    """A multi-array of a given shape.

    Args:
        *dimensions: The sizes of the axes: Array(3, 8, 8), or Array((3, 8, 8)).
    """

    dimensions: tuple[int, ...]

    def __init__(self, *dimensions: int | list[int] | tuple[int, ...]) -> None:
        sizes: Any = dimensions
        if len(dimensions) == 1 and isinstance(dimensions[0], list | tuple):
            sizes = dimensions[0]
        object.__setattr__(self, "dimensions", tuple(int(size) for size in sizes))

    @property
    def num_elements(self) -> int:
        """The number of elements."""
        return math.prod(self.dimensions)


@dataclass(frozen=True)
class Int64:
    """An integer."""


@dataclass(frozen=True)
class Double:
    """A floating-point number."""


@dataclass(frozen=True)
class String:
    """A string."""


@dataclass(frozen=True)
class Dictionary:
    """A dictionary of numbers.

    Attributes:
        key_type: Int64() or String().
    """

    key_type: Any = String()


_SCALARS = {Int64: "int64Type", Double: "doubleType", String: "stringType"}
_NAMES = {"Int64": Int64, "Double": Double, "String": String}
_KEYS = {Int64: "int64KeyType", int: "int64KeyType", String: "stringKeyType", str: "stringKeyType"}


def array(*shape: int, dtype: Dtype = "float32", optional: bool = False) -> FeatureType:
    """The type of a multi-array input or output.

    Args:
        *shape: The sizes of the axes. None given: the shape is not declared.
        dtype: "float32", "float64", "int32" or "float16".
        optional: Whether an input may be left out.

    Raises:
        SpecError: If the dtype is unknown.
    """
    if dtype not in _DTYPES:
        raise SpecError(f"dtype is {dtype!r}; expected one of {', '.join(_DTYPES)}")
    feature: Any = FeatureType(isOptional=optional)
    feature.multiArrayType.dataType = ArrayFeatureType.ArrayDataType.Value(_DTYPES[dtype])
    feature.multiArrayType.shape.extend(shape)
    return feature


def image(width: int, height: int, color: Literal["GRAYSCALE", "RGB", "BGR"] = "RGB") -> FeatureType:
    """The type of an image input or output.

    Args:
        width: Width in pixels.
        height: Height in pixels.
        color: "GRAYSCALE", "RGB" or "BGR".
    """
    feature: Any = FeatureType()
    feature.imageType.width, feature.imageType.height = width, height
    feature.imageType.colorSpace = ImageFeatureType.ColorSpace.Value(color)
    return feature


def feature_type(what: Any, dtype: Dtype) -> FeatureType:
    """The message for a type in any of its forms.

    Args:
        what: An instance, a class or a class name of this module, a FeatureType message, or None for an array of
            unknown shape.
        dtype: The dtype of arrays.

    Raises:
        SpecError: If `what` is anything else.
    """
    if isinstance(what, FeatureType):
        return what
    if what is None or isinstance(what, Array):
        return array(*(() if what is None else what.dimensions), dtype=dtype)
    kind = _NAMES.get(what, what) if isinstance(what, str) else what if isinstance(what, type) else type(what)
    feature = FeatureType()
    if kind in _SCALARS:
        getattr(feature, _SCALARS[kind]).SetInParent()
    elif kind is Dictionary:
        key = what.key_type if isinstance(what, Dictionary) else String
        key = key if isinstance(key, type) else type(key)
        if key not in _KEYS:
            raise SpecError(f"key_type is {key.__name__}; expected Int64() or String()")
        getattr(feature.dictionaryType, _KEYS[key]).SetInParent()
    else:
        raise SpecError(f"{what!r} is not a type; expected Array, Int64, Double, String or Dictionary")
    return feature
