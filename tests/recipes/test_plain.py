"""Recipes of plain data, as JSON files hold them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from graphml.errors import UpdateError
from graphml.recipes import (
    SGD,
    Accuracy,
    Adam,
    CosineDecay,
    CrossEntropy,
    EarlyStopping,
    Flip,
    Huber,
    Recipe,
    Shift,
    recipe_of_plain,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("plain", "recipe"),
    [
        ({}, Recipe()),
        ({"optimizer": "adam"}, Recipe(Adam())),
        ({"optimizer": {"Adam": {"learning_rate": 0.5}}, "epochs": 3}, Recipe(Adam(0.5), epochs=3)),
        ({"losses": "Huber"}, Recipe(losses=Huber())),
        (
            {"losses": [{"CrossEntropy": {"label_smoothing": 0.1}}, "Huber"]},
            Recipe(losses=(CrossEntropy(label_smoothing=0.1), Huber())),
        ),
        (
            {"early_stopping": {"EarlyStopping": {"patience": 2}}, "layers": ["a"], "dropout": {"h": 0.25}},
            Recipe(early_stopping=EarlyStopping(2), layers=["a"], dropout={"h": 0.25}),
        ),
        ({"early_stopping": None}, Recipe()),
    ],
)
def test_plain_data_are_a_recipe(plain, recipe):
    assert recipe_of_plain(plain) == recipe


def test_the_recipe_of_the_documentation():
    (text,) = re.findall(r"```json\n(.*?)```", (DOCS / "cli.md").read_text(), re.S)
    assert recipe_of_plain(json.loads(text)) == Recipe(
        SGD(0.0002, momentum=0.5, schedule=CosineDecay(warmup=1)),
        epochs=20,
        batch_size=8,
        augmentation=[Flip(horizontal=0.5), Shift()],
        validation_fraction=0.2,
        metrics=[Accuracy()],
        early_stopping=EarlyStopping(3),
    )


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ([1], "a recipe is an object"),
        ({"optimizr": 1}, "no field 'optimizr' (did you mean 'optimizer'?)"),
        ({"optimizer": "Foo"}, "optimizer must be one of SGD, Adam, AdamW, RMSprop, Lion"),
        ({"optimizer": {"SGD": {}, "Adam": {}}}, "optimizer must be one of"),
        ({"optimizer": {"SGD": 3}}, "optimizer must be one of"),
        ({"optimizer": [1]}, "got [1]"),
        ({"optimizer": {"SGD": {"rate": 1}}}, "SGD has no field 'rate'"),
        ({"optimizer": {"SGD": {"learning_rate": "x"}}}, "learning_rate must be a number"),
        ({"epochs": 0}, "epochs must be an integer"),
        ({"losses": [[]]}, "losses must be one of"),
        ({"early_stopping": {"patience": 0}}, "patience"),
        ({"validation_fraction": {}}, "validation_fraction must be a number"),
        ({"layers": 3}, ""),
        ({"dropout": [3]}, ""),
    ],
)
def test_other_data_are_refused(plain, words):
    with pytest.raises(UpdateError) as caught:
        recipe_of_plain(plain)
    assert words in str(caught.value)
