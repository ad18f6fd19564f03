"""Updating nearest neighbours: samples are appended, all or none."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from neighbor_models import neighbors

import graphml
from graphml import MetricKey, ModelConfiguration, ParameterKey, TaskState, UpdateEvent, UpdateTask
from graphml.errors import FeatureError, SpecError, UpdateError
from graphml.update import UpdateProgressHandlers, update

BEGIN, BATCH, EPOCH = UpdateEvent.TRAINING_BEGIN, UpdateEvent.MINI_BATCH_END, UpdateEvent.EPOCH_END
K = ParameterKey.NUMBER_OF_NEIGHBORS
DATA = [{"x": [0, 0], "label": "a"}, {"x": [1, 0], "label": "b"}, {"x": [1, 1], "label": "b"}]
ROWS = [{"x": x} for x in ([0, 0.1], [1, 0.4], [0.4, 0], [3, 3])]


def _empty(**keywords):
    return graphml.load(neighbors(np.zeros((0, 2)), [], default="unknown", **{"k": 1, "inverse": True, **keywords}))


def test_an_empty_model_learns_and_predicts_the_same_after_saving(tmp_path):
    model = _empty()
    with UpdateTask(model, DATA) as task:
        assert (task.state, task.parameters, task.sample_count) == (TaskState.SUSPENDED, {K: 1}, None)
        task.resume({"number_of_neighbors": 2})
    assert (task.state, task.error, task.sample_count) == (TaskState.COMPLETED, None, 3)
    learned = task.model
    assert [learned.predict(row)["label"] for row in ROWS] == ["a", "b", "a", "b"]
    assert model.predict(ROWS[0])["label"] == "unknown"
    learned.save(tmp_path / "learned.mlmodel")
    again = graphml.load(tmp_path / "learned.mlmodel")
    assert again.number_of_neighbors == 2
    assert again.predict_batch(ROWS) == learned.predict_batch(ROWS)
    twice = update(again, DATA[:1], number_of_neighbors=3)
    assert (twice.labels, twice.number_of_neighbors) == (("a", "b", "b", "a"), 3)
    assert len(task.history) == 0


def test_handlers_see_one_epoch_with_one_mini_batch():
    seen = []

    def progress(context):
        label = context.model.predict(ROWS[1])["label"]
        seen.append((context.event, label, context.model.number_of_neighbors, dict(context.metrics)))
        if context.event is BEGIN:
            context.task.resume(with_parameters={K: 2})
        if context.event is EPOCH:
            context.task.resume(with_parameters={K: 3})

    handlers = UpdateProgressHandlers(BEGIN | BATCH | EPOCH, progress, lambda context: seen.append(context.event))
    with UpdateTask(_empty(), iter(DATA), progress_handlers=handlers) as task:
        task.resume()
    done = {MetricKey.EPOCH_INDEX: 0, MetricKey.MINI_BATCH_INDEX: 0}
    assert seen == [(BEGIN, "unknown", 1, {}), (BATCH, "b", 2, done), (EPOCH, "b", 2, done), UpdateEvent(0)]
    assert task.model.number_of_neighbors == task.best.number_of_neighbors == 3


@pytest.mark.parametrize("when", [BEGIN, BATCH])
def test_a_cancelled_update_has_appended_all_or_nothing(when):
    handlers = UpdateProgressHandlers(when, lambda context: context.task.cancel())
    with UpdateTask(_empty(), DATA, progress_handlers=handlers) as task:
        task.resume()
    assert (task.state, task.cancelled) == (TaskState.FAILED, True)
    assert len(task.model.labels) == (0 if when is BEGIN else 3)


def test_an_update_can_be_cancelled_while_it_reads():
    reading, enough = threading.Event(), threading.Event()

    def endless():
        yield DATA[0]
        reading.set()
        enough.wait(20)

    task = UpdateTask(_empty(), endless())
    task.resume()
    assert reading.wait(20)
    task.cancel()
    assert task.wait(20) is TaskState.FAILED
    enough.set()
    assert task.cancelled
    assert task.model.labels == ()


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (
            {"x": [1, 2, 3], "label": "a"},
            FeatureError,
            r"sample 2 of the training data\n.*'x' takes a float32 array \[2\]",
        ),
        ({"x": [1, np.nan], "label": "a"}, FeatureError, r"sample 2 .*\n.*holds nan"),
        ({"x": [1, 2]}, FeatureError, r"sample 2 .*\n.*'label' is missing"),
        ({"x": [1, 2], "label": 5}, FeatureError, r"sample 2 .*\n.*'label' takes a str"),
        (
            {"x": [1, 2], "label": "a", "y": 1},
            FeatureError,
            r"sample 2 .*\n.*no training input 'y'; the training inputs are 'x', 'label'",
        ),
        ([1, 2], FeatureError, r"sample 2 .*\n.*must be a mapping"),
    ],
)
def test_bad_data_do_not_change_the_model(bad, error, words):
    task = UpdateTask(_empty(), [*DATA[:2], bad])
    task.resume()
    assert task.wait(20) is TaskState.FAILED
    with pytest.raises(error, match=words):
        raise task.error
    assert task.model.labels == ()


def test_options_that_are_refused():
    with pytest.raises(UpdateError, match="number_of_neighbors=11 is refused; allowed: an integer from 1 to 10"):
        UpdateTask(_empty(), DATA).resume({K: 11})
    for name in ("epochs", "weights"):
        with pytest.raises(UpdateError, match=f"no parameter {name}; it has number_of_neighbors"):
            UpdateTask(_empty(), DATA, ModelConfiguration(parameters={name: 1}))
    with pytest.raises(UpdateError, match="they take no recipe"):
        UpdateTask(_empty(), DATA, recipe=graphml.recipes.Recipe())
    with pytest.raises(UpdateError, match="there are no training data"):
        update(_empty(), [])
    fixed = neighbors(np.zeros((0, 2)), [], default="unknown")
    fixed.isUpdatable = False
    with pytest.raises(UpdateError, match="is not marked isUpdatable"):
        UpdateTask(graphml.load(fixed), DATA)
    assert update(graphml.load(fixed), DATA, strict=False).labels == ("a", "b", "b")


def test_the_k_of_a_configuration_goes_into_the_file():
    configuration = ModelConfiguration(parameters={K: 3})
    model = graphml.load(_empty().spec, configuration=configuration)
    with UpdateTask(model, DATA) as task:
        task.resume()
    assert graphml.load(task.model.spec).number_of_neighbors == 3
    with UpdateTask(model, DATA) as task:
        task.resume({K: 2})
    assert task.model.number_of_neighbors == 2


@pytest.fixture
def kept(tmp_path):
    """An empty directory for checkpoints."""
    pytest.importorskip("orbax.checkpoint", reason="checkpoints are an optional extra, which is not installed here")
    return tmp_path / "kept"


@pytest.mark.parametrize("when", [BEGIN, BATCH, EPOCH])
@pytest.mark.parametrize("labels", [("a", "b"), (-(2**63), 7)])
def test_an_interrupted_update_resumes_without_its_data(kept, when, labels):
    data = [{"x": [i, -i], "label": labels[i % 2]} for i in range(5)]
    model = graphml.load(neighbors(np.zeros((0, 2)), [], default=labels[0]))
    told = []

    def progress(context):
        told.append(context.event)
        if context.event is when:
            context.task.resume({K: 5})
            context.task.cancel()

    handlers = UpdateProgressHandlers(BEGIN | BATCH | EPOCH, progress)
    with UpdateTask(model, iter(data), progress_handlers=handlers, checkpoint_dir=kept) as task:
        task.resume({K: 4})
    assert task.cancelled
    handlers = UpdateProgressHandlers(BEGIN | BATCH | EPOCH, lambda context: told.append(context.event))
    with UpdateTask.restore(kept, progress_handlers=handlers) as again:
        again.resume()
    assert told == [BEGIN, BATCH, EPOCH]
    assert (again.state, again.sample_count) == (TaskState.COMPLETED, 5)
    whole = update(model, data, number_of_neighbors=5)
    assert graphml.spec.serialize(again.model.spec) == graphml.spec.serialize(whole.spec)
    over = UpdateTask.restore(kept)
    assert (over.state, over.metrics) == (TaskState.COMPLETED, again.metrics)
    assert graphml.spec.serialize(over.model.spec) == graphml.spec.serialize(whole.spec)


def test_data_are_needed_again_if_not_all_were_read(kept):
    task = UpdateTask(_empty(), [*DATA, {}], ModelConfiguration(parameters={K: 2}), checkpoint_dir=kept)
    task.resume()
    task.wait(60)
    assert "sample 3 of the training data" in str(task.error)
    with pytest.raises(UpdateError, match="before it had read all of its training data: pass the data again"):
        UpdateTask.restore(kept)
    with UpdateTask.restore(kept, DATA, ModelConfiguration(parameters={K: 3})) as task:
        task.resume()
    assert (task.model.labels, task.model.number_of_neighbors) == (("a", "b", "b"), 3)


def test_a_checkpoint_can_be_saved_at_any_time(kept):
    task = UpdateTask(_empty(), DATA)
    task.save_checkpoint(kept)
    with UpdateTask.restore(kept, DATA) as again:
        again.resume({K: 2})
    assert again.model.labels == ("a", "b", "b")
    again.save_checkpoint(kept.with_name("over"))
    assert UpdateTask.restore(kept.with_name("over")).model.number_of_neighbors == 2


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("numberOfDimensions", 0, "numberOfDimensions must be at least 1, got 0"),
        ("numberOfDimensions", -(2**31), "numberOfDimensions must be at least 1, got -2147483648"),
        ("numberOfDimensions", 2**31 - 1, "sample 1 must have 2147483647 numbers, got 2"),
        ("labels", None, "expected a label for each of the 2 samples, got 0"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused_before_any_data(field, value, words, strict):
    message = neighbors([[0, 1], [1, 0]], ["a", "b"])
    if field == "labels":
        message.kNearestNeighborsClassifier.stringClassLabels.ClearField("vector")
    else:
        message.kNearestNeighborsClassifier.nearestNeighborsIndex.numberOfDimensions = value
    with pytest.raises(SpecError, match=words):
        UpdateTask(graphml.load(message), DATA, strict=strict)
