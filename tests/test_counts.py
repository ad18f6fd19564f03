"""How often things are compiled, read and traced: never twice, and in proportion to the program's length."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jax
import numpy as np
import pytest

import graphml
from graphml import catalogue
from graphml.build import NeuralNetworkBuilder, array
from graphml.interpreter.lower import Lowered
from graphml.models.network import NeuralNetwork


def part() -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder({}, {})


def program(**inputs: Any) -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder({name: array(*shape) for name, shape in inputs.items()}, {"y": None})


def loaded(builder: NeuralNetworkBuilder) -> NeuralNetwork:
    model = graphml.load(builder.spec.SerializeToString())
    assert isinstance(model, NeuralNetwork)
    return model


def spent(model: NeuralNetwork, **inputs: Any) -> tuple[int, int]:
    """Programs that were compiled, and values that the host has read, for one prediction."""
    staged = model._program.staged
    compiled, reads = len(model.compilations()), staged.host_reads
    model.predict(inputs)
    return len(model.compilations()) - compiled, staged.host_reads - reads


def masked() -> NeuralNetworkBuilder:
    """The elements of x that a mask names, less their mean."""
    builder = program(x=(6,), mask=(6,)).add("whereNonZero", "where", ["mask"], ["at"])
    builder.add("gatherND", "taken", ["x", "at"], ["some"])
    builder.add("reduceMean", "mean", ["some"], ["m"], axes=(0,), keep_dims=True)
    return builder.add("subtractBroadcastable", "centred", ["some", "m"], ["y"])


def test_a_mask_with_as_many_ones_compiles_nothing():
    model, x = loaded(masked()), np.arange(6, dtype=np.float32)
    first = spent(model, x=x, mask=np.float32([1, 0, 1, 0, 0, 0]))
    assert first == (2, 1)  # up to the mask, and what follows two elements; their number is read
    assert spent(model, x=x, mask=np.float32([0, 0, 0, 0, 1, 1])) == (0, 1)
    assert spent(model, x=x, mask=np.float32([1, 1, 1, 0, 0, 0])) == (1, 1)  # three: what follows is new
    assert spent(model, x=x, mask=np.float32([0, 7, 0, -1, 0, 0])) == (0, 1)
    assert model._program.staged.stages == 3


def growing() -> NeuralNetworkBuilder:
    """y = x; n times: y = y ++ tanh(y)."""
    body = part().add("tanh", "t", ["h"], ["t"]).add("concatND", "grow", ["h", "t"], ["g"], axis=0)
    body.add("copy", "keep", ["g"], ["h"])
    builder = program(x=(), n=(1,)).add("copy", "start", ["x"], ["h"])
    builder.add("loop", "loop", ["n"], [], body_network=body)
    return builder.add("multiply", "end", ["h"], ["y"], alpha=1.0)


def test_a_shape_seen_before_is_never_traced_again():
    model = loaded(growing())
    two, three = np.ones(2, np.float32), np.ones(3, np.float32)
    assert spent(model, x=two, n=np.float32([3])) == (5, 1)  # before, three lengths, after
    assert spent(model, x=three, n=np.float32([1])) == (3, 1)
    assert spent(model, x=two, n=np.float32([3])) == (0, 1)
    assert spent(model, x=two + 1, n=np.float32([2])) == (1, 1)  # two of its lengths are known, what follows is not
    assert spent(model, x=three, n=np.float32([1])) == (0, 1)


def test_a_network_without_such_values_is_one_program_for_each_shape():
    body = part().add("tanh", "t", ["h"], ["t"]).add("copy", "keep", ["t"], ["h"])
    builder = program(x=(), n=(1,)).add("copy", "start", ["x"], ["h"])
    builder.add("loop", "loop", ["n"], [], body_network=body)
    model = loaded(builder.add("multiply", "end", ["h"], ["y"], alpha=1.0))
    two, three = np.ones(2, np.float32), np.ones(3, np.float32)
    spends = [spent(model, x=x, n=np.float32([n])) for x, n in ((two, 3), (two, 9), (three, 3), (two, 0), (three, 1))]
    assert spends == [(1, 0), (0, 0), (1, 0), (0, 0), (0, 0)]


# Tracing -------------------------------------------------------------------------------------------------------------


def equations(jaxpr: Any) -> Counter[str]:
    """How often each primitive occurs in a jaxpr, inner jaxprs included."""
    found: Counter[str] = Counter()
    for equation in jaxpr.eqns:
        found[equation.primitive.name] += 1
        for value in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda v: hasattr(v, "jaxpr")):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                found += equations(inner)
    return found


def bounded(most: int) -> Lowered:
    """h = x; while h < 100, at most so many times: h = h * h."""
    condition = part().add("lessThan", "c", ["h"], ["go"], alpha=100.0)
    body = part().add("multiplyBroadcastable", "square", ["h", "h"], ["t"]).add("copy", "keep", ["t"], ["h"])
    networks = {"condition_network": condition, "body_network": body}
    builder = program(x=(1,)).add("copy", "start", ["x"], ["h"])
    builder.add("loop", "loop", [], [], max_loop_iterations=most, condition_var="go", **networks)
    return loaded(builder.add("copy", "end", ["h"], ["y"])).lower()


def test_a_bounded_loop_differentiates_as_one_scan_of_one_body():
    counted = []
    for most in (10, 1000):
        lowered = bounded(most)

        def run(x):
            return lowered.fn(lowered.params, {"x": x})["y"].sum()

        x = np.float32([1.5])
        forward = equations(jax.make_jaxpr(lambda x: jax.jvp(run, (x,), (x,)))(x).jaxpr)
        backward = equations(jax.make_jaxpr(jax.grad(run))(x).jaxpr)
        assert (forward["scan"], forward["while"]) == (1, 0)
        assert (backward["scan"], backward["while"]) == (2, 0)  # there and back
        counted.append((forward["mul"], backward["mul"]))
    assert counted[0] == counted[1]  # the body is not unrolled


def nested(depth: int) -> NeuralNetworkBuilder:
    """Loops in loops, each of which may continue with its next iteration before and after the inner one."""
    body = part().add("add", "plus", ["h"], ["t"], alpha=0.125).add("copy", "back", ["t"], ["h"])
    for level in range(depth):
        outer = part().add("greaterThan", "p", ["h"], [f"p{level}"], alpha=9.0)
        leave = part().add("loopContinue", "next", [], [])
        outer.add("branch", "b", [f"p{level}"], [], if_branch=leave)
        outer.add("loop", "inner", [], [], max_loop_iterations=2, body_network=body)
        outer.add("greaterThan", "q", ["h"], [f"q{level}"], alpha=8.0)
        outer.add("branch", "c", [f"q{level}"], [], if_branch=leave)
        body = outer.add("add", "plus", ["h"], [f"t{level}"], alpha=0.25).add("copy", "keep", [f"t{level}"], ["h"])
    builder = program(x=(1,)).add("copy", "start", ["x"], ["h"])
    builder.network.layers.extend(body.network.layers)
    for layer in list(builder.network.layers):
        if layer.WhichOneof("layer") == "branch":  # outside all loops
            builder.network.layers.remove(layer)
    return builder.add("copy", "end", ["h"], ["y"])


@pytest.mark.parametrize("derivative", [False, True])
def test_rows_are_called_in_proportion_to_the_depth(derivative, monkeypatch):
    def calls(depth: int) -> int:
        lowered, seen = loaded(nested(depth)).lower(), []
        row = catalogue.rows("layer")["add"]
        counted = catalogue.replace(row, function=lambda *a, **k: (seen.append(1), row.function(*a, **k))[1])

        def run(x):
            return lowered.fn(lowered.params, {"x": x})["y"].sum()

        with monkeypatch.context() as patch:
            patch.setitem(catalogue._rows, ("layer", "add", 1), counted)
            jax.make_jaxpr(jax.grad(run) if derivative else run)(np.float32([0]))
        return len(seen)

    two, four, six = calls(2), calls(4), calls(6)
    assert six - four <= four - two
