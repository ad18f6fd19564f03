"""Comparison and logic, with results 1 and 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.elementwise import numpy_function
from graphml.ops.layers.dialect import layer, layers

_FLAT = "the result is a step function of 0 and 1, whose gradient is 0 almost everywhere"

# Wire name -> (NumPy's name, sign)
_COMPARISONS: Mapping[str, tuple[str, str]] = {
    "equal": ("equal", "="),
    "notEqual": ("not_equal", "!="),
    "lessThan": ("less", "<"),
    "lessEqual": ("less_equal", "<="),
    "greaterThan": ("greater", ">"),
    "greaterEqual": ("greater_equal", ">="),
}
_LOGIC: Mapping[str, tuple[str, str]] = {
    "logicalAnd": ("logical_and", "both are"),
    "logicalOr": ("logical_or", "at least one is"),
    "logicalXor": ("logical_xor", "exactly one is"),
}


def _one_or_zero(answer: Array, dtype: Any) -> Array:
    """1 or 0 by a `where`, which XLA runs three times faster on CPUs than a conversion."""
    return array_namespace(answer).where(answer, np.ones((), dtype), np.zeros((), dtype))


def _comparison(kind: str, name: str, sign: str) -> Callable[..., Array]:
    function = numpy_function(name)

    def compare(x: Array, y: Array | None = None, *, alpha: float) -> Array:
        return _one_or_zero(function(x, np.asarray(alpha, x.dtype) if y is None else y), x.dtype)

    compare.__doc__ = f"""1 where x {sign} y, 0 elsewhere; with a single input y is `alpha`.

    Any comparison with NaN gives 0, except that != gives 1.

    Args:
        x: a shape that broadcasts against that of y.
        y: what x is compared with.
        alpha: in place of y.

    Returns:
        The broadcast shape.

    Source: {kind[0].upper()}{kind[1:]}LayerParams (spec 4).
    """
    return compare


def _connective(kind: str, name: str, words: str) -> Callable[..., Array]:
    function = numpy_function(name)

    def connect(x: Array, y: Array) -> Array:
        return _one_or_zero(function(x, y), x.dtype)

    connect.__doc__ = f"""1 where, of x and y, {words} not 0; 0 elsewhere.

    Args:
        x: a shape that broadcasts against that of y.
        y: the other operand.

    Returns:
        The broadcast shape.

    Source: {kind[0].upper()}{kind[1:]}LayerParams (spec 4).
    """
    return connect


layers({kind: _comparison(kind, *row) for kind, row in _COMPARISONS.items()}, layout="any", differentiable=_FLAT)
layers({kind: _connective(kind, *row) for kind, row in _LOGIC.items()}, layout="any", differentiable=_FLAT)


@layer("logicalNot", layout="any", differentiable=_FLAT)
def logical_not(x: Array) -> Array:
    """1 where x is 0, 0 elsewhere.

    Args:
        x: any shape.

    Returns:
        The shape of x.

    Source: LogicalNotLayerParams (spec 4).
    """
    return _one_or_zero(x == 0, x.dtype)
