"""One contender in a separate process: starts, returns its first output, and then runs blocks of calls on request.

`contest.py` starts this, with one JSON object as the argument, and talks to it in lines of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import timing


def main() -> None:
    order = json.loads(sys.argv[1])
    if order["who"] is None:
        _prepare(order)
        return
    timing.pin(order["cores"])
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print too

    def tell(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    import contest
    import numpy as np

    contender = contest.rows(order["module"])[order["row"]].contenders[order["who"]]
    for name in contender.imports:
        __import__(name)
    if order["tuned"]:
        from graphml.allocator import tune_host_allocator

        tune_host_allocator()
    imported = time.perf_counter(), time.process_time()
    call = contender.start(Path(order["folder"]), order["cores"])
    answer = call()
    answered = time.perf_counter(), time.process_time()
    np.save(order["answer"], answer)
    # perf_counter counts from the same moment in all processes; process_time from the start of this one
    tell(
        {
            "imports": imported[0] - order["began"],
            "imports_cpu": imported[1],
            "first": answered[0] - imported[0],
            "first_cpu": answered[1] - imported[1],
        }
    )
    for line in sys.stdin:
        tell({"samples": timing.block(call, json.loads(line)["seconds"]), "peak": _peak()})


def _prepare(order: dict[str, Any]) -> None:
    """Write the files of all contenders of the row."""
    import contest

    contenders = contest.rows(order["module"])[order["row"]].contenders
    for who in order["prepare"]:
        contenders[who].prepare(Path(order["folder"]))


def _peak() -> float:
    """The peak memory of this process, in MB."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main()
