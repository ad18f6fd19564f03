"""Where do two models first differ? The same inputs through both, blob by blob."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphml.errors import FeatureError, UnsupportedError
from graphml.interop.onnx import run_onnx
from graphml.models import load
from graphml.models.network import NeuralNetwork


@dataclass(frozen=True)
class Difference:
    """One value of both models. error: the largest difference, relative to the largest number of the first model."""

    first: str
    second: str
    layer: str
    shape: tuple[int, ...]
    error: float


@dataclass(frozen=True)
class Comparison:
    """Values in the order in which the first model computes them. tolerance: what counts as a difference."""

    differences: tuple[Difference, ...]
    tolerance: float

    @property
    def agree(self) -> bool:
        """Whether no value differs by more than the tolerance."""
        return self.start is None

    @property
    def start(self) -> Difference | None:
        """The first value that differs."""
        return next((d for d in self.differences if not d.error <= self.tolerance), None)


def compare(
    first: str | Path,
    second: str | Path,
    features: Mapping[str, Any] | None = None,
    *,
    tolerance: float = 1e-3,
    seed: int = 0,
) -> Comparison:
    """Run a network and another one, an `.mlmodel` or `.onnx` file, on the same inputs and compare what they compute.

    Values are matched by name; outputs whose names differ are matched by their order. features: inputs of the first
    model; random ones from its description when left out (pixels 0..255 for images, else 0..1). An ONNX graph is given
    the same arrays, images as pixels.
    Raises FeatureError when nothing can be matched, UnsupportedError for models that are no networks.
    """
    a = _network(first)
    inputs = a.checked_inputs(_random_features(a, seed) if features is None else features)
    blobs_a = {name: np.asarray(blob) for name, blob in a.blobs(inputs).items()}
    if Path(second).suffix == ".onnx":
        blobs_b = run_onnx(second, inputs)
        outputs_b = list(blobs_b)[-len(a.graph.outputs) :]
    else:
        b = _network(second)
        names = [port.name for port in b.graph.inputs]
        if set(names) != set(inputs) and len(names) == len(inputs):
            inputs = dict(zip(names, inputs.values(), strict=True))
        blobs_b = {name: np.asarray(blob) for name, blob in b.blobs(inputs).items()}
        outputs_b = [port.name for port in b.graph.outputs]
    pairs = {name: name for name in blobs_a if name in blobs_b}
    for port, other in zip(a.graph.outputs, outputs_b, strict=False):
        pairs.setdefault(port.name, other)
    return Comparison(tuple(_differences(a, blobs_a, blobs_b, pairs)), tolerance)
