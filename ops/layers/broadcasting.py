"""Broadcasting arithmetic: elementwise functions of several arrays, whose shapes align at their ends as in NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.ops._exponential import power as power_of
from graphml.ops._known import module
from graphml.ops._loops import looped_numpy
from graphml.ops._remainder import remainder
from graphml.ops.layers.dialect import layer, layers

# Wire name less "Broadcastable" -> (NumPy's name, what it is)
_MANY: Mapping[str, tuple[str, str]] = {
    "add": ("add", "The sum of all inputs"),
    "multiply": ("multiply", "The product of all inputs"),
    "max": ("maximum", "The largest of all inputs"),
    "min": ("minimum", "The smallest of all inputs"),
}
_TWO: Mapping[str, tuple[str, str]] = {
    "subtract": ("subtract", "x - y"),
    "divide": ("divide", "x / y, where division by 0 gives an infinity or NaN"),
}


def _layer(kind: str, name: str, words: str, inputs: str) -> Callable:
    function = looped_numpy(name)

    def broadcast(*inputs):
        return functools.reduce(function, inputs)

    broadcast.__doc__ = f"""{words}, elementwise.

    {inputs}: shapes that broadcast; returns the broadcast shape.
    Source: {kind[0].upper()}{kind[1:]}LayerParams (spec 4).
    """
    return broadcast


_rows: dict[str, tuple[Any, ...]] = {kind: (*row, "inputs, two or more") for kind, row in _MANY.items()}
_rows |= {kind: (*row, "x, y") for kind, row in _TWO.items()}
layers({f"{kind}Broadcastable": _layer(f"{kind}Broadcastable", *row) for kind, row in _rows.items()}, layout="any")


@layer("modBroadcastable", layout="any")
def mod(x, y):
    """What division by y leaves of x, elementwise; it has the sign of y, as in NumPy.

    x, y: shapes that broadcast; returns the broadcast shape. Source: ModBroadcastableLayerParams (spec 4).
    """
    with np.errstate(all="ignore"):
        return np.mod(x, y) if module(x, y) is np else remainder(x, y)


@layer("floorDivBroadcastable", layout="any", differentiable="a step function is flat between its steps")
def floor_div(x, y):
    """x / y, rounded down and not towards 0, elementwise.

    x, y: shapes that broadcast; returns the broadcast shape. Whole multiples are exact also where the processor's
    division is not. Source: FloorDivBroadcastableLayerParams (spec 4).
    """
    with np.errstate(all="ignore"):
        xp = module(x, y)
        quotient = xp.floor(x / y)
        left = xp.where(y < 0, -1, 1) * (x - quotient * y)
        return quotient + (left >= abs(y)).astype(quotient.dtype) - (left < 0).astype(quotient.dtype)


@jax.custom_jvp
def power(x, y):
    """x to the power of y. Its slope in y is taken as 0 where x is not positive: a negative number has a power for
    whole exponents only, and one NaN would spoil the gradients of all weights."""
    return power_of(x, y)


@power.defjvp
def _power_slope(primals, tangents):
    (x, y), (dx, dy) = primals, tangents
    z = power(x, y)
    positive = x > 0
    by_x = y * power(x, jnp.where(y == 0, 1, y - 1))
    by_y = jnp.where(positive, jnp.log(jnp.where(positive, x, 1)) * z, 0)
    return z, by_x * dx + by_y * dy


@layer("powBroadcastable", layout="any")
def pow_broadcastable(x, y):
    """x to the power of y, elementwise; NaN for fractional powers of negative numbers.

    x, y: shapes that broadcast; returns the broadcast shape. Source: PowBroadcastableLayerParams (spec 4).
    """
    return power(x, y)
