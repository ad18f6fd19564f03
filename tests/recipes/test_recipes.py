"""Recipes: what they refuse, how they are stored, and what a reader sees who does not know them."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from model_problems import errors_of
from update.networks import classifier, regression

from graphml import recipes, spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import UpdateError
from graphml.recipes import core_ml_problems, read_recipe, write_recipe
from graphml.recipes.part import Part, number

Maybe = float | None

EVERYTHING = recipes.Recipe(
    recipes.AdamW(0.002, weight_decay=0.0, schedule=recipes.CosineDecay(0.1, warmup=0.5)),
    losses=[
        recipes.CrossEntropy(label_smoothing=0.0),
        recipes.Huber("r", delta=2.0, weight=0.25),
        recipes.Contrastive("f", "classLabel", margin=0.5, name="near"),
    ],
    epochs=7,
    batch_size=3,
    shuffle=False,
    seed=-4,
    layers={"conv": ["bias"], "top": []},
    clip_norm=0.0,
    dropout={"f": 0.25},
    augmentation=[
        *(recipes.Flip(0.5, 0.25), recipes.Shift(0.2), recipes.Rotate(30, input="x"), recipes.Brightness(0.0)),
    ],
    validation_fraction=0.25,
    early_stopping=recipes.EarlyStopping(2, min_delta=0.5, restore_best=False, monitor="accuracy"),
    metrics=[recipes.Accuracy(), recipes.TopK(2)],
    quantized="straight-through",
    half="float16",
    statistics="updated",
    statistics_momentum=0.0,
)
ONE_BY_ONE = [
    *(recipes.Recipe(o) for o in (recipes.RMSprop(momentum=0.5), recipes.Lion(weight_decay=0.1), recipes.Adam())),
    recipes.Recipe(recipes.SGD(0.0, schedule=recipes.StepDecay(3, 0.5)), metrics=recipes.Accuracy()),
    recipes.Recipe(recipes.SGD(schedule=recipes.LinearDecay(warmup=1)), dropout=recipes.Dropout("r", 0.0)),
    *(recipes.Recipe(losses=kind("y")) for kind in (recipes.Hinge, recipes.BinaryCrossEntropy, recipes.CosineDistance)),
]


def _shapes():
    return {"r": (4, 4, 4), "y": (2,)}


def _written(recipe: recipes.Recipe, model: Any = None) -> Any:
    return write_recipe(classifier().spec if model is None else model, recipe, _shapes())


def _own_way(recipe: recipes.Recipe, model: Any) -> Any:
    """Stored in our field, completed by the model."""
    return read_recipe(_written(replace(recipe, clip_norm=1.0), model))


def test_everything_that_a_recipe_says_comes_back():
    back: Any = read_recipe(spec.parse(spec.serialize(_written(EVERYTHING))))
    assert back.losses[0] == recipes.CrossEntropy("p", "classLabel", label_smoothing=0.0, name="p_loss")
    assert back.losses[1:] == (
        recipes.Huber("r", "r_true", delta=2.0, weight=0.25, name="r_loss"),
        recipes.Contrastive("f", "classLabel", margin=0.5, name="near"),
    )
    assert replace(back, losses=EVERYTHING.losses) == EVERYTHING


@pytest.mark.parametrize(
    "recipe", ONE_BY_ONE, ids=lambda r: f"{type(r.optimizer).__name__}-{r.optimizer.schedule.wire}"
)
def test_each_kind_of_part_comes_back(recipe):
    model = classifier().spec if recipe.dropout else regression().spec
    back = _own_way(recipe, model)
    assert (back.optimizer, back.dropout, back.metrics) == (recipe.optimizer, recipe.dropout, recipe.metrics)
    assert [type(loss) for loss in back.losses] == [type(loss) for loss in recipe.losses or back.losses]


def test_what_core_ml_can_follow_is_written_its_way_only():
    model = _written(recipes.Recipe(recipes.Adam(0.5), epochs=4, batch_size=6, seed=9, layers=["top"]))
    assert (model.isUpdatable, model.HasField("trainingRecipe")) == (True, False)
    assert errors_of(model, updating=True) == []
    update = model.neuralNetworkClassifier.updateParams
    assert update.optimizer.adamOptimizer.learningRate.defaultValue == 0.5
    assert update.optimizer.adamOptimizer.miniBatchSize.defaultValue == 6
    assert (update.epochs.defaultValue, update.seed.defaultValue) == (4, 9)
    assert [layer.name for layer in model.neuralNetworkClassifier.layers if layer.isUpdatable] == ["top"]


def test_any_other_recipe_leaves_no_mark_that_core_ml_would_read():
    model = _written(EVERYTHING)
    network = model.neuralNetworkClassifier
    assert not model.isUpdatable
    assert not network.HasField("updateParams")
    assert not any(layer.isUpdatable for layer in network.layers)
    assert not network.layers[0].convolution.weights.isUpdatable
    assert [f.name for f in model.description.trainingInput] == ["x", "classLabel", "r_true"]
    assert errors_of(model) == []


def test_strictness_lists_what_is_beyond_core_ml_layer_by_layer():
    found = core_ml_problems(_written(replace(EVERYTHING, layers=["conv", "pool"])))
    for words in ("AdamW", "CosineDecay, warm-up 0.5", "label smoothing", "gradient clipping", "early stopping"):
        assert any(words in problem for problem in found), words
    assert any("'pool'" in problem and "is updatable, but only" in problem for problem in found)
    assert core_ml_problems(_written(recipes.Recipe(layers=["top"]))) == []


def test_strictness_refuses_a_recipe_in_a_file_that_names_what_the_model_lacks():
    model = _written(EVERYTHING)
    model.trainingRecipe.layers[0].name = "cone"
    with pytest.raises(UpdateError, match="there is no layer 'cone'"):
        core_ml_problems(model)
    model = _written(recipes.Recipe(clip_norm=1.0, losses=recipes.SquaredError("y")), regression().spec)
    model.trainingRecipe.losses[0].ClearField("target")
    assert core_ml_problems(model) == core_ml_problems(_written(read_recipe(model), regression().spec))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: recipes.SGD(-0.1), "SGD: learning_rate must be a number of at least 0, got -0.1"),
        (lambda: recipes.Dropout("h", 1.0), "Dropout: rate must be a number from 0 to 0.99, got 1.0"),
        (lambda: recipes.Adam(float("nan")), "Adam: learning_rate must be a number .*, got nan"),
        (lambda: recipes.SGD(None), "SGD: learning_rate must be a number of at least 0, got None"),
        (lambda: recipes.AdamW(beta2=1), "AdamW: beta2 must be a number from 0 to 0.999999, got 1"),
        (lambda: recipes.RMSprop(eps=0), "RMSprop: eps must be a number of at least 1e-30, got 0"),
        (lambda: recipes.Recipe(epochs=2**31), "epochs must be at most 2147483647, got 2147483648"),
        (lambda: recipes.Recipe(seed=2**63), "seed must be at most 9223372036854775807, got 9223372036854775808"),
        (lambda: recipes.Recipe(shuffle="no"), "shuffle must be True or False, got 'no'"),
        (lambda: recipes.EarlyStopping(restore_best=1), "restore_best must be True or False, got 1"),
        (lambda: recipes.Recipe(epochs=0), "epochs must be an integer of at least 1, got 0"),
        (
            lambda: recipes.Recipe(metrics=[recipes.Flip()]),
            r"metrics: expected a Metric of graphml.recipes, got Flip\(",
        ),
        (lambda: recipes.Recipe(losses=recipes.Loss("y")), r"losses: expected a Loss of graphml.recipes, got Loss\("),
        (lambda: recipes.Recipe(half="bfloat16"), "half must be 'float32' or 'float16', got 'bfloat16'"),
        (lambda: recipes.Recipe(layers=[]), r"layers must name at least one layer, got \[\]"),
        (lambda: _written(recipes.Recipe(losses=recipes.Huber("nothing"))), "'nothing', but nothing in the model"),
        (lambda: _written(recipes.Recipe(dropout={"q": 0.1})), "dropout on 'q': nothing outside"),
        (lambda: _written(recipes.Recipe(losses=recipes.Hinge("s"))), "shape of 's' is not declared.*'s_true'"),
    ],
)
def test_nonsense_is_refused(make, words):
    with pytest.raises(UpdateError, match=words):
        make()


def test_two_losses_on_one_blob_get_names_of_their_own():
    twice = read_recipe(_written(recipes.Recipe(losses=[recipes.Huber("r")] * 2)))
    assert [loss.name for loss in twice.losses] == ["r_loss", "r_loss_"]


def test_none_is_allowed_where_the_number_says_so_however_its_type_is_written():
    @dataclass(frozen=True)
    class Own(Part):
        size: Maybe = number(1.0, optional=True)
        rate: Maybe = number(None)

    assert Own(None) == Own(None, None)


def test_a_recipe_of_a_newer_version_is_not_trained_as_something_else():
    model = _written(EVERYTHING)
    model.trainingRecipe.losses[1].ClearField("kind")
    with pytest.raises(UpdateError, match="a TrainingLoss of a kind that this version does not know"):
        read_recipe(model)
    model = _written(EVERYTHING)
    model.trainingRecipe.half = 7
    with pytest.raises(UpdateError, match="half number 7, which this version does not know"):
        read_recipe(model)


def test_the_builder_takes_recipes():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(2)})
    builder.add("innerProduct", "top", ["x"], ["h"], weights=np.ones((2, 3)))
    builder.add("activation", "sigmoid", ["h"], ["y"], nonlinearity_type="sigmoid")
    builder.set_recipe(recipes.Recipe(losses=[recipes.BinaryCrossEntropy(), recipes.SquaredError("h")]))
    builder.add("innerProduct", "later", ["h"], ["z"], weights=np.ones((2, 2)))  # it continues where it was
    model = builder.spec
    assert len(model.neuralNetwork.layers) == 3
    assert [f.name for f in model.description.trainingInput] == ["x", "y_true", "h_true"]
    assert list(model.description.trainingInput[2].type.multiArrayType.shape) == [2]
    builder.set_recipe(recipes.Recipe(layers=["top"]))
    assert builder.spec.isUpdatable
    assert not builder.spec.HasField("trainingRecipe")


# A reader without the extension -----------------------------------------------------------------------------------

TABLES = Path(__file__).resolve().parents[1] / "data" / "wire"


def _rows(name: str) -> list[dict[str, str]]:
    with open(TABLES / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _stranger() -> Any:
    """The class of Model messages as the tables of Core ML's wire describe them, in a separate pool."""
    package = "CoreML.Specification"
    file = FileDescriptorProto(name="stranger.proto", package=package, syntax="proto3")
    places: dict[str, Any] = {}

    def message(full: str):
        if full not in places:
            outer, _, name = full.rpartition(".")
            holder = file.message_type if outer == package or outer not in names else message(outer).nested_type
            # nested packages get another name here, which is not on the wire
            places[full] = holder.add(name=name if outer in (package, *names) else full.replace(".", "_"))
        return places[full]

    fields = _rows("fields.tsv")
    names = {row["message"] for row in fields}
    enums = {row["enum"] for row in _rows("enums.tsv")}
    for name in sorted(names):
        message(name)
    oneofs: dict[str, list[str]] = defaultdict(list)
    for row in fields:
        if row["field"] == "-":
            continue
        holder, kind = message(row["message"]), row["type"]
        field = holder.field.add(name=row["field"], number=int(row["number"]))
        repeated = row["repeated"] == "yes" or kind.startswith("map<")
        field.label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
        if kind in enums:
            field.type = FieldDescriptorProto.TYPE_INT32  # the same bytes
        elif kind.startswith("map<"):
            field.type = FieldDescriptorProto.TYPE_BYTES  # likewise: an entry is a message
        elif kind in names:
            field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_path(kind, names, package)}"
        else:
            field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
        if row["oneof"] != "-":
            known = oneofs[row["message"]]
            if row["oneof"] not in known:
                known.append(row["oneof"])
                holder.oneof_decl.add(name=row["oneof"])
            field.oneof_index = known.index(row["oneof"])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.Model"))


def _path(full: str, names: set[str], package: str) -> str:
    outer, _, name = full.rpartition(".")
    if outer in names:
        return f"{_path(outer, names, package)}.{name}"
    return full if outer == package else f"{package}.{full.replace('.', '_')}"


def test_a_reader_that_does_not_know_the_recipe_sees_the_same_model():
    stranger = _stranger()
    with_recipe = _written(EVERYTHING)
    without = spec.Model()
    without.CopyFrom(with_recipe)
    without.ClearField("trainingRecipe")
    seen, plain = (stranger.FromString(spec.serialize(m)) for m in (with_recipe, without))
    assert seen.ListFields() == plain.ListFields()
    assert len(seen.neuralNetworkClassifier.layers) == len(with_recipe.neuralNetworkClassifier.layers)
    assert seen.neuralNetworkClassifier.layers[0].convolution.outputChannels == 4
    # and writes it back unharmed
    assert spec.parse(seen.SerializeToString()) == with_recipe
