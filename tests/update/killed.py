"""An update in a separate process, to be killed."""

from __future__ import annotations

import functools
import multiprocessing
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from neighbor_models import neighbors
from update.networks import classifier, classifier_data, pipeline, regression

import graphml
from graphml.update import TaskState, UpdateEvent, UpdateProgressHandlers, UpdateTask

EPOCHS, SAMPLES = 150, 22


def network() -> graphml.Model:
    return classifier(adam=True, shuffle=True, epochs=EPOCHS, batch_size=4)


def _pipeline_of_network() -> graphml.Model:
    return graphml.load(pipeline(regression(adam=True, shuffle=True, epochs=EPOCHS).spec, 2, 3))


def _neighbors() -> graphml.Model:
    return graphml.load(neighbors(np.zeros((0, 2)), [], default="none"))


def _pipeline_of_neighbors() -> graphml.Model:
    return graphml.load(pipeline(neighbors(np.zeros((0, 3)), [], default="none", name="h"), 2, 3))


def samples() -> Iterator[dict[str, Any]]:
    """A generator, which cannot be read twice."""
    yield from classifier_data(SAMPLES)


def _points(name: str, target: str, value: Callable[[float], Any]) -> Iterator[dict[str, Any]]:
    for x, y in np.random.default_rng(3).normal(size=(SAMPLES, 2)):
        yield {name: [x, y], target: value(x)}


def _labelled(name: str) -> Iterator[dict[str, Any]]:
    return _points(name, "label", lambda x: "low" if x < 0 else "high")


KINDS: dict[str, tuple[Callable[[], graphml.Model], Callable[[], Iterator[dict[str, Any]]]]] = {
    "network": (network, samples),
    "pipeline that ends in a network": (
        _pipeline_of_network,
        lambda: _points("given", "y_true", lambda x: [x, -x]),
    ),
    "neighbors": (_neighbors, lambda: _labelled("x")),
    "pipeline that ends in neighbors": (_pipeline_of_neighbors, lambda: _labelled("given")),
}
"""Kind -> functions that give the model and the training data."""


def work(kind: str, directory: Path, keywords: dict[str, Any], to_the_end: bool) -> None:
    """Start or continue an update in a directory; at the end write its model."""
    model, data = KINDS[kind]
    more = {**keywords, "checkpoint_seconds": 30 if to_the_end else 0}
    if "neighbors" in kind and not to_the_end:  # there are so few moments that each has to last
        every = UpdateEvent.TRAINING_BEGIN | UpdateEvent.MINI_BATCH_END | UpdateEvent.EPOCH_END
        more["progress_handlers"] = UpdateProgressHandlers(every, lambda context: time.sleep(0.3))
    if (directory / "update.json").exists():
        task = UpdateTask.restore(directory, data(), **more)
    else:
        task = UpdateTask(model(), data(), checkpoint_dir=directory, **more)
    if task.state is TaskState.SUSPENDED:
        task.resume()
    task.wait()
    if task.error is not None:
        raise task.error
    task.model.save(directory.with_suffix(".mlmodel"))


@functools.cache
def processes():
    """Processes are copies of one that has imported everything and started nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["graphml.update", "graphml.build", "orbax.checkpoint"])
    return context


def kill(kind: str, directory: Path, times: int, seed: int, **keywords: Any) -> int:
    """Kill an update at as many random moments, then let it finish. Returns how often it was really killed.

    Moments are counted alternately from the start of the process, when there may be nothing to resume, and from its
    first step.
    """
    draw, killed = random.Random(seed), 0
    for attempt in range(times):
        before = _newest(directory)
        process = processes().Process(target=work, args=(kind, directory, keywords, False))
        process.start()
        while attempt % 2 and _newest(directory) == before and process.is_alive():
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.4 if attempt % 2 else 1.2))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    process = processes().Process(target=work, args=(kind, directory, keywords, True))
    process.start()
    process.join()
    assert process.exitcode == 0
    return killed


def _newest(directory: Path) -> int:
    return max((int(step.name) for step in directory.glob("steps/*") if step.name.isdecimal()), default=-1)


def bits(model: Any) -> list[bytes]:
    parameters = model.parameters
    return [np.asarray(parameters[layer][name]).tobytes() for layer in parameters for name in parameters[layer]]
