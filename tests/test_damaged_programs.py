"""Damaged programs end in success or a typed error, soon, in everything that only looks at them."""

from __future__ import annotations

import random

import pytest
from example_programs import classifier, compressed, image_program, two_functions
from fuzz.mutation import damaged_model
from fuzz.steps import findings

from graphml import spec

SECONDS = 10.0  # of processor time
PARTS = "Data/com.apple.CoreML"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    made = [make().model().spec for make in (two_functions, image_program, classifier)]
    return [*made, spec.read(compressed(folder / "compressed.mlpackage"))]


def test_changed_fields_and_bytes(whole):
    for number in range(100):
        rng = random.Random(number)
        data = damaged_model(whole[number % len(whole)], rng)
        found = list(findings(data, rng, SECONDS, costly=0.0))
        assert not found, f"mutant {number}: {found[0]}"


def test_every_length(whole):
    for model in whole:
        data = spec.serialize(model)
        for length in range(0, len(data), 97):
            found = list(findings(data[:length], random.Random(length), SECONDS, costly=0.0))
            assert not found, f"cut after {length} bytes: {found[0]}"


@pytest.mark.parametrize("file", ["weights/weight.bin", "model.mlmodel"])
def test_the_command_on_damaged_packages(tmp_path, run, file):
    pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")
    path = tmp_path / "a.mlpackage"
    two_functions().save(path)
    part = path / PARTS / file
    data = part.read_bytes()
    rng = random.Random(0)
    for number in range(24):
        changed = bytearray(data[: rng.randrange(len(data))] if number % 2 else data)
        if changed and not number % 2:
            changed[rng.randrange(min(len(changed), 300))] ^= 1 << rng.randrange(8)
        part.write_bytes(changed)
        for command in (["inspect"], ["inspect", "--code", "--function", "decode"], ["codegen"]):
            status, _, error = run(*command, path)  # other exceptions are raised here
            assert status in (0, 1), (number, command, error)
            assert len(error) < 4000
