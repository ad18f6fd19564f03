"""Equal forms of one convolution, and the choice between them.

A form holds the kernel as it wants it and is called with the image (channels last) and a `Window`. `Plain` is the
definition; every other form gives the same numbers, faster on a CPU:

    Dot        1x1 kernels: a matrix product
    Shifts     up to four input channels in a group (depthwise): multiply-adds of shifted images
    Blocks     other groups: groups joined to blocks of about 32 channels, one dense convolution each
    Outputs    up to eight output channels: one product of all pixels with the whole kernel, and shifted sums
    Winograd   3x3, stride 1, many channels: 16 products on 2x2 tiles in place of 36; rounds a little differently
    Canonical  what is left when training: its gradients are fast inside loops and for vmapped samples too

XLA's own CPU convolution runs small groups as a scalar loop, and reshapes convolutions into what its kernels know only
outside of loops; on GPUs and TPUs the libraries are good, and `Plain` is always taken.
"""

from __future__ import annotations

from functools import partial, reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import Target
from graphml.ops.layers.precision import contract

Pair = tuple[int, int]
Extents = tuple[int, ...]

_IMAGE = ("NHWC", "HWIO", "NHWC")
_VOLUME = ("NDHWC", "DHWIO", "NDHWC")


class Window(NamedTuple):
    """How a kernel walks over an image; entries are (height, width), paddings (before, after).

    Over a volume, for which there is only `Plain`, depth comes before height.
    """

    stride: Extents = (1, 1)
    padding: tuple[Pair, ...] = ((0, 0), (0, 0))
    dilation: Extents = (1, 1)
    groups: int = 1


# The choice ----------------------------------------------------------------------------------------------------------

_MOST_SHIFTED_CHANNELS = 4  # in a group; with eight, dense blocks are as fast and compile sooner
_MOST_SHIFTS = 200  # terms of the sum; beyond that it compiles for too long
_BLOCK = 32  # channels: fewer leave vectors empty, more multiply zeros
_MOST_BLOCKS = 16
_LEAST_WINOGRAD = 32  # channels in and out, below which the transforms cost more than they save
_MOST_OUTPUTS = 8  # a vector's worth; more fill vectors in the usual way
_MOST_SHIFTED_OUTPUTS = 256
_LEAST_INPUTS = 16  # below which there is little to multiply for each shifted sum


def choose(kernel, window: Window, target: Target):
    """The best form for a kernel [height, width, channels in / groups, channels out] on a target.

    window: padding does not matter, so that the form can be made before any image is seen.
    """
    height, width, fan_in, outputs = kernel.shape
    if target.platform != "cpu":
        return Plain(kernel)
    if window.groups > 1:
        if fan_in <= _MOST_SHIFTED_CHANNELS and height * width * fan_in <= _MOST_SHIFTS:
            return Shifts(kernel)
        return Blocks.of(kernel, window, target)
    if (height, width) == (1, 1):
        return Dot(kernel)
    few = outputs <= _MOST_OUTPUTS and height * width * outputs <= _MOST_SHIFTED_OUTPUTS
    if few and fan_in >= _LEAST_INPUTS and window.stride == (1, 1):
        return Outputs(kernel)
    if target.train:
        return Canonical(kernel)
    simple = (height, width) == (3, 3) and window.stride == (1, 1) and window.dilation == (1, 1)
    if simple and min(fan_in, outputs) >= _LEAST_WINOGRAD and kernel.dtype == jnp.float32:
        return Winograd.of(kernel)
    return Plain(kernel)


def _padded(x, padding):
    """Zeros around an image; negative amounts cut."""
    if not np.any(padding):
        return x
    widths = [(0, 0, 0), *((before, after, 0) for before, after in padding), (0, 0, 0)]
    return lax.pad(x, jnp.zeros((), x.dtype), widths)


