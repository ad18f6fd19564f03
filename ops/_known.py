"""Known values: shape arithmetic in NumPy, and the whole numbers that arrive in float arrays.

A network that computes shapes (getShape, gather, floorDiv, concatND, reshapeDynamic ...) does so on arrays of a few
numbers that are known while it is traced. NumPy needs microseconds for them; JAX would compile a program for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from graphml.catalogue import target
from graphml.errors import ShapeError


def module(*arrays) -> Any:
    """NumPy when all arrays are known values, else jax.numpy, which has the same functions."""
    return np if all(isinstance(array, np.ndarray) for array in arrays) else jnp


def numpy_function(name: str) -> Callable[..., Any]:
    """The function of that name, in NumPy for known values and in JAX for all others. Never warns."""

    def function(*arrays):
        with np.errstate(all="ignore"):
            return getattr(module(*arrays), name)(*arrays)

    return function


def indices(x):
    """The whole numbers of a float array. They are rounded: a processor may have made 1.9999999 of a 2."""
    return module(x).rint(x).astype(np.int32)


def refuse_missing(places, size: int) -> None:
    """In debug mode, raise ShapeError for an index that an axis of `size` does not have. Traced ones cannot be seen."""
    if target().debug and not isinstance(places, Tracer):
        values = np.asarray(places)
        missing = values[(values < -size) | (values >= size)]
        if missing.size:
            raise ShapeError(f"there is no index {missing.flat[0]} in an axis of {size}")


def whole_numbers(operand, what: str) -> tuple[int, ...]:
    """The whole numbers of a known array of rank 1 that decides a shape. `what` names it in the refusal."""
    values = np.asarray(operand, np.float64)
    if values.ndim != 1:
        raise ShapeError(f"{what} has shape {list(values.shape)}; it is a list of numbers, rank 1")
    if not np.isfinite(values).all():
        raise ShapeError(f"{what} is {values.tolist()}; whole numbers are legal")
    return tuple(int(value) for value in np.rint(values))


def sizes(operand, what: str) -> tuple[int, ...]:
    """A shape that an operand holds. Raises ShapeError where a size is negative."""
    shape = whole_numbers(operand, what)
    if any(size < 0 for size in shape):
        raise ShapeError(f"{what} is {list(shape)}; sizes are not negative")
    return shape
