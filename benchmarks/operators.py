"""Compare graphml, onnxruntime and torch on every layer kind alone, with typical or large shapes.

    python benchmarks/operators.py                             # every kind, on one core
    python benchmarks/operators.py --kind softmaxND --kind gelu --size large --json

Each row of `operator_rows` becomes a network of one layer, a model of a few ONNX nodes and a torch function; the
three must agree before they are timed. A row above 1.5 times the better of the others needs a reason in
`operator_rows/reasons.py`; those without one are listed at the end, and the exit status is then 1.

Arrays are on the device of each library, so nothing is copied in or out, and the allocator keeps large blocks:
otherwise page faults, which depend on previous rows, outweigh the cheap layers. JAX computes in the calling thread,
as the others do: by default it hands the work to another thread, which takes 10 microseconds, and here each call
waits for its result anyway.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import timing
from operator_rows import WITHOUT_PEER, rows
from operator_rows.reasons import SLOWER
from operator_rows.row import SIZES, Row
from rendering import needed

from graphml import tune_host_allocator

AGREEMENT = 1e-4  # of the largest output, or of their range
LIMIT = 1.5  # times the better of the others; above it a row needs a reason

Call = Callable[[], Any]


def inputs_of(row: Row) -> list[np.ndarray]:
    """The inputs of a row: given arrays, and normal numbers in given shapes."""
    random = np.random.default_rng(7)
    drawn = [random.standard_normal(i, np.float32) if isinstance(i, tuple) else i for i in row.inputs]
    return [np.abs(x) + np.float32(0.1) for x in drawn] if row.positive else drawn


def with_graphml(row: Row, inputs: Sequence[np.ndarray]) -> Call:
    import jax

    import graphml
    from graphml.build import NeuralNetworkBuilder, array
    from graphml.models.compile.programs import compiler_options

    names, outputs = [f"x{i}" for i in range(len(inputs))], [f"y{i}" for i in range(row.outputs)]
    declared = {name: array(*x.shape) for name, x in zip(names, inputs, strict=True)}
    builder = NeuralNetworkBuilder(declared, dict.fromkeys(outputs), exact=True)
    builder.add(row.kind, "layer", names, outputs, **row.fields)
    lowered = graphml.load(builder.spec).lower()  # type: ignore[attr-defined]
    run = jax.jit(lowered.run_prepared, compiler_options=compiler_options(lowered.target.platform))
    prepared = jax.jit(lowered.prepare)(lowered.params)
    key = jax.random.key(0) if row.random else None
    feed = {name: jax.device_put(x) for name, x in zip(names, inputs, strict=True)}
    return lambda: jax.block_until_ready(run(prepared, feed, key=key))["y0"]


def with_onnxruntime(row: Row, inputs: Sequence[np.ndarray], threads: int) -> Call:
    onnxruntime, helper, numpy_helper = needed("onnxruntime"), needed("onnx.helper"), needed("onnx.numpy_helper")
    assert row.onnx is not None
    nodes, constants, flow = [], [], [f"x{i}" for i in range(len(inputs))]
    for step, (operator, extra, attributes) in enumerate(row.onnx):
        names: list[str] = [] if any(value is ... for value in extra) else list(flow)
        for value in extra:
            if value is ...:
                names += flow
            else:
                names.append("" if value is None else f"c{len(constants)}")
                constants += [] if value is None else [numpy_helper.from_array(np.asarray(value), names[-1])]
        last = step == len(row.onnx) - 1
        flow = [f"y{i}" if last else f"t{step}" for i in range(row.outputs if last else 1)]
        nodes.append(helper.make_node(operator, names, flow, **attributes))
    given = [
        helper.make_tensor_value_info(f"x{i}", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for i, x in enumerate(inputs)
    ]
    graph = helper.make_graph(nodes, "row", given, [helper.make_empty_tensor_value_info(y) for y in flow], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = {f"x{i}": onnxruntime.OrtValue.ortvalue_from_numpy(x) for i, x in enumerate(inputs)}
    return lambda: session.run_with_ort_values(flow, feed)[0]


def with_torch(row: Row, inputs: Sequence[np.ndarray], threads: int) -> Call:
    torch = needed("torch")
    torch.set_num_threads(threads)
    assert row.torch is not None
    function, tensors = row.torch, [torch.from_numpy(x) for x in inputs]

    def run():
        with torch.inference_mode():
            result = function(*tensors)
            return result[0] if isinstance(result, tuple | list) else result

    return run


def contenders(row: Row, threads: int) -> dict[str, Call]:
    """The contenders that have the operator. Raises ValueError if two of them disagree."""
    inputs = inputs_of(row)
    theirs = [turn(x) for turn, x in zip(row.native, inputs, strict=True)] if row.native else inputs
    calls = {"graphml": with_graphml(row, inputs)}
    if row.onnx is not None:
        calls["onnxruntime"] = with_onnxruntime(row, theirs, threads)
    if row.torch is not None:
        calls["torch"] = with_torch(row, theirs, threads)
    if not row.random:
        _check_agreement({who: _numbers(call()) for who, call in calls.items()})
    return calls


def _numbers(result: Any) -> np.ndarray:
    return np.asarray(result.numpy() if hasattr(result, "numpy") else result, np.float64).ravel()


def _check_agreement(answers: Mapping[str, np.ndarray]) -> None:
    mine = answers["graphml"]
    for who, other in answers.items():
        if other.size != mine.size:
            raise ValueError(f"graphml gives {mine.size} numbers, {who} {other.size}")
        error = np.abs(mine - other).max() / max(np.ptp(mine), np.abs(mine).max(), 1e-6)
        if not error <= AGREEMENT:
            raise ValueError(f"{who} differs by {error:.1e} of the largest output")


def table(readings: Mapping[str, Mapping[str, timing.Reading]], clock: str) -> str:
    """Milliseconds of all, and graphml's as a multiple of the best of the others; the slowest such rows come first,
    with the reason."""
    ratio = ratios(readings, clock)
    lines = []
    for name in sorted(ratio, key=lambda name: -ratio[name]):
        times = {who: getattr(reading, clock) for who, reading in readings[name].items()}
        cells = [f"{times[who]:.3g}" if who in times else "-" for who in ("graphml", "onnxruntime", "torch")]
        why = SLOWER.get(name, "") if ratio[name] > LIMIT else ""
        lines.append(f"| {name} | {' | '.join(cells)} | **{ratio[name]:.2f}** | {why} |")
    mean = math.exp(sum(map(math.log, ratio.values())) / len(ratio))
    return "\n".join(
        [
            "| layer | graphml ms | onnxruntime ms | torch ms | graphml / best | why |",
            "| --- | ---: | ---: | ---: | ---: | --- |",
            *lines,
            f"\n{len(ratio)} rows, geometric mean {mean:.2f}, {sum(r > LIMIT for r in ratio.values())} above {LIMIT}",
        ]
    )


def ratios(readings: Mapping[str, Mapping[str, timing.Reading]], clock: str) -> dict[str, float]:
    """graphml's time as a multiple of the best of the others, by row."""

    def ratio(row: Mapping[str, timing.Reading]) -> float:
        times = {who: getattr(reading, clock) for who, reading in row.items()}
        return times.pop("graphml") / min(times.values())

    return {name: ratio(row) for name, row in readings.items()}


