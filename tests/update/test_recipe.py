"""What a file says about training, and what it fails to say."""

from __future__ import annotations

from dataclasses import fields, replace

import jax
import numpy as np
import pytest
from update.networks import classifier, network, regression

from graphml import recipes, spec
from graphml.errors import UpdateError
from graphml.models import load
from graphml.models.network import NeuralNetwork
from graphml.recipes import Recipe, class_labels, is_label
from graphml.update import ParameterKey, recipe_of, update, update_many
from graphml.update.step.programs import programs_for


def test_a_recipe_is_read_from_the_file():
    recipe = recipe_of(regression(shuffle=True).spec)
    assert recipe.optimizer == recipes.SGD(0.05, momentum=0.0, schedule=None)
    assert recipe.hyper == {"learning_rate": 0.05, "momentum": 0.0}
    assert (recipe.epochs, recipe.batch_size, recipe.shuffle, recipe.seed) == (3, 4, True, 0)
    assert (type(recipe.loss), recipe.loss.input, recipe.loss.target) == (recipes.SquaredError, "y", "y_true")
    assert not is_label(regression().spec, recipe.loss.target)


def test_values_of_the_caller_win_and_zero_is_a_value():
    given = {ParameterKey.EPOCHS: 9, "learning_rate": 0, "shuffle": True, "seed": -3, "mini_batch_size": 1}
    recipe = recipe_of(regression().spec, given)
    assert recipe.values == {
        ParameterKey.LEARNING_RATE: 0.0,
        ParameterKey.MOMENTUM: 0.0,
        ParameterKey.MINI_BATCH_SIZE: 1,
        ParameterKey.EPOCHS: 9,
        ParameterKey.SHUFFLE: True,
        ParameterKey.SEED: -3,
    }


def test_a_target_that_is_no_training_input_means_the_label():
    model = classifier()
    recipe = recipe_of(model.spec)
    assert recipe.loss.target == "classLabel"
    assert is_label(model.spec, "classLabel")
    assert class_labels(model.spec) == ("cat", "dog", "owl")
    assert class_labels(classifier(labels=(7, 8, 9)).spec) == (7, 8, 9)


def test_other_networks_need_their_target_among_the_training_inputs():
    model = regression().spec
    model.neuralNetwork.updateParams.lossLayers[0].meanSquaredErrorLossLayer.target = "nothing"
    with pytest.raises(
        UpdateError, match="target 'nothing' of loss 'loss' is not a training input; these are x, y_true"
    ):
        recipe_of(model)


def test_everything_that_is_missing_is_listed():
    model = regression().spec
    params = model.neuralNetwork.updateParams
    params.ClearField("lossLayers")
    params.ClearField("epochs")
    params.optimizer.sgdOptimizer.ClearField("learningRate")
    with pytest.raises(UpdateError) as caught:
        recipe_of(model)
    for words in ("no loss layer", "lacks learning_rate", "how many epochs"):
        assert words in str(caught.value)
    params.ClearField("optimizer")
    with pytest.raises(UpdateError, match="names no optimizer"):
        recipe_of(model)


def test_momentum_shuffle_and_seed_may_be_missing():
    model = regression().spec
    params = model.neuralNetwork.updateParams
    params.optimizer.sgdOptimizer.ClearField("momentum")
    params.ClearField("shuffle")
    recipe = recipe_of(model, {"momentum": 0.5})
    assert recipe.hyper["momentum"] == 0.5
    assert recipe.shuffle is False
    assert recipe.seed == 0


def _with(name: str, **values):
    """`regression` with other values for a parameter, and no bounds but these."""
    model = regression().spec
    params = model.neuralNetwork.updateParams
    parameter = getattr(params if name == "epochs" else params.optimizer.sgdOptimizer, name)
    default = parameter.defaultValue
    parameter.Clear()
    parameter.MergeFrom(type(parameter)(**{"defaultValue": default, **values}))
    return model


def _adam(**values):
    """`regression` with Adam and no bounds."""
    model = regression().spec
    optimizer = model.neuralNetwork.updateParams.optimizer
    optimizer.ClearField("sgdOptimizer")
    for name, value in ({"learningRate": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 1e-8} | values).items():
        getattr(optimizer.adamOptimizer, name).defaultValue = value
    optimizer.adamOptimizer.miniBatchSize.defaultValue = 4
    return model


