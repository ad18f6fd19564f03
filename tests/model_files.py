"""What is in the files of a folder, and what reading one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphml.errors import SpecError
from graphml.spec import read

INNER = Path("Data", "com.apple.CoreML", "model.mlmodel")
"""The message in a package."""


def contents(folder: Path) -> dict[str, bytes]:
    """{path: bytes} of the files in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refusal(path: Path) -> str:
    """The message of the error that reading raises, without the path that it begins with."""
    with pytest.raises(SpecError) as caught:
        read(path)
    first, *rest = str(caught.value).splitlines()
    assert first == str(path)
    return " ".join(line.strip() for line in rest)
