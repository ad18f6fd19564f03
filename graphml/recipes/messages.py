"""The network in a Model message, and its layers by key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphml.errors import UpdateError, with_article
from graphml.spec.attributes import kind_of
from graphml.spec.layers import NETWORKS, REGIONS
from graphml.spec.networks import layer_keys
from graphml.spec.wire.model_pb2 import Model


def network_of(model: Model) -> Any:
    """The network in a model. Any: its message is one of three types with the same fields.

    Raises:
        UpdateError: the model is not a neural network.
    """
    kind = model.WhichOneof("Type")
    if kind not in NETWORKS:
        raise UpdateError(f"only neural networks can be trained; this model is {with_article(kind)}")
    return getattr(model, kind)


def keyed_layers(network: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key in the tree of parameters, layer) of all layers, those of sub-networks too. Any: see `network_of`."""
    for key, layer in zip(layer_keys(network.layers, prefix), network.layers, strict=True):
        yield key, layer
        kind = kind_of(layer)
        for field, name in REGIONS.get(kind, {}).items():
            yield from keyed_layers(getattr(getattr(layer, kind), field), f"{key}/{name}/")
