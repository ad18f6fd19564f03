"""Small programs, written message by message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphml.spec import Model
from graphml.spec.program import types
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.values import encode
from graphml.spec.wire.program_pb2 import Block, Operation


class Writing:
    """A block in the making, and the weight file of its large constants."""

    def __init__(self, block: Block, blobs: BlobWriter) -> None:
        self.block, self.blobs = block, blobs

    def const(self, name: str, value: Any, kind: str | None = None) -> str:
        operation = self.block.operations.add(type="const")
        operation.attributes["name"].CopyFrom(encode(name))
        operation.attributes["val"].CopyFrom(encode(value, kind, blobs=self.blobs, version=18))
        operation.outputs.add(name=name, type=operation.attributes["val"].type)
        return name

    def add(
        self, kind: str, outputs: Mapping[str, tuple[str, Any]], attributes: Mapping[str, Any] = {}, **inputs: Any
    ) -> Operation:
        """inputs: the name of a value, or a list of such."""
        operation = self.block.operations.add(type=kind)
        for name, value in attributes.items():
            stored = encode(*value) if isinstance(value, tuple) else encode(value, blobs=self.blobs)
            operation.attributes[name].CopyFrom(stored)
        for parameter, names in inputs.items():
            for name in [names] if isinstance(names, str) else names:
                operation.inputs[parameter].arguments.add(name=name)
        for name, (element, shape) in outputs.items():
            operation.outputs.add(name=name, type=types.value_type(element, shape))
        return operation


def function(model: Model, name: str, blobs: BlobWriter, opset: str = "CoreML8") -> Writing:
    """x float32[2, 3] enters, y leaves."""
    made = model.mlProgram.functions[name]
    made.opset = opset
    made.inputs.add(name="x", type=types.value_type("float32", (2, 3)))
    block = made.block_specializations[opset]
    block.outputs.append("y")
    return Writing(block, blobs)


def describe(model: Model, result: tuple[int, ...] = (2, 3)) -> None:
    """The input x float32[2, 3] and the output y."""
    description = model.description
    for name, features, shape in (("x", description.input, (2, 3)), ("y", description.output, result)):
        array = features.add(name=name).type.multiArrayType
        array.dataType = array.FLOAT32
        array.shape.extend(shape)


W = np.arange(12, dtype=np.float32).reshape(4, 3)
HALF = np.arange(20, dtype=np.float16)


def linear(model: Model, name: str, blobs: BlobWriter) -> None:
    """x W^T, and constants that only exist."""
    program = function(model, name, blobs)
    program.const("w", W)
    program.const("half", HALF)
    program.const("small", np.float32([1, 2]))
    program.add("linear", {"y": ("float32", (2, 4))}, x="x", weight="w")
