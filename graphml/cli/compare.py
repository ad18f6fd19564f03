"""graphml compare: where two networks first differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphml import spec
from graphml.cli.app import AsJson, app
from graphml.cli.features import read_features
from graphml.cli.output import print_json, print_line
from graphml.descriptions import describe_model


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="a network")],
    second: Annotated[Path, typer.Argument(help="another network, .mlmodel or .onnx")],
    given: Annotated[list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE")] = None,
    tolerance: Annotated[float, typer.Option(help="relative to the largest magnitude of each value")] = 1e-3,
    as_json: AsJson = False,
) -> None:
    """Run two networks on the same inputs and show where they first differ (exit status 2 if they do)."""
    from graphml.inspect.compare import compare as compare_models

    features = read_features(describe_model(spec.read(first)).inputs, given) if given else None
    found = compare_models(first, second, features, tolerance=tolerance)
    start = found.start
    if as_json:
        rows = [{"blob": d.first, "layer": d.layer, "error": d.error} for d in found.differences]
        print_json({"agree": found.agree, "first_difference": start and start.first, "values": rows})
    elif start is None:
        print_line(f"{len(found.differences)} values agree within {tolerance:g}")
    else:
        print_line(f"first difference: {start.first!r} {list(start.shape)}, {start.layer}")
        print_line(f"the error is {start.error:.3g} of its largest magnitude")
    if start is not None:
        raise typer.Exit(2)
