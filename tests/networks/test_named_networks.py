"""Small networks in well-known shapes: answers as onnxruntime's, finite gradients, one compilation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiling import QUICK

import graphml
from graphml.models.network import NeuralNetwork
from graphml.spec.validate import validate

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime judges the networks and is not installed")
pytest.importorskip("onnx", reason="onnx builds the judge's models and is not installed")
from named_networks import NETWORKS  # noqa: E402  (needs onnx)


@functools.cache
def _loaded(name):
    network = NETWORKS[name]()
    model = graphml.load(network.builder.spec.SerializeToString())
    assert isinstance(model, NeuralNetwork)
    return network, model


@pytest.mark.parametrize("name", NETWORKS)
def test_predicts_as_onnxruntime_does_and_compiles_once(name):
    network, model = _loaded(name)
    validate(model.spec)
    session = onnxruntime.InferenceSession(network.onnx_model.SerializeToString(), providers=["CPUExecutionProvider"])
    for step in range(2):
        inputs = {
            key: x if key in network.tokens else np.asarray(x * (1 + step / 8), np.float32)
            for key, x in network.inputs.items()
        }
        got = model.predict(inputs)
        for output, want in zip(network.outputs, session.run(network.outputs, inputs), strict=True):
            spread = np.ptp(want)
            assert spread > 0
            assert got[output].shape == want.shape
            np.testing.assert_allclose(got[output], want, rtol=1e-4, atol=1e-5 * spread, err_msg=output)
    assert model.trace_count == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_finite_and_reach_the_inputs_and_every_weight(name):
    network, model = _loaded(name)
    lowered = model.lower()
    tokens = {key: network.inputs[key] for key in network.tokens}
    moving = {key: x for key, x in network.inputs.items() if key not in tokens}

    def scalar(params, moving):
        outputs = lowered.fn(params, {**moving, **tokens})
        # the numbers of a softmax add up to 1: unequal factors let a gradient through
        return sum(jnp.vdot(jnp.cos(jnp.arange(outputs[o].size)), outputs[o]) for o in network.outputs)

    by_weights, by_inputs = jax.jit(jax.grad(scalar, argnums=(0, 1)), compiler_options=QUICK)(lowered.params, moving)
    for path, gradient in jax.tree_util.tree_leaves_with_path((by_weights, by_inputs)):
        assert np.isfinite(gradient).all(), path
        fixed = "constant" in str(path)  # such as the number that a mask puts in
        assert fixed or np.any(gradient), path
