"""Making models updatable, and giving classifiers other classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from model_problems import errors_of
from update.networks import classifier, classifier_data, network, regression, regression_data

import graphml
from graphml import recipes, spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import UpdateError
from graphml.update import UpdateTask, recipe_of, update


def _bare(model: Any) -> Any:
    """As a converter leaves it: without any word about training."""
    message = spec.Model()
    message.CopyFrom(model.spec)
    message.isUpdatable = False
    inner = getattr(message, model.kind)
    inner.ClearField("updateParams")
    del message.description.trainingInput[:]
    for layer in inner.layers:
        layer.isUpdatable = False
    return network(message)


def _layers(model: Any) -> list[str]:
    return [layer.name for layer in getattr(model.spec, model.kind).layers if layer.isUpdatable]


def test_a_classifier_becomes_updatable_in_one_call():
    model = graphml.make_updatable(_bare(classifier()), epochs=30, optimizer=recipes.SGD(0.1, momentum=0.5), seed=2)
    assert model.is_updatable
    assert errors_of(model.spec, updating=True) == []
    assert _layers(model) == ["top"]
    task = UpdateTask(model, classifier_data())
    task.resume()
    task.wait(60)
    assert task.error is None
    assert task.history.epochs[-1].loss < 0.7 * task.history.epochs[0].loss
    again = network(task.model.spec)
    assert again.is_updatable
    x = {"x": classifier_data()[0]["x"]}
    assert again.predict(x) == task.model.predict(x)


def test_layers_losses_and_whole_recipes_can_be_chosen():
    model = _bare(regression())
    assert _layers(graphml.make_updatable(model, ["below", "top"])) == ["below", "top"]
    own: Any = graphml.make_updatable(model, loss=recipes.Huber(delta=0.5), batch_size=2)
    assert (own.is_updatable, _layers(own)) == (False, [])
    recipe = recipe_of(own.spec)
    assert (type(recipe.loss), recipe.layers, recipe.batch_size) == (recipes.Huber, (("top", ()),), 2)
    assert recipe.hyper["y_loss/delta"] == 0.5
    whole = recipes.Recipe(recipes.Lion(), epochs=5)
    assert recipe_of(graphml.make_updatable(model, recipe=whole, epochs=6).spec).epochs == 6
    with pytest.raises(UpdateError, match=r"make_updatable.*'epoch'"):
        graphml.make_updatable(model, epoch=3)
    with pytest.raises(UpdateError, match=r"Core ML would not update.*\n  the loss Huber is not"):
        UpdateTask(own, regression_data())
    assert update(own, regression_data(), strict=False) is not None


def test_the_last_layers_on_all_paths_learn():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": None}, exact=True)
    for name in ("left", "right"):
        builder.add("innerProduct", f"{name} low", ["x"], [f"{name}0"], weights=np.eye(3))
        builder.add("innerProduct", name, [f"{name}0"], [f"{name}1"], weights=np.eye(3))
    builder.add("addBroadcastable", "sum", ["left1", "right1"], ["s"])
    unit = {"gamma": np.ones(3), "beta": np.zeros(3)}
    builder.add("layerNormalization", "norm", ["s"], ["y"], normalized_shape=(3,), eps=1e-5, **unit)
    model = graphml.make_updatable(network(builder.spec))
    assert [name for name, _ in recipe_of(model.spec).layers or ()] == ["left", "right"]
    # the output declares no shape; it is traced
    assert list(model.spec.description.trainingInput[1].type.multiArrayType.shape) == [3]


def test_a_head_for_other_classes_is_fresh_and_all_else_stays():
    old = _bare(classifier())
    names = ["red", "green", "blue", "black", "white"]
    model = graphml.replace_head(old, names)
    x = {"x": classifier_data()[0]["x"]}
    answer = model.predict(x)
    assert list(answer["p"]) == names
    assert answer["classLabel"] in names
    assert sum(answer["p"].values()) == pytest.approx(1, rel=1e-5)
    assert model.parameters["top"]["weights"].shape == (5, 16)
    np.testing.assert_array_equal(model.parameters["top"]["bias"], np.zeros(5))
    np.testing.assert_array_equal(model.parameters["conv"]["weights"], old.parameters["conv"]["weights"])
    assert model.parameters["top"]["weights"].std() == pytest.approx(np.sqrt(2 / 21), rel=0.2)
    same, other = graphml.replace_head(old, names), graphml.replace_head(old, names, seed=1)
    np.testing.assert_array_equal(model.parameters["top"]["weights"], same.parameters["top"]["weights"])
    assert not np.array_equal(model.parameters["top"]["weights"], other.parameters["top"]["weights"])
    assert errors_of(model.spec) == []
    assert network(model.spec).predict(x) == answer


@pytest.mark.parametrize("labels", [["a", "b"], [3, 1, 4, 5]], ids=["strings", "integers"])
def test_new_classes_train_write_and_reload(labels, tmp_path):
    model = graphml.make_updatable(
        _bare(classifier()), labels=labels, epochs=60, batch_size=12, optimizer=recipes.Adam(0.1)
    )
    data = [
        {"x": row["x"], "classLabel": labels[i % len(labels)]} for i, row in enumerate(classifier_data(len(labels)))
    ]
    trained = update(model, data)
    trained.save(tmp_path / "new.mlmodel")
    again: Any = graphml.load(tmp_path / "new.mlmodel")
    assert [again.predict({"x": row["x"]})["classLabel"] for row in data] == [row["classLabel"] for row in data]
    kind = again.spec.description.output[1].type.dictionaryType
    assert kind.WhichOneof("KeyType") == ("stringKeyType" if isinstance(labels[0], str) else "int64KeyType")


def test_a_convolution_before_the_pooling_is_a_head_too():
    draw = np.random.default_rng(0)
    builder = NeuralNetworkBuilder({"x": array(2, 4, 4)}, {}, class_labels=["a", "b", "c"], probabilities="p")
    kernel = {"weights": draw.normal(size=(3, 2, 1, 1)), "bias": np.zeros(3)}
    builder.add("convolution", "conv", ["x"], ["c"], valid={}, **kernel)
    builder.add("pooling", "pool", ["c"], ["g"], type="AVERAGE", global_pooling=True, valid={})
    builder.add("reshape", "flat", ["g"], ["z"], target_shape=(3, 1, 1))
    builder.add("softmax", "softmax", ["z"], ["p"])
    model = graphml.replace_head(network(builder.spec), ["a", "b", "c", "d"])
    assert model.parameters["conv"]["weights"].shape == (4, 2, 1, 1)
    assert len(model.predict({"x": draw.normal(size=(2, 4, 4))})["p"]) == 4


def test_models_without_a_head_to_replace_are_refused():
    with pytest.raises(UpdateError, match=r"only classifiers have classes to replace; this model is a neuralNetwork$"):
        graphml.replace_head(regression(), ["a", "b"])
    for labels, words in (
        (["a"], "at least two different"),
        (["a", "a"], "two different"),
        (["a", 1], "all strings or"),
    ):
        with pytest.raises(UpdateError, match=words):
            graphml.replace_head(classifier(), labels)
    message = classifier().spec
    layer = message.neuralNetworkClassifier.layers[-1]
    layer.ClearField("softmax")
    layer.bias.shape.append(3)
    layer.bias.bias.floatValue.extend([0, 0, 0])
    with pytest.raises(UpdateError, match=r"layer 'softmax' \(bias\) is between the last weights"):
        graphml.replace_head(network(message), ["a", "b"])
