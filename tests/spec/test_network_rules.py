"""How layers connect: blobs, scopes, stored weights, preprocessing, class labels."""

from __future__ import annotations

import numpy as np
import pytest
from model_problems import errors_of, warnings_of

from graphml.spec import Model
from graphml.spec.validate import problems


@pytest.fixture
def branch(layer):
    """branch([if layers], [else layers]): reads x."""

    def build(if_side, else_side=(), name="b"):
        one = layer("branch", "x", "", name)
        one.branch.ifBranch.layers.extend(if_side)
        if else_side:
            one.branch.elseBranch.layers.extend(else_side)
        return one

    return build


@pytest.fixture
def loop(layer):
    """loop([body layers], [condition layers], ...)"""

    def build(body, condition=(), variable="", most=3):
        one = layer("loop", "", "", "l")
        one.loop.bodyNetwork.layers.extend(body)
        if condition:
            one.loop.conditionNetwork.layers.extend(condition)
        one.loop.conditionVar = variable
        one.loop.maxLoopIterations = most
        return one

    return build


# Blobs ----------------------------------------------------------------------------------------------------------------


def test_a_network_without_layers(network):
    assert "network: has no layers" in errors_of(network())


def test_a_blob_that_is_never_written(layer, network):
    errors = errors_of(network(layer("copy", "z", "y")))
    assert errors == ["layer 'copy' (copy), number 1: reads 'z', which is not an input and which no layer writes"]


def test_a_cycle_names_the_layer_that_writes_too_late(layer, network):
    model = network(
        layer("add", "x b", "a", "first"), layer("copy", "a", "b", "second"), layer("copy", "b", "y", "third")
    )
    assert errors_of(model) == [
        "layer 'first' (add), number 1: reads 'b', which only layer 'second' (copy), number 2 writes: "
        "the order is wrong, or there is a cycle"
    ]


def test_a_layer_cannot_read_itself(layer, network):
    assert "the order is wrong, or there is a cycle" in errors_of(network(layer("add", "x y", "y")))[0]


def test_only_copy_overwrites(layer, network):
    twice = network(layer("ceil", "x", "y", "one"), layer("floor", "x", "y", "two"))
    assert errors_of(twice) == [
        "layer 'two' (floor), number 2: writes 'y' again, after layer 'one' (ceil), number 1; "
        "only a copy layer may overwrite a blob"
    ]
    assert errors_of(network(layer("ceil", "x", "y"), layer("copy", "x", "y"))) == []
    over_input = network(layer("ceil", "x", "x"), layer("copy", "x", "y"))
    assert "writes 'x' again, after the input" in errors_of(over_input)[0]


def test_a_copy_onto_itself(layer, network):
    assert errors_of(network(layer("copy", "x", "x"), outputs="x")) == [
        "layer 'copy' (copy), number 1: copies 'x' to itself"
    ]


def test_outputs_are_written(layer, network):
    assert errors_of(network(layer("copy", "x", "z"))) == ["output 'y': no layer writes this blob"]


def test_repeated_names_are_a_warning(layer, network):
    model = network(layer("ceil", "x", "a", "same"), layer("floor", "a", "y", "same"))
    assert (errors_of(model), warnings_of(model)) == ([], ["network: 2 layers are called 'same'"])


def test_empty_names_are_fine(layer, network):
    model = network(layer("ceil", "x", "a"), layer("floor", "a", "y"))
    for one in model.neuralNetwork.layers:
        one.name = ""
    assert problems(model) == []


# Branches and loops ---------------------------------------------------------------------------------------------------


def test_both_branches_may_write_a_blob_that_is_read_later(layer, network, branch):
    sides = branch([layer("ceil", "x", "a")], [layer("floor", "x", "a")])
    assert problems(network(sides, layer("copy", "a", "y"))) == []


def test_what_only_one_branch_writes_cannot_be_read_later(layer, network, branch):
    reader = layer("copy", "a", "y")
    for sides in (branch([layer("ceil", "x", "a")]), branch([layer("ceil", "x", "a")], [layer("floor", "x", "c")])):
        assert warnings_of(network(sides, reader)) == [
            "layer 'copy' (copy), number 2: reads 'a', which exists only inside a branch or loop "
            "(layer 'b' (branch), number 1 > if > layer 'ceil' (ceil), number 1 writes it)"
        ]


def test_one_branch_does_not_see_the_other(layer, network, branch):
    sides = branch([layer("ceil", "x", "a")], [layer("floor", "a", "c")])
    assert (
        "> else > layer 'floor' (floor), number 1: reads 'a', which exists only inside"
        in warnings_of(network(sides, layer("copy", "x", "y")))[0]
    )


