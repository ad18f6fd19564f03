"""The front end of ML Programs: what a file says becomes a graph that computes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from graphml.build.program import ProgramBuilder
from graphml.build.program_writing import write_model
from graphml.errors import GraphmlError, SpecError
from graphml.frontends.program import read_function
from graphml.graph import Graph
from graphml.interpreter.lower import Lowered, lower
from graphml.interpreter.stages import Staged
from graphml.spec.program.blobs import BlobWriter
from graphml.spec.program.values import WeightFiles

INT = np.int32
X = np.arange(6, dtype=np.float32).reshape(2, 3)


def message_of(builder: ProgramBuilder, folder: Path) -> Any:
    """The main function of a program, whose weights are written into a folder."""
    blobs = BlobWriter()
    model = write_model([builder.finished()], builder.opset, blobs)
    (folder / "weight.bin").write_bytes(b"".join(blobs.chunks()))
    return model.mlProgram.functions["main"]


def graph_of(builder: ProgramBuilder, folder: Path) -> Graph:
    return read_function(message_of(builder, folder), WeightFiles(folder))


def run(builder: ProgramBuilder, folder: Path, **inputs: Any) -> tuple[Lowered, dict[str, Any]]:
    """The outputs, run eagerly, compiled, with prepared weights and in stages, which all agree."""
    lowered = lower(graph_of(builder, folder))
    outputs = lowered.fn(lowered.params, inputs)
    others = [
        jax.jit(lowered.fn)(lowered.params, inputs),
        lowered.run_prepared(lowered.prepare(lowered.params), inputs),
        Staged(lowered)(lowered.params, inputs),
    ]
    for other in others:
        for name, value in outputs.items():
            np.testing.assert_allclose(other[name], value, rtol=1e-6, atol=1e-6)
            assert other[name].dtype == value.dtype
    return lowered, outputs


def test_constants_with_axes_are_parameters_and_scalars_are_part_of_the_program(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (2, 3))
    large = builder.const(np.arange(12, dtype=np.float32).reshape(4, 1, 3), name="large")  # in the weight file
    small = builder.const(np.float32([1, 2, 3]), name="small")
    y = builder.mul(builder.add(builder.add(x, large), small), 0.5)
    builder.output("y", y)
    lowered, outputs = run(builder, tmp_path, x=X)
    assert set(lowered.params) == {"large", "small"}
    want = (X + np.arange(12).reshape(4, 1, 3) + [1, 2, 3]) * 0.5
    np.testing.assert_allclose(outputs["y"], want, rtol=1e-6)
    gradients = jax.grad(lambda params: lowered.fn(params, {"x": X})["y"].sum())(lowered.params)
    np.testing.assert_allclose(gradients["small"]["val"], [4, 4, 4])


def test_an_input_and_a_constant_may_be_outputs(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (2, 3))
    builder.output("same", x)
    builder.output("fixed", builder.const([1.0, 2.0]))
    _, outputs = run(builder, tmp_path, x=X)
    np.testing.assert_array_equal(outputs["same"], X)
    np.testing.assert_array_equal(outputs["fixed"], [1, 2])


@pytest.mark.parametrize("chosen", [True, False])
def test_one_of_two_blocks_runs(chosen, tmp_path):
    builder = ProgramBuilder()
    x, flag = builder.input("x", (2, 3)), builder.input("flag", (), "int32")
    pred = builder.equal(flag, 1)
    one, two = builder.cond(
        pred, lambda: (builder.mul(x, 2.0), x), lambda: (x, builder.add(builder.square(x), [1.0, 2.0, 3.0]))
    )
    builder.output("one", one)
    builder.output("two", two)
    lowered, outputs = run(builder, tmp_path, x=X, flag=INT(chosen))
    np.testing.assert_allclose(outputs["one"], 2 * X if chosen else X)
    np.testing.assert_allclose(outputs["two"], X if chosen else X**2 + [1, 2, 3])
    (constants,) = lowered.params.values()
    np.testing.assert_array_equal(constants["val"], [1, 2, 3])


def test_carried_values_may_change_places(tmp_path):
    builder = ProgramBuilder()
    a, b = builder.input("a", (2,)), builder.input("b", (2,))
    _, one, two = builder.while_loop(
        lambda i, u, v: builder.less(i, 3), lambda i, u, v: (builder.add(i, 1), v, builder.add(u, v)), (0, a, b)
    )
    builder.output("one", one)
    builder.output("two", two)
    u, v = np.float32([1, 2]), np.float32([3, 5])
    _, outputs = run(builder, tmp_path, a=u, b=v)
    for _ in range(3):
        u, v = v, u + v
    np.testing.assert_allclose(outputs["one"], u)
    np.testing.assert_allclose(outputs["two"], v)


def test_a_loop_that_counts_has_a_gradient_and_no_condition(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (3,))
    _, y = builder.while_loop(
        lambda i, v: builder.less(i, 4), lambda i, v: (builder.add(i, 1), builder.mul(v, x)), (0, x)
    )
    builder.output("y", y)
    lowered, outputs = run(builder, tmp_path, x=np.float32([1, 2, 3]))
    np.testing.assert_allclose(outputs["y"], np.float32([1, 2, 3]) ** 5)
    gradients = jax.grad(lambda x: lowered.fn({}, {"x": x})["y"].sum())(np.float32([1, 2, 3]))
    np.testing.assert_allclose(gradients, 5 * np.float32([1, 2, 3]) ** 4)
    assert "while" not in str(jax.make_jaxpr(lowered.fn)({}, {"x": np.float32([1, 2, 3])}))
    assert not lowered.endless


def test_a_loop_until_a_value_is_reached(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", ())
    y = builder.while_loop(lambda v: builder.less(v, 100.0), lambda v: builder.mul(v, 3.0), (x,))
    builder.output("y", y)
    lowered, outputs = run(builder, tmp_path, x=np.float32(2))
    assert float(outputs["y"]) == 162
    assert lowered.endless


def test_nested_blocks_see_outer_names_and_may_reuse_them(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", (2,))

    def body(i, v):
        inner = builder.while_loop(lambda j: builder.less(j, 3), lambda j: builder.add(j, 1), (i,))
        doubled = builder.cond(builder.greater(inner, 2), lambda: builder.add(v, x), lambda: v)
        return builder.add(i, 1), doubled

    _, y = builder.while_loop(lambda i, v: builder.less(i, 2), body, (0, x))
    builder.output("y", y)
    function = message_of(builder, tmp_path)
    outer = next(o for o in function.block_specializations[builder.opset].operations if o.type == "while_loop")
    taken = outer.blocks[1].inputs[1].name
    for block in outer.blocks:  # converters give the arguments of both blocks the same names
        for argument, name in zip(block.inputs, ("i", "v"), strict=True):
            old, argument.name = argument.name, name
            _rename(block, old, name)
    assert taken not in str(outer)
    lowered = lower(read_function(function, WeightFiles(tmp_path)))
    np.testing.assert_allclose(lowered.fn({}, {"x": np.float32([1, 2])})["y"], [3, 6])


def _rename(block: Any, old: str, new: str) -> None:
    block.outputs[:] = [new if name == old else name for name in block.outputs]
    for operation in block.operations:
        for argument in operation.inputs.values():
            for binding in argument.arguments:
                if binding.name == old:
                    binding.name = new
        for inner in operation.blocks:
            _rename(inner, old, new)


def test_a_state_is_read_and_written_in_order(tmp_path):
    builder = ProgramBuilder("CoreML8")
    x = builder.input("x", (3,), "float16")
    total = builder.state("total", (3,))
    before = builder.read_state(total)
    builder.write_state(total, builder.add(before, x))
    builder.output("before", before)
    builder.output("after", builder.read_state(total))
    lowered = lower(graph_of(builder, tmp_path))
    assert lowered.graph.state == ("total",)
    state = {"total": np.zeros(3, np.float16)}
    for step in range(1, 3):
        outputs, state = jax.jit(lowered.fn)(lowered.params, {"x": np.float16([1, 2, 3])}, state=state)
        np.testing.assert_array_equal(outputs["after"], np.float16([1, 2, 3]) * step)
        np.testing.assert_array_equal(outputs["before"], np.float16([1, 2, 3]) * (step - 1))
        assert state["total"].dtype == np.float16


def test_a_state_that_a_loop_writes_is_carried(tmp_path):
    builder = ProgramBuilder("CoreML8")
    x = builder.input("x", (2,), "float16")
    total = builder.state("total", (2,))

    def body(i):
        builder.write_state(total, builder.add(builder.read_state(total), x))
        return builder.add(i, 1)

    builder.while_loop(lambda i: builder.less(i, 3), body, (0,))
    builder.output("y", builder.read_state(total))
    lowered = lower(graph_of(builder, tmp_path))
    outputs, state = lowered.fn({}, {"x": np.float16([1, 2])}, state={"total": np.zeros(2, np.float16)})
    np.testing.assert_array_equal(outputs["y"], [3, 6])
    np.testing.assert_array_equal(state["total"], [3, 6])


def _break(function: Any, kind: str) -> None:
    block = next(iter(function.block_specializations.values()))
    add = next(operation for operation in block.operations if operation.type == "add")
    if kind == "unknown name":
        add.inputs["x"].arguments[0].name = "nowhere"
    elif kind == "unknown operation":
        add.type = "addition"
    elif kind == "unknown parameter":
        add.inputs["z"].CopyFrom(add.inputs["x"])
    elif kind == "missing parameter":
        del add.inputs["x"]
    elif kind == "two values":
        add.inputs["x"].arguments.add().name = "x"
    elif kind == "unknown opset":
        function.opset = "CoreML99"
    elif kind == "computed constant":
        softmax = next(operation for operation in block.operations if operation.type == "softmax")
        softmax.inputs["axis"].arguments[0].name = "i"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("unknown name", "operation 'sum' (add), number 2\n  x reads 'nowhere', which is not defined before it"),
        ("unknown operation", "operation 'sum' (addition), number 2\n  there is no operation 'addition' in version 17"),
        ("unknown parameter", "add has no parameter 'z'; it has x, y"),
        ("missing parameter", "add lacks the parameter x"),
        ("two values", "x takes one value, got 2"),
        ("unknown opset", "the operator set 'CoreML99' is unknown"),
        ("computed constant", "axis must be a constant; 'i' is computed"),
    ],
)
def test_what_is_not_legal_is_named(kind, words, tmp_path):
    builder = ProgramBuilder()
    x, _ = builder.input("x", (2, 3)), builder.input("i", (), "int32")
    builder.output("y", builder.softmax(builder.add(x, [1.0, 2.0, 3.0], name="sum"), axis=-1))
    function = message_of(builder, tmp_path)
    _break(function, kind)
    with pytest.raises(SpecError) as caught:
        read_function(function, WeightFiles(tmp_path))
    assert words in str(caught.value)


def test_blocks_that_are_nested_without_end_are_refused(tmp_path):
    builder = ProgramBuilder()
    x = builder.input("x", ())
    builder.output("y", builder.cond(builder.less(x, 0.0), lambda: x, lambda: x))
    function = message_of(builder, tmp_path)
    block = function.block_specializations[builder.opset]
    cond = next(operation for operation in block.operations if operation.type == "cond")
    for _ in range(90):
        inner = type(cond)()
        inner.CopyFrom(cond)
        del cond.blocks[0].operations[:]
        cond.blocks[0].operations.append(inner)
        cond = cond.blocks[0].operations[0]
    with pytest.raises(GraphmlError, match="more than 64 deep"):
        read_function(function, WeightFiles(tmp_path))
