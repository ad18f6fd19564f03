"""Reductions: many numbers become one, along named axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jax import lax

from graphml.errors import ShapeError
from graphml.ops._axes import from_start, image_axes, image_axis, need_rank
from graphml.ops.layers.dialect import layer, layers
from graphml.ops.layers.reduction_forms import largest, mean, norm, position, smallest, square_sum, total


def _log_sum_exp(x, axes):
    top = lax.stop_gradient(largest(x, axes))
    top = jnp.where(jnp.isfinite(top), top, 0)
    return jnp.log(total(jnp.exp(x - top), axes, fold=True)) + top


# f(x, axes), all with keepdims
_SHARED: Mapping[str, Callable[..., Any]] = {
    "SUM": total,
    "AVG": mean,
    "PROD": lambda x, axes: jnp.prod(x, axes, keepdims=True),
    "SUMSQUARE": square_sum,
    "L1": lambda x, axes: total(jnp.abs(x), axes, fold=True),
    "L2": norm,
    "MAX": largest,
    "MIN": smallest,
}


@layer("reduce", layout="either")
def reduce(x, *, mode: str, epsilon: float, axis: str):
    """One of ten reductions over channels, height, width, or several of them; the axes stay, with size 1.

    x: any rank that has the axes. LOGSUM is the sum of log(x + epsilon). ARGMAX gives the (first) position of the
    maximum as a float, and takes a single axis. Raises ShapeError otherwise. Source: ReduceLayerParams (spec 1).
    """
    axes = tuple(image_axis(letter, x.ndim) for letter in axis)
    if mode == "LOGSUM":
        return total(jnp.log(x + epsilon), axes, fold=True)
    if mode != "ARGMAX":
        return _SHARED[mode](x, axes)
    if len(axis) > 1:
        raise ShapeError(f"ARGMAX takes one axis: C, H or W, not {axis}")
    return position(x, axes[0], largest)


@layer("dot", layout="either")
def dot(x, y, *, cosine_similarity: bool):
    """The dot product of two vectors of channels, or the cosine of the angle between them.

    x, y: [..., C, 1, 1] of one rank, with leading axes that broadcast; returns [..., 1, 1, 1]. The cosine with a zero
    vector is 0 (the format leaves it open). Source: DotProductLayerParams (spec 1).
    """
    need_rank(x, 3)
    channels, height, width = image_axes()
    if x.shape[-3:] != y.shape[-3:] or (x.shape[height], x.shape[width]) != (1, 1) or x.ndim != y.ndim:
        raise ShapeError("the inputs must be [..., C, 1, 1] with equal ranks and equal C")
    product = total(x * y, channels, fold=True)
    if not cosine_similarity:
        return product
    lengths = norm(x, channels) * norm(y, channels)
    zero = lengths == 0
    return jnp.where(zero, 0, product / jnp.where(zero, 1, lengths))


def _reduction(kind: str, function: Callable[..., Any], words: str):
    def reduce_nd(x, *, axes: tuple[int, ...], keep_dims: bool, reduce_all: bool):
        along = tuple(from_start(axis, x.ndim) for axis in axes)
        if reduce_all or not along:
            along = tuple(range(x.ndim))
        result = function(x, along)
        return result if keep_dims else jnp.squeeze(result, along)

    reduce_nd.__doc__ = f"""{words}, along `axes`, which may count from the end.

    x: any rank >= 1. All axes are reduced with `reduce_all`, and when none is named, as the common builder writes it.
    They stay with size 1 if `keep_dims`. Source: {kind[0].upper()}{kind[1:]}LayerParams
    (spec 4).
    """
    return reduce_nd


_ND: Mapping[str, tuple[Callable[..., Any], str]] = {
    "reduceL1": (_SHARED["L1"], "The sum of absolute values"),
    "reduceL2": (_SHARED["L2"], "The square root of the sum of squares, with slope 0 at zero"),
    "reduceMax": (_SHARED["MAX"], "The maximum"),
    "reduceMin": (_SHARED["MIN"], "The minimum"),
    "reduceSum": (_SHARED["SUM"], "The sum"),
    "reduceProd": (_SHARED["PROD"], "The product"),
    "reduceMean": (_SHARED["AVG"], "The mean"),
    "reduceLogSum": (lambda x, axes: jnp.log(total(x, axes)), "The logarithm of the sum"),
    "reduceSumSquare": (_SHARED["SUMSQUARE"], "The sum of squares"),
    "reduceLogSumExp": (_log_sum_exp, "The logarithm of the sum of exponentials, free of overflow"),
}

layers({kind: _reduction(kind, function, words) for kind, (function, words) in _ND.items()})


def _found(x, axis: int, remove_dim: bool, extreme):
    axis = from_start(axis, x.ndim)
    found = position(x, axis, extreme)
    return jnp.squeeze(found, axis) if remove_dim else found


_NO_SLOPE = "a position does not change with small changes of the numbers"


@layer("argMax", differentiable=_NO_SLOPE)
def arg_max(x, *, axis: int, remove_dim: bool):
    """The position of the maximum along an axis, as a float; the first one among equals.

    x: any rank >= 1. The axis stays with size 1 unless `remove_dim`. Source: ArgMaxLayerParams
    (spec 4).
    """
    return _found(x, axis, remove_dim, largest)


@layer("argMin", differentiable=_NO_SLOPE)
def arg_min(x, *, axis: int, remove_dim: bool):
    """The position of the minimum along an axis, as a float; the first one among equals.

    x: any rank >= 1. The axis stays with size 1 unless `remove_dim`. Source: ArgMinLayerParams
    (spec 4).
    """
    return _found(x, axis, remove_dim, smallest)
