"""The same training, mini-batch by mini-batch: graphml by the recipe in a file, torch in its usual loop.

Both start from the weights of the network and use cross entropy, SGD and momentum. A run trains on all mini-batches
once, always from the same start, and gives their losses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rendering import Network, graphml_spec, needed, torch_forward, torch_weights

RATE, MOMENTUM = 0.001, 0.9

Run = Callable[[], np.ndarray]


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


def with_graphml(network: Network, x: np.ndarray, labels: np.ndarray) -> Run:
    """What an `UpdateTask` runs for an epoch: one compiled call."""
    import jax

    import graphml
    from graphml.update import recipe_of, take_apart
    from graphml.update.step import training

    model = graphml.load(updatable_spec(network, x.shape[1]))
    recipe = recipe_of(model.spec)
    parts = take_apart(model.lower(), recipe.loss)  # type: ignore[attr-defined]
    train, frozen = jax.device_put(parts.split(model.parameters))  # type: ignore[attr-defined]
    inputs = {"x": x.reshape(-1, *network.shape)}
    blobs = jax.vmap(lambda one: parts.trunk.fn(model.parameters, one))(inputs)  # type: ignore[attr-defined]
    data = training.Data(blobs, jax.device_put(labels.reshape(-1)))
    order = np.arange(labels.size, dtype=np.int32).reshape(labels.shape)
    state, hyper = training.initial_state(parts, recipe, train), training.hyper_values(recipe)
    epoch = training.make_slice(parts, recipe)
    return lambda: np.asarray(epoch(train, frozen, state, data, order, 0, len(order), hyper, None)[2])


def with_torch(network: Network, x: np.ndarray, labels: np.ndarray, threads: int = 1) -> Run:
    torch = needed("torch")
    torch.set_num_threads(threads)
    start = torch_weights(network)
    logits = Network(network.shape, network.steps[:-1])  # the loss has the softmax in it
    images, targets = torch.from_numpy(x), torch.from_numpy(labels.astype(np.int64))

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
