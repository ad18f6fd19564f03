"""graphml codegen: a typed Python module for one model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from graphml.cli.app import FunctionName, ModelFile, app, examples
from graphml.cli.output import refuse_unwritable, write


@app.command(
    short_help="Write a typed Python module for a model.", epilog=examples("graphml codegen net.mlmodel -o net.py")
)
def codegen(
    file: ModelFile,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the module to write; default: print it")
    ] = None,
    name: Annotated[str | None, typer.Option("--class-name", help="class name; default: the name of the file")] = None,
    function: FunctionName = None,
) -> None:
    """Write a Python module with typed inputs, outputs and methods for one model."""
    from graphml.inspect.codegen import generate

    if output is not None:
        refuse_unwritable(output, file)
    text = generate(file, name, function)
    if output is None:
        sys.stdout.write(text)
    else:
        write(output, text.encode())
