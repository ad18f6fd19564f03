"""The command line, one module per command.

`app` holds the application and what all commands share; each command module registers itself there when it is imported.
JAX is imported only by commands that compute. Start with `inspect`.
"""

from __future__ import annotations

import sys

from graphml.errors import need

need("typer", "cli")
need("rich", "cli")

from graphml.cli import cache as cache  # noqa: E402  (after the message about the missing extra)
from graphml.cli import codegen as codegen  # noqa: E402
from graphml.cli import compare as compare  # noqa: E402
from graphml.cli import convert as convert  # noqa: E402
from graphml.cli import inspect as inspect  # noqa: E402
from graphml.cli import precision as precision  # noqa: E402
from graphml.cli import predict as predict  # noqa: E402
from graphml.cli import qa as qa  # noqa: E402
from graphml.cli import update as update  # noqa: E402
from graphml.cli.app import app as app  # noqa: E402
from graphml.cli.status import status_of  # noqa: E402

_ANYWHERE = ("--debug", "--no-cache")  # options for all commands, allowed anywhere


def main() -> None:
    """Run the command line, and exit with a status of `graphml.cli.status.ExitStatus`."""
    given = sys.argv[1:]
    own = given[: given.index("--")] if "--" in given else given
    found = {option for option in _ANYWHERE if option in own}
    arguments = [argument for argument in own if argument not in found] + given[len(own) :]

    def run() -> object:
        with cache.kept(no_cache="--no-cache" in found):
            return app(args=arguments, prog_name="graphml", standalone_mode=False)

    sys.exit(status_of(run, debug="--debug" in found))
