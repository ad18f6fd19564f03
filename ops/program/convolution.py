"""Convolutions over signals, images and volumes, and their transposes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.catalogue import Channels, target
from graphml.errors import ShapeError, UnsupportedError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.convolution import ConvolutionWindow, TransposedWindow, crop_borders, crop_to_size
from graphml.ops.kernels.convolution_choice import stored_form, stored_transposed_form
from graphml.ops.kernels.precision import product_type
from graphml.ops.kernels.windows import Extents, reach
from graphml.ops.layers._borders import extents
from graphml.ops.program._windows import (
    as_it_came,
    channels_last,
    check_space,
    checked_pad_type,
    heavy_side,
    image_last,
    padding,
    pads,
    steps,
)
from graphml.ops.program.dialect import operation

# Weights -------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A weight in the form that is computed with.

    Attributes:
        form: a `ConvolutionForm` or a `TransposedForm`; that of a signal is of images of height 1.
        shape: of the weight as stored.
    """

    form: Any
    shape: tuple[int, ...]


jax.tree_util.register_dataclass(Kernel, data_fields=["form"], meta_fields=["shape"])


def _image(values: Extents) -> Extents:
    """Numbers for the axes of a signal as those of an image of height 1; others as they are."""
    return (1, *values) if len(values) == 1 else values


def _kernel(make: Callable[..., Any], weight: Any, attributes: Mapping[str, Any]) -> Kernel:
    """make: `stored_form` or `stored_transposed_form`."""
    if not 3 <= weight.ndim <= 5:
        raise ShapeError(
            f"weight has shape {list(weight.shape)}; it must have two axes of channels and one for each of space"
        )
    space = weight.ndim - 2
    stride = _image(steps(attributes["strides"], space, "strides"))
    dilation = _image(steps(attributes["dilations"], space, "dilations"))
    groups = _groups(attributes["groups"], weight.shape[0])
    of_images = weight[:, :, None] if space == 1 else weight
    form = make(of_images, stride, dilation, groups, platform=target().platform, train=target().train)
    return Kernel(form, tuple(weight.shape))


def _groups(groups: int | None, channels: int) -> int:
    groups = 1 if groups is None else groups
    if groups < 1 or channels % groups:
        raise ShapeError(f"groups is {groups}, which does not divide {channels} channels")
    return groups


