"""Small networks with sub-networks, and how to run them."""

from __future__ import annotations

import numpy as np

from graphml.build import NeuralNetworkBuilder
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.interpreter.lower import lower


def part() -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder({}, {})


def constant(builder, name, value):
    return builder.add("loadConstantND", name, [], [name], data=np.float32([value]))


def program(builder, inputs=("x",), outputs=("y",), **options):
    ports = tuple(Port(name, None) for name in inputs)
    lowered = lower(*read_network(builder.network, ports, tuple(Port(name, None) for name in outputs)), **options)

    def run(*values):
        return lowered.fn(lowered.params, dict(zip(inputs, values, strict=True)))[outputs[0]]

    return run


def one(value) -> np.ndarray:
    return np.float32([value])
