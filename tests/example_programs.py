"""Small programs with what tools must cope with: states, functions, blocks, images, classes, compressed weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from graphml import ProgramBuilder
from graphml.spec.program.values import encode

TABLE = np.linspace(-1, 1, 64, dtype=np.float32).reshape(16, 4)
HOSTILE = "c\x1b[2J\u202e\n"
"""A name that would clear a terminal, reverse its text direction and start a new line."""


def two_functions() -> ProgramBuilder:
    """`prefill` adds to a state; `decode` looks a token up and has a branch and a loop."""
    builder = ProgramBuilder("CoreML8", function="prefill")
    x, cache = builder.input("x", (1, 4)), builder.state("cache", (1, 4))
    h = builder.cast(builder.linear(x, TABLE[:4].copy(), name="h"), dtype="fp16")
    builder.write_state(cache, builder.add(builder.read_state(cache), h))
    builder.output("y", builder.cast(builder.read_state(cache), dtype="fp32"))
    builder.function("decode")
    token, cache = builder.input("token", (1,), "int32"), builder.state("cache", (1, 4))
    row = builder.gather(TABLE, token, axis=0)
    h = builder.add(row, builder.cast(builder.read_state(cache), dtype="fp32"), name="h")
    positive = builder.greater(builder.reduce_sum(h, keep_dims=False), 0.0)
    chosen = builder.cond(positive, lambda: builder.mul(h, 2.0), lambda: builder.sub(h, 1.0), name="chosen")
    _, total = builder.while_loop(
        lambda i, total: builder.less(i, 3),
        lambda i, total: (builder.add(i, 1), builder.add(total, chosen)),
        (0, chosen),
    )
    builder.output("logits", total)
    return builder


def image_program() -> ProgramBuilder:
    """An image, integers and float16 in and out."""
    builder = ProgramBuilder("CoreML7")
    image = builder.input("image", (1, 3, 2, 3), image="RGB")
    count, half = builder.input("count", (2,), "int32"), builder.input("half", (2,), "float16")
    builder.output("picture", builder.mul(image, 0.5), image="RGB")
    builder.output("means", builder.reduce_mean(image, axes=[2, 3]))
    builder.output("next", builder.add(count, 1))
    builder.output("twice", builder.mul(half, np.float16(2)))
    return builder


def classifier() -> ProgramBuilder:
    builder = ProgramBuilder("CoreML7")
    builder.classifier(builder.softmax(builder.input("x", (1, 3)), axis=-1), ["a", "b", HOSTILE])
    return builder


def compressed(path: Path) -> Path:
    """A linear map whose weight is 8 bits and a scale, in the form of iOS 16."""
    builder = ProgramBuilder("CoreML6")
    weight = builder.const(np.ones((3, 4), np.float32), name="weight")
    builder.output("y", builder.linear(builder.input("x", (2, 4)), weight, np.zeros(3, np.float32)))
    builder.save(path)
    return rewritten(path, _compress)


def rewritten(path: Path, change: Any) -> Path:
    """Change the message of a package. change: a function of the Model message."""
    from graphml import spec

    message = spec.read(path)
    change(message)
    file = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    file.write_bytes(spec.serialize(message))
    return path


def _compress(message: Any) -> None:
    block = message.mlProgram.functions["main"].block_specializations["CoreML6"]
    constant = next(operation for operation in block.operations if operation.outputs[0].name == "weight")
    constant.type = "constexpr_affine_dequantize"
    del constant.attributes["val"]
    parts = {"quantized_data": np.arange(12, dtype=np.int8).reshape(3, 4), "zero_point": np.int8(2)}
    for name, value in (parts | {"scale": np.float32(0.5), "axis": np.int32(0)}).items():
        constant.attributes[name].CopyFrom(encode(value))
