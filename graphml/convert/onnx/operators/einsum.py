"""Sums of products, named by letters: Einsum.

Operands are contracted from left to right. Each contraction is one product of matrices: shared axes that stay
are batch axes, shared axes that are summed are contracted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.operators.products import product
from graphml.convert.onnx.tensors import LARGEST_RANK, Shape, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import GraphError


@dataclass
class _Operand:
    """A tensor, and a label for each of its axes: a letter, or the position of an axis of the ellipsis from its end."""

    x: Tensor
    labels: list[str]

    def sizes(self, labels: Sequence[str]) -> list[Shape]:
        """The sizes of some axes, for each set of sizes."""
        return [tuple(shape[self.labels.index(label)] for label in labels) for shape in self.x.shapes]


def _labels(term: str, rank: int) -> list[str]:
    front, dots, back = term.partition("...")
    count = rank - len(front) - len(back)
    if count < 0 or (count > 0 and not dots):
        raise GraphError(f"the term {term!r} does not fit a tensor with {rank} axes")
    return [*front, *(f".{place}" for place in range(count, 0, -1)), *back]


def _implicit(terms: Sequence[Sequence[str]]) -> list[str]:
    """The result labels if the equation has no arrow: the ellipsis, then the letters that occur once."""
    counts = Counter(label for term in terms for label in term)
    ellipsis = sorted((label for label in counts if label[0] == "."), key=lambda label: -int(label[1:]))
    return ellipsis + sorted(label for label, count in counts.items() if count == 1 and label[0] != ".")


@operator("Einsum")
def einsum(w: Writer, *tensors: Tensor, equation: str) -> Tensor:
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise GraphError(f"the equation {equation!r} has {len(terms)} terms for {len(tensors)} tensors")
    parts = [_Operand(x, _labels(term, x.rank)) for x, term in zip(tensors, terms, strict=True)]
    if arrow:
        depth = max((int(label[1:]) for part in parts for label in part.labels if label[0] == "."), default=0)
        wanted = _labels(right, len(right.replace("...", "")) + depth * ("..." in right))
    else:
        wanted = _implicit([part.labels for part in parts])
    parts = [_diagonal(w, part) for part in parts]
    _drop_broadcast(w, parts)
    whole = parts[0]
    for i, part in enumerate(parts[1:], 2):
        needed = {*wanted, *(label for later in parts[i:] for label in later.labels)}
        whole = _contracted(w, whole, part, needed)
    whole = _summed(w, whole, wanted)
    missing = [label for label in wanted if label not in whole.labels]
    if missing:
        raise GraphError(f"the equation {equation!r} has {missing[0]!r} only in its result")
    return basics.transpose(w, whole.x, [whole.labels.index(label) for label in wanted])


def _diagonal(w: Writer, part: _Operand) -> _Operand:
    """An operand without repeated labels: two axes with one label are replaced by their diagonal."""
    for label, count in Counter(part.labels).items():
        for _ in range(count - 1):
            first = part.labels.index(label)
            second = part.labels.index(label, first + 1)
            rest = [axis for axis in range(len(part.labels)) if axis not in (first, second)]
            matrix = basics.transpose(w, part.x, [*rest, first, second])
            band = basics.unary(w, "matrixBandPart", matrix, num_lower=0, num_upper=0)
            part = _Operand(
                basics.reduce(w, "reduceSum", band, [-2], keep=False), [*(part.labels[axis] for axis in rest), label]
            )
    return part


def _drop_broadcast(w: Writer, parts: list[_Operand]) -> None:
    """Drop axes of size 1 that are longer in another operand."""
    wide = {label for part in parts for label in part.labels if any(size != (1,) for size in part.sizes([label]))}
    for i, part in enumerate(parts):
        axes = [
            axis
            for axis, label in enumerate(part.labels)
            if label in wide and all(size == (1,) for size in part.sizes([label]))
        ]
        if axes:
            kept = [label for axis, label in enumerate(part.labels) if axis not in axes]
            parts[i] = _Operand(basics.squeeze(w, part.x, axes), kept)


def _summed(w: Writer, part: _Operand, kept: Collection[str]) -> _Operand:
    axes = [axis for axis, label in enumerate(part.labels) if label not in kept]
    if not axes:
        return part
    labels = [label for label in part.labels if label in kept]
    return _Operand(basics.reduce(w, "reduceSum", part.x, axes, keep=False), labels)


def _contracted(w: Writer, a: _Operand, b: _Operand, needed: Collection[str]) -> _Operand:
    """The product of two operands, summed over the labels that are not needed."""
    a = _summed(w, a, {*needed, *b.labels})
    b = _summed(w, b, {*needed, *a.labels})
    both = [label for label in a.labels if label in b.labels]
    batch, summed = [label for label in both if label in needed], [label for label in both if label not in needed]
    own_a, own_b = ([label for label in part.labels if label not in both] for part in (a, b))
    labels = [*batch, *own_a, *own_b]
    if not summed and len(labels) <= LARGEST_RANK:
        return _Operand(basics.multiply(w, _spread(w, a, labels), _spread(w, b, labels)), labels)
    left = _merged(w, a, [batch, own_a, summed], a, b)
    right = _merged(w, b, [batch, summed, own_b], a, b)
    made = product(w, left, right)
    pairs = zip(a.sizes([*batch, *own_a]), b.sizes(own_b), strict=True)
    return _Operand(basics.reshape(w, made, [first + second for first, second in pairs], [a.x, b.x]), labels)


def _spread(w: Writer, part: _Operand, labels: Sequence[str]) -> Tensor:
    """The tensor with its axes in the given order, and axes of size 1 for the labels that it lacks."""
    own = [label for label in labels if label in part.labels]
    moved = basics.transpose(w, part.x, [part.labels.index(label) for label in own])
    return basics.expand_dims(w, moved, [axis for axis, label in enumerate(labels) if label not in own])


def _merged(w: Writer, part: _Operand, groups: Sequence[Sequence[str]], *sources: _Operand) -> Tensor:
    """The tensor as a matrix, or a batch of them: one axis for each group. A constant stays a constant."""
    groups = groups if groups[0] else groups[1:]
    order = [part.labels.index(label) for group in groups for label in group]
    shapes = list(zip(*([math.prod(sizes) for sizes in part.sizes(group)] for group in groups), strict=True))
    value = part.x.constant
    if value is not None:
        return w.constant(np.ascontiguousarray(value.transpose(order)).reshape(shapes[0]))
    return basics.reshape(w, basics.transpose(w, part.x, order), shapes, [each.x for each in sources])
