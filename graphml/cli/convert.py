"""graphml convert: convert a model of another framework to Core ML. graphml export: convert a model to ONNX."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphml.cli.app import AsJson, FunctionName, ModelFile, Quiet, Seed, app, examples, not_negative
from graphml.cli.features import split_pairs
from graphml.cli.output import print_json, print_line, print_lines, refuse_unwritable, write
from graphml.cli.status import ExitStatus
from graphml.convert.request import Color, Flexible, ImageInput, Input
from graphml.spec.files import refuse_unwritable as refuse_unwritable_model

if TYPE_CHECKING:  # importing it needs JAX
    from graphml.convert.report import Explanation, OutputCheck

_COLORS: Mapping[str, Color] = {"RGB": "RGB", "BGR": "BGR", "GRAYSCALE": "GRAYSCALE"}


class ConversionTarget(enum.StrEnum):
    """Kinds of results."""

    neuralnetwork = "neuralnetwork"
    mlprogram = "mlprogram"


class ProgramPrecision(enum.StrEnum):
    """Types of the floats of an ML Program."""

    float32 = "float32"
    float16 = "float16"


@app.command(
    short_help="Convert a model of another framework to Core ML.",
    epilog=examples("graphml convert net.onnx -o net.mlmodel", "graphml convert net.onnx --explain"),
)
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="a file (.onnx, .pt, .pt2, .pb, .keras, .h5, .json, .ubj, .txt) or the folder of a SavedModel",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the .mlmodel file or .mlpackage folder to write")
    ] = None,
    to: Annotated[ConversionTarget, typer.Option(help="the kind of the result")] = ConversionTarget.neuralnetwork,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="NAME=SHAPE",
            help="such as x=1,3,224,224; ids=1,1..512:int32 (a range, a type); x=1,3,224|320,224|320 (some sizes)",
        ),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--image",
            metavar="NAME=COLOR,SCALE,BIAS",
            help="make this input an image: RGB, BGR or GRAYSCALE; pixels * SCALE + BIAS, which has one value or three",
        ),
    ] = None,
    names: Annotated[list[str] | None, typer.Option("--output-name", help="a name for each output, in order")] = None,
    labels: Annotated[Path | None, typer.Option(help="class labels: a text file with one on each line")] = None,
    precision: Annotated[ProgramPrecision, typer.Option(help="of an ML Program")] = ProgramPrecision.float32,
    trainable: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="layers or weights to train on a device, such as fc*")
    ] = None,
    respect_trainable: Annotated[
        bool, typer.Option("--respect-trainable", help="train what is trainable in the source")
    ] = False,
    check: Annotated[bool, typer.Option(help="compare the result with the source")] = True,
    tolerance: Annotated[
        float | None,
        typer.Option(callback=not_negative, help="relative to the largest value of each output [default: 0.001]"),
    ] = None,
    seed: Seed = 0,
    signature: Annotated[str | None, typer.Option(help="which signature of a SavedModel")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="say what would be done, and write nothing")] = False,
    json_too: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Convert a model of another framework to Core ML, and compare the result with it."""
    from graphml.convert import door

    inputs = _inputs(given or [], images or [])
    trained = list(trainable) if trainable else None
    if explain:
        explanation = door.explain(
            source,
            inputs,
            to=to.value,
            trainable=trained,
            respect_trainable=respect_trainable,
            signature=signature,
        )
        _show_explanation(explanation, json_too=json_too, quiet=quiet)
        return
    if output is None:
        raise typer.BadParameter(
            "-o names the file to write: a .mlmodel file or a .mlpackage folder (or use --explain)"
        )
    wanted = ".mlpackage" if to is ConversionTarget.mlprogram else ".mlmodel"
    if output.suffix not in (wanted, ".mlpackage"):
        raise typer.BadParameter(f"--to {to.value} writes a {wanted}, got {output.name}")
    refuse_unwritable_model(output)
    model = door.convert(
        source,
        inputs,
        to=to.value,
        outputs=names or (),
        class_labels=labels,
        precision=precision.value,
        trainable=trained,
        respect_trainable=respect_trainable,
        check=check,
        tolerance=tolerance,
        seed=seed,
        signature=signature,
    )
    model.save(output)
    done = model.conversion
    if json_too:
        facts = {"source": done.source, "to": done.to, "by": done.by, "notes": done.notes, "trainable": done.trainable}
        print_json({**facts, "errors": _errors(done.check.outputs if done.check else ())})
    elif not quiet:
        print_lines([str(done), f"written to {output}"])


