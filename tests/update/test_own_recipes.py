"""What only graphml's own recipes do: losses, optimizers, schedules, dropout, augmentation, validation, history."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from update.networks import classifier, classifier_data, network, regression, regression_data, trained

from graphml import recipes
from graphml.build import NeuralNetworkBuilder, array, image
from graphml.errors import MissingExtraError, UpdateError
from graphml.interpreter.lower import Lowered
from graphml.spec.attributes import Choice
from graphml.update import (
    MetricKey,
    ParameterKey,
    UpdateEvent,
    UpdateProgressHandlers,
    UpdateTask,
    recipe_of,
    take_apart,
)
from graphml.update.learners import runner
from graphml.update.learners.epochs import should_stop, split_samples
from graphml.update.progress.history import History, Record
from graphml.update.step import losses, training
from graphml.update.step.augmentation import flipped, moved
from graphml.update.step.optimizers import clipped, rate_factor, transformation
from graphml.update.step.programs import programs_for

REGRESSION = regression()  # tasks on one model share their compiled programs


def _setup(model, recipe: recipes.Recipe):
    spec = recipes.write_recipe(model.spec, replace(recipe, clip_norm=recipe.clip_norm or 1e9))
    model = network(spec)
    runtime = recipe_of(spec)
    return model, runtime, take_apart(model.lower(), runtime)


# Losses --------------------------------------------------------------------------------------------------------------

Z, T = np.float64([0.5, -2.0, 3.0, 0.0]), np.float64([1.0, 0.0, 1.0, 0.25])


def _log_softmax(z):
    return z - np.log(np.exp(z).sum())


SAMPLE = {
    "cross entropy, smoothed": (
        lambda: losses.cross_entropy_of_logits(Z, np.int32(2), 0.1),
        -(0.9 * _log_softmax(Z)[2] + 0.1 * _log_softmax(Z).mean()),
    ),
    "cross entropy of probabilities, smoothed": (
        lambda: losses.cross_entropy_of_probabilities(np.exp(_log_softmax(Z)), np.int32(2), 0.1),
        -(0.9 * _log_softmax(Z)[2] + 0.1 * _log_softmax(Z).mean()),
    ),
    "binary": (
        lambda: losses.binary_cross_entropy_of_logits(Z, T),
        -np.mean(T * np.log(1 / (1 + np.exp(-Z))) + (1 - T) * np.log(1 / (1 + np.exp(Z)))),
    ),
    "binary of probabilities, smoothed": (
        lambda: losses.binary_cross_entropy_of_probabilities(np.float64([0.25, 0.5]), np.float64([1.0, 0.0]), 0.2),
        -np.mean([0.9 * np.log(0.25) + 0.1 * np.log(0.75), np.log(0.5)]),
    ),
    "huber": (lambda: losses.huber(np.float64([0.5, -3.0]), np.zeros(2), 2.0), (0.125 + 2 * (3 - 1)) / 2),
    "cosine": (lambda: losses.cosine_distance(np.float64([3.0, 4.0]), np.float64([2.0, 0.0])), 1 - 0.6),
    "cosine with nothing": (lambda: losses.cosine_distance(np.zeros(2), np.ones(2)), 1.0),
    "hinge": (lambda: losses.hinge(np.float64([0.5, -2.0]), np.float64([1.0, 1.0]), 1.0), (0.5 + 3) / 2),
    "contrastive": (
        lambda: losses.contrastive(
            np.float64([[0, 0], [3, 4], [0, 1], [9, 9]]), np.int32([0, 0, 1, 1]), np.bool_([1, 1, 1, 0]), 2.0
        ),
        (25 + (2 - 1) ** 2 + 0) / 3,
    ),
}


@pytest.mark.parametrize("name", SAMPLE)
def test_losses_follow_their_formulas(name):
    make, wanted = SAMPLE[name]
    assert float(make()) == pytest.approx(wanted, rel=1e-5)


def test_equal_embeddings_of_different_classes_have_a_finite_gradient():
    rows = jnp.ones((2, 3))
    gradient = jax.jit(jax.grad(lambda e: losses.contrastive(e, jnp.arange(2), jnp.ones(2, bool), 1.0)))(rows)
    assert np.isfinite(gradient).all()


def test_binary_cross_entropy_reads_what_goes_into_the_sigmoid():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(2)})
    builder.add("innerProduct", "top", ["x"], ["h"], weights=np.full((2, 3), 100.0))
    builder.add("activation", "sigmoid", ["h"], ["y"], nonlinearity_type="sigmoid")
    model = network(builder.spec)
    _, _, parts = _setup(model, recipes.Recipe(losses=recipes.BinaryCrossEntropy()))
    assert (parts.blob, parts.readings[0].raw) == ("h", True)
    data = {"x": np.ones((4, 3)), "y_true": np.tile([0.0, 1.0], (4, 1))}
    recipe = recipes.Recipe(losses=recipes.BinaryCrossEntropy(), metrics=recipes.Accuracy(), batch_size=4)
    task = trained(model, data, recipe)
    assert task.history.batches[0].loss == pytest.approx(150, rel=1e-5)
    assert task.history.epochs[0].metrics == {"accuracy": 0.5}


def test_several_losses_are_summed_by_their_weights():
    data = {**regression_data(6), "h_true": np.zeros((6, 5))}
    both = [recipes.SquaredError(), recipes.Huber("h", weight=0.5, name="low")]
    shapes = {"h": (5,)}
    own = recipes.Recipe(recipes.SGD(0.0), losses=both, batch_size=6, layers=["below"])
    model = network(recipes.write_recipe(regression().spec, own, shapes))
    task = UpdateTask(model, data, strict=False)
    task.resume()
    task.wait(60)
    alone = [trained(model, data, replace(own, losses=loss)).history[0].loss for loss in both]
    assert task.history[0].loss == pytest.approx(alone[0] + alone[1], rel=1e-5)
    other = UpdateTask(model, data, strict=False)
    other.resume({"low/loss_weight": 0.0})
    other.wait(60)
    assert other.history[0].loss == pytest.approx(alone[0], rel=1e-5)


def test_a_contrastive_loss_pulls_the_classes_apart():
    recipe = recipes.Recipe(
        recipes.Adam(0.05), losses=recipes.Contrastive("f", "classLabel", margin=3.0), layers=["conv"], epochs=15
    )
    task = trained(classifier(), classifier_data(), recipe, mini_batch_size=12)
    assert task.history.epochs[-1].loss < 0.5 * task.history.epochs[0].loss


# Optimizers and schedules --------------------------------------------------------------------------------------------

OPTIMIZERS = {
    "sgd": (recipes.SGD(0.1, momentum=0.5, weight_decay=0.1), optax.chain(
        optax.add_decayed_weights(0.1), optax.sgd(0.1, 0.5))),
    "adamw": (recipes.AdamW(0.1, weight_decay=0.1), optax.adamw(0.1, weight_decay=0.1)),
    "rmsprop": (recipes.RMSprop(0.1), optax.rmsprop(0.1, decay=0.99, eps=1e-8, eps_in_sqrt=False)),
    "lion": (recipes.Lion(0.1, weight_decay=0.1), optax.lion(0.1, weight_decay=0.1)),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_equal_those_of_optax(name):
    own, judge = OPTIMIZERS[name]
    start = {"w": jnp.float32([1.0, -2.0]), "b": jnp.float32([0.5])}
    ours, theirs = start, start
    mine = transformation(own)
    state, other = mine.init(start), judge.init(start)
    for t in range(3):
        gradient = jax.tree.map(lambda w, t=t: jnp.cos(w * (t + 1)), start)
        change, state = mine.update(gradient, state, ours)
        ours = optax.apply_updates(ours, change)
        change, other = judge.update(gradient, other, theirs)
        theirs = optax.apply_updates(theirs, change)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), ours, theirs)


def test_long_gradients_are_shortened_and_short_ones_stay():
    gradient = {"a": jnp.float32([3.0]), "b": jnp.float32([0.0, 4.0])}
    np.testing.assert_allclose(clipped(gradient, 1.0)["b"], [0, 0.8])
    np.testing.assert_allclose(clipped(gradient, 10.0)["a"], [3])
    np.testing.assert_array_equal(clipped(jax.tree.map(jnp.zeros_like, gradient), 1.0)["b"], [0, 0])


def _factor(schedule: recipes.Schedule, place: float, **more: float) -> float:
    hyper = {"$epoch": np.floor(place), "$part": place % 1, "$epochs": 10.0, **more}
    traced = schedule.with_numbers({name: np.float32(value) for name, value in schedule.hyper.items()})
    return float(rate_factor(traced, {name: np.float32(value) for name, value in hyper.items()}))


def test_schedules_follow_their_formulas():
    assert _factor(recipes.Constant(), 7.5) == 1
    assert _factor(recipes.Constant(warmup=2), 0, **{"$stride": 0.5}) == pytest.approx(0.25)
    assert _factor(recipes.Constant(warmup=2), 1.5, **{"$stride": 0.5}) == 1
    assert _factor(recipes.CosineDecay(0.2), 5) == pytest.approx(0.6)
    assert _factor(recipes.CosineDecay(0.2), 0) == 1
    assert _factor(recipes.CosineDecay(0.0, warmup=2), 6) == pytest.approx(0.5, abs=1e-6)
    assert _factor(recipes.LinearDecay(0.2), 2.5) == pytest.approx(0.8)
    assert [_factor(recipes.StepDecay(3, 0.1), p) for p in (2.99, 3, 6.5)] == pytest.approx([1, 0.1, 0.01])


def test_a_schedule_runs_along_the_epochs():
    recipe = recipes.Recipe(recipes.SGD(1.0, schedule=recipes.LinearDecay()), losses=recipes.SquaredError(), epochs=4)
    model, runtime, parts = _setup(regression(), recipe)
    run = training.make_slice(parts, recipe=runtime)
    train, frozen = parts.split(model.parameters)
    data = training.Data({name: np.zeros((4, 5), np.float32) for name in parts.cut}, np.ones((4, 2), np.float32))
    order = np.arange(4, dtype=np.int32).reshape(2, 2)
    moved_by = []
    for epoch, start in ((0, 0), (0, 1), (2, 0)):
        state = training.initial_state(parts, runtime, model.parameters)
        hyper = training.hyper_values(runtime, epoch)
        after, _, _ = run(train, frozen, state, data, order, start, start + 1, hyper, None)
        moved_by.append(float(np.abs(np.asarray(after["top"]["bias"]) - train["top"]["bias"]).sum()))
    assert np.array(moved_by) / moved_by[0] == pytest.approx([1, 7 / 8, 1 / 2], rel=1e-4)


def test_every_number_of_a_recipe_changes_without_compiling(monkeypatch):
    traces, plain = [], Lowered.fn
    monkeypatch.setattr(Lowered, "fn", lambda *args, **keywords: traces.append(1) or plain(*args, **keywords))
    recipe = recipes.Recipe(
        recipes.AdamW(schedule=recipes.CosineDecay(warmup=1)),
        losses=recipes.CrossEntropy(label_smoothing=0.1),
        **{"epochs": 3, "batch_size": 6, "clip_norm": 1.0, "dropout": {"f": 0.1}, "shuffle": False},
    )
    counts = []

    def change(context):
        counts.append(len(traces))
        numbers = {key: 0.05 for key, value in context.parameters.items() if isinstance(value, float)}
        assert {str(key) for key in numbers} >= {"f/dropout_rate", "p_loss/label_smoothing", "warmup", "clip_norm"}
        context.task.resume(numbers)

    handlers = UpdateProgressHandlers(UpdateEvent.EPOCH_END, change)
    task = UpdateTask(classifier(), classifier_data(12), recipe=recipe, strict=False, progress_handlers=handlers)
    task.resume()
    task.wait(60)
    assert task.error is None
    assert counts == [counts[0]] * 3
    assert task.parameters[ParameterKey("weight_decay")] == 0.05
    with pytest.raises(UpdateError, match=r"f/dropout_rate=1 is refused; allowed: a number from 0 to 0.99"):
        UpdateTask(classifier(), [], recipe=recipe, strict=False).resume({"f/dropout_rate": 1})


# Dropout and augmentation --------------------------------------------------------------------------------------------


def test_dropout_zeroes_some_and_rescales_the_others_in_training_only():
    builder = NeuralNetworkBuilder({"x": array(2000)}, {"y": array(2000)})
    builder.add("scale", "scale", ["x"], ["h"], scale=np.ones(1), shape_scale=(1,))
    builder.add("activation", "same", ["h"], ["y"], nonlinearity_type=Choice("linear", {"alpha": 1.0}))
    model, _, parts = _setup(network(builder.spec), recipes.Recipe(dropout={"h": 0.25}))
    train, frozen = parts.split(model.parameters)
    params = {**frozen, "scale": {**frozen["scale"], **train["scale"]}}
    extra = {"h$rate": np.float32(0.25), "h$keep": np.float32(0.75)}
    blobs = {parts.cut[0]: np.ones((1, 1, 2000, 1, 1), np.float32)}
    out = np.asarray(parts.tail.fn(params, {**blobs, **extra}, key=jax.random.key(3), train=True)["y"]).ravel()
    assert set(np.unique(out)) <= {np.float32(0), np.float32(1) / np.float32(0.75)}
    assert np.mean(out == 0) == pytest.approx(0.25, abs=0.04)
    np.testing.assert_array_equal(np.ravel(parts.plain.fn(params, blobs)["y"]), np.ones(2000))


def test_every_epoch_mini_batch_and_row_draws_its_own_numbers():
    data = {"x": np.repeat(np.float32([[1, -2, 3]]), 8, 0), "y_true": np.ones((8, 2), np.float32)}  # of equal samples
    recipe = recipes.Recipe(recipes.SGD(0.0), dropout={"r": 0.5}, epochs=4, batch_size=2, shuffle=False, layers=["top"])
    task = trained(REGRESSION, data, recipe)
    losses = np.reshape([record.loss for record in task.history.batches], (4, 4))
    assert all(len(set(epoch)) > 1 for epoch in losses)
    assert len({tuple(epoch) for epoch in losses}) == 4
    alone = np.array([r.loss for r in trained(REGRESSION, data, recipe, mini_batch_size=1).history.batches])
    assert any(np.abs(alone - loss).min() > 1e-3 for loss in losses.ravel())  # two rows that dropped different numbers


def test_every_epoch_is_shuffled_again():
    recipe = recipes.Recipe(recipes.SGD(0.0), epochs=4, batch_size=2, shuffle=True)
    losses = np.reshape([r.loss for r in trained(REGRESSION, regression_data(10), recipe).history.batches], (4, 5))
    assert len({tuple(epoch) for epoch in losses}) == 4
    np.testing.assert_allclose(losses.mean(1), losses.mean(), rtol=1e-5)


def test_dropout_ends_the_trunk_and_a_blob_off_the_path_to_the_loss_is_refused():
    _, _, parts = _setup(regression(), recipes.Recipe(dropout={"h": 0.5}, layers=["top"]))
    assert [node.key for node in parts.trunk.graph.body.nodes] == ["below"]
    assert parts.cut == ("h",)
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3), "z": array(3)})
    builder.add("innerProduct", "top", ["x"], ["y"], weights=np.eye(3))
    builder.add("innerProduct", "aside", ["x"], ["z"], weights=np.eye(3))
    with pytest.raises(UpdateError, match="dropout on 'z': the loss does not depend on it"):
        _setup(network(builder.spec), recipes.Recipe(dropout={"z": 0.5}))


def test_images_are_flipped_shifted_and_rotated():
    warped = jax.jit(moved)
    picture = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    np.testing.assert_array_equal(flipped(picture, True, False), picture[..., ::-1])
    np.testing.assert_array_equal(flipped(picture, False, True), picture[:, ::-1])
    np.testing.assert_allclose(warped(picture, 0, 0, 0.0), picture)
    np.testing.assert_allclose(warped(picture, 0, 1, 0.0)[0, 0], [0, 0, 1, 2])
    np.testing.assert_allclose(warped(picture, 1, 0, 0.0)[0, :, 0], [0, 0, 4])
    np.testing.assert_allclose(warped(picture, 0, 0.5, 0.0)[0, 0], [0, 0.5, 1.5, 2.5])
    square = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    np.testing.assert_allclose(warped(square, 0, 0, np.pi / 2)[0], np.rot90(square[0], -1), atol=1e-5)


def test_augmented_samples_differ_from_epoch_to_epoch_and_by_seed_only():
    builder = NeuralNetworkBuilder({"x": image(4, 4, "GRAYSCALE")}, {"y": array(1)})
    builder.add("flatten", "flat", ["x"], ["f"])
    builder.add("innerProduct", "top", ["f"], ["y"], weights=np.linspace(0, 1e-2, 16)[None])
    model = network(builder.spec)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 4, 4)).astype(np.uint8)
    data = [{"x": pixels[i], "y_true": [1.0]} for i in range(4)]
    steps = [recipes.Flip(), recipes.Shift(), recipes.Rotate(), recipes.Brightness(0.2)]
    recipe = recipes.Recipe(recipes.SGD(0.0), augmentation=steps, epochs=2, batch_size=4)
    seen = [[r.loss for r in trained(model, data, recipe, seed=seed).history.epochs] for seed in (0, 0, 1)]
    assert seen[0] == seen[1]
    assert len({*seen[0], *seen[2]}) == 4
    names = ("flip_horizontal", "shift_fraction", "rotation_degrees", "brightness_fraction")
    still = trained(model, data, recipe, **dict.fromkeys(names, 0.0))
    errors = pixels.reshape(4, 16) @ np.linspace(0, 1e-2, 16) - 1
    assert still.history[0].loss == pytest.approx(np.mean(errors**2), rel=1e-4)
    with pytest.raises(UpdateError, match="the model has no image input"):
        UpdateTask(regression(), [], recipe=recipe, strict=False)


# Validation, metrics, history ----------------------------------------------------------------------------------------


def test_samples_kept_for_validation_are_never_trained_on():
    split = split_samples(10, 0.3)
    train, held = split.training, split.validation
    assert len(held) == 3
    assert sorted([*train, *held]) == list(range(10))
    data = regression_data(10)
    poisoned = {name: values.copy() for name, values in data.items()}
    poisoned["y_true"][held] += 100
    recipe = recipes.Recipe(recipes.SGD(0.05), validation_fraction=0.3, epochs=3, batch_size=4)
    clean, other = (trained(REGRESSION, d, recipe) for d in (data, poisoned))
    jax.tree.map(np.testing.assert_array_equal, clean.model.parameters["top"], other.model.parameters["top"])
    assert [r.loss for r in clean.history.epochs] == [r.loss for r in other.history.epochs]
    worse, good = (task.history.epochs[0].value("validation_loss") for task in (other, clean))
    assert worse > 100 * good
    assert clean.metrics[MetricKey.VALIDATION_LOSS] == clean.history.epochs[-1].validation_loss
    assert len(clean.history.batches) == 3 * 2
    with pytest.raises(UpdateError, match="none would be left"):
        split_samples(1, 0.5)


def test_a_short_last_piece_is_weighted_by_its_rows_in_the_evaluation(monkeypatch):
    def mean(train, frozen, blobs, target, mask, hyper):
        return {"loss": np.mean(target[mask])}

    targets = np.random.default_rng(0).normal(size=9)
    monkeypatch.setattr(runner, "EVALUATION_ROWS", 4)
    found = runner.evaluate(mean, None, None, training.Data({}, targets), np.arange(9), None)
    assert found["loss"] == pytest.approx(np.mean(targets), rel=1e-12)


def test_programs_are_shared_by_recipes_that_differ_in_numbers_only():
    recipe = recipes.Recipe(recipes.SGD(0.1), layers=["top"], clip_norm=1.0)
    model = classifier()
    kept = _programs(model, recipe)
    same = replace(recipe, optimizer=recipes.SGD(0.2), clip_norm=2.0, epochs=3, batch_size=7, seed=2, shuffle=False)
    assert _programs(model, same) is kept
    others = [
        # in pairs whose numbers have the same names
        *({"optimizer": optimizer} for optimizer in (recipes.Adam(weight_decay=0.1), recipes.AdamW())),
        *({"optimizer": recipes.SGD(schedule=way)} for way in (recipes.CosineDecay(), recipes.LinearDecay())),
        *({"losses": loss} for loss in (recipes.SquaredError("z"), recipes.CosineDistance("z"))),
        *({"layers": layers} for layers in (["conv"], {"top": ["bias"]})),
        *({"metrics": metric} for metric in (recipes.Accuracy(), recipes.TopK(2))),
        *({"dropout": {blob: 0.1}} for blob in ("f", "z")),
        *({"quantized": "straight-through"}, {"half": "float16"}, {"clip_norm": None}, {"statistics": "updated"}),
    ]
    found = [_programs(model, replace(recipe, **change)) for change in others]
    found.append(_programs(model, recipe, precision="bfloat16"))
    assert len({*map(id, found), id(kept)}) == len(others) + 2


def _programs(model, recipe: recipes.Recipe, **keyword: Any):
    spec = recipes.write_recipe(model.spec, recipe, {"z": (3,)})
    return programs_for(model, recipe_of(spec), None, **keyword)


def test_history_holds_every_mini_batch_and_epoch_with_its_metrics(tmp_path):
    recipe = recipes.Recipe(
        recipes.SGD(0.1), metrics=[recipes.Accuracy(), recipes.TopK(3)], epochs=2, batch_size=5, layers=["top"]
    )
    task = trained(classifier(), classifier_data(12), recipe)
    kinds = [(record.epoch, record.batch) for record in task.history]
    assert kinds == [(0, 0), (0, 1), (0, 2), (0, None), (1, 0), (1, 1), (1, 2), (1, None)]
    first = task.history.epochs[0]
    assert first.loss == pytest.approx(np.dot([r.loss for r in task.history[:3]], [5, 5, 2]) / 12, rel=1e-5)
    answers = task.model.predict_batch([{"x": row["x"]} for row in classifier_data(12)])
    right = np.mean([a["classLabel"] == row["classLabel"] for a, row in zip(answers, classifier_data(12), strict=True)])
    assert task.history.epochs[-1].metrics == {"accuracy": pytest.approx(right), "top_3_accuracy": 1.0}
    assert "2 epochs, 6 mini-batches" in repr(task.history)
    _draws(task.history, tmp_path / "losses.png")


def _draws(history: Any, path: Any) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        with pytest.raises(MissingExtraError, match=r"matplotlib.*graphml-jax\[plot\]"):
            history.plot(path)
    else:
        history.plot(path)
        assert path.read_bytes().startswith(b"\x89PNG")


def test_training_ends_early_and_gives_the_best_weights():
    def records(*values: float) -> list[Record]:
        return [Record(i, None, value) for i, value in enumerate(values)]

    stopping = recipes.EarlyStopping(2, min_delta=0.1)
    assert not should_stop(stopping, records(3, 2, 1.95, 1.8))
    assert should_stop(stopping, records(3, 2, 1.95, 1.95))
    assert not should_stop(None, records(1, 2, 3, 4, 5))
    # a rate that is too large makes every epoch worse
    recipe = recipes.Recipe(
        recipes.SGD(0.7), epochs=30, batch_size=10, early_stopping=stopping, validation_fraction=0.2
    )
    task = trained(REGRESSION, regression_data(10), recipe)
    epochs = task.history.epochs
    judged = [record.validation_loss for record in epochs]
    assert len(epochs) == int(np.argmin(judged)) + 3
    best = trained(
        regression(),
        regression_data(10),
        replace(recipe, early_stopping=None),
        epochs=1 + int(np.argmin(judged)),
    )
    jax.tree.map(np.testing.assert_array_equal, task.model.parameters["top"], best.model.parameters["top"])
    with pytest.raises(UpdateError, match="'accuracy' was not measured in this run; measured: loss"):
        Record(0, None, 1.0).value("accuracy")


@pytest.mark.parametrize(
    ("losses", "diverged"),
    [([], False), ([2.0, 5.8e13], True), ([2.0, 150.0], False), ([0.0, 9.0], False), ([0.0, 11.0], True)],
)
def test_training_has_diverged_if_the_loss_ends_far_above_its_beginning(losses, diverged):
    assert History(Record(epoch, None, loss) for epoch, loss in enumerate(losses)).diverged == diverged
