"""Pooling: the maximum, the mean or the norm of windows, and global pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.expressions import Expression, counting, size
from graphml.convert.onnx.operators.convolutions import (
    image_padding,
    on_image,
    pad_zeros,
    volume_fields,
    volume_padding,
)
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.windows import Pair, Windows, windows
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError
from graphml.spec.attributes import Choice

_LOWEST = float(np.finfo(np.float32).min)  # the format's numbers are finite


# Windows -------------------------------------------------------------------------------------------------------------


@operator("MaxPool")
def max_pool(
    w: Writer,
    x: Tensor,
    *,
    kernel_shape: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
    dilations: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    storage_order: int = 0,
) -> list[Tensor]:
    moved = windows(x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    if len(w.node.wanted) > 1 and w.node.wanted[1]:
        return _max_with_positions(w, x, moved, bool(storage_order))
    if moved.dilated:
        return [_of_taps(w, x, moved, "maxBroadcastable", _LOWEST)]
    return [_pool(w, x, moved, "MAX")]


@operator("AveragePool")
def average_pool(
    w: Writer,
    x: Tensor,
    *,
    kernel_shape: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
    dilations: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
) -> Tensor:
    """Where the layer would count differently, the mean is a sum divided by counts."""
    moved = windows(x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    plain = not count_include_pad or not moved.reaches_beyond(x) or (x.rank <= 4 and _covers_the_end(moved))
    if plain and not moved.dilated:
        return _pool(w, x, moved, "AVERAGE", exclude=not count_include_pad)
    total = _of_taps(w, x, moved, "addBroadcastable", 0.0)
    ones = basics.fill(w, [(1, 1, *shape[2:]) for shape in x.shapes], 1.0, x.dtype, [x])
    inner = moved.pads if not moved.same else moved.all_pads(x)
    counted = pad_zeros(w, ones, dict(enumerate(inner, 2)), 1.0) if count_include_pad else ones
    rest = [(0, 0)] * len(inner)
    if count_include_pad:
        rest = [(0, whole[1] - own[1]) for whole, own in zip(moved.all_pads(x), inner, strict=True)]
    counts = _of_taps(w, counted, moved, "addBroadcastable", 0.0, rest if count_include_pad else None)
    return basics.divide(w, total, counts)


@operator("LpPool")
def lp_pool(
    w: Writer,
    x: Tensor,
    *,
    kernel_shape: tuple[int, ...],
    p: float = 2,
    strides: tuple[int, ...] | None = None,
    dilations: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> Tensor:
    """The p-th root of the sum of the p-th powers."""
    moved = windows(x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    if p == 2 and x.rank <= 4 and not moved.dilated:
        return _pool(w, x, moved, "L2")
    powers = _power(w, basics.function(w, "ABS", x), p)
    if moved.dilated:
        total = _of_taps(w, powers, moved, "addBroadcastable", 0.0)
    else:
        mean = _pool(w, powers, _with_all_pads(x, moved), "AVERAGE", exclude=False)
        total = basics.linear(w, mean, float(math.prod(moved.kernel)))
    return _power(w, total, 1 / p)


def _power(w: Writer, x: Tensor, p: float) -> Tensor:
    return x if p == 1 else basics.function(w, "POWER", x, alpha=float(p))


def _with_all_pads(x: Tensor, moved: Windows) -> Windows:
    """The same windows with explicit padding, where it is known."""
    if moved.same:
        return moved
    return Windows(moved.kernel, moved.strides, moved.dilations, moved.all_pads(x))


def _covers_the_end(moved: Windows) -> bool:
    """Whether the padding `includeLastPixel` of the layer for images is what ceil_mode means."""
    alike = all(before == after for before, after in moved.pads)
    inside = all(
        stride <= reach or any(any(both) for both in moved.pads)
        for stride, reach in zip(moved.strides, moved.reach, strict=True)
    )
    return alike and inside


def _pool(w: Writer, x: Tensor, moved: Windows, kind: str, exclude: bool = True) -> Tensor:
    """A pooling layer, without dilation."""
    if x.rank == 5:
        upper = moved.same == "UPPER"
        padding: dict[str, Any] = {"padding_type": "SAME"} if upper else volume_padding(moved.all_pads(x))
        sizes: dict[str, Any] = {**volume_fields("kernel", moved.kernel), **volume_fields("stride", moved.strides)}
        return w.layer("pooling3d", [x], type=kind, count_exclude_padding=exclude, **sizes, **padding)

    def convert(image: Tensor, placed: Windows) -> Tensor:
        if not placed.same and placed.ceil and _covers_the_end(placed):
            padding = Choice("includeLastPixel", {"padding_amounts": [before for before, _ in placed.pads]})
        else:
            padding = image_padding(image, placed)
        return w.layer(
            "pooling",
            [image],
            type=kind,
            kernel_size=placed.kernel,
            stride=placed.strides,
            pooling_padding_type=padding,
            avg_pool_exclude_padding=exclude,
        )

    return on_image(w, x, moved, convert)


# Windows by their elements -------------------------------------------------------------------------------------------


def _taps(w: Writer, x: Tensor, moved: Windows, axis: int) -> list[Tensor]:
    """The first elements of all windows along an axis of a padded tensor, then the second ones, and so on."""
    taps, gap, stride = moved.kernel[axis - 2], moved.dilations[axis - 2], moved.strides[axis - 2]
    return [basics.slice_axis(w, x, axis, tap * gap, (tap + 1 - taps) * gap or None, stride) for tap in range(taps)]


def _of_taps(
    w: Writer, x: Tensor, moved: Windows, kind: str, outside: float, pads: Sequence[Pair] | None = None
) -> Tensor:
    """The sum or the maximum of each window, one axis after the other."""
    x = pad_zeros(w, x, dict(enumerate(moved.all_pads(x) if pads is None else pads, 2)), outside)
    for axis in range(2, x.rank):
        first, *others = _taps(w, x, moved, axis)
        for other in others:
            first = basics.binary(w, kind, first, other)
        x = first
    return x


def _max_with_positions(w: Writer, x: Tensor, moved: Windows, column_major: bool) -> list[Tensor]:
    """The maximum of each window, and the position of its first occurrence in the whole tensor."""
    count = x.rank - 2
    pads = dict(enumerate(moved.all_pads(x), 2))
    order = list(range(count)) if column_major else list(reversed(range(count)))
    place, step = Expression(w, 0.0), Expression(w, 1.0)
    for axis in order:
        along = counting(w, size(w, x, axis + 2)).reshape([-1 if i == axis + 2 else 1 for i in range(x.rank)])
        place, step = place + along * step, step * size(w, x, axis + 2)
    largest, places = pad_zeros(w, x, pads, _LOWEST), pad_zeros(w, place.tensor, pads)
    for axis in reversed(range(2, x.rank)):
        first, *others = _taps(w, largest, moved, axis)
        where, *elsewhere = _taps(w, places, moved, axis)
        for other, there in zip(others, elsewhere, strict=True):
            larger = basics.compare(w, "greaterThan", other, first)
            where = basics.where(w, larger, there, where)
            first = basics.maximum(w, first, other)
        largest, places = first, where
    rows, channels = counting(w, size(w, x, 0)), counting(w, size(w, x, 1))
    ones = [1] * (x.rank - 1)
    start = (rows.reshape([-1, *ones]) * size(w, x, 1) + channels.reshape([1, -1, *ones[1:]])) * step
    return [largest, basics.retyped(w, (Expression(w, places) + start).tensor, np.int64)]


@operator("MaxUnpool")
def max_unpool(
    w: Writer,
    x: Tensor,
    indices: Tensor,
    output_shape: Tensor | None = None,
    *,
    kernel_shape: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
) -> Tensor:
    """Each element is written to its position in a tensor of zeros."""
    moved = windows(x, kernel_shape, strides, None, pads)
    each = list(zip(moved.kernel, moved.strides, moved.pads, strict=True))
    shapes = [
        (*s[:2], *((n - 1) * stride + k - sum(both) for n, (k, stride, both) in zip(s[2:], each, strict=True)))
        for s in x.shapes
    ]
    natural = shapes
    if output_shape is not None:
        given = None if output_shape.known is None else [tuple(map(int, each)) for each in output_shape.known]
        given = given or static.declared_shapes(w)
        if given is None:
            raise UnsupportedError("output_shape must be a constant; here it is computed from the inputs")
        shapes = given
    if None in x.shape and len(set(shapes)) > 1:
        raise UnsupportedError("it needs an image of fixed size")
    flat, places = (basics.reshape(w, each, [(math.prod(s),) for s in each.shapes]) for each in (x, indices))
    zeros = basics.fill(w, [(math.prod(shape),) for shape in natural], 0.0, x.dtype)
    whole = w.layer("scatter", [zeros, places, flat], axis=0, mode="SCATTER_UPDATE")
    made = basics.reshape(w, whole, natural)
    grown = {axis: (0, b - a) for axis, (a, b) in enumerate(zip(natural[0], shapes[0], strict=True)) if b != a}
    if any(after < 0 for _, after in grown.values()):
        raise UnsupportedError(f"output_shape {list(shapes[0])} is smaller than {list(natural[0])}")
    return pad_zeros(w, made, grown)


# Global --------------------------------------------------------------------------------------------------------------

_GLOBAL: dict[str, tuple[str, str]] = {
    "GlobalAveragePool": ("AVERAGE", "reduceMean"),
    "GlobalMaxPool": ("MAX", "reduceMax"),
}


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(w: Writer, x: Tensor) -> Tensor:
    kind, reduction = _GLOBAL[w.node.kind]
    if x.rank == 4:
        return w.layer("pooling", [x], type=kind, global_pooling=True, pooling_padding_type=Choice("valid", {}))
    if x.rank == 5:
        return w.layer("globalPooling3d", [x], type=kind)
    return basics.reduce(w, reduction, x, range(2, x.rank))


@operator("GlobalLpPool")
def global_lp_pool(w: Writer, x: Tensor, *, p: float = 2) -> Tensor:
    axes: Any = range(2, x.rank)
    if p in (1, 2):
        return basics.reduce(w, "reduceL1" if p == 1 else "reduceL2", x, axes)
    powers = _power(w, basics.function(w, "ABS", x), p)
    return _power(w, basics.reduce(w, "reduceSum", powers, axes), 1 / p)
