"""Quantization: integers with a scale, and products of such integers.

Blobs hold the integers as float32, which is exact up to 2^24. Sums of products that grow larger are rounded to 24 bits,
where ONNX has 32; a result that is scaled afterwards differs by no more than the rounding of that scaling.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import find, operator
from graphml.convert.onnx.operators.products import product
from graphml.convert.onnx.tensors import Tensor, integer_range
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError

# Scales --------------------------------------------------------------------------------------------------------------


def _along(w: Writer, part: Tensor, x: Tensor, axis: int, block_size: int) -> Tensor:
    """A scale or a zero point in a shape that broadcasts to x: one number, one for each position on an axis, or one for
    each block of positions."""
    if part.rank <= 1 and all(math.prod(shape) == 1 for shape in part.shapes):
        return _shaped(w, part, ())
    if part.rank <= 1:
        return _shaped(w, part, (part.shapes[0][0], *(1,) * (x.rank - 1 - x.axis(axis))))
    at = x.axis(axis)
    if block_size < 1:
        raise UnsupportedError(f"the scale has {part.rank} axes, and block_size is {block_size}; it must be positive")
    if part.constant is not None and None not in x.shape:
        return w.constant(part.constant.repeat(block_size, at).take(range(x.shapes[0][at]), at))
    # each number is repeated along a new axis after that of the blocks
    sizes = [(math.prod(s[:at]), s[at], 1, math.prod(s[at + 1 :])) for s in part.shapes]
    apart = basics.reshape(w, part, sizes, [x])
    filled = basics.broadcast(w, apart, [(a, n, block_size, b) for a, n, _, b in sizes], [x])
    joined = basics.reshape(w, filled, [(a, n * block_size, b) for a, n, _, b in sizes], [x])
    whole = {shape[at] for shape in x.shapes}
    if [n * block_size for _, n, _, _ in sizes] != [shape[at] for shape in x.shapes]:
        if len(whole) > 1:
            raise UnsupportedError("the last block is incomplete, and the axis of the blocks varies")
        joined = basics.slice_axis(w, joined, 1, 0, whole.pop())
    return basics.reshape(w, joined, x.shapes, [x])


def _shaped(w: Writer, part: Tensor, shape: tuple[int, ...]) -> Tensor:
    if part.constant is not None:
        return w.constant(part.constant.reshape(shape))
    return basics.reshape(w, part, [shape] * w.sets)


def _shifted(w: Writer, x: Tensor, zero_point: Tensor | None) -> Tensor:
    """x - zero point, as float32; a constant stays a constant."""
    if x.constant is not None and (zero_point is None or zero_point.constant is not None):
        shift = 0 if zero_point is None or zero_point.constant is None else _float(zero_point.constant)
        return w.constant(np.asarray(_float(x.constant) - shift, np.float32))
    if zero_point is None or (zero_point.constant is not None and not zero_point.constant.any()):
        return x
    return basics.binary(w, "subtractBroadcastable", x, zero_point, dtype=np.float32)


def _float(value: Any) -> Any:
    return np.asarray(value, np.float32)


def _saturated(w: Writer, steps: Tensor, zero_point: Tensor | None, dtype: np.dtype[Any]) -> Tensor:
    """Rounded half to even, shifted by the zero point, and clipped to the range of an integer type."""
    low, high = integer_range(dtype)
    made = basics.unary(w, "round", steps)
    if zero_point is not None and (zero_point.constant is None or zero_point.constant.any()):
        made = basics.add(w, made, zero_point)
    return basics.unary(w, "clip", made, dtype=dtype, min_val=low, max_val=high)


@operator("QuantizeLinear", ignored=("saturate", "precision"))
def quantize_linear(
    w: Writer,
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Tensor:
    dtype = _declared(output_dtype) or (np.dtype(np.uint8) if zero_point is None else zero_point.dtype)
    shift = None if zero_point is None else _along(w, zero_point, x, axis, block_size)
    steps = basics.divide(w, x, _along(w, scale, x, axis, block_size))
    return _saturated(w, steps, shift, dtype)


@operator("DequantizeLinear")
def dequantize_linear(
    w: Writer,
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Tensor:
    if not x.is_integer:
        raise UnsupportedError(f"it reads {x.dtype.name} values; a network holds integers up to 2^24")
    dtype = _declared(output_dtype) or scale.dtype
    shift = None if zero_point is None else _along(w, zero_point, x, axis, block_size)
    moved = _shifted(w, x, shift)
    return basics.binary(w, "multiplyBroadcastable", moved, _along(w, scale, x, axis, block_size), dtype=dtype)


def _declared(code: int) -> np.dtype[Any] | None:
    from graphml.convert.onnx.model import element_type

    return element_type(code) if code else None


@operator("DynamicQuantizeLinear")
def dynamic_quantize_linear(w: Writer, x: Tensor) -> list[Tensor]:
    """x quantized to uint8 over its range extended to 0; also the scale and the zero point."""
    low = basics.minimum(w, basics.reduce(w, "reduceMin", x, None, keep=False), 0.0)
    high = basics.maximum(w, basics.reduce(w, "reduceMax", x, None, keep=False), 0.0)
    span = basics.divide(w, basics.subtract(w, high, low), 255.0)
    scale = basics.add(w, span, basics.compare(w, "equal", span, 0.0))
    start = basics.divide(w, basics.linear(w, low, -1.0), scale)
    zero_point = basics.unary(w, "round", basics.clip(w, start, 0.0, 255.0), dtype=np.uint8)
    return [_saturated(w, basics.divide(w, x, scale), zero_point, np.dtype(np.uint8)), scale, zero_point]


# Products ------------------------------------------------------------------------------------------------------------


def _column(w: Writer, part: Tensor) -> Tensor:
    """One number for each row of the left matrix, as a column."""
    if part.rank != 1:
        return part
    return _shaped(w, part, () if part.shape == (1,) else (part.shapes[0][0], 1))


def _per_channel(w: Writer, part: Tensor, rank: int) -> Tensor:
    """One number for each output channel: the first axis of weights of a given rank."""
    if part.rank != 1:
        return part
    return _shaped(w, part, () if part.shape == (1,) else (part.shapes[0][0], *(1,) * (rank - 1)))


def _integer_product(w: Writer, a: Tensor, b: Tensor, a_zero: Tensor | None, b_zero: Tensor | None) -> Tensor:
    made = product(w, _shifted(w, a, a_zero and _column(w, a_zero)), _shifted(w, b, b_zero))
    made.dtype = np.dtype(np.int32)
    return made


@operator("MatMulInteger")
def matmul_integer(
    w: Writer, a: Tensor, b: Tensor, a_zero_point: Tensor | None = None, b_zero_point: Tensor | None = None
) -> Tensor:
    return _integer_product(w, a, b, a_zero_point, b_zero_point)


def _requantized(w: Writer, total: Tensor, first: Tensor, second: Tensor, y_scale: Tensor, y_zero: Tensor) -> Tensor:
    """Rescale a sum of products of quantized integers to the scale of the result."""
    left, right, steps_of_y = first.constant, second.constant, y_scale.constant
    if left is not None and right is not None and steps_of_y is not None:
        factor = w.constant(np.asarray(_float(left) * _float(right) / _float(steps_of_y), np.float32))
    else:
        factor = basics.divide(w, basics.multiply(w, first, second), y_scale)
    steps = basics.binary(w, "multiplyBroadcastable", total, factor, dtype=np.float32)
    return _saturated(w, steps, y_zero, y_zero.dtype)


@operator("QLinearMatMul")
def qlinear_matmul(
    w: Writer,
    a: Tensor,
    a_scale: Tensor,
    a_zero_point: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
) -> Tensor:
    total = _integer_product(w, a, b, a_zero_point, b_zero_point)
    return _requantized(w, total, _column(w, a_scale), b_scale, _column(w, y_scale), _column(w, y_zero_point))


def _integer_convolution(
    w: Writer,
    x: Tensor,
    weights: Tensor,
    x_zero: Tensor | None,
    w_zero: Tensor | None,
    bias: Tensor | None,
    attributes: dict[str, Any],
) -> Tensor:
    """A convolution after subtracting the zero points, so that zero padding is correct."""
    row = find("", "Conv", w.node.opset)
    if row is None:
        raise UnsupportedError("convolutions are not supported")
    moved = _shifted(w, weights, w_zero and _per_channel(w, w_zero, weights.rank))
    summand = None if bias is None else _shifted(w, bias, None)
    given = {name: value for name, value in attributes.items() if value is not None}
    total = row.convert(w, _shifted(w, x, x_zero), moved, *([] if summand is None else [summand]), **given)
    assert isinstance(total, Tensor), "a convolution has one result"
    total.dtype = np.dtype(np.int32)
    return total


@operator("ConvInteger")
def conv_integer(
    w: Writer,
    x: Tensor,
    weights: Tensor,
    x_zero_point: Tensor | None = None,
    w_zero_point: Tensor | None = None,
    *,
    auto_pad: str | None = None,
    dilations: tuple[int, ...] | None = None,
    group: int | None = None,
    kernel_shape: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
    strides: tuple[int, ...] | None = None,
) -> Tensor:
    attributes = {"auto_pad": auto_pad, "dilations": dilations, "group": group}
    attributes |= {"kernel_shape": kernel_shape, "pads": pads, "strides": strides}
    return _integer_convolution(w, x, weights, x_zero_point, w_zero_point, None, attributes)


@operator("QLinearConv")
def qlinear_conv(
    w: Writer,
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    weights: Tensor,
    w_scale: Tensor,
    w_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
    bias: Tensor | None = None,
    *,
    auto_pad: str | None = None,
    dilations: tuple[int, ...] | None = None,
    group: int | None = None,
    kernel_shape: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
    strides: tuple[int, ...] | None = None,
) -> Tensor:
    attributes = {"auto_pad": auto_pad, "dilations": dilations, "group": group}
    attributes |= {"kernel_shape": kernel_shape, "pads": pads, "strides": strides}
    total = _integer_convolution(w, x, weights, x_zero_point, w_zero_point, bias, attributes)
    channels = _per_channel(w, w_scale, weights.rank - 1)
    return _requantized(w, total, _shaped(w, x_scale, ()), channels, y_scale, y_zero_point)
