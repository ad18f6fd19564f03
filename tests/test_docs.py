"""What the documents say is what the code does."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import coverage_table
import model_table

ROOT = Path(__file__).resolve().parents[1]


def test_the_coverage_table_is_fresh():
    assert coverage_table.TABLE.read_text() == coverage_table.table(), "run python generate.py"


def test_the_table_of_models_is_fresh():
    assert model_table.written()[0] == model_table.kinds(), "run python generate.py"


def test_the_readme_program_prints_what_the_readme_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "README.md").read_text()
    program, printed = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL).groups()
    assert len([line for line in program.splitlines() if line.strip()]) <= 9
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program, "README.md", "exec"), {})
    assert out.getvalue() == printed
