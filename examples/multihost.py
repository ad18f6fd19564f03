"""Train a network on several hosts: `jax.distributed` connects the processes, and a sharding averages the gradients.

    python examples/multihost.py                          # two processes on this machine, compared with one
    python examples/multihost.py 10.0.0.1:1234 2 0        # on the first of two hosts, whose address this is
    python examples/multihost.py 10.0.0.1:1234 2 1        # on the second

Each process reads its own rows only. The rows of all processes are one array that is sharded over all devices, the
weights are replicated, and the loss is a mean over all rows. So the compiler inserts the sum over the hosts, and the
training step does not depend on their number.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import optax
from jax.sharding import NamedSharding, PartitionSpec

import graphml

DATA = Path(__file__).parent / "data"
LEARNED = ("dense_1", "dense_2", "dense_3")
STEPS = 4


def drawings(process: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a process: pixels [rows, 1, 28, 28], and class indices."""
    archive = np.load(DATA / "quickdraw.npz")
    labels = np.unique(archive["labels"], return_inverse=True)[1]
    mine = slice(process * 9, 288, count * 9)
    return archive["drawings"][mine, None].astype(np.float32), labels[mine]


def train() -> list[float]:
    """Train on the rows of all processes, and return the loss before each step."""
    lowered = graphml.load(DATA / "QuickDrawUpdatable.mlmodel").lower()
    frozen = {name: weights for name, weights in lowered.params.items() if name not in LEARNED}
    mesh = jax.make_mesh((jax.device_count(),), ("rows",))
    by_row, everywhere = NamedSharding(mesh, PartitionSpec("rows")), NamedSharding(mesh, PartitionSpec())
    own = drawings(jax.process_index(), jax.process_count())
    images, labels = (jax.make_array_from_process_local_data(by_row, rows) for rows in own)
    frozen = jax.device_put(frozen, everywhere)

    def scores(params: dict, image: jax.Array) -> jax.Array:
        return lowered.intermediates(params, {"image": image}, ["dense_3_output"])["dense_3_output"].reshape(-1)

    def loss(learned: dict, frozen: dict, images: jax.Array, labels: jax.Array) -> jax.Array:
        found = jax.vmap(lambda image: scores({**frozen, **learned}, image))(images)
        return optax.softmax_cross_entropy_with_integer_labels(found, labels).mean()

    optimizer = optax.sgd(1e-4, momentum=0.9)

    @jax.jit
    def step(learned: dict, state: optax.OptState, frozen: dict, images: jax.Array, labels: jax.Array):
        value, grads = jax.value_and_grad(loss)(learned, frozen, images, labels)
        changes, state = optimizer.update(grads, state, learned)
        return optax.apply_updates(learned, changes), state, value

    learned = jax.device_put({name: lowered.params[name] for name in LEARNED}, everywhere)
    state = jax.device_put(optimizer.init(learned), everywhere)
    losses = []
    with jax.set_mesh(mesh):
        for _ in range(STEPS):
            learned, state, value = step(learned, state, frozen, images, labels)
            losses.append(float(value))
    return losses


def in_process(address: str, count: int, number: int) -> None:
    """Run as one of the processes. Process 0 listens at the address."""
    jax.distributed.initialize(address, num_processes=count, process_id=number)
    print(json.dumps(train()), flush=True)
    jax.distributed.shutdown()


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    commands = [[sys.executable, __file__, address, "2", str(number)] for number in range(2)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    try:
        alone = train()
        printed = [process.communicate(timeout=100)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0, 0]
    together = [json.loads(lines.splitlines()[-1]) for lines in printed]  # Gloo prints a line too
    print("loss in one process:  ", *(f"{loss:.6f}" for loss in alone))
    print("loss in two processes:", *(f"{loss:.6f}" for loss in together[0]))
    assert together[0] == together[1], "every process has the same loss"
    np.testing.assert_allclose(together[0], alone, rtol=1e-4)
    assert alone[-1] < alone[0]


if __name__ == "__main__":
    if len(sys.argv) == 4:
        in_process(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
