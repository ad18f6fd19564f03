"""Updating pipelines: the last stage learns, what is before it runs once for each sample."""

from __future__ import annotations

import numpy as np
import pytest
from neighbor_models import neighbors
from update.networks import pipeline, regression, regression_data

import graphml
from graphml import ModelConfiguration, ParameterKey, TaskState, UpdateTask, spec
from graphml.errors import FeatureError, UpdateError
from graphml.models.network import NeuralNetwork
from graphml.update import update

K = ParameterKey.NUMBER_OF_NEIGHBORS


def _knn() -> spec.Model:
    return pipeline(neighbors(np.zeros((0, 3)), [], k=1, default="unknown", name="h"), 2, 3)


DATA = [{"given": [i, 1], "label": "low" if i < 50 else "high"} for i in range(100)]


@pytest.fixture
def batches(monkeypatch):
    """How many samples the frozen network has seen in each call."""
    seen, whole = [], NeuralNetwork.predict_batch

    def counted(self, rows, **keyword):
        rows = list(rows)
        seen.append(len(rows))
        return whole(self, rows, **keyword)

    monkeypatch.setattr(NeuralNetwork, "predict_batch", counted)
    return seen


def test_neighbours_behind_a_network_learn_its_features(tmp_path, batches):
    model = graphml.load(_knn())
    task = UpdateTask(model, iter(DATA), ModelConfiguration(parameters={K.scoped(to="head"): 2}))
    assert task.parameters == {K.scoped(to="head"): 2}
    assert task.parameter_descriptions[K.scoped(to="head")].maximum == 10
    task.resume({"head/number_of_neighbors": 3})
    assert task.wait(60) is TaskState.COMPLETED
    assert (batches, task.sample_count) == ([64, 36], 100)
    learned = task.model
    assert learned.predict({"given": [3.2, 1]}) == {"label": "low", "probs": {"low": 1.0, "high": 0.0}}
    assert learned.predict({"given": [49.6, 1]})["probs"] == {"low": 1 / 3, "high": 2 / 3}
    assert model.predict({"given": [3.2, 1]})["label"] == "unknown"
    learned.save(tmp_path / "learned.mlmodel")
    again = graphml.load(tmp_path / "learned.mlmodel")
    rows = [{"given": [i + 0.3, 1]} for i in range(0, 100, 9)]
    assert again.predict_batch(rows) == learned.predict_batch(rows)
    assert again.models["head"].number_of_neighbors == 3
    assert again.spec.pipelineClassifier.pipeline.models[0] == model.spec.pipelineClassifier.pipeline.models[0]


def test_a_network_behind_a_network_learns_as_it_does_alone(batches):
    head = regression(epochs=2)
    model = graphml.load(pipeline(head.spec, 2, 3))
    given = np.random.default_rng(0).normal(size=(10, 2)).astype(np.float32)
    targets = regression_data(10)["y_true"]
    learned = update(model, {"given": given, "y_true": targets}, **{"learning_rate": 0.01, "head/epochs": 3})
    assert sum(batches) == 10  # not once for each epoch
    features = [model.intermediates({"given": row}, ["x"])["x"] for row in given]
    alone = update(head, {"x": np.stack(features), "y_true": targets}, learning_rate=0.01, epochs=3)
    for name in ("weights", "bias"):
        found = learned.parameters["head"]["top"][name]
        np.testing.assert_allclose(found, alone.parameters["top"][name], rtol=1e-4, atol=1e-6)
        assert not np.array_equal(found, head.parameters["top"][name])
    assert spec.parse(spec.serialize(learned.spec)) == learned.spec


def test_parameters_of_other_stages_do_not_reach_the_last_stage():
    other = neighbors(np.zeros((1, 2)), [1], k=1, name="given")
    other.isUpdatable = False
    other.description.output[0].name = other.description.predictedFeatureName = "other"
    other.description.output[1].name = other.description.predictedProbabilitiesName = "others"
    wired = pipeline(regression().spec, 2, 3)
    wired.pipeline.models.insert(0, other)
    wired.pipeline.names.insert(0, "first")
    given = {"number_of_neighbors": 2, "first/numberOfNeighbors": 3, "head/epochs": 4, "learning_rate": 0.5}
    configuration = ModelConfiguration(parameters=given)
    model = graphml.load(wired, configuration=configuration)
    assert model.models["first"].number_of_neighbors == 3
    task = UpdateTask(model, [])
    values = {str(key): value for key, value in task.parameters.items()}
    assert (values["head/epochs"], values["head/learning_rate"], task.epochs) == (4, 0.5, 4)


def test_weights_of_the_last_stage_are_set_under_its_name():
    model = graphml.load(pipeline(regression().spec, 2, 3))
    key = ParameterKey.BIASES.scoped(to="head").scoped(to="top")
    data = {"given": np.zeros((4, 2), np.float32), "y_true": np.zeros((4, 2), np.float32)}
    learned = update(model, data, **{str(key): [5, 6], "learning_rate": 0.0})
    np.testing.assert_array_equal(learned.parameters["head"]["top"]["bias"], [5, 6])


