"""Broadcasting arithmetic: elementwise functions of several arrays, whose shapes align at their ends as in NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from graphml.ops.kernels import elementwise as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers.dialect import layer, layers

# Wire name without "Broadcastable" -> (NumPy's name, description)
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


def _layer(kind: str, name: str, words: str, inputs: str) -> Callable[..., Array]:
    function = kernels.loop_function(name)

    def broadcast(*inputs: Array) -> Array:
        return functools.reduce(function, inputs)

    broadcast.__doc__ = f"""{words}, elementwise.

    Args:
        inputs: {inputs}, of shapes that broadcast.

    Returns:
        The broadcast shape.

    Source: {kind[0].upper()}{kind[1:]}LayerParams (spec 4).
    """
    return broadcast


for _rows, _inputs in ((_MANY, "two or more"), (_TWO, "x and y")):
    layers(
        {f"{kind}Broadcastable": _layer(f"{kind}Broadcastable", *row, _inputs) for kind, row in _rows.items()},
        layout="any",
    )


@layer("modBroadcastable", layout="any")
def mod(x: Array, y: Array) -> Array:
    """The remainder of x divided by y, elementwise; it has the sign of y, as in NumPy.

    Args:
        x: a shape that broadcasts against that of y.
        y: the divisor.

    Returns:
        The broadcast shape.

    Source: ModBroadcastableLayerParams (spec 4).
    """
    return kernels.remainder(x, y)


@layer("floorDivBroadcastable", layout="any", differentiable="the gradient of a step function is 0 almost everywhere")
def floor_div(x: Array, y: Array) -> Array:
    """x / y, rounded down (not towards 0), elementwise.

    Multiples are exact even where the processor's division is not.

    Args:
        x: a shape that broadcasts against that of y.
        y: the divisor.

    Returns:
        The broadcast shape.

    Source: FloorDivBroadcastableLayerParams (spec 4).
    """
    return kernels.floor_divide(x, y)


@layer("powBroadcastable", layout="any")
def pow_broadcastable(x: Array, y: Array) -> Array:
    """x to the power of y, elementwise; NaN for fractional powers of negative numbers.

    Args:
        x: a shape that broadcasts against that of y.
        y: the exponent. Derivatives with respect to y are 0 where x is not positive.

    Returns:
        The broadcast shape.

    Source: PowBroadcastableLayerParams (spec 4).
    """
    return kernels.power(x, y)
