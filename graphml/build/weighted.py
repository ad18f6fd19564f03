"""Arguments -> fields, for layers with weights: dense layers, convolutions, normalizations, constants.

Convolutions take kernels as [height, width, channels in, channels out]; quantized weights are packed bytes in the order
of the argument. The fields hold weights in the layout of the file. The parameter `a` is described in `arguments`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from graphml.build.arguments import AXES, Fields, one_of, padding_2d, padding_3d
from graphml.errors import SpecError
from graphml.spec.weights import Quantized, unpack_bits


def floats(value: Any, shape: Sequence[int], what: str) -> np.ndarray:
    """`value` as float32, reshaped to `shape`.

    Raises:
        SpecError: If there is no value, or it has another number of elements.
    """
    if value is None:
        raise SpecError(f"{what} is missing")
    array = np.asarray(value, np.float32)
    if array.size != math.prod(shape):
        raise SpecError(
            f"{what} has {array.size} values {list(array.shape)}; expected {math.prod(shape)} {list(shape)}"
        )
    return array.reshape(shape)


def matrix(a: Any, value: Any, shape: Sequence[int], order: Sequence[int] | None = None) -> np.ndarray | Quantized:
    """A weight that may be quantized.

    Args:
        a: The arguments of the call. If `value` is bytes, quantization_type, nbits, quant_scale, quant_bias, quant_lut
            and int_8_dynamic_quantize describe them.
        value: Numbers or packed bytes in `shape`, or a `Quantized` in the layout of the file.
        shape: The shape of the argument.
        order: The order of its axes in the file; None: the same.

    Raises:
        SpecError: If the weight does not have this shape, or the arguments for quantization do not fit.
    """
    shape = tuple(int(size) for size in shape)
    order = range(len(shape)) if order is None else order
    if isinstance(value, Quantized):
        return value
    if not isinstance(value, bytes | bytearray | memoryview):
        if getattr(a, "is_quantized_weight", False):
            raise SpecError(f"with is_quantized_weight, W must be bytes, got {type(value).__name__}")
        return floats(value, shape, "W").transpose(order)
    if a.quantization_type is None:
        raise SpecError("W is bytes, but quantization_type is missing")
    how = one_of(a.quantization_type, {"LINEAR": "linear", "LUT": "lut"}, "quantization_type")
    if not 1 <= a.nbits <= 8:
        raise SpecError(f"nbits must be 1 to 8, got {a.nbits}")
    signed = getattr(a, "int_8_dynamic_quantize", False)
    packed, needed = bytes(cast("bytes", value)), (math.prod(shape) * a.nbits + 7) // 8
    if len(packed) != needed:
        raise SpecError(f"W has {len(packed)} bytes; expected {needed} for {list(shape)} weights of {a.nbits} bits")
    codes = np.frombuffer(packed, np.int8) if signed else unpack_bits(packed, a.nbits, math.prod(shape))
    codes = codes.reshape(shape).transpose(order)
    if how == "lut":
        if a.quant_lut is None:
            raise SpecError("quant_lut is missing; quantization_type 'lut' needs it")
        return Quantized(codes, None, None, np.ravel(np.asarray(a.quant_lut, np.float32)), a.nbits)
    if a.quant_scale is None or (a.quant_bias is None and not signed):
        raise SpecError("quantization_type 'linear' needs quant_scale and quant_bias")
    if signed and (a.nbits != 8 or np.size(a.quant_scale) != 1 or a.quant_bias is not None):
        raise SpecError("int_8_dynamic_quantize takes nbits=8, a single quant_scale and no quant_bias")
    bias = None if signed else np.ravel(np.asarray(a.quant_bias, np.float32))
    return Quantized(codes, np.ravel(np.asarray(a.quant_scale, np.float32)), bias, None, a.nbits)


def _with_bias(fields: Fields, value: Any, channels: int) -> Fields:
    return {**fields, "has_bias": True, "bias": floats(value, (channels,), "b")}


def inner_product(a: Any) -> Fields:
    fields = {
        "input_channels": a.input_channels,
        "output_channels": a.output_channels,
        "int8_dynamic_quantize": a.int_8_dynamic_quantize,
        "weights": matrix(a, a.W, (a.output_channels, a.input_channels)),
    }
    return _with_bias(fields, a.b, a.output_channels) if a.has_bias else fields


def embedding(a: Any) -> Fields:
    fields = {
        "input_dim": a.input_dim,
        "output_channels": a.output_channels,
        "weights": matrix(a, a.W, (a.output_channels, a.input_dim)),
    }
    return _with_bias(fields, a.b, a.output_channels) if a.has_bias else fields


def embedding_nd(a: Any) -> Fields:
    fields = {
        "vocab_size": a.vocab_size,
        "embedding_size": a.embedding_size,
        "weights": matrix(a, a.W, (a.embedding_size, a.vocab_size)),
    }
    return fields if a.b is None else _with_bias(fields, a.b, a.embedding_size)


def batched_mat_mul(a: Any) -> Fields:
    fields = {"transpose_a": a.transpose_a, "transpose_b": a.transpose_b}
    if len(a.inputs) != 1:
        if a.W is not None or a.bias is not None:
            raise SpecError("W and bias need a single input; two inputs are multiplied with each other")
        return {**fields, "int8_dynamic_quantize": a.int_8_dynamic_quantize}
    rows, columns = a.weight_matrix_rows, a.weight_matrix_columns
    fields |= {
        "int8_dynamic_quantize": a.int_8_dynamic_quantize,
        "weight_matrix_first_dimension": rows,
        "weight_matrix_second_dimension": columns,
        "weights": matrix(a, a.W, (rows, columns), order=(1, 0)),
    }
    return fields if a.bias is None else _with_bias(fields, a.bias, columns)


def batchnorm(a: Any) -> Fields:
    names = ("gamma", "beta") if a.compute_mean_var else ("gamma", "beta", "mean", "variance")
    return {
        "channels": a.channels,
        "compute_mean_var": a.compute_mean_var,
        "instance_normalization": a.instance_normalization,
        "epsilon": a.epsilon,
        **{name: floats(getattr(a, name), (a.channels,), name) for name in names},
    }


def _shape(given: Any, values: np.ndarray) -> tuple[int, ...]:
    """The given shape, else that of the values if it has one or three axes, else that of the flattened values."""
    if given is not None and len(given):
        return tuple(int(size) for size in given)
    return values.shape if values.ndim in (1, 3) else (values.size,)


def bias(a: Any) -> Fields:
    values = np.asarray(a.b, np.float32)
    shape = _shape(a.shape_bias, values)
    return {"shape": shape, "bias": floats(values, shape, "b")}


def scale(a: Any) -> Fields:
    values = np.asarray(a.W, np.float32)
    shape = _shape(a.shape_scale, values)
    fields = {"shape_scale": shape, "scale": floats(values, shape, "W")}
    if not a.has_bias:
        return fields
    if a.b is None:
        raise SpecError("b is missing")
    shift = bias(a)
    return {**fields, "has_bias": True, "shape_bias": shift["shape"], "bias": shift["bias"]}


def load_constant(a: Any) -> Fields:
    return {"shape": tuple(a.shape), "data": floats(a.constant_value, a.shape, "constant_value")}


def layer_normalization(a: Any) -> Fields:
    shape = tuple(a.normalized_shape)
    weights = {name: floats(getattr(a, name), shape, name) for name in ("gamma", "beta")}
    return {"normalized_shape": shape, "eps": a.eps, **weights}


# Convolution and pooling ---------------------------------------------------------------------------------------------


def convolution(a: Any) -> Fields:
    fields = {
        "is_deconvolution": a.is_deconv,
        "output_channels": a.output_channels,
        "kernel_channels": a.kernel_channels,
        "n_groups": a.groups,
        "kernel_size": (a.height, a.width),
        "stride": (a.stride_height, a.stride_width),
        "dilation_factor": tuple(a.dilation_factors),
        "has_bias": a.has_bias,
        **padding_2d(a.border_mode, a),
    }
    if a.is_deconv and a.output_shape is not None:
        fields["output_shape"] = tuple(a.output_shape)[:2]
    if len(a.inputs) > 1:
        return fields  # the second input is the kernel
    last = a.output_channels // a.groups if a.is_deconv and a.groups else a.output_channels
    order = (2, 3, 0, 1) if a.is_deconv else (3, 2, 0, 1)
    fields["weights"] = matrix(a, a.W, (a.height, a.width, a.kernel_channels, last), order)
    return _with_bias(fields, a.b, a.output_channels) if a.has_bias else fields


def convolution3d(a: Any) -> Fields:
    fields = {
        "is_deconvolution": a.is_deconv,
        "input_channels": a.input_channels,
        "output_channels": a.output_channels,
        "n_groups": a.groups,
        **{f"kernel_{axis}": getattr(a, axis) for axis in ("depth", "height", "width")},
        **{f"{what}_{axis}": getattr(a, f"{what}_{axis}") for what in ("stride", "dilation") for axis in AXES},
        **padding_3d(a, ""),
    }
    if a.is_deconv and a.output_shape is not None:
        fields["output_shape"] = tuple(a.output_shape)[:3]
    kernel, groups = (a.depth, a.height, a.width), a.groups if a.groups else 1
    if a.is_deconv:
        # files have [channels in, channels out / groups, ...], the argument has these two swapped
        weights = floats(a.W, (a.output_channels // groups, a.input_channels, *kernel), "W").swapaxes(0, 1)
    else:
        weights = floats(a.W, (a.output_channels, a.input_channels // groups, *kernel), "W")
    fields["weights"] = weights
    return _with_bias(fields, a.b, a.output_channels) if a.has_bias else fields
