"""Normalization: by statistics (stored or of the input itself) and by norms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphml.catalogue import channel_axis
from graphml.errors import ShapeError
from graphml.ops.kernels import normalization as kernels
from graphml.ops.kernels.arrays import Array, along_axis
from graphml.ops.kernels.precision import widened
from graphml.ops.layers._axes import normalize_axis
from graphml.ops.program._images import laid_axes
from graphml.ops.program._windows import check_space, image_either
from graphml.ops.program.dialect import operation

# By stored statistics ------------------------------------------------------------------------------------------------


def _line(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """The statistics as one factor and one summand for each channel."""
    if not {"mean", "variance"} <= weights.keys():
        return None
    wide = {name: widened(weight) for name, weight in weights.items()}
    scale = wide.get("gamma"), wide.get("beta")
    return kernels.batch_norm_as_scale(wide["mean"], wide["variance"], *scale, attributes["epsilon"])


def _prepare(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    factor, summand = _line(weights, attributes) or (None, None)
    return {"mean": None, "variance": None, "gamma": factor, "beta": summand}


@operation(
    "batch_norm",
    version=15,
    layout=image_either,
    stored=("mean", "variance", "gamma", "beta"),
    prepare=_prepare,
    affine=_line,
    roles=("statistics", "normalizes by statistics", "rescaling"),
)
def batch_norm(
    x: Array,
    mean: Array | None,
    variance: Array | None,
    gamma: Array | None = None,
    beta: Array | None = None,
    *,
    epsilon: float,
) -> Array:
    """Batch normalization: gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each channel.

    Args:
        x: [N, C, *space], with one to three axes of space.
        mean: [C]; `prepare` has folded it into gamma and beta.
        variance: [C], as mean.
        gamma: [C]; 1 when absent.
        beta: [C]; 0 when absent.
        epsilon: added to the variance.

    Returns:
        The shape and type of x.

    Raises:
        ShapeError: x has another rank, or another number of channels than the statistics.

    Source: the operation batch_norm of ML Programs (iOS 15; separate types for statistics: iOS 17).
    """
    check_space(x)
    return _scaled(x, widened(x), gamma, beta)


def _scaled(x: Array, y: Array, gamma: Array | None, beta: Array | None) -> Array:
    """gamma * y + beta for each channel, in the type of x.

    Raises:
        ShapeError: gamma or beta has another shape than [C].
    """
    axis = _channel(x.ndim)
    for name, weight in (("gamma", gamma), ("beta", beta)):
        if weight is not None and weight.shape != (x.shape[axis],):
            raise ShapeError(f"x has {x.shape[axis]} channels, {name} has shape {list(weight.shape)}")
    gamma, beta = (None if w is None else along_axis(w.astype(y.dtype), axis, x.ndim) for w in (gamma, beta))
    return kernels.scale_and_shift(y, gamma, beta).astype(x.dtype)


def _channel(rank: int) -> int:
    """The axis of the channels of [N, C, *space] in the layout of x."""
    return 1 if channel_axis() == -3 else rank - 1


# By statistics of x --------------------------------------------------------------------------------------------------


@operation("instance_norm", version=15, layout=image_either, stored=("gamma", "beta"), roles=("rescaling",))
def instance_norm(x: Array, gamma: Array | None = None, beta: Array | None = None, *, epsilon: float) -> Array:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of each channel of each instance.

    Args:
        x: [N, C, *space], with one to three axes of space (the format promises one or two).
        gamma: [C]; 1 when absent.
        beta: [C]; 0 when absent.
        epsilon: added to the variance, which is the biased one.

    Returns:
        The shape and type of x.

    Raises:
        ShapeError: x has another rank, or another number of channels than gamma or beta.

    Source: the operation instance_norm of ML Programs (iOS 15; separate types for gamma and beta: iOS 17).
    """
    check_space(x)
    space = tuple(axis for axis in range(1, x.ndim) if axis != _channel(x.ndim))
    return _scaled(x, kernels.standardize(widened(x), space, epsilon), gamma, beta)


