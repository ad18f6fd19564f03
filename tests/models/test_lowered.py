"""Models without a graph as pure functions of parameters and inputs."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from one_model import doubles, joined, made
from predictor_models import linear, trees

import graphml
from graphml import FeatureError, GraphError, ShapeError, UnsupportedError
from graphml.build import NeuralNetworkBuilder, array
from graphml.spec.weights import quantize

X = np.array([0.5, -1.0, 2.0])
WEIGHTS = np.float32([[1, 2, 3], [0, -1, 1]])


def line():
    return graphml.load(linear("glmRegressor", [[1.0, 2.0, 3.0]], [0.5], "NoTransform"))


def dense(weights=WEIGHTS):
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(2)})
    builder.add("innerProduct", "fc", ["x"], ["y"], input_channels=3, output_channels=2, weights=weights)
    return builder.spec


def pipeline(weights=WEIGHTS):
    scaled = made("scaler", {"x": doubles(3)}, {"x": doubles(3)}, shiftValue=[1.0], scaleValue=[2.0])
    return graphml.load(joined([scaled, dense(weights)], {"x": doubles(3)}, {"y": doubles(2)}))


def test_a_linear_model_has_gradients_with_respect_to_its_weights():
    lowered = graphml.lower(line())
    with jax.enable_x64(True):
        score = lambda params, x: lowered.fn(params, {"x": x})["y"].sum()  # noqa: E731
        assert float(jax.jit(score)(lowered.params, X)) == pytest.approx(5)
        gradients = jax.grad(score)(lowered.params, X)
        np.testing.assert_allclose(gradients["weights"], [X])
        np.testing.assert_allclose(gradients["offset"], [1])
        rows = jax.vmap(lambda x: score(lowered.params, x))(np.stack([X, 2 * X]))
    np.testing.assert_allclose(rows, [5, 9.5])


def test_a_tree_answers_as_it_predicts():
    stump = ("<=", 0, 0.0, False, ("leaf", {0: 3.0}), ("leaf", {0: 5.0}))
    model = graphml.load(trees("treeEnsembleRegressor", [stump], [1.0]))
    lowered = model.lower()
    with jax.enable_x64(True):
        found = jax.jit(lowered.fn)(lowered.params, {"x": X})["y"]
    assert float(np.ravel(found)[0]) == pytest.approx(model.predict({"x": X})["y"])


def test_parameters_of_a_pipeline_are_named_by_stage_and_layer():
    model = pipeline()
    lowered = model.lower()
    assert {name: set(layers) for name, layers in lowered.params.items()} == {"model1": {"fc"}}
    assert repr(lowered) == "<LoweredModel: x -> y; pipeline, arrays of parameters: 1>"
    with jax.enable_x64(True):
        score = lambda params: lowered.fn(params, {"x": X})["y"].sum()  # noqa: E731
        np.testing.assert_allclose(score(lowered.params), model.predict({"x": X})["y"].sum(), rtol=1e-6)
        gradient = jax.grad(score)(lowered.params)["model1"]["fc"]["weights"]
    np.testing.assert_allclose(gradient, [2 * (X + 1)] * 2, rtol=1e-6)
    changed = model.with_parameters({"model1": {"fc": {"weights": WEIGHTS - np.asarray(gradient)}}})
    assert changed.predict({"x": X})["y"].sum() < model.predict({"x": X})["y"].sum()


def test_a_pipeline_is_saved_in_the_storage_of_its_stages(tmp_path):
    model = pipeline(quantize(WEIGHTS, bits=8))
    tuned = model.with_parameters(jax.tree.map(lambda w: w + 1, graphml.dequantize(model.parameters)))
    tuned.save(tmp_path / "small.mlmodel", requantize=True)
    found = graphml.load(tmp_path / "small.mlmodel")
    weights = found.parameters["model1"]["fc"]["weights"]
    assert isinstance(weights, graphml.Quantized)
    np.testing.assert_allclose(weights.dequantize(), WEIGHTS + 1, atol=0.02)


def test_wrong_arguments_are_refused():
    lowered = line().lower()
    with pytest.raises(
        FeatureError, match=r"inputs must be given by name, as \{'x': array\}, got a float64 array \[3\]"
    ):
        lowered.fn(lowered.params, X)
    with pytest.raises(GraphError, match="no parameters are called 'weight' \\(did you mean 'weights'\\?\\)"):
        lowered.fn({"weight": 1, **lowered.params}, {"x": X})
    with pytest.raises(ShapeError, match=r"'weights' has shape \[1, 3\], got \[3\]"):
        lowered.fn({**lowered.params, "weights": X}, {"x": X})
    with pytest.raises(UnsupportedError, match="a model of kind glmRegressor takes neither dtype nor platform"):
        line().lower(dtype=np.float32)


def test_lower_takes_models_and_graphs():
    model = graphml.load(dense())
    for lowered in (graphml.lower(model), graphml.lower(model.graph, model.interface)):
        np.testing.assert_allclose(lowered.fn(lowered.params, {"x": np.float32(X)})["y"], WEIGHTS @ X, rtol=1e-6)
    assert graphml.lower(model, dtype=np.float16).dtype == np.float16
    with pytest.raises(GraphError, match=r"takes a model, as graphml.load returns it, or a Graph .*, not 'x.mlmodel'"):
        graphml.lower("x.mlmodel")


def test_a_model_that_is_no_function_says_so():
    words = made("categoricalMapping", {"x": doubles(1)}, {"y": doubles(1)})
    with pytest.raises(UnsupportedError):
        graphml.load(words).lower()
