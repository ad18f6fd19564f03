"""Core ML's rules of training: each is broken once, and all that is broken is listed."""

from __future__ import annotations

import numpy as np
import pytest

from graphml.spec import Model
from graphml.spec.validate import problems, update_problems


def _found(model: Model) -> list[str]:
    return [str(problem) for problem in update_problems(model)]


def test_a_trainable_network(trainable):
    assert problems(trainable, updating=True) == []


# (what is changed, the words)
def _layers(model):
    return model.neuralNetwork.layers


def _update(model):
    return model.neuralNetwork.updateParams


def _second_loss(model):
    _update(model).lossLayers.add(name="other").meanSquaredErrorLossLayer.input = "y"


def _quantized(model):
    weights = _layers(model)[0].innerProduct.weights
    weights.ClearField("floatValue")
    weights.rawValue = bytes(12)
    weights.quantization.numberOfBits = 8
    weights.quantization.linearQuantization.scale.append(1.0)


def _mark(index):
    def change(model):
        _layers(model)[index].isUpdatable = True

    return change


def _learn_nothing(model):
    for layer in _layers(model):
        layer.isUpdatable = False


def _inside(model):
    branch = _layers(model).add(name="b")
    branch.branch.ifBranch.layers.add().CopyFrom(_layers(model)[0])


BROKEN = [
    (lambda m: setattr(m, "isUpdatable", False), "model: is not marked isUpdatable"),
    (
        lambda m: setattr(m, "specificationVersion", 3),
        "model: has specification version 3; updatable models need at least 4",
    ),
    (lambda m: m.scaler.SetInParent(), "model: a scaler cannot be updated"),
    (lambda m: m.ClearField(m.WhichOneof("Type")), "model: a model without a known kind cannot be updated"),
    (_learn_nothing, "network: no layer is marked as updatable"),
    (
        _mark(1),
        "layer 'relu' (activation), number 2: is updatable, but only convolution, innerProduct, "
        "uniDirectionalLSTM can be",
    ),
    (_quantized, "layer 'first' (innerProduct), number 1: is updatable, but weights is quantized"),
    (
        lambda m: setattr(_layers(m)[0].innerProduct.weights, "isUpdatable", False),
        "layer 'first' (innerProduct), number 1: is updatable, but weights is not marked so",
    ),
    (
        lambda m: setattr(_layers(m)[2].innerProduct.bias, "isUpdatable", False),
        "layer 'second' (innerProduct), number 3: is updatable, but bias is not marked so",
    ),
    (
        _inside,
        "layer 'b' (branch), number 5 > if > layer 'first' (innerProduct), number 1: is updatable, but layers inside "
        "branches and loops cannot be",
    ),
    (
        lambda m: setattr(_layers(m)[1], "name", "first"),
        "network: 2 layers or losses are called 'first'; in training names are unique",
    ),
    (
        lambda m: setattr(_update(m).lossLayers[0], "name", "relu"),
        "network: 2 layers or losses are called 'relu'; in training names are unique",
    ),
    (lambda m: _update(m).ClearField("lossLayers"), "network: expected exactly one loss layer, got 0"),
    (_second_loss, "network: expected exactly one loss layer, got 2"),
    (
        lambda m: _update(m).lossLayers[0].ClearField("categoricalCrossEntropyLossLayer"),
        "loss 'loss': has no kind; it is categorical cross entropy or mean squared error",
    ),
    (
        lambda m: setattr(_update(m).lossLayers[0].categoricalCrossEntropyLossLayer, "input", "s"),
        "loss 'loss': its input comes from layer 'second' (innerProduct), number 3; cross entropy needs a "
        "softmax layer",
    ),
    (
        lambda m: setattr(_update(m).lossLayers[0].categoricalCrossEntropyLossLayer, "input", "z"),
        "loss 'loss': its input 'z' is a blob that no layer writes",
    ),
    (
        lambda m: setattr(_update(m).lossLayers[0].categoricalCrossEntropyLossLayer, "target", "h"),
        "loss 'loss': its target 'h' is made by the network, in layer 'first' (innerProduct), number 1",
    ),
    (lambda m: _update(m).ClearField("optimizer"), "optimizer: is missing; it is SGD or Adam"),
    (lambda m: _update(m).ClearField("epochs"), "update parameters: epochs is missing"),
    (
        lambda m: setattr(_update(m).epochs, "defaultValue", 0),
        "update parameters: epochs must be positive, but its allowed values include 0",
    ),
    (
        lambda m: _update(m).epochs.set.values.extend([1, 2]),
        "update parameters: the default of epochs, 10, is not one of its allowed values",
    ),
    (
        lambda m: _update(m).seed.set.values.append(3),
        "update parameters: the default of seed, 0, is not one of its allowed values",
    ),
    (
        lambda m: _update(m).optimizer.sgdOptimizer.ClearField("learningRate"),
        "optimizer: learningRate is missing",
    ),
    (
        lambda m: setattr(_update(m).optimizer.sgdOptimizer.learningRate.range, "maxValue", 0.01),
        "optimizer: the default of learningRate, 0.1, is outside its range 0.0 to 0.01",
    ),
    (
        lambda m: setattr(_update(m).optimizer.sgdOptimizer.miniBatchSize.range, "maxValue", 8),
        "optimizer: miniBatchSize must be positive, but its allowed values include 0",
    ),
    (lambda m: _update(m).optimizer.adamOptimizer.SetInParent(), "optimizer: beta2 is missing"),
    (lambda m: _update(m).optimizer.adamOptimizer.SetInParent(), "optimizer: eps is missing"),
    (
        lambda m: m.description.ClearField("trainingInput"),
        "training inputs: there are 0; an input and the target 'target' are needed",
    ),
    (
        lambda m: setattr(m.description.trainingInput[0], "name", "other"),
        "training inputs: none of them is an input of the model, with the same type",
    ),
    (
        lambda m: setattr(m.description.trainingInput[1], "name", "other"),
        "training inputs: the target 'target' is not among them",
    ),
    (
        lambda m: m.description.trainingInput.add(name="target"),
        "training input 'target': is declared 2 times; names are unique",
    ),
    (
        lambda m: setattr(_update(m).optimizer.sgdOptimizer.momentum, "defaultValue", float("nan")),
        "optimizer: the default of momentum, nan, is not a finite number",
    ),
]


