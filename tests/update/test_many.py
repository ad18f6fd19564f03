"""Many users at once: the results equal those of one task per user."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from update.networks import classifier, classifier_data, network, regression, regression_data, with_recipe
from update.users_apart import AVERAGING, COUNTS

import graphml
from graphml import recipes
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import FeatureError, UpdateError
from graphml.update import TaskState, UpdateTask, federated_average, update_many
from graphml.update.learners import runner
from graphml.update.step.trunk_runner import TrunkRunner
from graphml.update.users import cohort_runner

MODEL = regression(shuffle=True)  # one for all tests, so that its programs compile once


def _weights(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model.parameters)]


def _assert_close(a, b) -> None:
    for x, y in zip(_weights(a), _weights(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-6)


def _alone(model, data, **keyword) -> UpdateTask:
    parameters = {name: keyword.pop(name) for name in ("epochs", "learning_rate") if name in keyword}
    task = UpdateTask(model, data, **keyword)
    task.resume(parameters)
    assert (task.wait(120), task.error) == (TaskState.COMPLETED, None)
    return task


def _same_as_alone(result, model, users, **keyword) -> None:
    assert len(result.models) == len(users)
    for number, data in enumerate(users):
        task = _alone(model, data, **keyword)
        _assert_close(result.models[number], task.model)
        mine, theirs = result.history(number), task.history
        assert [(r.epoch, r.batch) for r in mine] == [(r.epoch, r.batch) for r in theirs]
        np.testing.assert_allclose([r.loss for r in mine], [r.loss for r in theirs], rtol=2e-5)
        for one, other in zip(mine.epochs, theirs.epochs, strict=True):
            assert one.metrics == pytest.approx(other.metrics)
            judged = [[0 if r.validation_loss is None else r.validation_loss] for r in (one, other)]
            np.testing.assert_allclose(*judged, rtol=2e-5)
        epochs = [record.loss for record in mine.epochs]
        np.testing.assert_array_equal(result.losses[number, : len(epochs)], epochs)
        assert np.isnan(result.losses[number, len(epochs) :]).all()


def _regression_users(*counts: int) -> list:
    return [regression_data(count, seed=count) for count in counts]


def test_users_with_different_numbers_of_samples_learn_what_each_learns_alone():
    model, users = MODEL, _regression_users(10, 3, 1)
    result = update_many(model, iter(users), users_at_once=2, epochs=2, learning_rate=0.02)
    assert result.errors == {}
    assert result.losses.shape == (3, 2)
    _same_as_alone(result, model, users, epochs=2, learning_rate=0.02)
    _assert_close(result.models[-1], result.models[2])
    with pytest.raises(IndexError, match="user 3 of 3"):
        result.models[3]


def test_users_in_sequential_groups_learn_the_same(monkeypatch):
    model, users = MODEL, _regression_users(9, 2, 5)
    at_once = update_many(model, users)
    for together in (1, 2):
        monkeypatch.setattr(cohort_runner, "_users_together", lambda size, platform, together=together: together)
        in_turn = update_many(model, users)
        np.testing.assert_allclose(in_turn.losses, at_once.losses, rtol=1e-5)
        for a, b in zip(in_turn.models, at_once.models, strict=True):
            _assert_close(a, b)


@pytest.mark.parametrize(("batch_size", "epochs"), [(4, [5, 2]), (2**40, [5, 5])])
def test_validation_metrics_dropout_schedules_and_early_stopping_are_per_user(batch_size, epochs):
    draw = np.random.default_rng(0)
    builder = NeuralNetworkBuilder({"x": array(3)}, {}, class_labels=["cat", "dog", "owl"], probabilities="p")
    builder.add("sin", "sin", ["x"], ["s"])
    builder.add("innerProduct", "top", ["s"], ["z"], weights=draw.normal(size=(3, 3)), bias=draw.normal(size=3))
    builder.add("softmax", "softmax", ["z"], ["p"])
    recipe = recipes.Recipe(
        recipes.Adam(0.3, schedule=recipes.CosineDecay(warmup=0.5)),
        losses=recipes.CrossEntropy("p"),
        epochs=5,
        batch_size=batch_size,
        seed=3,
        dropout={"s": 0.3},
        metrics=recipes.Accuracy(),
        validation_fraction=0.3,
        early_stopping=recipes.EarlyStopping(patience=1),
    )
    users = []
    for seed, count in ((3, 7), (0, 7 if batch_size == 4 else 9)):
        x = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
        users.append({"x": x, "classLabel": [("cat", "dog", "owl")[i] for i in x.argmax(1)]})
    model = network(builder.spec)
    result = update_many(model, users, recipe=recipe, strict=False)
    assert [len(result.history(user).epochs) for user in (0, 1)] == epochs
    _same_as_alone(result, model, users, recipe=recipe, strict=False)


def test_a_short_last_piece_is_weighted_by_its_rows_in_the_evaluation(monkeypatch):
    recipe = recipes.Recipe(recipes.SGD(0.01), losses=recipes.SquaredError("y"), validation_fraction=0.7)
    found = []
    for rows in (cohort_runner.EVALUATION_ROWS, 2):
        monkeypatch.setattr(cohort_runner, "EVALUATION_ROWS", rows)
        result = update_many(MODEL, _regression_users(10, 4), recipe=recipe, strict=False)
        found.append([result.history(user).epochs[-1].validation_loss for user in (0, 1)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_the_trunk_sees_each_sample_once_and_users_together(monkeypatch):
    pieces, plain = [], TrunkRunner.__call__
    monkeypatch.setattr(TrunkRunner, "__call__", lambda trunk, one: pieces.append(one.count) or plain(trunk, one))
    update_many(MODEL, _regression_users(*[10] * 9), epochs=2)
    assert pieces == [32, 32, 26]


def test_samples_that_fill_the_memory_complete_a_cohort(monkeypatch):
    sizes, plain = [], cohort_runner.CohortRunner.train
    monkeypatch.setattr(
        cohort_runner.CohortRunner,
        "train",
        lambda self, cohort, failed: sizes.append(len(cohort.users)) or plain(self, cohort, failed),
    )
    result = update_many(MODEL, _regression_users(10, 10, 10), users_at_once=3, memory_bytes=400)
    assert sizes == [2, 1]
    assert len(result.models) == 3


def test_bad_data_name_the_user_and_the_sample():
    users = _regression_users(4, 4, 4)
    users[1]["x"] = [*users[1]["x"][:2], np.zeros(5), np.zeros(3)]
    with pytest.raises(FeatureError, match=r"user 1\n  sample 2 of the training data\n.*'x'"):
        update_many(MODEL, users)
    result = update_many(MODEL, [*users, []], on_error="keep")
    assert list(result.errors) == [1, 3]
    assert "no training data" in str(result.errors[3])
    _assert_close(result.models[2], _alone(MODEL, users[2]).model)
    for question in (lambda: result.models[1], lambda: result.delta(1), lambda: result.history(1)):
        with pytest.raises(FeatureError, match="user 1\n  sample 2"):
            question()
    far = [classifier_data(3), [{"x": np.zeros((2, 6, 6)), "classLabel": "emu"}]]
    with pytest.raises(FeatureError, match=r"user 1\n  sample 0 of the training data\n.*'emu'"):
        update_many(classifier(), far)


def test_a_user_whose_loss_is_not_finite_stops_alone():
    users = _regression_users(6, 6)
    users[0]["y_true"] = users[0]["y_true"] * 1e25
    with pytest.raises(UpdateError, match="user 0\n  the loss is inf in mini-batch 0 of epoch 0"):
        update_many(MODEL, users)
    result = update_many(MODEL, users, on_error="keep")
    assert list(result.errors) == [0]
    assert len(result.history(0).batches) == 2
    assert len(result.history(0).epochs) == 0
    _assert_close(result.models[1], _alone(MODEL, users[1]).model)


def test_what_is_refused():
    with pytest.raises(UpdateError, match="a list of training data, one for each user"):
        update_many(MODEL, regression_data(3))
    with pytest.raises(UpdateError, match="user 0\n  training data must be samples or a dict of arrays, got an int"):
        update_many(MODEL, [5])
    with pytest.raises(UpdateError, match="there are no users"):
        update_many(MODEL, [])
    with pytest.raises(UpdateError, match="on_error='ignore' is refused"):
        update_many(MODEL, [], on_error="ignore")
    with pytest.raises(UpdateError, match="users_at_once must be an integer of at least 1, got 0"):
        update_many(MODEL, [], users_at_once=0)
    with pytest.raises(UpdateError, match="epochs=0 is refused"):
        update_many(MODEL, [], epochs=0)


def test_weights_can_be_set_and_the_original_model_does_not_change():
    model = MODEL
    before = _weights(model)
    start = {"top/weights": np.zeros((2, 5)), "learning_rate": 0.0}
    result = update_many(model, _regression_users(2), graphml.ModelConfiguration(parameters=start))
    np.testing.assert_array_equal(result.models[0].parameters["top"]["weights"], 0)
    assert all(np.array_equal(a, b) for a, b in zip(before, _weights(model), strict=True))


def _python(*arguments: str, devices: int = 1) -> subprocess.Popen:
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    tests = Path(__file__).parents[1]
    paths = os.pathsep.join([str(tests), str(tests.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": paths}
    script = str(tests / "update" / "users_apart.py")
    return subprocess.Popen([sys.executable, script, *arguments], env=environment, stdout=-1, stderr=-1, text=True)


def test_users_on_four_devices_learn_the_same():
    out, err = (process := _python("devices", devices=4)).communicate(timeout=120)
    assert process.returncode == 0, err
    assert "4 devices: the same" in out


def test_two_processes_train_their_own_users_and_average_over_all():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [_python("process", address, str(number)) for number in (0, 1)]
    answers = []
    try:
        for process in processes:
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
            answers.append(out.split()[-1])
    finally:
        for process in processes:  # when one fails, the other would wait for it
            process.kill()
    assert answers[0] == answers[1]
    users = [regression_data(count, seed=count) for count in COUNTS]
    here = federated_average(MODEL, update_many(MODEL, users).models, COUNTS, **AVERAGING)
    there = np.frombuffer(bytes.fromhex(answers[0])).reshape(2, 5)
    np.testing.assert_allclose(there, here.parameters["top"]["weights"], rtol=2e-5, atol=1e-6)


def test_random_layers_draw_for_each_evaluated_sample_and_epoch(monkeypatch):
    """y = x + noise and the target is 0: the loss is the mean of the squares of the noise, and nothing is learned."""
    builder = NeuralNetworkBuilder({"x": array(1)}, {"y": array(1)}, exact=True)
    builder.add("randomNormalLike", "noise", ["x"], ["n"], mean=0.0, std_dev=1.0, seed=-1)
    builder.add("addBroadcastable", "noisy", ["x", "n"], ["h"])
    builder.add("innerProduct", "dense", ["h"], ["y"], updatable=True, weights=np.ones((1, 1)))
    model = network(with_recipe(builder, "y", "y_true", array(1)))
    data = {"x": np.zeros((700, 1)), "y_true": np.zeros((700, 1))}
    recipe = recipes.Recipe(
        recipes.SGD(0.0), losses=recipes.SquaredError("y"), epochs=2, batch_size=350, validation_fraction=0.5, seed=3
    )
    monkeypatch.setattr(runner, "EVALUATION_ROWS", 100)  # a task groups samples differently

    def losses(history):
        return [record.validation_loss for record in history.epochs]

    first, second = losses(_alone(model, data, recipe=recipe, strict=False).history)
    assert first != second
    for loss in (first, second):  # were the noise one number for all, it would be its square
        assert loss == pytest.approx(1, abs=0.3)
    result = update_many(model, [{"x": data["x"][:9], "y_true": data["y_true"][:9]}, data], recipe=recipe, strict=False)
    assert losses(result.history(1)) == pytest.approx([first, second])
