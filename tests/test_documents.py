"""Every Python block of the README and of docs/ runs, and prints what the page says."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import documents
import pytest
import readers_desk

import graphml
from graphml.interop import coremltools as plugin

ROOT = documents.ROOT
SEVERAL_DEVICES = "xla_force_host_platform_device_count"


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """The files of the reader, made once."""
    folder = tmp_path_factory.mktemp("desk")
    readers_desk.write(folder)
    return folder


def _named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# one after the other in one test, because a network that both run is then compiled once
TOGETHER = [ROOT / "README.md", ROOT / "docs/tutorials/questions.md"]


@pytest.mark.parametrize("page", [page for page in documents.pages() if page not in TOGETHER], ids=_named)
def test_blocks_of_the_page_run(page, desk, tmp_path, monkeypatch):
    check(page, desk, tmp_path, monkeypatch)


def test_blocks_of_pages_with_the_same_network_run(desk, tmp_path, monkeypatch):
    for page in TOGETHER:
        (tmp_path / page.stem).mkdir()
        check(page, desk, tmp_path / page.stem, monkeypatch)


def check(page: Path, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the blocks of a page in a folder."""
    blocks = documents.blocks(page)
    if all(block.missing for block in blocks):
        missing = " and ".join(sorted({name for block in blocks for name in block.missing}))
        pytest.skip(f"the blocks of {page.name} need packages that are not installed here: {missing}")
    if SEVERAL_DEVICES in page.read_text():
        run_apart(page, tmp_path)
        return
    readers_desk.copy(desk, tmp_path)
    if "bert_qa.pb" in page.read_text():
        readers_desk.frozen_bert(tmp_path)
    monkeypatch.chdir(tmp_path)
    tasks = watched(monkeypatch)
    names: dict[str, Any] = readers_desk.names()
    with warnings.catch_warnings():
        if "coremltools" in page.read_text() or "import mlflow" in page.read_text():
            warnings.simplefilter("ignore")  # they warn about other libraries, or these about their use
        try:
            assert documents.run(page, names)
        finally:
            plugin.uninstall()
    for task in tasks:  # a page that does not look at task.error must not hide one
        assert task.error is None or task.cancelled, f"an update of {page.name} failed: {task.error}"


def watched(monkeypatch: pytest.MonkeyPatch) -> list[graphml.UpdateTask]:
    """All tasks that are made from now on."""
    tasks: list[graphml.UpdateTask] = []
    make = graphml.UpdateTask.__init__

    def remember(task: graphml.UpdateTask, *given: Any, **options: Any) -> None:
        make(task, *given, **options)
        tasks.append(task)

    monkeypatch.setattr(graphml.UpdateTask, "__init__", remember)
    return tasks


def run_apart(page: Path, folder: Path) -> None:
    """In a separate process, with as many devices as the page asks for."""
    for extra in ("flax", "orbax.checkpoint"):
        pytest.importorskip(extra, reason=f"{extra} is an optional extra and is not installed here")
    (folder / "examples").symlink_to(ROOT / "examples")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(ROOT / "tests/documents.py"), str(page.relative_to(ROOT))]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_block_names_the_missing_package_even_for_its_submodules():
    block = documents.Block(1, "# needs numpy, no_such_package, no_such_package.inner\n", "")
    assert block.missing == ["no_such_package", "no_such_package.inner"]


def test_what_needs_other_packages_says_which():
    """A misspelt marker would switch a block off for good."""
    known = {
        "coremltools",
        "flax",
        "orbax.checkpoint",
        "safetensors",
        "stablehlo_coreml",
        "tensorflow",
        "torch",
        "jax2onnx",
        "mlflow",
    }
    for page in documents.pages():
        for block in documents.blocks(page):
            assert set(block.missing) <= known, f"{page.name}:{block.line}"
