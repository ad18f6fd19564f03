"""Convolutions over images, channels last, in forms that XLA's CPU kernels are fast at.

Measured with jaxlib 0.10.2. XLA's own CPU convolution runs small groups as a scalar loop, and transposes convolutions
to the order of axes that its kernels support only outside of loops.

    MatrixProduct     1x1 kernels: one matrix product, which is as fast inside of loops
    ShiftedImages     up to four input channels in a group (depthwise): multiply-adds of shifted images
    DenseBlocks       other groups: groups joined to blocks of about 32 channels, one dense convolution each
    ShiftedProducts   up to eight output channels: one product of all pixels with the whole kernel, then shifted sums
    Winograd          3x3, stride 1, many channels: 16 products on 2x2 tiles in place of 36; rounds a little differently
    PaddedConvolution many output channels, whose number is a multiple of 256: XLA's convolution with 16 more
    TrainableConvolution   for training: its gradients are fast inside loops and for vmapped samples too
    Polyphase         transposed convolutions, without multiplying by the zeros between elements

A form holds a kernel [height, width, channels in / groups, channels out], in its own arrangement, and is called with
images [batch, height, width, channels] and a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.ops.kernels.arrays import Array, barrier
from graphml.ops.kernels.convolution import ConvolutionForm, ConvolutionWindow, TransposedWindow, convolve
from graphml.ops.kernels.cpu.matmul import PaddedOutputs
from graphml.ops.kernels.precision import contract, matmul
from graphml.ops.kernels.windows import Extents, Pair

_BLOCK = 32  # channels: fewer leave vectors empty, more multiply zeros
_MOST_BLOCKS = 16

# Bytes that a form needs beside image and result: above the first number it computes in tiles of rows, each of which
# needs about the second number and so stays in the cache of a core.
_MOST_AT_ONCE, _TILE = 1 << 24, 1 << 21

# (kernel, window) -> the form of an ungrouped convolution
FormChoice: TypeAlias = Callable[[Array, ConvolutionWindow], ConvolutionForm]


def _dot_general(x: Array, y: Array, dimensions: lax.DotDimensionNumbers, **options: Any) -> Array:
    return lax.dot_general(x, y, dimensions, **options)


def _pad(x: Array, padding: Sequence[Pair]) -> Array:
    """Zeros around an image; negative amounts cut."""
    if not np.any(padding):
        return x
    widths = [(0, 0, 0), *((before, after, 0) for before, after in padding), (0, 0, 0)]
    return lax.pad(x, jnp.zeros((), x.dtype), widths)


def _shifted(x: Array, taps: Extents, window: ConvolutionWindow) -> Iterator[tuple[tuple[int, int], Array]]:
    """((row, column), image seen by that element of the kernel) for each element; x is padded already."""
    reach = [(n - 1) * d for n, d in zip(taps, window.dilation, strict=True)]
    down, across = (x.shape[1 + axis] - reach[axis] for axis in range(2))
    for i, j in np.ndindex(*taps):
        top, left = i * window.dilation[0], j * window.dilation[1]
        # not x[...], which takes JAX ten times as long to trace; and so below
        corner, strides = (0, top, left, 0), (1, *window.stride, 1)
        yield (i, j), lax.slice(x, corner, (x.shape[0], top + down, left + across, x.shape[3]), strides)


def _in_tiles(part: Callable[[Array], Array], x: Array, reach: int, rows: int, size: int) -> Array:
    """A function of images, computed tile by tile along the rows where it would take much memory at once.

    Args:
        part: Computes h rows from h + reach rows, independently of other rows.
        x: [batch, height, width, channels].
        reach: How many more rows it reads than it returns.
        rows: The number of rows that it returns is a multiple of this.
        size: Bytes that it needs for `rows` rows.

    Returns:
        part(x).
    """
    height = x.shape[1] - reach
    count = height // rows
    if count * size <= _MOST_AT_ONCE:
        return part(x)
    tiles = -(-count // max(1, _TILE // size))
    each = -(-count // tiles) * rows
    tiles = -(-height // each)

    def tile(index: Array | int, image: Array) -> Array:
        return part(lax.dynamic_slice_in_dim(image, index * each, each + reach, axis=1))

    def put(index: Array, y: Array, image: Array) -> Array:
        return lax.dynamic_update_slice_in_dim(y, tile(index, image), index * each, axis=1)

    made = jax.eval_shape(tile, 0, x)
    if made.shape[-1] == x.shape[-1] and made.shape[2] <= x.shape[2]:
        # no tile reads rows that earlier tiles have written, so the result overwrites the image
        y = _loop(tiles, lambda index, y: put(index, y, y), _pad(x, ((0, tiles * each - height), (0, 0))))
    else:
        # The initial values do not matter, but XLA would share a buffer of zeros between loops. The last tile starts
        # earlier if rows are missing, and computes some again.
        pixel = x[0, x.shape[1] // 2, x.shape[2] // 2, 0]
        y = jnp.broadcast_to(pixel, (made.shape[0], height, *made.shape[2:]))
        y = _loop(tiles, lambda index, y: put(index, y, x), y)
    return y[:, :height, : made.shape[2]]


def _loop(tiles: int, step: Callable[[Array, Array], Array], y: Array) -> Array:
    return cast("Array", lax.fori_loop(0, tiles, step, y))


class MatrixProduct(NamedTuple):
    """A 1x1 kernel: each pixel times one matrix."""

    kernel: Array | PaddedOutputs

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        down, right = window.stride
        x = _pad(x, window.padding)[:, ::down, ::right]
        if isinstance(self.kernel, PaddedOutputs):
            return matmul(x, PaddedOutputs(self.kernel.padded[0, 0]))
        return matmul(x, self.kernel[0, 0])


class PaddedConvolution(NamedTuple):
    """One XLA convolution with a few more output channels, which are dropped."""

    kernel: PaddedOutputs

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        return self.kernel.outputs_of(convolve(x, self.kernel.padded, window))


class ShiftedImages(NamedTuple):
    """Few input channels in each group: the sum of shifted images, each times one number per output channel."""

    kernel: Array

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        height, width, fan_in, outputs = self.kernel.shape
        groups = window.groups
        # without the barrier XLA computes the padding again for every shift
        x = barrier(_pad(x, window.padding)) if np.any(window.padding) else x
        each = outputs // groups
        terms: list[Array] = []
        elements = self.kernel.reshape(-1, outputs)
        for n, ((i, j), image) in enumerate(_shifted(x, (height, width), window)):
            if fan_in == each == 1:
                element = lax.index_in_dim(elements, n, keepdims=False)
                terms.append(lax.mul(image, lax.broadcast_in_dim(element, image.shape, (3,))))
                continue
            image = image.reshape(*image.shape[:3], groups, fan_in)
            for c in range(fan_in):
                terms.append(image[..., c, None] * self.kernel[i, j, c].reshape(groups, each))
        total = reduce(lax.add, terms)
        return total.reshape(*total.shape[:3], outputs)


class DenseBlocks(NamedTuple):
    """Groups joined until a block fills vectors; with zeros between channels of different groups."""

    blocks: tuple[ConvolutionForm, ...]

    @classmethod
    def of(cls, kernel: Array, window: ConvolutionWindow, choose: FormChoice) -> DenseBlocks:
        """Divide a grouped kernel into dense ones.

        Args:
            kernel: [height, width, channels in / groups, channels out].
            window: with the number of groups.
            choose: (kernel, window) -> the form of each dense block.

        Returns:
            The form.
        """
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
        return cls(tuple(choose(block, window._replace(groups=1)) for block in dense))

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        images = jnp.split(x, len(self.blocks), axis=-1)
        ungrouped = window._replace(groups=1)
        outputs = [form(image, ungrouped) for form, image in zip(self.blocks, images, strict=True)]
        return jnp.concatenate(outputs, axis=-1)


class ShiftedProducts(NamedTuple):
    """Few output channels: one product of each pixel with all elements of the kernel, then shifted sums."""

    kernel: Array

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        height, width, fan_in, outputs = self.kernel.shape
        matrix = self.kernel.transpose(2, 0, 1, 3).reshape(fan_in, -1)

        def sums(x: Array) -> Array:
            parts = barrier(contract(_dot_general, x, matrix, (((3,), (0,)), ((), ()))))
            shifted = _shifted(parts, (height, width), window)
            return reduce(
                jnp.add,
                (part[..., n * outputs : (n + 1) * outputs] for n, (_, part) in enumerate(shifted)),
            )

        x = _pad(x, window.padding)
        line = x.shape[0] * x.shape[2] * matrix.shape[1] * x.dtype.itemsize
        return _in_tiles(sums, x, (height - 1) * window.dilation[0], 1, line)


class Winograd(NamedTuple):
    """Winograd's minimal filtering F(2x2, 3x3): 4x4 patches and kernels are transformed so that a convolution becomes
    16 matrix products. Source: Lavin and Gray, Fast algorithms for convolutional neural networks, 2015."""

    transformed: Array  # [16, channels in, channels out]

    @classmethod
    def of(cls, kernel: Array) -> Winograd:
        """The form of a kernel [3, 3, channels in, channels out], transformed once."""
        g = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
        both = jnp.einsum("ia,jb,abck->ijck", g.astype(kernel.dtype), g.astype(kernel.dtype), kernel)
        return cls(both.reshape(16, *kernel.shape[2:]))

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        batch, height, width, _ = x.shape
        (top, bottom), (left, right) = window.padding
        rows, columns = height + top + bottom - 2, width + left + right - 2
        down, across = -(-rows // 2), -(-columns // 2)  # tiles of 2x2 outputs
        x = _pad(x, ((top, bottom + 2 * down - rows), (left, right + 2 * across - columns)))
        # patches and products
        line = 16 * batch * across * sum(self.transformed.shape[1:]) * x.dtype.itemsize
        return _in_tiles(self._tiles, x, 2, 2, line)[:, :rows, :columns]

    def _tiles(self, x: Array) -> Array:
        """Of an image with an even number of rows and columns, without padding."""
        batch, height, width, channels = x.shape
        down, across = height // 2 - 1, width // 2 - 1
        lines = jnp.stack(_to_patches([x[:, i : i + 2 * down - 1 : 2] for i in range(4)]))
        # without the barrier XLA makes a kernel for each of the 16 elements of a patch, which takes longer to compile
        lines = barrier(lines)
        patches = jnp.stack(_to_patches([lines[:, :, :, j : j + 2 * across - 1 : 2] for j in range(4)]), axis=1)
        products = lax.dot_general(
            patches.reshape(16, batch * down * across, channels),
            self.transformed,
            (((2,), (1,)), ((0,), (0,))),
        )
        made = _from_patches(products.reshape(4, 4, batch, down, across, -1))
        tiles = jnp.stack([jnp.stack(_from_patches(line), axis=3) for line in made], axis=2)
        return tiles.reshape(batch, 2 * down, 2 * across, -1)


def _to_patches(d: Sequence[Array]) -> list[Array]:
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


def _from_patches(m: Array) -> list[Array]:
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]


class TrainableConvolution(NamedTuple):
    """One XLA convolution whose gradients are a convolution with the axes in the order of XLA's kernels, and matrix
    products.

    XLA transposes others to that order only outside of loops; in a scanned training step they would run as scalar
    loops. Reverse mode only.
    """

    kernel: Array

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        taps = self.kernel.shape[:2]
        elements = self.kernel.reshape(-1, *self.kernel.shape[2:])
        return _trainable(x, [one[0] for one in lax.split(elements, [1] * len(elements))], taps, window)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _trainable(x: Array, elements: list[Array], taps: Extents, window: ConvolutionWindow) -> Array:
    """The kernel is a list of [channels in, channels out], one for each of its elements."""
    return convolve(x, _as_kernel(elements, taps), window)


def _as_kernel(elements: list[Array], taps: Extents) -> Array:
    return jnp.stack(elements).reshape(*taps, *elements[0].shape)


_Saved = tuple[Array, list[Array]]


def _trainable_forward(
    x: Array, elements: list[Array], taps: Extents, window: ConvolutionWindow
) -> tuple[Array, _Saved]:
    return _trainable(x, elements, taps, window), (x, elements)


def _trainable_backward(
    taps: Extents, window: ConvolutionWindow, saved: _Saved, cotangent: Array
) -> tuple[Array, list[Array]]:
    """The gradient of each element of the kernel is one matrix product. Where samples are vmapped, as in a training
    step, XLA fuses it with the sum over the samples; a convolution would become one per sample, in scalar loops."""
    x, elements = saved
    images = (image for _, image in _shifted(_pad(x, window.padding), taps, window))
    pixels = ((0, 1, 2), (0, 1, 2))
    products = [lax.dot_general(image, cotangent, (pixels, ((), ()))) for image in images]
    return _image_gradient(window, x, _as_kernel(elements, taps), cotangent), products


def _image_gradient(window: ConvolutionWindow, x: Array, kernel: Array, cotangent: Array) -> Array:
    padding: list[Pair] = []
    for axis in range(2):
        before = (kernel.shape[axis] - 1) * window.dilation[axis] - window.padding[axis][0]
        span = (cotangent.shape[1 + axis] - 1) * window.stride[axis] + 1
        padding.append((before, x.shape[1 + axis] + window.padding[axis][0] - span))
    # XLA's CPU kernels take no negative padding: crop the result instead
    y = lax.conv_general_dilated(
        cotangent,
        jnp.flip(kernel, (0, 1)).swapaxes(2, 3),
        window_strides=(1, 1),
        padding=[(max(0, before), max(0, after)) for before, after in padding],
        lhs_dilation=window.stride,
        rhs_dilation=window.dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return _pad(y, [(min(0, before), min(0, after)) for before, after in padding])


_trainable.defvjp(_trainable_forward, _trainable_backward)


class Polyphase(NamedTuple):
    """A transposed convolution: output pixels at equal positions within the stride see the same part of the kernel, so
    one convolution makes them all as channels, which are then moved to their positions."""

    form: ConvolutionForm

    @classmethod
    def of(cls, kernel: Array, stride: Extents, groups: int, choose: FormChoice) -> Polyphase:
        """Divide the kernel of a transposed convolution by positions within the stride.

        Args:
            kernel: [height, width, channels in / groups, channels out], not flipped.
            stride: pixels of the result from one pixel of the image to the next.
            groups: parts of the channels that are convolved separately.
            choose: (kernel, window) -> the form of the convolution.

        Returns:
            The form.
        """
        (down, across), (height, width, fan_in, outputs) = stride, kernel.shape
        tall, wide = -(-height // down), -(-width // across)
        kernel = jnp.pad(kernel, ((0, tall * down - height), (0, wide * across - width), (0, 0), (0, 0)))
        parts = kernel.reshape(tall, down, wide, across, fan_in, groups, outputs // groups)
        parts = jnp.flip(parts, (0, 2)).transpose(0, 2, 4, 5, 1, 3, 6)
        kernel = parts.reshape(tall, wide, fan_in, outputs * down * across)
        return cls(choose(kernel, ConvolutionWindow(groups=groups)))

    def __call__(self, x: Array, window: TransposedWindow) -> Array:
        (down, across), groups = window.stride, window.groups
        tall, wide = (-(-taps // stride) - 1 for taps, stride in zip(window.kernel, window.stride, strict=True))
        y = self.form(x, ConvolutionWindow(padding=((tall, tall), (wide, wide)), groups=groups))
        batch, rows, columns, channels = y.shape
        each = channels // (groups * down * across)
        y = y.reshape(batch, rows, columns, groups, down, across, each).transpose(0, 1, 4, 2, 5, 3, 6)
        y = y.reshape(batch, rows * down, columns * across, groups * each)
        full = y.shape[1:3]
        return _pad(y, [(-s, s + n - w) for s, n, w in zip(window.start, window.size, full, strict=True)])
