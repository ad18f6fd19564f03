"""Branches: one program for both, and what each branch must leave."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from sub_networks import constant, one, part, program

from graphml.build import NeuralNetworkBuilder, ProgramBuilder
from graphml.errors import GraphError, ShapeError, UnsupportedError
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.interpreter.lower import lower


def absolute(nested: bool = False, otherwise: bool = True):
    """y = x if x > 0 else -2 x, through copies into a shared blob."""
    builder = part()
    constant(builder, "zero", 0.0)
    builder.add("copy", "start", ["zero"], ["y"])
    builder.add("greaterThan", "p", ["x"], ["p"], alpha=0.0)
    then = part().add("copy", "take", ["x"], ["y"])
    if nested:
        inner = part().add("multiply", "triple", ["x"], ["t"], alpha=3.0).add("copy", "put", ["t"], ["y"])
        then.add("greaterThan", "q", ["x"], ["q"], alpha=1.0).add("branch", "inner", ["q"], [], if_branch=inner)
    other = part().add("multiply", "minus", ["x"], ["m"], alpha=-2.0).add("copy", "give", ["m"], ["y"])
    fields = {"if_branch": then, **({"else_branch": other} if otherwise else {})}
    return builder.add("branch", "b", ["p"], [], **fields)


@pytest.mark.parametrize(("nested", "otherwise"), [(False, True), (True, True), (False, False), (True, False)])
def test_branch(nested, otherwise):
    run = program(absolute(nested, otherwise))
    for x in (-3.0, 0.5, 2.0):
        wanted = (3 * x if nested and x > 1 else x) if x > 0 else (-2 * x if otherwise else 0.0)
        gradient = (3 if nested and x > 1 else 1) if x > 0 else (-2 if otherwise else 0)
        for each in (run, jax.jit(run)):
            np.testing.assert_allclose(each(one(x)), [wanted])
        np.testing.assert_allclose(jax.grad(lambda v: jax.jit(run)(v).sum())(one(x)), [gradient])
    xs = np.float32([[-3], [0.5], [2]])
    np.testing.assert_array_equal(jax.vmap(run)(xs), np.stack([run(x) for x in xs]))


def test_a_branch_is_one_cond():
    jaxpr = str(jax.make_jaxpr(program(absolute(nested=True)))(one(1.0)))
    assert jaxpr.count("cond[") == 2


def test_a_branch_takes_only_the_blobs_that_it_uses():
    """Otherwise all blobs before it enter each of many branches where none is dropped, as for intermediate values."""
    builder = part()
    for number in range(20):
        builder.add("add", f"a{number}", ["x"], [f"h{number}"], alpha=1.0)
    sides = {f"{side}_branch": part().add("multiply", side, ["h7"], ["y"], alpha=2.0) for side in ("if", "else")}
    builder.add("branch", "b", ["x"], [], **sides)
    lowered = lower(*read_network(builder.network, (Port("x", None),), (Port("y", None),)))
    program = jax.make_jaxpr(lambda x: lowered.intermediates(lowered.params, {"x": x}))(one(1.0))
    (cond,) = (equation for equation in program.eqns if equation.primitive.name == "cond")
    assert len(cond.invars) == 3  # which side, x that decides it, and h7


def test_a_constant_predicate_needs_no_cond():
    builder = constant(part(), "p", 1.0)
    then = part().add("multiply", "double", ["x"], ["y"], alpha=2.0)
    builder.add("branch", "b", ["p"], [], if_branch=then)  # 'y' exists in this branch only, which is known to run
    lowered = lower(*read_network(builder.network, (Port("x", None),), (Port("y", None),)))
    assert "cond" not in str(jax.make_jaxpr(lambda x: lowered.fn(lowered.params, {"x": x}))(one(3.0)))
    np.testing.assert_array_equal(lowered.fn(lowered.params, {"x": one(3.0)})["y"], [6])


def one_sided(predicate: str) -> NeuralNetworkBuilder:
    builder = constant(part(), "yes", 1.0)
    builder.add("branch", "b", [predicate], [], if_branch=part().add("multiply", "m", ["x"], ["h"], alpha=2.0))
    return builder.add("add", "after", ["h"], ["y"], alpha=1.0)


def test_a_blob_of_one_branch_cannot_be_read_when_the_predicate_is_not_known():
    with pytest.raises(GraphError, match=r"layer 'after' .* reads 'h', which one branch of layer 'b' \(branch\)"):
        program(one_sided("x"))
    np.testing.assert_array_equal(jax.jit(program(one_sided("yes")))(one(3.0)), [7])


def test_a_loop_does_not_replace_the_missing_branch():
    iteration = part().add("add", "plus", ["x"], ["t"], alpha=1.0)
    builder = part().add("branch", "b", ["x"], [], if_branch=part().add("multiply", "m", ["x"], ["y"], alpha=2.0))
    with pytest.raises(GraphError, match="the output 'y' is written by one branch of layer 'b'"):
        program(builder.add("loop", "l", [], [], max_loop_iterations=2, body_network=iteration))


def test_a_blob_of_one_branch_of_a_nested_conditional_cannot_be_read():
    inner = part().add("branch", "inner", ["x"], [], if_branch=part().add("multiply", "m", ["x"], ["y"], alpha=2.0))
    other = part().add("multiply", "n", ["x"], ["y"], alpha=3.0)
    builder = part().add("branch", "outer", ["x"], [], if_branch=inner, else_branch=other)
    with pytest.raises(GraphError, match="the output 'y' is written by one branch of layer 'outer'"):
        program(builder)


def test_a_blob_that_all_nested_branches_write_can_be_read():
    def sides(name, a, b):
        return {
            "if_branch": part().add("multiply", name + "a", ["x"], ["y"], alpha=a),
            "else_branch": part().add("multiply", name + "b", ["x"], ["y"], alpha=b),
        }

    inner = part().add("branch", "inner", ["x"], [], **sides("in", 2.0, 3.0))
    other = part().add("multiply", "n", ["x"], ["y"], alpha=5.0)
    run = program(part().add("branch", "outer", ["x"], [], if_branch=inner, else_branch=other))
    np.testing.assert_array_equal(run(one(4.0)), [8])
    np.testing.assert_array_equal(run(one(0.0)), [0])


def test_branches_of_different_shapes_are_named():
    builder = part().add(
        "branch",
        "b",
        ["x"],
        [],
        if_branch=part().add("tile", "a", ["x"], ["y"], reps=(2,)),
        else_branch=part().add("tile", "b", ["x"], ["y"], reps=(3,)),
    )
    assert program(builder)(one(1.0)).shape == (2,)
    with pytest.raises(UnsupportedError, match=r"write 'y' in different shapes \(\[2\] and \[3\]\)"):
        jax.jit(program(builder))(one(1.0))


def test_an_empty_else_network_is_no_else():
    builder = absolute(otherwise=False)
    builder.network.layers[-1].branch.elseBranch.SetInParent()
    for x in (-3.0, 2.0):
        np.testing.assert_array_equal(program(builder)(one(x)), program(absolute(otherwise=False))(one(x)))


@pytest.mark.parametrize("kind", ["cond", "while_loop"])
def test_a_condition_of_several_elements_is_refused(kind):
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", (2,))
    with pytest.raises(
        ShapeError, match=rf"operation 'it' \({kind}\).*\n  a condition must have one element, got shape \[2\]"
    ):
        if kind == "cond":
            y = builder.cond(builder.greater(x, 0.0), lambda: builder.mul(x, 2.0), lambda: x, name="it")
        else:
            y = builder.while_loop(lambda i: builder.less(i, 3.0), lambda i: builder.add(i, 1.0), (x,), name="it")
        builder.output("y", y)
        builder.model().predict({"x": np.ones(2, np.float32)})
