"""Facts about a whole network message: its layers at any depth, their keys, how inputs are mapped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from graphml.spec import layers
from graphml.spec.attributes import kind_of


def layer_keys(messages: Sequence[Any], prefix: str = "") -> list[str]:
    """The keys of layers in the tree of parameters: their names, made unique with `#index`."""
    count = Counter(message.name for message in messages)
    keys: list[str] = []
    for position, message in enumerate(messages):
        key = message.name if message.name and count[message.name] == 1 else f"{message.name}#{position}"
        while key != message.name and key in count:
            key += "#"
        keys.append(prefix + key)
    return keys


def is_exact(network: Any) -> bool:
    """Whether inputs keep their shape, instead of becoming blobs of rank 5.

    They do if either mapping enum says so or any layer is newer than specification 3. The specification version does
    not matter: files of version 4 with old layers are common, and usually rank 5.
    """
    mapped = network.arrayInputShapeMapping or network.imageInputShapeMapping
    return bool(mapped) or any(layers.since(kind) > 3 for kind in all_kinds(network.layers))


def all_kinds(messages: Iterable[Any]) -> Iterator[str]:
    """The kinds of layer messages, sub-networks included."""
    return (kind for kind, _ in all_layers(messages))


def draws(messages: Iterable[Any]) -> bool:
    """Whether a layer, in sub-networks too, draws random numbers without a fixed seed."""
    return any(getattr(params, "seed", 0) < 0 for _, params in all_layers(messages))


def all_layers(messages: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """(kind, parameters) of layer messages, sub-networks included."""
    for message in messages:
        kind = kind_of(message)
        params = getattr(message, kind)
        yield kind, params
        for inner in layers.REGIONS.get(kind, {}):
            yield from all_layers(getattr(params, inner).layers)