def _shifted(x, taps: Pair, window: Window):
    """((row, column), image seen by that element of the kernel) for each element; x is padded already."""
    reach = [(n - 1) * d for n, d in zip(taps, window.dilation, strict=True)]
    down, across = (x.shape[1 + axis] - reach[axis] for axis in range(2))
    for i, j in np.ndindex(*taps):
        top, left = i * window.dilation[0], j * window.dilation[1]
        yield (i, j), x[:, top : top + down : window.stride[0], left : left + across : window.stride[1]]


# The forms -----------------------------------------------------------------------------------------------------------


class Plain(NamedTuple):
    """The definition, as one XLA convolution."""

    kernel: jax.Array

    def __call__(self, x, window: Window):
        return _plain(x, self.kernel, window)


def _plain(x, kernel, window: Window):
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


class Dot(NamedTuple):
    """A 1x1 kernel: each pixel times one matrix."""

    kernel: jax.Array

    def __call__(self, x, window: Window):
        down, right = window.stride
        x = _padded(x, window.padding)[:, ::down, ::right]
        return contract(lax.dot_general, x, self.kernel[0, 0], (((3,), (0,)), ((), ())))


class Shifts(NamedTuple):
    """Few input channels in each group: the sum of shifted images, each times one number per output channel."""

    kernel: jax.Array

    def __call__(self, x, window: Window):
        height, width, fan_in, outputs = self.kernel.shape
        groups = window.groups
        # without the barrier XLA computes the padding anew for every shift
        x = lax.optimization_barrier(_padded(x, window.padding)) if np.any(window.padding) else x
        each = outputs // groups
        terms = []
        for (i, j), image in _shifted(x, (height, width), window):
            if fan_in == each == 1:
                terms.append(image * self.kernel[i, j, 0])
                continue
            image = image.reshape(*image.shape[:3], groups, fan_in)
            for c in range(fan_in):
                terms.append(image[..., c, None] * self.kernel[i, j, c].reshape(groups, each))
        total = reduce(jnp.add, terms)
        return total.reshape(*total.shape[:3], outputs)


