"""Values of models that compute with arrays: from checked features to arrays, and from arrays to declared outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from graphml.descriptions import ArrayConstraint, FeatureDescription, FeatureType
from graphml.errors import FeatureError, ShapeError, SpecError
from graphml.models.interface.images import picture
from graphml.models.interface.ports import Classes
from graphml.models.interface.values import Check, checker


def input_check(feature: FeatureDescription, advice: Callable[[], str], *, rank5: bool) -> Check:
    """Make the check of one input.

    Args:
        feature: The input. A number becomes an array of one element.
        advice: Called for an array that is refused; returns what to add to the message, or "".
        rank5: Whether sequence and batch axes may precede the declared axes.

    Returns:
        A function from a value to the array that the compiled network takes. It raises FeatureError.
    """
    if feature.type in (FeatureType.INT64, FeatureType.DOUBLE):
        number = checker(feature)
        return lambda value: np.array([number(value)], np.float32)
    if feature.array is None:
        return checker(feature)
    constraint = feature.array
    dtype = "float32" if constraint.dtype == "float64" else constraint.dtype
    plain = checker(feature, dtype=dtype, rank5=rank5)

    def checked(value):
        # an array of the right type and shape stays on its device
        if (
            isinstance(value, jax.Array)
            and value.dtype == dtype
            and constraint.fit(value.shape, rank5=rank5) == value.shape
        ):
            return value
        try:
            return plain(value)
        except FeatureError as error:
            words = advice()
            if not words:
                raise
            raise FeatureError(f"{error}; {words}") from None

    return checked


def output_conversion(feature: FeatureDescription) -> Callable[[Any], Any]:
    """Make the conversion of one output from the blob to the value that is declared: array, number or picture."""
    if feature.image is not None:
        color = feature.image.color_space
        return lambda blob: picture(np.asarray(blob), color)
    if feature.array is not None:
        return _array_output(feature.array)
    as_type = float if feature.type is FeatureType.DOUBLE else _whole

    def single(blob):
        array = np.asarray(blob)
        if array.size != 1:
            raise ShapeError(f"the output {feature.name!r} is one number, but the network returns {list(array.shape)}")
        return as_type(array.reshape(())[()])

    return single


def _whole(number: Any) -> int:
    """The nearest 64-bit integer; 0 for NaN, as in arrays of integers."""
    if np.isnan(number):
        return 0
    bounded = min(max(float(number), -(2.0**63)), 2.0**63)  # there is no infinite integer
    return min(int(np.rint(bounded)), 2**63 - 1)


def _array_output(constraint: ArrayConstraint) -> Callable[[Any], Any]:
    dtype = np.dtype(constraint.dtype)
    if dtype.kind == "f":

        def floats(blob):
            with np.errstate(over="ignore"):
                return np.asarray(blob).astype(dtype, copy=False)

        return floats
    limits = np.iinfo(dtype)

    def integers(blob):
        whole = np.rint(np.nan_to_num(np.asarray(blob, np.float64), nan=0.0))
        return np.clip(whole, limits.min, limits.max).astype(dtype)

    return integers


def classified(probabilities: np.ndarray, classes: Classes) -> dict[str, Any]:
    """The label of the highest probability (the first of equal ones), and the probability of each label.

    Raises:
        ShapeError: The number of probabilities is not the number of labels.
    """
    values = probabilities.reshape(-1)
    if values.size != len(classes.labels):
        shape = list(probabilities.shape)
        raise ShapeError(f"the classifier has {len(classes.labels)} labels, but {classes.blob!r} has shape {shape}")
    out: dict[str, Any] = {classes.label_name: classes.labels[int(values.argmax())]}
    if classes.probabilities_name is not None:
        out[classes.probabilities_name] = dict(zip(classes.labels, values.tolist(), strict=True))
    return out


def presentation(
    outputs: Iterable[FeatureDescription],
    classes: Classes | None,
    conversion: Callable[[FeatureDescription], Callable[[Any], Any]] = output_conversion,
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Make the conversion of all outputs.

    Args:
        outputs: The outputs that are declared.
        classes: The labels of a classifier, which become its label and its dictionary of probabilities.
        conversion: Makes the conversion of one output.

    Returns:
        A function from blobs to outputs.

    Raises:
        SpecError: A classifier has no labels.
    """
    if classes is not None and not classes.labels:
        raise SpecError("the classifier has no labels")
    named = () if classes is None else (classes.label_name, classes.probabilities_name)
    plain = [(f.name, conversion(f)) for f in outputs if f.name not in named]

    def present(blobs: Mapping[str, Any]) -> dict[str, Any]:
        out = {name: convert(blobs[name]) for name, convert in plain}
        return out if classes is None else out | classified(np.asarray(blobs[classes.blob]), classes)

    return present
