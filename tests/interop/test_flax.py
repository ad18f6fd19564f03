"""A network as a Flax module gives the same outputs, and Flax can train it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from graphml.build import NeuralNetworkBuilder, array
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.interpreter.lower import Lowered, lower
from graphml.spec.attributes import Choice

nnx = pytest.importorskip("flax.nnx", reason="flax is an optional extra and is not installed here")


@pytest.fixture
def lowered() -> Lowered:
    builder = NeuralNetworkBuilder({"x": array(3, 2, 2)}, {"y": array(3, 2, 2)})
    builder.add("activation", "a/b", ["x"], ["y"], nonlinearity_type=Choice("PReLU"), alpha=np.float32([0.1, 0.2, 0.3]))
    port_in, port_out = Port("x", (3, 2, 2)), Port("y", (3, 2, 2))
    return lower(*read_network(builder.network, (port_in,), (port_out,)))


def test_the_module_gives_the_outputs_of_the_function(lowered):
    from graphml.interop.flax import Network

    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 2, 2)
    np.testing.assert_array_equal(Network(lowered)({"x": x})["y"], lowered.fn(lowered.params, {"x": x})["y"])


def test_flax_trains_it(lowered):
    from graphml.interop.flax import Network

    network = Network(lowered)
    optimizer = nnx.Optimizer(network, optax.sgd(0.1), wrt=nnx.Param)
    x, wanted = -jnp.ones((3, 2, 2)), jnp.full((3, 2, 2), -0.5)

    def loss(network):
        return jnp.mean((network({"x": x})["y"] - wanted) ** 2)

    first = float(loss(network))
    for _ in range(30):
        optimizer.update(network, nnx.grad(loss)(network))
    assert float(loss(network)) < 0.1 * first


def test_an_abstract_network_is_shown_like_others(lowered):
    from graphml.interop.flax import Network

    assert repr(nnx.eval_shape(lambda: Network(lowered))) == repr(Network(lowered))
