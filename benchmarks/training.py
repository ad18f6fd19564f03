"""The same training, mini-batch by mini-batch: graphml with the recipe in a file, torch in a plain loop.

Both start from the weights of the network and use cross entropy, SGD and momentum. A run trains on all mini-batches
once, always from the same initial weights, and returns their losses.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contenders import read_for_torch, write_for_torch
from contest import Call, Contender, Row
from rendering import Network, graphml_spec, needed, torch_forward

RATE, MOMENTUM = 0.001, 0.9


def samples(network: Network, batch: int, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Images [count, batch, ...] and the indices of their classes [count, batch]."""
    x = network.sample(batch * count).reshape(count, batch, *network.shape)
    return x, np.random.default_rng(8).integers(0, classes, (count, batch)).astype(np.int32)


def updatable_spec(network: Network, batch: int) -> Any:
    """The network as an updatable model: all convolutions and dense layers train."""
    from graphml.build import array

    model = graphml_spec(network, updatable=True)
    model.isUpdatable = True
    description, params = model.description, model.neuralNetwork.updateParams
    description.trainingInput.add(name="x").type.CopyFrom(array(*network.shape))
    description.trainingInput.add(name="label").type.CopyFrom(array(1, dtype="int32"))
    loss = params.lossLayers.add(name="loss").categoricalCrossEntropyLossLayer
    loss.input, loss.target = network.steps[-1].output, "label"
    sgd = params.optimizer.sgdOptimizer
    sgd.learningRate.defaultValue, sgd.momentum.defaultValue, sgd.miniBatchSize.defaultValue = RATE, MOMENTUM, batch
    params.epochs.defaultValue = 1
    return model


def learning(make: Callable[[], Network], classes: int, batch: int, steps: int) -> Row:
    """One pass over so many mini-batches."""

    def prepare(folder: Path) -> Network:
        network = make()
        x, labels = samples(network, batch, steps, classes)
        np.save(folder / "x.npy", x)
        np.save(folder / "labels.npy", labels)
        return network

    def prepare_graphml(folder: Path) -> None:
        from graphml import spec

        spec.write(updatable_spec(prepare(folder), batch), folder / "updatable.mlmodel")

    def prepare_torch(folder: Path) -> None:
        write_for_torch(folder, prepare(folder))

    ours = Contender(prepare_graphml, with_graphml, ("graphml", "graphml.update", "graphml.models.network"))
    return Row({"graphml": ours, "torch": Contender(prepare_torch, with_torch, ("torch",))})


def with_graphml(folder: Path, cores: int) -> Call:
    """What an `UpdateTask` runs for an epoch: one compiled call."""
    import jax

    import graphml
    from graphml.update import recipe_of, take_apart
    from graphml.update.step import training

    x, labels = np.load(folder / "x.npy"), np.load(folder / "labels.npy")
    model = graphml.load(folder / "updatable.mlmodel")
    recipe = recipe_of(model.spec)
    parts = take_apart(model.lower(), recipe.loss)  # type: ignore[attr-defined]
    train, frozen = jax.device_put(parts.split(model.parameters))  # type: ignore[attr-defined]
    inputs = {"x": x.reshape(-1, *x.shape[2:])}
    blobs = jax.vmap(lambda one: parts.trunk.fn(model.parameters, one))(inputs)  # type: ignore[attr-defined]
    data = training.Data(blobs, jax.device_put(labels.reshape(-1)))
    order = np.arange(labels.size, dtype=np.int32).reshape(labels.shape)
    state, hyper = training.initial_state(parts, recipe, train), training.hyper_values(recipe)
    epoch = training.make_slice(parts, recipe)
    return lambda: np.asarray(epoch(train, frozen, state, data, order, 0, len(order), hyper, None)[2])


def with_torch(folder: Path, cores: int) -> Call:
    torch = needed("torch")
    network, start = read_for_torch(folder, cores)
    logits = Network(network.shape, network.steps[:-1])  # the loss includes the softmax
    images = torch.from_numpy(np.load(folder / "x.npy"))
    targets = torch.from_numpy(np.load(folder / "labels.npy").astype(np.int64))

    def run() -> np.ndarray:
        weights = {name: w.clone().requires_grad_() for name, w in start.items()}
        forward = torch_forward(logits, weights)
        optimizer = torch.optim.SGD(weights.values(), lr=RATE, momentum=MOMENTUM)
        losses = []
        for image, target in zip(images, targets, strict=True):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(forward(image), target)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return np.array(losses, np.float32)

    return run
