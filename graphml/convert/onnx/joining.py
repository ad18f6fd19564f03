"""Turns a constant added to a product with weights into the bias of its layer, as trainable networks have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from graphml.convert.onnx.tensors import Array, Tensor
from graphml.convert.onnx.writer import LayerStep
from graphml.spec.weights import encode

_PRODUCTS = ("innerProduct", "batchedMatmul")


def with_biases(steps: Sequence[LayerStep], kept: Collection[int]) -> list[LayerStep]:
    """Join products and sums.

    Args:
        steps: The layers of the network.
        kept: The ids of the blobs that are outputs of the model.

    Returns:
        The layers, without the sums that became part of a product.
    """
    readers = Counter(id(tensor) for step in _walk(steps) for tensor in step.inputs)
    makers = {id(step.outputs[0]): step for step in steps if len(step.outputs) == 1}
    joined: set[int] = set()
    for step in steps:
        if step.message.WhichOneof("layer") != "addBroadcastable" or len(step.inputs) != 2:
            continue
        for x, summand in (step.inputs, step.inputs[::-1]):
            maker = makers.get(id(x))
            bias = summand.constant
            if maker is None or bias is None or readers[id(x)] != 1 or id(x) in kept:
                continue
            if _takes(maker, x, step.outputs[0], bias):
                params = getattr(maker.message, str(maker.message.WhichOneof("layer")))
                params.hasBias = True
                encode(np.asarray(np.ravel(bias), np.float32), params.bias)
                maker.outputs[:] = step.outputs
                joined.add(id(step))
                break
    return [step for step in steps if id(step) not in joined]


def _walk(steps: Sequence[LayerStep]) -> list[LayerStep]:
    return [each for step in steps for each in (step, *(e for inner in step.regions.values() for e in _walk(inner)))]


def _takes(maker: LayerStep, x: Tensor, y: Tensor, bias: Array) -> bool:
    """Whether the layer is a product without a bias, and the constant has one number for each of its columns."""
    kind = str(maker.message.WhichOneof("layer"))
    if kind not in _PRODUCTS or len(maker.inputs) != 1 or getattr(maker.message, kind).hasBias:
        return False
    columns = x.shape[-1:] if x.rank else (1,)
    return x.shapes == y.shapes and bias.size == columns[0] and bias.shape[-1:] == columns and bias.dtype.kind in "fiu"
