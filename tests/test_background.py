"""Updates in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import graphml
from graphml.background import BackgroundUpdate, run_within, task_in
from graphml.errors import UpdateError
from graphml.update import MetricKey, TaskState, UpdateTask

pytest.importorskip("orbax.checkpoint", reason="checkpoints are an optional extra, which is not installed here")

DENSE = Path(__file__).parent / "data" / "keras_model_personalization.mlmodel"
DATA = {"dense_input": np.linspace(0, 1, 20)[:, None], "output_true": np.linspace(0, 3, 20)[:, None]}


@pytest.fixture
def data(tmp_path):
    np.savez(tmp_path / "data.npz", **DATA)
    return tmp_path / "data.npz"


def _bits(model) -> list[bytes]:
    return [np.asarray(weights).tobytes() for layer in model.parameters.values() for weights in layer.values()]


def _free(tmp_path) -> Path:
    """The model, with as many epochs as one likes."""
    model = graphml.load(DENSE).spec
    epochs = model.neuralNetwork.updateParams.epochs
    epochs.range.minValue, epochs.range.maxValue = 1, 10**6
    graphml.utils.save_spec(model, tmp_path / "free.mlmodel")
    return tmp_path / "free.mlmodel"


def test_an_update_in_the_background_is_stopped_killed_and_comes_to_its_end(tmp_path, data):
    model, new = _free(tmp_path), tmp_path / "new.mlmodel"
    asked = {"parameters": {"epochs": 1500, "learning_rate": 0.001}, "checkpoint_seconds": 0.05}
    update = graphml.update_in_background(model, data, new, nice=5, budget_seconds=0.01, **asked)
    assert update.poll() is TaskState.RUNNING
    assert update.wait(60) is TaskState.SUSPENDED  # the budget is used up, but something was done
    first = update.progress()
    assert first.epoch is not None
    assert (first.epochs, first.samples, first.error) == (1500, 20, None)
    assert not new.exists()

    other = BackgroundUpdate(tmp_path / "new.update")  # as another program would
    other.resume(budget_seconds=3600)
    deadline = time.monotonic() + 60
    while other.progress().epoch == first.epoch and time.monotonic() < deadline:
        time.sleep(0.05)
    assert update.poll() is TaskState.RUNNING
    process = json.loads((tmp_path / "new.update" / "progress.json").read_text())["process"]
    if hasattr(os, "sched_getaffinity"):
        assert os.getpriority(os.PRIO_PROCESS, process) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
    os.kill(process, signal.SIGKILL)
    assert other.wait(60) is TaskState.SUSPENDED

    update = graphml.update_in_background(model, data, new, **{**asked, "checkpoint_seconds": 30})
    assert update.wait(60) is TaskState.COMPLETED
    assert update.progress().seconds > first.seconds
    whole = graphml.update.update(model, DATA, **asked["parameters"])
    assert _bits(graphml.load(new)) == _bits(whole)
    update.resume()  # nothing is left to do
    assert update.poll() is TaskState.COMPLETED
    with pytest.raises(UpdateError, match="holds another update: of "):
        graphml.update_in_background(model, data, new, parameters={"epochs": 2})


def test_what_fails_in_the_process_is_told(tmp_path, data):
    (tmp_path / "bad.jsonl").write_text('{"dense_input": [1]}\n')
    update = graphml.update_in_background(DENSE, tmp_path / "bad.jsonl", tmp_path / "new.mlmodel")
    assert update.wait(60) is TaskState.FAILED
    assert "FeatureError: sample 0 of the training data" in str(update.progress().error)
    assert "FAILED" in repr(update)
    with pytest.raises(UpdateError, match="holds no update in the background"):
        BackgroundUpdate(tmp_path / "nothing")


def test_a_budget_lets_each_run_get_on(tmp_path):
    model = graphml.load(_free(tmp_path))
    configuration = graphml.ModelConfiguration(parameters={"epochs": 10**6})
    task = UpdateTask(model, DATA, configuration, checkpoint_dir=tmp_path / "a")
    assert run_within(task, 0) is TaskState.FAILED
    assert task.cancelled
    done = task.metrics[MetricKey.EPOCH_INDEX], task.metrics[MetricKey.MINI_BATCH_INDEX]
    task = UpdateTask.restore(tmp_path / "a")
    run_within(task, 0)
    assert (task.metrics[MetricKey.EPOCH_INDEX], task.metrics[MetricKey.MINI_BATCH_INDEX]) > done


def test_a_directory_goes_on_with_the_model_that_it_is_about(tmp_path, data):
    task = task_in(tmp_path / "a", DENSE, data, {"epochs": 2})
    task.resume()
    task.wait(60)
    assert task_in(tmp_path / "a", DENSE, data, {"epochs": 2}).state is TaskState.COMPLETED
    task.model.save(tmp_path / "other.mlmodel")
    with pytest.raises(UpdateError, match="holds an update of another model than"):
        task_in(tmp_path / "a", tmp_path / "other.mlmodel", data, {})
