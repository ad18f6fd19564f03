"""Reductions over axes. Every function keeps the reduced axes, with size 1; axes may count from the end.

The definition of each is one `jnp` reduction; on CPUs `cpu.reductions` gives the same, with sums in another order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import jax.numpy as jnp
from jax import lax

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu import reductions as cpu
from graphml.ops.kernels.derivatives import custom_jvp
from graphml.ops.kernels.elementwise import safe_sqrt
from graphml.ops.kernels.platform import on_cpu

Axes: TypeAlias = int | Sequence[int]

# Sums ----------------------------------------------------------------------------------------------------------------


def reduce_sum(x: Array, axes: Axes, *, fuse: bool = False) -> Array:
    """The sum over axes.

    Args:
        x: any rank.
        axes: one axis or several.
        fuse: whether x is computed for this sum alone, so that the loop that computes it should add it up.

    Returns:
        The shape of x with size 1 on `axes`.
    """
    return _sum(x, _from_start(axes, x.ndim), fuse)


def reduce_mean(x: Array, axes: Axes, *, fuse: bool = False) -> Array:
    """The mean over axes, NaN over no elements; arguments as in `reduce_sum`."""
    axes = _from_start(axes, x.ndim)
    count = math.prod(x.shape[axis] for axis in axes)
    return reduce_sum(x, axes, fuse=fuse) / jnp.asarray(count, x.dtype)


def reduce_product(x: Array, axes: Axes) -> Array:
    """The product over axes."""
    return jnp.prod(x, _from_start(axes, x.ndim), keepdims=True)


def reduce_sum_square(x: Array, axes: Axes) -> Array:
    """The sum of squares over axes."""
    return reduce_sum(x * x, axes, fuse=True)


def reduce_l1_norm(x: Array, axes: Axes) -> Array:
    """The sum of absolute values over axes."""
    return reduce_sum(jnp.abs(x), axes, fuse=True)


def reduce_l2_norm(x: Array, axes: Axes) -> Array:
    """The square root of the sum of squares over axes. Its derivative at the zero vector is taken as 0."""
    return safe_sqrt(reduce_sum_square(x, axes))


def reduce_log_sum(x: Array, axes: Axes) -> Array:
    """The logarithm of the sum over axes."""
    return jnp.log(reduce_sum(x, axes))


def reduce_log_sum_exp(x: Array, axes: Axes) -> Array:
    """The logarithm of the sum of exponentials over axes, without overflow."""
    top = lax.stop_gradient(reduce_max(x, axes))
    top = jnp.where(jnp.isfinite(top), top, 0)
    return jnp.log(reduce_sum(jnp.exp(x - top), axes, fuse=True)) + top


@custom_jvp(1, 2)
def _sum(x: Array, axes: tuple[int, ...], fuse: bool) -> Array:
    return cpu.reduce_sum(x, axes, fuse=fuse) if on_cpu() else jnp.sum(x, axes, keepdims=True)


@_sum.defjvp
def _sum_jvp(axes: tuple[int, ...], fuse: bool, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return _sum(x, axes, fuse), jnp.sum(dx, axes, keepdims=True)


# Extremes ------------------------------------------------------------------------------------------------------------


def reduce_max(x: Array, axes: Axes) -> Array:
    """The maximum over axes. NaN propagates; equal elements share the derivative."""
    return _max(x, _from_start(axes, x.ndim))


def reduce_min(x: Array, axes: Axes) -> Array:
    """The minimum over axes. NaN propagates; equal elements share the derivative."""
    return _min(x, _from_start(axes, x.ndim))


def position_of_max(x: Array, axis: int) -> Array:
    """The position of the maximum along an axis, int32.

    Args:
        x: any rank >= 1.
        axis: one axis.

    Returns:
        The shape of x with size 1 on the axis; the first position of equal elements, or that of the first NaN.
    """
    return _first_position(x, reduce_max(x, axis), axis)


def position_of_min(x: Array, axis: int) -> Array:
    """The position of the minimum along an axis, int32; otherwise as `position_of_max`."""
    return _first_position(x, reduce_min(x, axis), axis)


def argmax(x: Array, axis: int) -> Array:
    """`position_of_max` as a number of the dtype of x."""
    return position_of_max(x, axis).astype(x.dtype)


def argmin(x: Array, axis: int) -> Array:
    """`position_of_min` as a number of the dtype of x."""
    return position_of_min(x, axis).astype(x.dtype)


def _first_position(x: Array, value: Array, axis: int) -> Array:
    """The smallest of all matching positions takes a quarter of the time of XLA's argmax on CPUs."""
    here = (x == value) | jnp.isnan(x)
    positions = lax.broadcasted_iota(jnp.int32, x.shape, axis % x.ndim)
    return reduce_min(jnp.where(here, positions, x.shape[axis]), axis)


@custom_jvp(1)
def _max(x: Array, axes: tuple[int, ...]) -> Array:
    return cpu.reduce_max(x, axes) if on_cpu() else jnp.max(x, axes, keepdims=True)


@custom_jvp(1)
def _min(x: Array, axes: tuple[int, ...]) -> Array:
    return cpu.reduce_min(x, axes) if on_cpu() else jnp.min(x, axes, keepdims=True)


@_max.defjvp
def _max_jvp(axes: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    y = _max(*primals, axes)
    return y, _extreme_tangent(*primals, y, *tangents, axes)


@_min.defjvp
def _min_jvp(axes: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    y = _min(*primals, axes)
    return y, _extreme_tangent(*primals, y, *tangents, axes)


def _extreme_tangent(x: Array, y: Array, dx: Array, axes: tuple[int, ...]) -> Array:
    here = (x == y).astype(x.dtype)
    return jnp.sum(here * dx, axes, keepdims=True) / jnp.sum(here, axes, keepdims=True)


def _from_start(axes: Axes, rank: int) -> tuple[int, ...]:
    return tuple(sorted(axis % rank for axis in ((axes,) if isinstance(axes, int) else axes)))