def test_an_interrupted_update_of_a_pipeline_resumes_from_its_checkpoint(tmp_path):
    pytest.importorskip("orbax.checkpoint", reason="the extra for checkpoints is not installed")
    model = graphml.load(pipeline(regression(epochs=3).spec, 2, 3))
    data = {"given": np.random.default_rng(0).normal(size=(10, 2)).astype(np.float32), **regression_data(10)}
    del data["x"]
    handlers = graphml.UpdateProgressHandlers(graphml.UpdateEvent.EPOCH_END, lambda context: context.task.cancel())
    with UpdateTask(model, data, progress_handlers=handlers, checkpoint_dir=tmp_path / "c") as task:
        task.resume()
    assert task.cancelled
    with UpdateTask.restore(tmp_path / "c") as task:
        task.resume()
    assert task.state is TaskState.COMPLETED
    whole = update(model, data)
    np.testing.assert_array_equal(task.model.predict({"given": [1, 2]})["y"], whole.predict({"given": [1, 2]})["y"])


def test_errors_name_the_sample_and_the_stage():
    model = graphml.load(_knn())
    for bad, words in (
        ({"given": [1, 2, 3], "label": "low"}, r"sample 70 of the training data\n.*'given' takes"),
        ({"given": [1, 2]}, r"sample 70 of the training data\n.*'label' is missing; the last stage needs it"),
        ({"given": [1, 2], "label": "low", "z": 1}, r"sample 70 of the training data\n.*no feature 'z'"),
    ):
        with pytest.raises(FeatureError, match=words):
            update(model, [*DATA[:70], bad])

    def broken():
        yield from DATA[:70]
        raise OSError("gone")

    with pytest.raises(UpdateError, match="sample 70 of the training data cannot be read: OSError: gone"):
        update(model, broken())
    with pytest.raises(UpdateError, match=r"stage 'head'\n.*number_of_neighbors=0 is refused"):
        UpdateTask(model, DATA).resume({K: 0})
    with pytest.raises(UpdateError, match="embed/learning_rate is refused: only stage 'head' learns"):
        UpdateTask(model, DATA).resume({"embed/learning_rate": 0.1})


def test_a_pipeline_that_is_not_updatable_is_refused():
    message = _knn()
    message.isUpdatable = False
    with pytest.raises(UpdateError, match="is not marked isUpdatable"):
        UpdateTask(graphml.load(message), DATA)
    fixed = _knn()
    fixed.pipelineClassifier.pipeline.models.pop()
    with pytest.raises(UpdateError, match="pipeline stage 1"):
        UpdateTask(graphml.load(fixed), DATA)
    with pytest.raises(UpdateError, match=r"stage 'embed'|cannot be trained"):
        UpdateTask(graphml.load(fixed), DATA, strict=False)


def test_a_pipeline_in_a_pipeline_learns_in_its_last_stage():
    outer = _knn()
    inner = pipeline(neighbors(np.zeros((0, 3)), [], k=1, default="unknown", name="h"), 3, 3)
    for feature in (inner.description.input[0], inner.description.trainingInput[0]):
        feature.name = "h"
    first = inner.pipelineClassifier.pipeline.models[0]
    first.description.input[0].name = "h"
    first.description.output[0].name = "g"
    layer = first.neuralNetwork.layers[0]
    layer.input[0], layer.output[0] = "h", "g"
    last = inner.pipelineClassifier.pipeline.models[1]
    last.description.input[0].name = last.description.trainingInput[0].name = "g"
    outer.pipelineClassifier.pipeline.models[1].CopyFrom(inner)
    task = UpdateTask(graphml.load(outer), DATA)
    key = K.scoped(to="head").scoped(to="head")
    assert task.parameters == {key: 1}
    with task:
        task.resume({key: 2})
    assert task.error is None
    assert task.model.predict({"given": [3.2, 1]})["label"] == "low"
    assert task.model.models["head"].models["head"].number_of_neighbors == 2


def test_a_real_pipeline_learns_new_drawings(real_models, tmp_path):
    model = graphml.load(real_models / "updatable-drawing" / "UpdatableDrawingClassifier.mlmodel")
    drawings = np.random.default_rng(0).integers(0, 256, size=(6, 28, 28), dtype=np.uint8)
    assert model.predict({"drawing": drawings[0]})["label"] == "unknown"
    data = [{"drawing": d, "label": label} for d, label in zip(drawings, "aabbcc", strict=True)]
    learned = update(model, data)
    learned.save(tmp_path / "learned.mlmodel")
    rows = [{"drawing": drawing} for drawing in drawings]
    answers = graphml.load(tmp_path / "learned.mlmodel").predict_batch(rows)
    assert answers == learned.predict_batch(rows)
    assert [answer["label"] for answer in answers] == list("aabbcc")
    assert list(answers[0]["labelProbs"]) == ["a", "b", "c"]
