"""An update in a process of its own, to be killed."""

from __future__ import annotations

import functools
import multiprocessing
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from update.networks import classifier, classifier_data

from graphml.update import TaskState, UpdateTask

EPOCHS, SAMPLES = 150, 22


def samples() -> Iterator[dict[str, Any]]:
    """A generator, which cannot be read twice."""
    yield from classifier_data(SAMPLES)


def network():
    return classifier(adam=True, shuffle=True, epochs=EPOCHS, batch_size=4)


def work(directory: Path, keywords: dict[str, Any], to_the_end: bool) -> None:
    """Begin an update in a directory, or go on with it; at the end write its model."""
    more = {**keywords, "checkpoint_seconds": 30 if to_the_end else 0}
    if (directory / "update.json").exists():
        task = UpdateTask.restore(directory, samples(), **more)
    else:
        task = UpdateTask(network(), samples(), checkpoint_dir=directory, **more)
    if task.state is TaskState.SUSPENDED:
        task.resume()
    task.wait()
    if task.error is not None:
        raise task.error
    task.model.save(directory.with_suffix(".mlmodel"))


@functools.cache
def _processes():
    """Processes are copies of one that has imported everything and started nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["graphml.update", "graphml.build", "orbax.checkpoint"])
    return context


def kill(directory: Path, times: int, seed: int, **keywords: Any) -> int:
    """Kill an update at as many random moments, then let it come to its end; how often it was really killed.

    Moments are counted in turn from the start of the process, when there may be nothing yet to go on from, and from its
    first step.
    """
    draw, killed = random.Random(seed), 0
    for turn in range(times):
        before = _newest(directory)
        process = _processes().Process(target=work, args=(directory, keywords, False))
        process.start()
        while turn % 2 and _newest(directory) == before and process.is_alive():
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.4 if turn % 2 else 1.2))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    process = _processes().Process(target=work, args=(directory, keywords, True))
    process.start()
    process.join()
    assert process.exitcode == 0
    return killed


def _newest(directory: Path) -> int:
    return max((int(step.name) for step in directory.glob("steps/*") if step.name.isdecimal()), default=-1)


def bits(model: Any) -> list[bytes]:
    parameters = model.parameters
    return [np.asarray(parameters[layer][name]).tobytes() for layer in parameters for name in parameters[layer]]
