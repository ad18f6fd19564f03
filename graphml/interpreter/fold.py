"""Scales and shifts of channels that become part of the node before them, for inference.

Rows say what can be folded: `affine` of a row is the factor and the summand of each channel, where that is all that the
operator does; `channels` is how many channels the weights of an operator make, along their first axis, or the shape in
which a number for each of them broadcasts over what it makes. A node is folded
when nothing else reads the blob between the two. What is computed stays the same; sums are rounded at another place.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.catalogue import Channels
from graphml.graph import Graph, Node, Region
from graphml.spec.weights import CompressedWeight

Weights = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Folded:
    """A graph without the nodes that were folded, and the pairs (folded node, node that absorbs it)."""

    graph: Graph
    pairs: tuple[tuple[Node, Node], ...]

    def absorbed(self, params: Mapping[str, Weights], arrays: Callable[[Node, Weights], Weights]) -> dict[str, Weights]:
        """The weights of the remaining nodes, from those of all nodes. arrays: makes arrays of what is stored."""
        found = dict(params)
        for node, before in self.pairs:
            line = _line(node, arrays(node, found.pop(node.key)))
            assert line is not None  # it depends on shapes only
            kernel = catalogue.row(before).dialect.kernel
            found[before.key] = _scaled(arrays(before, found[before.key]), kernel, *line)
        return found


def fold(graph: Graph) -> Folded:
    """Fold what can be folded among the nodes outside of regions. Call it inside of `lowering_for`."""
    reads = Counter(name for node in graph.body.walk() for name in node.inputs)
    writes = Counter(name for node in graph.body.walk() for name in node.outputs)
    reads.update((*graph.outputs, *graph.state))
    writes.update((*graph.inputs, *graph.state))

    makers: dict[str, tuple[Node, Channels]] = {}  # blob that one node reads -> its writer, and the channels
    outputs: dict[str, str] = {}  # node that absorbed others -> the blob that it writes instead
    pairs: list[tuple[Node, Node]] = []
    for node in graph.body.nodes:
        if len(node.outputs) != 1 or writes[node.outputs[0]] > 1:
            continue
        made = makers.get(node.inputs[0]) if len(node.inputs) == 1 else None
        if made is not None and _fits(node, made[1]):
            pairs.append((node, made[0]))
            outputs[made[0].key] = node.outputs[0]
        else:
            channels = catalogue.row(node).channels
            count = channels(node.weights, node.attributes) if channels else None
            made = None if count is None else (node, count)
        if made is not None and reads[node.outputs[0]] == 1:
            makers[node.outputs[0]] = made
    gone = {node.key for node, _ in pairs}
    left = (node for node in graph.body.nodes if node.key not in gone)
    nodes = (replace(node, outputs=(outputs[node.key],)) if node.key in outputs else node for node in left)
    return Folded(replace(graph, body=Region(tuple(nodes))), tuple(pairs))


def _fits(node: Node, channels: Channels) -> bool:
    """Whether a node only scales and shifts these channels."""
    if catalogue.row(node).affine is None:
        return False
    with np.errstate(all="ignore"):
        line = _line(node, {name: _numbers(weight) for name, weight in node.weights.items()})
    return line is not None and all(_lie_along(channels, np.shape(values)) for values in line)


def _lie_along(channels: Channels, shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape has one element for all channels, or one for each."""
    if len(shape) < 2:
        return math.prod(shape) in (1, channels if isinstance(channels, int) else math.prod(channels))
    if isinstance(channels, int):
        return False
    padded = (1,) * (len(channels) - len(shape)) + shape
    return padded in (channels, (1,) * len(channels))


def _numbers(weight: Any) -> np.ndarray:
    return np.asarray(weight.dequantize() if isinstance(weight, CompressedWeight) else weight, np.float32)


def _line(node: Node, weights: Weights) -> tuple[Any, Any] | None:
    affine = catalogue.row(node).affine
    return affine(weights, node.attributes) if affine else None


def _scaled(weights: Weights, name: str, factor: Any, summand: Any) -> Weights:
    """Weights [channels, ...] and bias [channels] with which a node also does the work of another. name: of the
    kernel."""
    kernel = weights[name]
    factor, summand = (jnp.asarray(values, kernel.dtype).reshape(-1) for values in (factor, summand))
    bias = weights.get("bias", 0) * factor + summand
    whole = factor.reshape(-1, *(1,) * (kernel.ndim - 1))
    return {**weights, name: kernel * whole, "bias": jnp.broadcast_to(bias, kernel.shape[:1])}
