"""Convolutions and their transposes over images and volumes, channels last: the plain forms.

A form holds a kernel and is called with images and a window. `Convolution` and `TransposedConvolution` are the
definitions, as one XLA convolution each; `convolution_choice` says which form is used where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp
from jax import lax

from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import contract
from graphml.ops.kernels.windows import Extents, Heavy, Pair, halves

_IMAGE = ("NHWC", "HWIO", "NHWC")
_VOLUME = ("NDHWC", "DHWIO", "NDHWC")


class ConvolutionWindow(NamedTuple):
    """How a kernel moves over an image: (height, width) each; over a volume, depth comes first.

    Attributes:
        stride: elements from one window to the next.
        padding: zeros (before, after) each axis.
        dilation: elements from one element of the kernel to the next.
        groups: parts of the channels that are convolved separately.
    """

    stride: Extents = (1, 1)
    padding: tuple[Pair, ...] = ((0, 0), (0, 0))
    dilation: Extents = (1, 1)
    groups: int = 1


# (image [batch, *space, channels in], window) -> [batch, *space, channels out]
ConvolutionForm: TypeAlias = Callable[[Array, ConvolutionWindow], Array]


class Convolution(NamedTuple):
    """The definition, as one XLA convolution. kernel: [*space, channels in / groups, channels out]."""

    kernel: Array

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        return convolve(x, self.kernel, window)


def convolve(x: Array, kernel: Array, window: ConvolutionWindow) -> Array:
    """One XLA convolution.

    Args:
        x: [batch, *space, channels in].
        kernel: [*space, channels in / groups, channels out].
        window: how the kernel moves over x.

    Returns:
        [batch, *space, channels out].
    """
    return contract(
        lax.conv_general_dilated,
        x,
        kernel,
        window_strides=window.stride,
        padding=window.padding,
        rhs_dilation=window.dilation,
        dimension_numbers=_IMAGE if kernel.ndim == 4 else _VOLUME,
        feature_group_count=window.groups,
    )


# Transposed convolution ----------------------------------------------------------------------------------------------


class TransposedWindow(NamedTuple):
    """The part of a full transposed convolution that is kept; entries for each axis as in `ConvolutionWindow`.

    Attributes:
        kernel: the size of the kernel with its dilation.
        stride: elements of the result from one element of the image to the next.
        start: the first element that is kept.
        size: how many elements are kept.
        groups: parts of the channels that are convolved separately.
    """

    kernel: Extents
    stride: Extents
    start: Extents
    size: Extents
    groups: int = 1


# (image [batch, *space, channels in], window) -> [batch, *size, channels out]
TransposedForm: TypeAlias = Callable[[Array, TransposedWindow], Array]


class TransposedConvolution(NamedTuple):
    """The definition: zeros between the elements, then a convolution with the flipped kernel. kernel: [*space, channels
    in / groups, channels out], not flipped."""

    kernel: Array

    def __call__(self, x: Array, window: TransposedWindow) -> Array:
        space = range(len(window.kernel))
        padding: list[Pair] = []
        for axis in space:
            span = (x.shape[1 + axis] - 1) * window.stride[axis] + 1
            before = window.kernel[axis] - 1 - window.start[axis]
            padding.append((before, window.size[axis] + window.start[axis] - span))
        return contract(
            lax.conv_general_dilated,
            x,
            jnp.flip(self.kernel, tuple(space)),
            window_strides=(1,) * len(space),
            padding=padding,
            lhs_dilation=window.stride,
            dimension_numbers=_IMAGE if len(space) == 2 else _VOLUME,
            feature_group_count=window.groups,
        )


def transposed_kernel(kernel: Any, groups: int, dilation: Extents) -> Array:
    """The kernel of a transposed convolution in the order of the axes used here, its dilation written out as zeros.

    Args:
        kernel: [channels in, channels out / groups, *space].
        groups: parts of the channels that are convolved separately.
        dilation: elements from one element of the kernel to the next, for each axis of space.

    Returns:
        [*space, channels in / groups, channels out], where the output channels of a group are neighbours.
    """
    channels, each, *space = kernel.shape
    parts = jnp.moveaxis(kernel.reshape(groups, channels // groups, each, *space), (1, 0, 2), (-3, -2, -1))
    parts = parts.reshape(*space, channels // groups, groups * each)
    return lax.pad(parts, jnp.zeros((), parts.dtype), [(0, 0, d - 1) for d in (*dilation, 1, 1)])


def crop_to_size(
    sizes: Sequence[int], kernel: Extents, stride: Extents, wanted: Extents, heavy: Heavy = "after"
) -> TransposedWindow:
    """The window of a transposed convolution with a result of a given size.

    Args:
        sizes: of the image, for each axis.
        kernel: size of the kernel with its dilation.
        stride: elements of the result from one element of the image to the next.
        wanted: size of the result. Elements at the end that the kernel does not reach are 0.
        heavy: the side that loses the extra element of an odd amount.

    Returns:
        The window, with one group.

    Raises:
        ShapeError: the wanted size exceeds what the kernel reaches by a stride or more.
    """
    full = _full_size(sizes, kernel, stride)
    if any(n >= f + s for n, f, s in zip(wanted, full, stride, strict=True)):
        raise ShapeError(
            f"the transposed convolution covers {full} elements; a result of {list(wanted)} exceeds that by a stride "
            "or more"
        )
    start = tuple(halves(max(0, f - n), heavy)[0] for f, n in zip(full, wanted, strict=True))
    return TransposedWindow(kernel, stride, start, wanted)


def crop_borders(sizes: Sequence[int], kernel: Extents, stride: Extents, amounts: Sequence[Pair]) -> TransposedWindow:
    """The window of a transposed convolution whose borders are cut off.

    Args:
        sizes: of the image, for each axis.
        kernel: size of the kernel with its dilation.
        stride: elements of the result from one element of the image to the next.
        amounts: how much is cut off (before, after) each axis.

    Returns:
        The window, with one group.

    Raises:
        ShapeError: nothing remains.
    """
    full = _full_size(sizes, kernel, stride)
    size = tuple(f - sum(both) for f, both in zip(full, amounts, strict=True))
    if min(size) < 1:
        raise ShapeError(f"the transposed convolution covers {full} elements; cutting off {list(amounts)} leaves none")
    return TransposedWindow(kernel, stride, tuple(before for before, _ in amounts), size)


def _full_size(sizes: Sequence[int], kernel: Extents, stride: Extents) -> list[int]:
    return [(n - 1) * s + k for n, s, k in zip(sizes, stride, kernel, strict=True)]
