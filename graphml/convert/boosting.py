"""What gradient boosting libraries share: sums of trees as predictions or class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.build.messages import Inputs, Labels
from graphml.build.trees import TreeEnsembleBuilder
from graphml.convert.estimators import RowAnswers, RowSource
from graphml.convert.source import OperatorUse
from graphml.errors import UnsupportedError
from graphml.models.interface.ports import classes_of
from graphml.spec.wire.model_pb2 import Model

PREDICTION = ("prediction", "")
CLASSES = ("classLabel", "classProbability")


class Boosting:
    """A sum of trees for each score. The single score of a binary classifier is that of the second class.

    Args:
        inputs: The name of one array of all features, a name for each feature, or {name: type}.
        width: The number of features.
        base: The initial value of each score, to which the trees are added.
        classes: The labels of a classifier.
        names: The name of the output, or of the label and the probabilities. Default: as for scikit-learn.
        logistic: Whether a regressor returns 1 / (1 + exp(-sum)). A classifier does, or the softmax of several scores.
    """

    def __init__(
        self,
        inputs: Inputs | None,
        width: int,
        base: Sequence[float],
        classes: Labels | None = None,
        names: str | tuple[str, str] | None = None,
        logistic: bool = False,
    ) -> None:
        self._scores = len(base)
        usual = PREDICTION if classes is None else CLASSES
        output, probabilities = usual if names is None else (names, usual[1]) if isinstance(names, str) else names
        inputs = "input" if inputs is None else inputs
        self._trees = TreeEnsembleBuilder(
            inputs, width, classes, self._scores, output=output, probabilities=probabilities
        )
        self._trees.set_default_prediction_value(base)
        if classes is not None and self._scores > 1:
            self._trees.set_post_evaluation_transform("Classification_SoftMax")
        elif classes is not None or logistic:
            self._trees.set_post_evaluation_transform("Regression_Logistic")

    def add(
        self, score: int, feature: Any, threshold: Any, left: Any, right: Any, value: Any, missing_left: Any
    ) -> None:
        """Add a tree to a score: a row with x[feature] <= threshold goes left.

        Args:
            score: The index of the score.
            feature: [nodes].
            threshold: [nodes], compared as float64.
            left: The index of the left child, [nodes]; negative for leaves.
            right: The index of the right child, [nodes].
            value: [nodes]; ignored for branches.
            missing_left: Whether NaN goes left, [nodes].
        """
        values = np.zeros((len(left), self._scores))
        values[:, score] = value
        self._trees.add_tree(feature, threshold, left, right, values, missing_left)

    @property
    def spec(self) -> Model:
        """The Model message."""
        return self._trees.spec


class BoostingSource(RowSource):
    """A model of a gradient boosting library, as a source of `graphml.convert`.

    Attributes:
        kind: The library's name for the kind of model.
        trees: The number of trees.
    """

    kind: str
    trees: int

    def operators(self) -> list[OperatorUse]:
        name = f"tree ({self.kind})"
        try:
            return [OperatorUse(name, self.trees, self.model.kind)]
        except UnsupportedError as error:
            return [OperatorUse(name, self.trees, "", str(error))]

    def labelled(self, found: Any) -> RowAnswers:
        """The predictions from the library's output: numbers, or probabilities of the second class or of all classes.

        Args:
            found: [rows] or [rows, scores].
        """
        values = np.asarray(found, np.float64)
        if not self.model.kind.endswith("Classifier"):
            return RowAnswers(values)
        shares = np.stack([1 - values, values], axis=1) if values.ndim == 1 else values
        found = classes_of(getattr(self.model.spec, self.model.kind), self.model.description)
        assert found is not None
        classes = found.labels
        return RowAnswers([classes[place] for place in shares.argmax(axis=1)], classes, shares)