def unexplained(readings: Mapping[str, Mapping[str, timing.Reading]], clock: str) -> list[str]:
    """The rows above the limit without a reason."""
    return [name for name, ratio in ratios(readings, clock).items() if ratio > LIMIT and name not in SLOWER]


def sweep(options: argparse.Namespace) -> tuple[dict[str, dict[str, timing.Reading]], dict[str, str]]:
    """Time all rows; return the readings, and the reasons for rows that were not timed. An interrupt ends it early."""
    readings, disagree = {}, {}
    try:
        for row in rows(options.size):
            if options.kind and row.kind not in options.kind:
                continue
            try:
                calls = contenders(row, options.threads)
            except ValueError as error:
                disagree[row.name] = str(error)
                continue
            readings[row.name] = timing.measure(calls, rounds=options.rounds, seconds=options.seconds)
            print(f"\r{len(readings)} {row.name}\x1b[K", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
    print(file=sys.stderr)
    return readings, disagree


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", action="append", default=[], help="only rows of this layer kind; may be repeated")
    parser.add_argument("--size", choices=SIZES, default="typical")
    parser.add_argument("--threads", type=int, default=1, help="cores to use and threads for each library (1)")
    parser.add_argument("--rounds", type=int, default=9, help="blocks of each contender (9)")
    parser.add_argument("--seconds", type=float, default=0.03, help="length of a block (0.03)")
    parser.add_argument("--json", action="store_true", help="print all readings as JSON")
    options = parser.parse_args(arguments)
    timing.pin(options.threads)
    import jax

    tune_host_allocator()
    jax.config.update("jax_cpu_enable_async_dispatch", False)

    unknown = sorted(set(options.kind) - {row.kind for row in rows(options.size)})
    if unknown:
        reasons = [f"{kind} ({WITHOUT_PEER.get(kind, 'no such kind')})" for kind in unknown]
        parser.error(f"no row for {', '.join(reasons)}")
    readings, disagree = sweep(options)
    facts = {**timing.machine(options.threads), "size": options.size}
    if options.json:
        taken = {name: {who: asdict(reading) for who, reading in row.items()} for name, row in readings.items()}
        print(json.dumps({"machine": facts, "milliseconds": taken, "disagree": disagree}, indent=1))
        return
    clock = "cpu" if options.threads == 1 else "wall"
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    if readings:
        print(table(readings, clock))
    for name, reason in disagree.items():
        print(f"not timed: {name}: {reason}")
    if not options.kind:
        for kind, reason in WITHOUT_PEER.items():
            print(f"without peer: {kind}: {reason}")
    if without := unexplained(readings, clock):
        sys.exit(f"above {LIMIT} without a reason: {', '.join(without)}")


if __name__ == "__main__":
    main()
