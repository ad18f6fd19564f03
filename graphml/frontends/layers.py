"""The front end of neural networks: a network message becomes a graph of layers and its interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphml.errors import SpecError, typed
from graphml.frontends.layer_interface import LayerInterface, Port
from graphml.graph import EXIT, Graph, Node, Region, check_wiring
from graphml.spec import attributes as wire
from graphml.spec import layers
from graphml.spec.networks import is_exact, layer_keys
from graphml.spec.rules.layer_fields import blob_counts
from graphml.spec.rules.problems import layer_label

DIALECT = "layer"


def read_network(network: Any, inputs: Sequence[Port], outputs: Sequence[Port]) -> tuple[Graph, LayerInterface]:
    """Read a neural network message, of any of the three kinds of network.

    Args:
        network: the message.
        inputs: the declared inputs.
        outputs: the declared outputs; they may be any blobs.

    Returns:
        The graph, and the interface by which arrays enter and leave it.

    Raises:
        SpecError: A layer is not legal; the message names it.
        GraphError: A blob is read before it is written, or no layer writes an output.
    """
    graph = Graph(
        tuple(port.name for port in inputs), tuple(port.name for port in outputs), read_layers(network.layers)
    )
    check_wiring(graph)
    mapping = {"exact": is_exact(network), "image_rank4": bool(network.imageInputShapeMapping)}
    return graph, LayerInterface(tuple(inputs), tuple(outputs), **mapping)


def read_layers(messages: Sequence[Any], *, prefix: str = "") -> Region:
    """Decode a list of layer messages. How their blobs are wired is not checked.

    Args:
        messages: layers, in the order in which they run.
        prefix: the beginning of their keys.

    Raises:
        SpecError: A layer is not legal; the message names it.
    """
    keys = layer_keys(messages, prefix)
    return Region(tuple(_node(*each) for each in zip(keys, messages, range(len(messages)), strict=True)))


def _node(key: str, message: Any, position: int) -> Node:
    try:
        kind = wire.kind_of(message)
        _check_parts(kind, message)
        attributes, weights = wire.decode_attributes(message), wire.stored_weights(message)
    except Exception as error:
        raise typed(error, layer_label(message, position)) from error
    params = getattr(message, kind)
    regions = {
        name: read_layers(getattr(params, field).layers, prefix=f"{key}/{name}/")
        for field, name in layers.REGIONS.get(kind, {}).items()
        if getattr(params, field).layers
    }
    return Node(
        key=key,
        name=message.name,
        dialect=DIALECT,
        kind=kind,
        inputs=tuple(message.input),
        outputs=(EXIT,) if kind in layers.EXITS else tuple(message.output),
        attributes=attributes,
        weights=weights,
        position=position,
        regions=regions,
        updatable=message.isUpdatable,
    )


def _check_parts(kind: str, message: Any) -> None:
    """Raise SpecError where a layer lacks inputs, outputs or sub-networks that it needs."""
    faults = [*blob_counts(message)]
    params = getattr(message, kind)
    needed = layers.NEEDED_REGIONS.get(kind, ())
    faults += [f"{name} has no layers" for name in needed if not getattr(params, name).layers]
    if faults:
        raise SpecError("; ".join(faults))
