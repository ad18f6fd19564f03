"""Allocation: arrays made from a shape, a scalar or a range alone.

Results that depend on shapes and known numbers alone are NumPy arrays, so they can decide further shapes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from graphml.errors import ShapeError
from graphml.ops.kernels import allocation as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.program._known import known_shape
from graphml.ops.program.dialect import computed_type, operation

_NO_VALUES = "the result does not depend on the values of the input"


def _filled(value: Array | None, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    number = np.zeros((), np.float32) if value is None else np.asarray(value)
    if number.size != 1:
        raise ShapeError(f"value has shape {list(number.shape)}; it must be a single number")
    return kernels.filled(number.reshape(()), shape, computed_type(number.dtype.name))


@operation("fill", version=15, concrete=(0, 1), differentiable=_NO_VALUES)
def fill(shape: Array, value: Array | None = None) -> npt.NDArray[Any]:
    """An array of one value.

    Args:
        shape: int32 [R], known when the program is traced.
        value: [], the value; the float 0 unless given.

    Returns:
        Rank R, of the type of the value.

    Raises:
        ShapeError: a size is negative, or the value is not a single number.

    Source: the operation fill of ML Programs (iOS 15).
    """
    return _filled(value, known_shape(shape, "shape"))


@operation("fill_like", version=16, concrete=(1,), shape_only=True, differentiable=_NO_VALUES)
def fill_like(ref_tensor: Array, value: Array | None = None) -> npt.NDArray[Any]:
    """One value in the shape of another array.

    Args:
        ref_tensor: any shape; its values do not matter.
        value: [], the value; the float 0 unless given.

    Returns:
        The shape of `ref_tensor`, of the type of the value.

    Raises:
        ShapeError: the value is not a single number.

    Source: the operation fill_like of ML Programs (iOS 16).
    """
    return _filled(value, ref_tensor.shape)


@operation("shape", version=15, shape_only=True, differentiable=_NO_VALUES)
def shape(x: Array) -> npt.NDArray[np.int32]:
    """The shape of x.

    Args:
        x: rank R.

    Returns:
        int32 [R].

    Source: the operation shape of ML Programs (iOS 15).
    """
    return np.asarray(x.shape, np.int32)


@operation("range_1d", version=15, concrete=(0, 1, 2), differentiable="the inputs decide a size, so they are known")
def range_1d(end: Array, start: Array, step: Array) -> npt.NDArray[Any]:
    """Evenly spaced numbers from the start up to the end, which is excluded.

    Args:
        end: [], as start and step, of one type; known when the program is traced.
        start: [], the first number.
        step: [], the difference between neighbours; may be negative.

    Returns:
        [ceil((end - start) / step)], which may be empty, of the type of the inputs. The quotient is rounded to that
        type: from 0 to 0.3 in steps of 0.1 there are three numbers, though in float32 0.3 is more than 3 * 0.1.

    Raises:
        ShapeError: an input holds more or fewer numbers, or the step is 0.

    Source: the operation range_1d of ML Programs (iOS 15).
    """
    numbers = [np.asarray(operand) for operand in (start, end, step)]
    if any(number.size != 1 for number in numbers):
        raise ShapeError(
            f"the inputs have shapes {[list(number.shape) for number in numbers]}; each must be one number"
        )
    first, last, difference = (number.reshape(())[()] for number in numbers)
    if not np.issubdtype(difference.dtype, np.integer):
        with np.errstate(all="ignore"):
            count = (last - first) / difference
        if np.isfinite(count):  # then an end before which as many numbers are in float64 too
            last = float(first) + (math.ceil(count) - 0.5) * float(difference)
    dtype = computed_type(np.result_type(*numbers).name)
    return kernels.evenly_spaced(first.item(), float(last), difference.item(), dtype)
