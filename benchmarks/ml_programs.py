"""ML Programs beside the same networks as layers, through `graphml.load(...).predict`; and loading a large package.

    python benchmarks/ml_programs.py                        # all networks, on one core, and the loading of 400 MB
    python benchmarks/ml_programs.py mobilenet resnet50     # some of them

Both renderings must agree before anything is timed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import timing
from networks import check_agreement, encoder, lstm, mobilenet_v2, resnet50
from rendering import GATES, Network, Run, Step, as_graphml

NETWORKS: dict[str, Callable[[], Network]] = {
    "mobilenet": mobilenet_v2,
    "resnet50": resnet50,
    "minilm": lambda: encoder(6, 384, 12, 128),
    "lstm": lstm,
}
_MIL_GATES = ("input_gate", "forget_gate", "output_gate", "block_input")


def program(network: Network) -> Any:
    """The network as a program under construction, in operations of iOS 15, for a batch of one."""
    from graphml import ProgramBuilder

    builder = ProgramBuilder("CoreML5")
    shape = (1, *network.shape) if network.length is None else (network.length, 1, *network.shape)
    x = builder.input("x", shape, "float32" if network.words is None else "int32")
    values = {"x": x}
    for step in network.steps:
        values[step.output] = _add(builder, step, [values[name] for name in step.inputs])
    builder.output("y", values[network.steps[-1].output])
    return builder


def _add(builder: Any, step: Step, inputs: list[Any]) -> Any:
    x, weights = inputs[0], step.weights
    sizes = {"strides": (step.stride,) * 2, "pad_type": "custom", "pad": (step.pad,) * 4}
    if step.kind == "conv":
        return builder.conv(x, weights["weights"], weights.get("bias"), groups=step.groups, **sizes)
    if step.kind == "norm":
        statistics = (weights[name] for name in ("mean", "variance", "gamma", "beta"))
        return builder.batch_norm(x, *statistics, epsilon=1e-5)
    if step.kind == "maxpool":
        return builder.max_pool(x, kernel_sizes=(step.window,) * 2, **sizes)
    if step.kind == "mean":
        return builder.reduce_mean(x, axes=(2, 3), keep_dims=False)
    if step.kind in ("dense", "project"):
        return builder.linear(x, weights["weights"], weights["bias"])
    if step.kind == "embed":
        return builder.gather(weights["table"], builder.squeeze(x, axes=(-1,)), axis=0)
    if step.kind == "places":
        return builder.add(x, weights["rows"])
    if step.kind == "layernorm":
        return builder.layer_norm(x, weights["gamma"], weights["beta"], axes=(-1,), epsilon=1e-5)
    if step.kind == "attention":
        return _attention(builder, step, inputs)
    if step.kind == "lstm":
        w, r, bias = (_in_order(weights[name]) for name in ("w", "r", "bias"))
        zeros = np.zeros((1, r.shape[1]), np.float32)
        return builder.lstm(x, zeros, zeros, w, r, bias, output_sequence=True)[0]
    if step.kind == "add":
        return builder.add(*inputs)
    if step.kind == "softmax":
        return builder.softmax(x, axis=-1)
    return getattr(builder, step.kind)(x)


def _in_order(gates: np.ndarray) -> np.ndarray:
    parts = dict(zip(GATES, np.split(gates, 4), strict=True))
    return np.concatenate([parts[name] for name in _MIL_GATES])


def _attention(builder: Any, step: Step, inputs: list[Any]) -> Any:
    """As converters write it for operator sets before iOS 18."""
    size = step.width // step.heads
    q, k, v = (
        builder.transpose(builder.reshape(value, (1, -1, step.heads, size)), perm=(0, 2, 1, 3)) for value in inputs
    )
    scores = builder.mul(builder.matmul(q, k, transpose_y=True), size**-0.5)
    mixed = builder.matmul(builder.softmax(scores, axis=-1), v)
    return builder.reshape(builder.transpose(mixed, perm=(0, 2, 1, 3)), (1, -1, step.width))


def as_program(network: Network) -> Run:
    """`predict` of the network as an ML Program; one sample."""
    model = program(network).model()
    kind = np.float32 if network.words is None else np.int32
    return lambda x: model.predict({"x": x.astype(kind, copy=False)})["y"]


# Loading -------------------------------------------------------------------------------------------------------------

_LOAD = """
import resource, sys, time, json
import graphml, graphml.models.program, jax
jax.numpy.zeros(1).block_until_ready()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
model = graphml.load(sys.argv[1])
seconds = time.perf_counter() - start
import numpy as np
model.predict({"x": np.ones((1, int(sys.argv[2])), np.float32)})
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "growth": (after - before) * 1024}))
"""


def loading(size: int = 5000, layers: int = 4) -> dict[str, float]:
    """Load a package of `layers` matrices [size, size] and predict once, in a process of its own.

    Returns:
        The size of the package in megabytes, the seconds that loading took, and the growth of memory until the
        prediction was done, as a multiple of the size of the package.
    """
    from graphml import ProgramBuilder

    rng = np.random.default_rng(0)
    builder = ProgramBuilder("CoreML5")
    h = builder.input("x", (1, size))
    for _ in range(layers):
        h = builder.relu(builder.linear(h, rng.standard_normal((size, size), np.float32) / np.float32(size**0.5)))
    builder.output("y", h)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "large.mlpackage")
        builder.save(file)
        held = sum(each.stat().st_size for each in file.rglob("*") if each.is_file())
        command = [sys.executable, "-c", _LOAD, str(file), str(size)]
        found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return {"megabytes": held / 1e6, "seconds": found["seconds"], "memory": found["growth"] / held}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="network", help=f"some of: {', '.join(NETWORKS)}")
    parser.add_argument("--rounds", type=int, default=15, help="blocks of each contender (15)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(NETWORKS))
    if unknown:
        parser.error(f"no network {', '.join(unknown)}; there are {', '.join(NETWORKS)}")
    if not options.names:
        found = loading()
        print(
            f"a package of {found['megabytes']:.0f} MB: loaded in {found['seconds']:.3f} s; memory after the first "
            f"prediction {found['memory']:.2f} times its size\n"
        )
    timing.pin(1)
    results = {}
    for name in options.names or NETWORKS:
        network = NETWORKS[name]()
        x = network.sample(1)
        runs = {"program": as_program(network), "layers": as_graphml(network)}
        calls = {key: partial(run, x) for key, run in runs.items()}
        print(f"{name}: both agree within {check_agreement(calls):.0e}", file=sys.stderr)
        results[name] = timing.measure(calls, rounds=options.rounds)
    print(timing.table(results, "program", "cpu"))


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\n{time.perf_counter() - started:.0f} s, at most {peak:.1f} GB", file=sys.stderr)
