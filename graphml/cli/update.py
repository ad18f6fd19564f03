"""graphml update: personalize a model with training data."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from graphml import spec
from graphml.cli.app import AsJson, ModelFile, app
from graphml.cli.features import split_pair
from graphml.cli.output import console, print_json, print_line, refuse_unwritable
from graphml.errors import GraphmlError, UpdateError, need
from graphml.spec.files import refuse_unwritable as refuse_unwritable_model


@app.command()
def update(
    file: ModelFile,
    data: Annotated[Path, typer.Option("--data", "-d", help="folder of images per class, or .jsonl, .csv, .npz file")],
    output: Annotated[Path, typer.Option("--output", "-o", help="where to write the updated model")],
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
    nice: Annotated[int, typer.Option("--nice", help="lower the priority of the process, 0 to 19")] = 0,
    precision: Annotated[str, typer.Option("--precision", help="float32 or bfloat16")] = "float32",
    plot: Annotated[Path | None, typer.Option("--plot", help="draw losses and metrics into this image file")] = None,
    as_json: AsJson = False,
) -> None:
    """Personalize an updatable model with training data and write the result.

    Ctrl-C saves a checkpoint and prints how to continue from it.
    """
    from graphml.update import MetricKey, TaskState
    from graphml.update.task.worker import save_result

    refuse_unwritable_model(output)
    if budget is not None and checkpoint_dir is None:
        raise UpdateError("--budget needs --checkpoint-dir, where the next run continues")
    if plot is not None:
        need("matplotlib", "plot")  # fail before training, not after it
        refuse_unwritable(plot)
    if nice and hasattr(os, "nice"):
        os.nice(nice)
    parameters = _settings(settings or [])
    try:
        task = _train(
            file, data, parameters, checkpoint_dir, budget, strict=not free, precision=precision, quiet=as_json
        )
    except _Interrupted as stopped:
        print(_save_interrupted(stopped.task, checkpoint_dir, output), file=sys.stderr)
        sys.exit(130)
    metrics = task.metrics
    loss = metrics.get(MetricKey.LOSS_VALUE)
    done = task.state is TaskState.COMPLETED
    if done:
        save_result(task, output, checkpoint_dir)
    elif task.checkpoint_error is not None:
        raise task.checkpoint_error
    if plot is not None:
        task.history.plot(plot)
    if as_json:
        print_json({"loss": loss, "samples": task.sample_count, "completed": done, "written": done and str(output)})
    elif done:
        count = "" if task.sample_count is None else f" with {task.sample_count} samples"
        said = "learned" if loss is None else f"loss {loss:.6g}"
        print_line(f"{said}{count}; written to {output}")
    else:
        epoch = metrics.get(MetricKey.EPOCH_INDEX, 0) + 1
        total = task.epochs
        print_line(f"budget used up in epoch {epoch} of {total}; run the same command again to continue")
    if not done:
        raise typer.Exit(3)


class _Interrupted(Exception):
    """Ctrl-C was pressed while a task was running; the task has ended."""

    def __init__(self, task: Any) -> None:
        self.task = task


def _train(
    file: Path,
    data: Path,
    settings: dict[str, Any],
    directory: Path | None,
    budget: float | None,
    *,
    strict: bool,
    precision: Any,
    quiet: bool,
) -> Any:
    """Run the task to its end, or until the budget is used up, with a progress bar of epochs."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from graphml.models.configuration import ModelConfiguration
    from graphml.update import MetricKey, TaskState, UpdateTask
    from graphml.update.data.files import read_samples
    from graphml.update.task.worker import run_within, task_in

    if directory is None:
        samples = read_samples(data, spec.read(file))
        task = UpdateTask(file, samples, ModelConfiguration(parameters=settings), strict=strict, precision=precision)
    else:
        task = task_in(directory, file, data, settings, strict=strict, precision=precision)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet) as progress:
        bar = progress.add_task("loss -", total=None)

        def show() -> None:
            metrics = task.metrics
            if metrics:
                loss = metrics.get(MetricKey.LOSS_VALUE)
                said = "learned" if loss is None else f"loss {loss:.4g}"
                progress.update(bar, completed=metrics[MetricKey.EPOCH_INDEX] + 1, total=task.epochs, description=said)

        if task.state is TaskState.SUSPENDED:
            try:
                run_within(task, budget, show)
            except KeyboardInterrupt:
                raise _Interrupted(task) from None
        show()
    if task.error is not None and not task.cancelled:
        raise task.error
    return task


def _save_interrupted(task: Any, directory: Path | None, output: Path) -> str:
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

    out: dict[str, Any] = {}
    for pair in pairs:
        name, text = split_pair(pair, "--set takes KEY=VALUE")
        out[name] = from_json(text, f"--set {pair[:40]}: the value must be a number, true or false")
    return out
