"""The six operators at which the converters of 2018 stopped, in ONNX."""

from __future__ import annotations

import numpy as np
from onnx import helper
from onnx_models import agree, graph

import graphml
from graphml.convert.onnx import network_from_onnx

RANDOM = np.random.default_rng(3)
node = helper.make_node
X = {"x": (np.float32, ["N", 2, 3, 4])}


def _image(batch):
    return {"x": np.float32(RANDOM.normal(size=(batch, 2, 3, 4)))}


def test_tile():
    model = graph([node("Tile", ["x", "times"], ["y"])], X, ["y"], {"times": np.int64([1, 2, 3, 1])})
    agree(model, _image(1), _image(3))


def test_a_slice_that_begins_at_0():
    constants = {"begin": np.int64([0, 0, 0, 0]), "end": np.int64([2**62, 2, 2, 2**62])}
    agree(graph([node("Slice", ["x", "begin", "end"], ["y"])], X, ["y"], constants), _image(1), _image(3))


def test_a_strided_slice():
    constants = {"begin": np.int64([-1, 1, 0]), "end": np.int64([-(2**62), 2**62, 1]), "axes": np.int64([2, 3, 1])}
    nodes = [node("Slice", ["x", "begin", "end", "axes", "steps"], ["s"]), node("Squeeze", ["s", "one"], ["y"])]
    model = graph(nodes, X, ["y"], {**constants, "steps": np.int64([-2, 1, 1]), "one": np.int64([1])})
    agree(model, _image(1), _image(3))


def test_concatenation_along_any_axis_and_the_batch():
    nodes = [node("Concat", ["x", "x", "x"], ["rows"], axis=-2), node("Concat", ["x", "x"], ["batch"], axis=0)]
    agree(graph(nodes, X, ["rows", "batch"]), _image(1), _image(3))


def test_random_numbers():
    nodes = [node("RandomNormalLike", ["x"], ["noise"], seed=1.0, scale=0.5), node("Add", ["x", "noise"], ["y"])]
    network = graphml.load(network_from_onnx(graph(nodes, X, ["y"])).model)
    found = network.predict({"x": np.zeros((500, 2, 3, 4), "f")})["y"]
    assert abs(found.mean()) < 0.02
    assert abs(found.std() - 0.5) < 0.02
