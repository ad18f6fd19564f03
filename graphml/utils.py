"""Writing and reading the specification of a model, under the names that scripts know."""

from __future__ import annotations

from pathlib import Path

from graphml import spec as files
from graphml.spec.versions import required
from graphml.spec.wire.model_pb2 import Model


def save_spec(spec: Model, filename: str | Path, auto_set_specification_version: bool = False) -> None:
    """Write a Model message to a .mlmodel file or .mlpackage folder; a name without an ending gets .mlmodel.

    auto_set_specification_version: write the lowest version that the content needs, in place of what the message says.
    """
    path = Path(filename)
    if path.suffix not in (".mlmodel", ".mlpackage"):
        path = path.with_name(f"{path.name}.mlmodel")
    if auto_set_specification_version:
        copy = Model()
        copy.CopyFrom(spec)
        copy.specificationVersion = required(spec)
        spec = copy
    files.write(spec, path)


def load_spec(model_path: str | Path) -> Model:
    """The Model message in a .mlmodel file or .mlpackage folder. Raises SpecError for what is none."""
    return files.read(model_path)
