"""Converted networks become trainable by Core ML's rules: they compute the same, and train by their own recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from model_problems import errors_of
from update.converted import CONVERTED, LABELS, built, images, keras, keras_classifier, logits, normal, two_dense
from update.networks import network, regression

import graphml
from graphml import recipes, spec
from graphml.build import NeuralNetworkBuilder, ProgramBuilder, array
from graphml.errors import UpdateError
from graphml.recipes import core_ml_problems
from graphml.spec.attributes import kind_of
from graphml.update import UpdateTask, make_trainable


def _input(model: Any, seed: int = 3) -> dict[str, np.ndarray]:
    shape = model.description.inputs[0].array.shape
    return {"x": np.random.default_rng(seed).normal(size=shape).astype(np.float32)}


def _assert_same(old: Any, new: Any) -> None:
    x = _input(old)
    for name, value in old.predict(x).items():
        found = new.predict(x)[name]
        if isinstance(value, dict):
            assert list(found) == list(value)
            value, found = list(value.values()), list(found.values())
        if isinstance(value, str):
            assert found == value
        else:
            assert np.shape(found) == np.shape(value)
            np.testing.assert_allclose(found, value, rtol=1e-6, atol=1e-7)


def _assert_legal(model: Any) -> None:
    assert model.is_updatable
    assert errors_of(model.spec, updating=True) == []
    assert core_ml_problems(model.spec) == []


def _layers(model: Any) -> dict[str, Any]:
    return {layer.name: layer for layer in getattr(model.spec, model.kind).layers}


def _data(model: Any, count: int = 6) -> list[dict[str, Any]]:
    """Inputs that the network can overfit, with the target that the file asks for."""
    target = model.spec.description.trainingInput[-1]
    if target.type.WhichOneof("Type") == "stringType":
        answers: list[Any] = list(LABELS)
    else:
        answers = [np.array([i], np.int32) for i in range(3)]
    return [{**_input(model, i), target.name: answers[i % 3]} for i in range(count)]


@pytest.mark.parametrize("name", CONVERTED)
def test_converted_networks_are_trained_by_their_own_recipe(name):
    make, layers = CONVERTED[name]
    old = built(make)
    result = make_trainable(old, epochs=20, batch_size=6, optimizer=recipes.Adam(0.05))
    assert (result.trained, result.frozen, result.refused) == (layers, (), {})
    assert result.notes == [f"{layer}: learns" for layer in layers]
    _assert_legal(result.model)
    _assert_same(old, result.model)
    assert not any(core.startswith("batchedMatmul") for core in map(kind_of, _layers(result.model).values()))
    again = network(result.model.spec)
    task = UpdateTask(again, _data(again))
    task.resume()
    task.wait(60)
    assert task.error is None
    assert task.history.epochs[-1].loss < 0.8 * task.history.epochs[0].loss
    for layer in layers:
        assert not np.array_equal(task.model.parameters[layer]["weights"], again.parameters[layer]["weights"])


def test_make_updatable_rewrites_for_the_layers_that_it_is_asked_for():
    old = built(keras_classifier)
    one = graphml.make_updatable(old, epochs=3)
    _assert_legal(one)
    _assert_same(old, one)
    assert [name for name, layer in _layers(one).items() if layer.isUpdatable] == ["d/two"]
    _assert_legal(graphml.make_updatable(old, ["c/conv"]))
    # a recipe that Core ML cannot follow anyway leaves the network as it is
    own = graphml.make_updatable(old, loss=recipes.CrossEntropy(label_smoothing=0.1))
    assert kind_of(_layers(own)["d/two"]) == "batchedMatmul"
    # the weights of the last layer are a constant of another layer
    pooled = graphml.make_updatable(built(CONVERTED["constants"][0]))
    assert [name for name, layer in _layers(pooled).items() if layer.isUpdatable] == ["dense"]


def test_layers_of_a_legal_network_stay_as_they_are():
    old = regression()
    result = make_trainable(old)
    assert result.trained == ("below", "top")
    assert [kind_of(layer) for layer in _layers(result.model).values()] == [
        "innerProduct",
        "activation",
        "innerProduct",
    ]


def test_layers_are_chosen_by_patterns():
    old = built(keras)
    result = make_trainable(old, ["d/*", "c/conv"], frozen=["*/one", "c/conv"])
    assert (result.trained, result.frozen, dict(result.refused)) == (("d/two",), ("c/conv", "d/one"), {})
    assert "d/one: stays as it is" in result.notes
    with pytest.raises(UpdateError, match=r"no layer with weights is called 'fc\*'; they are c/conv, d/one, d/two"):
        make_trainable(old, ["fc*"])
    with pytest.raises(UpdateError, match="Core ML cannot follow the recipe: the optimizer Lion is not SGD or Adam"):
        make_trainable(old, optimizer=recipes.Lion())
    with pytest.raises(UpdateError, match=r"make_trainable.*'epoch'"):
        make_trainable(old, epoch=3)


def test_the_reason_is_given_for_each_layer_that_cannot_be_trained():
    builder = NeuralNetworkBuilder({"x": array(1, 2, 4, 4)}, {"y": array(1, 3)}, exact=True)
    quantized = spec.weights.quantize(normal(3, 4))
    kernel: dict[str, Any] = {"weights": normal(4, 2, 3, 3), "bias": normal(4)}
    builder.add("convolution", "below", ["x"], ["b"], valid={}, **kernel)
    builder.add("gelu", "gelu", ["b"], ["g"], mode="EXACT")
    builder.add(
        "batchnorm", "norm", ["g"], ["n"], mean=normal(4), variance=normal(4) ** 2, gamma=normal(4), beta=normal(4)
    )
    builder.add("pooling", "pool", ["n"], ["p"], type="AVERAGE", global_pooling=True, valid={})
    builder.add("convolution", "above", ["p"], ["a"], valid={}, weights=normal(4, 4, 1, 1))
    builder.add("innerProduct", "few", ["a"], ["f"], weights=quantized)
    builder.add("squeeze", "squeeze", ["f"], ["y"], axes=(2, 3))
    result = make_trainable(network(builder.spec))
    assert result.trained == ("above",)
    assert result.refused["below"] == "layer 'gelu' (gelu), number 2 is between it and the loss and passes no gradient"
    assert result.refused["norm"] == "it is a batchnorm; only convolution, innerProduct, uniDirectionalLSTM learn"
    assert result.refused["few"] == "its weights are quantized"
    assert "below: cannot be trained: layer 'gelu'" in "\n".join(result.notes)
    with pytest.raises(UpdateError, match=r"(?s)could train none of the layers:.*\n  below: layer 'gelu' \(gelu\)"):
        make_trainable(network(builder.spec), ["below"])


def test_programs_are_refused_with_the_alternative():
    program = ProgramBuilder("CoreML7")
    program.output("y", program.relu(program.input("x", (1, 3))))
    with pytest.raises(UpdateError, match=r"trains no ML Programs on a device: convert to a neural network instead"):
        make_trainable(program.model())


def test_squared_errors_reach_below_a_reshape_if_the_target_is_an_image():
    builder = two_dense(images())
    builder.add("activation", "tanh2", ["z"], ["y"], nonlinearity_type="tanh")
    old = built(lambda: builder)
    # dense layers alone need no other shapes
    top = graphml.make_updatable(old, ["d/one", "d/two"])
    _assert_legal(top)
    assert list(top.spec.description.trainingInput[-1].type.multiArrayType.shape) == [1, 3]
    whole = make_trainable(old, epochs=8, optimizer=recipes.Adam(0.02))
    assert whole.trained == ("c/conv", "d/one", "d/two")
    _assert_legal(whole.model)
    _assert_same(old, whole.model)
    target = whole.model.spec.description.trainingInput[-1]
    assert list(target.type.multiArrayType.shape) == [1, 3, 1, 1]
    rows = [{**_input(old, i), target.name: np.full((1, 3, 1, 1), i / 4)} for i in range(4)]
    task = UpdateTask(whole.model, rows)
    task.resume()
    task.wait(60)
    assert task.history.epochs[-1].loss < 0.7 * task.history.epochs[0].loss


def test_losses_that_do_not_fit_are_not_guessed():
    # a sigmoid makes no logits: a softmax behind it would be another model
    builder = two_dense(images(True, class_labels=LABELS, probabilities="y"))
    builder.add("activation", "sigmoid", ["z"], ["y"], nonlinearity_type="sigmoid")
    with pytest.raises(UpdateError, match="cross entropy needs a softmax layer"):
        make_trainable(built(lambda: builder))
    # a named blob is read as probabilities, whatever writes it
    with pytest.raises(UpdateError, match="cross entropy needs a softmax layer"):
        make_trainable(built(logits), loss=recipes.CrossEntropy("y"))


def test_coremltools_agrees_that_the_layers_can_be_trained():
    ct = pytest.importorskip("coremltools", reason="coremltools is an optional extra and is not installed here")
    for make, layers in CONVERTED.values():
        made = make_trainable(built(make)).model.spec
        loss = getattr(made, str(made.WhichOneof("Type"))).updateParams.lossLayers[0].categoricalCrossEntropyLossLayer
        made.isUpdatable = False
        getattr(made, str(made.WhichOneof("Type"))).ClearField("updateParams")
        theirs = ct.proto.Model_pb2.Model.FromString(spec.serialize(made))
        builder = ct.models.neural_network.NeuralNetworkBuilder(spec=theirs)
        builder.make_updatable(list(layers))
        builder.set_categorical_cross_entropy_loss("loss_of_coremltools", loss.input)
        builder.set_sgd_optimizer(ct.models.neural_network.SgdParams(lr=0.1, batch=2))
        builder.set_epochs(2)
        assert builder.spec.isUpdatable


def test_batch_norms_are_merged_if_asked_for():
    builder = NeuralNetworkBuilder({"x": array(1, 2, 4, 4)}, {"y": None}, exact=True)
    builder.add("convolution", "conv", ["x"], ["c"], valid={}, weights=normal(3, 2, 4, 4))
    statistics = {"mean": normal(3), "variance": normal(3) ** 2, "gamma": normal(3, seed=2), "beta": normal(3, seed=3)}
    builder.add("batchnorm", "norm", ["c"], ["n"], **statistics)
    builder.add("softmax", "softmax", ["n"], ["y"])
    old = network(builder.spec)
    assert list(_layers(make_trainable(old).model)) == ["conv", "norm", "softmax"]
    merged = make_trainable(old, merge_batch_norms=True)
    assert list(_layers(merged.model)) == ["conv", "softmax"]
    assert (merged.trained, merged.refused) == (("conv",), {})
    _assert_legal(merged.model)
    _assert_same(old, merged.model)
