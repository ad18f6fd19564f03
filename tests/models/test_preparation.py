"""Weights are prepared without compiling wherever NumPy computes what XLA computes."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from cases import load_all
from compiling import together
from one_layer import lowered

from graphml import catalogue
from graphml.build import NeuralNetworkBuilder, array
from graphml.models import load
from graphml.models.compile.preparation import Preparation
from graphml.spec.weights import quantize

RANDOM = np.random.default_rng(0)
CASES = load_all()
PREPARED = [kind for kind, row in sorted(catalogue.rows("layer").items()) if kind in CASES and row.prepare is not None]


def numbers(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def network(*layers, sizes=(4,)):
    """Layers from x to y."""
    builder = NeuralNetworkBuilder({"x": array(*sizes)}, {"y": array()})
    for place, (kind, fields) in enumerate(layers):
        names = [f"b{place}"], ["y" if place == len(layers) - 1 else f"b{place + 1}"]
        builder.add(kind, kind, ["x"] if place == 0 else names[0], names[1], **fields)
    return load(builder.spec).lower()


def dense(weights):
    return network(("innerProduct", {"weights": weights, "bias": numbers(5)}))


def folded():
    """A convolution that runs as Winograd's, and takes a normalization over."""
    statistics = {name: numbers(64) for name in ("gamma", "beta", "mean")}
    return network(
        ("convolution", {"weights": numbers(64, 64, 3, 3), "bias": numbers(64), "valid": {}}),
        ("batchnorm", {"variance": numbers(64) ** 2, **statistics}),
        sizes=(64, 14, 14),
    )


def preparation(low):
    leaves, tree = jax.tree.flatten(low.params)
    return Preparation(low, tree, leaves), leaves


def assert_same(found, want):
    assert jax.tree.structure(found) == jax.tree.structure(want)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(want), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-6)


def test_numpy_prepares_what_xla_prepares():
    nets = {kind: lowered(kind, CASES[kind].base) for kind in PREPARED}
    nets |= {
        "folded": folded(),
        "half": dense(numbers(5, 4).astype(np.float16)),
        "codes": dense(quantize(numbers(5, 4))),
    }
    assert len(nets) > 12
    wanted = together([(net.prepare, (net.params,)) for net in nets.values()])
    for (name, net), want in zip(nets.items(), wanted, strict=True):
        made, leaves = preparation(net)
        assert not made.compiled, name
        assert_same(made(leaves, None), want)


def test_what_numpy_does_not_compute_is_compiled():
    net = dense(quantize(numbers(5, 4), bits=4, table=True))
    made, leaves = preparation(net)
    assert made.compiled
    assert_same(made(leaves, None), together([(net.prepare, (net.params,))])[0])


def test_weights_used_as_stored_are_not_copied():
    net = network(("bias", {"bias": numbers(4), "shape": [4]}))
    made, leaves = preparation(net)
    (prepared,) = jax.tree.leaves(made(jax.device_put(leaves), None))
    again = jax.device_put(leaves)
    (passed,) = jax.tree.leaves(made(again, None))
    assert passed.unsafe_buffer_pointer() == again[0].unsafe_buffer_pointer()
    np.testing.assert_array_equal(prepared, leaves[0])


def test_arrays_of_several_devices_are_left_where_they_are(monkeypatch):
    net = dense(numbers(5, 4))
    made, leaves = preparation(net)
    monkeypatch.setattr(made, "_by_numpy", lambda leaves: pytest.fail("the weights are not on the host"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graphml.models.compile.preparation._is_on_host", lambda leaf: False)
        assert_same(made(leaves, None), together([(net.prepare, (net.params,))])[0])
