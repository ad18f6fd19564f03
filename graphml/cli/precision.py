"""graphml precision: what half precision does to a model."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from graphml.cli.app import (
    Format,
    FormatIsJson,
    FunctionName,
    GivenInputs,
    ModelFile,
    Quiet,
    ReportFile,
    ReportFormat,
    Seed,
    Tolerance,
    app,
    examples,
)
from graphml.cli.features import read_features
from graphml.cli.output import Row, deliver_report, print_table, print_wrapped, refuse_unwritable
from graphml.cli.status import ExitStatus

if TYPE_CHECKING:  # importing it needs JAX
    from graphml.inspect.precision import PrecisionReport


class HalfTypes(enum.StrEnum):
    """The possible meanings of half precision."""

    float16 = "float16"
    declared = "declared"


@app.command(
    short_help="Find what half precision breaks in a model.",
    epilog=examples(
        "graphml precision net.mlpackage", "graphml precision net.mlpackage --half float16 --format html -o net.html"
    ),
)
def precision(
    file: ModelFile,
    given: GivenInputs = None,
    half: Annotated[
        HalfTypes | None,
        typer.Option(help="types of floats; by default those that a program declares, float16 for networks"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="accumulate sums in half precision too")] = False,
    tolerance: Tolerance = 1e-2,
    outputs: Annotated[bool, typer.Option("--outputs", help="judge outputs only, not every operation")] = False,
    mend: Annotated[bool, typer.Option(help="search for the operations that must stay in float32")] = True,
    seed: Seed = 0,
    function: FunctionName = None,
    form: Format = ReportFormat.text,
    json_too: FormatIsJson = False,
    output: ReportFile = None,
    quiet: Quiet = False,
) -> None:
    """Run a model in float32 and in half precision and compare each operation (exit status 1 if it does not hold)."""
    from graphml.inspect.precision import precision as measure_precision
    from graphml.inspect.precision_page import as_page, conclusions
    from graphml.models import load

    if output is not None:
        refuse_unwritable(output, file)
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
    deliver_report(
        form=ReportFormat.json if json_too else form,
        show=lambda: _show(report),
        plain=report.as_dict,
        page=lambda: as_page(report, file.name),
        conclusions=conclusions(report),
        output=output,
        quiet=quiet,
    )
    if not report.holds:
        raise typer.Exit(ExitStatus.FAILED)


def _show(report: PrecisionReport) -> None:
    from graphml.inspect.precision_page import COLUMNS, cells, conclusions

    *columns, _ = COLUMNS
    right = columns[4:]
    rows: list[Row] = [
        (cells(number, row)[:-1], "dim" if row.is_given else "red" if row.fails(report.tolerance) else "")
        for number, row in enumerate(report.rows, 1)
    ]
    if not print_table(columns, rows, right=right) and not print_table(*_without_empty(columns, rows), right=right):
        for (number, operation, kind, dtype, *numbers), style in rows:
            print_wrapped(f"{number}  {operation}  {kind}  {dtype}", style=style)
            said = [f"{what} {text}" for what, text in zip(right, numbers, strict=True) if text]
            print_wrapped(", ".join(said), " " * (len(number) + 2), style=style)
    for number, row in enumerate(report.rows, 1):
        if row.note:
            print_wrapped(f"{number}: {row.note}")
    for line in conclusions(report):
        print_wrapped(line)


def _without_empty(columns: Sequence[str], rows: Sequence[Row]) -> tuple[list[str], list[Row]]:
    """A table without its empty columns."""
    used = [place for place in range(len(columns)) if any(cells[place] for cells, _ in rows)]
    return [columns[place] for place in used], [([cells[place] for place in used], style) for cells, style in rows]
