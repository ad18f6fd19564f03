"""The benchmark of loops: everybody computes the same, and the loops that the host drives are right."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="onnxruntime is one of the benchmark's contenders, and is not installed")

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def loops():
    """The script, which is in no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("loops")
    finally:
        sys.path.remove(str(FOLDER))


def test_contenders_agree(loops):
    h = x = np.float64(loops.start())
    for _ in range(7):
        h = h * loops.DECAY + x
    for call in loops.compiled(iterations=7, threads=1).values():
        np.testing.assert_allclose(call(), h, rtol=1e-5)


def test_loops_that_the_host_runs(loops):
    grown, h = [1.0], np.array([3.0, -50.0, 1.0, 2.0])
    for _ in range(3):
        grown.append(np.sin(sum(grown)))
        h = h + 0.01 * h[h > 0].mean()
    np.testing.assert_allclose(loops.growing(3)(), grown, rtol=1e-5)
    np.testing.assert_allclose(loops.reading(3)(), h, rtol=1e-5)
