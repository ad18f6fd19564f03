"""graphml compare: where two models first differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphml import spec
from graphml.cli.app import (
    Format,
    FormatIsJson,
    FunctionName,
    GivenInputs,
    Quiet,
    ReportFile,
    ReportFormat,
    Seed,
    Tolerance,
    app,
    examples,
)
from graphml.cli.features import read_features
from graphml.cli.output import deliver_report, print_lines, refuse_unwritable
from graphml.cli.status import ExitStatus
from graphml.descriptions import describe_model

if TYPE_CHECKING:  # importing it needs JAX
    from graphml.inspect.compare import Comparison


@app.command(
    short_help="Find the first value in which two models differ.",
    epilog=examples("graphml compare net.mlpackage net.onnx --tolerance 0.01"),
)
def compare(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="a model")],
    second: Annotated[
        Path, typer.Argument(metavar="SECOND", help="another model, .onnx, .pt2 or .pt of torch, or outputs as .npz")
    ],
    given: GivenInputs = None,
    tolerance: Tolerance = 1e-3,
    seed: Seed = 0,
    function: FunctionName = None,
    second_function: Annotated[
        str | None, typer.Option("--second-function", metavar="NAME", help="the function of the second model")
    ] = None,
    all_shapes: Annotated[
        bool,
        typer.Option("--all-shapes", help="draw inputs of every enumerated shape; default: of 4, small ones first"),
    ] = False,
    pixels: Annotated[
        bool, typer.Option("--pixels", help="give SECOND images as pixels 0 to 255, also where FIRST scales them")
    ] = False,
    form: Format = ReportFormat.text,
    json_too: FormatIsJson = False,
    output: ReportFile = None,
    quiet: Quiet = False,
) -> None:
    """Run two models on the same inputs and show where they first differ (exit status 1 if they do).

    Values are matched by name. Outputs of different names are matched by shape; of several with one shape, those that
    agree best. Values inside are compared if both are neural networks, ML Programs or ONNX graphs, otherwise outputs.
    """
    from graphml.inspect.compare import MOST_SHAPES
    from graphml.inspect.compare import compare as compare_models
    from graphml.inspect.compare_page import as_page, conclusions

    if output is not None:
        refuse_unwritable(output, first, second)
    message = spec.read(first)
    features = read_features(describe_model(message, function).inputs, given) if given else None
    found = compare_models(
        first,
        second,
        features,
        tolerance=tolerance,
        seed=seed,
        function_name=function,
        second_function_name=second_function,
        most_shapes=None if all_shapes else MOST_SHAPES,
        pixels=pixels,
    )
    deliver_report(
        form=ReportFormat.json if json_too else form,
        show=lambda: print_lines(conclusions(found)),
        plain=lambda: _plain(found),
        page=lambda: as_page(found, first.name, second.name),
        conclusions=conclusions(found),
        output=output,
        quiet=quiet,
    )
    if found.start is not None:
        raise typer.Exit(ExitStatus.FAILED)


def _plain(found: Comparison) -> dict[str, Any]:
    """A comparison as plain data."""
    start = found.start
    rows = [
        {
            "blob": one.first,
            "other": one.second,
            "layer": one.layer,
            "error": one.error,
            "matched_by": one.matched,
            "finite": one.finite,
        }
        for one in found.differences
    ]
    tried = {"shapes": found.shapes, "declared_shapes": found.declared_shapes}
    return {"agree": found.agree, "first_difference": start and start.first, **tried, "values": rows}
