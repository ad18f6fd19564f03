"""A network as code."""

from __future__ import annotations

import time

import numpy as np

from graphml.build import NeuralNetworkBuilder
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.inspect.code import listing
from graphml.spec.attributes import Choice


def code(builder, shapes=None, inputs=(Port("x", (3,)),), outputs=(Port("y", None),)):
    return listing(*read_network(builder.network, inputs, outputs), shapes)


def test_a_straight_network_is_one_line_a_layer():
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    builder.add("innerProduct", "fc", ["x"], ["fc:0"], weights=np.ones((2, 3)), bias=np.zeros(2))
    builder.add("activation", "r", ["fc:0"], ["y"], nonlinearity_type=Choice("leakyReLU", {"alpha": 0.5}))
    assert code(builder, {"y": (1, 1, 2, 1, 1)}).splitlines() == [
        "def network(x: [3]):",
        "    fc_0 = inner_product(x, weights[2, 3], bias[2])",
        "    y = activation(fc_0, nonlinearity_type=leakyReLU(alpha=0.5))  # [1, 1, 2, 1, 1]",
        "    return y",
    ]


def test_branches_and_loops_are_blocks():
    then = NeuralNetworkBuilder({}, {}).add("sin", "s", ["x"], ["y"])
    stop = NeuralNetworkBuilder({}, {}).add("loopBreak", "b", [], [])
    body = NeuralNetworkBuilder({}, {}).add("copy", "c", ["x"], ["h"]).add("branch", "i", ["h"], [], if_branch=stop)
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    builder.add("lessThan", "lt", ["x"], ["p"], alpha=0.0)
    builder.add("loop", "l", [], [], body_network=body, max_loop_iterations=5)
    builder.add("branch", "b", ["p"], [], if_branch=then, else_branch=then)
    assert code(builder).splitlines() == [
        "def network(x: [3]):",
        "    p = less_than(x, alpha=0)",
        "    for _ in range(5):",
        "        h = copy(x)",
        "        if h:",
        "            break",
        "    if p:",
        "        y = sin(x)",
        "    else:",
        "        y = sin(x)",
        "    return y",
    ]


def test_blob_names_become_distinct_identifiers():
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    builder.add("sin", "a", ["x"], ["a:0"]).add("sin", "b", ["a:0"], ["a.0"]).add("sin", "c", ["a.0"], ["1"])
    builder.add("sin", "d", ["1"], ["class"])
    text = code(builder, outputs=(Port("class", None),))
    for words in ("a_0 = sin(x)", "a_0_ = sin(a_0)", "_1 = sin(a_0_)", "_class = sin(_1)"):
        assert words in text


def test_many_similar_names_take_no_longer_than_others():
    names = [f"a{chr(0x2190 + i % 400)}{chr(0x2190 + i // 400)}" for i in range(20_000)]  # arrows, which become "_"
    start = time.process_time()
    lines = listing(*read_network(NeuralNetworkBuilder({}, {}).network, [Port(name, None) for name in names], ()))
    assert time.process_time() - start < 5
    assert lines.startswith("def network(a__, a___, a___2, a___3, ")
    assert len(lines) < 20 * len(names)
