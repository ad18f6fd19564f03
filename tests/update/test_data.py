"""Providers, and samples checked one by one."""

from __future__ import annotations

import numpy as np
import pytest
from update.networks import classifier, classifier_data, network, regression, regression_data, with_recipe

from graphml.build import NeuralNetworkBuilder, array, image
from graphml.errors import FeatureError, UpdateError
from graphml.spec import FeatureType
from graphml.update import ArrayBatchProvider, UpdateTask, recipe_of
from graphml.update.data.samples import check_targets, read_samples


def _read(model, data):
    return read_samples(model, recipe_of(model.spec).loss, data)


def test_providers_from_rows_and_from_columns_are_the_same():
    columns = {"x": np.arange(6).reshape(3, 2), "label": ["a", "b", "c"]}
    rows = [{"x": columns["x"][i], "label": columns["label"][i]} for i in range(3)]
    for provider in (ArrayBatchProvider(columns), ArrayBatchProvider(rows)):
        assert provider.count == len(provider) == 3
        assert [sample["label"] for sample in provider] == ["a", "b", "c"]
        np.testing.assert_array_equal(provider[-1]["x"], [4, 5])
        with pytest.raises(IndexError, match="sample 3 of 3"):
            provider[3]
    with pytest.raises(FeatureError, match="'x': 3, 'label': 2"):
        ArrayBatchProvider({"x": [1, 2, 3], "label": ["a", "b"]})


@pytest.mark.parametrize("value", ["cat", 3.0, np.float32(3), np.zeros(())], ids=repr)
def test_a_column_that_is_a_single_value_is_refused(value):
    with pytest.raises(FeatureError, match=r"'label' is .*; for a single sample, pass a list of one dict"):
        ArrayBatchProvider({"x": np.zeros(3), "label": value})


def test_columns_rows_and_generators_give_the_same_samples():
    model, columns = regression(), regression_data(5)
    rows = list(ArrayBatchProvider(columns))
    for data in (columns, ArrayBatchProvider(columns), rows, (row for row in rows)):
        samples = _read(model, data)
        assert samples.count == 5
        np.testing.assert_array_equal(samples.inputs["x"], columns["x"])
        np.testing.assert_array_equal(samples.target, columns["y_true"])


@pytest.mark.parametrize("labels", [("cat", "dog", "owl"), (30, 10, 20)], ids=["str", "int"])
def test_labels_become_indices_of_the_class_table(labels):
    samples = _read(classifier(labels=labels), classifier_data(4, labels=labels))
    np.testing.assert_array_equal(samples.target, [0, 1, 2, 0])


def test_a_label_that_is_no_class_is_refused_with_the_sample_and_the_classes():
    data = classifier_data(4)
    data[2]["classLabel"] = "cow"
    with pytest.raises(FeatureError, match=r"sample 2 of[^$]*label 'cow'; the 3 classes are 'cat', 'dog', 'owl'"):
        _read(classifier(), data)


def test_every_refusal_names_the_sample():
    model, rows = regression(), list(ArrayBatchProvider(regression_data(5)))
    wrong = {
        r"sample 3[^$]*'x' takes a float32 array \[3\], got a float64 array": {"x": np.zeros(4)},
        r"sample 3[^$]*'y_true' takes a float32 array \[2\], got a": {"y_true": np.zeros(3)},
        r"sample 3[^$]*'y_true' is missing": {"y_true": None},
        r"sample 3[^$]*'x' is missing": {"x": None},
        r"sample 3[^$]*no training input 'z'; the training inputs are 'x', 'y_true'": {"z": 1},
    }
    for words, change in wrong.items():
        with pytest.raises(FeatureError, match=words):
            _read(model, [*rows[:3], rows[3] | change, rows[4]])
    with pytest.raises(FeatureError, match=r"sample 0[^$]*got an int"):
        _read(model, [1])
    with pytest.raises(UpdateError, match="no training data"):
        _read(model, [])


