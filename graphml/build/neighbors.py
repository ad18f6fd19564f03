"""Nearest neighbours: a classifier that stores samples, and may be empty at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from graphml.build.datatypes import array
from graphml.build.interface import are_strings
from graphml.build.messages import Labels, declare_label, finished, new_model
from graphml.errors import SpecError
from graphml.spec.neighbors import add_samples
from graphml.spec.wire.model_pb2 import Model


def nearest_neighbors_classifier(
    dimensions: int | None = None,
    *,
    samples: Any = None,
    labels: Labels = (),
    default_label: str | int | None = None,
    number_of_neighbors: int = 5,
    allowed: tuple[int, int] | Sequence[int] | range = (1, 1000),
    weighting: Literal["uniform", "inverse_distance"] = "uniform",
    leaf_size: int | None = None,
    updatable: bool = True,
    inputs: str = "input",
    dtype: Literal["float32", "float64"] = "float32",
    output: str = "label",
    probabilities: str | None = "labelProbs",
) -> Model:
    """A nearest neighbours classifier. An update adds samples; there are no epochs.

    Args:
        dimensions: The number of elements of a sample. None: that of `samples`.
        samples: [samples, dimensions], stored as float32. None: none yet.
        labels: The label of each sample, all strings or all integers.
        default_label: The prediction while there are no samples; required if there are none. It determines the type
            of the labels that an update may add.
        number_of_neighbors: k, how many neighbours vote.
        allowed: The values of k that a configuration may set: (least, most), or a `set` or `range` of values.
        weighting: "uniform": each neighbour has one vote; "inverse_distance": a nearer one has more.
        leaf_size: The leaf size of a k-d tree for the search of samples, which does not change results. None: no tree.
        updatable: Whether samples can be added on a device.
        inputs: The name of the input, an array.
        dtype: The dtype of the input. Distances are computed in float32.
        output: The name of the output for the label, and of the label in training.
        probabilities: The name of the output for {label: fraction of the votes}; None: there is none.

    Returns:
        A kNearestNeighborsClassifier message.

    Raises:
        SpecError: If sizes do not fit, k is not allowed, labels have several types, or a default label is missing.
    """
    rows: np.ndarray[Any, Any] | None = None if samples is None else np.asarray(samples, np.float32)
    if rows is not None and rows.ndim != 2:
        raise SpecError(f"samples must have the shape [samples, dimensions], got {list(rows.shape)}")
    if dimensions is None:
        if rows is None:
            raise SpecError("the number of dimensions is missing: set dimensions, or give samples")
        dimensions = int(rows.shape[1])
    strings = are_strings([*labels, *([] if default_label is None else [default_label])])
    model = new_model("kNearestNeighborsClassifier", {inputs: array(dimensions, dtype=dtype)}, {})
    declare_label(model, output, probabilities, strings=strings)
    message: Any = model.kNearestNeighborsClassifier
    if default_label is not None:
        setattr(message, "defaultStringLabel" if strings else "defaultInt64Label", default_label)
    _set_number(message.numberOfNeighbors, number_of_neighbors, allowed)
    if weighting not in ("uniform", "inverse_distance"):
        raise SpecError(f"weighting is {weighting!r}; expected 'uniform' or 'inverse_distance'")
    (message.uniformWeighting if weighting == "uniform" else message.inverseDistanceWeighting).SetInParent()
    index = message.nearestNeighborsIndex
    index.numberOfDimensions = dimensions
    index.squaredEuclideanDistance.SetInParent()
    if leaf_size is None:
        index.linearIndex.SetInParent()
    else:
        index.singleKdTreeIndex.leafSize = leaf_size
    if rows is not None and len(rows):
        if rows.shape[1] != dimensions:
            raise SpecError(f"samples have {rows.shape[1]} elements, but dimensions is {dimensions}")
        add_samples(index, rows)
    if len(labels):
        plain = list(labels) if strings else [int(label) for label in labels]
        (message.stringClassLabels if strings else message.int64ClassLabels).vector.extend(plain)
    if updatable:
        model.isUpdatable = True
        training = model.description.trainingInput
        training.add().CopyFrom(model.description.input[0])
        training.add().CopyFrom(model.description.output[0])
    return finished(model)


def _set_number(parameter: Any, value: int, allowed: Any) -> None:
    parameter.defaultValue = value
    if isinstance(allowed, tuple):
        parameter.range.minValue, parameter.range.maxValue = allowed
    else:
        parameter.set.values.extend(sorted(allowed))
