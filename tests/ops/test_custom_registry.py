"""Custom layers: how their functions are found."""

import numpy as np
import pytest
from cases import Case, numbers
from one_layer import blobs, built, lowered, same

from graphml import register_custom_layer
from graphml.errors import UnsupportedError
from graphml.frontends.layers import read_layers
from graphml.graph import Graph
from graphml.interpreter.lower import lower
from graphml.ops.layers import custom

_X = numbers(2, 3)


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    monkeypatch.setattr(custom, "_registered", dict(custom._registered))


def _run(class_name, **options):
    network = lowered("custom", Case((_X,), {"class_name": class_name}), **options)
    return blobs(network, network.params, (_X,))[0]


def test_a_function_may_be_given_or_decorated():
    def double(x, *, weights, parameters):
        return 2 * x

    assert register_custom_layer("Double", double) is double
    assert register_custom_layer("Twin")(double) is double
    same(_run("Double"), 2 * _X)
    same(_run("Twin"), 2 * _X)


def test_a_class_is_registered_once():
    register_custom_layer("Once", lambda x, *, weights, parameters: x)
    with pytest.raises(ValueError, match="'Once' already has a function"):
        register_custom_layer("Once", lambda x, *, weights, parameters: -x)
    same(_run("Once"), _X)
    register_custom_layer("Once", lambda x, *, weights, parameters: -x, replace=True)
    same(_run("Once"), -_X)


def test_what_a_network_is_lowered_with_comes_first():
    register_custom_layer("Both", lambda x, *, weights, parameters: x)
    same(_run("Both", custom_layers={"Both": lambda x, *, weights, parameters: 3 * x}), 3 * _X)


def test_all_missing_classes_are_named_together():
    layers = [
        built("custom", Case((_X,), {"class_name": name})).network.layers[0] for name in ("FirstOfTwo", "SecondOfTwo")
    ]
    layers[1].name = "second"
    layers[1].input[0] = layers[1].output[0] = "other"
    network = Graph(("in0", "other"), (), read_layers(layers))
    with pytest.raises(UnsupportedError) as caught:
        lower(network)
    assert "'FirstOfTwo' is not registered" in str(caught.value)
    assert "'SecondOfTwo' is not registered" in str(caught.value)


def test_a_single_array_of_numpy_is_fine():
    register_custom_layer("Ones", lambda x, *, weights, parameters: np.ones(3, np.float32))
    same(_run("Ones"), np.ones(3))
