"""Normalization by statistics and norms of the tensor itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import LARGEST_RANK, Array, Shape, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import GraphError, UnsupportedError


def _standardized(w: Writer, x: Tensor, axes: Sequence[int], epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """(x - mean) / sqrt(variance + epsilon) over axes, the mean, and the inverse of the root."""
    mean = basics.reduce(w, "reduceMean", x, axes)
    centred = basics.subtract(w, x, mean)
    variance = basics.reduce(w, "reduceMean", basics.multiply(w, centred, centred), axes)
    inverse = basics.function(w, "RSQRT", variance, epsilon=epsilon)
    return basics.multiply(w, centred, inverse), mean, inverse


def _over(value: Tensor | None, sizes: Shape | None, default: float) -> Array | None:
    """A constant scale or bias in the shape of the normalized axes; None if it is not constant, or varies along other
    axes."""
    if sizes is None:
        return None
    if value is None:
        return np.full(sizes, default, np.float32)
    array = value.constant
    if array is None:
        return None
    count = len(sizes)
    if any(size != 1 for size in array.shape[: max(array.ndim - count, 0)]):
        return None
    own = array.reshape(array.shape[max(array.ndim - count, 0) :])
    return basics.stored(np.broadcast_to(np.asarray(own, np.float32), sizes))


@operator("LayerNormalization", ignored=("stash_type",))
def layer_normalization(
    w: Writer, x: Tensor, scale: Tensor, bias: Tensor | None = None, *, axis: int = -1, epsilon: float = 1e-5
) -> list[Tensor]:
    """The layer of this name if the sizes, the scale and the bias are constants; the statistics separately."""
    at = x.axis(axis)
    axes = range(at, x.rank)
    sizes = x.shape[at:]
    known = None if None in sizes else tuple(size or 0 for size in sizes)
    gamma, beta = _over(scale, known, 1.0), _over(bias, known, 0.0)
    wanted = [*w.node.wanted, False, False, False][:3]
    results: list[Tensor] = []
    standard, mean, inverse = (None, None, None)
    if gamma is None or beta is None or any(wanted[1:]):
        standard, mean, inverse = _standardized(w, x, axes, epsilon)
        results = [mean, inverse]
    if gamma is not None and beta is not None:
        made = _layer(w, x, at, gamma, beta, epsilon)
    else:
        assert standard is not None, "computed above"
        made = basics.multiply(w, standard, scale)
        made = made if bias is None else basics.add(w, made, bias)
    return [made, *results]


def _layer(w: Writer, x: Tensor, at: int, gamma: Array, beta: Array, epsilon: float) -> Tensor:
    if x.rank > LARGEST_RANK:
        rows = [(math.prod(shape[:at]), math.prod(shape[at:])) for shape in x.shapes]
        flat = basics.reshape(w, x, rows, w.features)
        return basics.reshape(w, _layer(w, flat, 1, gamma.ravel(), beta.ravel(), epsilon), x.shapes, w.features)
    weights = {"gamma": gamma, "beta": beta}
    return basics.unary(w, "layerNormalization", x, normalized_shape=gamma.shape, eps=epsilon, **weights)


@operator("RMSNormalization", ignored=("stash_type",))
def rms_normalization(w: Writer, x: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = 1e-5) -> Tensor:
    squares = basics.reduce(w, "reduceMean", basics.multiply(w, x, x), range(x.axis(axis), x.rank))
    root = basics.function(w, "RSQRT", squares, epsilon=epsilon)
    return basics.multiply(w, basics.multiply(w, x, root), scale)


@operator("GroupNormalization", since=18, ignored=("stash_type",))
def group_normalization(
    w: Writer, x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = 1e-5
) -> Tensor:
    """Instance normalization whose channels are the groups; version 18 has a scale for each group, later ones for each
    channel."""
    channels = x.shape[1] if x.rank > 2 else None
    if channels is None or channels % num_groups:
        raise UnsupportedError(
            f"a tensor of shape {list(x.shape)} has no {num_groups} groups of channels of equal size"
        )
    by_group = w.node.opset < 21 or channels == num_groups
    gamma, beta = (each.constant if by_group else None for each in (scale, bias))
    inside = gamma is not None and beta is not None
    grouped = [(shape[0], num_groups, 1, math.prod(shape[1:]) // num_groups) for shape in x.shapes]
    made = w.layer(
        "batchnorm",
        [basics.reshape(w, x, grouped, w.features)],
        channels=num_groups,
        compute_mean_var=True,
        instance_normalization=True,
        epsilon=epsilon,
        gamma=basics.stored(gamma) if inside and gamma is not None else np.ones(num_groups, np.float32),
        beta=basics.stored(beta) if inside and beta is not None else np.zeros(num_groups, np.float32),
    )
    made = made if by_group else basics.reshape(w, made, x.shapes, [x])
    if not inside:
        made = basics.multiply(w, made, _channels(w, scale, made.rank))
        made = basics.add(w, made, _channels(w, bias, made.rank))
    return basics.reshape(w, made, x.shapes, [x])


def _channels(w: Writer, value: Tensor, rank: int) -> Tensor:
    """One number for each channel, for a tensor with channels on axis 1."""
    shape = (value.shapes[0][0], *(1,) * (rank - 2))
    if value.constant is not None:
        return w.constant(value.constant.reshape(shape))
    return basics.reshape(w, value, [shape] * w.sets)


@operator("MeanVarianceNormalization", since=9)
def mean_variance_normalization(w: Writer, x: Tensor, *, axes: tuple[int, ...] = (0, 2, 3)) -> Tensor:
    """(x - mean) / (standard deviation + 1e-9), as ONNX defines it."""
    centred = basics.subtract(w, x, basics.reduce(w, "reduceMean", x, axes))
    variance = basics.reduce(w, "reduceMean", basics.multiply(w, centred, centred), axes)
    return basics.divide(w, centred, basics.linear(w, basics.function(w, "SQRT", variance), 1.0, 1e-9))


@operator("LpNormalization")
def lp_normalization(w: Writer, x: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    """x divided by its norm along an axis; zeros stay zeros."""
    if p not in (1, 2):
        raise GraphError(f"p is {p}; it must be 1 or 2")
    norm = basics.reduce(w, "reduceL1" if p == 1 else "reduceL2", x, [axis])
    return basics.divide(w, x, basics.add(w, norm, basics.compare(w, "equal", norm, 0.0)))
