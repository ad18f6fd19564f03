"""The sweep over single layers: it covers every kind, and its three renderings mean the same."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from graphml.spec.layers import kinds

pytest.importorskip("torch", reason="torch is one of the sweep's contenders, and is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is one of the sweep's contenders, and is not installed")

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def sweep():
    """The script, which is in no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("operators")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def typical(sweep):
    return {row.name: row for row in sweep.rows("typical")}


def test_every_kind_has_a_row_or_a_reason_why_not(sweep, typical):
    timed, reasons = {row.kind for row in typical.values()}, set(sweep.WITHOUT_PEER)
    assert timed | reasons == set(kinds())
    assert not timed & reasons


@pytest.mark.parametrize("name", ["reverse", "topK 5 of many", "gatherND", "splitND"])
def test_contenders_agree(sweep, typical, name):
    assert set(sweep.contenders(typical[name], threads=1)) == {"graphml", "onnxruntime", "torch"}


def test_disagreement_is_found(sweep):
    with pytest.raises(ValueError, match=r"torch differs by 5\.0e-01"):
        sweep._check_agreement({"graphml": np.ones(2), "torch": np.array([1.0, 1.5])})
    with pytest.raises(ValueError, match="graphml gives 2 numbers, torch 3"):
        sweep._check_agreement({"graphml": np.ones(2), "torch": np.ones(3)})


def test_the_table_puts_the_slowest_row_first_with_its_reason(sweep):
    reading = sweep.timing.Reading

    def row(mine, theirs):
        return {"graphml": reading(mine, mine, mine, mine, 1), "torch": reading(theirs, theirs, theirs, theirs, 1)}

    readings = {"logicalAnd": row(1.0, 2.0), "logicalOr": row(4.0, 1.0), "slow": row(2.0, 1.0)}
    lines = sweep.table(readings, "cpu").splitlines()
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| logicalOr", "| slow", "| logicalAnd"]
    assert [line.split(" | ")[-1] for line in lines[2:5]] == [f"{sweep.SLOWER['logicalOr']} |", " |", " |"]
    assert lines[-1] == "3 rows, geometric mean 1.59, 2 above 1.5"
    assert sweep.unexplained(readings, "cpu") == ["slow"]


def test_reasons_belong_to_rows(sweep, typical):
    assert set(sweep.SLOWER) <= set(typical)
