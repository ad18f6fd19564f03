"""The documents agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

import coverage_table
import documents
import model_table
import onnx_table
import operation_table
import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")]
DOCUMENTS += sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])


def test_the_coverage_table_is_up_to_date():
    assert coverage_table.TABLE.read_text() == coverage_table.table(), "run python generate.py"


def test_the_table_of_operations_is_up_to_date():
    assert operation_table.TABLE.read_text() == operation_table.table(), "run python generate.py"


def test_the_table_of_onnx_operators_is_up_to_date():
    assert onnx_table.TABLE.read_text() == onnx_table.table(), "run python generate.py"
    versions = f"psets {onnx_table.VERSIONS[0]} to {onnx_table.NEWEST}"
    assert all(versions in (ROOT / name).read_text() for name in ("docs/convert.md", "CHANGELOG.md"))


def test_the_table_of_models_is_up_to_date():
    assert model_table.written()[0] == model_table.kinds(), "run python generate.py"


def test_the_first_program_of_the_readme_is_short():
    first = documents.blocks(ROOT / "README.md")[0]
    assert len([line for line in first.code.splitlines() if line.strip()]) <= 9
    assert first.printed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_documents_name_exist(document):
    text = document.read_text()
    named = re.findall(
        r"(?<![\w./-])(?:graphml|ops|spec|tests|examples|benchmarks|docs)/[\w/.-]+\.(?:py|md|ipynb)\b", text
    )
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing + [name for name in linked if not (document.parent / name).exists()] == []
