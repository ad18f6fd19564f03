"""Images read at the positions of a grid, and convolutions whose windows are deformed."""

from __future__ import annotations

import math

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.expressions import Expression, counting, entry, size
from graphml.convert.onnx.operators.convolutions import conv
from graphml.convert.onnx.sampling import (
    Tap,
    cubic_taps,
    image_sizes,
    linear_taps,
    pixel_table,
    sample,
    zero_outside,
)
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.windows import windows
from graphml.convert.onnx.writer import Writer
from graphml.errors import ShapeError, UnsupportedError

_CUBIC = -0.75


@operator("GridSample")
def grid_sample(
    w: Writer,
    x: Tensor,
    grid: Tensor,
    *,
    mode: str = "linear",
    padding_mode: str = "zeros",
    align_corners: int = 0,
) -> Tensor:
    mode = mode.removeprefix("bi")
    if mode not in ("linear", "nearest", "cubic") or padding_mode not in ("zeros", "border", "reflection"):
        raise UnsupportedError(f"the mode {mode!r} with padding_mode {padding_mode!r} is not supported")
    sizes = image_sizes(w, x)
    count = len(sizes)
    if grid.rank != x.rank or grid.shape[-1] != count:
        raise ShapeError(f"the grid has the shape {list(grid.shapes[0])}; its last axis needs {count} coordinates")
    taps: list[list[Tap]] = []
    for axis, length in enumerate(sizes):
        column = basics.slice_axis(w, grid, -1, count - 1 - axis, count - axis)
        place = Expression(w, basics.squeeze(w, column, [-1]))
        position = (place + 1.0) * 0.5 * (length - 1.0) if align_corners else ((place + 1.0) * length - 1.0) * 0.5
        taps.append(_grid_taps(position, length, mode, padding_mode, bool(align_corners)))
    shapes = [shape[:-1] for shape in grid.shapes]
    image = counting(w, size(w, x, 0)).reshape([-1, *[1] * count])
    pixels = sample(w, pixel_table(w, x), image, sizes, taps, shapes)
    channels = [shape[1] for shape in x.shapes]
    last = [(*shape, own) for shape, own in zip(shapes, channels, strict=True)]
    return basics.transpose(w, basics.reshape(w, pixels, last, [grid, x]), [0, x.rank - 1, *range(1, x.rank - 1)])


def _grid_taps(position: Expression, length: Expression, mode: str, padding: str, align: bool) -> list[Tap]:
    last = length - 1.0
    if padding == "reflection" and mode != "cubic":
        position = _reflected(position, length, align)
    if padding != "zeros" and mode != "cubic":
        position = position.clip(0.0, last)
    if mode == "nearest":
        taps: list[Tap] = [(position.round(), None)]
    else:
        taps = linear_taps(position) if mode == "linear" else cubic_taps(position, _CUBIC)
    if padding == "zeros":
        return zero_outside(taps, last)
    if padding == "reflection" and mode == "cubic":
        taps = [(_reflected(index, length, align), weight) for index, weight in taps]
    return [(index.clip(0.0, last), weight) for index, weight in taps]


def _reflected(position: Expression, length: Expression, align: bool) -> Expression:
    """Positions mirrored at the centres of the outer pixels, or at their edges."""
    low = 0.0 if align else -0.5
    span = length - 1.0 if align else length
    inner = (position - low) % (span * 2.0).at_least(1.0)
    return span - (span - inner).absolute() + low


