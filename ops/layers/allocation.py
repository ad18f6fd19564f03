"""Allocation: arrays made from a shape, a scalar or a range alone, and arrays broadcast to a shape.

Results that depend on shapes and known numbers alone are NumPy arrays, so they can decide further shapes; filled
arrays are views of a single element, which cost nothing in the program either.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graphml.errors import ShapeError
from graphml.ops.kernels import allocation as kernels
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.layers._integers import known_shape
from graphml.ops.layers.dialect import layer

# Filling --------------------------------------------------------------------------------------------------------------

_NO_VALUES = "the result does not depend on the values of the input"


@layer("fillLike", shape_only=True, layout="any", differentiable=_NO_VALUES)
def fill_like(x: Array, *, value: float) -> npt.NDArray[Any]:
    """One value in the shape of x.

    Args:
        x: any shape.
        value: the value.

    Returns:
        The shape of x.

    Source: FillLikeLayerParams (spec 4).
    """
    return kernels.filled(value, x.shape, x.dtype)


@layer("fillStatic", shape_only=True)
def fill_static(*, value: float, target_shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """One value in a fixed shape.

    Args:
        value: the value.
        target_shape: the shape.

    Returns:
        [*target_shape].

    Source: FillStaticLayerParams (spec 4).
    """
    return kernels.filled(value, target_shape, np.float32)


@layer("fillDynamic", concrete=(0,), differentiable=_NO_VALUES)
def fill_dynamic(shape: Array, *, value: float) -> npt.NDArray[Any]:
    """One value in the shape that the input holds, known when the network is traced.

    Args:
        shape: [R].
        value: the value.

    Returns:
        Rank R.

    Raises:
        ShapeError: a size is negative.

    Source: FillDynamicLayerParams (spec 4).
    """
    return kernels.filled(value, known_shape(shape, "the shape"), shape.dtype)


# Broadcasting ---------------------------------------------------------------------------------------------------------


def _broadcast(x: Array, shape: tuple[int, ...]) -> Array:
    aligned = zip(reversed(x.shape), reversed(shape), strict=False)
    if len(shape) < x.ndim or any(n not in (1, wanted) for n, wanted in aligned):
        raise ShapeError(f"x has shape {list(x.shape)}, which does not broadcast to {list(shape)}")
    return array_namespace(x).broadcast_to(x, shape)


@layer("broadcastToLike", layout="any")
def broadcast_to_like(x: Array, like: Array) -> Array:
    """x broadcast to the shape of the second input, whose values do not matter.

    Args:
        x: a shape that broadcasts; shapes align at their ends, as in NumPy.
        like: any shape.

    Returns:
        The shape of `like`.

    Raises:
        ShapeError: x does not broadcast to this shape.

    Source: BroadcastToLikeLayerParams (spec 4).
    """
    return _broadcast(x, like.shape)


@layer("broadcastToStatic")
def broadcast_to_static(x: Array, *, target_shape: tuple[int, ...]) -> Array:
    """x broadcast to a fixed shape, aligned at the ends, as in NumPy.

    Args:
        x: a shape that broadcasts.
        target_shape: the shape.

    Returns:
        [*target_shape].

    Raises:
        ShapeError: x does not broadcast to this shape.

    Source: BroadcastToStaticLayerParams (spec 4).
    """
    return _broadcast(x, target_shape)


@layer("broadcastToDynamic", concrete=(1,))
def broadcast_to_dynamic(x: Array, shape: Array) -> Array:
    """x broadcast to the shape that the second input holds, known when the network is traced; as in NumPy.

    Args:
        x: a shape that broadcasts.
        shape: [R].

    Returns:
        Rank R.

    Raises:
        ShapeError: x does not broadcast to this shape.

    Source: BroadcastToDynamicLayerParams (spec 4).
    """
    return _broadcast(x, known_shape(shape, "the shape"))


# Ranges and shapes ----------------------------------------------------------------------------------------------------


@layer("rangeStatic", shape_only=True)
def range_static(*, end_value: float, start_value: float, step_size_value: float) -> npt.NDArray[Any]:
    """Evenly spaced numbers from the start up to the end, which is excluded.

    Args:
        end_value: the end.
        start_value: the first number.
        step_size_value: the difference between neighbours; may be negative.

    Returns:
        [ceil((end - start) / step)], which may be empty.

    Raises:
        ShapeError: the step is 0.

    Source: RangeStaticLayerParams (spec 4).
    """
    return kernels.evenly_spaced(start_value, end_value, step_size_value, np.float32)


@layer("rangeDynamic", concrete=(0, 1, 2), differentiable="the inputs decide a size, so they are known")
def range_dynamic(
    end: Array, start: Array | None = None, step: Array | None = None, *, start_value: float, step_size_value: float
) -> npt.NDArray[Any]:
    """`rangeStatic` with the end and, when given, start and step as inputs, known when the network is traced.

    Args:
        end: one number.
        start: one number; `start_value` when absent.
        step: one number; `step_size_value` when absent.
        start_value: see `start`.
        step_size_value: see `step`.

    Returns:
        [ceil((end - start) / step)], which may be empty.

    Raises:
        ShapeError: an input holds more or fewer numbers, or the step is 0.

    Source: RangeDynamicLayerParams (spec 4).
    """
    numbers: list[float] = []
    for operand, default in ((start, start_value), (end, 0.0), (step, step_size_value)):
        if operand is not None and operand.size != 1:
            raise ShapeError(f"an input has shape {list(operand.shape)}; each must be a single number")
        numbers.append(default if operand is None else float(np.asarray(operand).item()))
    first, last, difference = numbers
    return kernels.evenly_spaced(first, last, difference, end.dtype)


@layer("getShape", shape_only=True, differentiable=_NO_VALUES)
def get_shape(x: Array) -> npt.NDArray[np.float32]:
    """The shape of x as numbers.

    Args:
        x: rank R.

    Returns:
        [R].

    Source: GetShapeLayerParams (spec 4).
    """
    return np.asarray(x.shape, np.float32)
