"""What is published: metadata, versions, changes and workflows agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import graphml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = "https://github.com/graphml/graphml"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_there_is_one_version():
    assert PROJECT["dynamic"] == ["version"]
    assert f"\nversion: {graphml.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_changes_are_those_of_keep_a_changelog():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    for heading in headings[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading), heading
    kinds = re.findall(r"^### (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_addresses_are_those_of_the_repository():
    files = [*ROOT.glob("*.md"), *ROOT.glob("*.cff"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.yml")]
    found = {match for file in files for match in re.findall(r"github\.com/graphml[\w./-]*", file.read_text())}
    assert {address for address in found if not f"https://{address}".startswith(REPOSITORY)} == set()
    assert PROJECT["urls"]["Repository"] == REPOSITORY


@pytest.mark.skipif(not WORKFLOWS, reason="an sdist has no workflows")
def test_workflows_test_every_version_that_is_allowed():
    """The oldest Python and JAX, the newest Python that the classifiers name, and all between in the wheel's tests."""
    (oldest,) = [text.removeprefix("jax>=") for text in PROJECT["dependencies"] if text.startswith("jax>=")]
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert f">={versions[0]}" == PROJECT["requires-python"]
    texts = {file.name: file.read_text() for file in WORKFLOWS}
    assert f"python: {versions!r}".replace("'", '"') in texts["package.yml"]
    for name in ("ci.yml", "package.yml"):
        assert f'jax: "{oldest}.0"' in texts[name], name
        assert f'"{versions[-1]}"' in texts[name], name
