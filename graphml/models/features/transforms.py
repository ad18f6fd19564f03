"""Feature engineering on numbers and arrays: arrayFeatureExtractor, classConfidenceThresholding, imputer, normalizer,
scaler.

All of them compute in float64, and in NumPy to predict. Each formula takes the array module as `xp`, so that
`as_function` can evaluate the same formula in JAX.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphml.descriptions import ArrayConstraint, FeatureDescription, FeatureType
from graphml.errors import FeatureError, ShapeError, UnsupportedError
from graphml.models.model import Model

_ARRAYS = (FeatureType.MULTI_ARRAY, FeatureType.DOUBLE)


def given(feature: FeatureDescription, value: Any) -> Any:
    """Convert a computed number or array to the declared type of an output.

    Args:
        feature: The output.
        value: A number or an array.

    Returns:
        A float, an int or an array.

    Raises:
        FeatureError: If the output is an integer and the value is not.
        ShapeError: If the number of elements differs.
    """
    array = np.asarray(value)
    if feature.array is not None:
        return _array(feature, feature.array, array)
    if array.size != 1:
        raise ShapeError(
            f"the output {feature.name!r} is one number, but the computed value has shape {list(array.shape)}"
        )
    number = array.reshape(())[()]
    if feature.type is FeatureType.DOUBLE:
        return float(number)
    if not math.isfinite(number) or number != math.floor(number) or abs(number) > 2**63 - 1:
        raise FeatureError(f"the output {feature.name!r} is an integer, but the computed value is {number}")
    return int(number)


def _array(feature: FeatureDescription, constraint: ArrayConstraint, array: np.ndarray) -> np.ndarray:
    if constraint.shape is not None and not constraint.allows(array.shape):
        if array.size != math.prod(constraint.shape):
            raise ShapeError(
                f"the output {feature.name!r} has shape {list(constraint.shape)}, but the computed value has "
                f"{list(array.shape)}"
            )
        array = array.reshape(constraint.shape)
    dtype = np.dtype(constraint.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(dtype, copy=False)
    if dtype.kind == "i" and not np.array_equal(cast, array):
        bad = array[cast != array][0]
        raise FeatureError(f"the output {feature.name!r} is an {dtype} array, but a computed value is {bad}")
    return cast


class Transform(Model):
    """A model of one input and one output. `_compute(xp, x)` is its formula, for numbers and for arrays."""

    @functools.cached_property
    def input(self) -> FeatureDescription:
        return self.description.inputs[0]

    @functools.cached_property
    def output(self) -> FeatureDescription:
        return self.description.outputs[0]

    @property
    def _parameters(self) -> Any:
        return getattr(self._message, self.kind)

    def _compute(self, xp: Any, x: Any) -> Any:
        raise NotImplementedError

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        if self.input.name not in values:
            raise FeatureError(f"the feature {self.input.name!r} is missing and has no default")
        with np.errstate(all="ignore"):  # NaN and infinity are values
            result = self._compute(np, np.asarray(values[self.input.name], np.float64))
        return {self.output.name: given(self.output, result)}

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The model as a JAX function from {input: array} to {output: array}, in float64.

        Numbers are arrays of shape ().

        Raises:
            UnsupportedError: If the output has integers, because a traced function cannot check the values.
        """
        self.refuse_unless_usable()
        floats = self.output.array is None or np.dtype(self.output.array.dtype).kind == "f"
        if self.input.type not in _ARRAYS or self.output.type not in _ARRAYS or not floats:
            raise UnsupportedError(
                f"this {self.kind} is not a function of float arrays: it takes {self.input.takes} and returns "
                f"{self.output.takes}"
            )
        return in_float64(self._function)

    def _function(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import jax.numpy as jnp

        result = self._compute(jnp, jnp.asarray(inputs[self.input.name], jnp.float64))
        return {self.output.name: traced(self.output, result)}


def in_float64(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that computes with 64 bits, regardless of JAX's global setting.

    Args:
        function: The function to wrap.
    """

    @functools.wraps(function)
    def wide(*arguments):
        import jax

        with jax.enable_x64(True):
            return function(*arguments)

    return wide


def traced(feature: FeatureDescription, value: Any) -> Any:
    """Like `given`, for a traced array and an output of floats.

    Args:
        feature: The output.
        value: The traced array.

    Raises:
        ShapeError: If the number of elements differs.
    """
    shape = () if feature.array is None else feature.array.shape
    if shape is not None and (feature.array is None or not feature.array.allows(value.shape)):
        if value.size != math.prod(shape):
            raise ShapeError(
                f"the output {feature.name!r} has shape {list(shape)}, but the computed value has {list(value.shape)}"
            )
        value = value.reshape(shape)
    return value.astype("float64" if feature.array is None else feature.array.dtype)


def _alike(stored: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Stored values, one for each element, reshaped to the shape of an array."""
    if stored.size != math.prod(shape):
        raise ShapeError(f"the array has shape {list(shape)}, but the model has values for {stored.size} elements")
    return stored.reshape(shape)


class Scaler(Transform):
    """y = scale (x + shift). Raises FeatureError if the output is an integer and the result is not.

    Source: Scaler.
    """

    @functools.cached_property
    def _factors(self) -> tuple[Any, ...]:
        message = self._parameters
        shift, scale = np.array(message.shiftValue), np.array(message.scaleValue)
        return tuple(
            f.reshape(()) if f.size == 1 else f if f.size else np.float64(plain)
            for f, plain in ((shift, 0), (scale, 1))
        )

    def _compute(self, xp, x):
        shift, scale = (f if f.size == 1 else _alike(f, x.shape) for f in self._factors)
        return scale * (x + shift)


class Normalizer(Transform):
    """y = x / z, where z is the largest element (with its sign), the sum of magnitudes, or the Euclidean norm.

    An array with z = 0 is returned unchanged.

    Source: Normalizer.
    """

    def _compute(self, xp, x):
        kind = self._parameters.normType
        if not x.size:
            return x
        if kind == self._parameters.LMax:
            z = xp.max(x)
        elif kind == self._parameters.L1:
            z = xp.sum(xp.abs(x))
        else:
            # divided first, so that squares neither overflow nor underflow
            largest = xp.max(xp.abs(x))
            unit = xp.where(largest > 0, largest, 1)
            z = unit * xp.sqrt(xp.sum((x / unit) ** 2))
        return x / xp.where(z == 0, 1, z)


class ArrayFeatureExtractor(Transform):
    """Returns the elements at the stored indices of an array, counted in row-major order.

    Source: ArrayFeatureExtractor.
    """

    @functools.cached_property
    def _indices(self) -> np.ndarray:
        return np.array(self._parameters.extractIndex, np.uint64)

    def _compute(self, xp, x):
        outside = self._indices[self._indices >= x.size]
        if outside.size:
            raise ShapeError(f"index {outside[0]} is out of range for an array of {x.size} elements")
        return x.reshape(-1)[self._indices.astype(np.int64)]


class ClassConfidenceThresholding(Transform):
    """Turns C confidences into [2, C]: the confidences, and a 1 for each class, which counts as present.

    The precision-recall curves of the file are not used.

    Source: ClassConfidenceThresholding (spec 8).
    """

    def _compute(self, xp, x):
        flat = x.reshape(-1)
        return xp.stack([flat, xp.ones_like(flat)])


class Imputer(Transform):
    """Replaces missing values by stored ones.

    A value is missing if it equals the stored marker (without a marker: if it is NaN), and an optional input if it was
    left out. Numbers and strings are replaced as a whole, arrays element by element, dictionaries key by key; keys
    without a stored value are not changed.

    Source: Imputer.
    """

    @functools.cached_property
    def _marker(self) -> Any:
        which = self._parameters.WhichOneof("ReplaceValue")
        return math.nan if which is None else getattr(self._parameters, which)

    @functools.cached_property
    def _stored(self) -> Any:
        value = getattr(self._parameters, self._parameters.WhichOneof("ImputedValue"))
        if hasattr(value, "vector"):
            return np.array(value.vector)
        return dict(value.map) if hasattr(value, "map") else value

    def _compute(self, xp, x):
        missing = xp.isnan(x) if self._marker != self._marker else x == self._marker
        return xp.where(missing, self._values(x.shape), x)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        stored = np.asarray(self._stored, np.float64)
        return stored if stored.ndim == 0 else _alike(stored, shape)

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        return {self.output.name: self._filled(values.get(self.input.name))}

    def _filled(self, value: Any) -> Any:
        if isinstance(self._stored, dict):
            if value is None:
                return dict(self._stored)
            return {k: self._stored.get(k, v) if self._is_missing(v) else v for k, v in value.items()}
        if self.input.array is None:
            return self._stored if value is None or self._is_missing(value) else value
        shape = self.input.array.shape
        if value is None:
            if shape is None:
                raise FeatureError(f"the array {self.input.name!r} is missing and has no declared shape")
            return given(self.output, np.broadcast_to(self._values(shape), shape))
        return given(self.output, self._compute(np, np.asarray(value, np.float64)))

    def _is_missing(self, value: Any) -> bool:
        return value == self._marker or (value != value and self._marker != self._marker)
