"""The recipe of an update, as the builder writes it."""

from __future__ import annotations

import numpy as np
import pytest

from graphml.build import AdamParams, NeuralNetworkBuilder, SgdParams
from graphml.build.datatypes import Array
from graphml.build.updating import Batch, RangeParam
from graphml.errors import GraphError, SpecError, UpdateError
from graphml.recipes import SGD, Huber, Recipe, RMSprop, SquaredError, read_recipe
from graphml.spec.validate import problems
from graphml.update import update


def _regression(**how):
    builder = NeuralNetworkBuilder([("x", Array(2))], [("y", Array(1))], **how)
    builder.add_inner_product("dense", np.float32([[1, 1]]), np.zeros(1), 2, 1, True, "x", "y")
    return builder


def _classifier():
    builder = NeuralNetworkBuilder([("x", Array(2))], [("prob", None)], mode="classifier")
    builder.add_inner_product("dense", np.eye(2), np.zeros(2), 2, 2, True, "x", "h")
    builder.add_softmax("last", "h", "prob")
    builder.set_class_labels(["a", "b"], "label")
    return builder


def test_make_updatable_marks_the_model_the_layers_and_their_weights():
    builder = _regression()
    builder.make_updatable(["dense"])
    assert builder.spec.isUpdatable
    assert builder.spec.specificationVersion == 4
    layer = builder.layer_specs["dense"]
    assert layer.isUpdatable
    assert layer.innerProduct.weights.isUpdatable
    assert layer.innerProduct.bias.isUpdatable
    assert builder.network.updateParams.shuffle.defaultValue


def test_what_cannot_learn():
    builder = _classifier()
    with pytest.raises(
        UpdateError, match=r"layer 'last' \(softmax\) cannot be trained; only convolution, innerProduct"
    ):
        builder.make_updatable(["last"])
    with pytest.raises(GraphError, match="there is no layer 'first'"):
        builder.make_updatable(["first"])
    builder.add("innerProduct", "half", ["x"], ["z"], weights=np.ones((1, 2), np.float16))
    with pytest.raises(UpdateError, match="layer 'half' has float16 weights"):
        builder.make_updatable(["dense"])
    assert not builder.spec.isUpdatable
    quantized = NeuralNetworkBuilder([("x", Array(2))], [("y", None)])
    how = {"is_quantized_weight": True, "quant_scale": [1.0], "quant_bias": [0.0]}
    quantized.add_inner_product("dense", bytes([1, 2]), None, 2, 1, False, "x", "y", **how)
    with pytest.raises(UpdateError, match="layer 'dense' has quantized weights"):
        quantized.make_updatable(["dense"])


def test_cross_entropy_of_a_classifier_is_trained_with_labels():
    builder = _classifier()
    builder.set_categorical_cross_entropy_loss("loss", "prob")
    assert [f.name for f in builder.spec.description.trainingInput] == ["x", "label"]
    assert builder.spec.description.trainingInput[1].type.WhichOneof("Type") == "stringType"
    loss = builder.network.updateParams.lossLayers[0].categoricalCrossEntropyLossLayer
    assert (loss.input, loss.target) == ("prob", "prob_true")


def test_cross_entropy_of_another_network_is_trained_with_indices():
    builder = NeuralNetworkBuilder([("x", Array(3))], [("prob", Array(3))])
    builder.add_softmax("last", "x", "prob")
    builder.set_categorical_cross_entropy_loss("loss", "prob")
    target = builder.spec.description.trainingInput[1]
    assert target.name == "prob_true"
    assert list(target.type.multiArrayType.shape) == [1]
    assert target.type.multiArrayType.dataType == 131104


def test_cross_entropy_judges_what_a_softmax_writes():
    with pytest.raises(UpdateError, match="softmax"):
        _classifier().set_categorical_cross_entropy_loss("loss", "h")


@pytest.mark.parametrize("feature", ["y", ("y", Array(1))])
def test_squared_error_is_trained_with_arrays(feature):
    builder = _regression()
    builder.set_mean_squared_error_loss("loss", feature)
    target = builder.spec.description.trainingInput[1]
    assert target.name == "y_true"
    assert list(target.type.multiArrayType.shape) == [1]
    assert target.type.multiArrayType.dataType == 65600


def test_squared_error_needs_a_shape():
    builder = NeuralNetworkBuilder([("x", Array(2))], [("y", None)])
    for feature in ("z", None, ("y", "Array(1)")):
        with pytest.raises(UpdateError, match=r"input_feature of loss 'loss' is .*; expected \(blob, Array\(...\)\)"):
            builder.set_mean_squared_error_loss("loss", feature)


def test_one_loss_with_its_own_name_and_target():
    builder = _regression()
    with pytest.raises(GraphError, match="there is already a layer 'dense'"):
        builder.set_mean_squared_error_loss("dense", "y")
    builder.set_mean_squared_error_loss("loss", "y")
    with pytest.raises(UpdateError, match="there is already a loss, 'loss'"):
        builder.set_mean_squared_error_loss("other", "y")
    taken = NeuralNetworkBuilder([("x", Array(2))], [("y", Array(2)), ("y_true", Array(2))])
    with pytest.raises(UpdateError, match="the target 'y_true' of loss 'loss' is an output of the model"):
        taken.set_mean_squared_error_loss("loss", "y")


