"""The benchmarks' networks at a tiny size: all renderings agree. Nothing is timed here."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="onnxruntime judges the benchmarks' networks, and is not installed")

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmarks():
    """The modules of the folder, which is no package: its scripts import each other by plain names."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in ("timing", "rendering", "training", "networks")}
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def tiny(benchmarks):
    networks = benchmarks["networks"]
    return {
        "mobilenet": networks.mobilenet_v2(size=32, width=0.25, classes=7),
        "resnet50": networks.resnet50(size=32, width=0.125, classes=7),
        "lstm": networks.lstm(read=6, size=8, length=5),
        "encoder": networks.encoder(layers=2, width=8, heads=2, words=5, vocabulary=11),
        "small_cnn": networks.small_cnn(size=8, width=4, classes=5),
    }


@pytest.mark.parametrize("name", ["mobilenet", "resnet50", "lstm", "encoder", "small_cnn"])
def test_graphml_agrees_with_onnxruntime(benchmarks, tiny, name):
    rendering, networks = benchmarks["rendering"], benchmarks["networks"]
    x = tiny[name].sample(1 if name == "encoder" else 3)
    calls = {
        "graphml": lambda: rendering.as_graphml(tiny[name])(x),
        "onnxruntime": lambda: rendering.as_onnxruntime(tiny[name])(x),
    }
    assert networks.check_agreement(calls) < 1e-5


@pytest.mark.parametrize("name", ["mobilenet", "resnet50", "lstm", "encoder", "small_cnn"])
def test_torch_agrees_with_onnxruntime(benchmarks, tiny, name):
    pytest.importorskip("torch", reason="torch is the third contender, and is not installed")
    rendering, networks = benchmarks["rendering"], benchmarks["networks"]
    x = tiny[name].sample(1 if name == "encoder" else 3)
    calls = {
        "torch": lambda: rendering.as_torch(tiny[name])(x),
        "onnxruntime": lambda: rendering.as_onnxruntime(tiny[name])(x),
    }
    assert networks.check_agreement(calls) < 1e-5


def test_training_agrees_with_torch(benchmarks, tiny):
    pytest.importorskip("torch", reason="torch is the other contender in training, and is not installed")
    calls = benchmarks["networks"].learning(tiny["small_cnn"], classes=5, batch=4, steps=3)
    losses = calls["graphml"]()
    assert losses.shape == (3,)
    np.testing.assert_allclose(losses, calls["torch"](), rtol=1e-5)


def test_disagreement_is_refused(benchmarks):
    calls = {"one": lambda: np.array([0.0, 1.0]), "other": lambda: np.array([0.0, 1.001])}
    with pytest.raises(ValueError, match="one differs from other"):
        benchmarks["networks"].check_agreement(calls)


def test_a_missing_package_says_how_to_get_it(benchmarks):
    with pytest.raises(ImportError, match=r"graphml-jax\[bench\]"):
        benchmarks["rendering"].needed("a_package_that_nobody_has")


def test_readings_and_the_table(benchmarks):
    timing = benchmarks["timing"]
    readings = timing.measure({"ours": lambda: sum(range(2000)), "peer": lambda: None}, rounds=2, seconds=0.01)
    assert readings["ours"].cpu > readings["peer"].cpu >= 0
    assert "| net | " in timing.table({"net": readings}, "ours", "wall")
    assert timing.as_json({}, {"net": readings})["milliseconds"]["net"]["ours"]["calls"] >= 4
