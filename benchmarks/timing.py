"""Time calls in one process, pinned to few cores, with contenders that take turns in short blocks.

This is for single operators and for a library against itself. Whole networks are timed in separate processes
(`contest.py`). Imports nothing that starts threads: `pin` must come first.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("jax", "jaxlib", "onnxruntime", "torch", "numpy")


@dataclass(frozen=True)
class Reading:
    """Milliseconds of one call: medians and tenth percentiles of wall time and of the CPU time of all threads."""

    wall: float
    wall_p10: float
    cpu: float
    cpu_p10: float
    calls: int


def pin(threads: int) -> None:
    """Keep this process, and every thread that it will start, on its last `threads` cores.

    XLA sizes its pool by the cores that it may use, so this comes before anything imports JAX.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[-threads:])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)


def machine(threads: int | None = None) -> dict[str, Any]:
    """The machine: processor, cores used, load of the last minute, versions."""
    return {
        "cpu": _cpu_name(),
        **({} if threads is None else {"threads": threads}),
        "cores": os.cpu_count(),
        "commit": _commit(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            facts = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
    except OSError:
        return platform.processor() or platform.machine()
    named = {key.strip(): value.strip() for key, value in facts.items()}
    wide = "AVX-512" if "avx512f" in named.get("flags", "").split() else "no AVX-512"
    return f"{named.get('model name', platform.machine())} (family {named.get('cpu family')}, {wide})"


def _commit() -> str | None:
    """Of graphml; with a plus sign if files differ from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True).stdout.strip() or None
    except OSError:
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


Samples = list[tuple[float, float]]
"""Seconds of each call: of wall time, and of CPU time of all threads."""


def block(call: Callable[[], Any], seconds: float) -> Samples:
    """Call for about this long, at least twice. The first call is not counted, because others have filled the caches.
    A single call that takes longer than the block is counted."""
    taken: Samples = []
    start = time.perf_counter()
    while len(taken) < 3 or time.perf_counter() - start < seconds:
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
        if len(taken) == 1 and taken[0][0] > seconds:
            return taken
    return taken[1:]


def measure(
    contenders: Mapping[str, Callable[[], Any]], *, rounds: int = 15, seconds: float = 0.25
) -> dict[str, Reading]:
    """Time calls in this process. They take turns in blocks of about `seconds` each, `rounds` blocks for each
    contender, which spreads the noise of a shared machine over all of them."""
    taken: dict[str, Samples] = {name: [] for name in contenders}
    for call in contenders.values():
        call()  # compiles
    for _ in range(rounds):
        for name, call in contenders.items():
            taken[name] += block(call, seconds)
    return {name: reading(samples) for name, samples in taken.items()}


def reading(samples: Iterable[tuple[float, float]]) -> Reading:
    walls, cpus = (sorted(1e3 * t for t in column) for column in zip(*samples, strict=True))
    middle, tenth = len(walls) // 2, len(walls) // 10
    return Reading(walls[middle], walls[tenth], cpus[middle], cpus[tenth], len(walls))


# Reports -------------------------------------------------------------------------------------------------------------


def as_json(machine: Mapping[str, Any], results: Mapping[str, Mapping[str, Reading]]) -> dict[str, Any]:
    """All readings, in plain types."""
    readings = {name: {who: asdict(reading) for who, reading in row.items()} for name, row in results.items()}
    return {"machine": dict(machine), "milliseconds": readings}


def table(results: Mapping[str, Mapping[str, Reading]], ours: str, clock: str) -> str:
    """A Markdown table: milliseconds of everybody by one clock, and ours as a multiple of each peer's."""
    peers = list(dict.fromkeys(who for row in results.values() for who in row if who != ours))
    head = ["network", f"{ours} ms", *(f"{who} ms" for who in peers), *(f"{ours} / {who}" for who in peers)]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for name, row in results.items():
        mine = getattr(row[ours], clock)
        times = {who: getattr(row[who], clock) for who in peers if who in row}
        cells = [f"{times[who]:.3g}" if who in times else "-" for who in peers]
        ratios = [f"**{mine / times[who]:.2f}**" if who in times else "-" for who in peers]
        lines.append([name, f"{mine:.3g}", *cells, *ratios])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
