"""Personal models for many users: `update_many` beside an `UpdateTask` for each.

    python benchmarks/many_users.py                 # 1 user and 64, on one core
    python benchmarks/many_users.py 1024            # so many

Each user trains the last layer of a small network of convolutions with 20 to 40 images of 32 x 32, 5 epochs of
mini-batches of 10. The runs of single tasks are those of a few users, times the number of users over theirs:

first: the model is new, so everything is compiled. again: the same once more, nothing is compiled. warm tasks: a task
for each user, on one model, that has seen a user with as many samples before. fresh tasks: a new model for each.

Seconds are of CPU time with one thread, of wall time with more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
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


def _users(count: int, target: str) -> list[dict[str, np.ndarray]]:
    draw, users = np.random.default_rng(7), []
    for _ in range(count):
        samples = int(draw.integers(2, 5)) * 10
        images = draw.standard_normal((samples, 3, 32, 32), np.float32)
        users.append({"x": images, target: draw.integers(0, 10, (samples, 1)).astype(np.int32)})
    return users


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
    target = next(f.name for f in model.description.training_inputs if f.name != "x")
    users = _users(count, target)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, metavar="USERS", help="how many; 1 and 64 unless given")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    timing.pin(arguments.threads)
    print(timing.machine(arguments.threads))
    for count in arguments.counts or (1, 64):
        measure(count, time.process_time if arguments.threads == 1 else time.perf_counter)


if __name__ == "__main__":
    main()
