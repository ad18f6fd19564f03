"""graphml compare: where two models first differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphml import spec
from graphml.cli.app import AsJson, FunctionName, app
from graphml.cli.features import read_features
from graphml.cli.output import print_json, print_line
from graphml.descriptions import describe_model
from graphml.visible import visible


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="a model")],
    second: Annotated[Path, typer.Argument(help="another model, .onnx, .pt2 or .pt of torch, or outputs as .npz")],
    given: Annotated[list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE")] = None,
    tolerance: Annotated[float, typer.Option(help="relative to the largest magnitude of each value")] = 1e-3,
    seed: Annotated[int, typer.Option(help="seed of random inputs and random layers")] = 0,
    function: FunctionName = None,
    second_function: Annotated[
        str | None, typer.Option("--second-function", metavar="NAME", help="the function of the second model")
    ] = None,
    all_shapes: Annotated[
        bool,
        typer.Option("--all-shapes", help="draw inputs of every enumerated shape; default: of 4, small ones first"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run two models on the same inputs and show where they first differ (exit status 2 if they do).

    Values are matched by name. Outputs of different names are matched by shape; of several with one shape, those that
    agree best. Values inside are compared if both are neural networks, ML Programs or ONNX graphs, otherwise outputs.
    """
    from graphml.inspect.compare import MOST_SHAPES
    from graphml.inspect.compare import compare as compare_models

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
    )
    start = found.start
    if as_json:
        rows = [
            {"blob": d.first, "other": d.second, "layer": d.layer, "error": d.error, "matched_by": d.matched}
            for d in found.differences
        ]
        tried = {"shapes": found.shapes, "declared_shapes": found.declared_shapes}
        print_json({"agree": found.agree, "first_difference": start and start.first, **tried, "values": rows})
    else:
        if found.shapes < found.declared_shapes:
            print_line(f"{found.shapes} of {found.declared_shapes} enumerated shapes were tried; see --all-shapes")
        for d in found.differences:
            if d.matched != "name":
                print_line(f"{visible(d.first)} was compared with {visible(d.second)}, matched by {d.matched}")
        if start is None:
            worst = max(d.error for d in found.differences)
            print_line(f"{len(found.differences)} values agree within {tolerance:g}; the largest error is {worst:.3g}")
        else:
            print_line(f"first difference: {start.first!r} {list(start.shape)}, {start.layer}")
            print_line(f"the error is {start.error:.3g} of its largest magnitude")
    if start is not None:
        raise typer.Exit(2)