def _prepare(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The weight in the form that is fastest on this platform; the bias unchanged."""
    return {**weights, "weight": _kernel(stored_form, weights["weight"], attributes)}


def _prepare_transposed(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {**weights, "weight": _kernel(stored_transposed_form, weights["weight"], attributes)}


def _prepare_codes(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The dequantized weight, in the form that is fastest on this platform."""
    codes = weights["weight"]

    def for_channels(name: str) -> Any:
        values = np.asarray(attributes[name], np.float32).reshape(-1)
        if values.size not in (1, codes.shape[0]):
            raise ShapeError(
                f"{name} has {values.size} numbers; it must have 1 or {codes.shape[0]}, one for each output channel"
            )
        return values.reshape(-1, *(1,) * (codes.ndim - 1))

    floats = codes.astype(jnp.float32) * for_channels("quant_scale") + for_channels("quant_bias")
    return _prepare({**weights, "weight": floats}, attributes)


def _channels(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Channels | None:
    """One number for each channel, in the rank of x."""
    if "weight" not in weights:
        return None
    outputs, _, *space = weights["weight"].shape
    return (1, outputs, *(1 for _ in space))


# Operations ----------------------------------------------------------------------------------------------------------


@operation("conv", version=15, layout=image_last, stored=("weight", "bias"), prepare=_prepare, channels=_channels)
def conv(
    x: Array,
    weight: Any,
    bias: Array | None = None,
    *,
    strides: tuple[int, ...] | None,
    pad_type: str,
    pad: tuple[int, ...] | None,
    dilations: tuple[int, ...] | None,
    groups: int,
) -> Array:
    """Each element of the result is the sum of products of a kernel with the window of x around it.

    Args:
        x: [N, C, *space], with one to three axes of space.
        weight: [out, C / groups, *kernel], turned into a `Kernel` by `prepare`.
        bias: [out].
        strides: elements from one window to the next, for each axis of space; 1 when absent.
        pad_type: `valid` (no zeros), `same` (ceil(size / stride) windows, with zeros on both sides, an extra one at
            the end), `same_lower` (an extra one at the start; iOS 16) or `custom` (zeros as `pad` says).
        pad: zeros before and after each axis; used by `custom` alone.
        dilations: spread the kernel.
        groups: parts of the channels that are convolved separately.

    Returns:
        [N, out, *space], in the type of x; from iOS 17 the weights may have another one.

    Raises:
        GraphError: the type of padding is unknown.
        ShapeError: shapes do not fit, or the window does not fit into x.

    Source: the operation conv of ML Programs (iOS 15; separate types for weights: iOS 17).
    """
    return _convolve(x, weight, bias, strides, pad_type, pad, dilations, groups)


@operation("conv_quantized", version=15, layout=image_last, stored=("weight", "bias"), prepare=_prepare_codes)
def conv_quantized(
    x: Array,
    weight: Any,
    bias: Array | None = None,
    *,
    quantization_type: str,
    nbits: int,
    quant_scale: Any,
    quant_bias: Any,
    strides: tuple[int, ...] | None,
    pad_type: str | None,
    pad: tuple[int, ...] | None,
    dilations: tuple[int, ...] | None,
    groups: int | None,
) -> Array:
    """`conv` with a weight of codes: weight * quant_scale + quant_bias.

    Args:
        x: as in `conv`.
        weight: codes, one byte each, in the shape that `conv` takes.
        bias: [out].
        quantization_type: `linear`. `lut` is refused, since the format has no parameter for the table.
        nbits: bits of a code; each fills a byte here, so they are not needed.
        quant_scale: one number, or one for each output channel.
        quant_bias: as quant_scale.
        strides: as in `conv`.
        pad_type: as in `conv`; `valid` when absent.
        pad: as in `conv`.
        dilations: as in `conv`.
        groups: as in `conv`; 1 when absent.

    Returns:
        As `conv`.

    Raises:
        GraphError: as `conv`.
        ShapeError: as `conv`.
        UnsupportedError: the codes are positions in a table.

    Source: the operation conv_quantized of ML Programs (iOS 15).
    """
    if quantization_type != "linear":
        raise UnsupportedError(
            f"quantization_type is {quantization_type!r}; only 'linear' is defined for a quantized weight"
        )
    return _convolve(x, weight, bias, strides, pad_type or "valid", pad, dilations, groups)


@operation("conv_transpose", version=15, layout=image_last, stored=("weight", "bias"), prepare=_prepare_transposed)
def conv_transpose(
    x: Array,
    weight: Any,
    bias: Array | None = None,
    *,
    pad: tuple[int, ...] | None,
    output_shape: tuple[int, ...] | None,
    pad_type: str,
    strides: tuple[int, ...] | None,
    dilations: tuple[int, ...] | None,
    groups: int,
) -> Array:
    """The transpose of `conv`: each element of x adds a multiple of the kernel to the result.

    Args:
        x: [N, C, *space], with one to three axes of space.
        weight: [C, out / groups, *kernel], turned into a `Kernel` by `prepare`.
        bias: [out].
        pad: elements that are cut off before and after each axis of the result; used by `custom` alone.
        output_shape: [N, out, *space] of the result, or its axes of space alone. It takes the place of the padding:
            both ends lose equally much, the end one more if needed; elements that the kernel does not reach are 0.
        pad_type: `valid` (nothing is cut off), `same` (size * stride elements are left, the end loses the odd one),
            `same_lower` (the start loses it) or `custom`.
        strides: elements of the result from one element of x to the next; 1 when absent.
        dilations: spread the kernel.
        groups: parts of the channels that are convolved separately.

    Returns:
        [N, out, *space], in the type of x.

    Raises:
        GraphError: the type of padding is unknown.
        ShapeError: shapes do not fit, or nothing is left of the result.

    Source: the operation conv_transpose of ML Programs (iOS 15; separate types for weights: iOS 17).
    """
    space, taps = check_space(x), _taps(x, weight)
    images = _images(x)
    if images.shape[-1] != weight.shape[0]:
        raise ShapeError(f"x has {images.shape[-1]} channels, the weight expects {weight.shape[0]}")
    stride = steps(strides, space, "strides")
    size, sizes = reach(taps, steps(dilations, space, "dilations")), images.shape[-1 - space : -1]
    outputs, kind = weight.shape[1] * groups, checked_pad_type(pad_type)
    if output_shape is not None:
        crop = crop_to_size(sizes, size, stride, _space_of(output_shape, outputs, space))
    elif kind in ("same", "same_lower"):
        wanted = tuple(n * s for n, s in zip(sizes, stride, strict=True))
        crop = crop_to_size(sizes, size, stride, wanted, heavy_side(kind))
    else:
        crop = crop_borders(sizes, size, stride, pads(pad if kind == "custom" else None, space))
    if space == 1:
        crop = TransposedWindow(_image(crop.kernel), _image(crop.stride), (0, *crop.start), _image(crop.size))
    return _computed(x, images, weight.form, crop._replace(groups=groups), bias)


def _space_of(output_shape: Sequence[int], channels: int, space: int) -> Extents:
    """The spatial axes of an output shape, which may consist of them alone."""
    if len(output_shape) == space + 2 and output_shape[1] != channels:
        raise ShapeError(f"output_shape is {list(output_shape)}, and the weight makes {channels} channels")
    return extents(
        output_shape[-space:] if len(output_shape) == space + 2 else output_shape, "output_shape", axes=space
    )


# What they share -----------------------------------------------------------------------------------------------------


def _convolve(
    x: Array,
    weight: Kernel,
    bias: Array | None,
    strides: Sequence[int] | None,
    pad_type: str,
    pad: Sequence[int] | None,
    dilations: Sequence[int] | None,
    groups: int | None,
) -> Array:
    space, taps, groups = check_space(x), _taps(x, weight), _groups(groups, weight.shape[0])
    images = _images(x)
    if images.shape[-1] != weight.shape[1] * groups:
        raise ShapeError(f"x has {images.shape[-1]} channels, the weight expects {weight.shape[1] * groups}")
    stride, dilation = steps(strides, space, "strides"), steps(dilations, space, "dilations")
    sizes = images.shape[-1 - space : -1]
    amounts = padding(pad_type, pad, sizes, reach(taps, dilation), stride)
    if space == 1:
        amounts = ((0, 0), *amounts)
    window = ConvolutionWindow(_image(stride), amounts, _image(dilation), groups)
    return _computed(x, images, weight.form, window, bias)


def _taps(x: Array, weight: Kernel) -> Extents:
    """The size of the kernel. Raises ShapeError where its rank differs from that of x."""
    if len(weight.shape) != x.ndim:
        raise ShapeError(f"x has rank {x.ndim}, weight has shape {list(weight.shape)}; their ranks must be equal")
    return weight.shape[2:]


def _images(x: Array) -> Array:
    """x with its channels last, a signal as an image of height 1."""
    last = channels_last(x)
    return last[:, None] if x.ndim == 3 else last


def _computed(
    x: Array, images: Array, form: Any, window: ConvolutionWindow | TransposedWindow, bias: Array | None
) -> Array:
    """Apply a form in the type that products need; the result has the layout and type of x."""
    kernel_type: Any = jax.tree.leaves(form)[0].dtype
    wide = product_type(x.dtype, kernel_type)

    def converted(leaf: Array) -> Array:
        return leaf.astype(wide)

    y = jax.tree.map(converted, form)(images.astype(wide), window)
    y = (y if bias is None else y + bias.astype(wide)).astype(x.dtype)
    return as_it_came(y[:, 0] if x.ndim == 3 else y)
