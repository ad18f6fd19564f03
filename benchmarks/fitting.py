"""Whole training runs, from samples to a trained model: graphml's `UpdateTask` against torch, eager and compiled.

    python benchmarks/fitting.py                  # both, on one core and on all
    python benchmarks/fitting.py head --cores 2 --rounds 3

cnn: a small network, all layers, 1024 images, 5 epochs of mini-batches of 32, SGD with momentum.
head: the last layer of a MobileNet for ten new classes: 200 images of 96 x 96, 5 epochs of mini-batches of 20, Adam;
torch once as commonly written (the frozen part runs in every epoch), once with the features of that part cached.

All start from the same weights and see the same mini-batches; the mean losses of the first and of the last epoch must
agree. The first answer of a process includes compilation, the other runs do not. torch.compile needs a C++ compiler.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import contest
import numpy as np
import training
from architectures import mobilenet_v2, small_cnn
from contenders import NETWORK, read_for_torch, write_for_torch
from contest import Call, Contender, Row
from rendering import Network, graphml_spec, needed, torch_forward

TRAINING = (*NETWORK, "graphml.update", "graphml.recipes")


def contest_rows() -> Mapping[str, Row]:
    trained = {"graphml": cnn_graphml()}
    if shutil.which("c++"):
        trained["torch.compile"] = cnn_torch(compiled=True)
    last = {"graphml": head_graphml(), "torch recomputed": head_torch(kept=False), "torch": head_torch(kept=True)}
    return {"cnn": Row({**trained, "torch": cnn_torch(compiled=False)}, 1e-3), "head": Row(last, 1e-3)}


def _write_samples(folder: Path, network: Network, count: int) -> None:
    np.save(folder / "x.npy", network.sample(count))
    np.save(folder / "labels.npy", np.random.default_rng(8).integers(0, 10, count))


def _read_samples(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / "x.npy"), np.load(folder / "labels.npy")


def _losses(task: Any) -> np.ndarray:
    """Mean losses of the first and of the last epoch, and 0, so that the range of the numbers is that of a loss."""
    task.wait()
    if task.error is not None:
        raise task.error
    return np.array([0.0, task.history.epochs[0].loss, task.history.epochs[-1].loss])


# A small network -----------------------------------------------------------------------------------------------------

COUNT, BATCH, EPOCHS = 1024, 32, 5


def cnn_graphml() -> Contender:
    def prepare(folder: Path) -> None:
        from graphml import spec

        spec.write(training.updatable_spec(small_cnn(), BATCH), folder / "cnn.mlmodel")
        _write_samples(folder, small_cnn(), COUNT)

    def start(folder: Path, cores: int) -> Call:
        import graphml

        x, labels = _read_samples(folder)
        model = graphml.load(folder / "cnn.mlmodel")
        data = {"x": x, "label": labels[:, None].astype(np.int32)}

        def call() -> np.ndarray:
            task = graphml.UpdateTask(model, data, strict=False)
            task.resume({"epochs": EPOCHS, "learning_rate": training.RATE})
            return _losses(task)

        return call

    return Contender(prepare, start, TRAINING)


def cnn_torch(compiled: bool) -> Contender:
    def prepare(folder: Path) -> None:
        write_for_torch(folder, small_cnn())
        _write_samples(folder, small_cnn(), COUNT)

    def start(folder: Path, cores: int) -> Call:
        torch = needed("torch")
        network, start = read_for_torch(folder, cores)
        images, targets = map(torch.from_numpy, _read_samples(folder))
        weights = {name: w.clone().requires_grad_() for name, w in start.items()}
        run = torch_forward(Network(network.shape, network.steps[:-1]), weights)
        forward = torch.compile(run) if compiled else run

        def call() -> np.ndarray:
            with torch.no_grad():
                for name, w in start.items():
                    weights[name].copy_(w)
            optimizer = torch.optim.SGD(weights.values(), lr=training.RATE, momentum=training.MOMENTUM)
            return _torch_fit(torch, optimizer, forward, images, targets, BATCH)

        return call

    return Contender(prepare, start, ("torch",))


# The last layer of a large one ---------------------------------------------------------------------------------------

HEAD_COUNT, HEAD_BATCH, HEAD_RATE = 200, 20, 0.001


def _mobilenet() -> Network:
    return mobilenet_v2(size=96, classes=10)


def head_graphml() -> Contender:
    def prepare(folder: Path) -> None:
        from graphml import spec

        network = _mobilenet()
        spec.write(graphml_spec(network), folder / "head.mlmodel")
        (folder / "outputs.txt").write_text(" ".join(step.output for step in network.steps[-2:]))
        _write_samples(folder, network, HEAD_COUNT)

    def start(folder: Path, cores: int) -> Call:
        import graphml
        from graphml import recipes

        x, labels = _read_samples(folder)
        dense, softmax = (folder / "outputs.txt").read_text().split()
        loss = recipes.CrossEntropy(softmax)
        model = graphml.make_updatable(
            graphml.load(folder / "head.mlmodel"),
            [dense],
            loss=loss,
            optimizer=recipes.Adam(HEAD_RATE),
            epochs=EPOCHS,
            batch_size=HEAD_BATCH,
            shuffle=False,
        )
        data = {"x": x, f"{loss.input}_true": labels[:, None].astype(np.int32)}

        def call() -> np.ndarray:
            task = graphml.UpdateTask(model, data)
            task.resume()
            return _losses(task)

        return call

    return Contender(prepare, start, TRAINING)


def head_torch(kept: bool) -> Contender:
    """kept: run the frozen part once, and not in each epoch."""

    def prepare(folder: Path) -> None:
        write_for_torch(folder, _mobilenet())
        _write_samples(folder, _mobilenet(), HEAD_COUNT)

    def start(folder: Path, cores: int) -> Call:
        torch = needed("torch")
        network, start = read_for_torch(folder, cores)
        images, targets = map(torch.from_numpy, _read_samples(folder))
        dense = network.steps[-2]
        own = {name: w for name, w in start.items() if name.startswith(f"{dense.output}/")}
        below = {name: w for name, w in start.items() if name not in own}
        trunk = torch_forward(Network(network.shape, network.steps[:-2]), below)
        alone = Network(network.shape, (replace(dense, inputs=("x",)),))

        def frozen(piece: Any) -> Any:
            with torch.no_grad():
                return trunk(piece)

        def call() -> np.ndarray:
            weights = {name: w.clone().requires_grad_() for name, w in own.items()}
            top = torch_forward(alone, weights)
            optimizer = torch.optim.Adam(weights.values(), lr=HEAD_RATE)
            given = images
            if kept:
                given = torch.cat([frozen(part) for part in images.split(HEAD_BATCH)])
            forward = top if kept else lambda piece: top(frozen(piece))
            return _torch_fit(torch, optimizer, forward, given, targets, HEAD_BATCH)

        return call

    return Contender(prepare, start, ("torch",))


def _torch_fit(
    torch: Any, optimizer: Any, forward: Callable[[Any], Any], inputs: Any, targets: Any, batch: int
) -> np.ndarray:
    means = []
    for _ in range(EPOCHS):
        losses = []
        for i in range(0, len(inputs), batch):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(forward(inputs[i : i + batch]), targets[i : i + batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(float(np.mean(losses)))
    return np.array([0.0, means[0], means[-1]])


if __name__ == "__main__":
    contest.main("fitting", __doc__ or "")
