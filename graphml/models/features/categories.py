"""Feature engineering on categories and dictionaries: categoricalMapping, dictVectorizer, featureVectorizer,
oneHotEncoder."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from graphml.descriptions import Description, FeatureDescription, FeatureType
from graphml.errors import FeatureError, ShapeError, UnsupportedError
from graphml.interpreter.budget import check_shape
from graphml.models.features.transforms import Transform, given, in_float64, traced
from graphml.models.interface.values import with_keys
from graphml.models.model import Model

_DICTIONARY = FeatureType.DICTIONARY


def _vector(message: Any, oneof: str) -> list[Any]:
    return list(getattr(message, message.WhichOneof(oneof)).vector)


def _indices(keys: list[Any]) -> dict[Any, int]:
    """{key: index}; of equal keys the first one."""
    return {key: place for place, key in reversed(list(enumerate(keys)))}


class HostTransform(Transform):
    """A transform that is not a function of arrays: it reads or returns strings or dictionaries."""

    as_function = Model.as_function

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        if self.input.name not in values:
            raise FeatureError(f"the feature {self.input.name!r} is missing and has no default")
        return {self.output.name: self._convert(values[self.input.name])}

    def _convert(self, value: Any) -> Any:
        raise NotImplementedError


class OneHotEncoder(HostTransform):
    """Returns zeros with a one at the index of the category, or {index: 1.0}.

    A dictionary with string keys is {category: 1.0}. For an unknown category the result is zeros (an empty dictionary),
    or FeatureError is raised, as the file says.

    Source: OneHotEncoder.
    """

    @functools.cached_property
    def _index(self) -> dict[Any, int]:
        return _indices(_vector(self._parameters, "CategoryType"))

    def _convert(self, value: Any) -> Any:
        place = self._index.get(value)
        if place is None and self._parameters.handleUnknown == self._parameters.ErrorOnUnknown:
            raise FeatureError(f"{value!r} is not among the {len(self._index)} categories of {self.input.name!r}")
        if self.output.type is _DICTIONARY:
            key = value if self.output.keys is FeatureType.STRING else place
            return {} if place is None else {key: 1.0}
        row = np.zeros(len(_vector(self._parameters, "CategoryType")))
        if place is not None:
            row[place] = 1
        return given(self.output, row)


class DictVectorizer(HostTransform):
    """Returns the values of a dictionary in the order of the listed keys; other keys are ignored.

    The list decides the type of keys: if the input is declared with keys of the other type, as some converters do for
    integers, 3 and "3" are the same key. The output is an array, with 0 for keys that the dictionary lacks, or
    {index: value} for the keys that it has.

    Source: DictVectorizer.
    """

    @functools.cached_property
    def _index(self) -> dict[Any, int]:
        return _indices(_vector(self._parameters, "Map"))

    @functools.cached_property
    def _length(self) -> int:
        return len(_vector(self._parameters, "Map"))

    @functools.cached_property
    def _keys(self) -> FeatureType:
        return FeatureType.INT64 if self._parameters.WhichOneof("Map") == "int64ToIndex" else FeatureType.STRING

    def _described(self) -> Description:
        declared = super()._described()
        loosened = (replace(f, any_keys=f.type is _DICTIONARY and f.keys is not self._keys) for f in declared.inputs)
        return replace(declared, inputs=tuple(loosened))

    def _convert(self, value: Mapping[Any, float]) -> Any:
        index = self._index
        value = with_keys(value, self._keys) if self.input.any_keys else value
        sparse = {index[key]: number for key, number in value.items() if key in index}
        if self.output.type is _DICTIONARY:
            return sparse
        row = np.zeros(self._length)
        row[list(sparse)] = list(sparse.values())
        return given(self.output, row)


class CategoricalMapping(HostTransform):
    """Maps strings to integers or integers to strings by a table; sequences element by element.

    If a key is not in the table and the file has no default value, FeatureError is raised.

    Source: CategoricalMapping.
    """

    @functools.cached_property
    def _table(self) -> dict[Any, Any]:
        return dict(getattr(self._parameters, self._parameters.WhichOneof("MappingType")).map)

    @functools.cached_property
    def _otherwise(self) -> Any:
        which = self._parameters.WhichOneof("ValueOnUnknown")
        return None if which is None else getattr(self._parameters, which)

    def _convert(self, value: Any) -> Any:
        return [self._one(item) for item in value] if self.input.type is FeatureType.SEQUENCE else self._one(value)

    def _one(self, key: Any) -> Any:
        found = self._table.get(key, self._otherwise)
        if found is None:
            raise FeatureError(f"{key!r} is not among the {len(self._table)} keys of the mapping, which has no default")
        return found


class FeatureVectorizer(Model):
    """Concatenates several inputs to one array.

    A number is one element, an array all of its elements. A dictionary with integer keys has the declared number of
    elements, and its keys are their indices, from 0. An optional input that is left out is NaN in each of its elements,
    a dictionary zero. An array of another size raises ShapeError, a key that is out of range FeatureError.

    Source: FeatureVectorizer.
    """

    @functools.cached_property
    def _columns(self) -> list[tuple[FeatureDescription, int]]:
        inputs = {feature.name: feature for feature in self.description.inputs}
        listed = self._message.featureVectorizer.inputList
        return [(inputs[column.inputColumn], column.inputDimensions) for column in listed]

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        width = sum(size for _, size in self._columns)
        check_shape((width,), np.float64)
        row = np.full(width, math.nan)
        start = 0
        for feature, size in self._columns:
            part = row[start : start + size]
            value = values.get(feature.name)
            if feature.type is _DICTIONARY:
                part[:] = 0
                for place, number in ({} if value is None else value).items():
                    if not 0 <= place < size:
                        raise FeatureError(f"index {place} of {feature.name!r} is out of range for size {size}")
                    part[place] = number
            elif value is not None:
                flat = np.ravel(value)
                _check_size(feature, flat.size, size)
                part[:] = flat
            start += size
        output = self.description.outputs[0]
        return {output.name: given(output, row)}

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The model as a function from {input: array} to {output: array}; numbers are arrays of one element.

        Raises:
            UnsupportedError: If an input is a dictionary or optional.
        """
        self.refuse_unless_usable()
        output = self.description.outputs[0]
        for feature, _ in self._columns:
            if feature.type is _DICTIONARY or feature.optional:
                raise UnsupportedError(
                    f"this {self.kind} is not a function of arrays: its input {feature.name!r} takes {feature.takes}"
                    f"{' and is optional' if feature.optional else ''}"
                )
        if output.array is None or np.dtype(output.array.dtype).kind != "f":
            raise UnsupportedError(f"this {self.kind} is not a function of arrays: it returns {output.takes}")
        return in_float64(self._function)

    def _function(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import jax.numpy as jnp

        parts = []
        for feature, size in self._columns:
            part = jnp.asarray(inputs[feature.name], jnp.float64).reshape(-1)
            _check_size(feature, part.size, size)
            parts.append(part)
        output = self.description.outputs[0]
        return {output.name: traced(output, jnp.concatenate(parts))}


def _check_size(feature: FeatureDescription, got: int, size: int) -> None:
    if got != size:
        raise ShapeError(f"{feature.name!r} has {got} elements, but the model declares {size}")
