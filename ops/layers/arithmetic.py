"""Arithmetic between blobs: the elementwise layers of specification 1, with many inputs or a constant."""

from __future__ import annotations

import functools

from graphml.ops._loops import looped_numpy
from graphml.ops.layers.dialect import layer


@layer("add", layout="any")
def add(*inputs, alpha: float):
    """The sum of all inputs; with a single input, x + alpha.

    Inputs broadcast against each other. Source: AddLayerParams (spec 1).
    """
    return inputs[0] + alpha if len(inputs) == 1 else functools.reduce(looped_numpy("add"), inputs)


@layer("multiply", layout="any")
def multiply(*inputs, alpha: float):
    """The product of all inputs; with a single input, x * alpha.

    Inputs broadcast against each other. Source: MultiplyLayerParams (spec 1).
    """
    return inputs[0] * alpha if len(inputs) == 1 else functools.reduce(looped_numpy("multiply"), inputs)


@layer("average", layout="any")
def average(*inputs):
    """The elementwise mean of all inputs, which broadcast. Source: AverageLayerParams (spec 1)."""
    return functools.reduce(looped_numpy("add"), inputs) / len(inputs)


@layer("max", layout="any")
def maximum(*inputs):
    """The elementwise maximum of all inputs, which broadcast. Source: MaxLayerParams (spec 1)."""
    return functools.reduce(looped_numpy("maximum"), inputs)


@layer("min", layout="any")
def minimum(*inputs):
    """The elementwise minimum of all inputs, which broadcast. Source: MinLayerParams (spec 1)."""
    return functools.reduce(looped_numpy("minimum"), inputs)
