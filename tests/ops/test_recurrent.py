"""Recurrent layers give the same with the product of the input before the loop, in its steps, or joined."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import load_all
from one_layer import blobs, lowered, same

from graphml.ops.kernels import recurrent
from graphml.ops.kernels.cpu import recurrent as cpu

KINDS = load_all()


def _loops_of(network, params, inputs):
    """How many matrix products the body of each loop of the program has."""
    program = jax.make_jaxpr(lambda p, x: blobs(network, p, x))(params, inputs)
    return [
        sum(eqn.primitive.name == "dot_general" for eqn in loop.params["jaxpr"].jaxpr.eqns)
        for loop in program.jaxpr.eqns
        if loop.primitive.name == "scan"
    ]


@pytest.mark.parametrize("kind", ["simpleRecurrent", "gru", "uniDirectionalLSTM", "biDirectionalLSTM"])
def test_hoisted_equals_not_hoisted(kind, monkeypatch):
    case = KINDS[kind].base
    network = lowered(kind, case)

    def outputs_and_gradient():
        def total(params, inputs):
            return sum(jnp.sum(jnp.sin(y)) for y in blobs(network, params, inputs))

        run = jax.jit(lambda p, x: (blobs(network, p, x), jax.grad(total, argnums=(0, 1))(p, x)))
        return run(network.params, case.inputs), _loops_of(network, network.params, case.inputs)

    monkeypatch.setattr(recurrent, "_HOIST_UP_TO", 0)
    inside, products_inside = outputs_and_gradient()
    monkeypatch.setattr(recurrent, "_HOIST_UP_TO", 100)
    hoisted, products_hoisted = outputs_and_gradient()
    assert [n + 1 for n in products_hoisted] == products_inside, "the two forms differ by one product in the loop"
    monkeypatch.setattr(recurrent, "_HOIST_UP_TO", 0)
    monkeypatch.setattr(cpu, "_JOIN_FROM", 1)
    joined, products_joined = outputs_and_gradient()
    assert products_joined == (products_inside if kind == "gru" else [n - 1 for n in products_inside])
    for others in (hoisted, joined):
        for one, other in zip(jax.tree.leaves(inside), jax.tree.leaves(others), strict=True):
            same(one, other, rtol=1e-5, atol=1e-5)


def test_parts_equal_the_whole(monkeypatch):
    case = KINDS["uniDirectionalLSTM"].base
    network = lowered("uniDirectionalLSTM", case)
    whole = jax.jit(lambda p, x: blobs(network, p, x))(network.params, case.inputs)
    monkeypatch.setattr(cpu, "_COLUMNS", 2 * whole[1].shape[2])  # of four times as many
    parts = jax.jit(lambda p, x: blobs(network, p, x))(network.params, case.inputs)
    assert _loops_of(network, network.params, case.inputs) == [2]
    for one, other in zip(whole, parts, strict=True):
        same(one, other, rtol=1e-5, atol=1e-5)


def test_a_gpu_always_hoists():
    case = KINDS["gru"].base
    many = (np.repeat(case.inputs[0], 10, axis=1),)
    cpu, cuda = (lowered("gru", case.but(inputs=many), platform=name) for name in ("cpu", "cuda"))
    assert _loops_of(cpu, cpu.params, many) == [3]
    assert _loops_of(cuda, cuda.params, many) == [2]


@pytest.mark.parametrize("kind", ["simpleRecurrent", "gru", "uniDirectionalLSTM", "biDirectionalLSTM"])
def test_a_sequence_may_be_run_in_parts(kind):
    """States that come out go in again. The backward half of a bidirectional layer starts at the end, so it is out."""
    case = KINDS[kind].base
    network = lowered(kind, case)
    x, *states = case.inputs
    run = jax.jit(lambda *inputs: blobs(network, network.params, inputs))
    whole = run(*case.inputs)
    first = run(x[:2], *states)
    second = run(x[2:], *first[1:])
    size = states[0].shape[2]
    joined = jnp.concatenate([first[0], second[0]])
    same(joined[:, :, :size], whole[0][:, :, :size], rtol=1e-5, atol=1e-5)
    for got, want in zip(second[1:3], whole[1:3], strict=True):
        same(got, want, rtol=1e-5, atol=1e-5)
