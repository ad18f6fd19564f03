"""Models without networks for tests: messages made of plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from graphml.build import array
from graphml.spec import Model

Tree = tuple
"""A leaf ("leaf", {dimension: value}) or a branch (mode, feature, threshold, NaN takes the true branch, true, false)"""

MODES = ("<=", "<", ">=", ">", "==", "!=")


def model(kind: str, inputs: int | Sequence[str] = 3, version: int = 4) -> Model:
    """A model of a kind, with only an interface. inputs: the length of one array "x", or names of numbers."""
    message = Model(specificationVersion=version)
    getattr(message, kind).SetInParent()
    description = message.description
    if isinstance(inputs, int):
        description.input.add(name="x").type.CopyFrom(array(inputs, dtype="float64"))
    else:
        for name in inputs:
            description.input.add(name=name).type.doubleType.SetInParent()
    if kind.endswith("Regressor"):
        description.predictedFeatureName = "y"
        description.output.add(name="y").type.doubleType.SetInParent()
    return message


def with_classes(message: Model, labels: Iterable[Any], probabilities: str | None = "probs") -> Model:
    """A classifier's labels, and its outputs `label` and, if named, the dictionary of probabilities."""
    labels = list(labels)
    strings = isinstance(labels[0], str)
    member = getattr(message, message.WhichOneof("Type"))
    (member.stringClassLabels if strings else member.int64ClassLabels).vector.extend(labels)
    description = message.description
    description.predictedFeatureName = "label"
    label = description.output.add(name="label").type
    (label.stringType if strings else label.int64Type).SetInParent()
    if probabilities is not None:
        description.predictedProbabilitiesName = probabilities
        keys = description.output.add(name=probabilities).type.dictionaryType
        (keys.stringKeyType if strings else keys.int64KeyType).SetInParent()
    return message


def array_output(message: Model, *shape: int) -> Model:
    message.description.output[0].type.CopyFrom(array(*shape, dtype="float64"))
    return message


# Trees ----------------------------------------------------------------------------------------------------------------


def trees(
    kind: str,
    forest: Sequence[Tree],
    base: Sequence[float],
    transform: str = "NoTransform",
    inputs: int | Sequence[str] = 3,
) -> Model:
    message = model(kind, inputs, version=1)
    ensemble = getattr(message, kind)
    ensemble.postEvaluationTransform = (
        ensemble.DESCRIPTOR.fields_by_name["postEvaluationTransform"].enum_type.values_by_name[transform].number
    )
    ensemble.treeEnsemble.numPredictionDimensions = len(base)
    ensemble.treeEnsemble.basePredictionValue.extend(base)
    for number, tree in enumerate(forest):
        _add(ensemble.treeEnsemble, number, tree)
    return message


def _add(ensemble: Any, tree_id: int, tree: Tree) -> None:
    todo, count = [(0, tree)], 1
    while todo:
        number, tree = todo.pop()
        node = ensemble.nodes.add(treeId=tree_id, nodeId=number)
        if tree[0] == "leaf":
            node.nodeBehavior = node.LeafNode
            for index, value in tree[1].items():
                node.evaluationInfo.add(evaluationIndex=index, evaluationValue=value)
            continue
        mode, feature, threshold, missing, true, false = tree
        node.nodeBehavior = MODES.index(mode)
        node.branchFeatureIndex, node.branchFeatureValue = feature, threshold
        node.missingValueTracksTrueChild = missing
        node.trueChildNodeId, node.falseChildNodeId = count, count + 1
        todo += [(count, true), (count + 1, false)]
        count += 2


def walk(tree: Tree, row: Sequence[float]) -> dict[int, float]:
    """The leaf that a row reaches: what the trees are judged by."""
    while tree[0] != "leaf":
        mode, feature, threshold, missing, true, false = tree
        value = row[feature]
        if value != value:
            answer = missing
        else:
            answer = {
                "<=": value <= threshold,
                "<": value < threshold,
                ">=": value >= threshold,
                ">": value > threshold,
                "==": value == threshold,
                "!=": value != threshold,
            }[mode]
        tree = true if answer else false
    return tree[1]


def from_sklearn(tree: Any, values: np.ndarray) -> Tree:
    """A tree of scikit-learn's; values: [nodes, dimensions] of its leaves."""

    def node(i: int) -> Tree:
        if tree.children_left[i] < 0:
            return ("leaf", {d: float(v) for d, v in enumerate(values[i])})
        sides = node(tree.children_left[i]), node(tree.children_right[i])
        missing = bool(tree.missing_go_to_left[i])
        return ("<=", int(tree.feature[i]), float(tree.threshold[i]), missing, *sides)

    return node(0)


# Others ---------------------------------------------------------------------------------------------------------------


def linear(kind: str, weights: Any, offset: Any, transform: str, encoding: str | None = None) -> Model:
    weights = np.atleast_2d(weights)
    message = model(kind, weights.shape[1], version=1)
    member = getattr(message, kind)
    for row in weights:
        member.weights.add(value=row)
    member.offset.extend(np.atleast_1d(offset))
    member.postEvaluationTransform = member.PostEvaluationTransform.Value(transform)
    if encoding is not None:
        member.classEncoding = member.ClassEncoding.Value(encoding)
    return message


def kernel(message: Any, kind: str, **parameters: float) -> None:
    getattr(message.kernel, kind).SetInParent()
    for name, value in parameters.items():
        setattr(getattr(message.kernel, kind), name, value)


def vectors(message: Any, rows: np.ndarray, sparse: bool) -> None:
    """Support vectors; sparse ones without their zeros."""
    if not sparse:
        message.denseSupportVectors.SetInParent()
        for row in rows:
            message.denseSupportVectors.vectors.add(values=row)
        return
    message.sparseSupportVectors.SetInParent()
    for row in rows:
        vector = message.sparseSupportVectors.vectors.add()
        for index in np.flatnonzero(row):
            vector.nodes.add(index=int(index) + 1, value=row[index])


def by_name(names: Sequence[str], rows: np.ndarray) -> list[Mapping[str, float]]:
    return [dict(zip(names, row, strict=True)) for row in rows.tolist()]