def test_a_copy_in_a_branch_may_overwrite_an_outer_blob(layer, network, branch):
    sides = branch([layer("copy", "a", "y")], [layer("copy", "x", "y")])
    assert problems(network(layer("ceil", "x", "a"), layer("copy", "x", "y", "before"), sides)) == []


def test_a_branch_layer_needs_an_if_branch(layer, network, branch):
    assert "layer 'b' (branch), number 1: has no layers in its if branch" in errors_of(network(branch([])))


def test_blobs_of_a_body_are_seen_after_a_loop_without_condition(layer, network, loop):
    assert problems(network(loop([layer("ceil", "x", "a")]), layer("copy", "a", "y"))) == []


def test_blobs_of_a_body_are_not_seen_after_a_loop_with_condition(layer, network, loop):
    condition = [layer("floor", "x", "go")]
    body = [layer("ceil", "go", "a")]
    one = loop(body, condition, "go")
    assert problems(network(one, layer("copy", "go", "y"))) == []
    assert (
        "reads 'a', which exists only inside a branch or loop" in warnings_of(network(one, layer("copy", "a", "y")))[0]
    )


def test_a_body_reads_what_it_wrote_in_the_last_iteration_only_through_an_outer_blob(layer, network, loop):
    body = [layer("ceil", "state", "next"), layer("copy", "next", "state")]
    started = network(layer("copy", "x", "state"), loop(body), layer("copy", "state", "y"))
    # three layers are called "copy", which is only a warning
    assert errors_of(started) == []
    unstarted = errors_of(network(loop(body), layer("copy", "state", "y")))
    assert "reads 'state', which only layer 'l' (loop), number 1 > body > layer 'copy'" in unstarted[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"body": 0}, "has no layers in its body"),
        ({"variable": "go"}, "needs a condition network and conditionVar together, or neither"),
        ({"condition": 1}, "needs a condition network and conditionVar together, or neither"),
        ({"condition": 1, "variable": "x"}, "conditionVar 'x' is not written by the condition network"),
        ({"most": 0}, "never ends: no condition network, no input, and maxLoopIterations is 0"),
    ],
)
def test_invalid_loops(arguments, words, layer, network, loop):
    body = [layer("ceil", "x", "a")][: arguments.get("body", 1)]
    condition = [layer("floor", "x", "go")][: arguments.get("condition", 0)]
    one = loop(body, condition, arguments.get("variable", ""), arguments.get("most", 3))
    assert any(words in error for error in errors_of(network(one, layer("copy", "x", "y"))))


def test_break_and_continue_need_a_loop_around_them(layer, network, loop, branch):
    stop, go_on = layer("loopBreak", "", ""), layer("loopContinue", "", "")
    end = layer("copy", "x", "y")
    assert problems(network(loop([layer("ceil", "x", "a"), branch([stop], [go_on])]), end)) == []
    for outside in (network(stop, end), network(branch([go_on]), end)):
        assert any("is outside of the body of a loop" in error for error in errors_of(outside))
    in_condition = loop([layer("ceil", "x", "a")], [layer("floor", "x", "go"), stop], "go")
    assert any("is outside" in error for error in errors_of(network(in_condition, end)))


def test_problems_inside_are_placed(layer, network, loop, branch):
    inner = loop([branch([layer("reorganizeData", "x", "a", "deep")])])
    assert errors_of(network(inner, layer("copy", "x", "y"), inputs={"x": (4, 2, 2)})) == [
        "layer 'l' (loop), number 1 > body > layer 'b' (branch), number 1 > if > "
        "layer 'deep' (reorganizeData), number 1: blockSize must be at least 2, got 0"
    ]


# Weights --------------------------------------------------------------------------------------------------------------


