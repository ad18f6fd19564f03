"""Pooling: the maximum, the mean or the norm of each window over some axes.

All functions take x of any rank and, for each of `axes`, the size of the window, its stride and the padding (before,
after), which must leave room for one window. They return the rank of x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax

from graphml.interpreter.budget import check_shape
from graphml.ops.kernels.arrays import Array, along_axis
from graphml.ops.kernels.elementwise import safe_sqrt
from graphml.ops.kernels.padding import pad_constant
from graphml.ops.kernels.windows import Pair, window_counts


def max_pool(
    x: Array,
    axes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[Pair],
    *,
    empty: float = 0,
) -> Array:
    """The maximum of each window. Padding is never the maximum; a window of padding alone gives `empty`."""
    y = _pool(jnp.maximum, pad_constant(x, axes, padding, -np.inf), axes, kernel, stride)
    covered = _covered(x, axes, kernel, stride, padding, [(0, 0)] * len(kernel))
    return y if covered.all() else jnp.where(covered > 0, y, empty)


def sum_pool(
    x: Array, axes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[Pair]
) -> Array:
    """The sum of each window; padding counts as 0."""
    return _pool(jnp.add, pad_constant(x, axes, padding), axes, kernel, stride)


def average_pool(
    x: Array,
    axes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[Pair],
    counted: Sequence[Pair],
) -> Array:
    """The mean of each window.

    `counted` is the part of the padding whose zeros count as elements of the mean, (before, after) for each axis. A
    window that covers nothing gives 0.
    """
    covered = _covered(x, axes, kernel, stride, padding, counted)
    return sum_pool(x, axes, kernel, stride, padding) / np.maximum(covered, 1).astype(x.dtype)


def l2_pool(
    x: Array, axes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[Pair]
) -> Array:
    """The square root of the sum of squares of each window, with derivative 0 at 0."""
    return safe_sqrt(sum_pool(x * x, axes, kernel, stride, padding))


def _pool(
    function: Callable[[Array, Array], Array],
    x: Array,
    axes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
) -> Array:
    """`function` between all elements of each window, one axis after the other.

    XLA's own windowed reduction takes up to twenty times as long on CPUs, and its derivative searches each window
    again.
    """
    for axis, k, s in zip(axes, kernel, stride, strict=True):
        x = _pool_axis(function, x, k, s, axis)
    return x


def _pool_axis(function: Callable[[Array, Array], Array], x: Array, count: int, stride: int, axis: int) -> Array:
    """`function` between `count` neighbours, at every `stride`-th element, in about 2 log2(count) steps: runs of
    doubling length are computed, and those that add up to `count` are joined."""
    last = x.shape[axis] - count
    run, length, start = x, 1, 0
    total: Array | None = None
    while True:
        if count & length:
            part = lax.slice_in_dim(run, start, start + last + 1, stride, axis)
            total = part if total is None else function(total, part)
            start += length
        if 2 * length > count:
            assert total is not None, "count is at least 1"
            return total
        ends = run.shape[axis] - length
        run = function(lax.slice_in_dim(run, 0, ends, axis=axis), lax.slice_in_dim(run, length, None, axis=axis))
        length *= 2


def _covered(
    x: Array,
    axes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[Pair],
    counted: Sequence[Pair],
) -> npt.NDArray[np.float64]:
    """How many elements of x and its `counted` padding are in each window, in a shape that broadcasts over x."""
    result = np.ones((1,) * x.ndim)
    steps = window_counts([x.shape[axis] for axis in axes], kernel, stride, padding)
    check_shape(steps, result.dtype)
    for axis, count, k, s, borders in zip(axes, steps, kernel, stride, zip(padding, counted, strict=True), strict=True):
        (before, _), (first, last) = borders
        starts = np.arange(count) * s - before
        covered = np.minimum(starts + k, x.shape[axis] + last) - np.maximum(starts, -first)
        result = result * along_axis(np.maximum(covered, 0), axis, x.ndim)
    return result
