"""The application with which each command registers itself, and arguments that several commands share."""

# typer bundles click or uses that of the environment, depending on its version, so the context has no single type
from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from graphml import __version__
from graphml.cli.output import ReportFormat
from graphml.cli.status import ClosedPipe

_ORDER = ("inspect", "predict", "update", "convert", "export", "compare", "precision", "qa", "codegen")


class CommandGroup(TyperGroup):
    """Lists the commands in the order of use. A closed pipe is not an error of the command."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands, in the order of the help."""
        return sorted(super().list_commands(ctx), key=_ORDER.index)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments; `graphml` and `graphml help` are `graphml --help`."""
        return super().parse_args(ctx, ["--help"] if args in ([], ["help"]) else args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command, which is named first; if a file is named instead, the message says what to write."""
        if args[:1] == ["help"] and len(args) > 1:  # as in other programs; for `help` alone see `parse_args`
            args = [args[1], "--help"]
        first = args[0] if args else ""
        if first not in self.commands and Path(first).suffix in (".mlmodel", ".mlpackage", ".mlmodelc"):
            ctx.fail(f"a command must come before the file: graphml inspect {first}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Typer itself would exit with status 1 if a pipe is closed."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ClosedPipe from None


def examples(*commands: str) -> str:
    """The end of a help text; \\b keeps its line breaks."""
    return "\n".join(("\b", "Example:" if len(commands) == 1 else "Examples:", *(f"  {one}" for one in commands)))


app = typer.Typer(
    cls=CommandGroup,
    help="Core ML models anywhere JAX runs.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # whose help truncates options and breaks words in terminals of 80 columns
    context_settings={"max_content_width": 120, "help_option_names": ["-h", "--help"]},
    epilog=examples("graphml inspect net.mlmodel", "graphml predict net.mlmodel -i image=photo.jpg"),
)


def not_negative(value: float | None) -> float | None:
    """The value of an option.

    Raises:
        typer.BadParameter: It is negative, or not a number.
    """
    if value is not None and not value >= 0:
        raise typer.BadParameter(f"{value:g} is not a number of at least 0")
    return value


ModelFile = Annotated[Path, typer.Argument(metavar="FILE", help="a .mlmodel file or .mlpackage folder")]
FunctionName = Annotated[
    str | None,
    typer.Option("--function", metavar="NAME", help="the function of an ML Program; default: its default one"),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]
Format = Annotated[ReportFormat, typer.Option("--format", help="of the report")]
ReportFile = Annotated[
    Path | None, typer.Option("--output", "-o", help="the file to write the report to; default: print it")
]
FormatIsJson = Annotated[bool, typer.Option("--json", help="the same as --format json")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="print errors only")]
GivenInputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", metavar="NAME=VALUE", help="a number, text, JSON, image or .npy file"),
]
Tolerance = Annotated[
    float, typer.Option(callback=not_negative, help="relative to the largest magnitude of each value")
]
Seed = Annotated[int, typer.Option(help="random seed of drawn inputs and random layers")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"graphml {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="show tracebacks")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="recompile, and keep nothing for the next run")] = False,
) -> None:
    """Core ML models anywhere JAX runs."""
