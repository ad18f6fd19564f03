"""Mutants of ML Programs: the message, its weight file, and the text of a compiled model.

A mutant is a folder. Everything that `graphml.spec` does with one must end in success or in a typed error, soon and
without much memory.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from stored_programs import Writing, describe, function, linear

from fuzz.mutation import change, copied, damaged, messages
from graphml.errors import SpecError
from graphml.spec import Model, files, read, serialize, write
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.constexprs import StoredConstant, constants, is_constant
from graphml.spec.program.packages import weight_files
from graphml.spec.program.programs import body, default_function, functions, walk
from graphml.spec.program.replacing import replace_weights
from graphml.spec.program.types import dtype_of
from graphml.spec.program.values import encode
from graphml.spec.validate import problems
from graphml.spec.weights import CompressedWeight

WEIGHTS = "@model_path/weights/weight.bin"
MOST_ELEMENTS = 1 << 22  # of a compressed weight that is dequantized: the vectors of a table may make it large
TEXT = """program(1.3)
[buildInfo = dict<string, string>({{"coremlc-version", "3600.25.1"}})]
{
    func main<ios18>(tensor<fp32, [1, ?]> x, state<tensor<fp16, [2]>> s) [Flexible = tuple<string, list<int32, ?>>(("a", [1, 2]))] {
            tensor<fp32, [4, 3]> w = const()[name = string("w"), val = tensor<fp32, [4, 3]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(64)))];
            fp16 e = const()[name = string("e"), val = fp16(0x1.8p-3)];
            tensor<uint3, [2, 2]> c = const()[name = string("c"), val = tensor<uint3, [2, 2]>([[1, 2], [7, 0]])];
            tensor<fp32, [1, ?]> both = concat(values = (x, x), interleave = bool(false), axis = int32(-1))[name = string("b")];
            tensor<fp32, [1, ?]> p, tensor<fp32, [1, ?]> q = split(axis = int32(1), num_splits = int32(2), x = both);
            write_state(data = e, input = s);
        } -> (p, q);
}
"""  # noqa: E501


class Mutant(NamedTuple):
    """The content of a folder.

    Attributes:
        seed: The name of what was damaged.
        message: The bytes of the model.
        weights: The bytes of its weight file.
        text: The program as text.
    """

    seed: str
    message: bytes
    weights: bytes
    text: bytes


@functools.cache
def program_seeds() -> dict[str, tuple[Model, bytes]]:
    """Legal programs and their weight files, by name."""
    return {name: _built(build) for name, build in sorted(_SEEDS.items())}


def _built(build: Callable[[Model, BlobWriter], None]) -> tuple[Model, bytes]:
    model, blobs = Model(specificationVersion=9), BlobWriter()
    model.mlProgram.version = 1
    describe(model, (2, 3) if build is _control_flow else (2, 4))
    build(model, blobs)
    return model, b"".join(blobs.chunks())


def _two_functions(model: Model, blobs: BlobWriter) -> None:
    linear(model, "main", blobs)
    linear(model, "other", blobs)


def _compressed(model: Model, blobs: BlobWriter) -> None:
    linear(model, "main", blobs)
    program = Writing(body(model.mlProgram.functions["main"]), blobs)
    old = {"indices": np.uint8(range(30)), "lut": np.float16([1, 2, 3, 4]), "shape": np.uint32([40, 3])}
    program.add("constexpr_lut_to_dense", {"table": ("float16", (40, 3))}, old)
    affine = {"quantized_data": np.int8(range(12)).reshape(3, 4), "scale": np.float32([1, 2, 3]), "axis": np.int32(0)}
    program.add("constexpr_affine_dequantize", {"q": ("float32", (3, 4))}, {**affine, "zero_point": np.int8(1)})
    mask = np.uint8([[1, 0, 1, 0]] * 4)
    stored = {"indices_mask": (mask, "uint1"), "indices_nonzero_data": (np.uint8([0, 1, 2, 3] * 2), "uint3")}
    stored |= {"lut": np.arange(16, dtype=np.float32).reshape(2, 1, 8, 1)}
    sparse = program.add("constexpr_lut_to_sparse", {"mask": ("uint1", (4, 4)), "nonzero": ("float32", (8,))})
    for name, value in stored.items():
        sparse.inputs[name].arguments.add().value.CopyFrom(
            encode(*value) if isinstance(value, tuple) else encode(value)
        )
    program.add("constexpr_sparse_to_dense", {"sparse": ("float32", (4, 4))}, mask="mask", nonzero_data="nonzero")
    program.const("codes", np.arange(32).reshape(4, 8).astype(dtype_of("uint4")))
    program.const("scale", np.ones((2, 4), np.float32))
    program.add("constexpr_blockwise_shift_scale", {"blocks": ("float32", (4, 8))}, data="codes", scale="scale")


def _control_flow(model: Model, blobs: BlobWriter) -> None:
    program = function(model, "main", blobs)
    program.const("flag", np.bool_(True))
    cond = program.add("cond", {"h": ("float32", (2, 3))}, pred="flag")
    loop = program.add("while_loop", {"y": ("float32", (2, 3))}, loop_vars="h")
    for name in "ab":
        Writing(cond.blocks.add(outputs=[name]), blobs).add("relu", {name: ("float32", (2, 3))}, x="x")
    condition, inner = (loop.blocks.add(outputs=[name]) for name in "cd")
    for block in (condition, inner):
        block.inputs.add(name="v", type=loop.outputs[0].type)
    Writing(condition, blobs).add("greater", {"c": ("bool", (2, 3))}, x="v", y="v")
    Writing(inner, blobs).add("exp", {"d": ("float32", (2, 3))}, x="v")


_SEEDS = {"functions": _two_functions, "compressed weights": _compressed, "control flow": _control_flow}


def program_mutant(seed: int, number: int) -> Mutant:
    """A mutant; the same two numbers give the same one."""
    rng = random.Random(f"{seed}:{number}:program")
    name = rng.choice(list(program_seeds()))
    original, weights = program_seeds()[name]
    model = Model()
    model.CopyFrom(original)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 5))):
        change(model, rng) if rng.random() < 0.6 else _moved(model, rng)
    message = serialize(model)
    message = damaged(message, rng) if rng.random() < 0.1 else message
    return Mutant(name, message, damaged(weights, rng) if rng.random() < 0.4 else weights, _text(rng))


def _moved(model: Model, rng: random.Random) -> None:
    """One part takes the place of another of its type."""
    parts = list(messages(model))
    target = rng.choice(parts)
    others = [part for part in parts if part.DESCRIPTOR is target.DESCRIPTOR and part is not target]
    if others:
        target.CopyFrom(copied(rng.choice(others)))


def _text(rng: random.Random) -> bytes:
    if rng.random() < 0.3:
        return damaged(TEXT.encode(), rng)
    words = TEXT.replace("(", " ( ").replace("[", " [ ").replace("<", " < ").split(" ")
    for _ in range(rng.choice((1, 1, 2, 5))):
        words[rng.randrange(len(words))] = rng.choice((rng.choice(words), "", '"', "9" * 40, "[[[[", "tensor", "-1"))
    return " ".join(words).encode()


# Steps ----------------------------------------------------------------------------------------------------------------


def program_steps(mutant: Mutant, folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Everything that is done with a mutant, step by step, each with its name."""
    package, compiled = folder / "a.mlpackage", folder / "a.mlmodelc"
    original, weights = program_seeds()[mutant.seed]
    folder.mkdir()
    write(original, package, weights={WEIGHTS: [weights]})
    files.model_file(package).write_bytes(mutant.message)
    (package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin").write_bytes(mutant.weights)
    (compiled / "weights").mkdir(parents=True)
    (compiled / "weights" / "weight.bin").write_bytes(mutant.weights)
    (compiled / "model.mil").write_bytes(mutant.text)
    for path in (package, compiled):
        yield f"read {path.suffix}", lambda path=path: read(path)
        yield f"problems {path.suffix}", lambda path=path: _problems(path)
        yield f"constants {path.suffix}", lambda path=path: _constants(path)
        yield (
            f"write {path.suffix}",
            lambda path=path: write(read(path), folder / f"{path.name}.mlpackage", source=path),
        )
    yield "replace", lambda: _replaced(package)


def _problems(path: Path) -> list[str]:
    model = read(path)
    return [str(problem) for problem in problems(model, weights=weight_files(path))]


def _constants(path: Path) -> dict[str, StoredConstant]:
    model, weights = read(path), weight_files(path)
    default_function(model)
    known: dict[str, StoredConstant] = {}

    def lookup(name: str) -> StoredConstant:
        if name not in known:
            raise SpecError("this is no constant")
        return known[name]

    for each in functions(model.mlProgram).values():
        for operation, _ in walk(body(each)):
            if not is_constant(operation):
                continue
            for output, constant in zip(operation.outputs, constants(operation, lookup, weights), strict=False):
                known[output.name] = constant
                value = constant.value
                if isinstance(value, CompressedWeight) and np.prod(value.shape, dtype=float) < MOST_ELEMENTS:
                    assert value.dequantize().shape == value.shape
    return known


def _replaced(package: Path) -> None:
    model = read(package)
    new = {("main", "w"): np.ones((4, 3), np.float32), ("main", "table"): np.ones(5, np.float32)}
    for key, value in new.items():
        done = replace_weights(model, weight_files(package), {key: value})
        write(done.model, package, source=package, weights=done.files)
        read(package)
