"""The long run: worker processes, watched from here."""

from __future__ import annotations

import argparse
import collections
import json
import os
import queue
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from fuzz.mutation import mutant
from fuzz.steps import SECONDS, findings

PATIENCE = 120.0  # seconds without a word from a worker, all of its steps together


def main() -> int:
    """Run mutants and print what was found; the exit status is 1 if there was anything."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--mutants", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other mutants")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="processor time that a step may take")
    parser.add_argument("--costly", type=float, default=1.0, help="share of mutants that are compiled and trained")
    parser.add_argument("--keep", type=Path, help="a folder for mutants that were found")
    parser.add_argument("--only", type=int, help="run this mutant alone, here, and print tracebacks")
    options = parser.parse_args()
    if options.only is not None:
        return _one(options)
    return _all(options)


def _one(options: argparse.Namespace) -> int:
    name, data = mutant(options.seed, options.only)
    print(f"mutant {options.only} of {name}, {len(data)} bytes")
    if options.keep is not None:
        _keep(options.keep, options.only, data)
    found = list(findings(data, random.Random(f"{options.seed}:{options.only}:steps"), options.seconds))
    for finding in found:
        print(f"{finding.step}: {finding.what} {finding.where}\n{finding.told}")
    return bool(found)


def _all(options: argparse.Namespace) -> int:
    start, told = time.monotonic(), queue.Queue[dict[str, Any]]()
    last = options.first + options.mutants
    watchers = [
        threading.Thread(target=_watch, args=(options, options.first + job, last, told)) for job in range(options.jobs)
    ]
    for watcher in watchers:
        watcher.start()
    done, places = 0, collections.Counter[tuple[str, str, str]]()
    while any(watcher.is_alive() for watcher in watchers) or not told.empty():
        try:
            fact = told.get(timeout=1)
        except queue.Empty:
            continue
        if "step" not in fact:
            done += 1
            if done % 1000 == 0:
                print(f"{done} mutants, {sum(places.values())} findings, {time.monotonic() - start:.0f} s", flush=True)
            continue
        place = fact["step"], fact["what"], fact["where"]
        places[place] += 1
        if places[place] == 1:
            print(f"mutant {fact['number']} ({fact['seed']}): {' '.join(place)}", flush=True)
        if options.keep is not None:
            _keep(options.keep, fact["number"], mutant(options.seed, fact["number"])[1])
    for place, count in places.most_common():
        print(f"{count:6}  {' | '.join(place)}")
    print(f"{done} mutants of seed {options.seed}: {sum(places.values())} findings in {len(places)} places")
    return bool(places)


def _watch(options: argparse.Namespace, first: int, last: int, told: queue.Queue[dict[str, Any]]) -> None:
    """Run the mutants first, first + jobs, ...; skip past one that ends its process or hangs."""
    while first < last:
        arguments = [options.seed, first, last, options.jobs, options.seconds, options.costly]
        process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "JAX_PLATFORMS": "cpu"},
            text=True,
        )
        current = _heard(process, told, first)
        if process.returncode == 0:
            return
        what = "hang" if process.returncode is None or process.returncode == -9 else f"exit {process.returncode}"
        name = mutant(options.seed, current)[0]
        told.put({"number": current, "seed": name, "step": "process", "what": what, "where": ""})
        first = current + options.jobs


def _heard(process: subprocess.Popen[str], told: queue.Queue[dict[str, Any]], current: int) -> int:
    """Pass on a worker's output until it exits, or is killed for being silent. Returns the last mutant that it ran."""
    assert process.stdout is not None
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    for line in process.stdout:
        timer.cancel()
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        fact = json.loads(line)
        current = fact["number"]
        told.put(fact)
    timer.cancel()
    process.wait()
    return current


def _keep(folder: Path, number: int, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number}.mlmodel").write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
