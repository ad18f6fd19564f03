"""The application to which each command adds itself, and the arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Core ML models anywhere JAX runs.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

ModelFile = Annotated[Path, typer.Argument(metavar="FILE", help="a .mlmodel file or .mlpackage folder")]
FunctionName = Annotated[
    str | None,
    typer.Option("--function", metavar="NAME", help="the function of an ML Program; default: its default one"),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="show tracebacks")] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="compile anew, and keep nothing for the next run")
    ] = False,
) -> None:
    """Core ML models anywhere JAX runs."""
