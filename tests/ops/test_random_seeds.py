"""Seeds: a layer with a seed always draws the same numbers; one without draws by the key of the call."""

import jax
import numpy as np
import pytest
from cases import load_all
from one_layer import blobs, lowered

from graphml.frontends.layers import read_layers
from graphml.graph import Graph
from graphml.interpreter.lower import lower
from graphml.spec import NeuralNetworkLayer
from graphml.spec.attributes import encode

KINDS = load_all()
every_random_kind = pytest.mark.parametrize("kind", sorted(name for name, k in KINDS.items() if "seed" in k.unseen))


def _draw(kind, seed, key=None):
    case = KINDS[kind].base.but(seed=seed)
    network = lowered(kind, case)
    return np.asarray(blobs(network, network.params, case.inputs, key=key)[0])


@every_random_kind
def test_a_seed_draws_the_same_after_every_load(kind):
    first = _draw(kind, 7)
    assert (first == _draw(kind, 7)).all()
    assert (first == _draw(kind, 7, key=jax.random.key(1))).all(), "the key of the call does not matter"
    assert (first != _draw(kind, 8)).any()


@every_random_kind
def test_all_bits_of_a_seed_count(kind):
    draws = [_draw(kind, seed) for seed in (7, 7 + 2**32, 7 + 2**40, 0)]
    for n, one in enumerate(draws):
        assert all((one != other).any() for other in draws[:n])


@every_random_kind
def test_without_a_seed_the_key_of_the_call_decides(kind):
    first = _draw(kind, -1, key=jax.random.key(1))
    assert (first == _draw(kind, -1, key=jax.random.key(1))).all()
    assert (first != _draw(kind, -1, key=jax.random.key(2))).any()


def test_two_layers_without_a_seed_draw_different_numbers():
    layers = []
    for name in ("a", "b"):
        layer = encode("randomNormalStatic", {"seed": -1, "std_dev": 1.0, "output_shape": (20,)})
        layer.name = name
        layer.output.append(name)
        layers.append(NeuralNetworkLayer.FromString(layer.SerializeToString()))
    network = lower(Graph((), ("a", "b"), read_layers(layers)))
    drawn = network.fn(network.params, {}, key=jax.random.key(0))
    assert (drawn["a"] != drawn["b"]).all()
