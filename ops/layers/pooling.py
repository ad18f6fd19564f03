"""Pooling over images: the maximum, the mean or the norm of each window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape
from graphml.ops._axes import along, image_axes
from graphml.ops.layers import windows
from graphml.ops.layers.dialect import layer
from graphml.ops.layers.padding import padded
from graphml.ops.layers.reduction_forms import largest, mean, square_sum
from graphml.ops.layers.windows import Pair
from graphml.spec.attributes import Choice

_NONE = ((0, 0), (0, 0))


def max_pool(x, axes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[Pair]):
    """The maximum of each window over some axes of x. Padding never wins; a window of padding alone gives 0."""
    y = _pool(jnp.maximum, padded(x, axes, padding, -np.inf), axes, kernel, stride)
    covered = counts(x, axes, kernel, stride, padding, [(0, 0)] * len(kernel))
    return y if covered.all() else jnp.where(covered > 0, y, 0)


def sum_pool(x, axes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[Pair]):
    """The sum of each window over some axes of x."""
    return _pool(jnp.add, padded(x, axes, padding), axes, kernel, stride)


def _pool(function, x, axes, kernel, stride):
    """`function` between all elements of each window, one axis after the other.

    XLA's own windowed reduction takes up to twenty times as long on a CPU, and its gradient searches each window again.
    """
    for axis, k, s in zip(axes, kernel, stride, strict=True):
        x = _neighbours(function, x, k, s, axis)
    return x


def _neighbours(function, x, count: int, stride: int, axis: int) -> Any:
    """`function` between `count` neighbours, from every `stride`-th element on, in about 2 log2(count) steps: runs of
    doubling length are made, and those that `count` is the sum of are joined."""
    last = x.shape[axis] - count
    run, length, start, total = x, 1, 0, None
    while True:
        if count & length:
            part = lax.slice_in_dim(run, start, start + last + 1, stride, axis)
            total = part if total is None else function(total, part)
            start += length
        if 2 * length > count:
            return total
        ends = run.shape[axis] - length
        run = function(lax.slice_in_dim(run, 0, ends, axis=axis), lax.slice_in_dim(run, length, None, axis=axis))
        length *= 2


def mean_pool(
    x,
    axes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[Pair],
    declared: Sequence[Pair],
):
    """The mean of each window over some axes of x.

    The divisor is the number of places inside the image and its `declared` padding, which may be less than `padding`.
    """
    places = counts(x, axes, kernel, stride, padding, declared)
    return sum_pool(x, axes, kernel, stride, padding) / np.maximum(places, 1).astype(x.dtype)


def counts(
    x,
    axes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[Pair],
    declared: Sequence[Pair],
) -> np.ndarray:
    """How many places of the image with its `declared` padding each window covers, of a shape that spreads over x."""
    result = np.ones((1,) * x.ndim)
    steps = [windows.steps(x.shape[a], k, s, p) for a, k, s, p in zip(axes, kernel, stride, padding, strict=True)]
    check_shape(steps, result.dtype)
    for axis, count, k, s, (before, _), (first, last) in zip(
        axes, steps, kernel, stride, padding, declared, strict=True
    ):
        n = x.shape[axis]
        starts = np.arange(count) * s - before
        covered = np.minimum(starts + k, n + last) - np.maximum(starts, -first)
        result = result * along(np.maximum(covered, 0), axis, x.ndim)
    return result


def root(squares):
    """The square root, with gradient zero at zero."""
    positive = squares > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1)), 0)


def _supported(attributes: Mapping[str, Any]) -> str | None:
    if attributes["pooling_padding_type"] is None and not attributes["global_pooling"]:
        return "the type of padding is not set"
    return None


@layer("pooling", layout="either", supported=_supported)
def pooling(
    x,
    *,
    type: str,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    pooling_padding_type: Choice,
    avg_pool_exclude_padding: bool,
    global_pooling: bool,
):
    """The maximum, the mean or the square root of the sum of squares of each window.

    x: [..., batch, channels, height, width]; returns the same rank. Padding is `valid` or `same`, as for convolutions,
    or `includeLastPixel`: the same amount on both sides, and sizes rounded up, so that windows may reach beyond it.
    Padding never wins a maximum. A mean divides by the places inside the image and its declared padding, or inside
    the image alone with `avg_pool_exclude_padding`. A window that covers nothing gives 0. With `global_pooling` the one
    window is the image, and sizes, strides and padding are ignored.
    Source: PoolingLayerParams (spec 1).
    """
    if x.ndim < 4:
        raise ShapeError(f"x has rank {x.ndim}; it is [..., batch, channels, height, width]")
    if global_pooling:
        return pool_everything(x, image_axes()[1:], type)
    space = image_axes()[1:]
    sizes = tuple(x.shape[axis] for axis in space)
    kernel, stride = windows.extents(kernel_size, "kernel size"), windows.extents(stride, "stride")
    if pooling_padding_type.name == "includeLastPixel":
        declared, padding = _complete(pooling_padding_type, sizes, kernel, stride)
    else:
        declared = padding = windows.image_padding(pooling_padding_type, sizes, kernel, stride)
    if type == "MAX":
        return max_pool(x, space, kernel, stride, padding)
    if type == "AVERAGE":
        return mean_pool(x, space, kernel, stride, padding, _NONE if avg_pool_exclude_padding else declared)
    return root(sum_pool(x * x, space, kernel, stride, padding))


def pool_everything(x, axes: Sequence[int], type: str):
    """One window over all of some axes, which stay with size 1."""
    if type == "MAX":
        return largest(x, axes)
    return mean(x, axes) if type == "AVERAGE" else root(square_sum(x, axes))


def _complete(choice: Choice, sizes, kernel, stride) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """(declared, actual) padding with which the last window still contains the last pixel."""
    amounts = windows.extents(choice.fields.get("padding_amounts", ()) or (0, 0), "padding", least=0)
    actual = []
    for n, k, s, amount in zip(sizes, kernel, stride, amounts, strict=True):
        steps = -(-(n + 2 * amount - k) // s) + 1
        if any(amounts) and (steps - 1) * s >= n + amount:  # the last window would start in the padding
            steps -= 1
        if steps < 1:
            raise ShapeError(f"a window of {k} does not fit into {n} with padding {[amount, amount]}")
        actual.append((amount, (steps - 1) * s + k - n - amount))
    return tuple((amount, amount) for amount in amounts), tuple(actual)
