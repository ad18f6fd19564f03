"""Packages of ML Programs that tests write to disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from graphml.build.program import ProgramBuilder
from graphml.build.program_writing import write_model
from graphml.spec import parse
from graphml.spec.program.blobs import BlobWriter

_MODEL = "com.apple.CoreML/model.mlmodel"


def message_of(builder: ProgramBuilder, blobs: BlobWriter) -> Any:
    """The Model message of a builder, whose large constants are in `blobs`."""
    return write_model([*builder._finished, builder.finished()], builder.opset, blobs)


def write_package(path: Path, message: Any, blobs: BlobWriter) -> Path:
    """Write a package with a message and its weights."""
    items = {"0": {"author": "com.apple.CoreML", "description": "Model", "name": "model.mlmodel", "path": _MODEL}}
    folder = path / "Data" / "com.apple.CoreML"
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "weight.bin").write_bytes(b"".join(blobs.chunks()))
    items["1"] = {
        "author": "com.apple.CoreML",
        "description": "",
        "name": "weights",
        "path": "com.apple.CoreML/weights",
    }
    manifest = {"fileFormatVersion": "1.0.0", "itemInfoEntries": items, "rootModelIdentifier": "0"}
    (path / "Manifest.json").write_text(json.dumps(manifest))
    (folder / "model.mlmodel").write_bytes(message.SerializeToString(deterministic=True))
    return path


def in_another_order(path: Path) -> Path:
    """Give a package two entries of a map, in the order in which graphml does not write them, but other writers may."""
    file = path / "Data" / _MODEL
    message = parse(file.read_bytes())
    message.description.metadata.userDefined.update(a="first", b="other")
    first, second = (bytes([10, 1]) + key + bytes([18, 5]) + text for key, text in ((b"a", b"first"), (b"b", b"other")))
    data = message.SerializeToString(deterministic=True)
    between = data[data.index(first) + len(first) : data.index(second)]
    file.write_bytes(data.replace(first + between + second, second + between + first))
    return path


def package(path: Path, builder: ProgramBuilder) -> Path:
    """Write the program of a builder as a package."""
    blobs = BlobWriter()
    return write_package(path, message_of(builder, blobs), blobs)


LARGE = np.arange(12, dtype=np.float32)


def affine(builder: ProgramBuilder | None = None) -> ProgramBuilder:
    """y = x * scale + shift; scale is in the weight file, shift in the program."""
    builder = ProgramBuilder() if builder is None else builder
    x = builder.input("x", (2, 12))
    scaled = builder.mul(x, builder.const(LARGE, name="scale"))
    builder.output("y", builder.add(scaled, builder.const(np.float32([[1], [2]]), name="shift")))
    return builder


TWO_ROWS = np.stack([LARGE, -LARGE])
WANTED = TWO_ROWS * LARGE + np.float32([[1], [2]])


def two_functions(path: Path) -> Path:
    """Both read the same large constant."""
    builder = ProgramBuilder("CoreML8", function="add")
    large = builder.const(LARGE, name="large")
    builder.output("y", builder.add(builder.input("x", (12,)), large))
    builder.function("multiply")
    large = builder.const(LARGE, name="large")
    builder.output("z", builder.mul(builder.input("x", (12,)), large))
    return package(path, builder)
