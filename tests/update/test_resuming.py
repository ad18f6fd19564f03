"""What a restored task knows of the past, and what its directory keeps."""

from __future__ import annotations

import pytest
from update.networks import classifier, classifier_data

from graphml import recipes
from graphml.update import UpdateEvent, UpdateProgressHandlers, UpdateTask

pytest.importorskip("orbax.checkpoint", reason="checkpoints are an optional extra, which is not installed here")

RECIPE = recipes.Recipe(
    recipes.SGD(0.05), epochs=4, batch_size=3, validation_fraction=0.25, metrics=[recipes.Accuracy(), recipes.TopK(2)]
)
MODEL = classifier()


def _run(task: UpdateTask) -> UpdateTask:
    task.resume()
    task.wait(60)
    return task


def _task(event: UpdateEvent, handler, **keyword) -> UpdateTask:
    handlers = UpdateProgressHandlers(event, handler)
    return UpdateTask(MODEL, classifier_data(), recipe=RECIPE, strict=False, progress_handlers=handlers, **keyword)


def test_a_restored_task_has_the_whole_history(tmp_path):
    seen = []

    def stop_in_the_second_epoch(context):
        seen.append(context.metrics)
        if len(seen) == 5:
            context.task.cancel()

    plain = _run(_task(UpdateEvent(0), lambda context: None))
    stopped = _run(_task(UpdateEvent.MINI_BATCH_END, stop_in_the_second_epoch, checkpoint_dir=tmp_path))
    assert stopped.cancelled
    before = list(stopped.history)
    restored = UpdateTask.restore(tmp_path)
    assert list(restored.history) == before == list(plain.history)[: len(before)]
    assert 0 < len(before) < len(plain.history)
    _run(restored)
    assert list(restored.history) == list(plain.history)
    assert list(UpdateTask.restore(tmp_path).history) == list(plain.history)
    for record in plain.history.epochs:
        assert record.validation_loss is not None
        assert set(record.metrics) == {"accuracy", "top_2_accuracy"}


def test_two_checkpoints_are_kept(tmp_path):
    counts = []
    _run(
        _task(
            UpdateEvent.EPOCH_END,
            lambda context: counts.append(len(list((tmp_path / "steps").iterdir()))),
            checkpoint_dir=tmp_path,
            checkpoint_seconds=0,
        )
    )
    assert counts[-2:] == [2, 2]
    assert len(list((tmp_path / "steps").iterdir())) == 2
