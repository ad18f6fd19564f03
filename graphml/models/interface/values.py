"""Values given to a model, checked against its description before it runs.

`checker` makes the check of one feature, once; `feature_check` that of a whole interface. What passes is a plain value:
int, float, str, a NumPy array of the declared type and shape, pixels [channels, height, width], a dict, a list.
NaN and infinity are accepted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.core import Tracer

from graphml.descriptions import Description, FeatureDescription, FeatureType, ImageConstraint
from graphml.errors import FeatureError, GraphmlError, in_words, with_article, with_suggestions
from graphml.interpreter.budget import check_shape
from graphml.models.interface.images import ImageOptions, pixels

Check = Callable[[Any], Any]

_INTS = (int, np.integer)
_NUMBERS = (int, float, np.integer, np.floating)
_BOOLS = (bool, np.bool_)


@dataclass(frozen=True, eq=False)
class FeatureValue:
    """A value with an explicit feature type; plain values work as well where the type is clear."""

    type: FeatureType
    value: Any

    @staticmethod
    def from_int64(value: int) -> FeatureValue:
        return FeatureValue(FeatureType.INT64, value)

    @staticmethod
    def from_double(value: float) -> FeatureValue:
        return FeatureValue(FeatureType.DOUBLE, value)

    @staticmethod
    def from_string(value: str) -> FeatureValue:
        return FeatureValue(FeatureType.STRING, value)

    @staticmethod
    def from_array(value: Any) -> FeatureValue:
        return FeatureValue(FeatureType.MULTI_ARRAY, value)

    @staticmethod
    def from_dictionary(value: Mapping[Any, float]) -> FeatureValue:
        return FeatureValue(FeatureType.DICTIONARY, value)

    @staticmethod
    def from_sequence(value: Sequence[Any]) -> FeatureValue:
        return FeatureValue(FeatureType.SEQUENCE, value)

    @staticmethod
    def from_image(
        path_or_image: Any, constraint: ImageConstraint, options: ImageOptions | None = None
    ) -> FeatureValue:
        """An image made to fit a feature (`model.description.inputs[0].image`); see `images.pixels`."""
        return FeatureValue(FeatureType.IMAGE, pixels(path_or_image, constraint, options))


def check(description: FeatureDescription, value: Any) -> Any:
    """The plain value of a feature. Raises FeatureError with its name, what was given and what would be accepted."""
    return checker(description)(value)


@functools.lru_cache(maxsize=1024)
def checker(description: FeatureDescription, *, dtype: str | None = None, rank5: bool = False) -> Check:
    """The check of one feature. dtype: of arrays, instead of the declared one; rank5: see `ArrayConstraint.fit`."""
    make = _CHECKS.get(description.type)
    if make is _array:
        inner = _array(description, dtype, rank5)
    elif make is None:
        raise FeatureError(f"the feature {description.name!r} takes {description.takes}")
    else:
        inner = make(description)

    def checked(value):
        if isinstance(value, FeatureValue):
            if value.type is not description.type:
                raise _refused(description, f"a feature value of type {value.type.name}")
            value = value.value
        return inner(value)

    return checked


def input_check_of(
    interface: Description, make: Callable[[FeatureDescription], Check] = checker
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """The check of the inputs of a model, whose messages also recognize its outputs and training inputs."""
    outputs = {feature.name: "an output of the model" for feature in interface.outputs}
    trained = {feature.name: "an input of training" for feature in interface.training_inputs}
    return feature_check(interface.inputs, make, others=trained | outputs)


def feature_check(
    descriptions: Iterable[FeatureDescription],
    make: Callable[[FeatureDescription], Check] = checker,
    *,
    others: Mapping[str, str] | None = None,
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """The check of a set of features: every name known, every value legal, nothing missing that is not optional.

    None counts as left out. An optional array with a declared default is filled with it; other optional features that
    are left out do not appear in the result. others: {name: what it is} of features that are known but not taken.
    """
    descriptions = tuple(descriptions)
    checks: dict[str, Check] = {}

    def check_all(features: Mapping[str, Any]) -> dict[str, Any]:
        if not checks:  # made on first use: a model with a feature that cannot be checked still loads
            checks.update((d.name, make(d)) for d in descriptions)
        if not isinstance(features, Mapping):
            form = ", ".join(f"{name!r}: ..." for name in checks)
            raise FeatureError(f"features must be given by name, as {{{form}}}, got {in_words(features)}")
        if traced := [name for name, value in features.items() if isinstance(value, Tracer)]:
            raise FeatureError(
                f"{', '.join(map(repr, traced))} is traced by jax.jit, grad or vmap, but predict checks values and "
                "returns Python objects; transform model.as_function() instead, or model.lower().fn, which also takes "
                "the parameters"
            )
        if not features.keys() <= checks.keys():
            raise _unknown(features.keys() - checks.keys(), checks, others or {})
        out = {}
        for d in descriptions:
            value = features.get(d.name)
            if value is not None:
                out[d.name] = checks[d.name](value)
            elif not d.optional:
                raise FeatureError(f"the feature {d.name!r} is missing; it takes {d.takes}")
            elif d.array is not None and d.array.default is not None and d.array.shape is not None:
                check_shape(d.array.shape, np.float64)
                out[d.name] = checks[d.name](np.full(d.array.shape, d.array.default))
        return out

    return check_all


def _unknown(names: Iterable[Any], known: Mapping[str, Any], others: Mapping[str, str]) -> FeatureError:
    names, legal = list(names), ", ".join(map(repr, known))
    if all(name in others for name in names):  # a sample with its target
        given = ", ".join(f"{name!r} is {others[name]}" for name in sorted(names))
        return FeatureError(f"{given} and not an input of predict, which takes {legal if legal else 'none'}")
    return FeatureError(
        f"the model has no feature {with_suggestions(names, known)}; it has {legal if legal else 'none'}"
    )


def _refused(description: FeatureDescription, given: str) -> FeatureError:
    return FeatureError(f"the feature {description.name!r} takes {description.takes}, got {given}")


# One check per type --------------------------------------------------------------------------------------------------


def single(value: Any) -> Any:
    """The only element of an array with one element; anything else unchanged."""
    if (
        not isinstance(value, np.generic | str | bytes)
        and getattr(value, "size", None) == 1
        and hasattr(value, "__array__")
    ):
        return np.asarray(value).reshape(())[()]
    return value


def _int64(description: FeatureDescription) -> Check:
    def checked(value):
        number = single(value)
        if not isinstance(number, _INTS) or isinstance(number, _BOOLS):
            raise _refused(description, in_words(value))
        if not -(2**63) <= int(number) < 2**63:
            raise _refused(description, f"{in_words(number)}, which needs more than 64 bits")
        return int(number)

    return checked


def _double(description: FeatureDescription) -> Check:
    def checked(value):
        number = single(value)
        if not isinstance(number, _NUMBERS) or isinstance(number, _BOOLS):
            raise _refused(description, in_words(value))
        return _float(description, number)

    return checked


def _float(description: FeatureDescription, number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        raise _refused(description, f"{in_words(number)}, which is too large for a float") from None


def _string(description: FeatureDescription) -> Check:
    def checked(value):
        if not isinstance(value, str):
            raise _refused(description, in_words(value))
        return str(value)

    return checked


def _image(description: FeatureDescription) -> Check:
    constraint = description.image
    assert constraint is not None

    def checked(value):
        try:
            return pixels(value, constraint)
        except FeatureError as error:
            raise _refused(description, f"{in_words(value)}: {error}") from None
        except GraphmlError:
            raise
        except Exception as error:
            raise _refused(description, f"{in_words(value)}, which cannot be read as an array: {error}") from None

    return checked


def _array(description: FeatureDescription, dtype: str | None, rank5: bool) -> Check:
    constraint = description.array
    assert constraint is not None
    declared, wanted = constraint.shape, np.dtype(dtype if dtype is not None else constraint.dtype)
    whole = np.dtype(constraint.dtype).kind == "i"

    def checked(value):
        array = value if isinstance(value, np.ndarray) else _as_array(description, value)
        kind = array.dtype.kind
        if kind not in "biuf" and not array.dtype.name.startswith(("bfloat", "float8")):
            raise _refused(description, f"an array of {array.dtype}" if hasattr(value, "dtype") else in_words(value))
        if array.shape != declared:
            fitting = constraint.fit(array.shape, rank5=rank5)
            if fitting is None:
                several = array.ndim > 0 and constraint.fit(array.shape[1:], rank5=rank5) is not None
                hint = "; predict takes one of these, predict_batch several" if several else ""
                raise _refused(description, in_words(array) + hint)
            array = array.reshape(fitting)
        if whole and array.dtype != constraint.dtype:
            _check_whole(description, array)
        if array.dtype != wanted:
            with np.errstate(over="ignore"):
                array = array.astype(wanted)
        return array

    return checked


def _as_array(description: FeatureDescription, value: Any) -> np.ndarray:
    if isinstance(value, str | bytes | Mapping):
        raise _refused(description, in_words(value))
    try:
        return np.asarray(value)
    except Exception as error:  # ragged lists, tensors that are still being differentiated, ...
        raise _refused(description, f"{in_words(value)}, which cannot be read as an array: {error}") from None


def _check_whole(description: FeatureDescription, array: np.ndarray) -> None:
    """Refuse what an integer array cannot hold."""
    assert description.array is not None
    limits = np.iinfo(description.array.dtype)
    if array.dtype.kind == "b" or array.size == 0:
        return
    if array.dtype.kind not in "iu":
        array = array.astype(np.float64)
    bad = ~((array >= limits.min) & (array <= limits.max) & (array == np.rint(array)))
    if bad.any():
        raise _refused(description, f"{with_article(str(array.dtype))} array that contains {array[bad][0]}")


def _dictionary(description: FeatureDescription) -> Check:
    declared = _INTS if description.keys is FeatureType.INT64 else (str,)
    legal = (*_INTS, str) if description.any_keys else declared

    def checked(value):
        if not isinstance(value, Mapping):
            raise _refused(description, in_words(value))
        out = {}
        for key, number in value.items():
            if isinstance(key, _BOOLS) or not isinstance(key, legal):
                raise _refused(description, f"the key {in_words(key)}")
            if isinstance(number, _BOOLS) or not isinstance(number, _NUMBERS):
                raise _refused(description, f"{in_words(number)} under the key {key!r}")
            out[str(key) if isinstance(key, str) else int(key)] = _float(description, number)
        return out

    return checked


def with_keys(value: Mapping[Any, float], keys: FeatureType | None) -> dict[Any, float]:
    """A dictionary whose keys are strings or (INT64) integers, for one that may have the other: 3 for "3" and back.

    A string that is not an integer in its usual form stays as it is. Raises FeatureError if two keys become the same.
    """
    convert = _as_int if keys is FeatureType.INT64 else str
    out = {convert(key): number for key, number in value.items()}
    if len(out) < len(value):
        twice = next(key for key in value if convert(key) in value and convert(key) != key)
        raise FeatureError(f"the keys {convert(twice)!r} and {twice!r} mean the same entry")
    return out


def _as_int(key: int | str) -> int | str:
    try:
        number = int(key)
    except ValueError:
        return key
    return number if str(number) == str(key) else key


def _sequence(description: FeatureDescription) -> Check:
    ints = description.keys is FeatureType.INT64
    low, high = (0, None) if description.sizes is None else description.sizes

    def checked(value):
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            raise _refused(description, in_words(value))
        items = list(value)
        for item in items:
            if isinstance(item, _BOOLS) or not isinstance(item, _INTS if ints else str):
                raise _refused(description, f"the element {in_words(item)}")
        if len(items) < low or (high is not None and len(items) > high):
            raise _refused(description, f"{len(items)} elements")
        return [int(item) if ints else str(item) for item in items]

    return checked


_CHECKS: Mapping[FeatureType, Callable[..., Check]] = {
    FeatureType.INT64: _int64,
    FeatureType.DOUBLE: _double,
    FeatureType.STRING: _string,
    FeatureType.IMAGE: _image,
    FeatureType.MULTI_ARRAY: _array,
    FeatureType.DICTIONARY: _dictionary,
    FeatureType.SEQUENCE: _sequence,
}
