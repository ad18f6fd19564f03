"""`graphml ...` and `python -m graphml ...`."""

from __future__ import annotations

import sys

from graphml.errors import MissingExtraError


def main() -> None:
    """Run the command line; without the extra `cli`, exit with a message that says how to install it."""
    try:
        from graphml.cli import main as run
    except MissingExtraError as error:
        sys.exit(f"graphml: {error}")
    run()


if __name__ == "__main__":
    main()
