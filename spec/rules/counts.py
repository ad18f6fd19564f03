"""Limits on the number of parts: an empty message takes two bytes in a file, but a hundred in memory.

Parts count if Python objects are made for them, or rules compare them with each other. Other parts, such as
the nodes of trees, are not limited; reading them takes up to 50 times the size of the file.
"""

from __future__ import annotations

from typing import Any

from graphml.errors import SpecError
from graphml.spec import layers

MOST = {
    "layers": 1 << 16,
    "features": 1 << 16,
    "models": 1 << 14,
    "functions": 1 << 14,
    "weights": 1 << 16,
    "operations": 1 << 18,
    "blocks": 1 << 14,
}
"""The limits of a whole model: layers, including those of sub-networks; inputs, outputs, training inputs and states;
the model itself and all stages of pipelines; functions; weights of custom layers; operations and blocks of programs."""


def check_counts(model: Any) -> None:
    """Check that a model has no more parts than `MOST`.

    Raises:
        SpecError: If it has more; the message names the parts.
    """
    counts = dict.fromkeys(MOST, 0)

    def count(what: str, number: int) -> None:
        counts[what] += number
        if counts[what] > MOST[what]:
            raise SpecError(f"the model has {counts[what]:,} {what} or more; expected at most {MOST[what]:,}")

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
            elif kind == "mlProgram":
                count("functions", len(message.mlProgram.functions))
                blocks = [
                    block
                    for function in message.mlProgram.functions.values()
                    for block in function.block_specializations.values()
                ]
                count("blocks", len(blocks))
                todo += blocks
            elif kind.startswith("pipeline"):
                stages = (message.pipeline if kind == "pipeline" else getattr(message, kind).pipeline).models
                count("models", len(stages))
                todo += stages
        elif message.DESCRIPTOR.name == "Block":
            count("operations", len(message.operations))
            for operation in message.operations:
                count("blocks", len(operation.blocks))
                todo += operation.blocks
        else:
            count("layers", len(message.layers))
            for layer in message.layers:
                kind = layer.WhichOneof("layer") or ""
                count("weights", len(layer.custom.weights) if kind == "custom" else 0)
                todo += [getattr(getattr(layer, kind), field) for field in layers.REGIONS.get(kind, ())]
