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


_BEYOND = 1 << 31  # from here on int32 holds none
_ROUNDINGS = 4  # of a float, by which a processor may miss a whole number


def whole(x):
    """The whole numbers that an array stands for, as int32: the fraction is dropped, so 0.7 is 0 and -0.7 is 0.

    Numbers arrive in layers as floats. The format does not say what a fraction means where a layer needs an index, a
    count or a size; converters from and to it write a truncation wherever a float becomes an integer. A float within a
    few roundings of a whole number is that number: 1.9999999 is 2. What int32 cannot hold becomes its largest or
    smallest number, NaN the smallest: an index that no array has.
    """
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return x.astype(np.int32)
    xp, limits = module(x), np.iinfo(np.int32)
    with np.errstate(all="ignore"):
        near = xp.rint(x)
        slack = _ROUNDINGS * float(jnp.finfo(x.dtype).eps) * xp.maximum(1, xp.abs(near))
        number = xp.where(xp.abs(x - near) <= slack, near, xp.trunc(x))
        held = (number >= limits.min) & (number < -float(limits.min))
        beyond = xp.where(number > 0, np.int32(limits.max), np.int32(limits.min))
        return xp.where(held, xp.where(held, number, 0).astype(np.int32), beyond)


def whole_number(operand, what: str) -> int:
    """The whole number of a known array that holds a single one. `what` names it in the refusal."""
    if np.size(operand) != 1:
        raise ShapeError(f"{what} has shape {list(np.shape(operand))}; it is a single number")
    return whole_numbers(np.reshape(operand, -1), what)[0]


def refuse_missing(places, size: int) -> None:
    """In debug mode, raise ShapeError for an index that an axis of `size` does not have. Traced ones cannot be seen."""
    if target().debug and not isinstance(places, Tracer):
        values = np.asarray(places)
        missing = values[(values < -size) | (values >= size)]
        if missing.size:
            raise ShapeError(f"there is no index {missing.flat[0]} in an axis of {size}")


def whole_numbers(operand, what: str) -> tuple[int, ...]:
    """The whole numbers of a known array of rank 1 that decides a shape. `what` names it in the refusal. Those that
    int32 cannot hold are given as they are, for whoever refuses them to say."""
    values = np.asarray(operand)
    if values.ndim != 1:
        raise ShapeError(f"{what} has shape {list(values.shape)}; it is a list of numbers, rank 1")
    if not np.isfinite(values).all():
        raise ShapeError(f"{what} is {values.tolist()}; whole numbers are legal")
    held = (int(number) for number in whole(values))
    return tuple(
        number if abs(given) < _BEYOND else int(given) for number, given in zip(held, values.tolist(), strict=True)
    )


def sizes(operand, what: str) -> tuple[int, ...]:
    """A shape that an operand holds. Raises ShapeError where a size is negative."""
    shape = whole_numbers(operand, what)
    if any(size < 0 for size in shape):
        raise ShapeError(f"{what} is {list(shape)}; sizes are not negative")
    return shape