@pytest.mark.parametrize(("change", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_broken_rules_are_named(change, words, trainable):
    change(trainable)
    assert words in _found(trainable)


def test_all_that_is_wrong_is_listed(trainable):
    trainable.specificationVersion = 1
    _layers(trainable)[1].isUpdatable = True
    _update(trainable).ClearField("epochs")
    assert len(_found(trainable)) == 3


def test_momentum_and_seed_may_be_absent_and_negative_seeds_are_fine(trainable):
    _update(trainable).seed.defaultValue = -4
    assert _found(trainable) == []
    _update(trainable).optimizer.sgdOptimizer.momentum.range.minValue = 0.5
    assert _found(trainable) == ["optimizer: the range of momentum, 0.5 to 0.0, is empty"]


# The path of the gradient ---------------------------------------------------------------------------------------------


def _replace(model: Model, index: int, layer) -> None:
    layer.input[:], layer.output[:] = _layers(model)[index].input, _layers(model)[index].output
    _layers(model)[index].CopyFrom(layer)


@pytest.mark.parametrize("kind", ["permute", "softmax", "unary"])
def test_a_layer_that_stops_the_gradient_is_named_with_what_it_stops(kind, layer, trainable):
    _replace(trainable, 1, layer(kind, name="wall"))
    assert _found(trainable) == [
        f"layer 'first' (innerProduct), number 1: cannot learn: layer 'wall' ({kind}), number 2 is between it "
        "and the loss and passes no gradient"
    ]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("activation", {"sigmoid": {}}),
        ("activation", {"tanh": {}}),
        ("flatten", {}),
        ("pooling", {"valid": {}}),
        ("batchnorm", {"gamma": np.ones(1), "beta": np.ones(1), "mean": np.ones(1), "variance": np.ones(1)}),
        ("uniDirectionalLSTM", {}),
    ],
)
def test_layers_that_let_gradients_through(kind, fields, layer, trainable):
    _replace(trainable, 1, layer(kind, name="window", **fields))
    assert _found(trainable) == []


@pytest.mark.parametrize("choice", ["ELU", "linear", "leakyReLU", "softplus"])
def test_only_three_activations_let_gradients_through(choice, layer, trainable):
    _replace(trainable, 1, layer("activation", name="wall", **{choice: {}}))
    assert "layer 'wall' (activation), number 2 is between" in _found(trainable)[0]


def test_a_gradient_barrier_below_all_trained_layers_is_fine(layer, trainable):
    first = _layers(trainable)[0]
    first.isUpdatable = False
    _replace(trainable, 0, layer("permute", name="trunk"))
    assert _found(trainable) == []


def test_softmax_passes_gradients_only_right_below_cross_entropy(layer, trainable):
    loss = _update(trainable).lossLayers[0]
    loss.meanSquaredErrorLossLayer.input = "y"
    loss.meanSquaredErrorLossLayer.target = "target"
    stopped = [line for line in _found(trainable) if "layer 'softmax' (softmax), number 4 is between" in line]
    assert len(stopped) == 2


def test_a_gradient_barrier_on_one_path_stops_learning_on_the_others_too(layer, trainable):
    """Core ML's walk has only one state; a separate unblocked path does not help a layer."""
    layers = list(_layers(trainable))
    wall, join = layer("permute", "x", "w", "wall"), layer("concat", "w a", "c", "join")
    layers[2].input[0] = "c"
    del _layers(trainable)[:]
    _layers(trainable).extend([*layers[:2], wall, join, *layers[2:]])
    assert _found(trainable) == [
        "layer 'first' (innerProduct), number 1: cannot learn: layer 'join' (concat), number 4 is between it and the "
        "loss and passes no gradient"
    ]
    inner = layer("innerProduct", "w a", "c", "join", weights=np.ones((4, 4)))
    _layers(trainable)[3].CopyFrom(inner)
    assert _found(trainable) == [
        "layer 'first' (innerProduct), number 1: cannot learn: layer 'wall' (permute), number 3, on another path from "
        "the loss, passes no gradient"
    ]


