"""Recipes with optimizers of optax and Python functions as losses train like any other; no file can hold them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from update.networks import classifier, classifier_data, pipeline, regression, regression_data

from graphml import recipes
from graphml.errors import GraphmlError, UpdateError
from graphml.models import load
from graphml.recipes import Recipe
from graphml.update import UpdateTask, make_updatable, parameter_descriptions, recipe_of, update_many
from graphml.update.step.programs import programs_for

REGRESSION, CLASSIFIER = regression(), classifier()


def _squares(prediction: jax.Array, target: jax.Array) -> jax.Array:
    return jnp.square(prediction - target)


def _trained(model: Any, data: Any, recipe: Recipe, **parameters: Any) -> UpdateTask:
    task = UpdateTask(model, data, recipe=recipe, strict=False)
    task.resume(parameters)
    task.wait(60)
    assert task.error is None, task.error
    return task


def _same(one: UpdateTask, other: UpdateTask) -> None:
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
        dict(one.model.parameters),
        dict(other.model.parameters),
    )
    found, wanted = ([record.loss for record in task.history] for task in (one, other))
    assert found == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("judge", "own"),
    [
        (optax.adamw(0.01, weight_decay=0.1), recipes.AdamW(0.01, weight_decay=0.1)),
        (optax.sgd(0.05), recipes.SGD(0.05)),
    ],
    ids=["adamw", "sgd"],
)
def test_an_optimizer_of_optax_is_accepted_as_it_is(judge, own):
    data, settings = regression_data(), {"epochs": 3, "batch_size": 4}
    _same(_trained(REGRESSION, data, Recipe(judge, **settings)), _trained(REGRESSION, data, Recipe(own, **settings)))


def test_the_schedule_of_an_optax_optimizer_is_its_own():
    rates = optax.piecewise_constant_schedule(0.05, {1: 0.0})
    data = regression_data(8)
    once = _trained(REGRESSION, data, Recipe(optax.sgd(0.05), batch_size=8, shuffle=False))
    often = _trained(REGRESSION, data, Recipe(optax.sgd(rates), batch_size=8, shuffle=False, epochs=3))
    np.testing.assert_array_equal(often.model.parameters["top"]["bias"], once.model.parameters["top"]["bias"])


def test_a_function_is_a_loss():
    data = regression_data()
    _same(
        _trained(REGRESSION, data, Recipe(losses=_squares, epochs=2)),
        _trained(REGRESSION, data, Recipe(losses=recipes.SquaredError(), epochs=2)),
    )


def test_a_loss_of_optax_gets_logits_and_the_index_of_the_label():
    loss = recipes.FunctionLoss("z", function=optax.softmax_cross_entropy_with_integer_labels)
    _same(
        _trained(CLASSIFIER, classifier_data(), Recipe(losses=loss, epochs=2, batch_size=5)),
        _trained(CLASSIFIER, classifier_data(), Recipe(losses=recipes.CrossEntropy(), epochs=2, batch_size=5)),
    )


def test_functions_are_summed_with_other_losses_and_have_a_weight():
    data = regression_data()
    both = [recipes.FunctionLoss("y", function=_squares, weight=0.25, name="mine"), recipes.SquaredError("y", name="s")]
    task = _trained(REGRESSION, data, Recipe(losses=both, epochs=2))
    _same(task, _trained(REGRESSION, data, Recipe(losses=recipes.SquaredError("y", weight=1.25), epochs=2)))
    assert str(next(key for key in task.parameter_descriptions if key.scope == ("mine",))) == "mine/loss_weight"
    other = _trained(REGRESSION, data, Recipe(losses=both, epochs=2), **{"mine/loss_weight": 0.0})
    _same(other, _trained(REGRESSION, data, Recipe(losses=recipes.SquaredError("y"), epochs=2)))


def test_a_function_with_a_class_and_another_loss_gets_its_index():
    def entropy(logits, label):
        assert label.dtype == jnp.int32
        return optax.softmax_cross_entropy_with_integer_labels(logits, label)

    both = [recipes.FunctionLoss("z", function=entropy), recipes.CrossEntropy(name="other")]
    task = _trained(CLASSIFIER, classifier_data(), Recipe(losses=both))
    alone = _trained(CLASSIFIER, classifier_data(), Recipe(losses=recipes.CrossEntropy()))
    assert task.history[0].loss == pytest.approx(2 * alone.history[0].loss, rel=1e-5)


def test_the_trained_model_keeps_the_recipe_of_its_file():
    before = recipe_of(REGRESSION.spec)
    trained = _trained(REGRESSION, regression_data(), Recipe(optax.lion(0.01), losses=_squares)).model
    assert recipe_of(trained.spec) == before
    assert not trained.spec.HasField("trainingRecipe")


def test_no_file_can_hold_it(tmp_path):
    recipe = Recipe(optax.adamw(0.01), losses=[recipes.FunctionLoss("y", function=_squares, name="mine")])
    words = "cannot be saved in a file: the optimizer is a Python object, the loss 'mine' is a Python function"
    with pytest.raises(UpdateError, match=words):
        recipes.write_recipe(REGRESSION.spec, recipe)
    with pytest.raises(UpdateError, match=words):
        make_updatable(REGRESSION, recipe=recipe)
    with pytest.raises(UpdateError, match=words):
        UpdateTask(REGRESSION, [], recipe=recipe, strict=False, checkpoint_dir=tmp_path / "new")


def test_core_ml_would_not_train_by_it():
    with pytest.raises(UpdateError) as caught:
        UpdateTask(REGRESSION, [], recipe=Recipe(optax.adamw(0.01), losses=_squares))
    for words in ("the optimizer is a Python object", "the loss FunctionLoss is not cross entropy or squared error"):
        assert words in str(caught.value)
    assert "is missing" not in str(caught.value)


def test_numbers_of_optax_are_not_parameters():
    recipe = Recipe(optax.adamw(0.01), clip_norm=1.0, losses=_squares)
    found = [*map(str, parameter_descriptions(REGRESSION))]
    assert "learning_rate" in found
    task = UpdateTask(REGRESSION, [], recipe=recipe, strict=False)
    assert {str(key) for key in task.parameter_descriptions} == {
        *("clip_norm", "y_loss/loss_weight", "mini_batch_size", "epochs", "shuffle", "seed")
    }
    with pytest.raises(UpdateError, match="this model has no parameter learning_rate; it has clip_norm"):
        task.resume({"learning_rate": 0.1})


def test_many_users_learn_by_the_recipe_as_one_does():
    recipe = Recipe(optax.adam(0.01), losses=_squares, epochs=2, batch_size=4)
    users = [regression_data(6, seed) for seed in (1, 2)]
    result = update_many(REGRESSION, users, recipe=recipe, strict=False)
    for model, data in zip(result.models, users, strict=True):
        alone = _trained(REGRESSION, data, recipe).model
        for name in ("weights", "bias"):
            np.testing.assert_allclose(model.parameters["top"][name], alone.parameters["top"][name], rtol=1e-5)


def test_the_last_stage_of_a_pipeline_learns_by_the_recipe():
    message = pipeline(REGRESSION.spec, 2, 3)
    data = [{"given": np.float32([i, 1 - i]), "y_true": row} for i, row in enumerate(regression_data(4)["y_true"])]
    other = recipes.SquaredError("y")
    found, wanted = (
        _trained(load(message), data, Recipe(optax.sgd(0.05), losses=loss)).model for loss in (_squares, other)
    )
    for name in ("weights", "bias"):
        np.testing.assert_allclose(
            found.last.parameters["top"][name], wanted.last.parameters["top"][name], rtol=1e-5, atol=1e-6
        )


def test_the_programs_belong_to_the_function_and_the_transformation():
    model, chosen = regression(), optax.sgd(0.1)
    first, same, other, another = (
        programs_for(model, recipe_of(model.spec, None, recipe), None)
        for recipe in (
            Recipe(chosen, losses=_squares),
            Recipe(chosen, losses=_squares, epochs=7),
            Recipe(chosen, losses=lambda p, t: _squares(p, t)),
            Recipe(optax.sgd(0.1), losses=_squares),
        )
    )
    assert same is first
    assert len({id(one) for one in (first, other, another)}) == 3


def test_what_does_not_fit_is_refused_with_the_reason():
    with pytest.raises(UpdateError, match=r"optimizer: expected an optimizer .*optax.GradientTransformation, got 3"):
        Recipe(3)  # type: ignore[arg-type]
    with pytest.raises(UpdateError, match="metrics need a loss that can be right or wrong"):
        UpdateTask(REGRESSION, [], recipe=Recipe(losses=_squares, metrics=recipes.Accuracy()), strict=False)

    def broken(prediction, target):
        raise ValueError("this function is broken")

    task = UpdateTask(REGRESSION, regression_data(), recipe=Recipe(losses=broken), strict=False)
    task.resume()
    task.wait(60)
    assert isinstance(task.error, GraphmlError)
    assert "this function is broken" in str(task.error)


@pytest.mark.parametrize(
    "own",
    [
        lambda rates: recipes.SGD(rates),
        lambda rates: recipes.SGD(1.0, schedule=rates),
    ],
    ids=["in place of the rate", "as the schedule"],
)
def test_a_schedule_of_optax_counts_steps(own):
    rates = optax.piecewise_constant_schedule(0.05, {2: 0.5, 5: 0.0})
    data, settings = regression_data(), {"epochs": 3, "batch_size": 4}
    optimizer = own(rates)
    assert optimizer.learning_rate == 1
    judge = _trained(REGRESSION, data, Recipe(optax.sgd(rates), **settings))
    _same(judge, _trained(REGRESSION, data, Recipe(optimizer, **settings)))


def test_a_schedule_that_is_a_function_is_in_no_file():
    recipe = Recipe(recipes.Adam(optax.constant_schedule(0.1)))
    with pytest.raises(UpdateError, match="cannot be saved in a file: the schedule is a Python function"):
        recipe.refuse_unless_storable()
    with pytest.raises(UpdateError, match="Adam: learning_rate is a schedule, so `schedule` must be left out"):
        recipes.Adam(optax.constant_schedule(0.1), schedule=recipes.CosineDecay())
    with pytest.raises(UpdateError, match=r"a schedule is the learning rate of one, such as Adam\(schedule\)"):
        Recipe(optax.constant_schedule(0.1))


@pytest.mark.parametrize(
    "optimizer",
    [
        optax.chain(optax.sgd(0.05), optax.contrib.reduce_on_plateau(patience=1)),
        optax.polyak_sgd(max_learning_rate=0.1),
        optax.lbfgs(memory_size=2, linesearch=optax.scale_by_backtracking_linesearch(max_backtracking_steps=4)),
    ],
    ids=["plateau", "polyak", "lbfgs"],
)
def test_optimizers_that_look_at_the_loss_get_it(optimizer):
    task = _trained(REGRESSION, regression_data(), Recipe(optimizer, epochs=5, batch_size=100))
    losses = [record.loss for record in task.history if record.batch is None]
    assert losses[-1] < 0.9 * losses[0]