@operator("AffineGrid")
def affine_grid(w: Writer, theta: Tensor, shape: Tensor, *, align_corners: int = 0) -> Tensor:
    """Each coordinate is a weighted sum of those of an even grid from -1 to 1."""
    count = (theta.shape[1] or 0) if theta.rank == 3 else 0
    if theta.rank != 3 or theta.shape[1:] not in ((2, 3), (3, 4)):
        raise ShapeError(f"theta has the shape {list(theta.shapes[0])}; it must be [batch, 2, 3] or [batch, 3, 4]")
    declared = static.declared_shapes(w)
    even: list[Expression] = []
    for axis in range(count):
        length = entry(w, shape, 2 + axis)
        if not length.decided and declared is not None:
            length = Expression(w, declared[0][1 + axis])
        if not length.decided:
            raise UnsupportedError("the size of the grid depends on values, not only on sizes")
        steps = counting(w, length) * 2.0
        line = steps / (length - 1.0).at_least(1.0) - 1.0 if align_corners else (steps + 1.0) / length - 1.0
        even.append(line.reshape([-1 if i == axis + 1 else 1 for i in range(count + 1)]))
    parts: list[Tensor] = []
    for row in range(count):
        weights = [_theta(w, theta, row, column, count + 1) for column in range(count + 1)]
        total = weights[-1]
        for weight, line in zip(weights, reversed(even), strict=False):
            total = weight * line + total
        parts.append(basics.expand_dims(w, total.tensor, [-1]))
    return basics.concat(w, parts, -1)


def _theta(w: Writer, theta: Tensor, row: int, column: int, rank: int) -> Expression:
    part = basics.slice_axes(w, theta, {1: (row, row + 1, 1), 2: (column, column + 1, 1)})
    return Expression(w, part).reshape([-1, *[1] * (rank - 1)])


@operator("DeformConv")
def deform_conv(
    w: Writer,
    x: Tensor,
    weights: Tensor,
    offset: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    kernel_shape: tuple[int, ...] | None = None,
    strides: tuple[int, ...] | None = None,
    dilations: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
    group: int = 1,
    offset_group: int = 1,
) -> Tensor:
    """The pixels of each window are read at the offsets, followed by a 1x1 convolution."""
    sizes = weights.shape
    if x.rank != 4 or None in sizes:
        raise UnsupportedError("it needs images of two axes, and weights of fixed sizes")
    kernel = tuple(size or 0 for size in sizes[2:])
    moved, count = windows(x, kernel, strides, dilations, pads), math.prod(kernel)
    planes = basics.reshape(w, x, [(s[0] * offset_group, s[1] // offset_group, *s[2:]) for s in x.shapes], [x])
    inner = [(s[0] * offset_group, count, *s[2:]) for s in offset.shapes]
    both = basics.reshape(w, offset, [(s[0], 2 * count, *s[2:]) for s in inner], [offset])
    pair = np.stack(np.meshgrid(*(np.arange(size) for size in kernel), indexing="ij"), -1).reshape(count, 2)
    taps: list[list[Tap]] = []
    lengths = image_sizes(w, x)
    for axis, length in enumerate(lengths):
        shift = Expression(w, basics.slice_axis(w, both, 1, axis, None, 2))
        steps = counting(w, size(w, offset, 2 + axis)).reshape([1, 1, *((-1, 1) if axis == 0 else (1, -1))])
        first = (pair[:, axis] * moved.dilations[axis] - moved.pads[axis][0]).reshape(1, count, 1, 1)
        position = steps * float(moved.strides[axis]) + Expression(w, first) + shift
        taps.append(zero_outside(linear_taps(position), length - 1.0))
    image = counting(w, size(w, planes, 0)).reshape([-1, 1, 1, 1])
    pixels = sample(w, pixel_table(w, planes), image, lengths, taps, inner)
    if mask is not None:
        pixels = basics.multiply(w, pixels, basics.reshape(w, mask, [(math.prod(s), 1) for s in inner], [mask]))
    channels = [shape[1] for shape in planes.shapes]
    split = [(s[0], count, s[2] * s[3], own) for s, own in zip(inner, channels, strict=True)]
    turned = basics.transpose(w, basics.reshape(w, pixels, split, [planes, offset]), [0, 3, 1, 2])
    gathered = [(s[0], own[1] * count, *s[2:]) for s, own in zip(offset.shapes, x.shapes, strict=True)]
    images = basics.reshape(w, turned, gathered, [offset, x])
    shape = (sizes[0] or 0, (sizes[1] or 0) * count, 1, 1)
    value = weights.constant
    flat = basics.reshape(w, weights, [shape] * w.sets) if value is None else w.constant(value.reshape(shape))
    return conv(w, images, flat, bias, group=group)
