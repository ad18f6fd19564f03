"""Personal models for many users: `update_many` against an `UpdateTask` for each.

    python benchmarks/many_users.py                 # 1 user and 64, on one core
    python benchmarks/many_users.py 1024            # 1024 users
    python benchmarks/many_users.py --cost 10 100 1000      # only time, memory and disk of these numbers of users

Each user trains the last layer of a small network of convolutions with 20 to 40 images of 32 x 32, 5 epochs of
mini-batches of 10. The times of single tasks are measured for a few users and scaled to all:

first: the model is new, so everything is compiled. again: a second run, without compilation. warm tasks: a task
for each user, on one model, that has seen a user with as many samples before. fresh tasks: a new model for each.

Seconds are CPU time with one thread, wall time with more.

--cost runs `update_many` once in a new process for each number, with users from a generator, and saves a delta for each
user: seconds without imports, the growth of the largest resident memory, and bytes on disk.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import timing

_FRESH, _WARM = 3, 12  # users whose tasks are run
_EPOCHS, _BATCH = 5, 10


def _model() -> Any:
    from architectures import small_cnn
    from rendering import graphml_spec

    import graphml
    from graphml import recipes

    network = small_cnn()
    head, softmax = network.steps[-2:]
    return graphml.make_updatable(
        graphml.load(graphml_spec(network)),
        [head.output],
        loss=recipes.CrossEntropy(softmax.output),
        optimizer=recipes.SGD(0.001, momentum=0.9),
        epochs=_EPOCHS,
        batch_size=_BATCH,
    )


def _users(count: int, target: str) -> Iterator[dict[str, np.ndarray]]:
    draw = np.random.default_rng(7)
    for _ in range(count):
        samples = int(draw.integers(2, 5)) * 10
        images = draw.standard_normal((samples, 3, 32, 32), np.float32)
        yield {"x": images, target: draw.integers(0, 10, (samples, 1)).astype(np.int32)}


def _target(model: Any) -> str:
    return next(f.name for f in model.description.training_inputs if f.name != "x")


def _alone(model: Any, data: Any) -> Any:
    import graphml

    task = graphml.UpdateTask(model, data)
    task.resume()
    task.wait()
    if task.error is not None:
        raise task.error
    return task


def measure(count: int, clock: Callable[[], float]) -> None:
    import graphml

    def seconds(run: Callable[[], Any]) -> tuple[float, Any]:
        began = clock()
        done = run()
        return clock() - began, done

    model = _model()
    users = list(_users(count, _target(model)))
    first, _ = seconds(lambda: graphml.update_many(model, users))
    again, result = seconds(lambda: graphml.update_many(model, users))

    sizes = {len(data["x"]): data for data in users}
    for data in sizes.values():
        _alone(model, data)
    some = users[:_WARM]
    warm, tasks = seconds(lambda: [_alone(model, data) for data in some])
    warm *= count / len(some)
    for number, task in enumerate(tasks):
        losses = [record.loss for record in task.history.epochs]
        if not np.allclose(losses, result.losses[number], rtol=1e-3):
            raise SystemExit(f"the losses of user {number} are {result.losses[number]}, alone {losses}")
    few = users[:_FRESH]
    fresh, _ = seconds(lambda: [_alone(_model(), data) for data in few])
    fresh *= count / len(few)
    print(
        f"{count:5} users   first {first:6.2f} s   again {again:6.2f} s   warm tasks {warm:7.2f} s   fresh tasks "
        f"{fresh:7.2f} s   again / warm {again / warm:5.2f}   fresh / first {fresh / first:5.1f}",
        flush=True,
    )


def cost(count: int) -> None:
    """Train this many users in this process, save a delta for each, and print a row of the table."""
    import graphml

    model = _model()
    before, began = _most_memory(), time.perf_counter()
    result = graphml.update_many(model, _users(count, _target(model)))
    trained = time.perf_counter() - began
    memory = _most_memory() - before
    with tempfile.TemporaryDirectory() as folder:
        for user in range(count):
            result.delta(user).save(Path(folder) / f"{user}.safetensors")
        saved = time.perf_counter() - began - trained
        disk = sum(path.stat().st_size for path in Path(folder).iterdir())
    cells = [f"{count:,}", f"{trained:.2f}", f"{1e3 * trained / count:.1f}", f"{1e3 * saved / count:.1f}"]
    print(f"| {' | '.join([*cells, f'{memory / 2**20:.0f}', f'{disk / count / 2**10:.1f}'])} |", flush=True)


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, metavar="USERS", help="how many; 1 and 64 unless given")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cost", action="store_true", help="time, memory and disk of update_many alone")
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)  # of --cost, in a new process
    arguments = parser.parse_args()
    timing.pin(arguments.threads)
    if arguments.row:
        cost(*arguments.counts)
        return
    print(timing.machine(arguments.threads))
    if arguments.cost:
        print(
            "| users | s | ms per user | ms per user to save | memory, MiB | delta, KiB |",
            "| ---: " * 6 + "|",
            sep="\n",
        )
        sys.stdout.flush()
        for count in arguments.counts or (10, 100, 1000):
            command = [sys.executable, __file__, "--row", str(count), "--threads", str(arguments.threads)]
            subprocess.run(command, check=True)
        return
    for count in arguments.counts or (1, 64):
        measure(count, time.process_time if arguments.threads == 1 else time.perf_counter)


if __name__ == "__main__":
    main()
