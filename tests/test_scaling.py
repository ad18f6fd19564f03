"""Training and prediction on more than one machine: the logic of the examples, and engines where they are installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from graphml.errors import ShapeError

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def federated(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("federated")


def test_weights_travel_as_a_list_and_come_back(federated):
    model = federated.load()
    arrays = federated.arrays_of(model)
    assert [array.shape for array in arrays] == [(128,), (128, 512), (15,), (15, 128)]  # bias before weights, by layer
    changed = federated.with_arrays(model, [array + 1 for array in arrays])
    np.testing.assert_array_equal(changed.parameters["dense_3"]["bias"], model.parameters["dense_3"]["bias"] + 1)
    assert changed.parameters["conv2d_1"] is model.parameters["conv2d_1"]
    for array, again in zip(arrays, federated.arrays_of(changed), strict=True):
        np.testing.assert_array_equal(array + 1, again)
    with pytest.raises(ShapeError, match=r"dense_2/weights has shape \[128, 512\], got \[512, 128\]"):
        federated.with_arrays(model, [arrays[0], arrays[1].T, *arrays[2:]])
    with pytest.raises(ValueError, match="leaves"):
        federated.with_arrays(model, arrays[:-1])


def test_a_round_without_an_engine_learns_and_averages(federated):
    """The average is the one that Flower's FedAvg computes, unless changes are clipped."""
    model = federated.load()
    clients = [federated.Client(model, train[::2], held_out) for train, held_out in map(federated.drawings, (0, 1))]
    before = clients[0].get_parameters({})
    results = [client.fit(before, {"round": 1}) for client in clients]
    assert [count for _, count, _ in results] == [40, 40]
    together = federated.averaged(model, [(arrays, count) for arrays, count, _ in results])
    for mean, *parts in zip(together, *(arrays for arrays, _, _ in results), strict=True):
        np.testing.assert_allclose(mean, np.mean(parts, axis=0), rtol=1e-5, atol=1e-6)
    clipped = federated.averaged(model, [(arrays, count) for arrays, count, _ in results], clip_norm=0.1)
    moved = np.sqrt(sum(((new - old) ** 2).sum() for new, old in zip(clipped, before, strict=True)))
    assert 0 < moved <= 0.1
    (loss, count, _), (better, _, metrics) = (clients[0].evaluate(arrays, {}) for arrays in (before, results[0][0]))
    assert count == 20
    assert better < loss
    assert 0 <= metrics["accuracy"] <= 1


def test_a_killed_run_of_predictions_continues(tmp_path):
    """Blocks that were finished before the kill are not touched again, and every row is predicted once."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("the package ray is an optional extra and is not installed here")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow comes with Ray and is not installed here")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(EXAMPLES / "ray_data.py"), str(tmp_path)]
    predictions = tmp_path / "predictions"
    with open(tmp_path / "output", "wb") as output:
        first = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            deadline = time.monotonic() + 120
            while not any(predictions.glob("*.parquet")):
                assert time.monotonic() < deadline, (tmp_path / "output").read_text()
                assert first.poll() is None, (tmp_path / "output").read_text()
                time.sleep(0.005)
        finally:
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
    time.sleep(5)  # Ray ends the workers of a program that is gone
    finished = {path.name: path.stat().st_mtime_ns for path in predictions.glob("*.parquet")}
    assert 0 < len(finished) < 6, "the kill came in the middle"
    second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert second.returncode == 0, second.stderr
    assert f"predicted {6 - len(finished)} blocks" in second.stdout
    assert {name: (predictions / name).stat().st_mtime_ns for name in finished} == finished
    assert sorted(parquet.read_table(predictions)["id"].to_pylist()) == list(range(300))