@pytest.mark.parametrize(
    ("model", "words", "legal"),
    [
        (_with("epochs", defaultValue=0), "epochs=0 is refused; allowed: an integer from 1", {"epochs": 1}),
        (_with("epochs", defaultValue=2**62), "epochs=4611686018427387904 is refused; training", {"epochs": 1}),
        (_with("miniBatchSize", defaultValue=-1), "mini_batch_size=-1 is refused", {"mini_batch_size": 2}),
        (_with("miniBatchSize", set={"values": [1, 2]}), "mini_batch_size=4 is refused", {"mini_batch_size": 2}),
        (_with("learningRate", defaultValue=float("nan")), "learning_rate=nan is refused", {"learning_rate": 0.1}),
        (_with("learningRate", defaultValue=float("inf")), "learning_rate=inf is refused", {"learning_rate": 0.1}),
        (_with("learningRate", defaultValue=-1), r"learning_rate=-1.0 is refused; allowed: a", {"learning_rate": 0.1}),
        (_with("momentum", defaultValue=-0.5), r"momentum=-0.5 is refused; allowed: a number from 0", {"momentum": 0}),
        (_adam(beta1=1), r"beta1=1.0 is refused; allowed: a number from 0 to 0.999999$", {"beta1": 0.9}),
        (_adam(beta2=-0.1), r"beta2=-0.1 is refused; allowed: a number from 0 to 0.999999$", {"beta2": 0.9}),
        (_adam(eps=0), r"eps=0.0 is refused; allowed: a number from 1e-30$", {"eps": 1e-8}),
    ],
)
def test_a_default_that_is_not_allowed_is_refused_unless_another_value_is_given(model, words, legal):
    with pytest.raises(UpdateError, match=f"^the default {words}"):
        update(network(model), _unread(), strict=False)
    with pytest.raises(UpdateError, match=f"^the default {words}"):
        update_many(network(model), _unread(), strict=False)
    with pytest.raises(UpdateError, match="there are no training data"):
        update(network(model), [], strict=False, **legal)
    with pytest.raises(UpdateError, match="there are no users"):
        update_many(network(model), [], strict=False, **legal)


def test_what_the_optimizer_cannot_take_is_refused_even_if_the_file_allows_it():
    model = _with("learningRate", range={"minValue": -5, "maxValue": 5})
    for wrong in (-1, float("nan"), float("inf"), 6, "0.1"):
        with pytest.raises(UpdateError, match=r"^learning_rate=.* is refused; allowed: a number from 0.0 to 5.0$"):
            recipe_of(model, {"learning_rate": wrong})
    with pytest.raises(UpdateError, match=r"^seed=9223372036854775808 is refused; training takes no more than"):
        recipe_of(model, {"seed": 2**63})
    assert network(model).predict({"x": np.zeros(3, np.float32)})  # where the recipe does not matter


def _unread():
    pytest.fail("data are read before the recipe is refused")
    yield


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (_with("miniBatchSize", set={}), "mini_batch_size=4 is refused; allowed: no value, because the allowed set is"),
        (_with("momentum", range={"minValue": 1, "maxValue": -1}), "momentum=0.0 is refused; allowed: no value, bec"),
    ],
)
def test_nothing_is_allowed_where_a_file_allows_no_value(model, words):
    with pytest.raises(UpdateError, match=words):
        update(network(model), _unread(), strict=False)


def test_a_training_input_is_declared_once():
    model = regression().spec
    model.description.trainingInput.add(name="x").type.stringType.SetInParent()
    with pytest.raises(UpdateError, match="the training input 'x' is declared 2 times"):
        recipe_of(model)


def test_only_networks_have_recipes():
    model = spec.Model()
    model.glmRegressor.SetInParent()
    with pytest.raises(UpdateError, match="this model is a glmRegressor"):
        recipe_of(model)


# What decides which programs run -------------------------------------------------------------------------------------

