"""Products of matrices.

A constant right operand becomes the weights of an inner product, as in trainable networks.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import LARGEST_RANK, Array, Shape, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import ShapeError, UnsupportedError

_LARGEST_DETERMINANT = 8


def times_weights(w: Writer, x: Tensor, matrix: Array, bias: Array | None = None) -> Tensor:
    """x @ matrix + bias on the last axis.

    An inner product takes the last axis up to rank 3, and the last three axes above.

    Args:
        w: The writer.
        x: At least one axis.
        matrix: [K, N].
        bias: [N].
    """
    shapes = [(*shape[:-1], matrix.shape[1]) for shape in x.shapes]
    if any(shape[-1] != matrix.shape[0] for shape in x.shapes):
        raise ShapeError(
            f"a tensor of shape {list(x.shapes[0])} and a matrix of shape {list(matrix.shape)} have no product"
        )
    if x.rank > LARGEST_RANK:
        rows = basics.reshape(w, x, [(math.prod(shape[:-1]), shape[-1]) for shape in x.shapes], w.features)
        return basics.reshape(w, times_weights(w, rows, matrix, bias), shapes, w.features)
    kind = "innerProduct" if x.rank <= 3 else "batchedMatmul"
    weights = basics.stored(matrix.T)
    return w.layer(kind, [x], shapes=shapes, weights=weights, bias=None if bias is None else basics.stored(bias))


def product(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    """The product as in `numpy.matmul`: a vector is a row or a column whose axis is dropped from the result; other axes
    broadcast."""
    if a.rank == 0 or b.rank == 0:
        raise ShapeError("a scalar has no matrix product")
    value = b.constant
    if value is not None and b.rank == 2:
        return times_weights(w, a, value)
    if value is not None and b.rank == 1 and a.rank > 1:
        return basics.squeeze(w, times_weights(w, a, value[:, None]), [-1])
    dropped = [-2] * (a.rank == 1) + [-1] * (b.rank == 1)
    if max(a.rank, b.rank) <= LARGEST_RANK:
        made = basics.matmul(w, a, b)
    else:
        a = basics.expand_dims(w, a, [0]) if a.rank == 1 else a
        b = basics.expand_dims(w, b, [1]) if b.rank == 1 else b
        made = _merged_product(w, a, b)
    return basics.squeeze(w, made, dropped) if dropped else made


def _merged_product(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    """A product in which leading axes that broadcast in the same way are merged."""
    count = max(a.rank, b.rank) - 2
    first, second = ([(1,) * (count + 2 - part.rank) + shape for shape in part.shapes] for part in (a, b))
    shapes = [
        (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])
        for left, right in zip(first, second, strict=True)
    ]

    def pattern(axis: int) -> tuple[bool, bool]:
        return any(shape[axis] != 1 for shape in first), any(shape[axis] != 1 for shape in second)

    moving = [axis for axis in range(count) if any(pattern(axis))]
    groups = [list(group) for _, group in itertools.groupby(moving, pattern)]
    if len(groups) > LARGEST_RANK - 2:
        raise UnsupportedError(f"it broadcasts {len(groups)} groups of axes; a network supports {LARGEST_RANK - 2}")

    def merged(part: Tensor, own: list[Shape]) -> Tensor:
        sizes = [(*(math.prod(shape[i] for i in group) for group in groups), *shape[-2:]) for shape in own]
        return basics.reshape(w, part, sizes, w.features)

    return basics.reshape(w, basics.matmul(w, merged(a, first), merged(b, second)), shapes, w.features)


@operator("MatMul")
def matmul(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    return product(w, a, b)


def _row(value: Array | None, size: int) -> Array | None:
    """A constant summand as one number for each column; None if the rows differ."""
    if value is None or value.ndim > 2 or (value.ndim == 2 and value.shape[0] != 1):
        return None
    return np.broadcast_to(np.ravel(value), (size,))


@operator("Gemm", since=7)
def gemm(
    w: Writer,
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    """alpha * A B + beta * C; with constant matrices these are the weights and the bias of an inner product."""
    matrix = b.constant
    if matrix is None:
        made = w.layer("batchedMatmul", [a, b], transpose_a=bool(transA), transpose_b=bool(transB))
        made = made if alpha == 1 else basics.linear(w, made, alpha)
    else:
        matrix = matrix.T if transB else matrix
        left = basics.transpose(w, a, [1, 0]) if transA else a
        row = None if c is None or beta == 0 else _row(c.constant, matrix.shape[1])
        bias = row if row is None or beta == 1 else np.float32(beta) * np.asarray(row, np.float32)
        scaled = matrix if alpha == 1 else np.float32(alpha) * np.asarray(matrix, np.float32)
        made = times_weights(w, left, scaled, bias)
        c = c if bias is None else None
    if c is None or beta == 0:
        return made
    return basics.add(w, made, c if beta == 1 else basics.linear(w, c, beta))


@operator("Det")
def determinant(w: Writer, x: Tensor) -> Tensor:
    """Laplace expansion: row by row, the minors of the first k rows for every choice of k columns."""
    size = x.shape[-1]
    if size is None or x.shape[-2] != size or size > _LARGEST_DETERMINANT:
        raise UnsupportedError(f"the matrices are {x.shape[-2]} by {size}; up to 8 by 8 can be written as layers")
    lead = [shape[:-2] for shape in x.shapes]
    flat = basics.reshape(w, x, [(math.prod(own), size, size) for own in lead], w.features)
    minors = basics.slice_axis(w, flat, 1, 0, 1)
    chosen: list[tuple[int, ...]] = [(column,) for column in range(size)]
    for row in range(1, size):
        larger = list(itertools.combinations(range(size), row + 1))
        signs = np.zeros((size * len(chosen), len(larger)), np.float32)
        for i, columns in enumerate(larger):
            for place, column in enumerate(columns):
                rest = chosen.index(columns[:place] + columns[place + 1 :])
                signs[column * len(chosen) + rest, i] = (-1) ** (row - place)
        numbers = basics.transpose(w, basics.slice_axis(w, flat, 1, row, row + 1), [0, 2, 1])
        pairs = basics.multiply(w, numbers, minors)
        pairs = basics.reshape(w, pairs, [(shape[0], 1, len(signs)) for shape in flat.shapes], w.features)
        minors, chosen = times_weights(w, pairs, signs), larger
    return basics.reshape(w, minors, lead, w.features)
