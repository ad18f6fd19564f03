"""Arithmetic between two arrays, whose shapes align at their ends as in NumPy.

A constant y with a number for each channel becomes a part of the convolution before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml.ops.kernels import elementwise as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.program._half import rounded_once
from graphml.ops.program._images import aligned
from graphml.ops.program.dialect import named_operations, operation

Line = tuple[Any, Any] | None

_SCALES: Mapping[str, tuple[str, str, Callable[[Any], tuple[Any, Any]]]] = {
    "add": ("add", "x + y", lambda y: (1.0, y)),
    "mul": ("multiply", "x * y", lambda y: (y, 0.0)),
    "sub": ("subtract", "x - y", lambda y: (1.0, -y)),
}
_EXTREMES: Mapping[str, tuple[str, str]] = {
    "maximum": ("maximum", "The larger of x and y; NaN where one of them is NaN"),
    "minimum": ("minimum", "The smaller of x and y; NaN where one of them is NaN"),
}


def _operation(kind: str, name: str, words: str) -> Callable[..., Array]:
    function = kernels.loop_function(name)

    def broadcast(x: Array, y: Array) -> Array:
        return function(*aligned(x, y))

    broadcast.__doc__ = f"""{words}, elementwise.

    Args:
        x: a shape that broadcasts against that of y.
        y: the other operand, of the same type.

    Returns:
        The broadcast shape.

    Source: the operation {kind} of ML Programs (iOS 15).
    """
    return broadcast


def _affine(line: Callable[[Any], tuple[Any, Any]]) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Line]:
    """The factor and summand of each channel, in a shape that broadcasts. A vector applies to the last axis, which is
    not that of the channels."""

    def affine(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Line:
        y = weights["y"]
        return None if y.ndim == 1 and y.size > 1 else line(y)

    return affine


for _kind, (_name, _words, _line) in _SCALES.items():
    operation(_kind, version=15, layout="either", stored=("y",), affine=_affine(_line), roles=("rescaling",))(
        _operation(_kind, _name, _words)
    )
named_operations({kind: _operation(kind, *row) for kind, row in _EXTREMES.items()}, version=15, layout="either")


def _is_whole(x: Array) -> bool:
    return bool(jnp.issubdtype(x.dtype, jnp.integer))


@operation("real_div", version=15, layout="either")
@rounded_once
def real_div(x: Array, y: Array) -> Array:
    """x / y, elementwise, where division by 0 gives an infinity or NaN.

    A quotient of integers is truncated to an integer: -7 / 2 is -3. The format says only that it is an integer. An
    integer divided by 0 gives 0.

    Args:
        x: a shape that broadcasts against that of y.
        y: the divisor, of the same type.

    Returns:
        The broadcast shape.

    Source: the operation real_div of ML Programs (iOS 15).
    """
    x, y = aligned(x, y)
    return kernels.integer_quotient(x, y, down=False) if _is_whole(x) else kernels.loop_function("divide")(x, y)


@operation(
    "floor_div", version=15, layout="either", differentiable="the gradient of a step function is 0 almost everywhere"
)
@rounded_once
def floor_div(x: Array, y: Array) -> Array:
    """x / y, rounded down (not towards 0), elementwise.

    Multiples are exact even where the processor's division is not. An integer divided by 0 gives 0.

    Args:
        x: a shape that broadcasts against that of y.
        y: the divisor, of the same type.

    Returns:
        The broadcast shape.

    Source: the operation floor_div of ML Programs (iOS 15).
    """
    x, y = aligned(x, y)
    return kernels.integer_quotient(x, y, down=True) if _is_whole(x) else kernels.floor_divide(x, y)


@operation("mod", version=15, layout="either")
def mod(x: Array, y: Array) -> Array:
    """The remainder of x divided by y, elementwise; it has the sign of y, as in Python.

    Args:
        x: a shape that broadcasts against that of y.
        y: the divisor, of the same type; 0 gives NaN for floats and 0 for integers.

    Returns:
        The broadcast shape.

    Source: the operation mod of ML Programs (iOS 15).
    """
    return kernels.remainder(*aligned(x, y))


@operation("pow", version=15, layout="either")
@rounded_once
def power(x: Array, y: Array) -> Array:
    """x to the power of y, elementwise; NaN for fractional powers of negative numbers.

    A power of integers is truncated to an integer: 2 to the power of -1 is 0.

    Args:
        x: a shape that broadcasts against that of y.
        y: the exponent, of the same type. Derivatives with respect to y are 0 where x is not positive.

    Returns:
        The broadcast shape.

    Source: the operation pow of ML Programs (iOS 15).
    """
    x, y = aligned(x, y)
    if _is_whole(x):
        return kernels.integer_power(x, y)
    if isinstance(y, np.ndarray) and y.size == 1 and y.ndim <= x.ndim:
        return kernels.constant_power(x, float(y.reshape(())))
    return kernels.power(jnp.asarray(x), jnp.asarray(y))
