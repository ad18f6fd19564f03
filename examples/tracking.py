"""Track a training run: progress handlers are plain functions, so any tracker takes about ten lines.

    python examples/tracking.py                        # lines of JSON, printed at the end
    python examples/tracking.py tensorboard runs       # needs tensorboardX
    python examples/tracking.py mlflow                 # needs mlflow

At the end of each epoch a handler gets the mean loss, and the metrics and the validation loss if the recipe requests
them.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import graphml
from graphml import MetricKey, UpdateContext, UpdateEvent, UpdateProgressHandlers, recipes

MODEL = Path(__file__).parents[1] / "tests/data/keras_model_personalization.mlmodel"
Track = Callable[[dict[str, float], int], object]
"""Takes {metric: value} and the epoch."""


def handlers(track: Track) -> UpdateProgressHandlers:
    """Handlers for an `UpdateTask` that pass the metrics of each epoch to a tracker."""

    def epoch_end(context: UpdateContext) -> None:
        values = {"loss": context.metrics[MetricKey.LOSS_VALUE], **context.metrics.get(MetricKey.METRICS, {})}
        if MetricKey.VALIDATION_LOSS in context.metrics:
            values["validation_loss"] = context.metrics[MetricKey.VALIDATION_LOSS]
        track({name: float(value) for name, value in values.items()}, context.metrics[MetricKey.EPOCH_INDEX])

    return UpdateProgressHandlers(for_events=UpdateEvent.EPOCH_END, progress_handler=epoch_end)


def to_json_lines(path: Path) -> Track:
    def track(values: dict[str, float], epoch: int) -> None:
        with open(path, "a") as file:
            print(json.dumps({"epoch": epoch, **values}), file=file)

    return track


def to_tensorboard(folder: str) -> Track:
    from tensorboardX import SummaryWriter  # torch.utils.tensorboard has the same class

    writer = SummaryWriter(folder)

    def track(values: dict[str, float], epoch: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    return track


def to_mlflow() -> Track:
    import mlflow

    return lambda values, epoch: mlflow.log_metrics(values, step=epoch)


def train(track: Track) -> None:
    draw = np.random.default_rng(0)
    model = graphml.load(MODEL)
    feature, target = model.description.training_inputs
    x = draw.uniform(size=(40, 1)).astype(np.float32)
    samples = {feature.name: x, target.name: 3 * x + 1}
    recipe = recipes.Recipe(recipes.SGD(0.05), epochs=5, batch_size=5, validation_fraction=0.25)
    # not strict: Core ML itself does not support a validation split
    task = graphml.UpdateTask(model, samples, recipe=recipe, strict=False, progress_handlers=handlers(track))
    task.resume()
    task.wait()
    if task.error is not None:
        raise task.error


def main() -> None:
    if sys.argv[1:2] == ["tensorboard"]:
        train(to_tensorboard(sys.argv[2]))
    elif sys.argv[1:2] == ["mlflow"]:
        train(to_mlflow())
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.jsonl"
            train(to_json_lines(path))
            print(path.read_text(), end="")
            records = [json.loads(line) for line in path.read_text().splitlines()]
        assert [record["epoch"] for record in records] == [0, 1, 2, 3, 4]
        assert records[-1]["loss"] < records[0]["loss"]


if __name__ == "__main__":
    main()
