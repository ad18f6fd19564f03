"""Many users on several devices, or in several processes that know of each other: run by the tests.

python users_apart.py devices                # with XLA_FLAGS=--xla_force_host_platform_device_count=4
python users_apart.py process ADDRESS NUMBER # one of two
"""

from __future__ import annotations

import sys

import jax
import numpy as np
from update.networks import regression, regression_data

from graphml.update import federated_average, update_many

COUNTS = (9, 2, 5, 7, 1, 4)
AVERAGING = {"clip_norm": 0.5, "noise_multiplier": 0.1, "seed": 7}


def on_devices() -> None:
    model, users = regression(shuffle=True), [regression_data(count, seed=count) for count in COUNTS]
    apart, together = update_many(model, users), update_many(model, users, devices=jax.devices()[:1])
    np.testing.assert_allclose(apart.losses, together.losses, rtol=1e-5)
    for a, b in zip(apart.models, together.models, strict=True):
        for name in ("weights", "bias"):
            x, y = a.parameters["top"][name], b.parameters["top"][name]
            np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-6)
    print(len(jax.devices()), "devices: the same")


def in_process(address: str, number: int) -> None:
    """Train every other user, and average over all."""
    jax.distributed.initialize(address, num_processes=2, process_id=number)
    model, users = regression(shuffle=True), [regression_data(count, seed=count) for count in COUNTS]
    mine = update_many(model, users[number::2])
    deltas = [mine.delta(user) for user in range(len(mine))]
    averaged = federated_average(model, deltas, COUNTS[number::2], **AVERAGING, across_processes=True)
    print(averaged.parameters["top"]["weights"].astype(np.float64).tobytes().hex(), flush=True)
    jax.distributed.shutdown()


if __name__ == "__main__":
    on_devices() if sys.argv[1] == "devices" else in_process(sys.argv[2], int(sys.argv[3]))
