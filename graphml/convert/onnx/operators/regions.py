"""Pooling of regions of interest."""

from __future__ import annotations

import math

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.expressions import Expression, counting, size
from graphml.convert.onnx.sampling import Tap, image_sizes, linear_taps, pixel_table, sample
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError

_LOWEST = float(np.finfo(np.float32).min)


def _column(w: Writer, x: Tensor, index: int) -> Expression:
    """[rows, 1]: one column of a matrix."""
    return Expression(w, basics.slice_axis(w, x, 1, index, index + 1))


@operator("RoiAlign", until=15)
def old_roi_align(
    w: Writer,
    x: Tensor,
    rois: Tensor,
    batch_indices: Tensor,
    *,
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> Tensor:
    return roi_align(
        w,
        x,
        rois,
        batch_indices,
        mode=mode,
        output_height=output_height,
        output_width=output_width,
        sampling_ratio=sampling_ratio,
        spatial_scale=spatial_scale,
        coordinate_transformation_mode="output_half_pixel",
    )


@operator("RoiAlign", since=16)
def roi_align(
    w: Writer,
    x: Tensor,
    rois: Tensor,
    batch_indices: Tensor,
    *,
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
    coordinate_transformation_mode: str = "half_pixel",
) -> Tensor:
    """The mean, or the largest weighted pixel, of samples in each bin. Samples far outside of the image are 0."""
    half = coordinate_transformation_mode == "half_pixel"
    shape = (output_height, output_width)
    starts: list[Expression] = []
    lengths: list[Expression] = []
    for axis in (1, 0):  # columns hold x before y
        start, end = (_column(w, rois, axis + corner) * spatial_scale - (0.5 if half else 0.0) for corner in (0, 2))
        starts.append(start)
        lengths.append(end - start if half else (end - start).at_least(1.0))
    if sampling_ratio <= 0:
        if mode != "avg":
            raise UnsupportedError("the maximum with a sampling_ratio that depends on the regions")
        return _align_by_matrices(w, x, batch_indices, starts, lengths, shape)
    sizes, taps = image_sizes(w, x), list[list[Tap]]()
    for axis, (start, length, count) in enumerate(zip(starts, lengths, shape, strict=True)):
        steps = (counting(w, Expression(w, count * sampling_ratio)) + 0.5) * (1.0 / (count * sampling_ratio))
        position = start + length * steps.reshape([1, -1])
        own: list[Tap] = []
        inside = position.within(-1.0, sizes[axis])
        for index, weight in linear_taps(position.clip(0.0, sizes[axis] - 1.0)):
            assert weight is not None, "linear taps have weights"
            form = [-1, count * sampling_ratio, 1] if axis == 0 else [-1, 1, count * sampling_ratio]
            own.append((index.at_most(sizes[axis] - 1.0).reshape(form), (weight * inside).reshape(form)))
        taps.append(own)
    image = Expression(w, batch_indices).reshape([-1, 1, 1])
    shapes = [(own[0], *(count * sampling_ratio for count in shape)) for own in rois.shapes]
    join = basics.add if mode == "avg" else basics.maximum
    kind = "reduceMean" if mode == "avg" else "reduceMax"
    pixels = sample(w, pixel_table(w, x), image, sizes, taps, shapes, join)
    channels = [own[1] for own in x.shapes]
    for count, rest in ((output_height, output_width * sampling_ratio), (output_height * output_width, 1)):
        form = [(s[0] * count, sampling_ratio, rest, c) for s, c in zip(shapes, channels, strict=True)]
        pixels = basics.reduce(w, kind, basics.reshape(w, pixels, form, [rois, x]), [1])
    whole = [(s[0], *shape, c) for s, c in zip(shapes, channels, strict=True)]
    return basics.transpose(w, basics.reshape(w, pixels, whole, [rois, x]), [0, 3, 1, 2])


def _align_by_matrices(
    w: Writer, x: Tensor, images: Tensor, starts: list[Expression], lengths: list[Expression], shape: tuple[int, int]
) -> Tensor:
    """As many samples in each bin as it has pixels, at most as many as a bin of the whole image. The weights of all
    pixels of an axis are one matrix for each region."""
    matrices: list[Tensor] = []
    for axis, (start, length, count) in enumerate(zip(starts, lengths, shape, strict=True)):
        extent = x.shape[2 + axis]
        if extent is None:
            raise UnsupportedError("sampling_ratio 0 needs an image of fixed size")
        most = -(-extent // count) + 1
        number = (length * (1.0 / count)).ceil().clip(1.0, float(most)).reshape([-1, 1, 1])
        steps = Expression(w, np.arange(most)).reshape([1, 1, -1])
        bins = Expression(w, np.arange(count)).reshape([1, -1, 1])
        width = (length * (1.0 / count)).reshape([-1, 1, 1])
        position = start.reshape([-1, 1, 1]) + width * (bins + (steps + 0.5) / number)
        weight = position.within(-1.0, float(extent)) * steps.below(number) / number
        place = position.clip(0.0, extent - 1.0).reshape([-1, count, most, 1])
        pixels = Expression(w, np.arange(extent)).reshape([1, 1, 1, -1])
        near = (1.0 - (place - pixels).absolute()).at_least(0.0) * weight.reshape([-1, count, most, 1])
        matrices.append(basics.reduce(w, "reduceSum", near.tensor, [2], keep=False))
    down, across = matrices
    chosen = x if x.shape[0] == 1 else w.layer("gather", [x, images], dtype=x.dtype, axis=0)
    turned = basics.transpose(w, basics.expand_dims(w, across, [1]), [0, 1, 3, 2])
    return basics.matmul(w, basics.expand_dims(w, down, [1]), basics.matmul(w, chosen, turned))


@operator("MaxRoiPool")
def max_roi_pool(
    w: Writer, x: Tensor, rois: Tensor, *, pooled_shape: tuple[int, ...], spatial_scale: float = 1.0
) -> Tensor:
    """The largest pixel of each bin, whose edges are rounded to whole pixels; 0 if it is empty."""
    images = basics.squeeze(w, basics.slice_axis(w, rois, 1, 0, 1), [1])
    part = w.layer("gather", [x, images], dtype=x.dtype, axis=0)
    masks: list[list[Expression]] = []
    for axis, count in enumerate(pooled_shape):
        first, last = ((_column(w, rois, 2 - axis + corner) * spatial_scale + 0.5).floor() for corner in (0, 2))
        step = (last - first + 1.0).at_least(1.0) * (1.0 / count)
        pixels = counting(w, size(w, x, 2 + axis)).reshape([1, -1])
        own: list[Expression] = []
        for place in range(count):
            low = (step * float(place) + 1e-5).floor() + first
            high = (step * float(place + 1) - 1e-5).ceil() + first
            own.append(pixels.within(low, high - 1.0))
        masks.append(own)
    rows: list[Tensor] = []
    columns: list[list[Tensor]] = [[] for _ in masks[0]]
    for across in masks[1]:
        column = _largest(w, part, across.reshape([-1, 1, 1, math.prod(across.tensor.shapes[0][1:])]), 3)
        for i, down in enumerate(masks[0]):
            columns[i].append(_largest(w, column, down.reshape([-1, 1, math.prod(down.tensor.shapes[0][1:]), 1]), 2))
    rows = [basics.concat(w, row, 3) for row in columns]
    whole = basics.concat(w, rows, 2)
    return basics.multiply(w, whole, basics.compare(w, "greaterThan", whole, _LOWEST / 2))


def _largest(w: Writer, x: Tensor, mask: Expression, axis: int) -> Tensor:
    return basics.reduce(w, "reduceMax", basics.where(w, mask.tensor, x, _LOWEST), [axis])
