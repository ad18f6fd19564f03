"""Taking a network apart: what is trained, where it is cut, and that cutting changes nothing."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_setups import trunk_blobs
from update.networks import classifier, network, regression, with_recipe

from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import UpdateError
from graphml.spec.weights import Quantized, quantize
from graphml.update import recipe_of, take_apart
from graphml.update.step.training import MiniBatch, hyper_values, loss_and_statistics
from graphml.update.step.trunk import merge

EYE = np.eye(3, dtype=np.float32)


def _parts(model):
    return take_apart(model.lower(), recipe_of(model.spec).loss)


def _dense(seed: int, rows: int = 3, columns: int = 3) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    return {"weights": draw.normal(size=(rows, columns)), "bias": draw.normal(size=rows)}


def _keys(lowered):
    return [node.key for node in lowered.graph.body.nodes]


def test_the_frozen_trunk_ends_below_the_first_trained_layer():
    parts = _parts(regression())
    assert _keys(parts.trunk) == ["below", "relu"]
    assert _keys(parts.tail) == ["top"]
    assert parts.cut == ("r",)
    assert parts.trained == {"top": ("weights", "bias")}


def test_cross_entropy_reads_what_goes_into_the_softmax():
    parts = _parts(classifier())
    assert parts.readings[0].raw
    assert parts.blob == "z"
    assert _keys(parts.tail) == ["conv", "relu", "pool", "flat", "top"]
    assert parts.cut == ("x",)


def _uncut_loss(model, params, x, target):
    """The batch's mean squared error by the whole network, without any cutting."""
    lowered = model.lower()
    outputs = jax.vmap(lambda one: lowered.fn(params, {"x": one}, train=True)["y"])(x)
    return jnp.mean(jnp.square(outputs.reshape(target.shape) - target))


def _same_as_uncut(model, target_shape=(2,)):
    recipe, parts = recipe_of(model.spec), _parts(model)
    draw = np.random.default_rng(5)
    x = draw.normal(size=(7, 3)).astype(np.float32)
    target = draw.normal(size=(7, *target_shape)).astype(np.float32)
    blobs = trunk_blobs(parts, dict(parts.trunk.params), {"x": x})
    train, frozen = parts.split(model.parameters)
    batch = MiniBatch(blobs, target, np.ones(7, bool))

    def cut(train):
        return loss_and_statistics(parts, recipe, train, frozen, batch, hyper_values(recipe))[0]

    loss, gradient = jax.value_and_grad(cut)(train)

    def whole(train):
        return _uncut_loss(model, merge(train, model.lower().params), x, target)

    wanted, wanted_gradient = jax.value_and_grad(whole)(train)
    assert loss == pytest.approx(float(wanted), rel=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6), gradient, wanted_gradient)
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient))
    return parts


def test_loss_and_gradient_are_those_of_the_uncut_network():
    _same_as_uncut(regression())


def test_a_cut_through_parallel_paths_and_exact_shapes():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("sin", "sin", ["x"], ["s"])
    builder.add("loadConstantND", "constant", [], ["k"], data=np.array([1.0, 2.0, 3.0]), shape=(3,))
    builder.add("addBroadcastable", "shift", ["s", "k"], ["t"])
    builder.add("innerProduct", "learns", ["x"], ["h"], updatable=True, **_dense(0))
    builder.add("multiplyBroadcastable", "mix", ["h", "t"], ["m"])
    builder.add("addBroadcastable", "again", ["m", "k"], ["y"])
    model = network(with_recipe(builder, "y", "y_true", array(3)))
    parts = _same_as_uncut(model, (3,))
    # the constant is the same for every sample: the tail recomputes it instead of storing it for each
    assert _keys(parts.trunk) == ["sin", "constant", "shift"]
    assert _keys(parts.tail) == ["constant", "learns", "mix", "again"]
    assert parts.cut == ("t", "x")


def test_shapes_stay_known_above_the_cut():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("sin", "sin", ["x"], ["s"])
    builder.add("getShape", "shape", ["s"], ["n"])
    builder.add("innerProduct", "learns", ["s"], ["h"], updatable=True, **_dense(0))
    builder.add("fillDynamic", "twos", ["n"], ["t"], value=2.0)
    builder.add("multiplyBroadcastable", "mix", ["h", "t"], ["y"])
    parts = _same_as_uncut(network(with_recipe(builder, "y", "y_true", array(3))), (3,))
    assert _keys(parts.tail) == ["shape", "learns", "twos", "mix"]


