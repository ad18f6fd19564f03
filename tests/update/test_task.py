"""The task: states, events, handlers, parameters, and every way in which it can end."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from update.networks import classifier, classifier_data, network, regression, regression_data, with_recipe

import graphml
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import FeatureError, UpdateError
from graphml.interpreter.lower import Lowered
from graphml.models import ModelConfiguration
from graphml.update import (
    MetricKey,
    ParameterKey,
    TaskState,
    UpdateEvent,
    UpdateProgressHandlers,
    UpdateTask,
    update,
)

BEGIN, EPOCH, BATCH = UpdateEvent.TRAINING_BEGIN, UpdateEvent.EPOCH_END, UpdateEvent.MINI_BATCH_END
LOSS, EPOCH_INDEX, BATCH_INDEX = MetricKey.LOSS_VALUE, MetricKey.EPOCH_INDEX, MetricKey.MINI_BATCH_INDEX


def _done(task: UpdateTask, **parameters) -> UpdateTask:
    task.resume(parameters)
    task.wait(60)
    return task


def _weights(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model.parameters)]


def _same_bits(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(_weights(a), _weights(b), strict=True))


def _watch(model, data, events, handler=None, **keywords):
    seen = []

    def progress(context):
        seen.append(context)
        if handler is not None:
            handler(context)

    handlers = UpdateProgressHandlers(events, progress, seen.append)
    return UpdateTask(model, data, progress_handlers=handlers, **keywords), seen


def test_the_events_of_a_run_come_in_order_with_their_metrics():
    task, seen = _watch(regression(), regression_data(10), BEGIN | EPOCH | BATCH)
    assert task.state is TaskState.SUSPENDED
    _done(task, epochs=2)
    assert (task.state, task.error, task.cancelled) == (TaskState.COMPLETED, None, False)
    assert [c.event for c in seen] == [BEGIN, BATCH, BATCH, BATCH, EPOCH, BATCH, BATCH, BATCH, EPOCH, UpdateEvent(0)]
    assert seen[0].metrics == {}
    assert [(c.metrics[EPOCH_INDEX], c.metrics[BATCH_INDEX]) for c in seen[1:5]] == [(0, 0), (0, 1), (0, 2), (0, 2)]
    for epoch in (seen[1:5], seen[5:9]):
        *batches, end = [c.metrics[LOSS] for c in epoch]
        assert end == pytest.approx(np.dot(batches, [4, 4, 2]) / 10, rel=1e-6)
    assert seen[-1].metrics == seen[-2].metrics
    assert all(c.task is task for c in seen)
    assert seen[0].parameters[ParameterKey.EPOCHS] == 2


def test_handlers_get_only_their_events():
    task, seen = _watch(regression(), regression_data(10), EPOCH)
    _done(task)
    assert [c.event for c in seen] == [EPOCH] * 3 + [UpdateEvent(0)]


def test_the_models_of_a_run_are_snapshots_that_predict_and_save(tmp_path):
    model, data = regression(), regression_data(10)
    before = _weights(model)
    task, seen = _watch(model, data, BEGIN | EPOCH)
    _done(task, epochs=2)
    first, middle, last = (seen[i].model for i in (0, 1, 2))
    assert _same_bits(first, model)
    assert not _same_bits(middle, last)
    assert _same_bits(last, task.model)
    assert all(np.array_equal(a, b) for a, b in zip(before, _weights(model), strict=True))
    last.save(tmp_path / "new.mlmodel")
    again = graphml.load(tmp_path / "new.mlmodel")
    assert _same_bits(again, last)
    x = {"x": data["x"][0]}
    np.testing.assert_array_equal(again.predict(x)["y"], last.predict(x)["y"])
    assert again.is_updatable


def test_training_learns_and_frozen_weights_do_not_change():
    model, data = classifier(), classifier_data(12)
    task, seen = _watch(model, data, EPOCH)
    _done(task, epochs=60, learning_rate=0.1, momentum=0.5)
    assert seen[-1].metrics[LOSS] < 0.2 < seen[0].metrics[LOSS]
    answers = [task.model.predict({"x": sample["x"]})["classLabel"] for sample in data]
    assert answers == [sample["classLabel"] for sample in data]
    trained = update(regression(), regression_data(10))
    np.testing.assert_array_equal(trained.parameters["below"]["weights"], regression().parameters["below"]["weights"])


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    model, data = regression(shuffle=True), regression_data(11)
    runs = {seed: update(model, data, seed=seed) for seed in (0, 1, -5)}
    assert _same_bits(runs[0], update(model, data))  # no seed means 0
    assert _same_bits(runs[-5], update(network(model.spec), data, seed=-5))
    assert not _same_bits(runs[0], runs[1])
    assert not _same_bits(runs[0], runs[-5])
    assert not _same_bits(runs[0], update(model, data, shuffle=False))


def test_slices_of_one_mini_batch_end_in_the_same_bits():
    model, data = classifier(adam=True, shuffle=True), classifier_data(11)
    task, _ = _watch(model, data, BATCH)
    assert _same_bits(_done(task).model, update(model, data))


def test_a_new_learning_rate_in_a_handler_works_and_never_compiles(monkeypatch):
    traces, rates, plain = [], [], Lowered.fn
    monkeypatch.setattr(Lowered, "fn", lambda *args, **keywords: traces.append(1) or plain(*args, **keywords))

    def slower(context):
        rates.append(context.parameters[ParameterKey.LEARNING_RATE])
        counts.append(len(traces))
        context.task.resume(with_parameters={ParameterKey.LEARNING_RATE: rates[-1] / 2, "momentum": 0.5})

    counts: list[int] = []
    task, _ = _watch(regression(), regression_data(10), EPOCH, slower)
    _done(task, epochs=4, learning_rate=0.1)
    assert task.error is None
    assert rates == [0.1, 0.05, 0.025, 0.0125]
    assert counts[0] > 0
    assert counts == [counts[0]] * 4
    assert not _same_bits(task.model, update(regression(), regression_data(10), epochs=4, learning_rate=0.1))


def test_a_learning_rate_of_zero_from_a_handler_stops_all_change():
    def stop(context):
        context.task.resume({"learning_rate": 0})

    task, seen = _watch(regression(), regression_data(10), EPOCH, stop)
    _done(task)
    assert _same_bits(seen[0].model, task.model)
    assert not _same_bits(seen[0].model, regression())


def test_tasks_on_models_that_differ_in_weights_share_their_programs():
    model, data = regression(), regression_data(10)
    first = UpdateTask(model, data)
    second = UpdateTask(_done(first).model, data)
    assert second._learner._programs is first._learner._programs
    assert UpdateTask(regression(), data)._learner._programs is not first._learner._programs


def test_a_handler_can_set_more_epochs_and_another_batch_size():
    def more(context):
        if context.metrics[EPOCH_INDEX] == 0:
            context.task.resume({"epochs": 3, "mini_batch_size": 10})

    task, seen = _watch(regression(), regression_data(10), EPOCH, more)
    _done(task, epochs=1)
    assert [c.metrics[BATCH_INDEX] for c in seen[:3]] == [2, 0, 0]
    assert len(seen) == 4


def test_refused_values_raise_where_they_are_given():
    model, data = regression(), regression_data(4)
    with pytest.raises(UpdateError, match=r"epochs=0 is refused; allowed: an integer from 1 to 1000"):
        UpdateTask(model, data, ModelConfiguration(parameters={ParameterKey.EPOCHS: 0}))
    task = UpdateTask(model, data)
    with pytest.raises(UpdateError, match="no parameter beta1"):
        task.resume({"beta1": 0.5})
    assert task.state is TaskState.SUSPENDED
    model.spec.neuralNetwork.updateParams.epochs.ClearField("AllowedValues")
    model.spec.neuralNetwork.updateParams.epochs.set.values.append(3)
    with pytest.raises(UpdateError, match=r"epochs=5 is refused; allowed: \{3\}"):
        update(model, data, epochs=5)


def test_parameters_of_the_configuration_are_the_defaults_of_the_task():
    task = UpdateTask(regression(), regression_data(4), ModelConfiguration(parameters={"learningRate": 0.25}))
    assert task.parameters[ParameterKey.LEARNING_RATE] == 0.25
    configured = graphml.load(regression().spec, configuration=ModelConfiguration(parameters={"epochs": 7}))
    assert UpdateTask(configured, regression_data(4)).parameters[ParameterKey.EPOCHS] == 7


def test_weights_of_trained_layers_can_be_set():
    weights, biases = np.full((2, 5), 0.5), np.array([1.0, 2.0])
    top = {ParameterKey.WEIGHTS.scoped(to="top"): weights, ParameterKey.BIASES.scoped(to="top"): biases}
    task, seen = _watch(regression(), regression_data(4), BEGIN)
    task.resume(top)
    task.wait(60)
    np.testing.assert_array_equal(seen[0].model.parameters["top"]["weights"], weights)
    np.testing.assert_array_equal(seen[0].model.parameters["top"]["bias"], biases)
    for key, words in (
        (ParameterKey.WEIGHTS.scoped(to="below"), "below/weights cannot be set.*: top/weights, top/bias"),
        (ParameterKey.WEIGHTS, "weights cannot be set"),
        (ParameterKey.BIASES.scoped(to="top"), r"top/biases must have shape \[2\], got \[2, 5\]"),
    ):
        with pytest.raises(UpdateError, match=words):
            UpdateTask(regression(), []).resume({key: weights})


def test_cancelling_keeps_what_was_learned():
    reached, go_on = threading.Event(), threading.Event()

    def hold(context):
        reached.set()
        go_on.wait(30)

    task, seen = _watch(regression(), regression_data(10), EPOCH, hold)
    task.resume()
    assert reached.wait(60)
    assert task.state is TaskState.RUNNING
    assert task.wait(0.01) is TaskState.RUNNING
    task.cancel()
    assert task.state is TaskState.CANCELLING
    go_on.set()
    assert task.wait(60) is TaskState.FAILED
    assert task.cancelled
    assert "cancelled in epoch 0" in str(task.error)
    assert [c.event for c in seen] == [EPOCH, UpdateEvent(0)]
    assert _same_bits(task.model, seen[0].model)
    assert not _same_bits(task.model, regression())
    task.cancel()
    assert task.state is TaskState.FAILED
    with pytest.raises(UpdateError, match="the task is over"):
        task.resume()


def test_a_handler_may_cancel():
    task, seen = _watch(regression(), regression_data(10), BEGIN | EPOCH, lambda context: context.task.cancel())
    _done(task)
    assert task.cancelled
    assert len(seen) == 2
    assert _same_bits(task.model, regression())


def test_a_task_cancelled_before_it_starts_is_finished():
    task, seen = _watch(regression(), regression_data(10), BEGIN)
    with pytest.raises(UpdateError, match=r"not started: call resume\(\) first"):
        task.wait()
    task.cancel()
    assert (task.state, task.cancelled, task.wait(1)) == (TaskState.FAILED, True, TaskState.FAILED)
    assert seen == []


@pytest.mark.parametrize("when", [BEGIN, EPOCH, BATCH], ids=lambda event: event.name)
def test_an_exception_in_a_handler_fails_the_task_with_its_cause(when):
    def broken(context):
        raise KeyError("mine")

    task, seen = _watch(regression(), regression_data(10), when, broken)
    _done(task)
    assert task.state is TaskState.FAILED
    assert not task.cancelled
    assert "the progress handler raised KeyError: 'mine'" in str(task.error)
    assert task.error is not None
    assert isinstance(task.error.__cause__, KeyError)
    assert seen[-1].event == UpdateEvent(0)


def test_a_handler_that_raises_system_exit_ends_the_task():
    task, _ = _watch(regression(), regression_data(10), BEGIN, lambda context: exit(3))
    assert _done(task).state is TaskState.FAILED
    assert "SystemExit: 3" in str(task.error)


def test_an_exception_in_the_completion_handler_fails_the_task_too():
    def broken(context):
        assert context.task.state is TaskState.COMPLETED
        raise ValueError("no room")

    task = _done(UpdateTask(regression(), regression_data(10), completion_handler=broken))
    assert task.state is TaskState.FAILED
    assert "the completion handler raised ValueError: no room" in str(task.error)
    task = _done(UpdateTask(regression(), [{"x": 1}], completion_handler=lambda context: context.metrics[LOSS]))
    assert isinstance(task.error, FeatureError)  # what went wrong first
    assert "completion handler raised KeyError" in task.error.__notes__[0]


def test_a_bad_sample_fails_the_task_with_its_index():
    rows = classifier_data(5)
    rows[4]["classLabel"] = "cow"
    task = _done(UpdateTask(classifier(), rows))
    assert task.state is TaskState.FAILED
    assert "sample 4 of the training data" in str(task.error)
    with pytest.raises(FeatureError, match="'cow'"):
        update(classifier(), rows)


def test_a_loss_that_is_not_finite_fails_the_task_and_keeps_the_original_model():
    model, data = regression(), regression_data(10)
    task, _ = _watch(model, data, EPOCH)
    _done(task, learning_rate=1e5, epochs=50)
    assert task.state is TaskState.FAILED
    assert isinstance(task.error, UpdateError)
    words = str(task.error)
    assert "learning_rate=100000" in words
    assert "is unchanged" in words
    assert all(np.isfinite(leaf).all() for leaf in _weights(task.model))
    assert _same_bits(model, regression())
    data["x"][7] = np.nan
    task = _done(UpdateTask(model, data))
    assert "the loss is nan in mini-batch 1 of epoch 0" in str(task.error)


def test_ctrl_c_while_waiting_cancels_and_is_raised():
    task, seen = _watch(regression(), regression_data(10), EPOCH, lambda context: time.sleep(0.01))
    task.resume({"epochs": 1000})
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        task.wait(60)
    assert (task.state, task.cancelled) == (TaskState.FAILED, True)
    assert len(seen) < 1000


def test_a_with_block_waits_and_an_exception_in_it_cancels():
    with UpdateTask(regression(), regression_data(10)) as task:
        task.resume()
    assert task.state is TaskState.COMPLETED
    with UpdateTask(regression(), regression_data(10)) as idle:
        pass
    assert idle.state is TaskState.SUSPENDED
    slow, _ = _watch(regression(), regression_data(10), EPOCH, lambda context: time.sleep(0.01))
    slow.resume({"epochs": 1000})
    with pytest.raises(ZeroDivisionError), slow:
        raise ZeroDivisionError
    assert slow.cancelled


def test_a_handler_cannot_wait_for_its_own_task():
    task, _ = _watch(regression(), regression_data(10), BEGIN, lambda context: context.task.wait())
    assert "cannot wait for the task that calls it" in str(_done(task).error)


def test_every_rule_of_core_ml_is_checked_unless_strict_is_off():
    model = regression().spec
    model.isUpdatable = False
    model.neuralNetwork.updateParams.optimizer.sgdOptimizer.learningRate.defaultValue = -1
    with pytest.raises(UpdateError) as caught:
        UpdateTask(network(model), regression_data(4))
    lines = str(caught.value).splitlines()
    assert "strict=False" in lines[0]
    assert len(lines) >= 3
    assert "isUpdatable" in str(caught.value)
    assert update(network(model), regression_data(4), strict=False, learning_rate=0.1) is not None


def test_without_strictness_any_differentiable_network_trains():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(2)}, exact=True)
    draw = np.random.default_rng(0)
    builder.add("layerNormalization", "norm", ["x"], ["s"], gamma=np.ones(3), beta=np.zeros(3), eps=1e-5)
    builder.add("innerProduct", "dense", ["s"], ["h"], weights=draw.normal(size=(2, 3)))
    builder.add("sin", "sin", ["h"], ["y"])
    model = network(with_recipe(builder, "y", "y_true", array(2)))
    with pytest.raises(UpdateError, match="Core ML would not update this model"):
        UpdateTask(model, regression_data(4))
    trained = update(model, regression_data(10), strict=False, epochs=5)
    assert all((a != b).any() for a, b in zip(_weights(model), _weights(trained), strict=True))


def test_random_layers_draw_again_in_each_step_and_repeat_with_the_seed():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(2)}, exact=True)
    builder.add("randomNormalLike", "noise", ["x"], ["n"], mean=0.0, std_dev=1.0, seed=-1)
    builder.add("addBroadcastable", "noisy", ["x", "n"], ["h"])
    builder.add("innerProduct", "dense", ["h"], ["y"], updatable=True, weights=np.ones((2, 3)))
    model = network(with_recipe(builder, "y", "y_true", array(2)))
    data = {"x": np.zeros((8, 3)), "y_true": np.zeros((8, 2))}
    task, seen = _watch(model, data, BATCH, strict=False)
    _done(task, learning_rate=0, epochs=1)
    losses = [c.metrics[LOSS] for c in seen[:2]]
    assert losses[0] != losses[1]
    assert _same_bits(*(update(model, data, strict=False, seed=4) for _ in range(2)))


def test_two_completion_handlers_are_refused():
    handlers = UpdateProgressHandlers(EPOCH, None, print)
    with pytest.raises(UpdateError, match="two completion handlers"):
        UpdateTask(regression(), [], completion_handler=print, progress_handlers=handlers)


def test_a_task_takes_a_path(tmp_path):
    path = tmp_path / "net.mlmodel"
    regression().save(path)
    task = _done(UpdateTask(path, regression_data(10)))
    assert task.error is None
    assert len(task.task_identifier) == 32
    assert _same_bits(task.model, update(regression(), regression_data(10)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"configuration": {"learning_rate": 0.1}}, "configuration must be a ModelConfiguration.*, got a dict"),
        ({"progress_handlers": print}, "progress_handlers must be UpdateProgressHandlers.*, got a builtin"),
        ({"completion_handler": "done"}, "completion_handler must be a function of an UpdateContext, got 'done'"),
        ({"recipe": "Adam"}, r"recipe must be a Recipe, such as .*, got 'Adam' \(str\)"),
    ],
    ids=lambda case: next(iter(case)) if isinstance(case, dict) else "",
)
def test_arguments_of_other_types_are_refused_immediately(options, message):
    with pytest.raises(FeatureError, match=message):
        UpdateTask(regression(), regression_data(5), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpoint_seconds": -1}, "checkpoint_seconds=-1 is refused; allowed: a number of seconds from 0"),
        ({"memory_bytes": 1e9}, "memory_bytes must be an integer of at least 0, got 1000000000.0"),
        ({"disk_bytes": -1}, "disk_bytes must be an integer of at least 0, got -1"),
    ],
)
def test_invalid_limits_are_refused_immediately(options, message):
    with pytest.raises(UpdateError, match=message):
        UpdateTask(regression(), regression_data(5), **options)


@pytest.mark.parametrize("events", ["epoch_end", 2, [EPOCH, "epoch_end"]], ids=repr)
def test_unknown_events_are_refused_with_the_list_of_valid_ones(events):
    with pytest.raises(FeatureError, match=r"for_events must be UpdateEvent\.TRAINING_BEGIN, .*, got "):
        UpdateProgressHandlers(events, print)


@pytest.mark.parametrize("name", ["progress_handler", "completion_handler"])
def test_handlers_that_cannot_be_called_are_refused(name):
    with pytest.raises(FeatureError, match=f"{name} must be a function of an UpdateContext, got 1"):
        UpdateProgressHandlers(EPOCH, **{name: 1})


def test_events_may_be_a_list():
    assert UpdateProgressHandlers([BEGIN, EPOCH]) == UpdateProgressHandlers(BEGIN | EPOCH)


@pytest.mark.parametrize("data", ["photos", b"photos", Path("photos")], ids=repr)
def test_the_path_of_data_is_refused_with_what_reads_it(data):
    with pytest.raises(FeatureError, match="got the path 'photos'; `graphml update --data` and"):
        UpdateTask(regression(), data)


def test_data_that_contain_nothing_are_refused():
    with pytest.raises(FeatureError, match=r"training data must be a list, a dict .*, got 3 \(int\)"):
        UpdateTask(regression(), 3)
