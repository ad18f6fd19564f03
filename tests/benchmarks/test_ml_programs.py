"""The networks of the benchmarks as ML Programs agree with the same networks as layers. Nothing is timed here."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmarks():
    """The modules of the folder, which is no package: its scripts import each other by plain names."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in ("networks", "ml_programs", "rendering")}
    finally:
        sys.path.remove(str(FOLDER))


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("mobilenet_v2", {"size": 32, "width": 0.25, "classes": 7}),
        ("encoder", {"layers": 1, "width": 8, "heads": 2, "words": 5, "vocabulary": 11}),
        ("lstm", {"read": 6, "size": 8, "length": 5}),
    ],
)
def test_programs_agree_with_layers(benchmarks, name, sizes):
    network = getattr(benchmarks["networks"], name)(**sizes)
    x = network.sample(1)
    runs = {
        "program": benchmarks["ml_programs"].as_program(network),
        "layers": benchmarks["rendering"].as_graphml(network),
    }
    calls = {key: lambda run=run: run(x) for key, run in runs.items()}
    assert benchmarks["networks"].check_agreement(calls) < 1e-5


def test_a_package_is_loaded_in_a_process_of_its_own(benchmarks):
    found = benchmarks["ml_programs"].loading(size=64, layers=2)
    assert found["megabytes"] > 0.03
    assert found["seconds"] > 0
