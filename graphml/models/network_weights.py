"""Replaced weights of a neural network go back into the messages of its layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np

from graphml.graph import Region
from graphml.models.weights import ModelWeights
from graphml.spec import weights as wire
from graphml.spec.attributes import weight_messages
from graphml.spec.layers import REGIONS


def write_weights(weights: ModelWeights, layers: Any, body: Region) -> None:
    """Store replaced weights in layer messages; all others stay byte-identical.

    Args:
        weights: The weights of the network.
        layers: The layer messages of the network.
        body: The same layers as a region.
    """
    for key, path, target in _stored_weights(layers, body):
        old, new = _at(weights.stored[key], path), _at(weights.current[key], path)
        if new is not old:
            wire.encode(jax.tree.map(np.asarray, new), target)


def _at(tree: Any, path: Iterable[Any]) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def _stored_weights(layers: Any, region: Region) -> Iterator[tuple[str, tuple[Any, ...], Any]]:
    """(key of the node, path to the weight in it, WeightParams message), for sub-networks too."""
    for layer, node in zip(layers, region.nodes, strict=True):
        for path, message in weight_messages(layer):
            yield node.key, path, message
        for field, name in REGIONS.get(node.kind, {}).items():
            if name in node.regions:
                yield from _stored_weights(getattr(getattr(layer, node.kind), field).layers, node.regions[name])
