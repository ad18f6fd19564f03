"""Normalization: by statistics (given or of the input itself), by norms, and to probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from graphml.catalogue import Role, channel_axis
from graphml.errors import ShapeError
from graphml.ops._axes import along, from_start, image_axes, need_rank
from graphml.ops._known import module
from graphml.ops.layers.dialect import layer
from graphml.ops.layers.reduction_forms import largest, mean, square_sum, total


def standardize(x, axes: tuple[int, ...], epsilon: float):
    """(x - mean) / sqrt(variance + epsilon) over `axes`, with the biased variance."""
    centred = x - mean(x, axes)
    return centred * lax.rsqrt(mean(centred * centred, axes, fold=True) + epsilon)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def probabilities(x, axis: int):
    """Softmax along an axis: exp(x) / sum(exp(x)), without overflow."""
    powers = jnp.exp(x - largest(x, axis))
    return powers / total(powers, axis)


@probabilities.defjvp
def _probabilities_slope(axis, primals, tangents):
    y = probabilities(*primals, axis)
    weighted = y * tangents[0]
    return y, weighted - y * jnp.sum(weighted, axis, keepdims=True)


def _affine(x, gamma, beta):
    x = x if gamma is None else x * gamma
    return x if beta is None else x + beta


_NO_STATISTICS = "mean or variance is absent, and the layer does not compute them"


def _fold(weights, attributes):
    """Given statistics become one factor and one summand per channel."""
    if attributes["compute_mean_var"]:
        return weights
    mean, variance = weights.get("mean"), weights.get("variance")
    if mean is None or variance is None:
        raise ShapeError(_NO_STATISTICS)
    gamma = weights.get("gamma", 1) / module(variance).sqrt(variance + attributes["epsilon"])
    return {"gamma": gamma, "beta": weights.get("beta", 0) - mean * gamma}


def _line(weights, attributes):
    if attributes["compute_mean_var"] or "mean" not in weights or "variance" not in weights:
        return None
    folded = _fold(weights, attributes)
    return folded["gamma"], folded["beta"]


def _roles(attributes: Mapping[str, Any]) -> tuple[Role, ...]:
    own: tuple[Role, ...] = () if attributes["compute_mean_var"] else ("normalizes by statistics",)
    return ("statistics", "rescaling", *own)


@layer("batchnorm", wire_only=("channels",), layout="either", prepare=_fold, affine=_line, roles=_roles)
def batchnorm(x, *, compute_mean_var: bool, instance_normalization: bool, epsilon: float, gamma, beta, mean, variance):
    """Batch normalization: gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel.

    x: rank >= 3. The statistics are the stored ones (already folded into gamma and beta here), or with
    `compute_mean_var` those of x: of each instance by itself with `instance_normalization`, otherwise of the batch.
    Absent gamma and beta are 1 and 0. Raises ShapeError when the number of channels is another one, or when stored
    statistics are needed and absent. Source: BatchnormLayerParams (spec 1).
    """
    need_rank(x, 3)
    channels, height, width = image_axes()
    for name, weight in (("gamma", gamma), ("beta", beta)):
        if weight is not None and weight.shape != (x.shape[channels],):
            raise ShapeError(f"x has {x.shape[channels]} channels, {name} has shape {list(weight.shape)}")
    gamma, beta = (None if weight is None else along(weight, channels, x.ndim) for weight in (gamma, beta))
    if compute_mean_var:
        axes = (height, width) if instance_normalization else (*range(x.ndim - 3), height, width)
        return _affine(standardize(x, axes, epsilon), gamma, beta)
    if gamma is None:  # folded statistics always leave a gamma
        raise ShapeError(_NO_STATISTICS)
    return _affine(x, gamma, beta)


@layer("mvn", layout="either")
def mvn(x, *, across_channels: bool, normalize_variance: bool, epsilon: float):
    """Mean and variance normalization of each instance: over height and width, or over channels too.

    x: rank >= 3; returns its shape. Without `normalize_variance` only the mean is subtracted. epsilon is added to the
    variance, as in batch normalization. Source: MeanVarianceNormalizeLayerParams (spec 1).
    """
    need_rank(x, 3)
    axes = image_axes()[0 if across_channels else 1 :]
    return standardize(x, axes, epsilon) if normalize_variance else x - mean(x, axes)


@layer("l2normalize", layout="either")
def l2normalize(x, *, epsilon: float):
    """x / sqrt(sum of squares + epsilon), where the sum goes over channels, height and width together.

    x: rank >= 3; returns its shape. Source: L2NormalizeLayerParams (spec 1).
    """
    need_rank(x, 3)
    return x * lax.rsqrt(square_sum(x, (-3, -2, -1)) + epsilon)


@layer("lrn", layout="either")
def lrn(x, *, alpha: float, beta: float, local_size: int, k: float):
    """Local response normalization: x / (k + alpha / n * s)^beta; s sums squares over n neighbouring channels.

    x: rank >= 3; returns its shape. The window is centred and filled with zeros outside; an even one has its larger
    half behind the channel, as in ONNX (the format does not say). Raises ShapeError when `local_size` is 0 or k is
    negative. Source: LRNLayerParams (spec 1).
    """
    need_rank(x, 3)
    if local_size < 1 or k < 0:
        raise ShapeError(f"local_size is {local_size} and k is {k}; they must be positive")
    axis = channel_axis()
    channels = x.shape[axis]
    before = min((local_size - 1) // 2, channels)
    after = min(local_size - 1 - (local_size - 1) // 2, channels)
    widths = [(0, 0)] * x.ndim
    widths[axis] = (before, after)
    squares = jnp.pad(x * x, widths)
    # shifted slices become one fused loop
    neighbours = sum(lax.slice_in_dim(squares, i, i + channels, axis=axis) for i in range(before + after + 1))
    base = k + (alpha / local_size) * neighbours
    return x * jnp.exp2(-beta * jnp.log2(base))  # base > 0, and this is three times faster than a power


@layer("softmax", layout="either", roles=("softmax",))
def softmax(x):
    """Softmax over the channels: exp(x) / sum(exp(x)).

    x: rank >= 3; returns its shape. Source: SoftmaxLayerParams (spec 1).
    """
    need_rank(x, 3)
    return probabilities(x, channel_axis())


@layer("softmaxND", roles=("softmax",))
def softmax_nd(x, *, axis: int):
    """Softmax along one axis: exp(x) / sum(exp(x)).

    x: any rank >= 1; returns its shape. `axis` may count from the end. Source: SoftmaxNDLayerParams (spec 4).
    """
    return probabilities(x, from_start(axis, x.ndim))


@layer("layerNormalization", roles=("rescaling",))
def layer_normalization(x, *, normalized_shape: tuple[int, ...], eps: float, gamma, beta):
    """Layer normalization over the last axes: gamma * (x - mean) / sqrt(variance + eps) + beta.

    x: its shape ends in `normalized_shape`, which is also the shape of gamma and beta (1 and 0 when absent). An eps of
    zero is zero. Raises ShapeError when x ends in other sizes. Source: LayerNormalizationLayerParams (spec 4).
    """
    count = len(normalized_shape)
    if not 1 <= count <= x.ndim or x.shape[-count:] != tuple(normalized_shape):
        raise ShapeError(f"x has shape {list(x.shape)}, which does not end in {list(normalized_shape)}")
    return _affine(standardize(x, tuple(range(-count, 0)), eps), gamma, beta)
