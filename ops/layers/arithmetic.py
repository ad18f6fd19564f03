"""Arithmetic between blobs: the elementwise layers of specification 1, with many inputs or a constant."""

from __future__ import annotations

import functools

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.elementwise import loop_function
from graphml.ops.layers.dialect import layer


@layer("add", layout="any")
def add(*inputs: Array, alpha: float) -> Array:
    """The sum of all inputs; with a single input, x + alpha.

    Args:
        inputs: shapes that broadcast against each other.
        alpha: used with a single input only.

    Returns:
        The broadcast shape.

    Source: AddLayerParams (spec 1).
    """
    return inputs[0] + alpha if len(inputs) == 1 else functools.reduce(loop_function("add"), inputs)


@layer("multiply", layout="any")
def multiply(*inputs: Array, alpha: float) -> Array:
    """The product of all inputs; with a single input, x * alpha.

    Args:
        inputs: shapes that broadcast against each other.
        alpha: used with a single input only.

    Returns:
        The broadcast shape.

    Source: MultiplyLayerParams (spec 1).
    """
    return inputs[0] * alpha if len(inputs) == 1 else functools.reduce(loop_function("multiply"), inputs)


@layer("average", layout="any")
def average(*inputs: Array) -> Array:
    """The elementwise mean of all inputs, which broadcast.

    Args:
        inputs: shapes that broadcast against each other.

    Returns:
        The broadcast shape.

    Source: AverageLayerParams (spec 1).
    """
    return functools.reduce(loop_function("add"), inputs) / len(inputs)


@layer("max", layout="any")
def maximum(*inputs: Array) -> Array:
    """The elementwise maximum of all inputs, which broadcast.

    Args:
        inputs: shapes that broadcast against each other.

    Returns:
        The broadcast shape.

    Source: MaxLayerParams (spec 1).
    """
    return functools.reduce(loop_function("maximum"), inputs)


@layer("min", layout="any")
def minimum(*inputs: Array) -> Array:
    """The elementwise minimum of all inputs, which broadcast.

    Args:
        inputs: shapes that broadcast against each other.

    Returns:
        The broadcast shape.

    Source: MinLayerParams (spec 1).
    """
    return functools.reduce(loop_function("minimum"), inputs)
