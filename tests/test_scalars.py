"""Scalars: without axes inside the network, vectors at its interface and for layers with axes."""

import jax
import numpy as np
import pytest
from cases import KINDS, load_all

from graphml.build import NeuralNetworkBuilder
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.interpreter.lower import lower
from graphml.spec.layers import KEEP_SCALARS
from graphml.spec.rules.ranks import Ranks, ranks_after

load_all()


def _network(*layers, inputs=("x",)):
    """A network of (kind, inputs, output, fields) with the output y: its builder, and the lowered one."""
    builder = NeuralNetworkBuilder(dict.fromkeys(inputs), {"y": None})
    for kind, given, output, fields in layers:
        builder.add(kind, f"{kind} {output}", given, [output] if output else [], **fields)
    ports = tuple(Port(name, None) for name in inputs)
    return builder, lower(*read_network(builder.network, ports, (Port("y", None),)))


def _answer(x, *layers):
    _, network = _network(*layers)
    return np.asarray(jax.jit(lambda x: network.fn(network.params, {"x": x})["y"])(np.float32(x)))


_FIRST = ("sliceStatic", ["x"], "s", {"begin_ids": (0,), "end_ids": (1,), "strides": (1,), "squeeze_masks": (True,)})
_EXPAND = ("expandDims", ["s"], "y", {"axes": (0,)})
# Every way to a scalar, from a vector (or of a vector of one, where nothing else can be squeezed)
MAKERS = {
    "sliceStatic": ([3, 4], _FIRST),
    "squeeze": ([3], ("squeeze", ["x"], "s", {"axes": (0,)})),
    "squeeze-all": ([3], ("squeeze", ["x"], "s", {"squeeze_all": True})),
    "reduceMax": ([3, 2], ("reduceMax", ["x"], "s", {"axes": (0,), "keep_dims": False})),
    "reduceSum-all": ([1, 2], ("reduceSum", ["x"], "s", {"reduce_all": True, "keep_dims": False})),
    "argMax": ([1, 2, 0, 5], ("argMax", ["x"], "s", {"axis": 0, "remove_dim": True})),
    "reshapeStatic": ([3], ("reshapeStatic", ["x"], "s", {"target_shape": ()})),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_a_scalar_that_is_expanded_is_a_vector_and_leaves_as_one(maker):
    x, layer = MAKERS[maker]
    assert _answer(x, layer, _EXPAND).tolist() == [3]
    assert _answer(x, layer, ("copy", ["s"], "y", {})).tolist() == [3]
    assert _answer(x, layer, ("copy", ["s"], "c", {}), ("expandDims", ["c"], "y", {"axes": (0, 1)})).shape == (1, 1)


def test_elements_that_are_gathered_are_scalars():
    place = ("loadConstantND", [], "p", {"shape": (1,), "data": np.float32([1])})
    assert _answer([5, 3], place, ("gatherND", ["x", "p"], "s", {}), _EXPAND).tolist() == [3]


def test_layers_that_need_an_axis_take_a_scalar_as_a_vector():
    assert _answer([3, 4], _FIRST, ("concatND", ["s", "x", "s"], "y", {"axis": 0})).tolist() == [3, 3, 4, 3]
    assert _answer([3, 4], _FIRST, ("tile", ["s"], "y", {"reps": (2,)})).tolist() == [3, 3]
    assert _answer([3, 4], _FIRST, ("getShape", ["s"], "y", {})).tolist() == [1]
    assert _answer([3, 4], _FIRST, ("reduceSum", ["s"], "t", {"axes": (0,)}), ("copy", ["t"], "y", {})).tolist() == [3]
    # as an index too: gather gives the axis that converters squeeze afterwards
    assert _answer([1, 4], _FIRST, ("gather", ["x", "s"], "y", {"axis": 0})).tolist() == [4]


def test_layers_for_every_rank_leave_a_scalar_a_scalar():
    assert _answer([3, 4], _FIRST, ("stack", ["s", "s"], "y", {"axis": 0})).tolist() == [3, 3]
    assert _answer(
        [3, 4], _FIRST, ("addBroadcastable", ["s", "s"], "t", {}), ("expandDims", ["t"], "y", {"axes": (0,)})
    ).shape == (1,)
    assert _answer([3, 4], _FIRST, ("addBroadcastable", ["s", "x"], "y", {})).tolist() == [6, 7]
    assert _answer([3, 4], _FIRST, ("reshapeStatic", ["s"], "y", {"target_shape": (1, 1)})).shape == (1, 1)
    assert _answer(
        [2, 4], _FIRST, ("oneHot", ["s"], "y", {"one_hot_vector_size": 3, "axis": -1, "on_value": 1.0})
    ).tolist() == [0, 0, 1]


# Fields that fit a scalar, and the rank that they ask for; all other kinds leave a scalar
_FITTING = {
    "reshapeStatic": ({"target_shape": (1, 1)}, 2),
    "broadcastToStatic": ({"target_shape": (2, 3)}, 2),
    "expandDims": ({"axes": (0,)}, 1),
    "stack": ({"axis": 0}, 1),
    "oneHot": ({}, 1),
}


@pytest.mark.parametrize("kind", sorted(KEEP_SCALARS - {"reshapeDynamic"}))
def test_ranks_are_inferred_as_they_are_traced(kind):
    case = KINDS[kind].base
    fields, rank = _FITTING.get(kind, ({}, 0))
    names = [f"x{i}" for i in range(len(case.inputs))]
    layers = [("squeeze", [name], f"s{name}", {"squeeze_all": False, "axes": (0,)}) for name in names]
    layers.append((kind, [f"s{name}" for name in names], "t", {**case.fields, **fields}))
    layers.append(("expandDims", ["t"], "y", {"axes": (0,)}))
    builder, network = _network(*layers, inputs=names)
    ones = dict.fromkeys(names, np.ones(1, np.float32))
    traced = jax.eval_shape(lambda x: network.fn(network.params, x, key=jax.random.key(0))["y"], ones)
    ranks = Ranks(dict.fromkeys(names, 1))
    assert list(ranks_after(builder.network.layers, ranks)) == []
    assert traced.ndim == rank + 1
    assert ranks["y"] in (rank + 1, None)


@pytest.mark.parametrize("maker", MAKERS)
def test_the_rank_of_a_scalar_is_inferred(maker):
    x, layer = MAKERS[maker]
    builder, _ = _network(layer, _EXPAND)
    ranks = Ranks({"x": np.ndim(x)})
    assert list(ranks_after(builder.network.layers, ranks)) == []
    assert ranks["y"] in (1, None)
    assert ranks["y"] is not None or layer[3].get("squeeze_all") or layer[0] == "reshapeStatic"


def test_branches_that_leave_a_scalar_and_a_vector_leave_a_vector():
    def part(*layer):
        return NeuralNetworkBuilder({}, {}).add(*layer[:4], **layer[4])

    sides = {
        "if_branch": part("squeeze", "q", ["x"], ["h"], {"axes": (0,)}),
        "else_branch": part("copy", "c", ["x"], ["h"], {}),
    }
    branch = ("branch", ["x"], "", sides)
    for x in (3.0, 0.0):
        assert _answer([x], branch, ("expandDims", ["h"], "y", {"axes": (0,)})).tolist() == [[x]]


def test_a_loop_may_write_a_scalar_over_a_vector():
    body = NeuralNetworkBuilder({}, {}).add("reduceSum", "r", ["h"], ["t"], reduce_all=True)
    body.add("add", "a", ["t"], ["h"], alpha=1.0)
    for first in (("copy", ["x"], "h", {}), ("squeeze", ["x"], "h", {"axes": (0,)})):
        loop = ("loop", [], "", {"max_loop_iterations": 100, "body_network": body})
        assert _answer([3], first, loop, ("copy", ["h"], "y", {})).tolist() == [103]
