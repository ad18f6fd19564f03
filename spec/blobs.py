"""Files of weights: the weights of ML programs lie beside the message, in the package that both are in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.program_pb2 import Value

FOLDER = "@model_path/"
"""What the name of such a file begins with: the folder that the message lies in."""


def blob_files(model: Model) -> set[str]:
    """The files of weights that a model refers to, or a stage of it, by the names that it gives them."""
    if model.WhichOneof("Type") == "mlProgram":
        return set(_names(model.mlProgram))
    kind = model.WhichOneof("Type") or ""
    if not kind.startswith("pipeline"):
        return set()
    pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    return set().union(*map(blob_files, pipeline.models))


def _names(message: Any) -> Iterator[str]:
    if isinstance(message, Value.BlobFileValue):
        yield message.fileName
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                for one in value.values():
                    yield from _names(one)
        else:
            for one in value if field.is_repeated else (value,):
                yield from _names(one)
