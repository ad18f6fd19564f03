"""Constant factors and summands of channels, merged into the convolution, inner product or batch norm before them.

Core ML has no gradients for layers that scale and shift, except for batch norms with stored statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphml import catalogue
from graphml.frontends.layers import read_layers
from graphml.spec.attributes import decode, kind_of
from graphml.spec.weights import encode, storage
from graphml.update.edit.canonical.draft import Draft, floats

Line = tuple[np.ndarray, np.ndarray]
"""The factor and the summand of each channel, in double precision."""


def fold_scales(draft: Draft) -> bool:
    """A layer that scales and shifts channels by constants becomes part of the layer before it, if only it reads that.

    These are layers with a blob and a constant (`add`, `addBroadcastable` and the like), with stored constants
    (`scale`, `bias`), and linear activations.
    """
    return _fold(draft, lambda layer: kind_of(layer) != "batchnorm")


def fold_batch_norms(draft: Draft) -> bool:
    """A batch norm with stored statistics becomes part of the layer before it, if only it reads that.

    Core ML trains through batch norms and leaves them unchanged, so this does not decide what can be trained; it makes
    the network smaller, and changes the training steps.
    """
    return _fold(draft, lambda layer: kind_of(layer) == "batchnorm")


def _fold(draft: Draft, wanted: Callable[[Any], bool]) -> bool:
    found = False
    for layer in list(draft.layers):
        if not wanted(layer) or len(layer.output) != 1:
            continue
        for source in layer.input:
            before = draft.writer(source)
            if before is None or draft.writer(layer.output[0]) is not layer or not draft.has_single_reader(source):
                continue
            line = _line(draft, layer, source, before)
            if line is None or not _absorb(before, *line):
                continue
            before.output[0] = layer.output[0]
            draft.remove(layer)
            found = True
            break
    return found


# What a layer does to channels ----------------------------------------------------------------------------------------


def _line(draft: Draft, layer: Any, source: str, before: Any) -> Line | None:
    """What a layer does to the channels that the layer before it makes; None if it does anything else."""
    shape = draft.shapes.get(source)
    if shape is None or kind_of(before) not in ("convolution", "innerProduct", "batchedMatmul", "batchnorm"):
        return None
    last = kind_of(before) == "batchedMatmul" or (kind_of(before) == "innerProduct" and len(shape) <= 3)
    axis = len(shape) - (1 if last else 3)
    count = shape[axis]

    def along(values: Any) -> np.ndarray | None:
        """Values that broadcast over the blob, as one for each channel."""
        array = np.asarray(values, np.float64)
        if array.ndim > len(shape):
            return None
        array = array.reshape((1,) * (len(shape) - array.ndim) + array.shape)
        if array.size not in (1, array.shape[axis]) or array.shape[axis] not in (1, count):
            return None
        return np.broadcast_to(array.reshape(-1), (count,))

    pair = _numbers(draft, layer, source, axis - len(shape))
    if pair is None or draft.shapes.get(layer.output[0]) != shape:
        return None
    factor, summand = (along(values) for values in pair)
    return None if factor is None or summand is None else (factor, summand)


def _numbers(draft: Draft, layer: Any, source: str, channels: int) -> tuple[Any, Any] | None:
    """(factor, summand) of a layer, in shapes that broadcast over the blob that it reads. channels: their axis."""
    kind = kind_of(layer)
    if kind in ("add", "multiply") and len(layer.input) == 1:
        return (1, layer.add.alpha) if kind == "add" else (layer.multiply.alpha, 0)
    if kind == "activation" and layer.activation.WhichOneof("NonlinearityType") == "linear":
        return layer.activation.linear.alpha, layer.activation.linear.beta
    if len(layer.input) == 1:
        return _own_numbers(layer) if channels == -3 else None
    if len(layer.input) != 2 or layer.input[0] == layer.input[1]:
        return None
    first = layer.input[0] == source
    value = draft.constant(layer.input[1] if first else layer.input[0])
    if value is None:
        return None
    value = value.astype(np.float64)
    match kind:
        case "add" | "addBroadcastable":
            return 1, value
        case "multiply" | "multiplyBroadcastable":
            return value, 0
        case "subtractBroadcastable":
            return (1, -value) if first else (-1, value)
        case "divideBroadcastable" if first and np.all(value):
            return 1 / value, 0
        case _:
            return None


def _own_numbers(layer: Any) -> tuple[Any, Any] | None:
    """(factor, summand) of a layer that has them among its weights."""
    if kind_of(layer) not in ("scale", "bias", "batchnorm"):
        return None
    (node,) = read_layers([layer]).nodes
    affine = catalogue.row(node).affine
    weights = {name: np.asarray(floats(weight), np.float64) for name, weight in node.weights.items()}
    line = affine(weights, node.attributes) if affine else None
    return None if line is None else (_columns(line[0]), _columns(line[1]))


def _columns(values: Any) -> np.ndarray:
    return np.asarray(values, np.float64).reshape(-1, 1, 1)


# Into the layer before ------------------------------------------------------------------------------------------------


def _absorb(layer: Any, factor: np.ndarray, summand: np.ndarray) -> bool:
    """Let a layer also scale and shift what it makes. Returns whether it can."""
    kind = kind_of(layer)
    params = getattr(layer, kind)
    if kind == "batchnorm":
        return _absorb_in_batch_norm(params, decode(layer).weights, factor, summand)
    deconvolution = kind == "convolution" and params.isDeconvolution
    if len(layer.input) != 1 or deconvolution or getattr(params, "int8DynamicQuantize", False):
        return False
    weights = decode(layer).weights
    kernel, bias = weights.get("weights"), weights.get("bias")
    if kernel is None or storage(params.weights) not in ("float32", "raw"):
        return False
    if np.any(factor != 1):
        kernel = kernel.astype(np.float64) * factor.reshape(-1, *(1,) * (kernel.ndim - 1))
        encode(kernel.astype(np.float32), params.weights)
    old = 0 if bias is None else np.asarray(floats(bias), np.float64)
    encode((old * factor + summand).astype(np.float32), params.bias)
    params.hasBias = True
    return True


def _absorb_in_batch_norm(params: Any, weights: Any, factor: np.ndarray, summand: np.ndarray) -> bool:
    if params.computeMeanVar:
        return False
    gamma = weights["gamma"] if "gamma" in weights else np.ones(params.channels)
    beta = weights["beta"] if "beta" in weights else np.zeros(params.channels)
    gamma, beta = (np.asarray(floats(values), np.float64) for values in (gamma, beta))
    encode((gamma * factor).astype(np.float32), params.gamma)
    encode((beta * factor + summand).astype(np.float32), params.beta)
    return True
