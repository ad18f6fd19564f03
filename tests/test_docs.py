"""The documents agree with the code."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import coverage_table
import model_table
import onnx_table
import operation_table
import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")]
DOCUMENTS += sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")])


def test_the_coverage_table_is_up_to_date():
    assert coverage_table.TABLE.read_text() == coverage_table.table(), "run python generate.py"


def test_the_table_of_operations_is_up_to_date():
    assert operation_table.TABLE.read_text() == operation_table.table(), "run python generate.py"


def test_the_table_of_onnx_operators_is_up_to_date():
    assert onnx_table.TABLE.read_text() == onnx_table.table(), "run python generate.py"


def test_the_table_of_models_is_up_to_date():
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


@pytest.mark.parametrize("guide", ["programs.md", "precision.md", "convert.md"])
def test_the_program_of_the_guide_prints_what_the_guide_says(guide):
    text = (ROOT / "docs" / guide).read_text()
    program, printed = re.search(r"```python\n((?:(?!```).)*)```\n\n```\n(.*?)```", text, re.DOTALL).groups()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program, guide, "exec"), {})
    assert out.getvalue() == printed


GUIDE_IN_PARTS = """
import contextlib, io, json, os, sys

os.chdir(sys.argv[1])
for number, (program, printed) in enumerate(json.load(sys.stdin), 1):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program, f"block {number}", "exec"), globals())
    assert out.getvalue() == printed, f"block {number} printed {out.getvalue()!r}"
"""


def test_all_blocks_of_the_jax_guide_print_what_it_says(tmp_path):
    """They run as one program in a process of its own, which has four devices."""
    for extra in ("flax", "orbax.checkpoint"):
        pytest.importorskip(extra, reason=f"{extra} is an optional extra and is not installed here")
    text = (ROOT / "docs/jax.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```\n(?:\n```\n(.*?)```)?", text, re.DOTALL)
    assert len(blocks) >= 8
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    command = [sys.executable, "-W", "error", "-c", GUIDE_IN_PARTS, str(tmp_path)]
    done = subprocess.run(command, input=json.dumps(blocks), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("guide", ["building.md", "sklearn.md"])
def test_all_programs_of_the_guide_print_what_the_guide_says(guide):
    """They share their variables, and each is followed by what it prints."""
    text = (ROOT / "docs" / guide).read_text()
    pairs = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL)
    assert len(pairs) == text.count("```python")
    variables: dict[str, object] = {}
    for program, printed in pairs:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(program, guide, "exec"), variables)
        assert out.getvalue() == printed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_documents_name_exist(document):
    text = document.read_text()
    named = re.findall(
        r"(?<![\w./-])(?:graphml|ops|spec|tests|examples|benchmarks|docs)/[\w/.-]+\.(?:py|md|ipynb)\b", text
    )
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing + [name for name in linked if not (document.parent / name).exists()] == []
