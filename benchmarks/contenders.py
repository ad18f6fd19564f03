"""How each library predicts with a network: what it reads from disk, and the call that is timed.

A batch is predicted in one of three ways: together (one call of the library), singly (one call for each sample) or in
threads (eight threads with a queue of samples).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from contest import Call, Contender, Row
from program_rendering import program
from rendering import (
    Network,
    Run,
    Step,
    graphml_spec,
    needed,
    onnx_model,
    onnx_session,
    torch_forward,
    torch_weights,
)

Way = Literal["together", "singly", "threads"]
Make = Callable[[], Network]

THREADS = 8
NETWORK = ("graphml", "graphml.models.network", "graphml.ops")
PROGRAM = ("graphml", "graphml.models.program", "graphml.ops.program")


def predicting(make: Make, batch: int = 1, *, ways: bool = False, cached: bool = False, program: bool = True) -> Row:
    """The network as layers and as an ML Program, for onnxruntime and for torch.

    Args:
        make: Describes the network.
        batch: The number of samples.
        ways: Predict the samples singly and in threads too.
        cached: Start with a filled cache directory too.
        program: False for networks that `program_rendering.py` does not render.
    """
    found = {"graphml": layers(make, batch)}
    if program:
        found["graphml program"] = ml_program(make, batch)
    if cached:
        found["graphml cached"] = layers(make, batch, cached=True)
    if ways:
        found |= {"graphml singly": layers(make, batch, "singly"), "graphml threads": layers(make, batch, "threads")}
        found |= {f"onnxruntime {way}": onnxruntime(make, batch, way) for way in ("singly", "threads")}
    return Row({**found, "onnxruntime": onnxruntime(make, batch), "torch": torch(make, batch)})


def layers(make: Make, batch: int, way: Way = "together", cached: bool = False) -> Contender:
    """`predict` of a file; for a batch `predict_batch`, which decides how many samples run together."""

    def prepare(folder: Path) -> None:
        from graphml import spec

        network = make()
        spec.write(graphml_spec(network), folder / "layers.mlmodel")
        _write_samples(folder, network, batch)

    def start(folder: Path, cores: int) -> Call:
        import graphml

        cache = folder / f"cache {cores}" if cached else None
        model = graphml.load(folder / "layers.mlmodel", configuration=graphml.ModelConfiguration(cache_directory=cache))
        # images and vectors have no batch of their own in such a file
        return _graphml_call(model, folder, way, lambda x: x[0] if x.ndim in (2, 4) else x)

    return Contender(prepare, start, NETWORK, rehearsed=cached)


def ml_program(make: Make, batch: int) -> Contender:
    def prepare(folder: Path) -> None:
        network = make()
        program(network, batch).save(folder / "program.mlpackage")
        _write_samples(folder, network, batch)

    def start(folder: Path, cores: int) -> Call:
        import graphml

        model = graphml.load(folder / "program.mlpackage")
        words = model.spec.description.input[0].type.multiArrayType.dataType == _INT32
        return _graphml_call(model, folder, "together", lambda x: x.astype(np.int32) if words else x)

    return Contender(prepare, start, PROGRAM)


_INT32 = 0x20000 | 32


def _graphml_call(model: Any, folder: Path, way: Way, shaped: Run) -> Call:
    rows = [{"x": np.ascontiguousarray(shaped(x))} for x in _read_samples(folder)]

    def one(row: dict[str, np.ndarray]) -> np.ndarray:
        return next(iter(model.predict(row).values()))

    def together() -> np.ndarray:
        return np.stack([next(iter(answer.values())) for answer in model.predict_batch(rows)])

    return together if way == "together" and len(rows) > 1 else _in_turn(one, rows, way)


def onnxruntime(make: Make, batch: int, way: Way = "together") -> Contender:
    def prepare(folder: Path) -> None:
        network = make()
        (folder / "network.onnx").write_bytes(onnx_model(network).SerializeToString())
        _write_samples(folder, network, batch)

    def start(folder: Path, cores: int) -> Call:
        session = onnx_session(str(folder / "network.onnx"), cores)
        dtype = np.int64 if "int64" in session.get_inputs()[0].type else np.float32
        samples = [x.astype(dtype) for x in _read_samples(folder)]
        if way == "together":
            samples = [np.concatenate(samples)]
        return _in_turn(lambda x: session.run(None, {"x": x})[0], samples, way)

    return Contender(prepare, start, ("onnxruntime",))


def torch(make: Make, batch: int) -> Contender:
    """Eager, with the weights in a file of `torch.save`."""

    def prepare(folder: Path) -> None:
        network = make()
        write_for_torch(folder, network)
        _write_samples(folder, network, batch)

    def start(folder: Path, cores: int) -> Call:
        network, weights = read_for_torch(folder, cores)
        torch = needed("torch")
        forward = torch_forward(network, weights)
        x = torch.from_numpy(np.concatenate(list(_read_samples(folder))))

        def call() -> np.ndarray:
            with torch.inference_mode():
                return forward(x).numpy()

        return call

    return Contender(prepare, start, ("torch",))


def write_for_torch(folder: Path, network: Network) -> None:
    needed("torch").save(torch_weights(network), folder / "weights.pt")
    bare = replace(network, steps=tuple(replace(step, weights={}) for step in network.steps))
    (folder / "network.json").write_text(json.dumps(asdict(bare)))


def read_for_torch(folder: Path, cores: int) -> tuple[Network, dict[str, Any]]:
    """The network without weights, and the weights."""
    torch = needed("torch")
    torch.set_num_threads(cores)
    fields = json.loads((folder / "network.json").read_text())
    steps = tuple(Step(**step) for step in fields.pop("steps"))
    return Network(steps=steps, **fields), torch.load(folder / "weights.pt")


def _write_samples(folder: Path, network: Network, batch: int) -> None:
    x = network.sample(batch)
    np.save(folder / "samples.npy", x[None] if network.length is not None else x[:, None])


def _read_samples(folder: Path) -> np.ndarray:
    """[samples, 1, ...]; a batch of sequences is one sample, [1, sequence, batch, ...]."""
    return np.load(folder / "samples.npy")


def _in_turn(one: Callable[[Any], np.ndarray], samples: list[Any], way: Way) -> Call:
    if len(samples) == 1:
        return lambda: one(samples[0])
    if way == "singly":
        return lambda: np.stack([one(sample) for sample in samples])
    pool = ThreadPoolExecutor(THREADS)
    return lambda: np.stack(list(pool.map(one, samples)))
