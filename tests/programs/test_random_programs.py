"""Random programs with branches and loops answer as plain Python does: predicted, jitted, mapped, differentiated.

PROGRAMS=5000 in the environment asks for so many (CI runs about a hundred), --hypothesis-seed for others. Where a
program comes close to a threshold on all of its inputs, another one is written.
"""

from __future__ import annotations

import os

import jax
import numpy as np
import pytest
from compiling import QUICK
from hypothesis import assume, given, settings
from model_problems import errors_of

import graphml
from graphml.errors import UnsupportedError
from graphml.interpreter.lower import lower
from graphml.interpreter.stages import Staged
from graphml.models.network import NeuralNetwork
from programs.language import MOST_ITERATIONS, Program, Unfit, answers, gradients, weighed
from programs.rendering import model_bytes
from programs.writing import feeds, programs

_ALL = int(os.environ.get("PROGRAMS", "100"))


def some(share: float):
    """That share of all programs, at least one. Those of CI are always the same."""
    return settings(
        settings.default, max_examples=max(1, round(_ALL * share)), derandomize="PROGRAMS" not in os.environ
    )


def model_of(program: Program) -> NeuralNetwork:
    model = graphml.load(model_bytes(program))
    assert isinstance(model, NeuralNetwork)
    assert errors_of(model.spec) == []
    return model


def fitting(program: Program, inputs: list, wanted=answers) -> list:
    """(inputs, answers) for those inputs that prove something."""
    found = []
    for each in inputs:
        try:
            found.append(({name: np.float32(value) for name, value in each.items()}, wanted(program, each)))
        except Unfit:
            continue
    assume(found)
    return found


def same(got, wanted, program: Program) -> None:
    assert got.keys() == wanted.keys()
    for name in wanted:
        np.testing.assert_allclose(got[name], wanted[name], rtol=1e-3, atol=1e-3, err_msg=f"{name} of\n{program}")


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_predictions(dynamic):
    @some(0.3)
    @given(programs(dynamic=dynamic), feeds(4))
    def check(program, inputs):
        rows = fitting(program, inputs)
        model = model_of(program)
        for each, wanted in rows:
            same(model.predict(each), wanted, program)

    check()


@some(0.1)
@given(programs(dynamic=False), feeds(3))
def test_one_compiled_function_and_its_map(program, inputs):
    rows = fitting(program, inputs)
    lowered = model_of(program).lower()
    run = jax.jit(lambda x: lowered.fn(lowered.params, x), compiler_options=QUICK)
    for each, wanted in rows:
        same(run(each), wanted, program)
    stacked = {name: np.stack([each[name] for each, _ in rows]) for name in rows[0][0]}
    mapped = jax.jit(jax.vmap(lambda x: lowered.fn(lowered.params, x)), compiler_options=QUICK)(stacked)
    for place, (_, wanted) in enumerate(rows):
        same({name: value[place] for name, value in mapped.items()}, wanted, program)


@some(0.1)
@given(programs(dynamic=True), feeds(2))
def test_without_a_compiled_whole(program, inputs):
    """The plain function, called with values; under jit it says what it needs, or gives the same."""
    rows = fitting(program, inputs)
    lowered = model_of(program).lower()
    for each, wanted in rows:
        same(lowered.fn(lowered.params, each), wanted, program)
    try:
        run = jax.jit(lambda x: lowered.fn(lowered.params, x), compiler_options=QUICK).lower(rows[0][0]).compile()
    except UnsupportedError:  # a size depends on a value
        return
    for each, wanted in rows:
        same(run(each), wanted, program)


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_gradients(dynamic):
    @some(0.1)
    @given(programs(dynamic=dynamic), feeds(2))
    def check(program, inputs):
        gradients_agree(program, inputs, dynamic)

    check()


def gradients_agree(program: Program, inputs: list, dynamic: bool) -> None:
    """The gradient of the compiled function, or of the function in stages, is that of central differences."""
    rows = fitting(program, inputs, lambda p, x: (answers(p, x), gradients(p, x))[1])
    graph = model_of(program).graph
    with jax.enable_x64(True):
        lowered = lower(graph, dtype=np.float64, max_iterations=MOST_ITERATIONS)
        staged = Staged(lowered)

        def gradient(x):
            run = staged if dynamic else lowered.fn
            return jax.grad(lambda x: weighed(run(lowered.params, x)))(x)

        if not dynamic:
            gradient = jax.jit(gradient, compiler_options=QUICK)
        for each, wanted in rows:
            same(gradient({name: np.float64(value) for name, value in each.items()}), wanted, program)
