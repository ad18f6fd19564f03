"""Federated averaging with Flower: clients train on their own drawings, and only weights are sent.

Needs the extra "flower". Three clients have two kinds of drawings each, so none of them could learn the task alone. In
each round the server sends weights, each client trains one epoch with the recipe in the file, and the server averages
the results with `graphml.federated_average`: each client's change is clipped, and noise can be added.

Flower sends weights as a list of arrays. `jax.tree.leaves` returns one in a fixed order (sorted by layer, then by
weight), and `with_parameters` checks the shapes of the result.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

import graphml

DATA = Path(__file__).parent / "data"
LEARNED = ("dense_2", "dense_3")  # the updatable layers of the file; the others are never sent
MEANING = {"airplane": "Star", "alarm_clock": "Moon", "bee": "Ice Cream"}
MEANING |= {"sailboat": "Candle", "train": "Toothbrush", "truck": "Door"}
CLIENTS, ROUNDS = 3, 4

Arrays = list[np.ndarray]


def load() -> graphml.Model:
    return graphml.load(DATA / "QuickDrawUpdatable.mlmodel")


def arrays_of(model: graphml.Model) -> Arrays:
    """The learned weights as a list, in an order that depends on their names only."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves({name: model.parameters[name] for name in LEARNED})]


def with_arrays(model: graphml.Model, arrays: Sequence[np.ndarray]) -> graphml.Model:
    """The model with these weights. Raises ValueError for a wrong number of arrays, ShapeError for a wrong shape."""
    structure = jax.tree.structure({name: model.parameters[name] for name in LEARNED})
    return model.with_parameters(jax.tree.unflatten(structure, arrays))


def drawings(client: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A client's training and evaluation data: 40 and 10 drawings of each of its kinds."""
    archive = np.load(DATA / "quickdraw.npz")
    mine = range(client * 300 // CLIENTS, (client + 1) * 300 // CLIENTS)
    rows = [{"image": archive["drawings"][i], "classLabel": MEANING[archive["labels"][i]]} for i in mine]
    return [row for i, row in zip(mine, rows, strict=True) if i % 50 < 40], rows[40:50] + rows[90:]


class Client:
    """A client with the methods of Flower's NumPyClient, which does not import Flower."""

    def __init__(self, model: graphml.Model, train: list[dict[str, Any]], held_out: list[dict[str, Any]]) -> None:
        self.model, self.train, self.held_out = model, train, held_out

    def get_parameters(self, config: dict[str, Any]) -> Arrays:
        return arrays_of(self.model)

    def fit(self, arrays: Arrays, config: dict[str, Any]) -> tuple[Arrays, int, dict[str, float]]:
        """Train one epoch from the given weights; return the new weights, the number of samples, and the loss."""
        parameters = {graphml.ParameterKey.LEARNING_RATE: 0.0002, graphml.ParameterKey.SEED: config.get("round", 0)}
        configuration = graphml.ModelConfiguration(parameters=parameters)
        task = graphml.UpdateTask(with_arrays(self.model, arrays), self.train, configuration)
        task.resume()
        task.wait()
        if task.error is not None:
            raise task.error
        return arrays_of(task.model), len(self.train), {"loss": float(task.metrics[graphml.MetricKey.LOSS_VALUE])}

    def evaluate(self, arrays: Arrays, config: dict[str, Any]) -> tuple[float, int, dict[str, float]]:
        """The mean loss of given weights on held-out drawings, the number of drawings, and the accuracy."""
        answers = with_arrays(self.model, arrays).predict_batch([{"image": row["image"]} for row in self.held_out])
        labels = [row["classLabel"] for row in self.held_out]
        pairs = list(zip(answers, labels, strict=True))
        loss = -np.mean([np.log(max(answer["output"][label], 1e-7)) for answer, label in pairs])
        accuracy = np.mean([answer["classLabel"] == label for answer, label in pairs])
        return float(loss), len(labels), {"accuracy": float(accuracy)}


def averaged(base: graphml.Model, results: Sequence[tuple[Arrays, int]], clip_norm: float | None = None) -> Arrays:
    """The weighted mean of the clients' weights, with each client's change clipped to an L2 norm."""
    models = [with_arrays(base, arrays) for arrays, _ in results]
    counts = [count for _, count in results]
    return arrays_of(graphml.federated_average(base, models, counts, clip_norm=clip_norm))


def simulate() -> list[float]:
    """Run all clients and the server on this machine; return the accuracy before the first and after each round."""
    os.environ |= {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}  # no usage statistics
    from flwr.client import ClientApp, NumPyClient
    from flwr.common import Context, ndarrays_to_parameters, parameters_to_ndarrays
    from flwr.server import ServerApp, ServerAppComponents, ServerConfig
    from flwr.server.strategy import FedAvg
    from flwr.simulation import run_simulation

    model = load()
    accuracies: list[float] = []

    class FlowerClient(Client, NumPyClient):
        pass

    def client_fn(context: Context) -> Any:
        # runs in another process, which loads the model; equal models share compiled programs
        return FlowerClient(load(), *drawings(int(context.node_config["partition-id"]))).to_client()

    class Clipped(FedAvg):
        """Averages with graphml, which limits the influence of a client."""

        base = model

        def aggregate_fit(self, server_round: int, results: list[Any], failures: list[Any]) -> Any:
            if failures:
                raise RuntimeError(f"{len(failures)} clients have failed: {failures[0]}")
            found = [(parameters_to_ndarrays(answer.parameters), answer.num_examples) for _, answer in results]
            arrays = averaged(self.base, found, clip_norm=2.5)
            self.base = with_arrays(self.base, arrays)
            return ndarrays_to_parameters(arrays), {}

    everyone = Client(model, [], [row for client in range(CLIENTS) for row in drawings(client)[1]])

    def evaluated(server_round: int, arrays: Arrays, config: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        loss, _, metrics = everyone.evaluate(arrays, config)
        print(f"round {server_round}: loss {loss:.3f}, accuracy {metrics['accuracy']:.0%}", flush=True)
        accuracies.append(metrics["accuracy"])
        return loss, dict(metrics)

    def server_fn(context: Context) -> ServerAppComponents:
        strategy = Clipped(
            fraction_evaluate=0,
            min_fit_clients=CLIENTS,
            min_available_clients=CLIENTS,
            initial_parameters=ndarrays_to_parameters(arrays_of(model)),
            on_fit_config_fn=lambda server_round: {"round": server_round},
            evaluate_fn=evaluated,
        )
        return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=ROUNDS))

    backend: Any = {
        "init_args": {"num_cpus": 2, "include_dashboard": False, "object_store_memory": 100 << 20},
        "client_resources": {"num_cpus": 1},
    }
    run_simulation(ServerApp(server_fn=server_fn), ClientApp(client_fn), CLIENTS, backend_config=backend)
    return accuracies


def main() -> None:
    accuracies = simulate()
    print(f"accuracy before: {accuracies[0]:.0%}, after {ROUNDS} rounds: {accuracies[-1]:.0%}")
    assert accuracies[-1] > accuracies[0] + 0.2


if __name__ == "__main__":
    main()
