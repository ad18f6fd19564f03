"""Normalization: by statistics (stored or of the input itself), by norms, and to probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphml.catalogue import Role, channel_axis
from graphml.errors import ShapeError
from graphml.ops.kernels import normalization as kernels
from graphml.ops.kernels.arrays import Array, along_axis
from graphml.ops.kernels.reductions import reduce_mean
from graphml.ops.layers._axes import check_rank, image_axes, normalize_axis
from graphml.ops.layers.dialect import layer

_NO_STATISTICS = "mean or variance is absent, and the layer does not compute them"


def _fold(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Turn stored statistics into one factor and one summand per channel."""
    if attributes["compute_mean_var"]:
        return weights
    mean, variance = weights.get("mean"), weights.get("variance")
    if mean is None or variance is None:
        raise ShapeError(_NO_STATISTICS)
    scale = weights.get("gamma"), weights.get("beta")
    gamma, beta = kernels.batch_norm_as_scale(mean, variance, *scale, attributes["epsilon"])
    return {"gamma": gamma, "beta": beta}


def _line(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[Any, Any] | None:
    if attributes["compute_mean_var"] or "mean" not in weights or "variance" not in weights:
        return None
    folded = _fold(weights, attributes)
    return folded["gamma"], folded["beta"]


def _roles(attributes: Mapping[str, Any]) -> tuple[Role, ...]:
    own: tuple[Role, ...] = () if attributes["compute_mean_var"] else ("normalizes by statistics",)
    return ("statistics", "rescaling", *own)


@layer("batchnorm", wire_only=("channels",), layout="either", prepare=_fold, affine=_line, roles=_roles)
def batchnorm(
    x: Array,
    *,
    compute_mean_var: bool,
    instance_normalization: bool,
    epsilon: float,
    gamma: Array | None,
    beta: Array | None,
    mean: Array | None,
    variance: Array | None,
) -> Array:
    """Batch normalization: gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel.

    Args:
        x: rank >= 3.
        compute_mean_var: whether to use the statistics of x instead of the stored ones.
        instance_normalization: whether they are taken over each instance instead of the batch.
        epsilon: added to the variance.
        gamma: [C]; 1 when absent.
        beta: [C]; 0 when absent.
        mean: [C]; `prepare` has folded it into gamma and beta.
        variance: [C], as mean.

    Returns:
        The shape of x.

    Raises:
        ShapeError: the number of channels differs, or stored statistics are needed and absent.

    Source: BatchnormLayerParams (spec 1).
    """
    check_rank(x, 3)
    channels, height, width = image_axes()
    for name, weight in (("gamma", gamma), ("beta", beta)):
        if weight is not None and weight.shape != (x.shape[channels],):
            raise ShapeError(f"x has {x.shape[channels]} channels, {name} has shape {list(weight.shape)}")
    gamma, beta = (None if weight is None else along_axis(weight, channels, x.ndim) for weight in (gamma, beta))
    if compute_mean_var:
        axes = (height, width) if instance_normalization else (*range(x.ndim - 3), height, width)
        return kernels.scale_and_shift(kernels.standardize(x, axes, epsilon), gamma, beta)
    if gamma is None:  # folded statistics always include a gamma
        raise ShapeError(_NO_STATISTICS)
    return kernels.scale_and_shift(x, gamma, beta)


@layer("mvn", layout="either")
def mvn(x: Array, *, across_channels: bool, normalize_variance: bool, epsilon: float) -> Array:
    """Mean and variance normalization of each instance: over height and width, or over channels too.

    Args:
        x: rank >= 3.
        across_channels: whether channels are included.
        normalize_variance: whether x is also divided by its standard deviation.
        epsilon: added to the variance, as in batch normalization.

    Returns:
        The shape of x.

    Source: MeanVarianceNormalizeLayerParams (spec 1).
    """
    check_rank(x, 3)
    axes = image_axes()[0 if across_channels else 1 :]
    return kernels.standardize(x, axes, epsilon) if normalize_variance else x - reduce_mean(x, axes)


@layer("l2normalize", layout="either")
def l2normalize(x: Array, *, epsilon: float) -> Array:
    """x / sqrt(sum of squares + epsilon), where the sum is over channels, height and width together.

    Args:
        x: rank >= 3.
        epsilon: added to the sum.

    Returns:
        The shape of x.

    Source: L2NormalizeLayerParams (spec 1).
    """
    check_rank(x, 3)
    return kernels.l2_normalize(x, (-3, -2, -1), epsilon)


@layer("lrn", layout="either")
def lrn(x: Array, *, alpha: float, beta: float, local_size: int, k: float) -> Array:
    """Local response normalization: x / (k + alpha / n * s)^beta; s sums squares over n neighbouring channels.

    Args:
        x: rank >= 3.
        alpha: factor of the sum.
        beta: the exponent.
        local_size: n. The window is centred and filled with zeros outside; an even one has its larger half after the
            channel, as in ONNX (the format does not say).
        k: added to the sum.

    Returns:
        The shape of x.

    Raises:
        ShapeError: `local_size` is 0, or k is negative.

    Source: LRNLayerParams (spec 1).
    """
    check_rank(x, 3)
    if local_size < 1 or k < 0:
        raise ShapeError(f"local_size is {local_size} and k is {k}; they must be positive")
    return kernels.local_response_norm(x, channel_axis(), size=local_size, alpha=alpha, beta=beta, k=k)


@layer("softmax", layout="either", roles=("softmax",))
def softmax(x: Array) -> Array:
    """Softmax over the channels: exp(x) / sum(exp(x)).

    Args:
        x: rank >= 3.

    Returns:
        The shape of x.

    Source: SoftmaxLayerParams (spec 1).
    """
    check_rank(x, 3)
    return kernels.softmax(x, channel_axis())


@layer("softmaxND", roles=("softmax",))
def softmax_nd(x: Array, *, axis: int) -> Array:
    """Softmax along one axis: exp(x) / sum(exp(x)).

    Args:
        x: any rank >= 1.
        axis: may count from the end.

    Returns:
        The shape of x.

    Raises:
        ShapeError: x has no such axis.

    Source: SoftmaxNDLayerParams (spec 4).
    """
    return kernels.softmax(x, normalize_axis(axis, x.ndim))


@layer("layerNormalization", roles=("rescaling",))
def layer_normalization(
    x: Array, *, normalized_shape: tuple[int, ...], eps: float, gamma: Array | None, beta: Array | None
) -> Array:
    """Layer normalization over the last axes: gamma * (x - mean) / sqrt(variance + eps) + beta.

    Args:
        x: its shape ends in `normalized_shape`.
        normalized_shape: the last sizes of x.
        eps: added to the variance.
        gamma: the shape `normalized_shape`; 1 when absent.
        beta: the shape `normalized_shape`; 0 when absent.

    Returns:
        The shape of x.

    Raises:
        ShapeError: x ends in other sizes.

    Source: LayerNormalizationLayerParams (spec 4).
    """
    count = len(normalized_shape)
    if not 1 <= count <= x.ndim or x.shape[-count:] != tuple(normalized_shape):
        raise ShapeError(f"x has shape {list(x.shape)}, which does not end in {list(normalized_shape)}")
    return kernels.scale_and_shift(kernels.standardize(x, tuple(range(-count, 0)), eps), gamma, beta)
