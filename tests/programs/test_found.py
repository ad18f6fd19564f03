"""Programs on which the random ones once failed, as small as they could be made."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import graphml
from graphml.models.network import NeuralNetwork
from programs.language import Copy, If, Leave, Let, Loop, Program, answers, weighed
from programs.rendering import model_bytes

_INPUTS = {"x": 1, "v": 3}
_ENDLESS = Loop((Let("k1", "plus", ("k",), 1.0), Copy("k1", "k")), None, 0, (Let("go", "below", ("k",), 2.5),), "go")
_COUNT = (Let("k0", "constant", (), 0.0), Copy("k0", "k"))
_POSITIVE = Let("p", "above", ("x",), 0.37)

FOUND = {
    "the body reads what the condition leaves": Program(
        _INPUTS,
        (Loop((Copy("c", "y"),), None, 2, (Let("c", "plus", ("x",), 1.0), Let("go", "below", ("c",), 9.5)), "go"),),
        ("c",),
    ),
    "a loop without an iteration behind a stage leaves a blob as it is": Program(
        _INPUTS,
        (
            Let("y", "times", ("v",), 2.0),
            *_COUNT,
            _ENDLESS,
            Let("n0", "limited", ("x",), 4.0),
            Let("n", "floor", ("n0",)),
            Loop((Copy("v", "y"),), "n"),
        ),
        ("y",),
    ),
    "a break under a condition inside a branch that the host runs": Program(
        _INPUTS,
        (
            Copy("v", "y"),
            _POSITIVE,
            Let("q", "above", ("x",), 1.37),
            Let("n0", "limited", ("x",), 4.0),
            Let("n", "floor", ("n0",)),
            Loop(
                (
                    If("p", (If("q", (Leave("break"),)), Let("f", "fill", ("n",), 1.0))),
                    Let("y1", "plus", ("y",), 1.0),
                    Copy("y1", "y"),
                ),
                None,
                3,
            ),
        ),
        ("y",),
    ),
    "a blob behind a possible leave has the value of an earlier iteration": Program(
        _INPUTS,
        (
            *_COUNT,
            Loop(
                (
                    Let("k1", "plus", ("k",), 1.0),
                    Copy("k1", "k"),
                    Let("last", "above", ("k",), 2.5),
                    If("last", (Leave("continue"),)),
                    Let("t", "multiply", ("k", "x")),
                ),
                None,
                3,
            ),
        ),
        ("t",),
    ),
    "sides leave a blob in two shapes, which nobody reads": Program(
        _INPUTS,
        (
            Let("y", "plus", ("x",), 0.5),
            _POSITIVE,
            Loop((If("p", (Let("t", "sin", ("v",)),), (Let("t", "sin", ("x",)),)), Copy("x", "y")), None, 2),
        ),
        ("y",),
    ),
    "branches leave a blob in two shapes, and it is overwritten immediately": Program(
        _INPUTS, (Copy("v", "y"), _POSITIVE, If("p", (Copy("x", "y"),)), Copy("x", "y")), ("y",)
    ),
    "a side leaves the iteration before it makes a blob": Program(
        _INPUTS,
        (
            Copy("x", "y"),
            _POSITIVE,
            Loop(
                (
                    If("p", (Leave("continue"), Let("t", "sin", ("x",))), (Let("t", "tanh", ("x",)),)),
                    Let("u", "add", ("t", "y")),
                    Copy("u", "y"),
                ),
                None,
                2,
            ),
        ),
        ("y",),
    ),
    "a fact of a shape goes into a blob that is computed elsewhere": Program(
        _INPUTS,
        (
            Copy("x", "y"),
            _POSITIVE,
            If("p", (Let("n", "length", ("v",)), Copy("n", "y"))),
            Loop((Copy("x", "y"),), "p"),
        ),
        ("y",),
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name):
    program = FOUND[name]
    model = graphml.load(model_bytes(program))
    assert isinstance(model, NeuralNetwork)
    for x in (-1.22, 0.53, 2.28):
        each = {"x": [x], "v": [0.28, -1.22, 2.03]}
        wanted = answers(program, each)
        got = model.predict({key: np.float32(value) for key, value in each.items()})
        for output in program.outputs:
            np.testing.assert_allclose(got[output], wanted[output], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in FOUND if name.startswith("sides")])
def test_what_nobody_reads_does_not_keep_a_program_from_being_compiled(name):
    model = graphml.load(model_bytes(FOUND[name]))
    assert isinstance(model, NeuralNetwork)
    lowered = model.lower()
    jax.make_jaxpr(lowered.fn)(lowered.params, {"x": np.zeros(1), "v": np.zeros(3)})


def test_double_precision_with_shape_arithmetic():
    program = FOUND["a fact of a shape goes into a blob that is computed elsewhere"]
    model = graphml.load(model_bytes(program))
    with jax.enable_x64(True):
        lowered = model.lower(np.float64, max_iterations=4)
        run = jax.jit(jax.grad(lambda x: weighed(lowered.fn(lowered.params, {"x": x, "v": np.zeros(3)}))))
        assert (run(np.float64([-1.0])), run(np.float64([2.0]))) == (1, 1)


def test_a_loop_without_a_bound_has_a_derivative_one_iteration_at_a_time():
    square = (Let("h1", "multiply", ("h", "h")), Copy("h1", "h"))
    program = Program(
        {"x": 1}, (Copy("x", "h"), Loop(square, None, 0, (Let("go", "below", ("h",), 9.0),), "go")), ("h",)
    )
    model = graphml.load(model_bytes(program))
    assert isinstance(model, NeuralNetwork)
    run = model.as_function()
    np.testing.assert_allclose(jax.grad(lambda x: run({"x": x})["h"].sum())(np.float32([1.5])), [8 * 1.5**7], rtol=1e-5)