def _weights(layer, network, **change) -> list[str]:
    one = layer("innerProduct", weights=np.ones((4, 3), np.float32))
    stored = one.innerProduct.weights
    for name, value in change.items():
        if name == "floatValue":
            stored.floatValue[:] = value
        elif name == "quantization":
            stored.ClearField("floatValue")
            for field, item in value.items():
                holder = stored if field in ("rawValue", "int8RawValue") else stored.quantization
                if field in ("scale", "bias"):
                    getattr(stored.quantization.linearQuantization, field).extend(item)
                elif field == "table":
                    stored.quantization.lookupTableQuantization.floatValue.extend(item)
                else:
                    setattr(holder, field, item)
        else:
            setattr(stored, name, value)
    return [error.partition("number 1: weights: ")[2] for error in errors_of(network(one))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"floatValue": [1.0]}, "expected 12 weights (4, 3), got 1"),
        ({"floatValue": []}, "expected 12 weights (4, 3), got none"),
        ({"float16Value": bytes(24)}, "weights are stored twice, as floatValue and float16Value"),
        ({"floatValue": [], "float16Value": bytes(7)}, "the size of float16Value must be a multiple of 2 bytes, got 7"),
        ({"floatValue": [], "rawValue": bytes(44)}, "expected 12 weights"),
        ({"quantization": {"numberOfBits": 0}}, "quantized weights must have 1 to 8 bits, got 0"),
        ({"quantization": {"numberOfBits": 9}}, "quantized weights must have 1 to 8 bits, got 9"),
        (
            {"quantization": {"numberOfBits": 4, "rawValue": bytes(6)}},
            "quantized weights need the parameters of linear quantization or a lookup table",
        ),
        (
            {"quantization": {"numberOfBits": 4, "rawValue": bytes(5), "scale": [1.0]}},
            "expected 6 bytes for 12 weights (4, 3) of 4 bits, got 5",
        ),
        ({"quantization": {"numberOfBits": 8, "rawValue": bytes(12), "bias": [1.0]}}, "quantization needs a scale"),
        (
            {"quantization": {"numberOfBits": 8, "rawValue": bytes(12), "scale": [1.0] * 3}},
            "scale must have 1 or 4 (output channels) values, got 3",
        ),
        (
            {"quantization": {"numberOfBits": 8, "rawValue": bytes(12), "scale": [1.0], "bias": [0.0] * 2}},
            "bias must have 1 or 4 (output channels) values, got 2",
        ),
        (
            {"quantization": {"numberOfBits": 2, "rawValue": bytes(3), "table": [0.0] * 3}},
            "a lookup table for 2 bits must have 4 entries, got 3",
        ),
        (
            {"quantization": {"numberOfBits": 4, "int8RawValue": bytes(12), "scale": [1.0]}},
            "weights in int8RawValue must have 8 bits, got 4",
        ),
        (
            {"quantization": {"numberOfBits": 8, "int8RawValue": bytes(12), "table": [0.0] * 256}},
            "weights in int8RawValue must have linear quantization, got a lookup table",
        ),
        (
            {"quantization": {"numberOfBits": 8, "int8RawValue": bytes(3), "scale": [1.0]}},
            "expected 12 weights (4, 3), got 3",
        ),
    ],
)
def test_stored_weights_that_contradict_the_layer(change, words, layer, network):
    errors = _weights(layer, network, **change)
    assert any(words in error for error in errors), errors


def test_quantized_floats_are_not_codes(layer, network):
    one = layer("innerProduct", weights=np.ones((4, 3), np.float32))
    one.innerProduct.weights.quantization.numberOfBits = 8
    assert "quantized weights must be stored in rawValue or int8RawValue, got floatValue" in errors_of(network(one))[0]


def test_a_declared_size_of_two_to_the_sixty_allocates_nothing(layer, network):
    one = layer("loadConstantND", "", "y", data=np.ones((2,), np.float32))
    one.loadConstantND.shape[:] = [2**60, 2**60]
    assert f"expected {2**120} weights" in errors_of(network(one))[0]
    one.loadConstantND.shape[:] = [2**60] * 100_000
    assert "data: the declared shape has 100000 axes; expected at most 32" in errors_of(network(one))[0]


def test_weights_of_no_declared_shape_are_not_empty(layer, network):
    one = layer("activation", PReLU={"alpha": np.ones(3)})
    assert problems(network(one)) == []
    one.activation.PReLU.alpha.ClearField("floatValue")
    assert errors_of(network(one)) == ["layer 'activation' (activation), number 1: alpha is empty"]


def test_mixed_precision_is_a_warning(layer, network):
    one = layer("innerProduct", weights=np.ones((4, 3), np.float16), bias=np.ones(4, np.float32))
    assert (errors_of(network(one)), len(warnings_of(network(one)))) == ([], 1)
    assert "some weights in float16 and some in float32" in warnings_of(network(one))[0]


# Around the network ---------------------------------------------------------------------------------------------------


def test_networks_take_images_arrays_and_numbers(layer, network):
    model = network(layer("copy"))
    model.description.input[0].type.stringType.SetInParent()
    model.description.output[0].type.dictionaryType.int64KeyType.SetInParent()
    assert errors_of(model) == [
        "output 'y': must be an image, an array or a number, got dictionaryType",
        "input 'x': must be an image, an array or a number, got stringType",
    ]
    model.description.input[0].type.doubleType.SetInParent()
    model.description.output[0].type.int64Type.SetInParent()
    assert errors_of(model) == []