def _show_explanation(found: Explanation, *, json_too: bool, quiet: bool) -> None:
    """Print what would be done. The command fails if the source cannot be converted."""
    if json_too:
        rows = [
            {"operator": use.operator, "count": use.count, "becomes": use.becomes, "unsupported": use.unsupported}
            for use in found.operators
        ]
        inputs = {name: str(one) for name, one in found.inputs.items()}
        print_json({"source": found.source, "inputs": inputs, "operators": rows, "trainable": found.trainable})
    elif not quiet:
        print_line(str(found))
    if found.unsupported:
        raise typer.Exit(ExitStatus.FAILED)


def _errors(outputs: Iterable[OutputCheck]) -> dict[str, float]:
    return {one.output: one.error for one in outputs}


@app.command("export", short_help="Write a model as ONNX.", epilog=examples("graphml export net.mlmodel -o net.onnx"))
def export_model(
    file: ModelFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="the .onnx file to write")],
    function: FunctionName = None,
    check: Annotated[bool, typer.Option(help="compare the result with the model")] = True,
    tolerance: Annotated[
        float, typer.Option(callback=not_negative, help="relative to the largest value of each output")
    ] = 1e-3,
    seed: Seed = 0,
    json_too: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a neural network or ML Program as an ONNX model, and compare the two."""
    from graphml.convert.export import export
    from graphml.models import load

    if output.suffix != ".onnx":
        raise typer.BadParameter(f"export writes .onnx files, got {output.name}")
    refuse_unwritable(output, file)
    exported = export(load(file, function_name=function), check=check, tolerance=tolerance, seed=seed)
    write(output, exported.model.SerializeToString())
    if json_too:
        nodes, errors = len(exported.model.graph.node), _errors(exported.outputs)
        print_json({"by": exported.by, "nodes": nodes, "errors": errors, "fixed": exported.fixed})
    elif not quiet:
        print_lines([str(exported), f"written to {output}"])


def _inputs(given: list[str], images: list[str]) -> dict[str, Input] | None:
    """The inputs that the options describe."""
    found: dict[str, Input] = {}
    for name, text in split_pairs(given, "-i", "NAME=SHAPE").items():
        sizes, _, dtype = text.partition(":")
        found[name] = Input(tuple(_axis(size) for size in sizes.split(",") if size), dtype or None)
    form = "NAME=COLOR,SCALE,BIAS"
    for name, text in split_pairs(images, "--image", form).items():
        pair, (color, *numbers) = f"{name}={text}", text.split(",")
        try:
            scale, *bias = [float(number) for number in numbers] or [1.0]
        except ValueError:
            raise typer.BadParameter(f"--image takes {form} with numbers, got {pair!r}") from None
        if color not in _COLORS or len(bias) not in (0, 1, 3):
            raise typer.BadParameter(f"--image takes a color of {', '.join(_COLORS)} and 1 or 3 biases, got {pair!r}")
        one = found.get(name, Input())
        added = tuple(bias) if len(bias) > 1 else bias[0] if bias else 0.0
        found[name] = ImageInput(one.shape, one.dtype, None, scale, added, _COLORS[color])
    return found or None


def _axis(text: str) -> int | Flexible:
    """A size: a number, low..high, or a|b|c."""
    try:
        if ".." in text:
            low, _, high = text.partition("..")
            return Flexible(int(low or 1), int(high) if high else None)
        if "|" in text:
            return Flexible(sizes=tuple(int(size) for size in text.split("|")))
        return int(text)
    except ValueError:
        raise typer.BadParameter(
            f"a size is a number, a range such as 1..512, or sizes such as 224|320, got {text!r}"
        ) from None