def test_training_inputs_that_are_declared_already_are_kept():
    builder = _regression(training_features=[("y_true", Array(1, 1))])
    builder.set_mean_squared_error_loss("loss", "y")
    training = builder.spec.description.trainingInput
    assert [f.name for f in training] == ["y_true", "x"]
    assert list(training[0].type.multiArrayType.shape) == [1, 1]


def test_parameters_of_optimizers():
    builder = _regression()
    sgd = SgdParams(lr=0.5, batch=4, momentum=0.25)
    sgd.set_lr(0.5, 0.125, 2.0)
    sgd.set_momentum(0.25, 0.0, 0.5)
    sgd.set_batch(4, [4, 8])
    builder.set_sgd_optimizer(sgd)
    written = builder.network.updateParams.optimizer.sgdOptimizer
    rate = written.learningRate
    assert (rate.defaultValue, rate.range.minValue, rate.range.maxValue) == (0.5, 0.125, 2.0)
    assert (written.momentum.defaultValue, written.momentum.range.maxValue) == (0.25, 0.5)
    assert (written.miniBatchSize.defaultValue, list(written.miniBatchSize.set.values)) == (4, [4, 8])
    adam = AdamParams(lr=0.5)
    adam.set_beta1(0.5, 0.25, 0.75)
    adam.set_beta2(0.75, 0.5, 0.875)
    adam.set_eps(0.125, 0.0, 0.25)
    builder.set_adam_optimizer(adam)
    assert builder.network.updateParams.optimizer.WhichOneof("OptimizerType") == "adamOptimizer"
    written = builder.network.updateParams.optimizer.adamOptimizer
    assert [getattr(written, name).defaultValue for name in ("beta1", "beta2", "eps")] == [0.5, 0.75, 0.125]
    assert [getattr(written, name).range.maxValue for name in ("beta1", "beta2", "eps")] == [0.75, 0.875, 0.25]
    assert list(written.miniBatchSize.set.values) == [10]
    with pytest.raises(UpdateError, match="expected SgdParams, got AdamParams"):
        builder.set_sgd_optimizer(AdamParams())


def test_parameters_leave_something_to_choose():
    with pytest.raises(SpecError, match="min must be less than max, got min 1 and max 1"):
        RangeParam(1, 1, 1)
    with pytest.raises(SpecError, match=r"allowed_set contains a size twice: \[4, 4\]"):
        Batch(4, [4, 4])


def test_epochs_and_shuffle():
    builder = _regression()
    builder.set_epochs(3)
    assert list(builder.network.updateParams.epochs.set.values) == [3]
    builder.set_epochs(5, allowed_set=[5, 10])
    assert builder.network.updateParams.epochs.defaultValue == 5
    assert list(builder.network.updateParams.epochs.set.values) == [5, 10]
    builder.set_shuffle()
    assert not builder.network.updateParams.HasField("seed")
    builder.set_shuffle(seed=7)
    assert builder.network.updateParams.seed.defaultValue == 7
    for wrong in (1.5, True, "1"):
        with pytest.raises(UpdateError, match="seed must be an integer"):
            builder.set_shuffle(wrong)


def test_what_is_written_trains():
    builder = _regression()
    builder.make_updatable(["dense"])
    builder.set_mean_squared_error_loss("loss", "y")
    builder.set_sgd_optimizer(SgdParams(lr=0.5, batch=1))
    builder.set_epochs(1)
    assert problems(builder.spec) == []
    # y = 3 for a target of 1: the gradient of the square is 4, that of the weights 4 x
    trained = update(builder.spec, [{"x": np.float32([1, 2]), "y_true": np.float64([1])}])
    layer = trained.spec.neuralNetwork.layers[0].innerProduct
    np.testing.assert_allclose(layer.weights.floatValue, [1 - 2, 1 - 4])
    np.testing.assert_allclose(layer.bias.floatValue, [-2])


def test_a_recipe_replaces_what_was_set_before():
    builder = _regression()
    builder.make_updatable(["dense"])
    builder.set_epochs(9)
    plain = Recipe(SGD(0.5), losses=SquaredError("y"), epochs=2, batch_size=4)
    builder.set_recipe(plain)
    assert builder.spec.isUpdatable  # Core ML can train so
    assert builder.network.updateParams.epochs.defaultValue == 2
    builder.set_recipe(Recipe(RMSprop(0.25), losses=Huber("y"), layers=["dense"]))
    assert not builder.spec.isUpdatable
    found = read_recipe(builder.spec)
    assert isinstance(found.optimizer, RMSprop)
    assert isinstance(found.losses[0], Huber)
    builder.add_activation("relu", "RELU", "y", "z")  # the builder continues with the model that has the recipe
    assert builder.spec.neuralNetwork.layers[1].name == "relu"
    with pytest.raises(UpdateError):
        builder.set_recipe(Recipe(losses=Huber("y"), layers=["other"]))
