"""Reductions: sums, means, extremes and the like, along given axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import jax.numpy as jnp

from graphml.errors import ShapeError
from graphml.ops.kernels import reductions as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._axes import check_rank, image_axes, image_axis, normalize_axis
from graphml.ops.layers.dialect import layer, layers

Reduction: TypeAlias = Callable[[Array, tuple[int, ...]], Array]

_MODES: Mapping[str, Reduction] = {
    "SUM": kernels.reduce_sum,
    "AVG": kernels.reduce_mean,
    "PROD": kernels.reduce_product,
    "SUMSQUARE": kernels.reduce_sum_square,
    "L1": kernels.reduce_l1_norm,
    "L2": kernels.reduce_l2_norm,
    "MAX": kernels.reduce_max,
    "MIN": kernels.reduce_min,
}


@layer("reduce", layout="either")
def reduce(x: Array, *, mode: str, epsilon: float, axis: str) -> Array:
    """One of ten reductions over channels, height, width, or several of them; the axes stay, with size 1.

    Args:
        x: any rank that has the axes.
        mode: the reduction. LOGSUM is the sum of log(x + epsilon); ARGMAX gives the (first) position of the maximum as
            a float, and takes a single axis.
        epsilon: see LOGSUM.
        axis: C, H, W or several of these letters.

    Returns:
        The rank of x.

    Raises:
        ShapeError: x lacks an axis, or ARGMAX is asked for several.

    Source: ReduceLayerParams (spec 1).
    """
    axes = tuple(image_axis(letter, x.ndim) for letter in axis)
    if mode == "LOGSUM":
        return kernels.reduce_sum(jnp.log(x + epsilon), axes, fuse=True)
    if mode != "ARGMAX":
        return _MODES[mode](x, axes)
    if len(axis) > 1:
        raise ShapeError(f"ARGMAX takes one axis: C, H or W, not {axis}")
    return kernels.argmax(x, axes[0])


@layer("dot", layout="either")
def dot(x: Array, y: Array, *, cosine_similarity: bool) -> Array:
    """The dot product of two vectors of channels, or the cosine of the angle between them.

    Args:
        x: [..., C, 1, 1].
        y: the rank of x; leading axes broadcast.
        cosine_similarity: whether to return the cosine; with a zero vector it is 0 (the format does not define it).

    Returns:
        [..., 1, 1, 1].

    Raises:
        ShapeError: x or y has another shape.

    Source: DotProductLayerParams (spec 1).
    """
    check_rank(x, 3)
    channels, height, width = image_axes()
    if x.shape[-3:] != y.shape[-3:] or (x.shape[height], x.shape[width]) != (1, 1) or x.ndim != y.ndim:
        raise ShapeError("the inputs must be [..., C, 1, 1] with equal ranks and equal C")
    product = kernels.reduce_sum(x * y, channels, fuse=True)
    if not cosine_similarity:
        return product
    lengths = kernels.reduce_l2_norm(x, channels) * kernels.reduce_l2_norm(y, channels)
    zero = lengths == 0
    return jnp.where(zero, 0, product / jnp.where(zero, 1, lengths))


def _reduction(kind: str, function: Reduction, words: str) -> Callable[..., Array]:
    def reduce_nd(x: Array, *, axes: tuple[int, ...], keep_dims: bool, reduce_all: bool) -> Array:
        along = tuple(normalize_axis(axis, x.ndim) for axis in axes)
        if reduce_all or not along:
            along = tuple(range(x.ndim))
        result = function(x, along)
        return result if keep_dims else jnp.squeeze(result, along)

    reduce_nd.__doc__ = f"""{words}, along `axes`, which may count from the end.

    Args:
        x: any rank >= 1.
        axes: all are reduced if the list is empty, which is how the common builder writes it.
        keep_dims: whether the axes stay, with size 1.
        reduce_all: whether all axes are reduced.

    Returns:
        The rank of x, or less without `keep_dims`.

    Source: {kind[0].upper()}{kind[1:]}LayerParams (spec 4).
    """
    return reduce_nd


_ND: Mapping[str, tuple[Reduction, str]] = {
    "reduceL1": (kernels.reduce_l1_norm, "The sum of absolute values"),
    "reduceL2": (kernels.reduce_l2_norm, "The square root of the sum of squares, with gradient 0 at zero"),
    "reduceMax": (kernels.reduce_max, "The maximum"),
    "reduceMin": (kernels.reduce_min, "The minimum"),
    "reduceSum": (kernels.reduce_sum, "The sum"),
    "reduceProd": (kernels.reduce_product, "The product"),
    "reduceMean": (kernels.reduce_mean, "The mean"),
    "reduceLogSum": (kernels.reduce_log_sum, "The logarithm of the sum"),
    "reduceSumSquare": (kernels.reduce_sum_square, "The sum of squares"),
    "reduceLogSumExp": (kernels.reduce_log_sum_exp, "The logarithm of the sum of exponentials, without overflow"),
}

layers({kind: _reduction(kind, function, words) for kind, (function, words) in _ND.items()})


def _positions(find: Callable[[Array, int], Array], x: Array, axis: int, remove_dim: bool) -> Array:
    axis = normalize_axis(axis, x.ndim)
    found = find(x, axis)
    return jnp.squeeze(found, axis) if remove_dim else found


_NO_GRADIENT = "positions are integers, which have no gradient"


@layer("argMax", differentiable=_NO_GRADIENT)
def arg_max(x: Array, *, axis: int, remove_dim: bool) -> Array:
    """The position of the maximum along an axis, as a float; the first of equal ones.

    Args:
        x: any rank >= 1.
        axis: may count from the end.
        remove_dim: whether the axis is dropped; otherwise it stays with size 1.

    Returns:
        The rank of x, or one less.

    Source: ArgMaxLayerParams (spec 4).
    """
    return _positions(kernels.argmax, x, axis, remove_dim)


@layer("argMin", differentiable=_NO_GRADIENT)
def arg_min(x: Array, *, axis: int, remove_dim: bool) -> Array:
    """The position of the minimum along an axis, as a float; the first of equal ones.

    Args:
        x: any rank >= 1.
        axis: may count from the end.
        remove_dim: whether the axis is dropped; otherwise it stays with size 1.

    Returns:
        The rank of x, or one less.

    Source: ArgMinLayerParams (spec 4).
    """
    return _positions(kernels.argmin, x, axis, remove_dim)