def test_samples_trained_on_together_have_one_shape():
    flexible = array(3)
    for size in (3, 4):
        flexible.multiArrayType.enumeratedShapes.shapes.add(shape=[size])
    builder = NeuralNetworkBuilder({"x": flexible}, {"y": array(2)}, exact=True)
    builder.add("reduceMean", "mean", ["x"], ["m"], axes=[0], keep_dims=True)
    builder.add("innerProduct", "top", ["m"], ["y"], updatable=True, weights=np.ones((2, 1)))
    model = network(with_recipe(builder, "y", "y_true", array(2)))
    rows = [{"x": np.zeros(n), "y_true": np.zeros(2)} for n in (3, 3, 4)]
    with pytest.raises(UpdateError, match=r"sample 2[^$]*'x' has shape \[4\], but shape \[3\] in sample 0"):
        _read(model, rows)


def _digits():
    builder = NeuralNetworkBuilder({"image": image(4, 3, "GRAYSCALE")}, {"y": array(2)})
    builder.add("flatten", "flat", ["image"], ["f"])
    builder.add("innerProduct", "top", ["f"], ["z"], updatable=True, weights=np.ones((2, 12)))
    builder.add("softmax", "softmax", ["z"], ["y"])
    return network(with_recipe(builder, "y", "index", array(1, dtype="int32"), cross_entropy=True))


def test_images_come_as_pixels_and_indices_as_integers():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    samples = _read(_digits(), [{"image": pixels, "index": [1]}, {"image": pixels * 2, "index": np.array([0])}])
    assert samples.inputs["image"].shape == (2, 1, 3, 4)
    np.testing.assert_array_equal(samples.inputs["image"][1, 0], pixels * 2)
    np.testing.assert_array_equal(samples.target, [1, 0])
    assert samples.target.dtype == np.int32
    with pytest.raises(FeatureError, match="sample 0"):
        _read(_digits(), [{"image": pixels, "index": [0.5]}])


def test_a_class_index_out_of_range_is_refused():
    loss = recipe_of(_digits().spec).loss
    pixels = np.zeros((3, 4), np.uint8)
    for index in (2, -1):
        samples = _read(_digits(), [{"image": pixels, "index": [0]}, {"image": pixels, "index": [index]}])
        with pytest.raises(FeatureError, match=rf"sample 1[^$]*class {index}, but the network has only classes 0 to 1"):
            check_targets(samples, loss, (1, 1, 2, 1, 1))
    with pytest.raises(
        UpdateError, match=r"one probability for each class, but 'y' is computed from \[1, 1, 2, 3, 1\]"
    ):
        check_targets(samples, loss, (1, 1, 2, 3, 1))


def _ten(dtype="float32", classes=10, size=10):
    """As some converters write it: the target has the shape of the probabilities."""
    draw = np.random.default_rng(3)
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(classes)})
    builder.add("innerProduct", "top", ["x"], ["z"], updatable=True, weights=draw.normal(size=(classes, 4)))
    builder.add("softmax", "softmax", ["z"], ["y"])
    return network(with_recipe(builder, "y", "y_true", array(size, dtype=dtype), cross_entropy=True))


def test_a_target_of_the_shape_of_the_probabilities_takes_an_index_or_probabilities():
    x, one_hot = np.ones(4, np.float32), np.eye(10, dtype=np.float32)[7]
    for value in (7, 7.0, np.int64(7), [7], np.array([[7]]), one_hot, one_hot.tolist(), one_hot.reshape(1, 10)):
        for dtype in ("int32", "float32"):
            np.testing.assert_array_equal(_read(_ten(dtype), [{"x": x, "y_true": value}]).target, [one_hot])
    spread = np.full(10, 0.1)
    np.testing.assert_allclose(_read(_ten(), [{"x": x, "y_true": spread}]).target, [spread], rtol=1e-6)
    samples = _read(_ten(), [{"x": x, "y_true": 7}, {"x": x, "y_true": spread}])
    check_targets(samples, recipe_of(_ten().spec).loss, (1, 1, 10, 1, 1))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (10, "class 10, but the network has only classes 0 to 9"),
        (-1, "class -1, but the network has only classes 0 to 9"),
        (0.5, r"an integer, or 10 probabilities; got 0.5"),
        (float("nan"), "an integer, or 10 probabilities; got nan"),
        ("seven", r"an integer, or 10 probabilities; got '?seven"),
        (np.array([0.25]), r"10 probabilities; got 0.25 \(float64\)"),
        (10**5000, "got an integer of 16610 bits"),
        (np.ones(10), "probabilities, none negative, that sum to 1; got values from 1 with the sum 10"),
        (np.eye(10)[1] * 2 - np.eye(10)[2], "none negative, that sum to 1; got values from -1 with the sum 1"),
        (np.full(10, np.nan), "none negative, that sum to 1"),
        (np.zeros(9), r"'y_true' takes a float32 array \[10\], got a float64 array \[9\]"),
        ([[1], [2, 3]], "cannot be read as an array"),
    ],
    ids=[
        "ten",
        "negative",
        "half",
        "nan",
        "text",
        "array",
        "huge",
        "ones",
        "negative probability",
        "nans",
        "nine",
        "ragged",
    ],
)
def test_other_targets_of_classes_are_refused_with_the_sample(value, words):
    x = np.ones(4)
    with pytest.raises(FeatureError, match=rf"sample 1 of the training data[^$]*{words}"):
        _read(_ten(), [{"x": x, "y_true": 1}, {"x": x, "y_true": value}])


