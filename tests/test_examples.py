"""Every example runs to completion."""

from __future__ import annotations

import importlib.util
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINES = {"ray_data": "ray", "federated": "flwr"}
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.stem not in ENGINES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example, capsys):
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("example", ENGINES)
def test_example_on_an_engine_runs(example):
    """In a separate process: engines start processes, and print many warnings."""
    if importlib.util.find_spec(ENGINES[example]) is None:
        pytest.skip(f"the package {ENGINES[example]} is an optional extra and is not installed here")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(ROOT / "examples" / f"{example}.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
