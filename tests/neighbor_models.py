"""Nearest-neighbours models for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.build import array
from graphml.spec import Model
from graphml.spec.neighbors import add_samples


def neighbors(
    samples: Any,
    labels: Sequence[Any],
    *,
    k: int = 3,
    inverse: bool = False,
    default: Any = None,
    leaf_size: int | None = None,
    probabilities: str | None = "probs",
    name: str = "x",
) -> Model:
    """An updatable classifier of `name` into `label`; k from 1 to 10. leaf_size: of a kd-tree; None: a linear index."""
    rows = np.asarray(samples, np.float32)
    model = Model(specificationVersion=4, isUpdatable=True)
    strings = isinstance([*labels, default][0], str)
    description = model.description
    description.predictedFeatureName = "label"
    features = [description.input.add(name=name), description.trainingInput.add(name=name)]
    for feature in features:
        feature.type.CopyFrom(array(rows.shape[1]))
    for feature in (description.output.add(name="label"), description.trainingInput.add(name="label")):
        (feature.type.stringType if strings else feature.type.int64Type).SetInParent()
    if probabilities is not None:
        description.predictedProbabilitiesName = probabilities
        keys = description.output.add(name=probabilities).type.dictionaryType
        (keys.stringKeyType if strings else keys.int64KeyType).SetInParent()
    knn = model.kNearestNeighborsClassifier
    knn.numberOfNeighbors.defaultValue = k
    knn.numberOfNeighbors.range.minValue, knn.numberOfNeighbors.range.maxValue = 1, 10
    (knn.inverseDistanceWeighting if inverse else knn.uniformWeighting).SetInParent()
    (knn.stringClassLabels if strings else knn.int64ClassLabels).vector.extend(labels)
    if default is not None:
        setattr(knn, "defaultStringLabel" if strings else "defaultInt64Label", default)
    index = knn.nearestNeighborsIndex
    index.numberOfDimensions = rows.shape[1]
    index.squaredEuclideanDistance.SetInParent()
    (index.linearIndex if leaf_size is None else index.singleKdTreeIndex).SetInParent()
    if leaf_size is not None:
        index.singleKdTreeIndex.leafSize = leaf_size
    add_samples(index, rows)
    return model
