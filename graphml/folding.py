"""Scales and shifts of channels that become part of the layer before them, for inference.

Rows say what there is to fold: `affine` of a row is the factor and the summand of each channel that its layer comes to,
`absorb` gives the weights with which a layer does that too. A layer goes when nobody else sees the blob between the
two. What is computed stays the same; sums are rounded at another place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np

from graphml import catalogue
from graphml.graph import Graph, Node, Region
from graphml.spec.weights import Quantized

Weights = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Folded:
    """A graph without the layers that were folded, and which these were: (layer, the one that takes it over)."""

    graph: Graph
    pairs: tuple[tuple[Node, Node], ...]

    def absorbed(self, params: Mapping[str, Weights], floats: Callable[[Weights], Weights]) -> dict[str, Weights]:
        """The weights of the layers that are left, from those of all. floats: makes arrays of what is stored."""
        found = dict(params)
        for node, before in self.pairs:
            merged = _merged(before, node, floats(found[before.key]), floats(found.pop(node.key)))
            assert merged is not None  # it depends on nothing but shapes
            found[before.key] = merged
        return found


def fold(graph: Graph) -> Folded:
    """Fold what can be folded among the layers outside of sub-networks. Call it inside of `lowering_for`."""
    reads = Counter(name for node in graph.body.walk() for name in node.inputs)
    writes = Counter(name for node in graph.body.walk() for name in node.outputs)
    reads.update(port.name for port in graph.outputs)
    writes.update(port.name for port in graph.inputs)
    hidden = {name for name in writes if writes[name] == reads[name] == 1}  # one layer sees it

    makers: dict[str, tuple[Node, Weights]] = {}  # of what is hidden: the layer, and its weights so far
    writers: dict[str, str] = {}  # the layers that stay -> the blobs that they write instead of their own
    pairs: list[tuple[Node, Node]] = []
    for node in graph.body.nodes:
        row, held = catalogue.row(node.kind), _shapes(node)
        by = makers.get(node.inputs[0]) if row.affine and len(node.inputs) == len(node.outputs) == 1 else None
        merged = None
        if by is not None and writes[node.outputs[0]] == 1:
            before, known = by
            merged = jax.eval_shape(partial(_merged, before, node), known, held)
        if by is not None and merged is not None:
            pairs.append((node, before))
            writers[before.key] = node.outputs[0]
        else:
            before, merged = node, held
        if len(node.outputs) == 1 and node.outputs[0] in hidden:
            makers[node.outputs[0]] = before, merged
    gone = {node.key for node, _ in pairs}
    nodes = tuple(
        replace(node, outputs=(writers[node.key],)) if node.key in writers else node
        for node in graph.body.nodes
        if node.key not in gone
    )
    return Folded(replace(graph, body=Region(nodes)), tuple(pairs))


def _merged(before: Node, node: Node, held: Weights, weights: Weights) -> Weights | None:
    """The weights of `before` with which it does the work of `node` too; None where it cannot."""
    affine, absorb = catalogue.row(node.kind).affine, catalogue.row(before.kind).absorb
    line = affine(weights, node.attributes) if affine else None
    return None if line is None or absorb is None else absorb(held, before.attributes, *line)


def _shapes(node: Node) -> Weights:
    """The weights of a node, which may be quantized, as what `jax.eval_shape` takes."""

    def shape(leaf):
        return jax.ShapeDtypeStruct(leaf.shape, np.float32)

    return jax.tree.map(shape, dict(node.weights), is_leaf=lambda leaf: isinstance(leaf, Quantized))