PLAIN = recipe_of(classifier().spec)
COMPILED = {
    "losses": (recipes.SquaredError(PLAIN.loss.input, PLAIN.loss.target, weight=None, name="loss"),),
    "optimizer": recipes.Lion(schedule=None),
    "clip_norm": 1.0,
    "layers": (("fc", ()),),
    "dropout": (recipes.Dropout("h"),),
    "augmentation": (recipes.Flip(),),
    "quantized": "straight-through",
    "half": "float16",
    "statistics": "updated",
    "metrics": (recipes.TopK(2),),
}
NUMBERS = {
    "statistics_momentum": 0.5,
    "epochs": PLAIN.epochs + 1,
    "batch_size": PLAIN.batch_size + 1,
    "shuffle": not PLAIN.shuffle,
    "seed": PLAIN.seed + 1,
    "validation_fraction": 0.5,
    "early_stopping": recipes.EarlyStopping(patience=1),
}


def test_every_field_of_a_recipe_is_a_number_or_compiled_in():
    assert {field.name for field in fields(Recipe)} == COMPILED.keys() | NUMBERS.keys()


@pytest.mark.parametrize("field", COMPILED)
def test_recipes_of_another_form_have_other_programs(field):
    other = replace(PLAIN, **{field: COMPILED[field]})
    assert other.form != PLAIN.form
    assert hash(other.form) != hash(PLAIN.form)


# parts within a field that is compiled in
PARTS = {
    "schedule": replace(PLAIN.optimizer, schedule=recipes.CosineDecay()),
    "another schedule": replace(PLAIN.optimizer, schedule=recipes.LinearDecay()),
    "weight decay": replace(PLAIN.optimizer, weight_decay=0.0),
    "weight": replace(PLAIN.loss, weight=1.0),
    "label smoothing": replace(PLAIN.loss, label_smoothing=0.0),
    "input": replace(PLAIN.loss, input="z"),
    "target": replace(PLAIN.loss, target="other"),
    "name": replace(PLAIN.loss, name="other"),
    "width": replace(PLAIN.loss, width=3),
}


@pytest.mark.parametrize("part", PARTS)
def test_recipes_with_a_part_of_another_form_have_other_programs(part):
    field = "losses" if isinstance(PARTS[part], recipes.Loss) else "optimizer"
    forms = {replace(PLAIN, **{field: one}).form for one in PARTS.values() if isinstance(one, type(PARTS[part]))}
    assert replace(PLAIN, **{field: PARTS[part]}).form in forms - {PLAIN.form}
    assert len(forms) == sum(isinstance(one, type(PARTS[part])) for one in PARTS.values())


@pytest.mark.parametrize("field", NUMBERS)
def test_recipes_of_other_numbers_share_their_programs(field):
    assert replace(PLAIN, **{field: NUMBERS[field]}).form == PLAIN.form


def test_other_traced_numbers_do_not_change_the_form():
    other = PLAIN.with_numbers({name: value + 1 for name, value in PLAIN.hyper.items()})
    assert other.hyper == {name: value + 1 for name, value in PLAIN.hyper.items()}
    assert other.form == PLAIN.form
    recipe = Recipe(
        recipes.AdamW(schedule=recipes.StepDecay()),
        losses=[recipes.Huber("y", name="far"), recipes.CrossEntropy("p", label_smoothing=0.1, name="entropy")],
        dropout={"h": 0.5},
        augmentation=[recipes.Flip(), recipes.Shift(input="x")],
        clip_norm=1.0,
        statistics="updated",
    )
    other = recipe.with_numbers(dict.fromkeys(recipe.hyper, 0.25))
    assert set(other.hyper.values()) == {0.25}
    assert len(other.hyper) == 18
    assert other.form == recipe.form


def test_programs_are_those_of_recipe_precision_device_and_layers():
    model = classifier()
    plain = programs_for(model, PLAIN, None)
    assert programs_for(model, replace(PLAIN, seed=PLAIN.seed + 1), None) is plain
    found = [
        plain,
        programs_for(model, replace(PLAIN, metrics=(recipes.TopK(2),)), None),
        programs_for(model, PLAIN, None, "bfloat16"),
        programs_for(model, PLAIN, jax.devices("cpu")[0]),
    ]
    message = classifier().spec
    marked = next(layer for layer in message.neuralNetworkClassifier.layers if layer.isUpdatable)
    marked.isUpdatable = False
    other = load(message)
    assert isinstance(other, NeuralNetwork)
    other.programs = model.programs
    found.append(programs_for(other, replace(PLAIN, layers=None), None))
    assert len(set(map(id, found))) == len(found)
