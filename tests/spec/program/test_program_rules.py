"""Validation of programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from stored_programs import Writing, describe, function

from graphml.errors import SpecError
from graphml.spec import Model, parse, read, serialize
from graphml.spec.program import programs, types
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.packages import weight_files
from graphml.spec.program.values import encode
from graphml.spec.validate import problems, validate


def model(build: Callable[[Writing], Any] | None = None, opset: str = "CoreML8") -> Model:
    """x float32[2, 3] -> y, by default its relu."""
    message = Model(specificationVersion=9)
    message.mlProgram.version = 1
    describe(message)
    program = function(message, "main", BlobWriter(), opset)
    (build or (lambda program: program.add("relu", {"y": ("float32", (2, 3))}, x="x")))(program)
    return message


def found(message: Model, **options: Any) -> list[str]:
    return [f"{problem.severity}: {problem}" for problem in problems(message, **options)]


def only(message: Model, **options: Any) -> str:
    (one,) = found(message, **options)
    return one


def relu(program: Writing, given: str = "x", result: str = "y") -> None:
    program.add("relu", {result: ("float32", (2, 3))}, x=given)


def test_good_programs_have_no_problems(package, single):
    assert found(model()) == []
    for path in (package, single):
        assert found(read(path), weights=weight_files(path)) == []


def test_real_programs_have_no_problems(real_models):
    for name in ("basic-pitch/nmp", "dtln-aec/DTLN_AEC_128_Part1"):
        path = real_models / f"{name}.mlpackage"
        if path.exists():
            assert found(read(path), weights=weight_files(path)) == []


# Names ----------------------------------------------------------------------------------------------------------------


def test_names_that_nothing_defines():
    assert "operation 'y' (relu), number 1: reads 'z', which nothing defines" in only(model(lambda p: relu(p, "z")))


def test_names_that_are_defined_later():
    def build(program: Writing) -> None:
        relu(program, "later")
        relu(program, "x", "later")

    words = "reads 'later', which does not exist here: operation 'later' (relu), number 2 defines it"
    assert words in only(model(build))


def test_names_that_are_defined_twice():
    def build(program: Writing) -> None:
        relu(program)
        relu(program)

    words = "number 2: defines 'y' again, which is already the result of operation 'y' (relu), number 1"
    assert words in only(model(build))
    assert (
        "defines 'x' again, which is already an input of the function" in found(model(lambda p: relu(p, "x", "x")))[0]
    )


def test_what_a_function_returns():
    message = model(lambda program: relu(program, "x", "other"))
    assert "function 'main' > function: returns 'y', which it does not have" in only(message)


# Parameters and types -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda p: p.add("rellu", {"y": ("float32", (2, 3))}, x="x"), "the operation 'rellu' is unknown"),
        (lambda p: p.add("relu", {"y": ("float32", (2, 3))}), "the parameter 'x' is missing"),
        (lambda p: p.add("relu", {"y": ("float32", (2, 3))}, x="x", z="x"), "has no parameter 'z'; it has x"),
        (lambda p: p.add("relu", {"y": ("float32", (2, 3))}, x=["x", "x"]), "'x' takes one value, got 2"),
        (lambda p: p.add("relu", {"y": ("float32", ()), "z": ("float32", ())}, x="x"), "has 2 results; expected 1"),
        (
            lambda p: p.add("softmax", {"y": ("float32", (2, 3))}, x="x", axis="x"),
            "'axis' must be constant, but 'x' is an input of the function",
        ),
        (
            lambda p: p.add("add", {"y": ("float32", (2, 3))}, x="x", y=p.const("half", np.float16(1))),
            "'x' and 'y' must have one type, got float32 and float16",
        ),
        (
            lambda p: p.add("sin", {"y": ("int32", ())}, x=p.const("whole", np.int32(1))),
            "'x' must be float16 or float32, got int32[]",
        ),
        (lambda p: p.add("const", {"y": ("float32", ())}), "the parameter 'val' is missing"),
    ],
)
def test_operations(build, words):
    assert any(words in text for text in found(model(build)))


def test_operations_that_are_newer():
    words = "the operation 'read_state' needs the operator set CoreML8 or a newer one"
    assert any(words in text for text in found(model(lambda p: p.add("read_state", {"y": ("float32", ())}), "CoreML7")))


def test_constants():
    def build(program: Writing) -> None:
        program.const("c", np.float32([1, 2]))
        program.block.operations[0].outputs[0].type.CopyFrom(types.value_type("float32", (3,)))
        relu(program)

    assert "its value is float32[2], but its result is declared as float32[3]" in only(model(build))

    def damaged(program: Writing) -> None:
        program.const("c", np.float32([1, 2]))
        program.block.operations[0].attributes["val"].immediateValue.tensor.floats.values.append(3)
        program.block.operations[0].attributes["other"].CopyFrom(encode(1))
        program.block.operations[0].attributes["other"].ClearField("immediateValue")
        relu(program)

    texts = found(model(damaged))
    assert [text.partition(", number 1: ")[2] for text in texts] == [
        "'other': the value is missing",
        "'val': expected 2 elements for float32[2], got 3",
    ]


def test_custom_layers_have_any_parameters():
    build: Any = lambda p: p.add("custom_layer", {"y": ("float32", (2, 3))}, anything=["x", "x"])  # noqa: E731
    assert found(model(build)) == []


def test_damaged_types():
    message = model()
    programs.body(message.mlProgram.functions["main"]).operations[0].outputs[0].type.tensorType.dataType = 77
    assert any("its result 'y': the data type 77 is unknown" in text for text in found(message))
    programs.body(message.mlProgram.functions["main"]).operations[0].outputs[0].ClearField("type")
    assert any("its result 'y': it has no type" in text for text in found(message))


# Blocks ---------------------------------------------------------------------------------------------------------------


def cond(program: Writing) -> Any:
    program.const("flag", np.bool_(True))
    operation = program.add("cond", {"y": ("float32", (2, 3))}, pred="flag")
    for name in ("a", "b"):
        block = operation.blocks.add(outputs=[name])
        relu(Writing(block, program.blobs), "x", name)
    return operation


def loop(program: Writing) -> Any:
    operation = program.add("while_loop", {"y": ("float32", (2, 3))}, loop_vars="x")
    for name, kind, element in (("c", "reduce_max", "bool"), ("d", "relu", "float32")):
        block = operation.blocks.add(outputs=[name])
        block.inputs.add(name="v", type=types.value_type("float32", (2, 3)))  # the same name in both blocks
        Writing(block, program.blobs).add(kind, {name: (element, (2, 3))}, x="v")
    return operation


def test_control_flow():
    assert found(model(cond)) == []
    assert found(model(loop)) == []


@pytest.mark.parametrize(
    ("build", "change", "words"),
    [
        (cond, lambda o: o.blocks.pop(), "has 1 blocks; expected two, for true and for false"),
        (cond, lambda o: o.blocks[0].inputs.add(name="v"), "has 1 inputs; a block of cond has none"),
        (cond, lambda o: o.blocks[0].outputs.append("x"), "returns 2 values; the operation has 1"),
        (cond, lambda o: o.blocks[0].outputs.__setitem__(0, "z"), "returns 'z', which it does not have"),
        (
            cond,
            lambda o: o.blocks[1].operations[0].outputs[0].type.CopyFrom(types.value_type("int32", (2, 3))),
            "returns 'b' as int32[2, 3]; the operation has float32[2, 3]",
        ),
        (loop, lambda o: o.blocks[0].outputs.append("v"), "the condition returns 2 values; expected one"),
        (loop, lambda o: o.blocks[0].outputs.__setitem__(0, "v"), "returns float32[2, 3]; expected a bool"),
        (loop, lambda o: o.blocks[1].inputs.pop(), "the body has 0 inputs for 1 loop_vars"),
        (loop, lambda o: o.outputs.add(name="more"), "has 2 results for 1 loop_vars"),
        (loop, lambda o: o.blocks.add(), "has 3 blocks; expected two, the condition and the body"),
        (
            loop,
            lambda o: setattr(o.blocks[0].inputs[0], "name", "x"),
            "its input 'x' has the name of another value",
        ),
    ],
)
def test_damaged_control_flow(build, change, words):
    texts = found(model(lambda program: change(build(program))))
    assert any(words in text for text in texts), texts


def test_blocks_of_other_operations():
    def build(program: Writing) -> None:
        program.add("relu", {"y": ("float32", (2, 3))}, x="x").blocks.add()

    assert "has 1 blocks; expected none" in only(model(build))


def test_results_of_a_block_do_not_leave_it():
    def build(program: Writing) -> None:
        cond(program)
        relu(program, "a", "z")

    words = "reads 'a', which does not exist here: operation 'y' (cond), number 2 > block 1 > operation 'a'"
    assert words in only(model(build))


def test_deep_blocks():
    message = model()
    block = programs.body(message.mlProgram.functions["main"])
    for _ in range(2000):
        block = block.operations.add(type="cond").blocks.add()
    assert any("blocks are nested deeper than 32" in text for text in found(message))


# Functions and interface ----------------------------------------------------------------------------------------------


def test_functions():
    empty = Model(specificationVersion=6)
    empty.mlProgram.version = 1
    assert any("has no functions" in text for text in found(empty))
    message = model()
    message.mlProgram.functions["main"].opset = "CoreML7"
    assert any("no body for its operator set 'CoreML7'" in text for text in found(message))
    message.mlProgram.functions["main"].opset = "CoreML99"
    assert any("the operator set 'CoreML99' is unknown" in text for text in found(message))
    message = model()
    message.mlProgram.functions["main"].inputs.add(name="x")
    assert any("has two inputs called 'x'" in text for text in found(message))
    message = model()
    message.mlProgram.version = 2
    assert only(message).startswith("warning: program: has version 2")


def test_described_functions(package):
    message = read(package)
    message.description.functions.add(name="third")
    message.description.defaultFunctionName = "fourth"
    texts = found(message)
    assert any("describes the function 'third', which the program does not have" in text for text in texts)
    assert any("defaultFunctionName is 'fourth', which the program does not have" in text for text in texts)


def test_the_interface():
    message = model()
    message.description.input[0].name = "z"
    message.description.output[0].name = "w"
    texts = found(message)
    assert any("input 'z': is described, but the function has no such input" in text for text in texts)
    assert any("input 'x': is input of the function, but is not described" in text for text in texts)
    assert any("output 'w': is described, but the function has no such output" in text for text in texts)
    message = model()
    message.description.input[0].type.multiArrayType.shape[:] = [2, 4]
    assert "is described with the shape [2, 4], the program has float32[2, 3]" in only(message)
    message = model()
    message.description.input[0].type.multiArrayType.dataType = message.description.input[0].type.multiArrayType.INT32
    assert only(message).startswith("warning")
    assert "is described as INT32, the program has float32" in only(message)
    message = model()
    message.description.input[0].type.imageType.width = message.description.input[0].type.imageType.height = 2
    message.description.input[0].type.imageType.colorSpace = message.description.input[0].type.imageType.RGB
    assert "is an image, so the program must take [1, C, H, W], got float32[2, 3]" in only(message)


def test_versions():
    message = model()
    message.specificationVersion = 8
    words = "declares specification version 8, but the operator set CoreML8 of function 'main' needs 9"
    assert words in only(message)
    with pytest.raises(SpecError, match="the operation 'rellu' is unknown"):
        validate(model(lambda p: p.add("rellu", {"y": ("float32", (2, 3))}, x="x")))


# Weight files ---------------------------------------------------------------------------------------------------------


def test_blobs_are_looked_up(single):
    message = read(single)
    blob = programs.body(message.mlProgram.functions["main"]).operations[0].attributes["val"].blobFileValue
    blob.offset = 128
    assert "there is no blob: it starts with" in only(message, weights=weight_files(single))
    assert found(message) == []
    blob.fileName = "@model_path/weights/nothing.bin"
    assert "'@model_path/weights/nothing.bin' is missing" in only(message, weights=weight_files(single))
    value = programs.body(message.mlProgram.functions["main"]).operations[0].attributes["val"]
    value.type.CopyFrom(types.value_type("bool", (4, 3)))
    assert any("a weight file cannot hold bool[4, 3]" in text for text in found(message))
    value.type.listType.SetInParent()
    assert any("a value in a weight file must be a tensor, got list" in text for text in found(message))


# Hostile files --------------------------------------------------------------------------------------------------------


def test_many_parts_take_little_time():
    message = model()
    block = programs.body(message.mlProgram.functions["main"])
    for number in range(20_000):
        block.operations.add(type="relu").outputs.add(name=str(number % 7))
    data = serialize(message)
    start = time.process_time()
    assert len(problems(parse(data))) >= 20_000
    assert time.process_time() - start < 10


def test_more_operations_than_any_program_has():
    message = model()
    block = programs.body(message.mlProgram.functions["main"])
    block.MergeFromString(b"\x1a\x00" * ((1 << 18) + 1))
    with pytest.raises(SpecError, match="operations or more; expected at most"):
        parse(serialize(message))
