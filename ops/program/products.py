"""Products of matrices, and sums of products along named axes.

A stored right-hand side is transposed once to [..., in, out]: XLA's matrix product on CPUs is up to fifty times slower
on a transposed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp

from graphml.errors import GraphError, ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu.matmul import PaddedOutputs
from graphml.ops.kernels.precision import contract, product_type, stored_matrix
from graphml.ops.kernels.precision import matmul as matrices
from graphml.ops.program.dialect import operation


def _product(x: Array, y: Array | PaddedOutputs, bias: Array | None = None) -> Array:
    """x @ y + bias in the type of x, rounded once."""
    wide = product_type(x.dtype, y.dtype)
    product = matrices(x.astype(wide), y.astype(wide))
    return (product if bias is None else product + bias.astype(wide)).astype(x.dtype)


def _transposed(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The matrix as [in, out]."""
    if weights["weight"].ndim != 2:
        raise ShapeError(f"weight has shape {list(weights['weight'].shape)}; it must be [out, in]")
    return {**weights, "weight": stored_matrix(weights["weight"].T)}


@operation("linear", version=15, stored=("weight", "bias"), prepare=_transposed)
def linear(x: Array, weight: Array | PaddedOutputs, bias: Array | None = None) -> Array:
    """A dense layer: x W^T + b, W of shape [out, in].

    Args:
        x: [..., in]; the format promises ranks 1 to 3.
        weight: W, transposed to [in, out] by `prepare`.
        bias: [out]; 0 when absent.

    Returns:
        [..., out], in the type of x.

    Raises:
        ShapeError: shapes do not fit.

    Source: the operation linear of ML Programs (iOS 15; separate types for weights: iOS 17).
    """
    if x.ndim < 1 or x.shape[-1] != weight.shape[0]:
        raise ShapeError(f"x has shape {list(x.shape)}, but weight expects {weight.shape[0]} features on its last axis")
    if bias is not None and bias.shape != weight.shape[1:]:
        raise ShapeError(f"bias has shape {list(bias.shape)}, but weight gives {weight.shape[1]} features")
    return _product(x, weight, bias)


def _second(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """y, transposed if asked for, in the form that `matmul` takes."""
    y = weights["y"]
    turned = y.swapaxes(-1, -2) if attributes["transpose_y"] and y.ndim > 1 else y
    return {"y": stored_matrix(turned) if turned.ndim == 2 else turned}


@operation("matmul", version=15, stored=("y",), prepare=_second)
def matmul(x: Array, y: Array | PaddedOutputs, *, transpose_x: bool, transpose_y: bool) -> Array:
    """Matrix products of the last two axes, by the rules of NumPy.

    Args:
        x: [..., M, K], or [K], a row vector whose axis is dropped.
        y: [..., K, N], or [K], a column vector whose axis is dropped; already transposed by `prepare`. The axes before
            the last two broadcast.
        transpose_x: whether to swap the last two axes of x first; ignored for a vector.
        transpose_y: as transpose_x.

    Returns:
        [..., M, N] without the axes of vectors, in the type of x.

    Raises:
        ShapeError: shapes do not fit.

    Source: the operation matmul of ML Programs (iOS 15; a separate type for y: iOS 17).
    """
    if x.ndim < 1 or y.ndim < 1:
        raise ShapeError("a scalar is not a matrix: x and y must have rank 1 or more")
    x = x.swapaxes(-1, -2) if transpose_x and x.ndim > 1 else x
    rows = y.shape[max(0, y.ndim - 2)]
    if x.shape[-1] != rows:
        raise ShapeError(f"rows of x have {x.shape[-1]} elements, columns of y {rows} (after any transposition)")
    return _product(x, y)


@operation("einsum", version=15)
def einsum(*values: Array, equation: str) -> Array:
    """Sums of products along named axes.

    Args:
        values: arrays, whose axes the equation names; an axis of size 1 broadcasts. The format promises two.
        equation: as in NumPy, such as "nchw,nwhu->nchu".

    Returns:
        The axes that the equation names after the arrow, in the type of the first array.

    Raises:
        GraphError: the equation is for another number of arrays.
        ShapeError: shapes do not fit the equation.

    Source: the operation einsum of ML Programs (iOS 15).
    """
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    if len(terms) != len(values):
        raise GraphError(f"equation {equation!r} needs {len(terms)} values, got {len(values)}")
    wide = product_type(*(value.dtype for value in values))
    arrays = [value.astype(wide) for value in values]
    sums: Any = partial(jnp.einsum, equation)
    return (contract(sums, *arrays) if len(arrays) == 2 else sums(*arrays)).astype(values[0].dtype)
