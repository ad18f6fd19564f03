"""A short run of the fuzzer with a fixed seed; `python -m fuzz` runs longer ones."""

from __future__ import annotations

import random

import pytest

from fuzz.mutation import mutant
from fuzz.seeds import seeds
from fuzz.steps import findings
from graphml import GraphmlError

CHUNKS, MUTANTS, CHEAP = 6, 40, 200
SECONDS = 20.0  # of processor time: machines that run these tests may be slow, and busy


@pytest.mark.parametrize("name", sorted(seeds()))
def test_a_seed_is_a_legal_model(name):
    """The seeds are intact: otherwise a mutant proves nothing."""
    data = seeds()[name].SerializeToString()
    assert list(findings(data, random.Random(name), SECONDS, costly=0.0)) == []


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_mutants_end_in_success_or_a_typed_error(chunk):
    for number in range(chunk, CHUNKS * MUTANTS, CHUNKS):
        name, data = mutant(0, number)
        found = list(findings(data, random.Random(f"0:{number}:steps"), SECONDS))
        assert not found, f"mutant {number} of {name}: {found[0]}"


def test_mutants_that_are_only_read_end_in_success_or_a_typed_error():
    for number in range(CHEAP):
        name, data = mutant(1, number)
        found = list(findings(data, random.Random(f"1:{number}:steps"), SECONDS, costly=0.0))
        assert not found, f"mutant {number} of {name}: {found[0]}"


def test_mutants_are_reproducible():
    assert mutant(3, 14) == mutant(3, 14)
    assert len({mutant(3, number)[1] for number in range(50)}) > 40


class LongError(GraphmlError):
    def __str__(self) -> str:
        return "x" * 1_000_000


def _raise(error):
    raise error


def test_what_is_not_allowed_is_found(monkeypatch):
    """An exception that graphml does not know, a long text, slowness and memory are each a finding."""
    import numpy as np

    import fuzz.steps as steps

    class LongError(steps.GraphmlError):
        def __str__(self) -> str:
            return "x" * 1_000_000

    data = seeds()["scaler"].SerializeToString()
    acts = {
        "KeyError": lambda message: {}["name"],
        "a text": lambda message: _raise(LongError()),
        "s": lambda message: sum(range(60_000_000)),
        "MiB": lambda message: np.ones(80_000_000).sum(),
    }
    for words, act in acts.items():
        monkeypatch.setattr(steps, "summarize", act)
        found = list(findings(data, random.Random(0), 0.1 if words == "s" else SECONDS, costly=0.0))
        assert any(finding.step == "summary" and words in finding.what for finding in found), words
