"""Ensembles of decision trees, node by node.

trees = TreeEnsembleBuilder("features", width=3, class_labels=["no", "yes"])
trees.add_branch_node(0, 0, feature_index=2, feature_value=0.5, branch_mode="<=", true_child_id=1, false_child_id=2)
trees.add_leaf_node(0, 1, 0.1)
trees.add_leaf_node(0, 2, 0.9)
trees.save("trees.mlmodel")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from graphml import spec as files
from graphml.build.messages import Inputs, Labels, classifier, enum_value, finished, numbers, regressor
from graphml.errors import SpecError
from graphml.spec.wire.model_pb2 import Model

_MODES = {
    "<=": "BranchOnValueLessThanEqual",
    "<": "BranchOnValueLessThan",
    ">=": "BranchOnValueGreaterThanEqual",
    ">": "BranchOnValueGreaterThan",
    "==": "BranchOnValueEqual",
    "!=": "BranchOnValueNotEqual",
}

Transform = Literal[
    "NoTransform", "Classification_SoftMax", "Regression_Logistic", "Classification_SoftMaxWithZeroClassReference"
]


class TreeEnsembleBuilder:
    """Builds a treeEnsembleRegressor or, with class labels, a treeEnsembleClassifier.

    A row of features reaches one leaf in each tree. The values of these leaves are added to the default prediction, and
    the sum is transformed. The root of a tree is the node that has no parent.

    Args:
        inputs: The name of one array of all features, a name for each feature, or {name: type}.
        width: The number of features. None: the number of names.
        class_labels: Strings or integers, for a classifier.
        dimensions: How many numbers a leaf has: the numbers that a regressor returns; for a classifier one for each
            class, or for two classes 1, the score of the second class.
        output: The name of the output. Default: "prediction", or "classLabel" for a classifier.
        probabilities: The name of the output for the dictionary of probabilities; None: there is none.

    Raises:
        SpecError: If the number of names is not that of features, or labels are neither all strings nor all integers.
    """

    def __init__(
        self,
        inputs: Inputs = "input",
        width: int | None = None,
        class_labels: Labels | None = None,
        dimensions: int = 1,
        output: str | None = None,
        probabilities: str | None = "classProbability",
    ) -> None:
        if isinstance(inputs, str) and width is None:
            raise SpecError(f"the number of features in the array {inputs!r} is missing: set width")
        width = len(inputs) if width is None else width
        if class_labels is None:
            kind = "treeEnsembleRegressor"
            self._model = regressor(kind, inputs, width, output or "prediction", dimensions)
        else:
            kind = "treeEnsembleClassifier"
            self._model = classifier(kind, inputs, width, class_labels, output or "classLabel", probabilities)
        self._message: Any = getattr(self._model, kind)
        self._trees: Any = self._message.treeEnsemble
        self._next_tree = 0
        self._trees.numPredictionDimensions = dimensions
        self._trees.basePredictionValue.extend([0.0] * dimensions)

    def set_default_prediction_value(self, values: float | Sequence[float]) -> None:
        """Set the initial value, to which the values of the leaves are added. It is 0 by default.

        Args:
            values: One number for each dimension.
        """
        self._trees.basePredictionValue[:] = numbers(values, "the default prediction")

    def set_post_evaluation_transform(self, value: Transform) -> None:
        """Set the transform of the sum. It is "NoTransform" by default.

        Args:
            value: "Classification_SoftMax", "Regression_Logistic" (1 / (1 + exp(-sum))), or softmax with a 0 before the
                sums, "Classification_SoftMaxWithZeroClassReference".

        Raises:
            SpecError: If it is unknown.
        """
        self._message.postEvaluationTransform = enum_value(self._message, "postEvaluationTransform", value)

    def add_branch_node(
        self,
        tree_id: int,
        node_id: int,
        feature_index: int,
        feature_value: float,
        branch_mode: str,
        true_child_id: int,
        false_child_id: int,
        relative_hit_rate: float | None = None,
        missing_value_tracks_true_child: bool = False,
    ) -> None:
        """Add a branch node.

        Args:
            tree_id: The id of the tree.
            node_id: The id of the node, unique in the tree.
            feature_index: Which feature is compared.
            feature_value: What it is compared with, in float64.
            branch_mode: The comparison, as the format spells it, or one of "<=", "<", ">=", ">", "==", "!=".
            true_child_id: The id of the next node if the comparison is true.
            false_child_id: The same if it is false.
            relative_hit_rate: How often samples pass this node; does not affect predictions.
            missing_value_tracks_true_child: Whether NaN goes to the child for true.

        Raises:
            SpecError: If the mode is unknown.
        """
        self._next_tree = max(self._next_tree, tree_id + 1)
        node = self._trees.nodes.add(
            treeId=tree_id,
            nodeId=node_id,
            branchFeatureIndex=feature_index,
            branchFeatureValue=feature_value,
            trueChildNodeId=true_child_id,
            falseChildNodeId=false_child_id,
            missingValueTracksTrueChild=missing_value_tracks_true_child,
        )
        try:
            node.nodeBehavior = enum_value(node, "nodeBehavior", _MODES.get(branch_mode, branch_mode))
        except SpecError:
            del self._trees.nodes[-1]
            modes = ", ".join((*_MODES, *_MODES.values()))
            raise SpecError(f"branch_mode is {branch_mode!r}; expected one of {modes}") from None
        if relative_hit_rate is not None:
            node.relativeHitRate = relative_hit_rate

    def add_leaf_node(
        self,
        tree_id: int,
        node_id: int,
        values: float | Sequence[float] | Mapping[int, float],
        relative_hit_rate: float | None = None,
    ) -> None:
        """Add a leaf.

        Args:
            tree_id: The id of the tree.
            node_id: The id of the node, unique in the tree.
            values: What it adds to the sum: one number for each dimension, or {dimension: number}.
            relative_hit_rate: How often samples reach this leaf; does not affect predictions.
        """
        pairs = values.items() if isinstance(values, Mapping) else enumerate(numbers(values, "the values of a leaf"))
        self._next_tree = max(self._next_tree, tree_id + 1)
        node = self._trees.nodes.add(treeId=tree_id, nodeId=node_id)
        node.nodeBehavior = node.LeafNode
        for index, value in pairs:
            node.evaluationInfo.add(evaluationIndex=index, evaluationValue=value)
        if relative_hit_rate is not None:
            node.relativeHitRate = relative_hit_rate

    def add_tree(
        self,
        feature: Any,
        threshold: Any,
        left: Any,
        right: Any,
        values: Any,
        missing_left: Any = None,
    ) -> None:
        """Add a tree whose nodes are given as arrays, root first: a row with x[feature] <= threshold goes left.

        Args:
            feature: [nodes]; ignored for leaves.
            threshold: [nodes]; ignored for leaves.
            left: The index of the left child, [nodes]; negative for leaves.
            right: The index of the right child, [nodes].
            values: [nodes, dimensions]; ignored for branches. Zeros are not stored.
            missing_left: Whether NaN goes left, [nodes]. Default: right.
        """
        tree = self._next_tree
        values = np.asarray(values, np.float64).reshape(len(left), -1).tolist()
        missing = np.zeros(len(left), bool) if missing_left is None else np.asarray(missing_left, bool)
        for node, below in enumerate(np.asarray(left).tolist()):
            if below < 0:
                self.add_leaf_node(tree, node, {d: value for d, value in enumerate(values[node]) if value != 0})
            else:
                self.add_branch_node(
                    tree,
                    node,
                    int(feature[node]),
                    float(threshold[node]),
                    "<=",
                    true_child_id=below,
                    false_child_id=int(right[node]),
                    missing_value_tracks_true_child=bool(missing[node]),
                )

    @property
    def spec(self) -> Model:
        """The Model message. It is not a copy.

        Raises:
            SpecError: If the nodes do not form complete trees; the message names tree and node.
        """
        return finished(self._model)

    def model(self) -> Any:
        """Load a copy as a model that predicts, as `graphml.load` does."""
        from graphml.models import load

        copy = Model()
        copy.CopyFrom(self.spec)
        return load(copy)

    def save(self, path: str | Path) -> None:
        """Write the model to a file.

        Args:
            path: A .mlmodel file or a .mlpackage folder.
        """
        files.write(self.spec, path)
