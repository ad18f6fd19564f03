"""How many parts a model may have: a message that holds nothing takes two bytes in a file and hundreds in Python."""

from __future__ import annotations

from typing import Any

from graphml.errors import SpecError
from graphml.spec import layers

MOST_LAYERS = 1 << 16
"""Layers of a model, those of its stages and sub-networks included."""

MOST_FEATURES = 1 << 16
"""Inputs, outputs, training inputs and states of a model, those of its stages and functions included."""


def check_counts(model: Any) -> None:
    """Raise SpecError when a model has more layers or features than any real one."""
    counts = {"layers": 0, "features": 0}
    most = {"layers": MOST_LAYERS, "features": MOST_FEATURES}

    def count(what: str, number: int) -> None:
        counts[what] += number
        if counts[what] > most[what]:
            raise SpecError(f"the model has {counts[what]:,} {what} or more; {most[what]:,} are the most")

    todo = [model]
    while todo:
        message = todo.pop()
        if message.DESCRIPTOR.name == "Model":
            for description in (message.description, *message.description.functions):
                for field in ("input", "output", "trainingInput", "state"):
                    count("features", len(getattr(description, field, ())))
            kind = message.WhichOneof("Type") or ""
            if kind in layers.NETWORKS:
                todo.append(getattr(message, kind))
            elif kind.startswith("pipeline"):
                todo += (message.pipeline if kind == "pipeline" else getattr(message, kind).pipeline).models
        else:
            count("layers", len(message.layers))
            for layer in message.layers:
                kind = layer.WhichOneof("layer") or ""
                todo += [getattr(getattr(layer, kind), field) for field in layers.REGIONS.get(kind, ())]
