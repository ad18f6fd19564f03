"""NumPy arrays made from nothing but a shape, a number or a range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape


def filled(value: Any, shape: Sequence[int], dtype: Any) -> npt.NDArray[Any]:
    """One number in a shape: a view of a single number, so it costs nothing.

    Raises:
        ShapeError: a size is negative, or the array is too large.
    """
    check_shape(shape, dtype)
    return np.broadcast_to(np.asarray(value, dtype), tuple(shape))


def evenly_spaced(start: float, end: float, step: float, dtype: Any) -> npt.NDArray[Any]:
    """start, start + step ... before end, computed in float64.

    Args:
        start: the first number.
        end: where the numbers stop.
        step: the difference of neighbours; may be negative.
        dtype: of the result.

    Returns:
        [ceil((end - start) / step)], which may be empty.

    Raises:
        ShapeError: there is no end, or the array is too large.
    """
    if step == 0 or not all(map(math.isfinite, (start, end, step))):
        raise ShapeError(f"a range from {start} to {end} in steps of {step} has no end")
    count = max(math.ceil((end - start) / step), 0)
    check_shape((count,), np.float64)
    numbers: npt.NDArray[Any] = start + step * np.arange(count)
    return numbers.astype(dtype)
