"""graphml update with classes, layers and recipes of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import graphml
from graphml.build import NeuralNetworkBuilder, array

pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")

from graphml.cli.training import training_model
from graphml.cli.training_bar import _progress
from graphml.errors import UpdateError

EXAMPLES = Path(__file__).resolve().parents[1] / "examples/data"
DRAW = EXAMPLES / "QuickDrawUpdatable.mlmodel"
OPTIONS = {"labels": None, "layers": (), "recipe": None, "epochs": None}


@pytest.fixture
def classifier(tmp_path):
    """A classifier of two numbers that is not updatable."""
    builder = NeuralNetworkBuilder({"x": array(2)}, {}, class_labels=["old", "other"], probabilities="p")
    for name, (before, after), size in (("first", ("x", "h"), 4), ("second", ("h", "z"), 2)):
        width = 2 if name == "first" else 4
        weights = np.random.default_rng(0).standard_normal((size, width)).astype(np.float32)
        sizes = {"inputChannels": width, "outputChannels": size}
        builder.add("innerProduct", name, [before], [after], weights=weights, **sizes)
    builder.add("softmax", "s", ["z"], ["p"])
    builder.save(tmp_path / "c.mlmodel")
    return tmp_path / "c.mlmodel"


@pytest.fixture
def table(tmp_path):
    """Points of three classes."""
    rows = np.random.default_rng(1).standard_normal((30, 2))
    lines = [json.dumps({"x": list(row), "classLabel": "abc"[i % 3]}) for i, row in enumerate(rows + 1)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    return tmp_path / "t.jsonl"


def test_classes_of_the_data_replace_the_old_ones(run, classifier, table, tmp_path):
    new = tmp_path / "new.mlmodel"
    status, out, err = run("update", classifier, "-d", table, "--labels", "data", "--epochs", "2", "-o", new)
    assert (status, "with 30 samples; written to" in out) == (0, True), err
    found = graphml.load(new)
    assert set(found.predict({"x": [1.0, 2.0]})["p"]) == {"a", "b", "c"}
    before = graphml.load(classifier).parameters["first"]["weights"]
    assert np.array_equal(found.parameters["first"]["weights"], before)  # only the last layer learns


@pytest.mark.parametrize("labels", ["a, b ,c", "names.txt"])
def test_classes_are_names_or_the_lines_of_a_file(classifier, table, tmp_path, monkeypatch, labels):
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("a\nb\n\nc\n")
    found = training_model(classifier, table, **OPTIONS | {"labels": labels})
    assert list(graphml.recipes.class_labels(found.model.spec)) == ["a", "b", "c"]


def test_layers_and_recipes_are_those_that_are_named(classifier, table, tmp_path):
    (tmp_path / "r.json").write_text(
        '{"optimizer": {"SGD": {"momentum": 0.5}}, "epochs": 7, "validation_fraction": 0.5}'
    )
    options = {"layers": ["f*", "second"], "recipe": str(tmp_path / "r.json"), "epochs": 3}
    found = training_model(classifier, table, **OPTIONS | options)
    recipe = graphml.recipes.read_recipe(found.model.spec)
    assert recipe is not None
    assert [name for name, _ in recipe.layers or ()] == ["first", "second"]
    assert (recipe.optimizer.momentum, recipe.epochs, found.validation_fraction) == (0.5, 3, 0.5)


def test_without_a_recipe_that_of_the_file_is_kept(table):
    options = {"labels": "a,b", "epochs": 5}
    recipe = graphml.recipes.read_recipe(training_model(DRAW, table, **OPTIONS | options).model.spec)
    assert recipe is not None
    assert (recipe.epochs, recipe.batch_size, recipe.optimizer.learning_rate) == (5, 1, pytest.approx(0.001))


def test_the_file_keeps_its_recipe_if_nothing_is_named(table):
    found = training_model(DRAW, table, **OPTIONS)
    assert (found.own, found.recipe, found.model.spec) == (False, None, graphml.load(DRAW).spec)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 3}, "epochs=3 is refused; allowed: {1} by the recipe of the file; --recipe names another"),
        ({"layers": ["conv9"]}, "no layer with weights is called 'conv9'; there are conv2d_1"),
        ({"labels": "a"}, "at least two different classes"),
        ({"recipe": "Foo"}, "optimizer must be one of SGD"),
        ({"recipe": "none.json"}, "the recipe none.json cannot be read"),
    ],
)
def test_what_cannot_be_trained_is_reported_before_training(table, options, words):
    with pytest.raises(UpdateError) as caught:
        training_model(DRAW, table, **OPTIONS | options)
    assert words in str(caught.value)


def test_folders_that_are_not_classes_are_named(run, tmp_path):
    (tmp_path / "data" / "zebra").mkdir(parents=True)
    status, _, err = run("update", DRAW, "-d", tmp_path / "data", "-o", tmp_path / "x.mlmodel")
    assert status == 1
    assert "such as 'zebra' (its 15 classes are 'Apple'" in err
    assert "--labels data trains the folders as new classes" in err


def test_the_bar_counts_mini_batches(classifier, table):
    from graphml.update.data.files import read_samples

    options = {"labels": "a,b,c", "recipe": "SGD", "epochs": 2}
    found = training_model(classifier, table, **OPTIONS | options)
    task = graphml.UpdateTask(found.model, read_samples(table, found.model.spec), strict=False)
    assert _progress(task, 0.0) == (0, None, "")
    task.resume()
    task.wait()
    done, total, said = _progress(task, 0.0)
    assert (done, total) == (6, 6)  # 30 samples in mini-batches of 10, twice
    assert said.startswith("epoch 2/2  loss ")
