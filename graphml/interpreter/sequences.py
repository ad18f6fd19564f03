"""Networks that read a sequence, and the shape in which they take it.

The interface of such a network declares one vector: what arrives at one step, or all steps one after the other. Its
layers read [sequence, batch, channels, 1, 1], so an array of the declared shape often fails; errors say what does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphml.graph import Graph
from graphml.spec.layers import kinds_of

_RECURRENT = kinds_of("simpleRecurrent gru uniDirectionalLSTM biDirectionalLSTM")
# What a layer asks of the channels of its (first) input, from its attributes
_CHANNELS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    **dict.fromkeys(_RECURRENT, lambda attributes: attributes["input_vector_size"]),
    "innerProduct": lambda attributes: attributes["input_channels"],
    "embedding": lambda attributes: 1,
}
# Layers through which a step goes with its channels
_PASSING = kinds_of("activation unary scale bias batchnorm l2normalize mvn softmax add multiply max min average")


def sequence_shapes(graph: Graph) -> dict[str, str]:
    """{input: "[sequence, batch, channels, 1, 1]"} of each vector that recurrent layers read step by step, with sizes
    in place of the words where the network settles them. Empty where inputs enter with the shapes that they declare.
    """
    if graph.exact:
        return {}
    producers = {name: node for node in graph.body.nodes for name in node.outputs}
    asked: dict[str, int | None] = {}  # blobs on the way to a recurrent layer -> the channels that are asked of them
    todo = [(n.inputs[0], _CHANNELS[n.kind](n.attributes)) for n in graph.body.nodes if n.kind in _RECURRENT]
    while todo:
        name, channels = todo.pop()
        node = producers.get(name)
        if name not in asked and node is not None and node.kind not in _RECURRENT:
            own = _CHANNELS[node.kind](node.attributes) if node.kind in _CHANNELS else None
            todo += [(given, channels if node.kind in _PASSING else own) for given in node.inputs]
        asked.setdefault(name, channels)
    ports = {port.name: port.shape[0] for port in graph.inputs if port.shape is not None and len(port.shape) == 1}
    return {name: _shape(size, asked[name] or size) for name, size in ports.items() if name in asked}


def _shape(declared: int, channels: int) -> str:
    """The five axes of a sequence whose interface declares one size: that of a step, or that of all steps together."""
    steps = declared // channels if channels < declared and declared % channels == 0 else None
    return f"[{'sequence, batch' if steps is None else f'{steps}, 1'}, {channels}, 1, 1]"


def reading(graph: Graph, name: str | None = None) -> str:
    """A sentence on the inputs that are sequences, or on that of a name; empty where there are none."""
    shapes = {port: shape for port, shape in sequence_shapes(graph).items() if name in (None, port)}
    inputs = " and ".join(f"{port!r} as {shape}" for port, shape in shapes.items())
    return f"the network reads a sequence: give {inputs}" if shapes else ""
