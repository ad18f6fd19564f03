"""Updates in background processes."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from neighbor_models import neighbors

import graphml
from graphml.errors import SpecError, UpdateError
from graphml.update import MetricKey, ParameterKey, TaskState, UpdateTask
from graphml.update.task.background import BackgroundUpdate
from graphml.update.task.worker import run_within, save_result, task_in

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


def test_a_background_update_survives_stopping_and_killing(tmp_path, data):
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

    (tmp_path / "new.update" / "stop").touch()  # as `cancel` leaves it
    update = graphml.update_in_background(model, data, new, **{**asked, "checkpoint_seconds": 30})
    assert update.wait(60) is TaskState.COMPLETED
    assert update.progress().seconds > first.seconds
    whole = graphml.update.update(model, DATA, **asked["parameters"])
    assert _bits(graphml.load(new)) == _bits(whole)
    update.resume()  # nothing is left to do
    assert update.poll() is TaskState.COMPLETED
    with pytest.raises(UpdateError, match="holds another update: of "):
        graphml.update_in_background(model, data, new, parameters={"epochs": 2})


@pytest.fixture
def no_process(monkeypatch):
    monkeypatch.setattr(BackgroundUpdate, "resume", lambda self, budget_seconds=None: None)


def test_a_job_accepts_numpy_numbers_and_parameter_keys(tmp_path, data, no_process):
    parameters = {
        ParameterKey.EPOCHS: np.int64(2),
        "learning_rate": jnp.float32(0.5),
        ParameterKey.MOMENTUM.scoped(to="dense"): np.array([0.25]),
        "shuffle": np.bool_(False),
        "seed": 7,
    }
    more = {"budget_seconds": np.float32(1.5), "nice": np.int32(3), "strict": np.bool_(True)}
    for _ in range(2):  # the second time it is known as the same
        graphml.update_in_background(DENSE, data, tmp_path / "new.mlmodel", parameters=parameters, **more)
    job = json.loads((tmp_path / "new.update" / "job.json").read_text())
    assert (job["budget_seconds"], job["nice"], job["strict"]) == (1.5, 3, True)
    assert job["parameters"] == {
        "epochs": 2,
        "learning_rate": 0.5,
        "dense/momentum": 0.25,
        "shuffle": False,
        "seed": 7,
    }


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"parameters": {"epochs": [1, 2]}}, "epochs cannot be a list in the background; expected a number"),
        ({"parameters": {"seed": 1j}}, "seed cannot be"),
        ({"parameters": {"dense/weights": np.zeros((2, 2))}}, r"dense/weights cannot be a float64 array \[2, 2\]"),
        ({"parameters": {3: 1}}, "a parameter must be a ParameterKey or its name, got an int"),
        ({"nice": object()}, "nice cannot be an object"),
        ({"nice": -1}, "nice must be an integer of at least 0, got -1"),
        ({"budget_seconds": -1}, "budget_seconds=-1 is refused; allowed: a number of seconds from 0"),
        ({"checkpoint_seconds": float("nan")}, "checkpoint_seconds=nan is refused; allowed: a number of seconds"),
    ],
)
def test_values_that_a_job_cannot_hold_are_refused_at_once(tmp_path, data, no_process, asked, words):
    with pytest.raises(UpdateError, match=words):
        graphml.update_in_background(DENSE, data, tmp_path / "new.mlmodel", **asked)
    assert not (tmp_path / "new.update").exists()


def test_failures_in_the_process_are_reported(tmp_path, data):
    (tmp_path / "bad.jsonl").write_text('{"dense_input": [1]}\n')
    update = graphml.update_in_background(DENSE, tmp_path / "bad.jsonl", tmp_path / "new.mlmodel")
    assert update.wait(60) is TaskState.FAILED
    assert "FeatureError: sample 0 of the training data" in str(update.progress().error)
    assert "FAILED" in repr(update)
    with pytest.raises(UpdateError, match="holds no update in the background"):
        BackgroundUpdate(tmp_path / "nothing")


@pytest.fixture
def idle(tmp_path, data, monkeypatch):
    """A function that makes an update on which no process works."""
    monkeypatch.setattr(BackgroundUpdate, "resume", lambda self: None)
    return lambda **keyword: graphml.update_in_background(DENSE, data, tmp_path / "new.mlmodel", **keyword)


@pytest.mark.parametrize("process", [-1, 0, 1, "1", None])
def test_cancel_never_sends_a_signal(idle, monkeypatch, process):
    update = idle()
    progress = {"state": "RUNNING", "process": process}
    (update.directory / "progress.json").write_text(json.dumps(progress))
    monkeypatch.setattr("os.kill", lambda *arguments: pytest.fail(f"a signal was sent: {arguments}"))
    monkeypatch.setattr("graphml.update.task.background.is_locked", lambda directory: True)
    update.cancel()
    assert (update.directory / "stop").exists()


def test_a_process_is_stopped_through_the_directory(tmp_path, data):
    model = _free(tmp_path)
    update = graphml.update_in_background(model, data, tmp_path / "new.mlmodel", parameters={"epochs": 10**6})
    deadline = time.monotonic() + 60
    while update.progress().epoch is None and time.monotonic() < deadline:
        time.sleep(0.05)
    BackgroundUpdate(update.directory).cancel()
    assert update.wait(60) is TaskState.SUSPENDED
    assert (update.directory / "steps").exists()
    modes = {path.stat().st_mode & 0o777 for path in (update.directory, *update.directory.rglob("*"))}
    assert modes == {0o700, 0o600}


HUGE = 2**24 + 1
DAMAGED = [
    ("", "Expecting value"),
    ("{", "Expecting property name"),
    ("[1]", "expected a JSON object, got list"),
    ("[" * 10**5, "recursion"),
    ("\0" * 10, "Expecting value"),
    (" " * HUGE, f"it has {HUGE} bytes, more than {HUGE - 1}"),
    ('{"nonsense": 1}', "field 'nonsense'|no field 'model'|'state' cannot be None"),
]


@pytest.mark.parametrize("name", ["job.json", "progress.json"])
@pytest.mark.parametrize(("content", "words"), DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_files_are_named(idle, name, content, words):
    update = idle()
    (update.directory / name).write_text(content)
    with pytest.raises(UpdateError, match=rf"{name} cannot be read: .*({words})") as caught:
        BackgroundUpdate(update.directory).progress()
    assert ("You may delete the file" in str(caught.value)) == (name == "progress.json")


def test_an_update_resumes_when_a_damaged_progress_file_is_deleted(idle):
    update = idle()
    (update.directory / "progress.json").write_text("{")
    with pytest.raises(UpdateError, match=r"You may delete the file: the update resumes from its checkpoint\."):
        update.poll()  # with which `resume` begins
    (update.directory / "progress.json").unlink()
    assert update.poll() is TaskState.SUSPENDED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": 5}, "'model' cannot be 5"),
        ({"model": "a\0b"}, "'a.x00b' is not a valid file name"),
        ({"nice": "high"}, "'nice' cannot be 'high'"),
        ({"strict": 1}, "'strict' cannot be 1"),
        ({"budget_seconds": [1]}, r"'budget_seconds' cannot be \[1\]"),
        ({"checkpoint_seconds": float("inf")}, "'checkpoint_seconds' cannot be inf"),
        ({"parameters": "epochs"}, "'parameters' cannot be 'epochs'"),
        ({"x" * 500: 1}, "it has an unknown field 'xxx"),
    ],
)
def test_jobs_with_fields_of_other_types_are_refused(idle, change, words):
    path = idle().directory / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UpdateError, match=rf"job\.json cannot be read: {words}") as caught:
        BackgroundUpdate(path.parent)
    assert len(str(caught.value)) < 500
    with pytest.raises(UpdateError, match=r"job\.json cannot be read"):
        idle()


def test_missing_files_and_files_that_are_not_regular_are_refused(idle):
    update = idle()
    assert update.poll() is TaskState.SUSPENDED  # nothing is written yet
    if hasattr(os, "mkfifo"):
        os.mkfifo(update.directory / "progress.json")
        with pytest.raises(
            UpdateError, match=r"progress\.json cannot be read: the file progress\.json is not a regular file"
        ):
            update.poll()
    (update.directory / "job.json").unlink()
    with pytest.raises(UpdateError, match=r"holds no update in the background: there is no file .*job\.json"):
        BackgroundUpdate(update.directory)


def test_the_output_path_is_checked_first(tmp_path, data):
    (tmp_path / "folder.mlmodel").mkdir()
    for name, words in (
        ("missing/new.mlmodel", "there is no folder .*missing"),
        ("folder.mlmodel", "this is a directory"),
        ("new.txt", "ends in .mlmodel or .mlpackage"),
    ):
        with pytest.raises(SpecError, match=words):
            graphml.update_in_background(DENSE, data, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.npz", "folder.mlmodel"]


def test_the_trained_model_is_kept_elsewhere_if_the_output_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with UpdateTask(DENSE, DATA) as task:
        task.resume()
    with pytest.raises(UpdateError, match=r"(?s)gone/new\.mlmodel.*the trained model is kept in (.*)") as caught:
        save_result(task, tmp_path / "gone" / "new.mlmodel", None)
    kept = Path(str(caught.value).rpartition(" is kept in ")[2])
    assert _bits(graphml.load(kept)) == _bits(task.model)
    assert (kept.name, kept.parent.stat().st_mode & 0o777) == ("new.mlmodel", 0o700)
    (tmp_path / "taken.mlmodel").mkdir()  # elsewhere there is room
    with pytest.raises(UpdateError, match=rf"kept in {tmp_path}/taken-kept-\w+/taken\.mlmodel"):
        save_result(task, tmp_path / "taken.mlmodel", None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(UpdateError, match="the trained model could not be saved anywhere else either"):
        save_result(task, tmp_path / "gone" / "new.mlmodel", None)
    with UpdateTask(DENSE, DATA, checkpoint_dir=tmp_path / "kept") as task:
        task.resume()
    with pytest.raises(UpdateError, match=f"the trained model is kept in {tmp_path / 'kept'}: continue"):
        save_result(task, tmp_path / "gone" / "new.mlmodel", tmp_path / "kept")


def test_neighbors_are_updated_in_the_background(tmp_path):
    graphml.utils.save_spec(neighbors(np.zeros((0, 2)), [], default="none"), tmp_path / "knn.mlmodel")
    np.savez(tmp_path / "points.npz", x=np.eye(2), label=np.array(["a", "b"]))
    update = graphml.update_in_background(tmp_path / "knn.mlmodel", tmp_path / "points.npz", tmp_path / "new.mlmodel")
    assert update.wait(60) is TaskState.COMPLETED, update.progress().error
    assert (update.progress().samples, update.progress().epochs) == (2, 1)
    assert graphml.load(tmp_path / "new.mlmodel").labels == ("a", "b")


def test_each_run_makes_progress_however_small_its_budget(tmp_path):
    model = graphml.load(_free(tmp_path))
    configuration = graphml.ModelConfiguration(parameters={"epochs": 10**6})
    task = UpdateTask(model, DATA, configuration, checkpoint_dir=tmp_path / "a")
    assert run_within(task, 0) is TaskState.FAILED
    assert task.cancelled
    done = task.metrics[MetricKey.EPOCH_INDEX], task.metrics[MetricKey.MINI_BATCH_INDEX]
    task = UpdateTask.restore(tmp_path / "a")
    run_within(task, 0)
    assert (task.metrics[MetricKey.EPOCH_INDEX], task.metrics[MetricKey.MINI_BATCH_INDEX]) > done


def test_a_directory_with_an_update_of_another_model_is_refused(tmp_path, data):
    task = task_in(tmp_path / "a", DENSE, data, {"epochs": 2})
    task.resume()
    task.wait(60)
    assert task_in(tmp_path / "a", DENSE, data, {"epochs": 2}).state is TaskState.COMPLETED
    task.model.save(tmp_path / "other.mlmodel")
    with pytest.raises(UpdateError, match="holds an update of another model than"):
        task_in(tmp_path / "a", tmp_path / "other.mlmodel", data, {})
