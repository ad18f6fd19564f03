"""The command line: inspect, predict, update. JAX is imported only by commands that compute."""

from __future__ import annotations

import contextlib
import enum
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from graphml.errors import FeatureError, GraphmlError, UnsupportedError, UpdateError, need, with_article

typer = need("typer", "cli")
need("rich", "cli")

from rich.console import Console  # noqa: E402  (after the message about the missing extra)
from rich.table import Table  # noqa: E402
from rich.text import Text  # noqa: E402

from graphml import spec  # noqa: E402
from graphml.inspect.summary import summarize  # noqa: E402
from graphml.inspect.viewer import rows, walk  # noqa: E402
from graphml.spec.files import open_regular, probe, refuse_unwritable, replace_file  # noqa: E402
from graphml.visible import harmless, visible, visible_lines  # noqa: E402

app = typer.Typer(
    help="Core ML models anywhere JAX runs.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
console = Console(highlight=False)

ModelFile = Annotated[Path, typer.Argument(metavar="FILE", help="a .mlmodel file or .mlpackage folder")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]


def main() -> None:
    """Run the command line; errors end in one message and exit status 1 (--debug shows the traceback)."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(args=arguments)
    except GraphmlError as error:
        if debug:
            raise
        Console(stderr=True, highlight=False).print(f"[bold red]{type(error).__name__}[/]: ", end="")
        print(error, file=sys.stderr)
        sys.exit(1)


@app.callback()
def _options(debug: Annotated[bool, typer.Option("--debug", help="show tracebacks")] = False) -> None:
    """Core ML models anywhere JAX runs."""


class Drawing(enum.StrEnum):
    """Forms of a drawing."""

    text = "text"
    dot = "dot"
    html = "html"


# inspect -------------------------------------------------------------------------------------------------------------


@app.command()
def inspect(
    file: ModelFile,
    shapes: Annotated[bool, typer.Option("--shapes", help="trace the network and show the shape of each blob")] = False,
    code: Annotated[bool, typer.Option("--code", help="print a network as straight-line code with shapes")] = False,
    flow: Annotated[
        bool, typer.Option("--flow", help="show branches, loops, compiled stages and what decides shapes")
    ] = False,
    form: Annotated[Drawing, typer.Option("--format", help="of --flow")] = Drawing.text,
    as_json: AsJson = False,
) -> None:
    """Show what a model is: interface, layers, weights, update recipe."""
    model = spec.read(file)
    if flow:
        print(_flow(file, form), end="")  # escaped where it is drawn
        return
    if code:
        _line(_code(file))
        return
    summary = summarize(model)
    if shapes:
        found = _blob_shapes(file)
        for layer in summary.get("layers", []):
            layer["shapes"] = {name: list(found[name]) for name in layer["outputs"] if name in found}
    if as_json:
        _json(summary, indent=2)
    else:
        _show(summary, str(file))


def _network(file: Path):
    from graphml.models import load
    from graphml.models.network import NeuralNetwork

    model = load(file)
    if not isinstance(model, NeuralNetwork):
        raise UnsupportedError(f"only neural networks have layers and blobs; this is {with_article(model.kind)}")
    return model


def _blob_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every blob for inputs of their default shapes, traced without computing anything."""
    import jax
    import numpy as np

    lowered = _network(file).lower()
    inputs = lowered.interface.declared_inputs(np.float32)
    for name in lowered.graph.inputs:
        if name not in inputs:
            raise FeatureError(f"the input {name!r} declares no shape to trace with")
    key = jax.eval_shape(lambda: jax.random.key(0))
    blobs = jax.eval_shape(lambda p, x, k: lowered.intermediates(p, x, key=k), lowered.params, inputs, key)
    return {name: blob.shape for name, blob in blobs.items()}


def _code(file: Path) -> str:
    from graphml.inspect.code import listing

    try:
        shapes = _blob_shapes(file)
    except GraphmlError:  # the code of a network that cannot run, or declares no shapes, is worth reading too
        shapes = None
    model = _network(file)
    return listing(model.graph, model.interface, shapes)


def _flow(file: Path, form: Drawing) -> str:
    from graphml.inspect import flow

    steps = flow.flow(_network(file).lower())
    if form is Drawing.text:
        return flow.as_text(steps) + "\n"
    return (flow.as_dot if form is Drawing.dot else flow.as_html)(steps, file.name)


def _show(summary: dict[str, Any], title: str, indent: int = 0) -> None:
    pad = "  " * indent
    console.print(pad, Text(visible(title), style="bold"), sep="", soft_wrap=True)
    updatable = ", updatable" if summary["updatable"] else ""
    _line(f"{pad}{summary['kind']}, specification {summary['specification_version']}{updatable}")
    for group, name, text in rows(summary):
        if group == "model" and name in ("kind", "specification", "updatable"):
            continue  # they make up the line above
        feature = group in ("input", "output", "training input", "state")
        said = f"{group}  {visible(name)}: " if feature else f"{visible(name)}  "
        below = f"\n{pad}    "  # where the lines of a long text begin
        _line(f"{pad}{said}{below.join(map(visible, text.splitlines()))}")
    if "class_labels" in summary:
        labels = [visible(str(label)) for label in summary["class_labels"]]
        _line(f"{pad}classes  {len(labels)}: {', '.join(labels[:8])}{' ...' if len(labels) > 8 else ''}")
    if "layers" in summary:
        console.print(_layer_table(summary["layers"]))
    for stage in summary.get("stages", []):
        _show(stage, f"stage {stage['name']}", indent + 1)


def _line(text: str) -> None:
    """Text that may hold names and labels of the file: brackets in it are not markup, and nothing steers the
    terminal."""
    console.print(visible_lines(text), markup=False, soft_wrap=True)


def _json(value: Any, indent: int | None = None) -> None:
    """JSON as people read it, in which what would steer a terminal is escaped, as JSON does it."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    print("".join(c if c == "\n" or harmless(c) else json.dumps(c)[1:-1] for c in text))


def _layer_table(layers: list[dict[str, Any]]) -> Table:
    with_shapes = any("shapes" in layer for layer in layers)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("#", "layer", "kind", "inputs", "outputs", *(["shape"] if with_shapes else []), "weights"):
        table.add_column(column, overflow="fold")
    for depth, layer in walk(layers):
        shape = [" ".join(str(s) for s in layer.get("shapes", {}).values())] if with_shapes else []
        weights = [f"{name} {w['shape'] or ''} {w['storage']}" for name, w in layer.get("weights", {}).items()]
        mark = " (updatable)" if layer.get("updatable") else ""
        cells = [str(layer["number"]), "  " * depth + layer["name"] + mark, str(layer["kind"])]
        cells += [", ".join(layer["inputs"]), ", ".join(layer["outputs"]), *shape, ", ".join(weights)]
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


@app.command()
def codegen(
    file: ModelFile,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="the module; without it, print")] = None,
    name: Annotated[str | None, typer.Option("--class-name", help="instead of the name of the file")] = None,
) -> None:
    """Write a Python module with typed inputs, outputs and methods for one model."""
    from graphml.inspect.codegen import generate

    if output is not None:
        _refuse_unwritable(output)
    text = generate(file, name)
    if output is None:
        sys.stdout.write(text)
    else:
        _write(output, text.encode())


# Files that commands write -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What goes wrong while a file is written, as an error of ours that names it."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise GraphmlError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def _refuse_unwritable(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is computed for it."""
    with _writing(path):
        if not _is_special(path):
            if path.is_dir():
                raise OSError("it is a folder")
            probe(Path(os.path.realpath(path)))


def _write(path: Path, data: bytes) -> None:
    """Write a file, all of it or nothing."""
    with _writing(path):
        if _is_special(path):
            path.write_bytes(data)
        else:
            replace_file(Path(os.path.realpath(path)), data)  # a link stays


def _is_special(path: Path) -> bool:
    """Whether this is a device or a pipe, as /dev/stdout may be: it is written to, not replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _refuse_unwritable_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made, or in which nothing can be written, before anything is computed for it."""
    with _writing(folder):
        there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
        if not there.is_dir():
            raise OSError("it is not a folder" if there == folder else f"{there} is not a folder")
        probe(there / "file")


# predict -------------------------------------------------------------------------------------------------------------


@app.command()
def predict(
    file: ModelFile,
    given: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=VALUE", help="a number, text, JSON, image or .npy file"),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="folder for arrays and images")] = None,
    seed: Annotated[int | None, typer.Option(help="of random layers; without it, each run draws anew")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a model once."""
    from graphml.models import load

    if output is not None:
        _refuse_unwritable_folder(output)
    model = load(file)
    key = {}
    if seed is not None and model.draws():
        import jax

        key = {"key": jax.random.key(seed)}
    result = model.predict(_features(model.spec.description.input, given or []), **key)
    if output is not None:
        with _writing(output):
            output.mkdir(parents=True, exist_ok=True)
    shown = {name: _shown(name, value, output) for name, value in result.items()}
    if as_json:
        _json(shown)
        return
    for name, value in shown.items():
        if isinstance(value, dict):
            best = sorted(value.items(), key=lambda item: -item[1])[:5]
            value = "  ".join(f"{label}: {probability:.4g}" for label, probability in best)
        _line(visible(f"{name}  {value}"))


def _features(declared, given: list[str]) -> dict[str, Any]:
    """NAME=VALUE pairs as features; how a value is read depends on what the model declares."""
    types = {feature.name: feature.type for feature in declared}
    out: dict[str, Any] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals:
            raise FeatureError(f"-i takes NAME=VALUE, not {pair!r}")
        out[name] = _feature(types[name].WhichOneof("Type") if name in types else None, name, text)
    return out


def _feature(kind: str | None, name: str, text: str) -> Any:
    from graphml.update.data.files import from_json, read_array

    if kind == "stringType":
        return text
    if text.endswith(".npy"):
        try:
            return read_array(text)
        except FeatureError as error:
            raise error.in_context(f"the input {name!r}") from None
    if kind == "imageType":
        return text
    try:
        return from_json(text, f"{name}={text[:40]} is neither JSON nor a .npy file")
    except FeatureError:
        if kind is None:
            return text
        raise


def _shown(name: str, value: Any, folder: Path | None) -> Any:
    """An output as JSON can hold it; arrays and images go to `folder` when there is one."""
    import numpy as np

    if hasattr(value, "save") and hasattr(value, "size"):
        if folder is None:
            return f"image {value.size[0]} x {value.size[1]} (give --output FOLDER to keep it)"
        kind = "TIFF" if value.mode == "F" else "PNG"  # a PNG holds no floats
        path, data = folder / f"{_file_name(name)}.{kind.lower()}", io.BytesIO()
        value.save(data, format=kind)
        _write(path, data.getvalue())
        return str(path)
    if isinstance(value, np.ndarray):
        if folder is None:
            return value.tolist()
        path, data = folder / f"{_file_name(name)}.npy", io.BytesIO()
        np.save(data, value, allow_pickle=False)
        _write(path, data.getvalue())
        return str(path)
    return value


@app.command()
def qa(
    text_file: Annotated[Path, typer.Argument(metavar="TEXT_FILE", help="the text, in UTF-8")],
    question: Annotated[str, typer.Argument()],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="a network with start_logits and end_logits; or a BERT: its folder, or its name on the hub",
        ),
    ],
    vocabulary: Annotated[
        Path | None,
        typer.Option("--vocabulary", help="tokenizer.json or vocab.txt; without it, the one beside the model"),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="how many answers")] = 1,
    threshold: Annotated[float, typer.Option(help="answers of less confidence are left out")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Answer a question from a text (exit status 2: the text does not say)."""
    from dataclasses import asdict

    from graphml.interop.qa import answers, load

    try:
        with open_regular(text_file) as file:
            text = file.read().decode("utf-8")
    except (OSError, ValueError) as error:
        raise FeatureError(f"{text_file} cannot be read as text: {error}") from None
    network, tokenizer = load(model, vocabulary=vocabulary)
    found = answers(network, tokenizer, text, question, count=count, threshold=threshold)
    if as_json:
        _json([asdict(answer) for answer in found])
    else:
        for answer in found:
            _line(f"{answer.confidence:.3f}  {visible(answer.text)}  (characters {answer.start} to {answer.end})")
        if not found:
            _line("the text does not say")
    if not found:
        raise typer.Exit(2)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="a network")],
    second: Annotated[Path, typer.Argument(help="another one, .mlmodel or .onnx")],
    given: Annotated[list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE")] = None,
    tolerance: Annotated[float, typer.Option(help="relative to the largest number of each value")] = 1e-3,
    as_json: AsJson = False,
) -> None:
    """Run two networks on the same inputs and show where they first differ (exit status 2 if they do)."""
    from graphml.inspect.compare import compare as compare_models

    features = _features(spec.read(first).description.input, given) if given else None
    found = compare_models(first, second, features, tolerance=tolerance)
    start = found.start
    if as_json:
        rows = [{"blob": d.first, "layer": d.layer, "error": d.error} for d in found.differences]
        _json({"agree": found.agree, "first_difference": start and start.first, "values": rows})
    elif start is None:
        _line(f"{len(found.differences)} values agree within {tolerance:g}")
    else:
        _line(f"first difference: {start.first!r} {list(start.shape)}, {start.layer}")
        _line(f"by {start.error:.3g} of its largest number")
    if start is not None:
        raise typer.Exit(2)


def _file_name(name: str) -> str:
    """A feature's name as a file name that stays inside its folder."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name).lstrip(".") or "output"


# update --------------------------------------------------------------------------------------------------------------


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
        Path | None, typer.Option("--checkpoint-dir", help="keep checkpoints here; the same command goes on with them")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="SECONDS", help="stop after so long (exit status 3)")
    ] = None,
    nice: Annotated[int, typer.Option("--nice", help="give way to other processes, 0 to 19")] = 0,
    precision: Annotated[str, typer.Option("--precision", help="float32 or bfloat16")] = "float32",
    plot: Annotated[Path | None, typer.Option("--plot", help="draw losses and metrics into this image file")] = None,
    as_json: AsJson = False,
) -> None:
    """Personalize an updatable model with training data and write the result.

    Ctrl-C keeps a checkpoint and says how to go on with it.
    """
    from graphml.update import MetricKey, TaskState
    from graphml.update.task.background import save_result

    refuse_unwritable(output)
    if budget is not None and checkpoint_dir is None:
        raise UpdateError("--budget needs --checkpoint-dir, where the next run finds what this one has done")
    if plot is not None:
        need("matplotlib", "plot")  # better now than when all is learned
        _refuse_unwritable(plot)
    if nice and hasattr(os, "nice"):
        os.nice(nice)
    settings_ = _settings(settings or [])
    try:
        task = _train(
            file, data, settings_, checkpoint_dir, budget, strict=not free, precision=precision, quiet=as_json
        )
    except _Interrupted as stopped:
        print(_kept(stopped.task, checkpoint_dir, output), file=sys.stderr)
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
        _json({"loss": loss, "samples": task.sample_count, "completed": done, "written": done and str(output)})
    elif done:
        count = "" if task.sample_count is None else f" with {task.sample_count} samples"
        said = "learned" if loss is None else f"loss {loss:.6g}"
        _line(f"{said}{count}; written to {output}")
    else:
        epoch = metrics.get(MetricKey.EPOCH_INDEX, 0) + 1
        total = task.epochs
        _line(f"the budget is used up in epoch {epoch} of {total}; the same command goes on")
    if not done:
        raise typer.Exit(3)


class _Interrupted(Exception):
    """Ctrl-C while a task was at work; the task is over now."""

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
    """The task at its end, or at the end of the budget, with a bar that counts epochs."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from graphml.models.configuration import ModelConfiguration
    from graphml.update import MetricKey, TaskState, UpdateTask
    from graphml.update.data.files import read_samples
    from graphml.update.task.background import run_within, task_in

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


def _kept(task: Any, directory: Path | None, output: Path) -> str:
    """What to tell whoever has interrupted an update, after what it has done was kept."""
    import tempfile
    import uuid

    if directory is not None and task.checkpoint_error is None:
        return "interrupted; the same command goes on from the checkpoint"
    reasons = []
    for place in (output.with_suffix(".update"), Path(tempfile.gettempdir(), f"{output.stem}-{uuid.uuid4().hex}")):
        try:
            task.save_checkpoint(place)
        except GraphmlError as error:
            reasons.append(str(error))
        else:
            return f"interrupted; to go on from the checkpoint, add --checkpoint-dir {place} to the command"
    return f"interrupted; nothing was kept: {reasons[0]}"


def _settings(pairs: list[str]) -> dict[str, Any]:
    from graphml.update.data.files import from_json

    out: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise FeatureError(f"--set takes KEY=VALUE, not {pair!r}")
        out[name] = from_json(text, f"--set {pair[:40]}: the value is a number, true or false")
    return out
