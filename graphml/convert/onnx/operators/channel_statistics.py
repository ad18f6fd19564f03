"""Normalization of channels: by the statistics of a batch or of an instance, and by neighbouring channels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError


@operator("BatchNormalization", until=13, ignored=("momentum", "is_test", "consumed_inputs"))
def old_batch_normalization(
    w: Writer,
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    epsilon: float = 1e-5,
    spatial: int = 1,
) -> Tensor:
    """Further outputs request batch statistics. Without `spatial`, each element has separate statistics."""
    if any(w.node.wanted[1:]):
        raise UnsupportedError("it has outputs for training; export the model for inference")
    if spatial:
        return _by_given_statistics(w, x, [scale, bias, mean, variance], epsilon)
    return _affine(w, x, [scale, bias, mean, variance], epsilon)


@operator("BatchNormalization", since=14)
def batch_normalization(
    w: Writer,
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> list[Tensor]:
    if not training_mode:
        return [_by_given_statistics(w, x, [scale, bias, mean, variance], epsilon)]
    axes = [axis for axis in range(x.rank) if axis != 1]
    own_mean = basics.reduce(w, "reduceMean", x, axes)
    distance = basics.subtract(w, x, own_mean)
    own_variance = basics.reduce(w, "reduceMean", basics.multiply(w, distance, distance), axes)
    parts = [_column(w, scale, x.rank), _column(w, bias, x.rank), own_mean, own_variance]
    flat = [basics.reshape(w, each, scale.shapes) for each in (own_mean, own_variance)]
    running = [
        basics.add(w, basics.linear(w, old, momentum), basics.linear(w, new, 1 - momentum))
        for old, new in zip((mean, variance), flat, strict=True)
    ]
    return [_affine(w, x, parts, epsilon), *running]


def _column(w: Writer, x: Tensor, rank: int) -> Tensor:
    """One number for each channel, shaped to broadcast with a tensor of some rank."""
    shape = (-1, *(1,) * (rank - 2))
    if x.constant is not None:
        return w.constant(x.constant.reshape(shape))
    return basics.reshape(w, x, [(own[0], *shape[1:]) for own in x.shapes])


def _by_given_statistics(w: Writer, x: Tensor, parts: Sequence[Tensor], epsilon: float) -> Tensor:
    """scale, bias, mean and variance of each channel."""
    known = [part.constant for part in parts]
    if x.rank >= 3 and all(value is not None for value in known):
        names = ("gamma", "beta", "mean", "variance")
        weights = dict(zip(names, known, strict=True))
        channels = parts[0].shape[0]
        return _on_image(
            w, x, lambda image: w.layer("batchnorm", [image], channels=channels, epsilon=epsilon, **weights)
        )
    return _affine(w, x, [_column(w, part, x.rank) for part in parts], epsilon)


def _affine(w: Writer, x: Tensor, parts: Sequence[Tensor], epsilon: float) -> Tensor:
    """scale * (x - mean) / sqrt(variance + epsilon) + bias, elementwise."""
    scale, bias, mean, variance = parts
    known = [part.constant for part in parts]
    if all(value is not None for value in known):
        numbers: list[Any] = [np.asarray(value, np.float64) for value in known]
        factor = numbers[0] / np.sqrt(numbers[3] + epsilon)
        summand = numbers[1] - numbers[2] * factor
        product = basics.multiply(w, x, w.constant(factor.astype(np.float32)))
        return basics.add(w, product, w.constant(summand.astype(np.float32)))
    inverse = basics.function(w, "RSQRT", variance, epsilon=epsilon)
    centered = basics.subtract(w, x, mean)
    return basics.add(w, basics.multiply(w, centered, basics.multiply(w, scale, inverse)), bias)


def _on_image(w: Writer, x: Tensor, convert: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply a layer for images to channels on axis 1; the other axes are merged."""
    if x.rank == 4:
        return convert(x)
    if x.rank == 3:
        return basics.squeeze(w, convert(basics.expand_dims(w, x, [2])), [2])
    flat = basics.reshape(w, x, [(*shape[:2], shape[2], math.prod(shape[3:])) for shape in x.shapes], [x])
    return basics.reshape(w, convert(flat), x.shapes, [x])


@operator("InstanceNormalization", ignored=("consumed_inputs",))
def instance_normalization(w: Writer, x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    gamma, beta = scale.constant, bias.constant
    channels = x.shape[1]
    if x.rank < 3 or channels is None:
        raise UnsupportedError("it needs a tensor of at least three axes, and a fixed number of channels")
    known = gamma is not None and beta is not None
    weights: dict[str, Any] = {
        "gamma": gamma if known else np.ones(channels, np.float32),
        "beta": beta if known else np.zeros(channels, np.float32),
    }

    def convert(image: Tensor) -> Tensor:
        return w.layer(
            "batchnorm",
            [image],
            channels=channels,
            compute_mean_var=True,
            instance_normalization=True,
            epsilon=epsilon,
            **weights,
        )

    made = _on_image(w, x, convert)
    if known:
        return made
    product = basics.multiply(w, made, _column(w, scale, x.rank))
    return basics.add(w, product, _column(w, bias, x.rank))


@operator("LRN")
def lrn(w: Writer, x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Tensor:
    if x.rank < 3:
        raise UnsupportedError(f"it normalizes a tensor of {x.rank} axes; at least three are needed")
    return _on_image(w, x, lambda image: w.layer("lrn", [image], local_size=size, alpha=alpha, beta=beta, k=bias))