class Blocks(NamedTuple):
    """Groups joined until a block has a vector's worth of channels; zeros fill what belongs to different groups."""

    blocks: tuple

    @classmethod
    def of(cls, kernel, window: Window, target: Target) -> Blocks:
        height, width, fan_in, outputs = kernel.shape
        groups = window.groups
        joined = next(
            n
            for n in range(1, groups + 1)
            if groups % n == 0 and (n * fan_in >= _BLOCK or n == groups) and groups // n <= _MOST_BLOCKS
        )
        each = outputs // groups
        parts = kernel.reshape(height, width, fan_in, groups // joined, joined, each)
        diagonal = jnp.eye(joined, dtype=kernel.dtype)
        dense = jnp.einsum("hwibno,nm->bhwmino", parts, diagonal)
        dense = dense.reshape(groups // joined, height, width, joined * fan_in, joined * each)
        return cls(tuple(choose(block, window._replace(groups=1), target) for block in dense))

    def __call__(self, x, window: Window):
        images = jnp.split(x, len(self.blocks), axis=-1)
        alone = window._replace(groups=1)
        return jnp.concatenate([form(image, alone) for form, image in zip(self.blocks, images, strict=True)], axis=-1)


class Outputs(NamedTuple):
    """Few output channels: what each pixel adds under each element of the kernel, by one product; then shifted sums."""

    kernel: jax.Array

    def __call__(self, x, window: Window):
        height, width, fan_in, outputs = self.kernel.shape
        everything = self.kernel.transpose(2, 0, 1, 3).reshape(fan_in, -1)
        parts = contract(lax.dot_general, _padded(x, window.padding), everything, (((3,), (0,)), ((), ())))
        parts = lax.optimization_barrier(parts)
        shifted = _shifted(parts, (height, width), window)
        return reduce(
            jnp.add,
            (part[..., n * outputs : (n + 1) * outputs] for n, (_, part) in enumerate(shifted)),
        )


class Winograd(NamedTuple):
    """Winograd's minimal filtering F(2x2, 3x3): 4x4 patches and kernels are transformed so that a convolution becomes
    16 matrix products. Source: Lavin and Gray, Fast algorithms for convolutional neural networks, 2015."""

    transformed: jax.Array  # [16, channels in, channels out]

    @classmethod
    def of(cls, kernel) -> Winograd:
        g = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
        both = jnp.einsum("ia,jb,abck->ijck", g.astype(kernel.dtype), g.astype(kernel.dtype), kernel)
        return cls(both.reshape(16, *kernel.shape[2:]))

    def __call__(self, x, window: Window):
        batch, height, width, channels = x.shape
        (top, bottom), (left, right) = window.padding
        rows, columns = height + top + bottom - 2, width + left + right - 2
        down, across = -(-rows // 2), -(-columns // 2)  # tiles of 2x2 outputs
        x = _padded(x, ((top, bottom + 2 * down - rows), (left, right + 2 * across - columns)))
        lines = _to_patches([x[:, i : i + 2 * down - 1 : 2] for i in range(4)])
        patches = [
            patch for line in lines for patch in _to_patches([line[:, :, j : j + 2 * across - 1 : 2] for j in range(4)])
        ]
        products = lax.dot_general(
            jnp.stack(patches).reshape(16, batch * down * across, channels),
            self.transformed,
            (((2,), (1,)), ((0,), (0,))),
        )
        lines = _from_patches(products.reshape(4, 4, batch, down, across, -1))
        tiles = jnp.stack([jnp.stack(_from_patches(line), axis=3) for line in lines], axis=2)
        return tiles.reshape(batch, 2 * down, 2 * across, -1)[:, :rows, :columns]


def _to_patches(d):
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


def _from_patches(m):
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]


class Canonical(NamedTuple):
    """One XLA convolution whose gradients are a convolution with the axes in XLA's favourite order and matrix products.

    XLA brings others into that order only outside of loops; in a scanned training step they would run as scalar loops.
    Reverse mode only.
    """

    kernel: jax.Array

    def __call__(self, x, window: Window):
        taps = self.kernel.shape[:2]
        places = self.kernel.reshape(-1, *self.kernel.shape[2:])
        return _canonical(x, [one[0] for one in lax.split(places, [1] * len(places))], taps, window)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _canonical(x, places, taps: Pair, window: Window):
    """The kernel comes as a list of [channels in, channels out], one for each of its places."""
    return _plain(x, _joined(places, taps), window)


def _joined(places, taps: Pair):
    return jnp.stack(places).reshape(*taps, *places[0].shape)


def _canonical_forward(x, places, taps: Pair, window: Window):
    return _canonical(x, places, taps, window), (x, places)


def _canonical_backward(taps: Pair, window: Window, saved, slope):
    """The gradient of each place of the kernel is one matrix product. Where samples are vmapped, as in a training step,
    XLA fuses it with the sum over the samples; a convolution would become one for each sample, in scalar loops."""
    x, places = saved
    images = (image for _, image in _shifted(_padded(x, window.padding), taps, window))
    pixels = ((0, 1, 2), (0, 1, 2))
    products = [lax.dot_general(image, slope, (pixels, ((), ()))) for image in images]
    return _image_slope(window, x, _joined(places, taps), slope), products


def _image_slope(window: Window, x, kernel, slope):
    padding = []
    for axis in range(2):
        before = (kernel.shape[axis] - 1) * window.dilation[axis] - window.padding[axis][0]
        span = (slope.shape[1 + axis] - 1) * window.stride[axis] + 1
        padding.append((before, x.shape[1 + axis] + window.padding[axis][0] - span))
    # XLA's CPU kernels take no negative padding: cut the result instead
    y = lax.conv_general_dilated(
        slope,
        jnp.flip(kernel, (0, 1)).swapaxes(2, 3),
        window_strides=(1, 1),
        padding=[(max(0, before), max(0, after)) for before, after in padding],
        lhs_dilation=window.stride,
        rhs_dilation=window.dilation,
        dimension_numbers=_IMAGE,
    )
    return _padded(y, [(min(0, before), min(0, after)) for before, after in padding])


_canonical.defvjp(_canonical_forward, _canonical_backward)


# Deconvolution -------------------------------------------------------------------------------------------------------


class Cut(NamedTuple):
    """The part of a full deconvolution that is kept: from `start`, `size` pixels; entries as in `Window`.

    `kernel` is how far it reaches, with its dilation.
    """

    kernel: Extents
    stride: Extents
    start: Extents
    size: Extents
    groups: int = 1


def transposed(kernel, groups: int, dilation: Extents):
    """The stored kernel of a deconvolution with its axes in the usual order: [*space, channels in / groups, channels
    out] from [channels in, channels out / groups, *space]. The output channels of a group stand together. Its dilation
    is written out as zeros between its elements."""
    channels, each, *space = kernel.shape
    parts = jnp.moveaxis(kernel.reshape(groups, channels // groups, each, *space), (1, 0, 2), (-3, -2, -1))
    parts = parts.reshape(*space, channels // groups, groups * each)
    return lax.pad(parts, jnp.zeros((), parts.dtype), [(0, 0, d - 1) for d in (*dilation, 1, 1)])


def choose_transposed(kernel, stride: Extents, groups: int, target: Target):
    """The best form of a deconvolution; kernel: [height, width, channels in / groups, channels out], not flipped."""
    return Phases.of(kernel, stride, groups, target) if target.platform == "cpu" else Spread(kernel)


class Spread(NamedTuple):
    """The definition: zeros between the pixels, then a convolution with the flipped kernel."""

    kernel: jax.Array

    def __call__(self, x, cut: Cut):
        space = range(len(cut.kernel))
        padding = []
        for axis in space:
            span = (x.shape[1 + axis] - 1) * cut.stride[axis] + 1
            padding.append((cut.kernel[axis] - 1 - cut.start[axis], cut.size[axis] + cut.start[axis] - span))
        return contract(
            lax.conv_general_dilated,
            x,
            jnp.flip(self.kernel, tuple(space)),
            window_strides=(1,) * len(space),
            padding=padding,
            lhs_dilation=cut.stride,
            dimension_numbers=_IMAGE if len(space) == 2 else _VOLUME,
            feature_group_count=cut.groups,
        )


class Phases(NamedTuple):
    """Output pixels at equal places within the stride see the same part of the kernel: one convolution makes them all
    as channels, which then take their places. No multiplications by the zeros of `Spread`."""

    form: Any

    @classmethod
    def of(cls, kernel, stride: Extents, groups: int, target: Target) -> Phases:
        (down, across), (height, width, fan_in, outputs) = stride, kernel.shape
        tall, wide = -(-height // down), -(-width // across)
        kernel = jnp.pad(kernel, ((0, tall * down - height), (0, wide * across - width), (0, 0), (0, 0)))
        parts = kernel.reshape(tall, down, wide, across, fan_in, groups, outputs // groups)
        parts = jnp.flip(parts, (0, 2)).transpose(0, 2, 4, 5, 1, 3, 6)
        kernel = parts.reshape(tall, wide, fan_in, outputs * down * across)
        return cls(choose(kernel, Window(groups=groups), target))

    def __call__(self, x, cut: Cut):
        (down, across), groups = cut.stride, cut.groups
        tall, wide = (-(-taps // stride) - 1 for taps, stride in zip(cut.kernel, cut.stride, strict=True))
        y = self.form(x, Window(padding=((tall, tall), (wide, wide)), groups=groups))
        batch, rows, columns, channels = y.shape
        each = channels // (groups * down * across)
        y = y.reshape(batch, rows, columns, groups, down, across, each).transpose(0, 1, 4, 2, 5, 3, 6)
        y = y.reshape(batch, rows * down, columns * across, groups * each)
        whole = y.shape[1:3]
        return _padded(y, [(-s, s + n - w) for s, n, w in zip(cut.start, cut.size, whole, strict=True)])
