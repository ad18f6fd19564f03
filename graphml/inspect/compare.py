"""Find the first layer at which two networks differ: run both on the same inputs and compare them blob by blob."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from graphml.errors import FeatureError, UnsupportedError, with_article
from graphml.interop.onnx import run_onnx
from graphml.models import load
from graphml.models.network import NeuralNetwork


@dataclass(frozen=True)
class Difference:
    """How much one value differs between the two models.

    Attributes:
        first: Name of the value in the first model.
        second: Name of the value in the second model.
        layer: The layer of the first model that computes it.
        shape: Its shape in the first model.
        error: The largest difference, relative to the largest number of the first model.
    """

    first: str
    second: str
    layer: str
    shape: tuple[int, ...]
    error: float


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`.

    Attributes:
        differences: One for each value, in the order in which the first model computes them.
        tolerance: The largest error that still counts as equal.
    """

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
    """Run two networks on the same inputs and compare what they compute.

    Values are matched by name; outputs whose names differ are matched by their order.

    Args:
        first: A neural network.
        second: The .mlmodel, .mlpackage or .onnx file to compare it with. An ONNX graph receives the same arrays as the
            layers of the first network, with images as pixels.
        features: Inputs of the first network. None draws random ones: pixels 0..255 for images, 0..1 for arrays.
        tolerance: The largest relative error that counts as equal.
        seed: For random inputs, and for layers that draw random numbers.

    Raises:
        FeatureError: If the networks have no value in common.
        UnsupportedError: If one of the models is not a neural network.
    """
    a = _network(first)
    inputs = {name: np.asarray(x) for name, x in a.arrays(_random(a, seed) if features is None else features).items()}
    key = jax.random.key(seed)  # layers that draw random numbers draw the same ones in both
    blobs = a.intermediates(inputs, key=key)
    outputs = list(a.graph.outputs)
    if Path(second).suffix == ".onnx":
        others = run_onnx(second, inputs)
        other_outputs = list(others)[-len(outputs) :]
    else:
        b = _network(second)
        names = b.graph.inputs
        if set(names) != set(inputs) and len(names) == len(inputs):
            inputs = dict(zip(names, inputs.values(), strict=True))
        others = b.intermediates(inputs, key=key)
        other_outputs = list(b.graph.outputs)
    pairs = {name: name for name in blobs if name in others}
    for name, other in zip(outputs, other_outputs, strict=False):
        pairs.setdefault(name, other)
    layers = {name: node.label for node in a.graph.body.nodes for name in node.outputs}
    found = [
        Difference(name, pairs[name], layers[name], blobs[name].shape, _error(blobs[name], others[pairs[name]]))
        for node in a.graph.body.nodes
        for name in node.outputs
        if name in pairs and name in blobs
    ]
    if not found:
        raise FeatureError(f"{first} and {second} have no value in common")
    return Comparison(tuple(found), tolerance)


def _network(path: str | Path) -> NeuralNetwork:
    model = load(path)
    if not isinstance(model, NeuralNetwork):
        raise UnsupportedError(
            f"only neural networks can be compared layer by layer; {path} is {with_article(model.kind)}"
        )
    return model


def _random(model: NeuralNetwork, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    out: dict[str, np.ndarray] = {}
    for port in model.interface.inputs:
        if port.shape is None:
            raise FeatureError(f"the input {port.name!r} has no declared shape; pass `features`")
        out[port.name] = rng.uniform(0, 255 if port.image else 1, port.shape).astype(np.float32)
    return out


def _error(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference relative to the largest number; infinite if sizes differ or only one of them has NaN."""
    if a.size != b.size:
        return float("inf")
    a, b = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return float("inf")
    difference = np.nan_to_num(np.abs(a - b), nan=0.0)
    return float(difference.max(initial=0.0) / max(float(np.nanmax(np.abs(a), initial=0.0)), 1e-12))
