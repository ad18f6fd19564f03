"""Rules of nearest-neighbours classifiers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from graphml.errors import SpecError
from graphml.spec.neighbors import labels_of, samples_of
from graphml.spec.rules.problems import Problem, first_few
from graphml.spec.rules.updates import parameter_faults


def neighbor_problems(classifier: Any) -> Iterator[Problem]:
    """Everything that is wrong with a KNearestNeighborsClassifier message."""
    where = "nearest neighbours"
    for fault in parameter_faults(classifier, "numberOfNeighbors", positive=True):
        yield Problem(where, fault)
    index = classifier.nearestNeighborsIndex
    which = classifier.WhichOneof("ClassLabels")
    labels, samples = len(labels_of(classifier)), len(index.floatSamples)
    if labels != samples:
        yield Problem(where, f"expected a label for each of the {samples} samples, got {labels}")
    if index.numberOfDimensions < 1:
        yield Problem(where, f"numberOfDimensions must be at least 1, got {index.numberOfDimensions}")
    else:
        yield from (Problem(where, fault) for fault in _sample_faults(index))
    default = classifier.WhichOneof("DefaultClassLabel")
    if not samples and default is None:
        yield Problem(where, "has no samples, so it needs a default label")
    if which and default and which.startswith("int64") != (default == "defaultInt64Label"):
        yield Problem(where, f"its {which} and its {default} have different types")
    if classifier.WhichOneof("WeightingScheme") is None:
        yield Problem(where, "has no weighting scheme")
    for oneof in ("IndexType", "DistanceFunction"):
        if index.WhichOneof(oneof) is None:
            yield Problem(where, f"{oneof} is not set", "warning")
    if index.HasField("singleKdTreeIndex") and index.singleKdTreeIndex.leafSize < 1:
        yield Problem(where, f"leafSize must be at least 1, got {index.singleKdTreeIndex.leafSize}", "warning")


def _sample_faults(index: Any) -> Iterator[str]:
    width = index.numberOfDimensions
    try:
        samples = samples_of(index)
    except SpecError:
        sizes = ((i, len(sample.vector)) for i, sample in enumerate(index.floatSamples))
        wrong = [(i, size) for i, size in sizes if size != width]
        for i, size in first_few(wrong):
            yield f"sample {i + 1} must have {width} numbers, got {size}"
        return
    bad = np.flatnonzero(~np.isfinite(samples).all(axis=1))
    for i in first_few(bad):
        value = samples[i][~np.isfinite(samples[i])][0]
        yield f"sample {i + 1} must have finite numbers, got {value}"
