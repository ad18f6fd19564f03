"""Losses of classifiers."""

from __future__ import annotations

import math

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import GraphError


def _likelihood_loss(
    w: Writer, scores: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int | None, reduction: str
) -> Tensor:
    """Minus the score of the target's class, times the weight of the class; 0 where the target is to be ignored.

    The mean is weighted.
    """
    if reduction not in ("none", "sum", "mean"):
        raise GraphError(f"reduction is {reduction!r}; it must be none, sum or mean")
    if scores.rank > 2:
        shapes = [(*shape[:2], math.prod(shape[2:])) for shape in scores.shapes]
        scores = basics.reshape(w, scores, shapes, [scores, target])
    counts = [shape[:1] + shape[2:] for shape in scores.shapes]
    flat = basics.reshape(w, target, counts, [target, scores])
    used = None if ignore_index is None else basics.compare(w, "notEqual", flat, float(ignore_index))
    index = flat if used is None else basics.where(w, used, flat, w.constant(np.zeros((), flat.dtype)))
    positions = basics.expand_dims(w, index, [1])
    chosen = w.layer("gatherAlongAxis", [scores, positions], axis=1)
    loss = basics.linear(w, basics.squeeze(w, chosen, [1]), -1.0)
    weights = None
    if weight is not None:
        number = [(math.prod(shape),) for shape in counts]
        rows = w.layer("gather", [weight, basics.reshape(w, index, number, [flat])], axis=0)
        weights = basics.reshape(w, rows, counts, [flat])
        loss = basics.multiply(w, loss, weights)
    if used is not None:
        zero = w.constant(np.zeros((), scores.dtype))
        loss = basics.where(w, used, loss, zero)
        weights = basics.retyped(w, used, scores.dtype) if weights is None else basics.where(w, used, weights, zero)
    if reduction == "none":
        return basics.reshape(w, loss, target.shapes, [target])
    if reduction == "mean" and weights is None:
        return basics.reduce(w, "reduceMean", loss, None, keep=False)
    total = basics.reduce(w, "reduceSum", loss, None, keep=False)
    if reduction == "sum":
        return total
    assert weights is not None, "handled above"
    return basics.divide(w, total, basics.reduce(w, "reduceSum", weights, None, keep=False))


@operator("NegativeLogLikelihoodLoss")
def negative_log_likelihood_loss(
    w: Writer,
    scores: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Tensor:
    return _likelihood_loss(w, scores, target, weight, ignore_index, reduction)


@operator("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy_loss(
    w: Writer,
    scores: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> list[Tensor]:
    """The loss, and the logarithms of the probabilities."""
    shapes = scores.shapes
    if scores.rank > 3:
        merged = [(*shape[:2], math.prod(shape[2:])) for shape in shapes]
        scores = basics.reshape(w, scores, merged, [scores, labels])
    logarithms = basics.subtract(w, scores, basics.reduce(w, "reduceLogSumExp", scores, [1]))
    loss = _likelihood_loss(w, logarithms, labels, weights, ignore_index, reduction)
    wanted = w.node.wanted
    return [loss, basics.reshape(w, logarithms, shapes, w.features)] if len(wanted) > 1 and wanted[1] else [loss]
