"""The builder of ML Programs: every method writes the operation that it is named after, and says its type and shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from one_operation import answers, declared, program, row_of
from operation_cases import Case, Operation, load_all

from graphml.build.program import ProgramBuilder
from graphml.build.program_core import Value
from graphml.build.program_writing import write_model
from graphml.errors import GraphError, GraphmlError, SpecError
from graphml.frontends.program import read_function
from graphml.interpreter.lower import lower
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.operations import OPSETS
from graphml.spec.program.types import tensor_type
from graphml.spec.program.values import WeightFiles

STATED = {name: each for name, each in load_all().items() if each.base.graph is None}
_OPSET_OF = {version: opset for opset, version in OPSETS.items()}
_WRITTEN_OTHERWISE = {"const", "classify", "cond", "while_loop", "read_state", "write_state"}
METHODS = sorted(name for name, each in STATED.items() if each.kind not in _WRITTEN_OTHERWISE)


def written(stated: Operation, case: Case) -> tuple[ProgramBuilder, dict[str, np.ndarray], list[Value]]:
    """A program of one operation, its inputs, and its results as the builder knows them."""
    version = stated.version if case.version is None else case.version
    builder = ProgramBuilder(_OPSET_OF[version])
    parameters = declared(stated.kind, version).parameters
    row = row_of(stated.kind, version)
    needed = {
        row.inputs[i] for i in row.concrete_for({**_defaults(parameters), **case.attributes}) if i < len(row.inputs)
    }
    inputs: dict[str, np.ndarray] = {}
    given: dict[str, Any] = {}

    def value(name: str, array: np.ndarray) -> Any:
        if parameters[name.rpartition("_")[0] or name if name not in parameters else name].constant or needed & {name}:
            return array
        if array.dtype.name not in ("float32", "float16", "int32", "int8"):
            return array
        inputs[f"in_{name}"] = array
        return builder.input(f"in_{name}", array.shape, array.dtype.name)

    stated_here = {name: each for name, each in {**case.inputs, **case.attributes}.items() if name in parameters}
    for name, argument in stated_here.items():
        if isinstance(argument, list):
            given[name] = [value(f"{name}_{i}", np.asarray(each)) for i, each in enumerate(argument)]
        else:
            given[name] = value(name, argument) if isinstance(argument, np.ndarray) else argument
    results = getattr(builder, stated.kind)(**given)
    made = list(results) if isinstance(results, tuple) else [results]
    for i, each in enumerate(made):
        typed = each.dtype.name in ("float32", "float16", "int32", "int8")  # as interfaces can be
        builder.output(f"out_{i}", each if typed else builder.cast(each, dtype="int32"))
    return builder, inputs, made


def _defaults(parameters: Any) -> dict[str, Any]:
    return {name: each.default for name, each in parameters.items()} | {"grows": False}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_writes_its_operation(name, tmp_path):
    stated = STATED[name]
    case = stated.base
    builder, inputs, made = written(stated, case)
    lowered = lower(_read(builder, tmp_path), dtype=None)
    direct = program(stated, case, outputs=len(made), dtype=None)
    key = jax.random.key(0) if row_of(stated.kind, stated.version).random else None
    found = lowered.fn(lowered.params, inputs, key=key)
    for i, (want, value) in enumerate(zip(direct.run(direct.moving), made, strict=True)):
        got = found[f"out_{i}"]
        assert (want.dtype, want.shape) == (value.dtype, value.shape), "what the builder says of the result"
        assert got.shape == value.shape
        if key is None:
            np.testing.assert_array_equal(got, want)
    assert len(answers(stated, case)) == len(made) or stated.measure is not None


def _read(builder: ProgramBuilder, folder: Path) -> Any:
    blobs = BlobWriter()
    model = write_model([builder.finished()], builder.opset, blobs)
    (folder / "weight.bin").write_bytes(b"".join(blobs.chunks()))
    return read_function(model.mlProgram.functions["main"], WeightFiles(folder))


def test_unknown_sizes_are_found_by_two_evaluations():
    builder = ProgramBuilder()
    x = builder.input("x", [(1, -1), 4])
    rows = builder.gather(builder.shape(x), 0)
    flat = builder.reshape(x, builder.stack([builder.mul(rows, 4)], axis=0))
    builder.output("flat", flat)
    builder.output("rows", rows)
    assert x.shape == (None, 4)
    assert flat.shape == (None,)
    assert rows.shape == ()
    assert repr(flat) == "<reshape: float32[?]>"
    model = write_model([builder.finished()], builder.opset, BlobWriter())
    ranges = model.description.input[0].type.multiArrayType.shapeRange.sizeRanges
    assert [(each.lowerBound, each.upperBound) for each in ranges] == [(1, -1), (4, 4)]
    assert tensor_type(model.mlProgram.functions["main"].inputs[0].type) == ("float32", (None, 4))


def test_large_constants_are_in_the_weight_file_and_equal_ones_once():
    builder = ProgramBuilder()
    x = builder.input("x", (10,))
    numbers = np.arange(10, dtype=np.float32)
    builder.output("y", builder.add(builder.mul(x, numbers), builder.add(x, numbers)))
    blobs = BlobWriter()
    model = write_model([builder.finished()], builder.opset, blobs)
    assert len(blobs) == 1
    kinds = [
        operation.attributes["val"].WhichOneof("value")
        for operation in model.mlProgram.functions["main"].block_specializations["CoreML7"].operations
        if operation.type == "const"
    ]
    assert kinds == ["blobFileValue", "blobFileValue"]


def test_names_are_legal_and_unique():
    builder = ProgramBuilder()
    x = builder.input("x", (2,))
    assert builder.relu(x, name="layer 1/relu").name == "layer_1_relu"
    assert builder.relu(x, name="layer 1/relu").name == "layer_1_relu_1"
    assert builder.relu(x, name="1st").name == "_1st"
    assert builder.relu(x).name == "relu"


def test_plain_numbers_have_the_type_of_what_they_meet():
    builder = ProgramBuilder()
    half, whole = builder.input("half", (2,), "float16"), builder.input("whole", (2,), "int32")
    assert builder.mul(half, -1.5).dtype == builder.add(2, half).dtype == np.float16
    assert builder.add(whole, 1).dtype == np.int32
    builder.output("y", builder.clip(half, alpha=0, beta=6.0))
    assert list(builder.model().predict({"half": [-1, 7], "whole": [0, 0]})["y"]) == [0, 6]


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (
            lambda b, x: b.add(x, b.cast(x, dtype="fp16")),
            SpecError,
            "add 'add': x and y must have one type, got float32",
        ),
        (lambda b, x: b.mul(x, np.float16(2)), SpecError, "must have one type"),
        (lambda b, x: b.add(b.cast(x, dtype="int32"), 0.5), SpecError, "must have one type"),
        (lambda b, x: b.softmax(x, axis=7), GraphmlError, "softmax 'softmax'"),
        (lambda b, x: b.add(x, [1.0, 2.0, 3.0]), GraphmlError, "add 'add'"),
        (lambda b, x: b.softmax(x, axis=b.reduce_argmax(x)), SpecError, "axis must be a constant"),
        (lambda b, x: b.scaled_dot_product_attention(x, x, x), SpecError, "CoreML7 has no operation"),
        (lambda b, x: b.concat(x, axis=0), SpecError, "values takes a list of values"),
        (lambda b, x: b.cond(True, lambda: x, lambda: (x, x)), GraphError, "return 1 and 2 values"),
        (lambda b, x: b.cond(True, lambda: x, lambda: b.cast(x, dtype="fp16")), GraphError, "differ in type or shape"),
        (lambda b, x: b.while_loop(lambda v: v, lambda v: v, [x]), GraphError, "must return one bool"),
        (lambda b, x: b.input("x", (2,)), GraphError, "the name 'x' is taken"),
        (lambda b, x: b.input("z", (2,), "int64"), SpecError, "dtype must be one of float32"),
        (lambda b, x: b.input("z", (1, 3, 4), image="RGB"), SpecError, "an image is RGB or BGR"),
        (lambda b, x: b.input("z", [(1, 4)]), GraphError, "declare inputs of flexible shapes first"),
        (lambda b, x: b.finished(), GraphError, "the function 'main' has no output"),
        (lambda b, x: ProgramBuilder("CoreML1"), SpecError, "opset must be one of CoreML5"),
        (lambda b, x: b.const(np.array(["a", "b"])), SpecError, "a constant must be numbers or a string"),
    ],
)
def test_refusals(build, error, words):
    builder = ProgramBuilder()
    x = builder.input("x", (2,))
    with pytest.raises(error) as caught:
        build(builder, x)
    assert words in str(caught.value)
