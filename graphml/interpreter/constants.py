"""What is known before a graph runs: blobs that follow from shapes and constants alone, and constants that decide
shapes.
"""

from __future__ import annotations

from collections import Counter

from graphml import catalogue
from graphml.graph import ABSENT, Graph, Node, Region


def shape_constants(region: Region) -> frozenset[str]:
    """Keys of constants that decide a shape, a branch or an iteration count, through nodes that can be folded."""
    foldable = _folded(region, frozenset())
    producer: dict[str, Node] = {}
    wanted: list[str] = []
    for node in region.walk():
        producer |= dict.fromkeys(node.outputs, node)
        concrete = catalogue.row(node).concrete_for(node.attributes)
        wanted += node.inputs if node.regions else [node.inputs[p] for p in concrete if p < len(node.inputs)]
    known: set[str] = set()
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in foldable or name not in producer:
            continue
        seen.add(name)
        node = producer[name]
        if node.weights:
            known.add(node.key)
        wanted += node.inputs
    return frozenset(known)


def static_constants(region: Region) -> frozenset[str]:
    """Keys of constants whose rows declare their values as part of the program."""
    return frozenset(node.key for node in region.walk() if node.weights and catalogue.row(node).static(node.weights))


def known_blobs(graph: Graph) -> frozenset[str]:
    """The blobs that follow from constants and from shapes alone. Blobs that several nodes write are left out."""
    writers = Counter(name for node in graph.body.walk() for name in node.outputs)
    writers.update((*graph.inputs, *graph.state))
    return _folded(graph.body, frozenset(name for name, count in writers.items() if count > 1))


def _folded(region: Region, never: frozenset[str]) -> frozenset[str]:
    folded = {ABSENT}
    for node in region.walk():
        row = catalogue.row(node)
        constant = not node.inputs and bool(node.weights)
        plain = not row.random and not node.weights and not node.regions
        if constant or row.shape_only or (plain and node.inputs and folded.issuperset(node.inputs)):
            folded |= set(node.outputs) - never
    return frozenset(folded)
