"""What converters need to know about an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.errors import UnsupportedError

Array = np.ndarray[Any, Any]


def refuse(estimator: Any, why: str) -> UnsupportedError:
    """The error for an estimator that has no equivalent in Core ML."""
    return UnsupportedError(f"this {type(estimator).__name__} cannot be converted: {why}")


def dense(values: Any) -> Array:
    """An array or sparse matrix as a float64 array."""
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, np.float64)


def labels(estimator: Any) -> list[str] | list[int]:
    """The classes of a classifier as Core ML stores them: strings or integers; False and True become 0 and 1.

    Raises:
        UnsupportedError: If the classes are of another type, or there are several lists of them.
    """
    classes: Any = estimator.classes_
    if isinstance(classes, list):
        raise refuse(estimator, "it predicts several labels, and Core ML has no such classifier")
    values = np.asarray(classes).tolist()
    if all(isinstance(value, str) for value in values):
        return values
    if all(isinstance(value, int | float) and value == int(value) for value in values):
        return [int(value) for value in values]
    raise refuse(estimator, f"its classes are {values[:3]}...; Core ML has strings and integers")


def width(estimator: Any) -> int:
    """The number of features of an estimator.

    Raises:
        UnsupportedError: If it is unknown, as with kernels that are Python functions.
    """
    count = getattr(estimator, "n_features_in_", None)
    if count is None:
        raise refuse(estimator, "the number of its features is unknown")
    return int(count)
