"""JAX functions through `graphml.convert`, and back. Most tests need packages that CI does not install."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphml
from graphml import NeuralNetworkBuilder, datatypes
from graphml.convert import Flexible, explain
from graphml.convert.export import export
from graphml.errors import FeatureError, GraphmlError, MissingExtraError, UnsupportedError

pytestmark = pytest.mark.filterwarnings("ignore")  # of coremltools

WEIGHTS = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)


def perceptron(x):
    return {"probabilities": jax.nn.softmax(jnp.tanh(x @ WEIGHTS)), "total": x.sum(-1)}


def test_functions_that_cannot_be_traced():
    with pytest.raises(FeatureError, match="pass inputs="):
        explain(perceptron)
    with pytest.raises(GraphmlError, match=r"a JAX function .* fails with x \[2, 3\]"):
        explain(perceptron, [(2, 3)])


def test_a_function_is_explained():
    found = explain(perceptron, [(4, 8)])
    assert {"dot_general", "tanh", "exp"} <= {use.operator for use in found.operators}
    assert found.weights == WEIGHTS.size


class TestPrograms:
    @pytest.fixture(autouse=True)
    def needs(self):
        pytest.importorskip("stablehlo_coreml", reason="stablehlo-coreml is not installed here")

    @pytest.mark.parametrize("shape", [(4, 8), (Flexible(1, 16), 8)])
    def test_a_function(self, shape):
        model = graphml.convert(perceptron, {"x": shape}, to="mlprogram")
        assert model.conversion.check.error < 1e-5
        assert [feature.name for feature in model.description.outputs] == ["probabilities", "total"]

    def test_arguments_by_name(self):
        def two(a, b):
            return a * 2 + b, jnp.concatenate([a, b], -1)

        model = graphml.convert(two, {"b": (2, 3), "a": (2, 3)}, to="mlprogram")
        assert len(model.conversion.check.outputs) == 2

    def test_a_flax_module(self):
        nnx = pytest.importorskip("flax.nnx", reason="Flax is not installed here")

        class Net(nnx.Module):
            def __init__(self, rngs):
                self.conv = nnx.Conv(3, 4, (3, 3), rngs=rngs)
                self.norm = nnx.BatchNorm(4, use_running_average=True, rngs=rngs)
                self.fc = nnx.Linear(4, 3, rngs=rngs)

            def __call__(self, x):
                return self.fc(jax.nn.relu(self.norm(self.conv(x))).mean((1, 2)))

        model = graphml.convert(Net(nnx.Rngs(0)), [(1, 8, 8, 3)], to="mlprogram")
        assert model.conversion.source.startswith("a Flax module")
        assert model.conversion.check.error < 1e-5

    def test_an_equinox_module(self):
        equinox = pytest.importorskip("equinox", reason="Equinox is not installed here")
        model = graphml.convert(equinox.nn.MLP(5, 2, 7, 1, key=jax.random.key(0)), [(5,)], to="mlprogram")
        assert model.conversion.check.error < 1e-5


def network():
    x = datatypes.array(2, 4)
    for size in (2, 4):
        x.multiArrayType.shapeRange.sizeRanges.add(lowerBound=size, upperBound=4)
    builder = NeuralNetworkBuilder([("x", x)], [("y", None)], disable_rank5_shape_mapping=True)
    builder.add_activation(name="relu", non_linearity="RELU", input_name="x", output_name="h")
    builder.add_softmax_nd(name="softmax", input_name="h", output_name="y", axis=-1)
    return graphml.load(builder.spec)


def test_what_has_no_form_in_onnx():
    builder = NeuralNetworkBuilder([("x", datatypes.Array(2))], [("y", None)], disable_rank5_shape_mapping=True)
    builder.add_random_normal_like(name="noise", input_name="x", output_name="y", mean=0.0, stddev=1.0, seed=-1)
    with pytest.raises(UnsupportedError, match="draws random numbers"):
        export(graphml.load(builder.spec))


def test_the_way_back(tmp_path):
    try:
        found = export(network(), tmp_path / "net.onnx")
    except MissingExtraError:
        pytest.skip("jax2onnx is not installed here; the extra `jax2onnx` installs it")
    assert [value.name for value in found.model.graph.input] == ["x"]
    assert [one.output for one in found.outputs] == ["y"]
    assert found.outputs[0].error < 1e-5
    assert "x has the one shape [2, 4]" in str(found)
    assert (tmp_path / "net.onnx").exists()
