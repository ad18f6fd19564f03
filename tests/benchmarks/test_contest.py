"""Contenders in separate processes: they start, answer and take turns. No test has a time limit."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are stopped by signals of POSIX")

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPT = """
import numpy as np
from contest import Contender, Row

def prepare(folder):
    np.save(folder / "numbers.npy", np.arange(3.0))

def fixed(last):
    return lambda folder, cores: lambda: np.append(np.load(folder / "numbers.npy"), last)

def counting(folder, cores):
    with open(folder / "starts", "a") as file:
        file.write("x")
    return fixed(len((folder / "starts").read_text()))(folder, cores)

def contest_rows():
    peer = Contender(prepare, fixed(2.0), ("numpy",))
    same = {
        "graphml": Contender(prepare, counting, ("numpy",), rehearsed=True),
        "missing": Contender(prepare, fixed(2.0), ("a_package_that_nobody_has",)),
        "torch": peer,
    }
    return {
        "same": Row(same),
        "different": Row({"graphml": Contender(prepare, fixed(2.1), ("numpy",)), "torch": peer}),
        "broken": Row({"graphml": Contender(prepare, lambda folder, cores: 1 / 0, ("numpy",))}),
    }
"""


@pytest.fixture
def contest(tmp_path, monkeypatch):
    (tmp_path / "a_script.py").write_text(SCRIPT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(sys, "path", [str(FOLDER), str(tmp_path), *sys.path])
    yield importlib.import_module("contest")
    sys.modules.pop("a_script", None)


def test_one_command_measures_and_another_compares(contest, tmp_path, capsys):
    file = tmp_path / "readings.json"
    contest.main("a_script", "", ["same", "--cores", "1", "--rounds", "2", "--seconds", "0.01", "--json", str(file)])
    table, notes = capsys.readouterr()
    assert "| same | 1 | graphml |" in table
    assert "a_package_that_nobody_has is not installed: missing is left out" in notes
    records = json.loads(file.read_text())["records"]
    assert [record["who"] for record in records] == ["graphml", "torch"]
    for record in records:
        assert min(record[key] for key in ("wall", "cpu", "calls", "imports", "first", "peak")) > 0
    contest.main("a_script", "", ["--compare", str(file), str(file)])
    assert capsys.readouterr().out.count("**1.00**") == 6


def test_answers_that_differ_are_refused(contest):
    with pytest.raises(ValueError, match=r"graphml differs from torch by 5\.0e-02"):
        contest.measure("a_script", "different", contest.Settings([1], rounds=0))


def test_a_contender_that_ends_is_named(contest, capfd):
    with pytest.raises(RuntimeError, match="graphml in broken ended with exit status 1"):
        contest.measure("a_script", "broken", contest.Settings([1]))
    assert "ZeroDivisionError" in capfd.readouterr().err