def test_some_input_is_required(layer, network):
    model = network(layer("copy"))
    model.description.input[0].type.isOptional = True
    assert errors_of(model) == ["network: has no input that is required"]


def test_unknown_mappings(layer, network):
    model = network(layer("copy"))
    model.neuralNetwork.imageInputShapeMapping = 4
    assert errors_of(model) == ["network: imageInputShapeMapping must be 0 or 1, got 4"]


@pytest.mark.parametrize(("shape", "severity"), [((3,), None), ((2, 3), "error"), ((1, 2, 3, 4, 5), "warning")])
def test_arrays_of_five_axis_networks_have_one_or_three(shape, severity, layer, network):
    model = network(layer("ceil", "x", "y"), inputs={"x": shape})
    model.neuralNetwork.layers[0].CopyFrom(layer("softmax"))
    model.neuralNetwork.arrayInputShapeMapping = 0
    found = [(problem.severity, problem.what) for problem in problems(model)]
    words = f"has {len(shape)} axes; without EXACT_ARRAY_MAPPING an array has 1 (C) or 3 (C, H, W)"
    assert found == ([] if severity is None else [(severity, words)])


def test_newer_layers_with_the_old_mapping_are_a_warning(layer, network):
    model = network(layer("copy"))
    model.neuralNetwork.arrayInputShapeMapping = 0
    assert warnings_of(model) == ["network: Core ML requires EXACT_ARRAY_MAPPING with newer layers or image mappings"]


@pytest.fixture
def image(layer, network) -> Model:
    model = network(layer("copy"))
    picture = model.description.input[0].type.imageType
    picture.width, picture.height, picture.colorSpace = 4, 2, picture.RGB
    return model


def test_preprocessing_names_an_image(image):
    entry = image.neuralNetwork.preprocessing.add()
    entry.scaler.channelScale = 1.0
    assert problems(image) == []  # an empty name is the only image
    entry.featureName = "z"
    assert errors_of(image) == ["preprocessing, number 1: names 'z', which is not an image input"]
    second = image.description.input.add(name="w")
    second.type.CopyFrom(image.description.input[0].type)
    entry.featureName = ""
    assert errors_of(image) == ["preprocessing, number 1: names none of the 2 image inputs"]


def test_a_mean_image_has_the_size_of_its_input(image):
    entry = image.neuralNetwork.preprocessing.add(featureName="x")
    entry.meanImage.meanImage.extend([0.0] * 24)
    assert problems(image) == []
    entry.meanImage.meanImage.append(0.0)
    assert errors_of(image) == [
        "preprocessing, number 1: the mean image has 25 values; 'x' needs 3 x 2 x 4 = 24",
    ]
    image.description.input[0].type.imageType.colorSpace = 10
    assert "needs 1 x 2 x 4 = 8" in errors_of(image)[0]


def test_empty_and_repeated_preprocessing_are_warnings(image):
    image.neuralNetwork.preprocessing.add(featureName="x")
    image.neuralNetwork.preprocessing.add(featureName="x").scaler.channelScale = 1
    assert warnings_of(image) == [
        "preprocessing, number 1: sets neither scaler nor meanImage",
        "preprocessing, number 2: is a second entry for 'x'",
    ]


@pytest.fixture
def classifier(layer, network) -> Model:
    model = network(layer("softmax", "x", "p"), inputs={"x": (2, 1, 1)}, outputs="", kind="neuralNetworkClassifier")
    model.description.output.add(name="label").type.stringType.SetInParent()
    model.description.output.add(name="probabilities").type.dictionaryType.stringKeyType.SetInParent()
    model.description.predictedFeatureName = "label"
    model.description.predictedProbabilitiesName = "probabilities"
    model.neuralNetworkClassifier.stringClassLabels.vector.extend(["cat", "dog"])
    model.neuralNetworkClassifier.labelProbabilityLayerName = "p"
    return model


def test_a_classifier_makes_its_own_outputs(classifier):
    assert problems(classifier) == []


def test_class_labels_are_given_and_differ(classifier):
    classifier.neuralNetworkClassifier.stringClassLabels.vector[1] = "cat"
    assert warnings_of(classifier) == ["network: the class label 'cat' occurs more than once"]
    classifier.neuralNetworkClassifier.ClearField("stringClassLabels")
    assert errors_of(classifier) == ["network: a classifier needs class labels"]


def test_probabilities_come_from_a_blob(classifier):
    classifier.neuralNetworkClassifier.labelProbabilityLayerName = "softmax"
    assert errors_of(classifier) == ["network: labelProbabilityLayerName is 'softmax', a blob that no layer writes"]
