"""Packages with programs, for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_programs import Writing, describe, linear

from graphml.spec import Model, write
from graphml.spec.program.blobs import BlobWriter


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with the functions `main` and `other`, which share their weights."""
    model, blobs = Model(specificationVersion=9), BlobWriter()
    model.mlProgram.version = 1
    describe(model, (2, 4))
    linear(model, "main", blobs)
    linear(model, "other", blobs)
    path = tmp_path / "shared.mlpackage"
    write(model, path, weights={"@model_path/weights/weight.bin": blobs.chunks()})
    return path


@pytest.fixture
def single(tmp_path: Path) -> Path:
    """A package with the function `main` and compressed weights."""
    model, blobs = Model(specificationVersion=9), BlobWriter()
    model.mlProgram.version = 1
    describe(model, (2, 4))
    linear(model, "main", blobs)
    program = Writing(model.mlProgram.functions["main"].block_specializations["CoreML8"], blobs)
    attributes = {
        "name": "table",
        "indices": np.uint8([0b11_10_01_00] * 10),
        "lut": np.float16([1, 2, 3, 4]),
        "shape": np.uint32([40]),
    }
    program.add("constexpr_lut_to_dense", {"table": ("float16", (40,))}, attributes)
    path = tmp_path / "single.mlpackage"
    write(model, path, weights={"@model_path/weights/weight.bin": blobs.chunks()})
    return path
