"""Time contenders in separate processes that take turns: while one runs, the others are stopped.

Idle threads of these libraries spin for a while, so libraries would disturb each other in one process or in parallel.
Each process starts once for each number of cores and is pinned before anything is imported. Its first
answer is timed from the start of the process and compared with those of the others; then it runs short blocks of calls.

A script describes its work in a function `contest_rows()` and calls `main`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import report
import timing

HERE = Path(__file__).resolve().parent

Call = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Contender:
    """One way to do the work of a row.

    Attributes:
        prepare: Writes the files that `start` reads, in a process that is not timed.
        start: Takes the folder with the files and the number of cores; returns the call to time.
        imports: What is imported before the clock of the first answer starts; the first one must be installed.
        rehearsed: Another process does the same first, for example to fill a cache directory.
    """

    prepare: Callable[[Path], None]
    start: Callable[[Path, int], Call]
    imports: tuple[str, ...]
    rehearsed: bool = False


@dataclass(frozen=True)
class Row:
    """Work that all contenders do. agreement: the tolerance of outputs, relative to their range."""

    contenders: Mapping[str, Contender]
    agreement: float = 1e-4


@dataclass(frozen=True)
class Settings:
    cores: Sequence[int]
    rounds: int = 5
    seconds: float = 0.25
    starts: int = 1
    tuned: bool = False
    who: Sequence[str] = field(default_factory=tuple)  # all that are installed, if empty


def rows(module: str) -> Mapping[str, Row]:
    return importlib.import_module(module).contest_rows()


class Process:
    """A contender that has given its first answer, and is stopped unless it runs a block."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        command = [sys.executable, str(HERE / "contestant.py")]
        self.name = f"{order['who']} in {order['row']}"
        self.peak = 0.0
        order = {**order, "began": time.perf_counter()}
        # a group of its own: when this process dies, the kernel wakes the members of the orphaned group and ends them
        self._process = subprocess.Popen(
            [*command, json.dumps(order)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
        )
        self.cold: dict[str, float] = self._hear()
        self._process.send_signal(signal.SIGSTOP)

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            self.close()
            raise RuntimeError(f"{self.name} ended with exit status {status}")
        return json.loads(line)

    def block(self, seconds: float) -> timing.Samples:
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps({"seconds": seconds}) + "\n")
        self._process.stdin.flush()
        reply = self._hear()
        self._process.send_signal(signal.SIGSTOP)
        self.peak = reply["peak"]
        return [(wall, cpu) for wall, cpu in reply["samples"]]

    def finish(self) -> None:
        """Let it exit by itself, with its normal cleanup."""
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.close()
        self._process.wait()
        self.close()

    def close(self) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()


def measure(module: str, name: str, settings: Settings) -> list[dict[str, Any]]:
    """The records of one row: one for each contender and number of cores.

    Raises:
        ValueError: If the answers differ.
        RuntimeError: If a contender ends early.
    """
    row = rows(module)[name]
    wanted = [who for who, each in row.contenders.items() if _can_run(who, each, settings.who)]
    records = []
    with tempfile.TemporaryDirectory() as folder:
        order = {"module": module, "row": name, "folder": folder, "tuned": settings.tuned, "who": None}
        command = [sys.executable, str(HERE / "contestant.py"), json.dumps({**order, "prepare": wanted})]
        subprocess.run(command, check=True)
        for cores in settings.cores:
            processes: dict[str, Process] = {}
            colds: dict[str, dict[str, float]] = {}
            try:
                for who in wanted:
                    answer = str(Path(folder, f"{who} {cores}.npy"))
                    given = {**order, "who": who, "cores": cores, "answer": answer}
                    if row.contenders[who].rehearsed:
                        Process(given).finish()
                    found = []
                    for again in range(settings.starts):
                        if again:
                            processes.pop(who).close()
                        processes[who] = Process(given)
                        found.append(processes[who].cold)
                    colds[who] = {key: statistics.median(cold[key] for cold in found) for key in found[0]}
                answers = {who: np.load(Path(folder, f"{who} {cores}.npy")) for who in wanted}
                worst = check_agreement(answers, row.agreement)
                print(f"{name}, {cores} cores: all agree within {worst:.0e}", file=sys.stderr, flush=True)
                samples: dict[str, timing.Samples] = {who: [] for who in wanted}
                for _ in range(settings.rounds):
                    for who, process in processes.items():
                        samples[who] += process.block(settings.seconds)
                for who, process in processes.items():
                    warm = asdict(timing.reading(samples[who])) if settings.rounds else {}
                    record = {"row": name, "cores": cores, "who": who, **warm, **colds[who], "peak": process.peak}
                    records.append(record)
            finally:
                for process in processes.values():
                    process.close()
    return records


def _can_run(who: str, contender: Contender, wanted: Sequence[str]) -> bool:
    if wanted and who not in wanted:
        return False
    if importlib.util.find_spec(contender.imports[0]) is None:
        print(f"{contender.imports[0]} is not installed: {who} is left out", file=sys.stderr)
        return False
    return True


def check_agreement(answers: Mapping[str, np.ndarray], limit: float = 1e-4) -> float:
    """The largest difference from the last answer, relative to the range of its numbers. Raises ValueError where it is
    above the limit."""
    *others, judge = answers
    want = answers[judge].ravel()
    worst = 0.0
    for name in others:
        got = answers[name].ravel()
        if got.size != want.size:
            raise ValueError(f"{name} gives {got.size} numbers, {judge} {want.size}")
        error = float(np.abs(got - want).max() / np.ptp(want))
        if not error <= limit:
            raise ValueError(f"{name} differs from {judge} by {error:.1e} of the range of the outputs")
        worst = max(worst, error)
    return worst


def main(module: str, description: str, arguments: Sequence[str] | None = None) -> None:
    """The command of a script. module: its name."""
    available = rows(module)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="row", help=f"some of: {', '.join(available)}")
    parser.add_argument("--cores", type=int, nargs="+", default=sorted({1, cores}), help="numbers of cores (1 and all)")
    parser.add_argument("--who", nargs="+", default=(), help="some of the contenders")
    parser.add_argument("--rounds", type=int, default=5, help="blocks of each contender (5); 0: first answers only")
    parser.add_argument("--seconds", type=float, default=0.25, help="length of a block (0.25)")
    parser.add_argument("--starts", type=int, default=1, help="processes whose first answers are timed (1): medians")
    parser.add_argument("--tuned", action="store_true", help="call graphml.tune_host_allocator(), for everybody")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all readings there too")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("OLD", "NEW"), help="compare two such files, only")
    options = parser.parse_args(arguments)
    if options.compare:
        print(report.comparison(*(json.loads(path.read_text()) for path in options.compare)))
        return
    if unknown := sorted(set(options.names) - set(available)):
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(available)}")
    settings = Settings(
        options.cores, options.rounds, options.seconds, options.starts, options.tuned, tuple(options.who)
    )
    found: dict[str, Any] = {"machine": {**timing.machine(), "tuned": options.tuned}, "records": []}
    for name in options.names or available:
        found["records"] += measure(module, name, settings)
        if options.json:  # after each row, so that an interrupted run keeps its results
            options.json.write_text(json.dumps(found, indent=1))
    print(", ".join(f"{key} {value}" for key, value in found["machine"].items()))
    print(report.table(found["records"]))
