"""graphml update: personalize a model with training data."""

from __future__ import annotations

import enum
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphml.cli.app import AsJson, ModelFile, Quiet, app, examples
from graphml.cli.features import split_pairs
from graphml.cli.output import print_json, print_line, refuse_unwritable
from graphml.cli.status import ExitStatus, warn
from graphml.cli.training import TrainingModel, training_model
from graphml.cli.training_bar import training_bar
from graphml.errors import GraphmlError, UpdateError
from graphml.recipes.parameters import refuse_unless_seconds
from graphml.spec.files import refuse_unwritable as refuse_unwritable_model

if TYPE_CHECKING:  # importing it needs JAX
    from graphml.update import UpdateTask


class TrainingPrecision(enum.StrEnum):
    """Types in which training computes."""

    float32 = "float32"
    bfloat16 = "bfloat16"


@app.command(
    short_help="Train a model with your own data.",
    epilog=examples(
        "graphml update net.mlmodel --data photos/ -o mine.mlmodel",
        "graphml update net.mlmodel --data photos/ --labels data --epochs 20 -o mine.mlmodel",
    ),
)
def update(
    file: ModelFile,
    data: Annotated[Path, typer.Option("--data", "-d", help="folder of images per class, or .jsonl, .csv, .npz file")],
    output: Annotated[Path, typer.Option("--output", "-o", help="where to write the updated model")],
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="new classes in place of the old ones: cat,dog,bird, or a text file with one on each line, or data: "
            "those of the training data",
        ),
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="layers that learn, such as fc*; may be repeated"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="how often training sees all samples; default: as the recipe says")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE",
            help="in place of the recipe of the file: an optimizer (SGD, Adam, AdamW, RMSprop, Lion) or a .json file",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="KEY=VALUE", help="learning_rate, epochs, mini_batch_size, momentum, seed ..."
        ),
    ] = None,
    free: Annotated[
        bool, typer.Option("--free", help="train whatever is differentiable, beyond Apple's rules")
    ] = False,
    checkpoint_dir: Annotated[
        Path | None,
        typer.Option("--checkpoint-dir", help="keep checkpoints here; run the same command again to continue"),
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="SECONDS", help="stop after this many seconds (exit status 3)")
    ] = None,
    nice: Annotated[int, typer.Option("--nice", min=0, max=19, help="lower the priority of the process")] = 0,
    precision: Annotated[TrainingPrecision, typer.Option(help="of training")] = TrainingPrecision.float32,
    plot: Annotated[Path | None, typer.Option("--plot", help="draw losses and metrics into this image file")] = None,
    json_too: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Personalize a model with training data and write the result.

    An updatable model is trained by the recipe in its file. With --labels, --layers or --recipe any neural network is
    trained, with your own classes if you like. Ctrl-C saves a checkpoint and prints how to continue from it.
    """
    from graphml.update import TaskState
    from graphml.update.progress.history import refuse_unless_plottable
    from graphml.update.task.worker import save_result

    parameters = _settings(settings or [])
    if epochs is not None and "epochs" in parameters:
        raise typer.BadParameter("--epochs and --set epochs set the same value: give one of them")
    refuse_unwritable_model(output)
    if budget is not None:
        refuse_unless_seconds(budget, "--budget")
        if checkpoint_dir is None:
            raise UpdateError("--budget needs --checkpoint-dir, where the next run continues")
    if plot is not None:
        refuse_unwritable(plot, file, *([data] if data.is_file() else []))
        refuse_unless_plottable(plot)
    if nice and hasattr(os, "nice"):
        os.nice(nice)
    trained = training_model(file, data, labels=labels, layers=layers or (), recipe=recipe, epochs=epochs)
    if epochs is not None and not trained.own:
        parameters["epochs"] = epochs
    try:
        task = _train(
            trained,
            data,
            parameters,
            checkpoint_dir,
            budget,
            strict=not (free or trained.own),
            precision=precision.value,
            quiet=json_too or quiet,
        )
    except _Interrupted as stopped:
        print(_save_interrupted(stopped.task, checkpoint_dir, output), file=sys.stderr)
        raise typer.Exit(ExitStatus.INTERRUPTED) from None
    done = task.state is TaskState.COMPLETED
    if done:
        save_result(task, output, checkpoint_dir)
    elif task.checkpoint_error is not None:
        raise task.checkpoint_error
    if plot is not None:
        task.history.plot(plot)
    if task.history.diverged and not quiet:
        warn(_divergence(task))
    if json_too:
        _print_result_as_json(task, output if done else None)
    elif not quiet:
        print_line(_result(task, output) if done else _budget_used_up(task))
    if not done:
        raise typer.Exit(ExitStatus.BUDGET)


class _Interrupted(Exception):
    """Ctrl-C was pressed while a task was running; the task has ended."""

    def __init__(self, task: UpdateTask) -> None:
        self.task = task


def _train(
    trained: TrainingModel,
    data: Path,
    settings: dict[str, Any],
    directory: Path | None,
    budget: float | None,
    *,
    strict: bool,
    precision: Any,
    quiet: bool,
) -> UpdateTask:
    """Run the task until it ends or the budget is used up."""
    from graphml.models.configuration import ModelConfiguration
    from graphml.update import TaskState, UpdateTask
    from graphml.update.data.files import read_samples
    from graphml.update.task.worker import run_within, task_in

    how: dict[str, Any] = {"strict": strict, "precision": precision, "recipe": trained.recipe}
    if directory is None:
        samples = read_samples(data, trained.model.spec)
        task = UpdateTask(trained.model, samples, ModelConfiguration(parameters=settings), **how)
    else:
        task = task_in(directory, trained.model, data, settings, **how)
    if task.state is TaskState.SUSPENDED:
        with training_bar(task, trained.validation_fraction, quiet=quiet) as show:
            try:
                run_within(task, budget, show)
            except KeyboardInterrupt:
                raise _Interrupted(task) from None
            show()
    if task.error is not None and not task.cancelled:
        raise task.error
    return task


def _print_result_as_json(task: UpdateTask, written: Path | None) -> None:
    from graphml.update import MetricKey

    print_json(
        {
            "loss": task.metrics.get(MetricKey.LOSS_VALUE),
            "samples": task.sample_count,
            "completed": written is not None,
            "written": False if written is None else str(written),
            "diverged": task.history.diverged,
        }
    )


def _result(task: UpdateTask, output: Path) -> str:
    from graphml.update import MetricKey

    loss = task.metrics.get(MetricKey.LOSS_VALUE)
    count = "" if task.sample_count is None else f" with {task.sample_count} samples"
    return f"{'learned' if loss is None else f'loss {loss:.6g}'}{count}; written to {output}"


def _budget_used_up(task: UpdateTask) -> str:
    from graphml.update import MetricKey

    epoch = task.metrics.get(MetricKey.EPOCH_INDEX, 0) + 1
    return f"budget used up in epoch {epoch} of {task.epochs}; run the same command again to continue"


def _divergence(task: UpdateTask) -> str:
    """The message for training that increased the loss a lot; None otherwise."""
    first, last = task.history[0].loss, task.history[-1].loss
    rate = next((value for key, value in task.parameters.items() if key.name == "learning_rate"), None)
    than = "" if rate is None else f" than {rate:g}"
    return f"the training diverged: the loss rose from {first:.3g} to {last:.3g}; try a lower learning rate{than}"


def _save_interrupted(task: UpdateTask, directory: Path | None, output: Path) -> str:
    """Save a checkpoint of an interrupted update, and return the message that says where it is."""
    import tempfile
    import uuid

    if directory is not None and task.checkpoint_error is None:
        return "interrupted; run the same command again to continue from the checkpoint"
    reasons: list[str] = []
    for place in (output.with_suffix(".update"), Path(tempfile.gettempdir(), f"{output.stem}-{uuid.uuid4().hex}")):
        try:
            task.save_checkpoint(place)
        except GraphmlError as error:
            reasons.append(str(error))
        else:
            return f"interrupted; to continue from the checkpoint, add --checkpoint-dir {place} to the command"
    return f"interrupted; no checkpoint could be saved: {reasons[0]}"


def _settings(pairs: list[str]) -> dict[str, Any]:
    """Read the KEY=VALUE pairs of --set."""
    from graphml.update.data.files import from_json

    return {
        name: from_json(text, f"--set {name}={text[:40]}: the value must be a number, true or false")
        for name, text in split_pairs(pairs, "--set", "KEY=VALUE").items()
    }
