"""`python -m graphml.interop.coremltools script.py args`: run a script whose coremltools predicts with graphml."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from graphml.errors import FeatureError
from graphml.interop.coremltools import install


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a script, or with `-m` a module, as `python` does."""
    parser = argparse.ArgumentParser(prog="python -m graphml.interop.coremltools", description=__doc__)
    parser.add_argument("--precision", default="declared", help="declared (default), strict or float32")
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module")
    parser.add_argument("script", help="the file to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")
    given = parser.parse_args(arguments)
    try:
        install(given.precision)
    except FeatureError as error:
        parser.error(str(error))
    sys.argv = [given.script, *given.arguments]
    if given.module:
        runpy.run_module(given.script, run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(given.script).resolve().parent)
        runpy.run_path(given.script, run_name="__main__")


if __name__ == "__main__":
    main()
