"""The nodes of an ensemble of trees as columns: what its rules and its evaluation both start from.

A file may hold millions of nodes in any order; everything here is linear in their number, but for sorting.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

LESS_EQUAL, LESS, GREATER_EQUAL, GREATER, EQUAL, NOT_EQUAL, LEAF = range(7)
"""What a node does: the values of TreeNodeBehavior."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """n nodes in the order of the file.

    tree, node: their ids, uint64. behavior: int32. feature: uint64. threshold: float64. children: uint64 [n, 2], ids of
    the true and the false child. missing_true: whether NaN goes to the true child.
    entries: how many values each node has; index (uint64), value: of all of them, one node after the other.
    """

    tree: np.ndarray
    node: np.ndarray
    behavior: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    children: np.ndarray
    missing_true: np.ndarray
    entries: np.ndarray
    index: np.ndarray
    value: np.ndarray

    @property
    def is_leaf(self) -> np.ndarray:
        return self.behavior == LEAF

    @property
    def owner(self) -> np.ndarray:
        """The position of the node that has each value."""
        return np.repeat(np.arange(len(self.entries)), self.entries)


@dataclass(frozen=True, eq=False)
class Links:
    """How nodes hang together, as positions. children: [n, 2], -1 where there is none. repeated: positions of nodes
    whose ids another node of the tree has as well."""

    children: np.ndarray
    repeated: np.ndarray

    @property
    def parents(self) -> np.ndarray:
        """How many nodes name each node as a child."""
        return np.bincount(self.children[self.children >= 0], minlength=len(self.children))


def read(parameters: Any) -> Nodes:
    """The nodes of a TreeEnsembleParameters message."""
    nodes = parameters.nodes
    count = len(nodes)

    def column(values: Any, dtype: Any, length: int = count) -> np.ndarray:
        return np.fromiter(values, dtype, length)

    entries = column((len(n.evaluationInfo) for n in nodes), np.int64)
    total = int(entries.sum())
    flat = list(itertools.chain.from_iterable(n.evaluationInfo for n in nodes))
    children = (child for n in nodes for child in (n.trueChildNodeId, n.falseChildNodeId))
    return Nodes(
        tree=column((n.treeId for n in nodes), np.uint64),
        node=column((n.nodeId for n in nodes), np.uint64),
        behavior=column((n.nodeBehavior for n in nodes), np.int32),
        feature=column((n.branchFeatureIndex for n in nodes), np.uint64),
        threshold=column((n.branchFeatureValue for n in nodes), np.float64),
        children=column(children, np.uint64, 2 * count).reshape(count, 2),
        missing_true=column((n.missingValueTracksTrueChild for n in nodes), np.bool_),
        entries=entries,
        index=column((e.evaluationIndex for e in flat), np.uint64, total),
        value=column((e.evaluationValue for e in flat), np.float64, total),
    )


def links(nodes: Nodes) -> Links:
    """Positions instead of ids. A child that the tree does not have is -1, as are the children of leaves."""
    count = len(nodes.node)
    if count == 0:
        return Links(np.empty((0, 2), np.int64), np.empty(0, np.int64))
    _, tree = np.unique(nodes.tree, return_inverse=True)
    ids, own = np.unique(nodes.node, return_inverse=True)
    keys = tree * len(ids) + own  # one number for (tree, node)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]

    place = np.minimum(np.searchsorted(ids, nodes.children), len(ids) - 1)
    wanted = tree[:, None] * len(ids) + place
    found = np.minimum(np.searchsorted(ordered, wanted), count - 1)
    exists = (ids[place] == nodes.children) & (ordered[found] == wanted) & ~nodes.is_leaf[:, None]
    return Links(np.where(exists, order[found], -1), order[1:][ordered[1:] == ordered[:-1]])


def levels(children: np.ndarray, roots: np.ndarray) -> list[np.ndarray]:
    """Positions of the nodes at each depth, the two children of a node side by side.

    children: [n, 2], -1 for leaves. Every node is the child of one node at most, so that this ends.
    """
    found: list[np.ndarray] = []
    while roots.size:
        found.append(roots)
        below = children[roots]
        roots = below[below[:, 0] >= 0].reshape(-1)
    return found
