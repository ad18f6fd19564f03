"""Networks that read a sequence, and the shape in which they take it.

The interface of such a network declares one vector: what arrives at one step, or all steps one after the other. Its
layers read [sequence, batch, channels, 1, 1], so an array of the declared shape often fails; errors then say
which shape works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphml.graph import Graph
from graphml.spec.layers import kinds_of

_RECURRENT = kinds_of("simpleRecurrent gru uniDirectionalLSTM biDirectionalLSTM")
# How many channels a layer expects in its (first) input, from its attributes
_CHANNELS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    **dict.fromkeys(_RECURRENT, lambda attributes: attributes["input_vector_size"]),
    "innerProduct": lambda attributes: attributes["input_channels"],
    "embedding": lambda attributes: 1,
}
# Layers that leave the number of channels as it is
_PASSING = kinds_of("activation unary scale bias batchnorm l2normalize mvn softmax add multiply max min average")


def sequence_shapes(graph: Graph, vectors: Mapping[str, int]) -> dict[str, str]:
    """The shapes in which recurrent layers take the vectors that the interface declares.

    Args:
        graph: the network.
        vectors: {input: declared size} of the inputs that are vectors and become blobs of rank 5.

    Returns:
        {input: "[sequence, batch, channels, 1, 1]"} of each vector that recurrent layers read step by step, with sizes
        instead of the words where the network determines them.
    """
    if not vectors:
        return {}
    producers = {name: node for node in graph.body.nodes for name in node.outputs}
    expected: dict[str, int | None] = {}  # blobs that lead to a recurrent layer -> the channels that they must have
    todo = [(n.inputs[0], _CHANNELS[n.kind](n.attributes)) for n in graph.body.nodes if n.kind in _RECURRENT]
    while todo:
        name, channels = todo.pop()
        node = producers.get(name)
        if name not in expected and node is not None and node.kind not in _RECURRENT:
            own = _CHANNELS[node.kind](node.attributes) if node.kind in _CHANNELS else None
            todo += [(given, channels if node.kind in _PASSING else own) for given in node.inputs]
        expected.setdefault(name, channels)
    return {name: _shape(size, expected[name] or size) for name, size in vectors.items() if name in expected}


def _shape(declared: int, channels: int) -> str:
    """The five axes of a sequence whose interface declares one size: that of a step, or that of all steps together."""
    steps = declared // channels if channels < declared and declared % channels == 0 else None
    return f"[{'sequence, batch' if steps is None else f'{steps}, 1'}, {channels}, 1, 1]"


def sequence_advice(graph: Graph, vectors: Mapping[str, int]) -> str:
    """A sentence about the inputs among `vectors` that are sequences; empty if none is."""
    shapes = sequence_shapes(graph, vectors)
    inputs = " and ".join(f"{name!r} as {shape}" for name, shape in shapes.items())
    return f"the network reads a sequence: give {inputs}" if shapes else ""
