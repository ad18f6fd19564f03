"""A network as data: keys, flow of blobs, wiring errors, the choice of mapping."""

from __future__ import annotations

import numpy as np
import pytest

from graphml.build import NeuralNetworkBuilder
from graphml.errors import GraphError, SpecError
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_layers, read_network
from graphml.graph import Region, last_reads, live_after, live_before, reads, writes
from graphml.spec import NeuralNetwork
from graphml.spec.attributes import encode


def layer(kind, name, inputs, outputs, **fields):
    message = encode(kind, fields)
    message.name = name
    message.input.extend(inputs)
    message.output.extend(outputs)
    return message


def network(*layers, **fields) -> NeuralNetwork:
    return NeuralNetwork(layers=layers, **fields)


def branch(name, condition, then, otherwise=()):
    message = layer("branch", name, [condition], [])
    message.branch.ifBranch.layers.extend(then)
    message.branch.elseBranch.layers.extend(otherwise)
    return message


def test_keys_are_names_made_unique():
    region = read_layers(
        [
            layer("add", "a", ["x"], ["h"], alpha=1.0),
            layer("add", "a", ["h"], ["i"], alpha=1.0),
            layer("add", "", ["i"], ["j"], alpha=1.0),
            layer("add", "with/slash", ["j"], ["y"], alpha=1.0),
            layer("add", "a#1", ["y"], ["z"], alpha=1.0),
        ]
    )
    keys = [node.key for node in region.nodes]
    assert keys[:1] + keys[2:4] == ["a#0", "#2", "with/slash"]
    assert len(set(keys)) == len(keys)


def test_regions_nest_under_their_layer():
    region = read_layers([branch("b", "x", [layer("sin", "s", ["x"], ["y"])], [layer("cos", "c", ["x"], ["y"])])])
    assert [node.key for node in region.walk()] == ["b", "b/if/s", "b/else/c"]
    assert reads(region) == {"x"}
    assert writes(region) == {"y"}


def test_reads_are_what_comes_from_outside():
    region = read_layers([layer("sin", "a", ["x"], ["y"]), layer("add", "b", ["y", "z"], ["w"], alpha=0.0)])
    assert reads(region) == {"x", "z"}
    assert last_reads(region, frozenset({"w"})) == (("x",), ("y", "z"))
    assert last_reads(region, frozenset({"w", "y"})) == (("x",), ("z",))


def test_blobs_of_a_branch_are_live_until_it_has_run():
    region = read_layers(
        [
            layer("sin", "a", ["x"], ["h"]),
            branch("b", "x", [layer("sin", "s", ["h"], ["y"])], [layer("cos", "c", ["x"], ["y"])]),
        ]
    )
    dead = last_reads(region, frozenset({"y"}))
    assert "h" not in dead[0]
    assert set(dead[1]) == {"h", "x"}


def test_what_is_live_after_a_node_is_what_is_live_before_the_rest():
    leave = branch("may leave", "x", [layer("loopBreak", "l", [], [])])
    region = read_layers(
        [
            branch("b", "x", [layer("sin", "s", ["x"], ["h"]), layer("sin", "t", ["x"], ["y"])]),
            layer("sin", "h again", ["x"], ["h"]),
            branch("c", "x", [layer("sin", "u", ["h"], ["i"]), layer("sin", "v", ["x"], ["y"])]),
            leave,
            layer("add", "y again", ["i", "x"], ["y"], alpha=0.0),
            branch("d", "x", [layer("sin", "w", ["x"], ["y"]), layer("sin", "z", ["x"], ["unused"])]),
        ]
    )
    keep = frozenset({"y", "h"})
    for position, (node, live) in enumerate(zip(region.nodes, live_after(region, keep), strict=True)):
        rest = Region(region.nodes[position + 1 :])
        written = frozenset().union(*map(writes, node.regions.values()))
        assert live == live_before(rest, keep) & written, node.label
    assert live_after(region, keep)[0] == {"y"}  # the layer that may leave keeps it; 'h' is replaced
    assert live_after(region, keep)[5] == {"y"}


def test_wiring_errors_name_the_layer_and_the_blob():
    x, y = (Port("x", None),), (Port("y", None),)
    with pytest.raises(GraphError, match=r"layer 's' \(sin\), number 1 reads 'nowhere'"):
        read_network(network(layer("sin", "s", ["nowhere"], ["y"])), x, y)
    with pytest.raises(GraphError, match="nothing writes the output 'y'"):
        read_network(network(layer("sin", "s", ["x"], ["z"])), x, y)


def test_a_broken_layer_is_named_with_its_position():
    message = layer("innerProduct", "fc", ["x"], ["y"], weights=np.ones((2, 3)))
    message.innerProduct.inputChannels = 4
    with pytest.raises(SpecError) as caught:
        read_layers([layer("sin", "s", ["x"], ["h"]), message])
    text = str(caught.value)
    assert "layer 'fc' (innerProduct), number 2" in text
    assert "weights: expected 8 weights (2, 4), got 6" in text
    assert "layer has no kind" in str(_error_of(network(layer("sin", "s", ["x"], ["y"])), strip=True))


def _error_of(message, strip):
    message.layers[0].ClearField("sin")
    with pytest.raises(SpecError) as caught:
        read_layers(message.layers)
    return caught.value


@pytest.mark.parametrize(
    ("layers", "fields", "exact"),
    [
        ([layer("add", "a", ["x"], ["y"], alpha=1.0)], {}, False),
        ([layer("add", "a", ["x"], ["y"], alpha=1.0)], {"arrayInputShapeMapping": 1}, True),
        ([layer("add", "a", ["x"], ["y"], alpha=1.0)], {"imageInputShapeMapping": 1}, True),
        ([layer("sin", "a", ["x"], ["y"])], {}, True),
        ([branch("b", "x", [layer("add", "a", ["x"], ["y"], alpha=1.0)])], {}, True),
    ],
)
def test_mapping_follows_the_enums_and_the_layers(layers, fields, exact):
    _, interface = read_network(network(*layers, **fields), (Port("x", None),), (Port("y", None),))
    assert interface.exact is exact


def test_parameters_hold_weights_by_layer():
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    builder.add("innerProduct", "fc", ["x"], ["h"], weights=np.ones((2, 3)), bias=np.zeros(2))
    builder.add("add", "plus", ["h"], ["y"], alpha=1.0)
    found = read_network(builder.network, (Port("x", None),), (Port("y", None),))[0].parameters()
    assert {name: {w: a.shape for w, a in weights.items()} for name, weights in found.items()} == {
        "fc": {"weights": (2, 3), "bias": (2,)}
    }
