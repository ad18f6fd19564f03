"""NumPy arrays made from a shape, a scalar or a range alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape


def filled(value: Any, shape: Sequence[int], dtype: Any) -> npt.NDArray[Any]:
    """An array of one value: a view of a single element, so it costs nothing.

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
        step: the difference between neighbours; may be negative.
        dtype: of the result.

    Returns:
        [ceil((end - start) / step)], which may be empty.

    Raises:
        ShapeError: the step is 0, a number is not finite, or the array is too large.
    """
    if step == 0 or not all(map(math.isfinite, (start, end, step))):
        raise ShapeError(
            f"a range needs finite numbers and a step other than 0; got {start} to {end} in steps of {step}"
        )
    count = max(math.ceil((end - start) / step), 0)
    check_shape((count,), np.float64)
    numbers: npt.NDArray[Any] = start + step * np.arange(count)
    return numbers.astype(dtype)
