"""Rules of tree ensembles: the values of single nodes, and the links between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from graphml.spec import trees
from graphml.spec.rules.problems import Problem, first_few, unknown_values
from graphml.spec.rules.tabular import answer_size, class_count, class_outputs, numeric_inputs, row_width
from graphml.spec.wire.model_pb2 import Model

_ZERO_REFERENCE = 3  # Classification_SoftMaxWithZeroClassReference


def tree_regressor(model: Model) -> Iterator[Problem]:
    message = model.treeEnsembleRegressor
    yield from numeric_inputs(model)
    yield from _ensemble(message, row_width(model.description.input))
    dimensions = message.treeEnsemble.numPredictionDimensions
    yield from answer_size(model, dimensions + (message.postEvaluationTransform == _ZERO_REFERENCE))


def tree_classifier(model: Model) -> Iterator[Problem]:
    message = model.treeEnsembleClassifier
    yield from numeric_inputs(model)
    yield from class_outputs(model)
    yield from _ensemble(message, row_width(model.description.input))
    classes, faults = class_count(message, "trees")
    yield from faults
    if not classes:
        return
    dimensions = message.treeEnsemble.numPredictionDimensions
    legal = [classes - 1] if message.postEvaluationTransform == _ZERO_REFERENCE else [classes]
    if classes == 2 and 1 not in legal:
        legal = [1, *legal]
    if dimensions not in legal:
        sizes = " or ".join(map(str, legal))
        what = f"has {dimensions} prediction dimensions; {classes} classes with this transform have {sizes}"
        yield Problem("trees", what)


def _ensemble(message: Any, width: int | None) -> Iterator[Problem]:
    """Everything that is wrong with the ensemble itself. width: the number of features, if it is known."""
    ensemble = message.treeEnsemble
    dimensions = ensemble.numPredictionDimensions
    yield from unknown_values(message, "postEvaluationTransform", "trees")
    if dimensions < 1:
        yield Problem("trees", "have no prediction dimensions")
    if len(ensemble.basePredictionValue) != dimensions:
        what = f"have {len(ensemble.basePredictionValue)} base predictions for {dimensions} prediction dimensions"
        yield Problem("trees", what)
    nodes = trees.read(ensemble)
    yield from _node_values(nodes, dimensions, width)
    yield from _links(nodes)


def _node_values(nodes: trees.Nodes, dimensions: int, width: int | None) -> Iterator[Problem]:
    """Rules of single nodes."""
    branch = ~nodes.is_leaf

    def at(faulty: np.ndarray, what: Callable[[int], str]) -> Iterator[Problem]:
        for position in first_few(np.flatnonzero(faulty).tolist()):
            yield Problem(_node(nodes, position), what(position))

    unknown = (nodes.behavior < 0) | (nodes.behavior > trees.LEAF)
    yield from at(unknown, lambda i: f"has the unknown behavior {nodes.behavior[i]}")
    yield from at(branch & np.isnan(nodes.threshold), lambda i: "compares with NaN")
    if width is not None:
        asked = branch & (nodes.feature >= width)
        yield from at(asked, lambda i: f"feature {nodes.feature[i]} is out of range for {width} features")
    owner = nodes.owner
    for entry in first_few(np.flatnonzero(nodes.index >= dimensions)):
        what = f"dimension {nodes.index[entry]} is out of range for {dimensions} prediction dimensions"
        yield Problem(_node(nodes, int(owner[entry])), what)


def _links(nodes: trees.Nodes) -> Iterator[Problem]:
    """Each tree is a tree: ids are unique, children exist, every node but one root has one parent, no cycles."""
    found = trees.links(nodes)
    ok = True

    def at(positions: np.ndarray, what: Callable[[int], str]) -> Iterator[Problem]:
        nonlocal ok
        for position in first_few(positions.tolist()):
            ok = False
            yield Problem(_node(nodes, position), what(position))

    yield from at(found.repeated, lambda i: "occurs more than once")
    for side, name in enumerate(("true", "false")):
        lost = (found.children[:, side] < 0) & ~nodes.is_leaf
        yield from at(
            np.flatnonzero(lost),
            lambda i, side=side, name=name: f"its {name} child, {nodes.children[i, side]}, is not in the tree",
        )
    if not ok:
        return
    parents = found.parents
    yield from at(np.flatnonzero(parents > 1), lambda i: "is the child of more than one branch")
    if not ok:
        return
    roots = np.flatnonzero(parents == 0)
    reached = np.zeros(len(parents), bool)
    for level in trees.levels(found.children, roots):
        reached[level] = True
    ids, counts = np.unique(nodes.tree[roots], return_counts=True)
    for tree in first_few(np.flatnonzero(counts > 1)):
        yield Problem(f"tree {ids[tree]}", f"has {counts[tree]} roots; a tree has one")
    lost = np.flatnonzero(~reached)
    for tree in first_few(np.unique(nodes.tree[lost])):
        node = nodes.node[lost[nodes.tree[lost] == tree][0]]
        yield Problem(f"tree {tree}", f"its nodes form a cycle that contains node {node}, or an ancestor of it")


def _node(nodes: trees.Nodes, position: int) -> str:
    return f"tree {nodes.tree[position]}, node {nodes.node[position]}"
