"""Functions, bodies and operations of programs."""

from __future__ import annotations

import pytest

from graphml.errors import SpecError
from graphml.spec import Model
from graphml.spec.program import programs
from graphml.spec.program.values import encode


def model(*names: str) -> Model:
    message = Model(specificationVersion=8)
    for name in names:
        function = message.mlProgram.functions[name]
        function.opset = "CoreML7"
        function.block_specializations["CoreML7"].operations.add(type="const").outputs.add(name="c")
    return message


def test_the_default_function():
    assert programs.default_function(model("main")) == "main"
    two = model("first", "main", "second")
    assert programs.default_function(two) == "main"
    two.description.functions.add(name="second")
    assert programs.default_function(two) == "second"
    two.description.defaultFunctionName = "first"
    assert programs.default_function(two) == "first"
    two.description.defaultFunctionName = "third"
    with pytest.raises(SpecError, match="no function 'third'; it has 'first', 'main', 'second'"):
        programs.default_function(two)
    with pytest.raises(SpecError, match="it has none"):
        programs.default_function(model())


def test_bodies_and_versions():
    function = model("main").mlProgram.functions["main"]
    assert programs.body(function).operations[0].type == "const"
    assert programs.version(function) == 17
    function.opset = "CoreML8"
    with pytest.raises(SpecError, match="no body for its operator set 'CoreML8'; it has 'CoreML7'"):
        programs.body(function)
    function.opset = "CoreML99"
    with pytest.raises(SpecError, match="operator set 'CoreML99' is unknown"):
        programs.version(function)


def test_walking_visits_blocks_in_place():
    block = programs.body(model("main").mlProgram.functions["main"])
    loop = block.operations.add(type="while_loop")
    loop.attributes["name"].CopyFrom(encode("loop"))
    for inner in ("c1", "c2"):
        loop.blocks.add().operations.add(type="less").outputs.add(name=inner)
    loop.blocks[1].operations[0].blocks.add().operations.add(type="relu")
    block.operations.add(type="add").outputs.add(name="end")
    found = list(programs.walk(block))
    assert [operation.type for operation, _ in found] == ["const", "while_loop", "less", "less", "relu", "add"]
    assert found[1][1] == "operation 'loop' (while_loop), number 2"
    outer = "operation 'loop' (while_loop), number 2 > block 2 > operation 'c2' (less), number 1"
    assert found[4][1] == f"{outer} > block 1 > operation '' (relu), number 1"