def _as_stored(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Prepared weights keep the axes of the format: gamma has those of x that are normalized, and no others."""
    return weights


@operation(
    "layer_norm",
    version=15,
    layout=image_either,
    stored=("gamma", "beta"),
    prepare=_as_stored,
    roles=("rescaling",),
)
def layer_norm(
    x: Array, gamma: Array | None = None, beta: Array | None = None, *, axes: tuple[int, ...] | None, epsilon: float
) -> Array:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the statistics over some axes.

    Args:
        x: any shape.
        gamma: the sizes of x along the axes, in the order of x; 1 when absent.
        beta: as gamma; 0 when absent.
        axes: any set of axes, which may count from the end; all of them when absent.
        epsilon: added to the variance, which is the biased one.

    Returns:
        The shape and type of x.

    Raises:
        ShapeError: x has no such axes, or gamma or beta has another shape.

    Source: the operation layer_norm of ML Programs (iOS 15; separate types for gamma and beta: iOS 17).
    """
    named = range(x.ndim) if axes is None else axes
    laid = laid_axes(sorted(normalize_axis(axis, x.ndim) for axis in named), x.ndim)
    y = kernels.standardize(widened(x), laid, epsilon)
    gamma, beta = (_spread(x, weight, laid, name) for name, weight in (("gamma", gamma), ("beta", beta)))
    wide_gamma, wide_beta = (None if weight is None else weight.astype(y.dtype) for weight in (gamma, beta))
    return kernels.scale_and_shift(y, wide_gamma, wide_beta).astype(x.dtype)


def _spread(x: Array, weight: Array | None, axes: Sequence[int], name: str) -> Array | None:
    """A weight of the shape x.shape[axes], so that it broadcasts over x.

    Raises:
        ShapeError: it has another shape.
    """
    if weight is None:
        return None
    sizes = tuple(x.shape[axis] for axis in axes)
    if weight.shape != sizes:
        raise ShapeError(f"{name} has shape {list(weight.shape)}, but x has sizes {list(sizes)} on the axes")
    order = sorted(range(len(axes)), key=lambda i: axes[i])  # channels-last images have another order of axes
    return weight.transpose(order).reshape(*(x.shape[axis] if axis in axes else 1 for axis in range(x.ndim)))


# By norms ------------------------------------------------------------------------------------------------------------


@operation("l2_norm", version=15, layout="either")
def l2_norm(x: Array, *, epsilon: float) -> Array:
    """x / sqrt(sum of squares + epsilon), where the sum is over the last three axes.

    Args:
        x: rank 3 or more.
        epsilon: added to the sum.

    Returns:
        The shape and type of x.

    Raises:
        ShapeError: x has fewer axes.

    Source: the operation l2_norm of ML Programs (iOS 15; a separate type for epsilon: iOS 17).
    """
    if x.ndim < 3:
        raise ShapeError(f"x has rank {x.ndim}; the norm is over the last three axes")
    return kernels.l2_normalize(widened(x), (-3, -2, -1), epsilon).astype(x.dtype)


@operation("local_response_norm", version=15, layout=image_either)
def local_response_norm(x: Array, *, size: int, alpha: float, beta: float, k: float) -> Array:
    """x / (k + alpha / size * s)^beta, where s sums the squares of `size` neighbouring channels.

    Args:
        x: [N, C, *space], with one or two axes of space.
        size: the length of the window. It is centred and filled with zeros outside; an even one has its larger half
            after the channel, as in ONNX (the format does not say).
        alpha: factor of the sum.
        beta: the exponent.
        k: added to the sum.

    Returns:
        The shape and type of x.

    Raises:
        ShapeError: x has another rank, `size` is below 1, or k is negative.

    Source: the operation local_response_norm of ML Programs (iOS 15; separate types for alpha, beta and k: iOS 17).
    """
    check_space(x)
    if size < 1 or k < 0:
        raise ShapeError(f"size is {size} and k is {k}; size must be at least 1, and k at least 0")
    axis = _channel(x.ndim)
    y = kernels.local_response_norm(widened(x), axis, size=size, alpha=alpha, beta=beta, k=k)
    return y.astype(x.dtype)
