"""The command line: arguments go in, text, JSON or files come out; one module per command.

`app` holds the application and what all commands share; each command module adds itself to it when it is imported. JAX
is imported only by commands that compute. Start with `inspect`.
"""

from __future__ import annotations

import sys

from graphml.errors import GraphmlError, need

need("typer", "cli")
need("rich", "cli")

from rich.console import Console  # noqa: E402  (after the message about the missing extra)

from graphml.cli import cache as cache  # noqa: E402
from graphml.cli import codegen as codegen  # noqa: E402
from graphml.cli import compare as compare  # noqa: E402
from graphml.cli import convert as convert  # noqa: E402
from graphml.cli import inspect as inspect  # noqa: E402
from graphml.cli import precision as precision  # noqa: E402
from graphml.cli import predict as predict  # noqa: E402
from graphml.cli import qa as qa  # noqa: E402
from graphml.cli import update as update  # noqa: E402
from graphml.cli.app import app as app  # noqa: E402


def main() -> None:
    """Run the command line; errors end in one message and exit status 1 (--debug shows the traceback). Options for all
    commands may stand anywhere."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--debug", "--no-cache")]
    try:
        with cache.kept(no_cache="--no-cache" in sys.argv):
            app(args=arguments)
    except GraphmlError as error:
        if debug:
            raise
        Console(stderr=True, highlight=False).print(f"[bold red]{type(error).__name__}[/]: ", end="")
        print(error, file=sys.stderr)
        sys.exit(1)
