"""The benchmarks' networks at a tiny size: all contenders agree. Nothing is timed here."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = ("timing", "rendering", "architectures", "contest", "contenders", "training")


@pytest.fixture(scope="module")
def benchmarks():
    """The modules of the folder, which is no package: its scripts import each other by plain names."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def tiny(benchmarks):
    architectures = benchmarks["architectures"]
    return {
        "mobilenet": architectures.mobilenet_v2(size=32, width=0.25, classes=7),
        "resnet50": architectures.resnet50(size=32, width=0.125, classes=7),
        "lstm": architectures.lstm(read=6, size=8, length=5),
        "encoder": architectures.encoder(layers=2, width=8, heads=2, words=5, vocabulary=11),
        "small_cnn": architectures.small_cnn(size=8, width=4, classes=5),
        "tiny_dense": architectures.tiny_dense(),
    }


def answers(row, folder):
    """What all installed contenders answer, the judge last."""
    found = {}
    for who, contender in row.contenders.items():
        if importlib.util.find_spec(contender.imports[0]) is not None:
            contender.prepare(folder)
            found[who] = contender.start(folder, 1)()
    return found


@pytest.mark.parametrize("name", ["mobilenet", "resnet50", "lstm", "encoder", "small_cnn", "tiny_dense"])
def test_contenders_agree(benchmarks, tiny, name, tmp_path):
    row = benchmarks["contenders"].predicting(lambda: tiny[name], 3, ways=name == "mobilenet")
    found = answers(row, tmp_path)
    assert {"graphml", "graphml program"} <= set(found)
    assert benchmarks["contest"].check_agreement(found) < 1e-5


def test_training_agrees_with_torch(benchmarks, tiny, tmp_path):
    row = benchmarks["training"].learning(lambda: tiny["small_cnn"], classes=5, batch=4, steps=3)
    found = answers(row, tmp_path)
    assert found["graphml"].shape == (3,)
    if "torch" in found:
        np.testing.assert_allclose(found["graphml"], found["torch"], rtol=1e-5)


def test_a_missing_package_says_how_to_get_it(benchmarks):
    with pytest.raises(ImportError, match=r"graphml-jax\[bench\]"):
        benchmarks["rendering"].needed("a_package_that_nobody_has")


def test_readings_and_the_table(benchmarks):
    timing = benchmarks["timing"]
    readings = timing.measure({"ours": lambda: sum(range(2000)), "peer": lambda: None}, rounds=2, seconds=0.01)
    assert readings["ours"].cpu > readings["peer"].cpu >= 0
    assert "| net | " in timing.table({"net": readings}, "ours", "wall")
    assert timing.as_json({}, {"net": readings})["milliseconds"]["net"]["ours"]["calls"] >= 4


def test_a_call_that_takes_longer_than_a_block_is_counted(benchmarks):
    calls = []
    samples = benchmarks["timing"].block(lambda: calls.append(sum(range(10**5))), 1e-6)
    assert len(samples) == len(calls) == 1
    assert len(benchmarks["timing"].block(lambda: None, 0.01)) > 2
