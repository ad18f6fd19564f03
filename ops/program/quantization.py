"""8-bit quantization of activations, and its inverse. (Quantized weights are constant expressions.)"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array, along_axis
from graphml.ops.kernels.precision import widened
from graphml.ops.program._images import laid_axis
from graphml.ops.program._names import named
from graphml.ops.program.dialect import operation


def _along(x: Array, numbers: Array, axis: int | None, name: str) -> Array:
    """Numbers, reshaped to broadcast over x.

    Raises:
        ShapeError: they are neither a scalar without an axis, nor a vector of the size of the axis.
    """
    if numbers.ndim == 0:
        if axis is not None:
            raise ShapeError(f"axis is {axis}, but {name} is a scalar; it must be a vector along the axis")
        return numbers
    if axis is None or numbers.ndim > 1:
        raise ShapeError(f"{name} has shape {list(numbers.shape)}; it must be a scalar, or a vector along `axis`")
    place = laid_axis(axis, x.ndim)
    if numbers.size != x.shape[place]:
        raise ShapeError(f"{name} has {numbers.size} numbers, the input has size {x.shape[place]} on axis {axis}")
    return along_axis(numbers, place, x.ndim)


@operation(
    "quantize",
    version=17,
    layout="either",
    differentiable="integers have no gradient",
)
def quantize(
    input: Array, scale: Array, zero_point: Array | None = None, *, axis: int | None, output_dtype: str
) -> Array:
    """round(input / scale) + zero_point, clipped to the range of the type.

    On a tie, the even integer is taken (the format does not say). NaN becomes 0.

    Args:
        input: any shape.
        scale: a scalar, or a vector along `axis`.
        zero_point: as scale, of the type of the result; 0 where it is absent.
        axis: the axis of vectors; may count from the end. None for scalars.
        output_dtype: int8 or uint8.

    Returns:
        Integers in the shape of the input.

    Raises:
        ShapeError: scale or zero_point does not fit the input.
        SpecError: there is no such type.

    Source: the operation quantize of ML Programs (iOS 17).
    """
    dtype = named(output_dtype, {"int8": np.int8, "uint8": np.uint8}, "output_dtype")
    limits = np.iinfo(dtype)
    whole = jnp.rint(widened(input) / widened(_along(input, scale, axis, "scale")))
    if zero_point is not None:
        whole = whole + _along(input, zero_point, axis, "zero_point").astype(whole.dtype)
    return jnp.clip(jnp.nan_to_num(whole), limits.min, limits.max).astype(dtype)


@operation("dequantize", version=17, layout="either")
def dequantize(input: Array, scale: Array, zero_point: Array | None = None, *, axis: int | None) -> Array:
    """scale * (input - zero_point).

    Args:
        input: integers of any shape.
        scale: a scalar, or a vector along `axis`.
        zero_point: as scale, of the type of the input; 0 where it is absent.
        axis: the axis of vectors; may count from the end. None for scalars.

    Returns:
        Floats of the type of scale, in the shape of the input.

    Raises:
        ShapeError: scale or zero_point does not fit the input.

    Source: the operation dequantize of ML Programs (iOS 17).
    """
    factor = widened(_along(input, scale, axis, "scale"))
    whole = input.astype(np.int32)
    if zero_point is not None:
        whole = whole - _along(input, zero_point, axis, "zero_point").astype(np.int32)
    return (factor * whole.astype(factor.dtype)).astype(scale.dtype)
