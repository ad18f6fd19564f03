"""Whole training runs, from samples to a trained model: graphml's `UpdateTask` beside torch, eager and compiled.

    python benchmarks/fitting.py                  # both, on one core
    python benchmarks/fitting.py head --threads 2

cnn: a small network of its own, all layers, 1024 images, 5 epochs of mini-batches of 32, SGD with momentum.
head: the last layer of a MobileNet for ten new classes: 200 images of 96 x 96, 5 epochs of mini-batches of 20, Adam;
torch once as people write it (the frozen part runs in every epoch), once with the features of that part kept.

All start from the same weights and see the same mini-batches; their losses must agree. The first run of each
compiles, the second one does not. Seconds are of CPU time with one thread, of wall time with more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import timing

Fit = Callable[[], tuple[float, float]]
"""Trains from the start; gives the mean loss of the first and of the last epoch."""

AGREEMENT = 1e-3  # of the mean loss of the first epoch and of the last


def cnn(threads: int) -> dict[str, Fit]:
    """All layers of a small network."""
    import networks
    import training
    from rendering import Network, needed, torch_forward, torch_weights

    import graphml

    torch = needed("torch")
    torch.set_num_threads(threads)
    network, count, batch, epochs, rate = networks.small_cnn(), 1024, 32, 5, training.RATE
    x = network.sample(count)
    labels = np.random.default_rng(8).integers(0, 10, count)
    model = graphml.load(training.updatable_spec(network, batch))

    def ours() -> tuple[float, float]:
        data = {"x": x, "label": labels[:, None].astype(np.int32)}
        task = graphml.UpdateTask(model, data, strict=False)
        task.resume({"epochs": epochs, "learning_rate": rate})
        return _ended(task)

    logits = Network(network.shape, network.steps[:-1])
    start = torch_weights(network)
    images, targets = torch.from_numpy(x), torch.from_numpy(labels)

    def theirs(compiled: bool) -> Fit:
        weights = {name: w.clone().requires_grad_() for name, w in start.items()}
        run = torch_forward(logits, weights)
        forward = torch.compile(run) if compiled else run

        def fit() -> tuple[float, float]:
            with torch.no_grad():
                for name, w in start.items():
                    weights[name].copy_(w)
            optimizer = torch.optim.SGD(weights.values(), lr=rate, momentum=training.MOMENTUM)
            return _torch_fit(torch, optimizer, forward, images, targets, batch, epochs)

        return fit

    return {"graphml": ours, "torch eager": theirs(False), "torch.compile": theirs(True)}


def head(threads: int) -> dict[str, Fit]:
    """The last layer of a large network, for classes of one's own."""
    import networks
    from rendering import Network, graphml_spec, needed, torch_forward, torch_weights

    import graphml
    from graphml import recipes

    torch = needed("torch")
    torch.set_num_threads(threads)
    network, count, batch, epochs = networks.mobilenet_v2(size=96, classes=10), 200, 20, 5
    x = network.sample(count)
    labels = np.random.default_rng(8).integers(0, 10, count)
    dense = network.steps[-2]
    loss = recipes.CrossEntropy(network.steps[-1].output)
    model = graphml.make_updatable(
        graphml.load(graphml_spec(network)),
        [dense.output],
        **{"loss": loss, "optimizer": recipes.Adam(0.001), "epochs": epochs, "batch_size": batch, "shuffle": False},
    )

    def ours() -> tuple[float, float]:
        task = graphml.UpdateTask(model, {"x": x, f"{loss.input}_true": labels[:, None].astype(np.int32)})
        task.resume()
        return _ended(task)

    start = torch_weights(network)
    own = {name: w for name, w in start.items() if name.startswith(f"{dense.output}/")}
    below = {name: w for name, w in start.items() if name not in own}
    trunk = torch_forward(Network(network.shape, network.steps[:-2]), below)
    alone = Network(network.shape, (replace(dense, inputs=("x",)),))
    images, targets = torch.from_numpy(x), torch.from_numpy(labels)

    def theirs(cached: bool) -> Fit:
        def fit() -> tuple[float, float]:
            weights = {name: w.clone().requires_grad_() for name, w in own.items()}
            top = torch_forward(alone, weights)

            def frozen(piece: Any) -> Any:
                with torch.no_grad():
                    return trunk(piece)

            given = torch.cat([frozen(images[i : i + batch]) for i in range(0, count, batch)]) if cached else images
            optimizer = torch.optim.Adam(weights.values(), lr=0.001)
            forward = top if cached else lambda piece: top(frozen(piece))
            return _torch_fit(torch, optimizer, forward, given, targets, batch, epochs)

        return fit

    return {"graphml": ours, "torch, features kept": theirs(True), "torch, recomputed": theirs(False)}


def _ended(task: Any) -> tuple[float, float]:
    task.wait()
    if task.error is not None:
        raise task.error
    return task.history.epochs[0].loss, task.history.epochs[-1].loss


def _torch_fit(torch: Any, optimizer: Any, forward: Any, inputs: Any, targets: Any, batch: int, epochs: int):
    means = []
    for _ in range(epochs):
        losses = []
        for i in range(0, len(inputs), batch):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(forward(inputs[i : i + batch]), targets[i : i + batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(float(np.mean(losses)))
    return means[0], means[-1]


FITS = {"cnn": cnn, "head": head}


def measure(name: str, threads: int) -> None:
    clock = time.process_time if threads == 1 else time.perf_counter
    judge: tuple[float, float, float] | None = None  # losses, seconds
    for who, fit in FITS[name](threads).items():
        seconds, first, last = [], 0.0, 0.0
        try:
            for _ in range(2):
                began = clock()
                first, last = fit()
                seconds.append(clock() - began)
        except Exception as error:  # a compiler that torch needs may not be here
            print(f"{name:5} {who:20} does not run here: {type(error).__name__}: {str(error).splitlines()[0][:80]}")
            continue
        judge = (first, last, seconds[1]) if judge is None else judge
        if not np.allclose((first, last), judge[:2], rtol=AGREEMENT, atol=0):
            raise SystemExit(f"{name}: the losses of {who} are {first} and {last}, those of graphml {judge[:2]}")
        times = f"first {seconds[0]:6.2f} s   again {seconds[1]:6.2f} s   graphml / it {judge[2] / seconds[1]:5.2f}"
        print(f"{name:5} {who:20} {times}   loss {last:.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(FITS)}")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(FITS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    timing.pin(arguments.threads)
    print(timing.machine(arguments.threads))
    for name in arguments.names or FITS:
        measure(name, arguments.threads)


if __name__ == "__main__":
    main()
