"""Products with constant matrices and kernels become layers with their own weights, which can be trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.spec.attributes import encode, kind_of
from graphml.update.edit.canonical.draft import Draft


def give_products_weights(draft: Draft) -> bool:
    """`batchedMatmul` of a blob and a constant matrix becomes one with weights.

    The blob needs at least two axes, because with two inputs a row comes back as a matrix.
    """
    found = False
    for layer in draft.layers:
        if kind_of(layer) != "batchedMatmul" or len(layer.input) != 2 or layer.batchedMatmul.transposeA:
            continue
        matrix, rank = draft.constant(layer.input[1]), draft.rank(layer.input[0])
        if matrix is None or matrix.ndim != 2 or rank is None or rank < 2:
            continue
        weights = matrix if layer.batchedMatmul.transposeB else matrix.T  # stored as [out, in]
        draft.replace(layer, "batchedMatmul", layer.input[:1], weights=np.ascontiguousarray(weights))
        found = True
    return found


def give_convolutions_weights(draft: Draft) -> bool:
    """`convolution` whose second input is a constant gets this as its kernel."""
    found = False
    for layer in draft.layers:
        if kind_of(layer) != "convolution" or len(layer.input) != 2 or layer.convolution.isDeconvolution:
            continue
        kernel = draft.constant(layer.input[1])
        if kernel is None or kernel.ndim != 4:
            continue
        params = layer.convolution
        params.ClearField("weights")
        params.ClearField("kernelSize")
        own: Any = encode("convolution", {"weights": kernel, "nGroups": max(1, params.nGroups)})
        params.MergeFrom(own.convolution)
        del layer.input[1:]
        draft.changed()
        found = True
    return found


def matrices_to_inner_products(draft: Draft) -> bool:
    """`batchedMatmul` with weights becomes `innerProduct`, for inputs of one to three axes, which both take alike."""
    found = False
    for layer in draft.layers:
        if kind_of(layer) != "batchedMatmul" or len(layer.input) != 1 or (draft.rank(layer.input[0]) or 4) > 3:
            continue
        old = type(layer)()
        old.CopyFrom(layer)
        stored = old.batchedMatmul
        draft.replace(layer, "innerProduct", list(old.input))
        layer.innerProduct.inputChannels = stored.weightMatrixFirstDimension
        layer.innerProduct.outputChannels = stored.weightMatrixSecondDimension
        layer.innerProduct.weights.CopyFrom(stored.weights)  # [out, in] in both, quantized or not
        layer.innerProduct.int8DynamicQuantize = stored.int8DynamicQuantize
        if stored.hasBias:
            layer.innerProduct.hasBias = True
            layer.innerProduct.bias.CopyFrom(stored.bias)
        found = True
    return found