def test_random_layers_are_drawn_again_and_never_stored():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("randomNormalLike", "noise", ["x"], ["n"], mean=0.0, std_dev=1.0, seed=-1)
    builder.add("addBroadcastable", "noisy", ["x", "n"], ["h"])
    builder.add("innerProduct", "learns", ["h"], ["y"], updatable=True, **_dense(0))
    parts = _parts(network(with_recipe(builder, "y", "y_true", array(3))))
    assert parts.draws
    assert _keys(parts.trunk) == []
    assert parts.cut == ("x",)


def test_unmarked_layers_are_all_trained_when_none_is_marked():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)})
    builder.add("innerProduct", "first", ["x"], ["h"], **_dense(0))
    statistics: dict[str, Any] = {"gamma": np.ones(3), "beta": np.zeros(3), "mean": np.zeros(3), "variance": np.ones(3)}
    builder.add("batchnorm", "norm", ["h"], ["n"], **statistics)
    builder.add("innerProduct", "last", ["n"], ["y"], **_dense(1))
    model = network(with_recipe(builder, "y", "y_true", array(3)))
    assert _parts(model).trained == {
        "first": ("weights", "bias"),
        "norm": ("gamma", "beta"),  # mean and variance describe data; no gradient makes them better at that
        "last": ("weights", "bias"),
    }


def test_a_marked_layer_behind_a_blocking_one_is_refused_with_the_reason():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("innerProduct", "lost", ["x"], ["h"], updatable=True, **_dense(0))
    builder.add("round", "steps", ["h"], ["s"])
    builder.add("argMax", "most", ["s"], ["a"], axis=0)
    builder.add("addBroadcastable", "sum", ["a", "x"], ["b"])
    builder.add("innerProduct", "fine", ["b"], ["y"], updatable=True, **_dense(1))
    model = network(with_recipe(builder, "y", "y_true", array(3)))
    with pytest.raises(
        UpdateError, match=r"no gradient of loss 'loss' reaches layer 'lost'[^$]*'most' \(argMax\), number 3: "
    ):
        _parts(model)


def test_a_marked_layer_off_the_path_to_the_loss_is_refused():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3), "z": array(3)})
    builder.add("innerProduct", "aside", ["x"], ["z"], updatable=True, **_dense(0))
    builder.add("innerProduct", "top", ["x"], ["y"], updatable=True, **_dense(1))
    model = network(with_recipe(builder, "y", "y_true", array(3)))
    with pytest.raises(UpdateError, match=r"reaches layer 'aside'.*does not lead to it"):
        _parts(model)


def test_nothing_to_train_is_refused():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    builder.add("sin", "sin", ["x"], ["y"])
    with pytest.raises(UpdateError, match="there are no weights that loss 'loss' could train"):
        _parts(network(with_recipe(builder, "y", "y_true", array(3))))
    model = regression().spec
    model.neuralNetwork.updateParams.lossLayers[0].meanSquaredErrorLossLayer.input = "nothing"
    with pytest.raises(UpdateError, match="nothing computes 'nothing', the input of loss 'loss'"):
        _parts(network(model))


def test_stored_forms_become_floats_where_they_are_trained_and_stay_elsewhere():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)})
    small = quantize(_dense(0)["weights"].astype(np.float32), bits=4)
    builder.add("innerProduct", "packed", ["x"], ["h"], updatable=True, weights=small)
    builder.add("innerProduct", "kept", ["h"], ["i"], weights=small)
    builder.add("innerProduct", "half", ["i"], ["y"], updatable=True, weights=EYE.astype(np.float16))
    model = network(with_recipe(builder, "y", "y_true", array(3)))
    train, frozen = _parts(model).split(model.parameters)
    np.testing.assert_array_equal(train["packed"]["weights"], small.dequantize())
    assert train["half"]["weights"].dtype == np.float32
    assert isinstance(frozen["kept"]["weights"], Quantized)
