"""Folding for inference: what it takes away, what it leaves alone, and that nothing is computed differently."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphml
from graphml import build, spec
from graphml.build import NeuralNetworkBuilder
from graphml.frontends.layer_interface import LayerInterface, Port
from graphml.frontends.layers import read_network
from graphml.graph import Graph
from graphml.interpreter.lower import lower
from graphml.spec.weights import quantize

CHANNELS, SIZE = 4, 5
_random = np.random.default_rng(6)


def some(*shape: int, around: float = 0.0) -> np.ndarray:
    return (around + 0.3 * _random.standard_normal(shape)).astype(np.float32)


KERNEL = some(CHANNELS, 3, 3, 3)
IMAGE = some(3, SIZE, SIZE)
STATISTICS = {
    "gamma": some(CHANNELS, around=1),
    "beta": some(CHANNELS),
    "mean": some(CHANNELS),
    "variance": np.abs(some(CHANNELS, around=1)),
}


def conv(weights: np.ndarray, **more) -> tuple:
    return ("convolution", "conv", ["x"], ["a"], {"weights": weights, "valid": {}, **more})


CONV = conv(KERNEL)
BIASED = conv(KERNEL, bias=some(CHANNELS))
GROUPED = conv(some(6, 1, 3, 3), n_groups=3, bias=some(6))
DENSE = ("innerProduct", "dense", ["x"], ["a"], {"weights": some(CHANNELS, 3 * SIZE * SIZE)})


def norm(x: str, y: str, **more) -> tuple:
    return ("batchnorm", f"norm {y}", [x], [y], {**STATISTICS, **more})


Read = tuple[Graph, LayerInterface]


def scale(x: str, y: str, *shape: int, bias: tuple[int, ...] | None = None) -> tuple:
    weights = {"scale": some(*shape, around=1)} | ({} if bias is None else {"bias": some(*bias)})
    return ("scale", f"scale {y}", [x], [y], weights)


def shift(x: str, y: str, *shape: int) -> tuple:
    return ("bias", f"shift {y}", [x], [y], {"bias": some(*shape)})


def relu(x: str, y: str) -> tuple:
    return ("activation", f"relu {y}", [x], [y], {"nonlinearity_type": "ReLU"})


def network(*layers: tuple, outputs: tuple[str, ...] = ("y",), exact: bool = False) -> Read:
    builder = NeuralNetworkBuilder({"x": None}, dict.fromkeys(outputs))
    for kind, name, ins, outs, fields in layers:
        builder.add(kind, name, ins, outs, **fields)
    ports = tuple(Port(name, None) for name in outputs)
    graph, interface = read_network(builder.network, (Port("x", None),), ports)
    return graph, replace(interface, exact=exact)


def kinds(graph: Graph) -> list[str]:
    return [node.kind for node in graph.body.nodes]


def check_equal(read: Read, x: np.ndarray = IMAGE) -> None:
    """In float64, where only the order of roundings is left to differ: a few units in the last of 16 digits."""
    with jax.enable_x64(True):
        lowered = lower(*read, dtype=jnp.float64)
        plain, prepared = jax.jit(
            lambda p, x: (lowered.fn(p, {"x": x}), lowered.run_prepared(lowered.prepare(p), {"x": x}))
        )(lowered.params, x)
    for name in plain:
        np.testing.assert_allclose(prepared[name], plain[name], rtol=1e-12, atol=1e-13)


FOLDED = {
    "norm": (CONV, norm("a", "y")),
    "norm and bias": (BIASED, norm("a", "y")),
    "groups": (GROUPED, scale("a", "y", 6, bias=(6,))),
    "scale": (CONV, scale("a", "y", CHANNELS, 1, 1)),
    "one scale and one bias for all": (BIASED, scale("a", "y", 1, bias=(1, 1, 1))),
    "shift": (CONV, shift("a", "y", CHANNELS)),
    "three in a row": (BIASED, norm("a", "b"), scale("b", "c", CHANNELS, bias=(CHANNELS,)), shift("c", "y", 1)),
    "dense": (DENSE, norm("a", "y")),
    "more behind": (CONV, norm("a", "b"), relu("b", "y")),
}


@pytest.mark.parametrize("name", FOLDED)
def test_folded(name):
    read = network(*FOLDED[name])
    left = [FOLDED[name][0][0]] + (["activation"] if name == "more behind" else [])
    assert kinds(lower(*read).folded.graph) == left
    check_equal(read)


LEFT = {
    "somebody else reads it": ((CONV, norm("a", "b"), ("add", "sum", ["a", "b"], ["y"], {})), ("y",)),
    "it is an output": ((CONV, norm("a", "y")), ("a", "y")),
    "a layer in between": ((CONV, relu("a", "b"), norm("b", "y")), ("y",)),
    "separate statistics": ((CONV, norm("a", "y", compute_mean_var=True)), ("y",)),
    "a factor for each pixel": ((CONV, scale("a", "y", CHANNELS, 3, 3)), ("y",)),
    "a summand for each pixel": ((CONV, shift("a", "y", 1, 3, 3)), ("y",)),
    "nothing before it": ((scale("x", "y", 3),), ("y",)),
    "a deconvolution": ((conv(some(3, CHANNELS, 2, 2), is_deconvolution=True), norm("a", "y")), ("y",)),
}


@pytest.mark.parametrize("name", LEFT)
def test_left_alone(name):
    layers, outputs = LEFT[name]
    read = network(*layers, outputs=outputs)
    assert lower(*read).folded.pairs == ()
    check_equal(read)


def test_outputs_on_the_last_axis_are_not_channels():
    read = network(
        ("innerProduct", "dense", ["x"], ["a"], {"weights": some(SIZE, SIZE)}), scale("a", "y", 3), exact=True
    )
    assert lower(*read).folded.pairs == ()
    check_equal(read)


def test_what_a_sub_network_reads_stays():
    builder = NeuralNetworkBuilder({"x": build.array(3, SIZE, SIZE), "p": build.array(1)}, {"y": None})
    builder.add("convolution", "conv", ["x"], ["a"], weights=KERNEL, valid={})
    builder.add("batchnorm", "norm", ["a"], ["y"], **STATISTICS)
    branch = builder.network.layers.add(name="branch", input=["p"]).branch
    inside = branch.ifBranch.layers.add(name="inside", input=["a"], output=["z"])
    inside.softmax.SetInParent()
    read = read_network(builder.network, (Port("x", None), Port("p", None)), (Port("y", None),))
    assert lower(*read).folded.pairs == ()


def test_a_wrong_count_is_refused_as_before():
    read = network(CONV, scale("a", "y", CHANNELS + 1))
    lowered = lower(*read)
    assert lowered.folded.pairs == ()
    with pytest.raises(graphml.ShapeError, match="does not broadcast"):
        jax.eval_shape(lambda p, x: lowered.run_prepared(lowered.prepare(p), {"x": x}), lowered.params, IMAGE)


@pytest.fixture(scope="module")
def model():
    builder = NeuralNetworkBuilder({"x": build.array(3, SIZE, SIZE)}, {"y": build.array(CHANNELS, 3, 3)})
    for kind, name, ins, outs, fields in FOLDED["three in a row"]:
        builder.add(kind, name, ins, outs, **fields)
    return graphml.load(builder.spec)


def test_predict_runs_what_is_folded_and_nothing_else_sees_it(model):
    lowered = model.lower()
    assert len(model._program.lowered.folded.pairs) == 3
    assert sorted(lowered.params) == ["conv", "norm b", "scale c", "shift y"]
    blobs = model.intermediates({"x": IMAGE})
    assert sorted(blobs) == ["a", "b", "c", "y"]
    # float32 has seven digits; the sums have 27 terms
    np.testing.assert_allclose(model.predict({"x": IMAGE})["y"], blobs["y"].reshape(4, 3, 3), rtol=2e-6, atol=2e-6)
    gradient = jax.jit(jax.grad(lambda p: lowered.fn(p, {"x": IMAGE})["y"].sum()))(lowered.params)
    assert all(np.any(gradient[layer][name]) for layer in gradient for name in gradient[layer])


def test_new_weights_are_folded_again(model):
    changed = {"norm b": {"gamma": 2 * STATISTICS["gamma"], "mean": np.zeros(CHANNELS, np.float32)}}
    other = model.with_parameters(changed)
    want = other.intermediates({"x": IMAGE}, ["y"])["y"].reshape(4, 3, 3)
    np.testing.assert_allclose(other.predict({"x": IMAGE})["y"], want, rtol=2e-6, atol=2e-6)
    assert other.programs is model.programs
    assert np.abs(want - model.predict({"x": IMAGE})["y"]).max() > 0.1


@pytest.mark.parametrize("bits", [8, 16])
def test_weights_that_are_stored_smaller(bits):
    builder = NeuralNetworkBuilder({"x": build.array(3, SIZE, SIZE)}, {"y": build.array(CHANNELS, 3, 3)})
    weights = KERNEL.astype(np.float16) if bits == 16 else quantize(KERNEL, bits=bits)
    builder.add("convolution", "conv", ["x"], ["a"], weights=weights, valid={})
    builder.add("batchnorm", "norm", ["a"], ["y"], **STATISTICS)
    model = graphml.load(spec.Model.FromString(builder.spec.SerializeToString()))
    assert len(model._program.lowered.folded.pairs) == 1
    want = model.intermediates({"x": IMAGE}, ["y"])["y"].reshape(4, 3, 3)
    np.testing.assert_allclose(model.predict({"x": IMAGE})["y"], want, rtol=2e-6, atol=2e-6)
