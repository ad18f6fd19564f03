"""Runs mutants one after the other and prints each number first: whoever watches knows which one ended the process."""

from __future__ import annotations

import json
import random
import sys

from fuzz.mutation import mutant
from fuzz.seeds import seeds
from fuzz.steps import SECONDS, findings

COMPILED = 200  # mutants after which compiled programs are dropped


def run(seed: int, first: int, last: int, step: int, seconds: float = SECONDS, costly: float = 1.0) -> None:
    """Run the mutants first, first + step, ... below last. Prints the number of each, then what was found in it."""
    seeds()
    for count, number in enumerate(range(first, last, step)):
        print(json.dumps({"number": number}), flush=True)
        name, data = mutant(seed, number)
        rng = random.Random(f"{seed}:{number}:steps")
        for finding in findings(data, rng, seconds, costly):
            print(json.dumps({"number": number, "seed": name, **finding._asdict()}), flush=True)
        if count % COMPILED == COMPILED - 1:
            _drop_compiled()


def _drop_compiled() -> None:
    import gc

    import jax

    jax.clear_caches()
    gc.collect()


if __name__ == "__main__":
    options = [int(text) for text in sys.argv[1:5]]
    run(*options, *map(float, sys.argv[5:7]))
