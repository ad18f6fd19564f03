"""Numbers that decide shapes: known when a program is traced."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.errors import ShapeError


def known_integers(operand: Any, what: str) -> tuple[int, ...]:
    """The integers in a known array.

    Args:
        operand: [n].
        what: the operand's name in the error.

    Raises:
        ShapeError: the rank is not 1, or the numbers are not integers.
    """
    values = np.asarray(operand)
    if values.ndim != 1 or (values.size and not np.issubdtype(values.dtype, np.integer)):
        raise ShapeError(f"{what} is {values.dtype}{list(values.shape)}; it must be a list of integers (rank 1)")
    return tuple(int(number) for number in values)


def known_integer(operand: Any, what: str) -> int:
    """The integer in a known array of one element.

    Args:
        operand: any shape.
        what: the operand's name in the error.

    Raises:
        ShapeError: there is not exactly one element, or it is no integer.
    """
    values = np.asarray(operand)
    if values.size != 1:
        raise ShapeError(f"{what} has shape {list(values.shape)}; it must be a single number")
    return known_integers(values.reshape(1), what)[0]


def known_shape(operand: Any, what: str) -> tuple[int, ...]:
    """The shape in a known array; otherwise as `known_integers`.

    Raises:
        ShapeError: a size is negative.
    """
    shape = known_integers(operand, what)
    if any(size < 0 for size in shape):
        raise ShapeError(f"{what} is {list(shape)}; sizes must not be negative")
    return shape
