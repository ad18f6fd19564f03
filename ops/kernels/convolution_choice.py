"""Which form of a convolution is used where: a pure function of shapes, the platform and whether the network trains.

GPUs and TPUs have good libraries, so they always get the definition. CPUs get one of the forms of `cpu.convolution` and
`cpu.volumes`; the tests compare each with the definition.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax.numpy as jnp

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.convolution import (
    Convolution,
    ConvolutionForm,
    ConvolutionWindow,
    TransposedConvolution,
    TransposedForm,
    transposed_kernel,
)
from graphml.ops.kernels.cpu.convolution import (
    DenseBlocks,
    MatrixProduct,
    PaddedConvolution,
    Polyphase,
    ShiftedImages,
    ShiftedProducts,
    TrainableConvolution,
    Winograd,
)
from graphml.ops.kernels.cpu.matmul import PaddedOutputs, kept_apart
from graphml.ops.kernels.cpu.volumes import StackedSlices, SumOfSlices, SumOfTransposedSlices
from graphml.ops.kernels.windows import Extents

_MOST_SHIFTED_CHANNELS = 4  # in a group; with eight, dense blocks are as fast and compile sooner
_MOST_SHIFTS = 200  # terms of the sum; with more it takes too long to compile
_LEAST_WINOGRAD = 32  # channels in and out, below which the transforms cost more than they save
_MOST_OUTPUTS = 8  # as many as fill a vector
_MOST_SHIFTED_OUTPUTS = 256
_LEAST_INPUTS = 16  # below which there is little to multiply for each shifted sum


# Kernels as formats store them ---------------------------------------------------------------------------------------


def stored_form(
    kernel: Any, stride: Extents, dilation: Extents, groups: int, *, platform: str, train: bool
) -> ConvolutionForm:
    """The fastest form of a convolution over images or volumes.

    Args:
        kernel: [channels out, channels in / groups, *space].
        stride: elements from one window to the next, for each axis of space.
        dilation: elements from one element of the kernel to the next.
        groups: parts of the channels that are convolved separately.
        platform: as in `choose`.
        train: as in `choose`.

    Returns:
        The form, a pytree.
    """
    turned = kernel.transpose(*range(2, kernel.ndim), 1, 0)
    window = ConvolutionWindow(stride, dilation=dilation, groups=groups)
    return (choose if len(stride) == 2 else choose_volume)(turned, window, platform=platform, train=train)


def stored_transposed_form(
    kernel: Any, stride: Extents, dilation: Extents, groups: int, *, platform: str, train: bool
) -> TransposedForm:
    """The fastest form of a transposed convolution over images or volumes; otherwise as `stored_form`.

    Args:
        kernel: [channels in, channels out / groups, *space].
        stride: elements of the result from one element of the image to the next.
        dilation: as in `stored_form`.
        groups: as in `stored_form`.
        platform: as in `choose`.
        train: as in `choose`.
    """
    turned = transposed_kernel(kernel, groups, dilation)
    return (choose_transposed if len(stride) == 2 else choose_transposed_volume)(
        turned, stride, groups, platform=platform, train=train
    )


# Images and volumes --------------------------------------------------------------------------------------------------


def choose(kernel: Array, window: ConvolutionWindow, *, platform: str, train: bool) -> ConvolutionForm:
    """The fastest form of a convolution over images.

    Args:
        kernel: [height, width, channels in / groups, channels out].
        window: its padding does not matter, so the form can be made before any image is seen.
        platform: the name of JAX's backend: "cpu", "cuda", "tpu" ...
        train: whether gradients will be taken inside of loops.

    Returns:
        The form, a pytree.
    """
    height, width, fan_in, outputs = kernel.shape
    if platform != "cpu":
        return Convolution(kernel)
    if window.groups > 1:
        if fan_in <= _MOST_SHIFTED_CHANNELS and height * width * fan_in <= _MOST_SHIFTS:
            return ShiftedImages(kernel)
        return DenseBlocks.of(kernel, window, partial(choose, platform=platform, train=train))
    if (height, width) == (1, 1):
        return MatrixProduct(kernel if train else kept_apart(kernel))
    few = outputs <= _MOST_OUTPUTS and height * width * outputs <= _MOST_SHIFTED_OUTPUTS
    if few and fan_in >= _LEAST_INPUTS and window.stride == (1, 1):
        return ShiftedProducts(kernel)
    if train:
        return TrainableConvolution(kernel)
    simple = (height, width) == (3, 3) and window.stride == (1, 1) and window.dilation == (1, 1)
    if simple and min(fan_in, outputs) >= _LEAST_WINOGRAD and kernel.dtype == jnp.float32:
        return Winograd.of(kernel)
    padded = kept_apart(kernel)
    return PaddedConvolution(padded) if isinstance(padded, PaddedOutputs) else Convolution(kernel)


def choose_transposed(kernel: Array, stride: Extents, groups: int, *, platform: str, train: bool) -> TransposedForm:
    """The fastest form of a transposed convolution over images.

    Args:
        kernel: [height, width, channels in / groups, channels out], not flipped; see `transposed_kernel`.
        stride: pixels of the result from one pixel of the image to the next.
        groups: parts of the channels that are convolved separately.
        platform: as in `choose`.
        train: as in `choose`.

    Returns:
        The form, a pytree.
    """
    if platform != "cpu":
        return TransposedConvolution(kernel)
    return Polyphase.of(kernel, stride, groups, partial(choose, platform=platform, train=train))


def choose_volume(kernel: Array, window: ConvolutionWindow, *, platform: str, train: bool) -> ConvolutionForm:
    """The fastest form of a convolution over volumes.

    Args:
        kernel: [depth, height, width, channels in / groups, channels out].
        window: its padding does not matter.
        platform: as in `choose`.
        train: as in `choose`.

    Returns:
        The form, a pytree.
    """
    if platform != "cpu":
        return Convolution(kernel)
    flat = ConvolutionWindow(window.stride[1:], dilation=window.dilation[1:], groups=window.groups)
    of_images: Any = partial(choose, platform=platform, train=train)
    if window.groups == 1:
        return StackedSlices.of(kernel, flat, of_images)
    return SumOfSlices(tuple(of_images(part, flat) for part in kernel))


def choose_transposed_volume(
    kernel: Array, stride: Extents, groups: int, *, platform: str, train: bool
) -> TransposedForm:
    """The fastest form of a transposed convolution over volumes; arguments as in `choose_transposed`, depth first."""
    if platform != "cpu":
        return TransposedConvolution(kernel)
    slices = (choose_transposed(part, stride[1:], groups, platform=platform, train=train) for part in kernel)
    return SumOfTransposedSlices(tuple(slices))
