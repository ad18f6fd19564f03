"""graphml precision: what half precision does to a model."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from graphml.cli.app import AsJson, ModelFile, app
from graphml.cli.features import read_features
from graphml.cli.output import console, print_json, print_line, refuse_unwritable, write
from graphml.visible import visible

if TYPE_CHECKING:  # importing it needs JAX
    from graphml.inspect.precision import PrecisionReport


class HalfTypes(enum.StrEnum):
    """What half precision means."""

    float16 = "float16"
    declared = "declared"


@app.command()
def precision(
    file: ModelFile,
    given: Annotated[list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE")] = None,
    half: Annotated[
        HalfTypes | None,
        typer.Option(help="types of floats; by default those that a program declares, float16 for networks"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="accumulate sums in half precision, too")] = False,
    tolerance: Annotated[float, typer.Option(help="relative to the largest magnitude of each value")] = 1e-2,
    outputs: Annotated[bool, typer.Option("--outputs", help="judge outputs only, not every operation")] = False,
    mend: Annotated[bool, typer.Option(help="search for the operations that must stay in float32")] = True,
    seed: Annotated[int, typer.Option(help="of inputs that are drawn")] = 0,
    function: Annotated[str | None, typer.Option(help="function of a program")] = None,
    page: Annotated[Path | None, typer.Option("--html", help="write an HTML page with a plot to this file")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a model in float32 and in half precision and compare each operation (exit status 2 if it does not hold)."""
    from graphml.inspect.precision import precision as measure_precision
    from graphml.inspect.precision_page import as_page
    from graphml.models import load

    if page is not None:
        refuse_unwritable(page)
    model = load(file, function_name=function)
    report = measure_precision(
        model,
        read_features(model.description.inputs, given) if given else None,
        half=None if half is None else half.value,
        strict=strict,
        tolerance=tolerance,
        outputs_only=outputs,
        mend=mend,
        seed=seed,
    )
    if page is not None:
        write(page, as_page(report, file.name).encode())
    if as_json:
        print_json(report.as_dict(), indent=2)
    else:
        _show(report)
    if not report.holds:
        raise typer.Exit(2)


def _show(report: PrecisionReport) -> None:
    from graphml.inspect.precision_page import COLUMNS, cells, conclusions

    *columns, _ = COLUMNS
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=position > 2, justify="right" if position > 3 else "left")
    for number, row in enumerate(report.rows, 1):
        style = "dim" if row.is_given else "red" if row.fails(report.tolerance) else ""
        *texts, _ = cells(number, row)
        table.add_row(*(Text(visible(text), style=style) for text in texts))
    console.print(table)
    for number, row in enumerate(report.rows, 1):
        if row.note:
            print_line(f"{number}: {row.note}")
    for line in conclusions(report):
        print_line(line)
