"""Constants that become weights of the nodes that read them, for inference.

In some formats a weight is a blob like any other, written by a constant. A row names such inputs (`stored`); where all
of a node's are constants, the node takes them over, so that they are prepared once and can absorb what follows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphml import catalogue
from graphml.graph import ABSENT, Graph, Node, Region

Params = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Attached:
    """A graph whose nodes own their constants.

    Attributes:
        graph: the graph.
        sources: node -> name of a weight -> the constant that it comes from, and the weight there.
    """

    graph: Graph
    sources: Mapping[str, Mapping[str, tuple[str, str]]]

    def weights(self, params: Params) -> dict[str, Mapping[str, Any]]:
        """The parameters of `graph`, from those of the original graph."""
        left = {node.key for node in self.graph.body.walk()} - self.sources.keys()
        own = {
            key: {name: params[constant][weight] for name, (constant, weight) in sources.items()}
            for key, sources in self.sources.items()
        }
        return {key: weights for key, weights in params.items() if key in left} | own


def attach(graph: Graph, known: Collection[str]) -> Attached:
    """Give nodes the constants that they store.

    Args:
        graph: the graph.
        known: keys of the constants that are part of the program; these stay where they are.
    """
    writers = Counter(name for node in graph.body.walk() for name in node.outputs)
    constants = {
        node.outputs[0]: node
        for node in graph.body.walk()
        if node.key not in known and len(node.weights) == 1 and len(node.outputs) == 1 and not node.inputs
        if writers[node.outputs[0]] == 1 and catalogue.has_role(node, "constant")
    }
    sources: dict[str, Mapping[str, tuple[str, str]]] = {}

    def owning(node: Node) -> Node:
        if node.regions:
            return replace(node, regions={name: through(region) for name, region in node.regions.items()})
        row = catalogue.row(node)
        first = len(row.inputs) - len(row.stored)
        stored = {n: blob for n, blob in zip(row.stored, node.inputs[first:], strict=False) if blob != ABSENT}
        if not stored or not constants.keys() >= set(stored.values()):
            return node
        origins = {name: (constants[blob].key, next(iter(constants[blob].weights))) for name, blob in stored.items()}
        sources[node.key] = origins
        weights = {name: constants[blob].weights[origins[name][1]] for name, blob in stored.items()}
        return replace(node, inputs=node.inputs[:first], weights=weights)

    def through(region: Region) -> Region:
        return Region(tuple(owning(node) for node in region.nodes))

    body = through(graph.body)
    if not sources:
        return Attached(graph, {})
    read = {name for node in body.walk() for name in node.inputs}.union(graph.outputs, graph.state)
    return Attached(replace(graph, body=_without(body, constants.keys() - read)), sources)


def _without(region: Region, unread: Collection[str]) -> Region:
    """A region without the constants that write these blobs."""
    return Region(
        tuple(
            replace(node, regions={name: _without(inner, unread) for name, inner in node.regions.items()})
            if node.regions
            else node
            for node in region.nodes
            if not (len(node.outputs) == 1 and node.outputs[0] in unread)
        )
    )
