"""What commands print, and the files that they write."""

from __future__ import annotations

import contextlib
import enum
import io
import json
import math
import os
import sys
import textwrap
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from graphml.errors import GraphmlError, reason
from graphml.spec.files import probe, replace_file
from graphml.visible import harmless, visible, visible_lines


class _Output(Console):
    """Standard output."""

    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to `graphml.cli.status`; rich itself would exit with status 1."""
        raise BrokenPipeError


console = _Output(highlight=False)

# Lines and JSON ------------------------------------------------------------------------------------------------------


def print_line(text: str) -> None:
    """Print text that may contain names from a model file: brackets are not markup, control characters are escaped."""
    console.print(visible_lines(text), markup=False, soft_wrap=True)


def print_lines(lines: Iterable[str]) -> None:
    """Print each of some lines as `print_line` does."""
    for line in lines:
        print_line(line)


def print_wrapped(text: str, indent: str = "", hanging: str = "    ", style: str | None = None) -> None:
    """Print one line. In a terminal it is wrapped between words, with further lines indented by `hanging`."""
    text = indent + visible(text)
    if console.is_terminal and len(text) > console.width:
        text = textwrap.fill(
            text, console.width, subsequent_indent=indent + hanging, break_long_words=False, break_on_hyphens=False
        )
    console.print(text, markup=False, soft_wrap=True, style=style)


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON with non-ASCII text unescaped, except for terminal control characters.

    NaN and infinities, which JSON does not have, become null.
    """
    text = json.dumps(_with_nulls(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return "".join(c if c == "\n" or harmless(c) else json.dumps(c)[1:-1] for c in text)


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_nulls(inner) for name, inner in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(inner) for inner in cast("list[Any]", value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_json(value: Any, indent: int | None = None) -> None:
    """Print JSON as `as_json` writes it."""
    print(as_json(value, indent))


# Tables --------------------------------------------------------------------------------------------------------------

Row = tuple[Sequence[str], str]
"""The cells of a row, and its style."""


def print_table(columns: Sequence[str], rows: Iterable[Row], indent: str = "", right: Sequence[str] = ()) -> bool:
    """Print a table if its lines fit. Outside of a terminal every line fits, so names are not cut.

    Args:
        columns: The titles of the columns.
        rows: The rows. Cells may contain names from a model file.
        indent: The indentation of all lines.
        right: The right-aligned columns.

    Returns:
        Whether it was printed.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in right else "left")
    for cells, style in rows:
        table.add_row(*(Text(visible(cell), style=style) for cell in cells))
    endless = console.options.update(max_width=1 << 20)
    width = Measurement.get(console, endless, table).maximum
    if console.is_terminal and width + len(indent) > console.width:
        return False
    lines = io.StringIO()
    Console(file=lines, width=width, force_terminal=console.is_terminal).print(table)  # as wide as needed
    for line in lines.getvalue().splitlines():
        sys.stdout.write(f"{indent}{line.rstrip()}\n")
    return True


def captured(show: Callable[[], None]) -> str:
    """The text that a function prints, as it would be outside of a terminal."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        show()
    return text.getvalue()


# Reports -------------------------------------------------------------------------------------------------------------


class ReportFormat(enum.StrEnum):
    """Formats of reports."""

    text = "text"
    json = "json"
    html = "html"


def deliver(text: str, output: Path | None) -> None:
    """Write text to a file, or print it if there is none. The text is already escaped."""
    if output is None:
        sys.stdout.write(text)
    else:
        write(output, text.encode())


def deliver_report(
    *,
    form: ReportFormat,
    show: Callable[[], None],
    plain: Callable[[], Any],
    page: Callable[[], str],
    conclusions: Sequence[str],
    output: Path | None,
    quiet: bool,
) -> None:
    """Print a report or write it to a file.

    Args:
        form: Its format.
        show: Prints it as text.
        plain: Converts it to plain data.
        page: Converts it to HTML.
        conclusions: What is printed if the report is written to a file.
        output: The file.
        quiet: Whether nothing is printed.
    """
    if output is not None or not quiet:
        if form is ReportFormat.text and output is None:
            show()
            return
        made = {
            ReportFormat.text: lambda: captured(show),
            ReportFormat.json: lambda: as_json(plain(), indent=2) + "\n",
            ReportFormat.html: page,
        }
        deliver(made[form](), output)
    if output is not None and not quiet:
        print_lines([*conclusions, f"written to {output}"])


# Files ---------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn errors while a file is written into a GraphmlError that names the file."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise GraphmlError(f"{path} cannot be written: {reason(error)}") from None


def refuse_unwritable(path: Path, *read: Path) -> None:
    """Raise GraphmlError for a file that cannot be written, before anything is computed for it.

    Args:
        path: The file.
        read: The files or packages that the command reads, which must not be overwritten by its result.
    """
    with writing(path):
        _refuse_inside(path, read)
        if not _is_special(path):
            if path.is_dir():
                raise OSError("it is a folder")
            probe(Path(os.path.realpath(path)))


def write(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    with writing(path):
        if _is_special(path):
            path.write_bytes(data)
        else:
            replace_file(Path(os.path.realpath(path)), data)  # a symbolic link stays a link


def _is_special(path: Path) -> bool:
    """Whether this is a device or a pipe, such as /dev/stdout, which is written to instead of replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _refuse_inside(path: Path, read: Iterable[Path]) -> None:
    for source in read:
        if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(source)):
            raise OSError(f"it belongs to {source}, which is read")


def refuse_unwritable_folder(folder: Path, *read: Path) -> None:
    """Raise GraphmlError for a folder that cannot be created or written to; see `refuse_unwritable`."""
    with writing(folder):
        _refuse_inside(folder, read)
        there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
        if not there.is_dir():
            raise OSError("it is not a folder" if there == folder else f"{there} is not a folder")
        probe(there / "file")
