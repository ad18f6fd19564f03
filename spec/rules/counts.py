"""How many parts a model may have: a message that holds nothing takes two bytes in a file and a hundred in memory.

The parts counted here are those for which objects of Python are made, and which rules compare with each other. All
others, such as the nodes of trees, may be as many as a file holds; reading it takes up to 50 times its size in memory.
"""

from __future__ import annotations

from typing import Any

from graphml.errors import SpecError
from graphml.spec import layers

MOST = {"layers": 1 << 16, "features": 1 << 16, "models": 1 << 14, "functions": 1 << 14, "weights": 1 << 16}
"""Of a whole model: layers, those of sub-networks included; inputs, outputs, training inputs and states; models, which
are itself and all stages of pipelines; functions; weights that layers have in lists."""


def check_counts(model: Any) -> None:
    """Raise SpecError when a model has more of these parts than any real one."""
    counts = dict.fromkeys(MOST, 0)

    def count(what: str, number: int) -> None:
        counts[what] += number
        if counts[what] > MOST[what]:
            raise SpecError(f"the model has {counts[what]:,} {what} or more; {MOST[what]:,} are the most")

    count("models", 1)
    todo = [model]
    while todo:
        message = todo.pop()
        if message.DESCRIPTOR.name == "Model":
            count("functions", len(message.description.functions))
            for description in (message.description, *message.description.functions):
                for field in ("input", "output", "trainingInput", "state"):
                    count("features", len(getattr(description, field, ())))
            kind = message.WhichOneof("Type") or ""
            if kind in layers.NETWORKS:
                todo.append(getattr(message, kind))
            elif kind.startswith("pipeline"):
                stages = (message.pipeline if kind == "pipeline" else getattr(message, kind).pipeline).models
                count("models", len(stages))
                todo += stages
        else:
            count("layers", len(message.layers))
            for layer in message.layers:
                kind = layer.WhichOneof("layer") or ""
                count("weights", len(layer.custom.weights) if kind == "custom" else 0)
                todo += [getattr(getattr(layer, kind), field) for field in layers.REGIONS.get(kind, ())]
