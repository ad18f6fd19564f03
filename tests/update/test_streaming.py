"""Data of any size and kind: read ahead, stored once, in memory or in files."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest
from update.killed import bits
from update.networks import classifier, classifier_data, network, regression, regression_data

import graphml
from graphml.errors import UpdateError
from graphml.update import MetricKey, ParameterKey, TaskState, UpdateEvent, UpdateProgressHandlers, UpdateTask, update
from graphml.update.data.storage import Limits, Store, reopen
from graphml.update.data.streaming import in_pieces, read_ahead

FEW = {"memory_bytes": 300}


def _run(task: UpdateTask, **parameters) -> UpdateTask:
    task.resume(parameters)
    task.wait(60)
    return task


@pytest.mark.parametrize("batch_size", [4, 7])
def test_samples_in_files_end_in_the_same_bits_as_samples_in_memory(batch_size):
    model, data = regression(shuffle=True, adam=True), regression_data(30)
    task = _run(UpdateTask(model, data, **FEW), mini_batch_size=batch_size)
    assert task.error is None
    assert bits(task.model) == bits(update(model, data, mini_batch_size=batch_size))


@pytest.mark.parametrize("limits", [{}, FEW])
def test_a_batch_larger_than_the_data_is_all_of_them(limits):
    message, data = regression(shuffle=True, batch_size=2**40).spec, regression_data(30)
    message.neuralNetwork.updateParams.optimizer.sgdOptimizer.miniBatchSize.range.maxValue = 2**62
    model = network(message)
    task = _run(UpdateTask(model, data, **limits))
    assert task.error is None
    assert task.parameters[ParameterKey.MINI_BATCH_SIZE] == 2**40
    plain = _run(UpdateTask(regression(shuffle=True), data), mini_batch_size=30)
    assert bits(task.model) == bits(plain.model)
    assert list(task.history) == list(plain.history)


def test_a_generator_is_read_once_however_many_epochs_there_are():
    read = []

    def samples():
        for sample in graphml.ArrayBatchProvider(regression_data(10)):
            read.append(sample)
            yield sample

    task = _run(UpdateTask(regression(shuffle=True), samples()), epochs=5)
    assert (task.sample_count, len(read)) == (10, 10)
    assert bits(task.model) == bits(update(regression(shuffle=True), regression_data(10), epochs=5))


def test_data_are_not_read_further_ahead_than_a_few_pieces():
    read = []

    def endless():
        while True:
            read.append(1)
            yield {"x": np.ones(3), "y_true": np.ones(2)}

    task = _run(UpdateTask(regression(), endless(), memory_bytes=100, disk_bytes=64 * 40))
    assert task.state is TaskState.FAILED
    assert "the training data are too large to store: 128 samples take" in str(task.error)
    assert "most 2.56 kB are allowed; pass a larger disk_bytes" in str(task.error)
    time.sleep(0.2)
    assert len(read) <= 6 * 64


def test_data_that_never_come_can_be_cancelled():
    never = threading.Event()

    def silent():
        never.wait(60)
        yield {}

    task = UpdateTask(regression(), silent())
    task.resume()
    time.sleep(0.05)
    task.cancel()
    assert task.wait(5) is TaskState.FAILED
    assert "cancelled before training began" in str(task.error)
    never.set()


def test_an_exception_of_the_data_is_the_cause():
    def broken():
        yield from classifier_data(3)
        raise ZeroDivisionError("mine")

    task = _run(UpdateTask(classifier(), broken()))
    assert "sample 3 of the training data cannot be read: ZeroDivisionError: mine" in str(task.error)
    assert isinstance(task.error.__cause__, ZeroDivisionError)


def test_reading_ahead_keeps_the_order_and_stops_with_its_reader():
    made = []

    def numbers():
        for i in range(1000):
            made.append(i)
            yield i

    ahead = read_ahead(numbers(), 3)
    assert [next(ahead) for _ in range(4)] == [0, 1, 2, 3]
    ahead.close()  # type: ignore[attr-defined]
    time.sleep(0.2)
    assert len(made) <= 9
    assert list(read_ahead(iter("abc"), 1)) == ["a", "b", "c"]
    assert list(in_pieces(range(5), 2)) == [[0, 1], [2, 3], [4]]


def test_stored_samples_are_reopened_and_damage_is_noticed(tmp_path):
    draw = np.random.default_rng(0)
    blobs, target = {"a": draw.normal(size=(5, 2, 3)).astype(np.float32)}, np.arange(5, dtype=np.int32)
    for limits in (Limits(), Limits(memory_bytes=50)):
        store = Store(limits, tmp_path)
        store.append({"a": blobs["a"][:3]}, target[:3])
        assert reopen(tmp_path, limits) is None  # not complete
        store.append({"a": blobs["a"][3:]}, target[3:])
        for stored in (store.finish(), reopen(tmp_path, limits)):
            assert stored is not None
            assert (stored.count, stored.sample_bytes, stored.in_memory) == (5, 28, limits.memory_bytes > 50)
            np.testing.assert_array_equal(stored.blobs["a"], blobs["a"])
            np.testing.assert_array_equal(stored.target, target)
    file = tmp_path / "0.bin"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert reopen(tmp_path, Limits()) is None
    file.unlink()
    assert reopen(tmp_path, Limits()) is None


def test_with_handlers_at_each_mini_batch_files_give_the_same_events():
    seen: dict[str, list] = {"memory": [], "files": []}
    for name, keywords in (("memory", {}), ("files", FEW)):
        both = UpdateEvent.MINI_BATCH_END | UpdateEvent.EPOCH_END
        handlers = UpdateProgressHandlers(both, lambda c: seen[name].append((c.event, c.metrics[MetricKey.LOSS_VALUE])))
        _run(UpdateTask(regression(), regression_data(30), progress_handlers=handlers, **keywords), epochs=2)
    assert len(seen["memory"]) == 2 * 9
    assert seen["memory"] == seen["files"]


def test_half_precision_keeps_float32_weights():
    model, data = regression(adam=True), regression_data(12)
    half = _run(UpdateTask(model, data, precision="bfloat16"), epochs=20)
    full = _run(UpdateTask(model, data), epochs=20)
    assert half.error is None
    assert half.metrics[MetricKey.LOSS_VALUE] == pytest.approx(full.metrics[MetricKey.LOSS_VALUE], rel=0.1)
    assert bits(half.model) != bits(full.model)
    weights = half.model.parameters["top"]["weights"]
    assert weights.dtype == np.float32
    assert (np.frombuffer(np.asarray(weights).tobytes(), np.uint32) & 0xFFFF).any()  # more digits than half has
    with pytest.raises(UpdateError, match="precision='float8' is refused; allowed: float32, bfloat16"):
        UpdateTask(model, data, precision="float8")  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_stored_samples_that_became_a_pipe_do_not_block(tmp_path):
    store = Store(Limits(), tmp_path)
    store.append({"x": np.ones((3, 2))}, np.zeros(3))
    store.finish()
    assert reopen(tmp_path, Limits()) is not None
    (tmp_path / "0.bin").unlink()
    os.mkfifo(tmp_path / "0.bin")
    assert reopen(tmp_path, Limits()) is None
