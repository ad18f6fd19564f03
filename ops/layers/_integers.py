"""Integers that arrive as floats, as all numbers of this format do: indices, counts, sizes and shapes.

The format does not say what a fraction means where a layer needs an integer; converters from and to it write a
truncation wherever a float becomes an integer. So fractions are dropped everywhere.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml.catalogue import target
from graphml.errors import ShapeError
from graphml.ops.kernels import indexing
from graphml.ops.kernels.arrays import array_namespace

_INT32_END = 1 << 31  # the first positive integer that int32 cannot hold
_ROUNDINGS = 4  # in ulps: floating-point arithmetic may miss an integer by this much


def to_integers(x: Any) -> Any:
    """Floats truncated to int32: 0.7 becomes 0 and -0.7 becomes 0.

    A float within a few ulps of an integer is that integer: 1.9999999 becomes 2. Values beyond int32 become
    its largest or smallest value; NaN becomes the smallest, an index that no array has.

    Args:
        x: floats or integers of any shape.

    Returns:
        int32, the shape of x; a NumPy array for known values.
    """
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return x.astype(np.int32)
    xp, limits = array_namespace(x), np.iinfo(np.int32)
    with np.errstate(all="ignore"):
        near = xp.rint(x)
        epsilon = float(jnp.finfo(x.dtype).eps)  # pyright: ignore[reportUnknownArgumentType]  (of ml_dtypes)
        slack = _ROUNDINGS * epsilon * xp.maximum(1, xp.abs(near))
        number = xp.where(xp.abs(x - near) <= slack, near, xp.trunc(x))
        in_range = (number >= limits.min) & (number < -float(limits.min))
        limit = xp.where(number > 0, np.int32(limits.max), np.int32(limits.min))
        return xp.where(in_range, xp.where(in_range, number, 0).astype(np.int32), limit)


def known_integer(operand: Any, what: str) -> int:
    """The integer in a known array of one element.

    Args:
        operand: any shape.
        what: the operand's name in the error.

    Raises:
        ShapeError: there is not exactly one element, or it is not finite.
    """
    if np.size(operand) != 1:
        raise ShapeError(f"{what} has shape {list(np.shape(operand))}; it must be a single number")
    return known_integers(np.reshape(operand, -1), what)[0]


def known_integers(operand: Any, what: str) -> tuple[int, ...]:
    """The integers in a known array of rank 1 that decides a shape.

    Args:
        operand: [n].
        what: the operand's name in the error.

    Returns:
        Integers beyond int32 are unchanged, so that the caller's error can show them.

    Raises:
        ShapeError: the rank is not 1, or an element is not finite.
    """
    values = np.asarray(operand)
    if values.ndim != 1:
        raise ShapeError(f"{what} has shape {list(values.shape)}; it must be a list of numbers (rank 1)")
    if not np.isfinite(values).all():
        raise ShapeError(f"{what} is {values.tolist()}; all must be finite")
    integers = (int(number) for number in to_integers(values))
    return tuple(
        number if abs(given) < _INT32_END else int(given)
        for number, given in zip(integers, values.tolist(), strict=True)
    )


def known_shape(operand: Any, what: str) -> tuple[int, ...]:
    """The shape in a known array of rank 1; otherwise as `known_integers`.

    Raises:
        ShapeError: a size is negative.
    """
    shape = known_integers(operand, what)
    if any(size < 0 for size in shape):
        raise ShapeError(f"{what} is {list(shape)}; sizes must not be negative")
    return shape


def check_indices(indices: Any, size: int) -> None:
    """In debug mode, check known indices; traced ones cannot be seen.

    Raises:
        ShapeError: an index is outside [-size, size).
    """
    if target().debug:
        indexing.check_indices(indices, size)
