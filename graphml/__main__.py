"""`graphml ...` and `python -m graphml ...`."""

from __future__ import annotations

import sys

from graphml.errors import MissingExtraError


def main() -> None:
    """Run the command line, or say which extra brings what it is made of."""
    try:
        from graphml.cli import main as run
    except MissingExtraError as error:
        sys.exit(f"graphml: {error}")
    run()


if __name__ == "__main__":
    main()
