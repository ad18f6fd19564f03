"""How soon a new process predicts: without a cache directory, with an empty one, and with one that another has filled.

    python benchmarks/second_start.py             # medians of five processes each
    python benchmarks/second_start.py --runs 9 --threads 1

Every reading is a process of its own with a MobileNetV2-shaped network of random weights: the time to import, then the
time from `graphml.load` to the first prediction.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import timing


def child(model: str, cache: str, threads: int) -> dict[str, float]:
    """Seconds, by the clock on the wall and of processor time, in this process."""
    timing.pin(threads)
    marks = [_clocks()]
    import numpy as np

    import graphml
    import graphml.models.network
    import graphml.ops

    image = np.random.default_rng(0).random((3, 224, 224), np.float32)
    marks.append(_clocks())
    configuration = graphml.ModelConfiguration(cache_directory=cache if cache else None)
    loaded = graphml.load(model, configuration=configuration)
    loaded.predict({"x": image})
    marks.append(_clocks())
    (wall0, cpu0), (wall1, cpu1), (wall2, cpu2) = marks
    return {"import": wall1 - wall0, "import_cpu": cpu1 - cpu0, "first": wall2 - wall1, "first_cpu": cpu2 - cpu1}


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def measure(model: Path, cache: Path | None, threads: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", str(model), "" if cache is None else str(cache)]
    done = subprocess.run([*command, "--threads", str(threads)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="processes for each reading (5)")
    parser.add_argument("--threads", type=int, default=2, help="cores to use (2)")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child[0], options.child[1], options.threads)))
        return
    from networks import mobilenet_v2
    from rendering import graphml_spec

    from graphml import spec

    with tempfile.TemporaryDirectory() as folder:
        model, kept = Path(folder, "network.mlmodel"), Path(folder, "kept")
        spec.write(graphml_spec(mobilenet_v2()), model)
        measure(model, kept, options.threads)  # fills it
        kinds = {
            "no cache": lambda i: None,
            "empty cache": lambda i: Path(folder, str(i)),
            "second start": lambda i: kept,
        }
        readings: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
        for i in range(options.runs):
            for kind, cache in kinds.items():
                readings[kind].append(measure(model, cache(i), options.threads))
    print(", ".join(f"{key} {value}" for key, value in timing.machine(options.threads).items()))
    print(f"\nmilliseconds, medians of {options.runs} processes\n")
    print("| | imports, wall | imports, CPU | first prediction, wall | fastest | CPU |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind, rows in readings.items():
        middle = {name: 1e3 * statistics.median(row[name] for row in rows) for name in rows[0]}
        fastest = 1e3 * min(row["first"] for row in rows)
        cells = [middle["import"], middle["import_cpu"], middle["first"], fastest, middle["first_cpu"]]
        print(f"| {kind} | {' | '.join(f'{cell:.0f}' for cell in cells)} |")


if __name__ == "__main__":
    main()
