"""Nothing is lost: processes that are killed, disks that are full, runs that fail."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
from update.killed import KINDS, bits, kill
from update.networks import regression, regression_data

import graphml
from graphml.errors import MissingExtraError, UpdateError
from graphml.update import MetricKey, ParameterKey, TaskState, UpdateEvent, UpdateProgressHandlers, UpdateTask, update
from graphml.update.progress.private_files import write_facts

pytest.importorskip("orbax.checkpoint", reason="checkpoints are an optional extra, which is not installed here")

EPOCH = UpdateEvent.EPOCH_END
KILLS = int(os.environ.get("GRAPHML_KILLS", "2"))


def _run(task: UpdateTask, **parameters) -> UpdateTask:
    task.resume(parameters)
    task.wait(60)
    return task


def _at_epochs(call) -> UpdateProgressHandlers:
    return UpdateProgressHandlers(EPOCH, call)


# Killed --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_update_killed_again_and_again_ends_in_the_same_bits(tmp_path, kind):
    """GRAPHML_KILLS=100 kills each kind as often, in chains of five; every other chain reads its samples from files."""
    model, data = KINDS[kind]
    whole = graphml.spec.serialize(update(model(), data()).spec)
    killed = 0
    for chain in range(KILLS):
        directory = tmp_path / f"update{chain}"
        few = {"memory_bytes": 6000} if chain % 2 else {}
        killed += kill(kind, directory, min(5, KILLS - killed), chain, **few)
        assert directory.with_suffix(".mlmodel").read_bytes() == whole
        assert not (directory / "samples").exists()
        if killed == KILLS:
            break
    assert killed == KILLS


# Private -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
@pytest.mark.parametrize("mask", [0, 0o022])
def test_only_the_owner_may_read_checkpoints(tmp_path, mask):
    modes = set()

    def look(context):
        found = [tmp_path / "kept", *(tmp_path / "kept").rglob("*")]
        assert {path.name for path in found} >= {"samples", "0.bin", "samples.json", "model.mlmodel", "steps"}
        modes.update((path.is_dir(), path.stat().st_mode & 0o777) for path in found)

    before = os.umask(mask)
    try:
        handlers = _at_epochs(look)
        task = UpdateTask(
            regression(), regression_data(10), checkpoint_dir=tmp_path / "kept", progress_handlers=handlers
        )
        _run(task).model.save(tmp_path / "net.mlmodel")
    finally:
        os.umask(before)
    assert task.error is None
    assert modes == {(True, 0o700), (False, 0o600)}
    assert (tmp_path / "net.mlmodel").stat().st_mode & 0o777 == 0o666 & ~mask


def test_temporary_files_are_private_too(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("os.replace", lambda new, old: seen.append(new.stat().st_mode & 0o777))
    (tmp_path / "facts.json").touch(0o644)
    write_facts(tmp_path / "facts.json", {})
    assert seen == [0o600]


# Going on ------------------------------------------------------------------------------------------------------------


def test_a_cancelled_task_resumes_where_it_stopped(tmp_path):
    model, data = regression(adam=True, shuffle=True, epochs=4), regression_data(11)
    seen = []

    def stop(context):
        seen.append(context.metrics[MetricKey.EPOCH_INDEX])
        if len(seen) in (1, 2):
            context.task.resume({"learning_rate": context.parameters[ParameterKey.LEARNING_RATE] / 2})
            context.task.cancel()

    task = UpdateTask(model, data, checkpoint_dir=tmp_path, progress_handlers=_at_epochs(stop))
    assert _run(task).cancelled
    while task.cancelled:
        task = UpdateTask.restore(tmp_path, progress_handlers=_at_epochs(stop))
        assert task.state is TaskState.SUSPENDED
        _run(task)
    assert seen == [0, 1, 2, 3]

    def halve(context):
        if context.metrics[MetricKey.EPOCH_INDEX] < 2:
            context.task.resume({"learning_rate": context.parameters[ParameterKey.LEARNING_RATE] / 2})

    plain = _run(UpdateTask(model, data, progress_handlers=_at_epochs(halve)))
    assert bits(task.model) == bits(plain.model)
    assert bits(task.best) == bits(plain.best)
    assert task.metrics == plain.metrics
    assert task.parameters == plain.parameters
    assert list(task.history) == list(plain.history)
    assert len(task.history.epochs) == 4


def test_a_completed_task_is_restored_as_it_ended(tmp_path):
    task = _run(UpdateTask(regression(), regression_data(10), checkpoint_dir=tmp_path))
    again = UpdateTask.restore(tmp_path)
    assert (again.state, again.wait(1), again.metrics) == (TaskState.COMPLETED, TaskState.COMPLETED, task.metrics)
    assert bits(again.model) == bits(task.model)
    assert list(again.history) == list(task.history)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "model.mlmodel", "steps", "update.json"]
    with pytest.raises(UpdateError, match="the task is over"):
        again.resume()


def test_data_are_needed_again_only_if_not_all_were_read(tmp_path):
    def broken():
        yield from list(graphml.ArrayBatchProvider(regression_data(10)))[:9]
        raise OSError("the line was cut")

    task = _run(UpdateTask(regression(), broken(), checkpoint_dir=tmp_path))
    assert "sample 9 of the training data cannot be read: OSError: the line was cut" in str(task.error)
    with pytest.raises(UpdateError, match="before it had read all of its training data: pass the data again"):
        UpdateTask.restore(tmp_path)
    task = _run(UpdateTask.restore(tmp_path, regression_data(10)))
    assert bits(task.model) == bits(update(regression(), regression_data(10)))


def test_values_passed_to_restore_replace_those_of_the_checkpoint(tmp_path):
    stop = _at_epochs(lambda context: context.task.cancel())
    _run(UpdateTask(regression(), regression_data(10), checkpoint_dir=tmp_path, progress_handlers=stop), epochs=9)
    task = UpdateTask.restore(tmp_path, configuration=graphml.ModelConfiguration(parameters={"learning_rate": 0.001}))
    _run(task, epochs=2)
    assert (task.parameters[ParameterKey.EPOCHS], task.metrics[MetricKey.EPOCH_INDEX]) == (2, 1)
    assert task.parameters[ParameterKey.LEARNING_RATE] == 0.001


def test_if_the_newest_checkpoint_is_corrupt_the_one_before_it_is_used(tmp_path):
    model, data = regression(), regression_data(10)

    def stop(context):
        if context.metrics[MetricKey.EPOCH_INDEX] == 1:
            context.task.cancel()

    task = UpdateTask(model, data, checkpoint_dir=tmp_path, checkpoint_seconds=0, progress_handlers=_at_epochs(stop))
    _run(task, epochs=4)
    before, newest = sorted(int(step.name) for step in (tmp_path / "steps").iterdir())  # two are kept
    assert newest == before + 1 > 1, "others were written and removed"
    shutil.copytree(tmp_path, tmp_path.with_name("both"))

    def damage(step):
        for path in step.rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes()[:-20])

    damage(max((tmp_path / "steps").iterdir(), key=lambda step: int(step.name)))
    assert bits(_run(UpdateTask.restore(tmp_path)).model) == bits(update(model, data, epochs=4))
    damage(tmp_path.with_name("both") / "steps")
    with pytest.raises(UpdateError, match=r"no checkpoint in .* can be read:\n  step \d+: "):
        UpdateTask.restore(tmp_path.with_name("both"))


def test_directories_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(UpdateError, match="holds no update"):
        UpdateTask.restore(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    task = UpdateTask(regression(), regression_data(10), checkpoint_dir=tmp_path / "a")
    with pytest.raises(UpdateError, match="another task is using"):
        UpdateTask(regression(), regression_data(10), checkpoint_dir=tmp_path / "a")
    _run(task)
    with pytest.raises(UpdateError, match=r"already holds an update: continue it with UpdateTask\.restore"):
        UpdateTask(regression(), regression_data(10), checkpoint_dir=tmp_path / "a")
    shutil.copy(tmp_path / "a" / "model.mlmodel", tmp_path / "mine.mlmodel")
    regression(seed=5).save(tmp_path / "a" / "model.mlmodel")
    with pytest.raises(UpdateError, match="is not the model that this update began with"):
        UpdateTask.restore(tmp_path / "a")
    (tmp_path / "file").touch()
    with pytest.raises(UpdateError, match=r"file cannot be written: file exists"):
        UpdateTask(regression(), regression_data(10), checkpoint_dir=tmp_path / "file")
    facts = tmp_path / "a" / "update.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "format": 99}))
    with pytest.raises(UpdateError, match="was written in format 99; this version reads format 1"):
        UpdateTask.restore(tmp_path / "a")
    facts.write_text("{")
    with pytest.raises(UpdateError, match=r"update\.json cannot be read: Expecting property name"):
        UpdateTask.restore(tmp_path / "a")
    facts.write_text('{"format": 1, "model": "", "strict": true, "precision": "float99"}')
    with pytest.raises(UpdateError, match=r"update\.json cannot be read: 'precision' cannot be 'float99'"):
        UpdateTask.restore(tmp_path / "a")


def test_without_the_extra_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "orbax.checkpoint", None)
    with pytest.raises(MissingExtraError, match=r"graphml-jax\[checkpoints\]"):
        UpdateTask(regression(), regression_data(10), checkpoint_dir=tmp_path)


# Failing -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def full_disk():
    """A function that lets no file grow beyond so many bytes."""
    resource = pytest.importorskip("resource", reason="this system has no limits for the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_checkpoint_that_cannot_be_written_is_a_warning_and_is_tried_again(tmp_path, full_disk):
    model, data = regression(), regression_data(10)
    errors = []

    def fill(context):
        errors.append(context.task.checkpoint_error)
        full_disk(100 if context.metrics[MetricKey.EPOCH_INDEX] == 1 else -1)

    task = UpdateTask(model, data, checkpoint_dir=tmp_path, checkpoint_seconds=0, progress_handlers=_at_epochs(fill))
    with pytest.warns(RuntimeWarning, match=r"cannot write a checkpoint to .*; the update continues without it"):
        _run(task, epochs=4)
    assert task.state is TaskState.COMPLETED
    assert [error is None for error in errors] == [True, True, False, True]
    assert errors[2].__cause__ is not None
    whole = update(model, data, epochs=4)
    again = UpdateTask.restore(tmp_path)
    assert (task.checkpoint_error, again.state) == (None, TaskState.COMPLETED)
    assert bits(task.model) == bits(again.model) == bits(whole)


def test_a_full_disk_at_the_end_loses_nothing(tmp_path, full_disk):
    model, data = regression(), regression_data(10)

    def fill(context):
        if context.metrics[MetricKey.EPOCH_INDEX] == 1:
            full_disk(100)

    task = UpdateTask(model, data, checkpoint_dir=tmp_path, checkpoint_seconds=0, progress_handlers=_at_epochs(fill))
    with pytest.warns(RuntimeWarning, match="cannot write a checkpoint"):
        _run(task, epochs=4)
    full_disk(-1)
    whole = bits(update(model, data, epochs=4))
    assert task.state is TaskState.COMPLETED
    assert bits(task.model) == whole
    assert "cannot write a checkpoint to" in str(task.checkpoint_error)
    again = UpdateTask.restore(tmp_path)  # as it stood when there was room, with the samples
    assert again.state is TaskState.SUSPENDED
    assert bits(_run(again).model) == whole


def test_a_cancelled_task_reports_that_its_last_checkpoint_is_missing(tmp_path, full_disk):
    def fill(context):
        full_disk(100)
        context.task.cancel()

    task = UpdateTask(regression(), regression_data(10), checkpoint_dir=tmp_path, progress_handlers=_at_epochs(fill))
    with pytest.warns(RuntimeWarning, match="cannot write a checkpoint"):
        _run(task)
    full_disk(-1)
    assert task.cancelled
    assert task.error.__notes__ == [str(task.checkpoint_error)]


def test_a_full_disk_before_training_fails_the_task_too(tmp_path, full_disk):
    task = UpdateTask(regression(), regression_data(10), checkpoint_dir=tmp_path)
    full_disk(100)
    _run(task)
    full_disk(-1)
    assert f"{tmp_path} cannot be written: file too large" in str(task.error)
    assert bits(task.model) == bits(regression())


def test_a_model_is_written_whole_or_not_at_all(tmp_path, full_disk):
    path = tmp_path / "net.mlmodel"
    regression().save(path)
    full_disk(100)
    with pytest.raises(graphml.GraphmlError, match="file too large"):
        update(path, regression_data(10)).save(path)
    full_disk(-1)
    assert bits(graphml.load(path)) == bits(regression())
    assert list(tmp_path.iterdir()) == [path]


def test_after_a_failure_training_can_continue_from_the_best_weights(tmp_path):
    model, data = regression(), regression_data(10)

    def wild(context):
        if context.metrics[MetricKey.EPOCH_INDEX] == 1:
            context.task.resume({"learning_rate": 1e6})

    task = UpdateTask(model, data, checkpoint_dir=tmp_path, progress_handlers=_at_epochs(wild))
    _run(task, epochs=50, learning_rate=0.001)
    assert "the loss is" in str(task.error)
    assert bits(task.best) == bits(update(model, data, epochs=2, learning_rate=0.001))
    again = UpdateTask.restore(tmp_path)
    assert bits(again.best) == bits(task.best)
    gentle = _run(UpdateTask(again.best, data), epochs=1, learning_rate=0.001)
    assert bits(gentle.model) == bits(update(model, data, epochs=3, learning_rate=0.001))


def test_training_resumes_after_an_exception_in_a_handler_or_in_the_data(tmp_path):
    model, data = regression(), regression_data(10)

    def broken(context):
        if context.metrics[MetricKey.EPOCH_INDEX] == 2:
            raise KeyError("mine")

    task = _run(UpdateTask(model, data, checkpoint_dir=tmp_path, progress_handlers=_at_epochs(broken)), epochs=5)
    assert "the progress handler raised KeyError" in str(task.error)
    told = []
    again = UpdateTask.restore(tmp_path, progress_handlers=_at_epochs(lambda c: told.append(c.metrics)))
    assert bits(_run(again).model) == bits(update(model, data, epochs=5))
    assert [metrics[MetricKey.EPOCH_INDEX] for metrics in told] == [2, 3, 4]  # told again, because it was not heard
    np.testing.assert_array_equal(bits(model), bits(regression()))
