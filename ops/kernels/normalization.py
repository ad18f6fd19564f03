"""Normalization: by statistics, by norms, and to probabilities. Axes may count from the end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import jax.numpy as jnp
from jax import lax

from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.derivatives import custom_jvp
from graphml.ops.kernels.reductions import reduce_max, reduce_mean, reduce_sum, reduce_sum_square


@custom_jvp(1)
def softmax(x: Array, axis: int) -> Array:
    """exp(x) / sum(exp(x)) along an axis, without overflow.

    Args:
        x: any rank >= 1.
        axis: the axis along which the result sums to 1.

    Returns:
        The shape of x.
    """
    powers = jnp.exp(x - reduce_max(x, axis))
    return powers / reduce_sum(powers, axis)


@softmax.defjvp
def _softmax_jvp(axis: int, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    y = softmax(*primals, axis)
    weighted = y * tangents[0]
    return y, weighted - y * jnp.sum(weighted, axis, keepdims=True)


def standardize(x: Array, axes: Sequence[int], epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon) over axes, with the biased variance.

    Args:
        x: any rank >= 1.
        axes: the axes over which mean and variance are taken.
        epsilon: added to the variance.

    Returns:
        The shape of x.
    """
    centred = x - reduce_mean(x, axes)
    return centred * lax.rsqrt(reduce_mean(centred * centred, axes, fuse=True) + epsilon)


def scale_and_shift(x: Array, gamma: Array | None, beta: Array | None) -> Array:
    """gamma * x + beta, where each may be absent."""
    x = x if gamma is None else x * gamma
    return x if beta is None else x + beta


def batch_norm_as_scale(mean: Any, variance: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any]:
    """Batch normalization by given statistics, as one factor and one summand for each channel.

    Args:
        mean: [channels], as all the others; known values give known values.
        variance: of each channel.
        gamma: scale after the normalization; 1 when None.
        beta: offset after the normalization; 0 when None.
        epsilon: added to the variance.

    Returns:
        (factor, summand), so that factor * x + summand is the normalized x.
    """
    factor = (1 if gamma is None else gamma) / array_namespace(variance).sqrt(variance + epsilon)
    return factor, (0 if beta is None else beta) - mean * factor


def l2_normalize(x: Array, axes: Sequence[int], epsilon: float) -> Array:
    """x / sqrt(sum of squares over axes + epsilon)."""
    return x * lax.rsqrt(reduce_sum_square(x, axes) + epsilon)


def local_response_norm(x: Array, axis: int, *, size: int, alpha: float, beta: float, k: float) -> Array:
    """x / (k + alpha / size * s)^beta, where s sums the squares of `size` neighbours along an axis.

    Args:
        x: any rank >= 1.
        axis: the axis of the channels.
        size: the length of the window, at least 1. It is centred and filled with zeros outside the axis; an even one
            has its larger half after the channel.
        alpha: factor of the sum.
        beta: the exponent.
        k: added to the sum; not negative.

    Returns:
        The shape of x.
    """
    channels = x.shape[axis]
    before = min((size - 1) // 2, channels)
    after = min(size - 1 - (size - 1) // 2, channels)
    widths = [(0, 0)] * x.ndim
    widths[axis] = (before, after)
    squares = jnp.pad(x * x, widths)
    # shifted slices become one fused loop
    shifted = (lax.slice_in_dim(squares, i, i + channels, axis=axis) for i in range(before + after + 1))
    base = k + (alpha / size) * reduce(jnp.add, shifted)
    return x * jnp.exp2(-beta * jnp.log2(base))  # base > 0, and this is three times faster than a power
