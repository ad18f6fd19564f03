"""Random numbers in loops and branches: every iteration and every layer draws its own, however the network runs."""

from __future__ import annotations

import functools

import jax
import numpy as np
import pytest
from sub_networks import one, part

from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.interpreter.lower import lower
from graphml.interpreter.stages import Staged

_DRAW = {"seed": -1, "min_val": 0.0, "max_val": 1.0, "output_shape": (1,)}


def drawing(grows: bool, inputs=(), nested: int = 0, **loop):
    """y = six zeros; in each iteration a drawn number is appended to y, and unless y grows its first one is dropped."""
    body = part().add("randomUniformStatic", "draw", [], ["r"], **_DRAW)
    body.add("concatND", "append", ["h", "r"], ["t"], axis=0)
    if grows:
        body.add("copy", "back", ["t"], ["h"])
    else:
        body.add("sliceStatic", "drop", ["t"], ["u"], begin_ids=(1,), end_ids=(7,), strides=(1,))
        body.add("copy", "back", ["u"], ["h"])
    if nested:
        body = part().add("loop", "inner", [], [], max_loop_iterations=nested, body_network=body)
    builder = part().add("loadConstantND", "zeros", [], ["z"], data=np.zeros(6, np.float32))
    builder.add("copy", "start", ["z"], ["h"]).add("loop", "l", list(inputs), [], body_network=body, **loop)
    return builder.add("multiplyBroadcastable", "end", ["h", "x"], ["y"])


def drawn(builder, run, inputs=("x", "n")):
    """The last six elements of y, from one way of running the lowered network."""
    ports = tuple(Port(name, None) for name in inputs)
    lowered = lower(*read_network(builder.network, ports, (Port("y", None),)))
    return np.asarray(run(lowered, {"x": one(1.0), "n": one(6.0)}, jax.random.key(3)))[-6:]


def plain(lowered, values, key):
    return lowered.fn(lowered.params, values, key=key)["y"]


def compiled(lowered, values, key):
    return jax.jit(lambda values, key: plain(lowered, values, key))(values, key)


def differentiated(lowered, values, key):
    def total(x, n, key):
        y = plain(lowered, {"x": x, "n": n}, key)
        return y.sum(), y

    return jax.jit(jax.value_and_grad(total, has_aux=True))(values["x"], values["n"], key)[0][1]


def staged(lowered, values, key):
    return Staged(lowered)(lowered.params, values, key)["y"]


SIX = {"max_loop_iterations": 6}


@functools.cache
def six_drawn() -> np.ndarray:
    return drawn(drawing(False, **SIX), compiled)


@pytest.mark.parametrize(
    ("builder", "run"),
    [
        (drawing(False, ["n"]), compiled),
        (drawing(False, **SIX), differentiated),
        (drawing(True, **SIX), plain),
        (drawing(True, ["n"]), staged),
    ],
    ids=["counted", "scanned", "unrolled", "by-host"],
)
def test_every_iteration_draws_other_numbers_the_same_in_every_way_of_running(builder, run):
    assert len(set(six_drawn().tolist())) == 6
    np.testing.assert_array_equal(drawn(builder, run), six_drawn())


@pytest.mark.parametrize(
    ("builder", "run"),
    [
        (drawing(False, max_loop_iterations=2, nested=3), compiled),
        (drawing(True, max_loop_iterations=3, nested=2), plain),
        (drawing(True, ["n"], nested=1), staged),
    ],
    ids=["compiled", "unrolled", "by-host"],
)
def test_every_iteration_of_a_nested_loop_draws_new_random_numbers(builder, run):
    assert len(set(drawn(builder, run).tolist())) == 6


def test_a_condition_draws_new_random_numbers_in_each_iteration():
    """n counts the iterations until a drawn number is above 0.9: with the same number in all it is 0 or never ends."""
    condition = part().add("randomUniformStatic", "draw", [], ["r"], **_DRAW)
    condition.add("lessThan", "c", ["r"], ["on"], alpha=0.9)
    body = part().add("add", "plus", ["h"], ["t"], alpha=1.0).add("copy", "back", ["t"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    fields = {"condition_network": condition, "condition_var": "on", "body_network": body}
    builder.add("loop", "l", [], [], max_loop_iterations=1000, **fields).add("copy", "end", ["h"], ["y"])
    lowered = lower(*read_network(builder.network, (Port("x", None),), (Port("y", None),)))
    run = jax.jit(jax.vmap(lambda key: plain(lowered, {"x": one(0.0)}, key)[0]))
    counts = run(jax.random.split(jax.random.key(0), 50))
    assert 0 < counts.mean() < 30
    assert counts.max() < 200


def test_layers_inside_and_outside_of_sub_networks_draw_different_numbers():
    """Two loops after each other, a branch, and layers around them, all of whose draws come first in their network."""
    builder = part().add("randomUniformStatic", "first", [], ["a"], **_DRAW)
    names = ["a"]
    for name in ("b", "c"):
        body = part().add("randomUniformStatic", "draw", [], [name], **_DRAW)
        builder.add("loop", f"loop {name}", [], [], max_loop_iterations=1, body_network=body)
        names.append(name)
    sides = {
        field: part().add("randomUniformStatic", "draw", [], ["d"], **_DRAW) for field in ("if_branch", "else_branch")
    }
    builder.add("branch", "branch", ["x"], [], **sides).add("randomUniformStatic", "last", [], ["e"], **_DRAW)
    builder.add("concatND", "all", [*names, "d", "e"], ["y"], axis=0)
    lowered = lower(*read_network(builder.network, (Port("x", None),), (Port("y", None),)))
    numbers = compiled(lowered, {"x": one(1.0)}, jax.random.key(0))
    assert len(set(numbers.tolist())) == 5
