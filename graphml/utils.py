"""Read and write the specification of a model, under the names that coremltools uses."""

from __future__ import annotations

from pathlib import Path

from graphml import spec as files
from graphml.spec.versions import required
from graphml.spec.wire.model_pb2 import Model


def save_spec(spec: Model, filename: str | Path, auto_set_specification_version: bool = False) -> None:
    """Write a Model message to a .mlmodel file or .mlpackage folder.

    Args:
        spec: The message; it is not changed.
        filename: The path; a name that ends in neither .mlmodel nor .mlpackage gets .mlmodel appended.
        auto_set_specification_version: Whether to write the lowest version that the content needs instead of the one in
            the message.
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
    """Read the Model message of a .mlmodel file or .mlpackage folder.

    Args:
        model_path: The path.

    Returns:
        The message.

    Raises:
        SpecError: The file cannot be read, or is not a Core ML model.
    """
    return files.read(model_path)
