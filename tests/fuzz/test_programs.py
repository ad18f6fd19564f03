"""A short run of the mutants of ML Programs, with a fixed seed."""

from __future__ import annotations

import os
import random

import pytest

from fuzz.programs import program_mutant, program_seeds, program_steps
from fuzz.steps import findings, tried
from graphml.spec import parse, serialize
from graphml.spec.validate import problems

MUTANTS, CHUNKS, USED = 120, 3, 60
SECONDS = 20.0  # of processor time, on a slow machine


@pytest.mark.parametrize("name", sorted(program_seeds()))
def test_a_seed_is_a_legal_program(name):
    model, _ = program_seeds()[name]
    assert problems(parse(serialize(model))) == []


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_mutants_of_programs_end_in_success_or_a_typed_error(chunk, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # these files need not survive a power failure
    for number in range(chunk, MUTANTS, CHUNKS):
        mutant = program_mutant(0, number)
        for step, act in program_steps(mutant, tmp_path / str(number)):
            assert tried(step, act, SECONDS) is None, f"mutant {number} of {mutant.seed}"


def test_mutants_of_programs_are_used_like_other_models():
    for number in range(USED):
        mutant = program_mutant(1, number)
        found = list(findings(mutant.message, random.Random(number), SECONDS, costly=0.3))
        assert not found, f"mutant {number} of {mutant.seed}: {found[0]}"


def test_mutants_of_programs_are_reproducible():
    assert program_mutant(3, 14) == program_mutant(3, 14)
    assert len({program_mutant(3, number) for number in range(50)}) > 40