def test_a_layer_off_the_path_to_the_loss_is_a_warning(layer, trainable):
    aside = layer("innerProduct", "x", "aside", "aside", weights=np.ones((4, 3)))
    aside.isUpdatable = aside.innerProduct.weights.isUpdatable = True
    _layers(trainable).append(aside)
    assert [(problem.severity, str(problem)) for problem in update_problems(trainable)] == [
        ("warning", "layer 'aside' (innerProduct), number 5: is updatable, but loss 'loss' does not depend on it")
    ]


# Classifiers, pipelines, neighbours -----------------------------------------------------------------------------------


@pytest.fixture
def classifier(trainable) -> Model:
    """The label itself is a training input; the loss has a target that nobody declares."""
    network = trainable.neuralNetwork.SerializeToString()
    trainable.neuralNetworkClassifier.MergeFromString(network)
    trainable.neuralNetworkClassifier.stringClassLabels.vector.extend(["cat", "dog"])
    del trainable.description.output[:]
    trainable.description.output.add(name="label").type.stringType.SetInParent()
    trainable.description.predictedFeatureName = "label"
    trainable.description.trainingInput[1].name = "label"
    trainable.description.trainingInput[1].type.stringType.SetInParent()
    return trainable


def test_a_classifier_learns_from_labels(classifier):
    assert problems(classifier, updating=True) == []
    classifier.description.trainingInput[1].name = "other"
    assert _found(classifier) == ["training inputs: the target 'label' is not among them"]
    classifier.description.trainingInput[1].name = "target"
    assert _found(classifier) == []


def _target_of(model, *shape):
    array = model.description.trainingInput[1].type.multiArrayType
    del array.shape[:]
    array.shape.extend(shape)
    return _found(model)


def test_a_target_is_an_index_or_a_probability_for_each_class(trainable):
    for shape in ((), (1,), (2,), (1, 2)):
        assert _target_of(trainable, *shape) == []
    words = "takes one index, or a probability for each class: 2"
    assert _target_of(trainable, 10) == [f"training input 'target': has 10 elements; the loss 'loss' {words}"]
    output = trainable.description.output[0].type.multiArrayType
    output.shape.append(10)  # where the declared sizes differ, the computed size decides
    assert _target_of(trainable, 10) == []


def test_the_target_of_a_squared_error_has_as_many_numbers_as_its_input(trainable):
    loss = _update(trainable).lossLayers[0]
    loss.meanSquaredErrorLossLayer.input, loss.meanSquaredErrorLossLayer.target = "s", "target"
    assert _target_of(trainable, 2) == _target_of(trainable) == []
    words = "takes as many numbers as its input has: 2"
    assert _target_of(trainable, 1) == [f"training input 'target': has 1 elements; the loss 'loss' {words}"]


def test_targets_of_types_that_no_loss_takes(trainable):
    trainable.description.trainingInput[1].type.stringType.SetInParent()
    assert _found(trainable) == [
        "training input 'target': has the type stringType; the loss 'loss' takes arrays and numbers"
    ]


def test_a_label_goes_with_cross_entropy_only(classifier):
    loss = _update_of(classifier).lossLayers[0]
    loss.meanSquaredErrorLossLayer.input = "s"
    assert "training input 'label': is a class label, but the mean squared error compares numbers" in _found(classifier)


def _update_of(model):
    return getattr(model, model.WhichOneof("Type")).updateParams


def test_labels_have_the_type_of_the_output(classifier):
    classifier.description.trainingInput[1].type.int64Type.SetInParent()
    assert _found(classifier) == ["training input 'label': has another type than the output of that name"]


def test_the_last_stage_of_a_pipeline_learns(trainable):
    pipeline = Model(specificationVersion=4, isUpdatable=True)
    for _ in range(2):
        pipeline.pipeline.models.add().CopyFrom(trainable)
    assert _found(pipeline) == ["pipeline stage 1: is updatable, but only the last stage may be"]
    pipeline.pipeline.models[0].isUpdatable = False
    assert _found(pipeline) == []
    pipeline.pipeline.models[1].isUpdatable = False
    assert _found(pipeline) == ["pipeline stage 2 > model: is not marked isUpdatable"]


def test_nearest_neighbors_have_no_recipe(trainable):
    trainable.kNearestNeighborsClassifier.SetInParent()
    assert _found(trainable) == []


def test_a_linked_model_cannot_be_updated(trainable):
    trainable.linkedModel.SetInParent()
    assert _found(trainable) == ["model: a linkedModel cannot be updated"]
