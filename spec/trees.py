"""The nodes of a tree ensemble as columns, for validation and evaluation.

A file may contain millions of nodes in any order; everything here except sorting takes linear time.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

LESS_EQUAL, LESS, GREATER_EQUAL, GREATER, EQUAL, NOT_EQUAL, LEAF = range(7)
"""The values of TreeNodeBehavior."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """n nodes in the order of the file, and their m values, node by node.

    Attributes:
        tree: The id of each node's tree, uint64 [n].
        node: The id of each node in its tree, uint64 [n].
        behavior: The comparison of each node, int32 [n].
        feature: The index of the feature that is compared, uint64 [n].
        threshold: What it is compared with, float64 [n].
        children: The ids of the true and the false child, uint64 [n, 2].
        missing_true: Whether NaN leads to the true child, bool [n].
        entries: The number of values of each node, int64 [n].
        index: The output dimension of each value, uint64 [m].
        value: float64 [m].
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
        """Whether each node is a leaf, bool [n]."""
        return self.behavior == LEAF

    @property
    def owner(self) -> np.ndarray:
        """The position of the node of each value, int64 [m]."""
        return np.repeat(np.arange(len(self.entries)), self.entries)


@dataclass(frozen=True, eq=False)
class Links:
    """The links between nodes, as positions.

    Attributes:
        children: The positions of the true and the false child, int64 [n, 2]; -1 where there is none.
        repeated: The positions of nodes whose id another node of the tree has too.
    """

    children: np.ndarray
    repeated: np.ndarray

    @property
    def parents(self) -> np.ndarray:
        """The number of parents of each node, int64 [n]."""
        return np.bincount(self.children[self.children >= 0], minlength=len(self.children))


def read(parameters: Any) -> Nodes:
    """Read the nodes of a TreeEnsembleParameters message."""
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
    """Find the positions of all children. Those of leaves, and those that do not exist, are -1."""
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
    """The positions of the nodes at each depth, with the two children of a node next to each other.

    Args:
        children: The positions of children, int64 [n, 2]; -1 for leaves. No node may have two parents.
        roots: The positions of the roots.

    Returns:
        An array for each depth, beginning with the roots.
    """
    found: list[np.ndarray] = []
    while roots.size:
        found.append(roots)
        below = children[roots]
        roots = below[below[:, 0] >= 0].reshape(-1)
    return found
