"""The shapes of the blobs of a network under construction."""

from __future__ import annotations

from typing import Any

from graphml.errors import GraphError


def blob_shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """{blob: shape} of the inputs and of the layers' outputs, as the layers see them.

    The network is traced, not run. Blobs inside branches and loops are not included.

    Raises:
        GraphError: If an input has no declared shape.
        UnsupportedError: If a size depends on data.
        ShapeError: If a layer does not fit its inputs.
    """
    from graphml.descriptions import describe
    from graphml.frontends.layers import read_network
    from graphml.interpreter.lower import lower
    from graphml.models.interface.ports import input_ports

    network = getattr(model, str(model.WhichOneof("Type")))
    ports = input_ports(network, describe(model.description))
    unknown = [port.name for port in ports if port.shape is None]
    if unknown:
        raise GraphError(f"no shape is declared for input {', '.join(map(repr, unknown))}")
    return lower(*read_network(network, ports, ())).blob_shapes()
