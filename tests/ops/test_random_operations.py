"""Seeds of operations: one with a seed always draws the same numbers; one without draws by the key of the call."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from one_operation import node, nodes, program
from operation_cases import load_all

from graphml.errors import GraphError
from graphml.graph import Graph
from graphml.interpreter.lower import lower

RANDOM = {name: stated for name, stated in load_all().items() if "seed" in stated.unseen}
every_random_row = pytest.mark.parametrize("name", sorted(RANDOM))


def _draw(name, seed, key=None):
    stated = RANDOM[name]
    made = program(stated, stated.base.but(seed=seed))
    inputs = {**made.known, **made.moving.inputs}
    return np.asarray(made.lowered.fn(made.moving.params, inputs, key=key)["y0"])


@every_random_row
def test_a_seed_draws_the_same_whatever_the_key(name):
    first = _draw(name, 7)
    assert (first == _draw(name, 7, key=jax.random.key(1))).all()
    assert (first != _draw(name, 8)).any()
    assert (first != _draw(name, 0)).any()


@every_random_row
def test_without_a_seed_the_key_of_the_call_decides(name):
    first = _draw(name, -1, key=jax.random.key(1))
    assert (first == _draw(name, -1, key=jax.random.key(1))).all()
    assert (first != _draw(name, -1, key=jax.random.key(2))).any()
    with pytest.raises(GraphError, match="pass key="):
        _draw(name, -1)


def test_two_operations_without_a_seed_draw_different_numbers():
    shape = node("const", "", "shape", val=np.int32([20]))
    draws = (replace(node("random_normal", "shape", name, seed=-1), position=n) for n, name in enumerate(("a", "b")))
    network = lower(Graph((), ("a", "b"), nodes(shape, *draws)))
    drawn = network.fn(network.params, {}, key=jax.random.key(0))
    assert (drawn["a"] != drawn["b"]).all()


def test_draws_stay_below_the_end_of_the_range_in_half_precision():
    operation = RANDOM["random_uniform-15"]
    case = operation.base.but(low=np.float16(1000), high=np.float16(1002), shape=np.int32([2000]))
    made = program(operation, case, dtype=None)
    drawn = np.asarray(made.run(made.moving)[0])
    assert drawn.dtype == np.float16
    assert drawn.min() == 1000
    assert drawn.max() < 1002
