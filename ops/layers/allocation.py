"""Allocation: arrays made from nothing but a shape, a number or a range, and arrays repeated to a shape.

What follows from shapes and known numbers alone is a NumPy array, so it can decide further shapes; filled arrays are
views of a single number, which costs nothing in the program either.
"""

from __future__ import annotations

import math

import numpy as np

from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape
from graphml.ops._known import module, sizes
from graphml.ops.layers.dialect import layer

# Filling --------------------------------------------------------------------------------------------------------------

_NO_VALUES = "the result does not depend on the values of the input"


def _filled(value: float, shape: tuple[int, ...], dtype) -> np.ndarray:
    check_shape(shape, dtype)
    return np.broadcast_to(np.asarray(value, dtype), shape)


@layer("fillLike", shape_only=True, layout="any", differentiable=_NO_VALUES)
def fill_like(x, *, value: float):
    """One number in the shape of x. x: any shape. Source: FillLikeLayerParams (spec 4)."""
    return _filled(value, x.shape, x.dtype)


@layer("fillStatic", shape_only=True)
def fill_static(*, value: float, target_shape: tuple[int, ...]):
    """One number in a fixed shape. Source: FillStaticLayerParams (spec 4)."""
    return _filled(value, target_shape, np.float32)


@layer("fillDynamic", concrete=(0,), differentiable=_NO_VALUES)
def fill_dynamic(shape, *, value: float):
    """One number in the shape that the input holds, known when the network is traced.

    shape: [R]; returns rank R. Raises ShapeError for negative sizes. Source: FillDynamicLayerParams (spec 4).
    """
    return _filled(value, sizes(shape, "the shape"), shape.dtype)


# Broadcasting ---------------------------------------------------------------------------------------------------------


def _broadcast(x, shape: tuple[int, ...]):
    aligned = zip(reversed(x.shape), reversed(shape), strict=False)
    if len(shape) < x.ndim or any(n not in (1, wanted) for n, wanted in aligned):
        raise ShapeError(f"x has shape {list(x.shape)}, which does not broadcast to {list(shape)}")
    return module(x).broadcast_to(x, shape)


@layer("broadcastToLike", layout="any")
def broadcast_to_like(x, like):
    """x repeated to the shape of the second input, whose values do not matter.

    Shapes align at their ends, as in NumPy. Raises ShapeError where they do not. Source: BroadcastToLikeLayerParams
    (spec 4).
    """
    return _broadcast(x, like.shape)


@layer("broadcastToStatic")
def broadcast_to_static(x, *, target_shape: tuple[int, ...]):
    """x repeated to a fixed shape, aligned at the ends, as in NumPy. Raises ShapeError where that does not go.

    Source: BroadcastToStaticLayerParams (spec 4).
    """
    return _broadcast(x, target_shape)


@layer("broadcastToDynamic", concrete=(1,))
def broadcast_to_dynamic(x, shape):
    """x repeated to the shape that the second input holds, known when the network is traced; as in NumPy.

    shape: [R]; returns rank R. Raises ShapeError where x does not broadcast. Source: BroadcastToDynamicLayerParams
    (spec 4).
    """
    return _broadcast(x, sizes(shape, "the shape"))


# Ranges and shapes ----------------------------------------------------------------------------------------------------


def _range(start: float, end: float, step: float, dtype) -> np.ndarray:
    """start, start + step ... before end, computed in float64."""
    if step == 0 or not all(map(math.isfinite, (start, end, step))):
        raise ShapeError(f"a range from {start} to {end} in steps of {step} has no end")
    count = max(math.ceil((end - start) / step), 0)
    check_shape((count,), np.float64)
    return (start + step * np.arange(count)).astype(dtype)


@layer("rangeStatic", shape_only=True)
def range_static(*, end_value: float, start_value: float, step_size_value: float):
    """Evenly spaced numbers from the start up to, and without, the end.

    Returns [ceil((end - start) / step)], which may be empty. Raises ShapeError when the step is 0.
    Source: RangeStaticLayerParams (spec 4).
    """
    return _range(start_value, end_value, step_size_value, np.float32)


@layer("rangeDynamic", concrete=(0, 1, 2), differentiable="the inputs decide a size, so they are known numbers")
def range_dynamic(end, start=None, step=None, *, start_value: float, step_size_value: float):
    """`rangeStatic` with the end and, when given, start and step as inputs, known when the network is traced.

    end, start, step: one number each. Raises ShapeError for more. Source: RangeDynamicLayerParams (spec 4).
    """
    numbers = []
    for operand, otherwise in ((start, start_value), (end, 0.0), (step, step_size_value)):
        if operand is not None and operand.size != 1:
            raise ShapeError(f"an input has shape {list(operand.shape)}; each is a single number")
        numbers.append(otherwise if operand is None else float(np.asarray(operand).item()))
    first, last, step = numbers
    return _range(first, last, step, end.dtype)


@layer("getShape", shape_only=True, differentiable=_NO_VALUES)
def get_shape(x):
    """The shape of x as numbers: [R] for rank R. Source: GetShapeLayerParams (spec 4)."""
    return np.asarray(x.shape, np.float32)
