"""graphml's form of a compiled model: a folder `.mlmodelc` that contains the model itself and a note.

Only Core ML writes and reads its own form. coremltools only needs a folder that it can pass on: to
`CompiledMLModel`, to a compute plan, or to `shutil`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from graphml.errors import SpecError
from graphml.spec.files.packages import blob_values

_NOTE = "graphml.json"


def write_compiled(model: Any) -> str:
    """Write a model as a compiled model in a new temporary folder.

    Args:
        model: The model, which may have lost its files since it was loaded.

    Returns:
        The path of the folder, which ends in `.mlmodelc`. Its parent folder contains nothing else.
    """
    folder = Path(tempfile.mkdtemp(prefix="graphml-"), "model.mlmodelc")
    folder.mkdir()
    name = "model.mlpackage" if any(blob_values(model.spec)) else "model.mlmodel"
    try:
        model.save(folder / name)
        (folder / _NOTE).write_text(json.dumps({"model": name}))
    except BaseException:
        shutil.rmtree(folder.parent, ignore_errors=True)
        raise
    return str(folder)


def model_in(path: str | os.PathLike[str]) -> Path:
    """The model to load from a path: the model inside if it is one of graphml's compiled models, otherwise the path
    itself.

    Raises:
        SpecError: A compiled model is damaged.
    """
    path = Path(path)
    note = path / _NOTE
    if not note.is_file():
        return path
    try:
        name = json.loads(note.read_text())["model"]
    except (OSError, ValueError, LookupError, TypeError):
        raise SpecError(f"{note} does not name a model") from None
    if name not in ("model.mlpackage", "model.mlmodel"):
        raise SpecError(f"{note} names the model {name!r}; expected model.mlpackage or model.mlmodel")
    return path / name
