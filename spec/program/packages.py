"""The weight files of a model on disk."""

from __future__ import annotations

import os
from pathlib import Path

from graphml.spec.files.compiled import is_compiled
from graphml.spec.files.models import model_file
from graphml.spec.program.values import WeightFiles


def weight_files(path: str | os.PathLike[str] | None, weights_dir: str | os.PathLike[str] | None = None) -> WeightFiles:
    """The weight files of a model.

    Args:
        path: Where the model is: an `.mlpackage`, an `.mlmodelc`, or a file, which has none. None: it has no path.
        weights_dir: The folder with the files, if it is not that of `path`.

    Returns:
        The files; none of them is opened yet.

    Raises:
        SpecError: If the folder is not a package.
    """
    if weights_dir is not None:
        return WeightFiles(weights_dir)
    if path is None or not Path(path).is_dir():
        return WeightFiles()
    folder = Path(path)
    return WeightFiles((folder if is_compiled(folder) else model_file(folder).parent) / "weights", folder)