def test_a_target_that_no_data_can_fit_is_refused_before_any_are_read():
    def unread():
        raise AssertionError("the data were read")
        yield

    for classes, size in ((5, 10), (10, 5)):
        with pytest.raises(
            UpdateError, match=f"has {size} elements; the loss 'loss' takes one index, or a probability"
        ):
            UpdateTask(_ten(classes=classes, size=size), unread())
    for classes, size, index in ((5, 10, 1), (4, 3, 3)):  # 3 is a class of the network, if not of the target
        free = UpdateTask(_ten(classes=classes, size=size), [{"x": np.ones(4), "y_true": index}], strict=False)
        free.resume()
        free.wait()
        words = f"no training data can fit the target 'y_true': it has {size} elements, but 'y' has {classes} classes"
        assert isinstance(free.error, UpdateError)
        assert str(free.error) == words


def test_values_that_are_not_class_indices_are_refused():
    for value in (0.75, np.float64(0.75), np.array([0.75])):
        with pytest.raises(FeatureError, match=r"'y_true' must be the index of a class, an integer; got 0\.75 \(fl"):
            _read(_ten("float32", size=1), [{"x": np.ones(4), "y_true": value}])


def test_index_and_one_hot_targets_train_identically():
    draw = np.random.default_rng(0)
    x, classes = draw.normal(size=(9, 4)).astype(np.float32), draw.integers(0, 10, 9)
    results = []
    for model, targets in (
        (_ten(), classes),
        (_ten(), np.eye(10)[classes]),
        (_ten(size=1), classes.reshape(9, 1)),
    ):
        task = UpdateTask(model, {"x": x, "y_true": targets}, strict=True)
        task.resume()
        task.wait()
        results.append(task.model.parameters["top"]["weights"])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_allclose(results[0], results[2], rtol=1e-5, atol=1e-6)
    assert np.abs(results[0] - _ten().parameters["top"]["weights"]).max() > 0.01


def test_a_target_of_another_size_than_the_output_is_refused():
    samples = _read(regression(), regression_data(2))
    with pytest.raises(FeatureError, match=r"'y_true' has shape \[2\], but 'y' has shape \[3\]"):
        check_targets(samples, recipe_of(regression().spec).loss, (3,))


def test_number_features_are_targets_too():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(1)})
    builder.add("innerProduct", "top", ["x"], ["y"], updatable=True, weights=np.ones((1, 3)))
    number = FeatureType()
    number.doubleType.SetInParent()
    model = network(with_recipe(builder, "y", "price", number))
    samples = _read(model, {"x": np.ones((2, 3)), "price": [1.5, 2.5]})
    np.testing.assert_array_equal(samples.target, np.array([1.5, 2.5], np.float32))


@pytest.mark.parametrize(
    ("model", "sample", "message"),
    [
        (classifier(), classifier_data(1)[0], "'classLabel' is an output of the model and not an input of predict"),
        (regression(), {"x": np.zeros(3), "y_true": 0}, "'y_true' is an input of training and not an input of predict"),
    ],
    ids=["label", "target"],
)
def test_predict_says_why_it_does_not_take_a_sample_with_its_target(model, sample, message):
    with pytest.raises(FeatureError, match=f"^{message}, which takes 'x'$"):
        model.predict(sample)
    with pytest.raises(FeatureError, match=r"no feature 'X' \(did you mean|no feature 'X'; it has 'x'"):
        model.predict({"X": 1})
