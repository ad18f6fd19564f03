"""Pooling over signals, images and volumes: the maximum, the mean or the norm of each window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from graphml.errors import GraphError, ShapeError
from graphml.ops.kernels import pooling as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import widened
from graphml.ops.kernels.windows import Extents, Pair, ceil_padding
from graphml.ops.layers._axes import image_axes
from graphml.ops.program._windows import (
    check_space,
    checked_pad_type,
    image_either,
    padding,
    pads,
    steps,
)
from graphml.ops.program.dialect import operation


@operation("max_pool", version=15, layout=image_either)
def max_pool(
    x: Array,
    *,
    kernel_sizes: tuple[int, ...],
    strides: tuple[int, ...] | None,
    pad_type: str,
    pad: tuple[int, ...] | None,
    ceil_mode: bool | None,
) -> Array:
    """The maximum of each window. Padding is -inf.

    Args:
        x: [N, C, *space], with one to three axes of space.
        kernel_sizes: of a window, for each axis of space.
        strides: elements from one window to the next; 1 when absent.
        pad_type: `valid` (no padding), `same` (ceil(size / stride) windows, an extra element of padding at the end),
            `same_lower` (at the start; iOS 16) or `custom`.
        pad: padding before and after each axis; used by `custom` alone.
        ceil_mode: whether the number of windows is rounded up. A last window that would start in the padding after x
            is left out.

    Returns:
        [N, C, *space].

    Raises:
        GraphError: the type of padding is unknown, or ceil_mode is combined with `same`.
        ShapeError: the window does not fit, or ceil_mode is combined with padding that differs before and after an
            axis.

    Source: the operation max_pool of ML Programs (iOS 15).
    """
    window = _window(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    return _as_x(x, kernels.max_pool(_laid(x), *window.moves, empty=-np.inf))


@operation("avg_pool", version=15, layout=image_either)
def avg_pool(
    x: Array,
    *,
    exclude_padding_from_average: bool,
    kernel_sizes: tuple[int, ...],
    strides: tuple[int, ...] | None,
    pad_type: str,
    pad: tuple[int, ...] | None,
    ceil_mode: bool | None,
) -> Array:
    """The mean of each window.

    Args:
        x: as in `max_pool`.
        exclude_padding_from_average: whether a mean divides by the elements of x in the window alone. Otherwise the
            zeros of the padding count too, but not what ceil_mode adds to it, as in PyTorch, which the format refers
            to.
        kernel_sizes: as in `max_pool`.
        strides: as in `max_pool`.
        pad_type: as in `max_pool`.
        pad: as in `max_pool`.
        ceil_mode: as in `max_pool`.

    Returns:
        [N, C, *space]. A window that covers nothing gives 0.

    Raises:
        GraphError: as `max_pool`.
        ShapeError: as `max_pool`.

    Source: the operation avg_pool of ML Programs (iOS 15).
    """
    window = _window(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    counted = ((0, 0),) * len(window.kernel) if exclude_padding_from_average else window.declared
    return _as_x(x, kernels.average_pool(widened(_laid(x)), *window.moves, counted))


@operation("l2_pool", version=15, layout=image_either)
def l2_pool(
    x: Array,
    *,
    kernel_sizes: tuple[int, ...],
    strides: tuple[int, ...] | None,
    pad_type: str,
    pad: tuple[int, ...] | None,
    ceil_mode: bool | None,
) -> Array:
    """The square root of the sum of squares of each window.

    Args:
        x: as in `max_pool`.
        kernel_sizes: as in `max_pool`.
        strides: as in `max_pool`.
        pad_type: as in `max_pool`.
        pad: as in `max_pool`.
        ceil_mode: as in `max_pool`.

    Returns:
        [N, C, *space].

    Raises:
        GraphError: as `max_pool`.
        ShapeError: as `max_pool`.

    Source: the operation l2_pool of ML Programs (iOS 15).
    """
    window = _window(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    return _as_x(x, kernels.l2_pool(widened(_laid(x)), *window.moves))


def _laid(x: Array) -> Array:
    """Signals and volumes channels-last, which fills vectors; images in either layout."""
    return x if x.ndim == 4 else jnp.moveaxis(x, 1, -1)


def _as_x(x: Array, y: Array) -> Array:
    """A result of `_laid(x)` in the layout and type of x."""
    return (y if x.ndim == 4 else jnp.moveaxis(y, -1, 1)).astype(x.dtype)


class _PoolWindow(NamedTuple):
    """axes: of space. declared: the padding without what ceil_mode adds."""

    axes: tuple[int, ...]
    kernel: Extents
    stride: Extents
    padding: tuple[Pair, ...]
    declared: tuple[Pair, ...]

    @property
    def moves(self) -> tuple[tuple[int, ...], Extents, Extents, tuple[Pair, ...]]:
        return self.axes, self.kernel, self.stride, self.padding


def _window(
    x: Array,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] | None,
    pad_type: str,
    pad: Sequence[int] | None,
    ceil_mode: bool | None,
) -> _PoolWindow:
    space = check_space(x)
    laid = _laid(x)
    axes = image_axes()[1:] if x.ndim == 4 else tuple(range(1, 1 + space))
    sizes = [laid.shape[axis] for axis in axes]
    kernel, stride = steps(kernel_sizes, space, "kernel_sizes"), steps(strides, space, "strides")
    if not ceil_mode:
        declared = padding(pad_type, pad, sizes, kernel, stride)
        return _PoolWindow(axes, kernel, stride, declared, declared)
    kind = checked_pad_type(pad_type)
    if kind in ("same", "same_lower"):
        raise GraphError(f"ceil_mode needs pad_type valid or custom, got {pad_type!r}")
    declared = pads(pad if kind == "custom" else None, space)
    if any(before != after for before, after in declared):
        raise ShapeError(f"pad is {list(pad or ())}; with ceil_mode it must be the same before and after each axis")
    actual = tuple(
        ceil_padding(n, k, s, before, last_inside=before > 0)
        for n, k, s, (before, _) in zip(sizes, kernel, stride, declared, strict=True)
    )
    return _PoolWindow(axes, kernel, stride, actual, declared)
