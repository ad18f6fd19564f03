"""The cost of a loop iteration, compiled as one program and driven by the host.

    python benchmarks/loops.py                  # on one core, about half a minute
    python benchmarks/loops.py --iterations 100000 --json

Compiled: h = 0.999 h + x, some thousand iterations on four elements, by graphml (a loop of a given count, and a while
loop without a bound, which runs in slices), by the same loop written by hand with `lax.while_loop`, and by
onnxruntime's Loop. All must agree. Driven by the host: an iteration that makes a blob longer, and one whose shapes
depend on values (the host reads one); microseconds per iteration once everything is compiled.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import timing
from rendering import needed

DECAY = 0.999
GROWN, READ = 64, 200  # iterations of the loops that the host drives

Call = Callable[[], Any]


def start() -> np.ndarray:
    return np.array([0.5, -1.0, 2.0, 0.25], np.float32)


def _network() -> Any:
    from graphml.build import NeuralNetworkBuilder

    return NeuralNetworkBuilder({}, {})


def _program(**inputs: int) -> Any:
    from graphml.build import NeuralNetworkBuilder, array

    return NeuralNetworkBuilder({name: array(size) for name, size in inputs.items()}, {"y": None})


def _predict(builder: Any, **inputs: Any) -> Call:
    import graphml

    model = graphml.load(builder.spec.SerializeToString())
    return lambda: np.asarray(model.predict(inputs)["y"])


def _step(body: Any) -> Any:
    body.add("multiply", "decay", ["h"], ["a"], alpha=DECAY).add("addBroadcastable", "sum", ["a", "x"], ["b"])
    return body.add("copy", "again", ["b"], ["h"])


def counted(iterations: int) -> Call:
    """graphml: as many iterations as an input says."""
    builder = _program(x=4, n=1).add("copy", "start", ["x"], ["h"])
    builder.add("loop", "loop", ["n"], [], body_network=_step(_network())).add("copy", "end", ["h"], ["y"])
    return _predict(builder, x=start(), n=np.array([iterations], np.float32))


def endless(iterations: int) -> Call:
    """graphml: while k < n, without another bound."""
    builder = _program(x=4, n=1).add("copy", "start", ["x"], ["h"])
    builder.add("loadConstantND", "zero", [], ["k0"], data=np.zeros(1, np.float32)).add("copy", "k", ["k0"], ["k"])
    condition = _network().add("lessThan", "before", ["k", "n"], ["go"])
    body = _step(_network()).add("add", "one", ["k"], ["k1"], alpha=1.0).add("copy", "next", ["k1"], ["k"])
    networks = {"condition_network": condition, "body_network": body}
    builder.add("loop", "loop", [], [], condition_var="go", **networks).add("copy", "end", ["h"], ["y"])
    return _predict(builder, x=start(), n=np.array([iterations], np.float32))


def by_hand(iterations: int) -> Call:
    """The same with `lax.while_loop`, its count an argument as well."""
    import jax
    from jax import lax

    @jax.jit
    def run(x, n):
        def iteration(carry):
            h, k = carry
            return h * np.float32(DECAY) + x, k + 1

        return lax.while_loop(lambda carry: carry[1] < n, iteration, (x, 0))[0]

    x = start()
    return lambda: np.asarray(run(x, iterations))


def in_onnxruntime(iterations: int, threads: int) -> Call:
    """The same as a Loop of ONNX."""
    helper, onnx, onnxruntime = needed("onnx.helper"), needed("onnx"), needed("onnxruntime")
    floats, whole, truth = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.BOOL

    def port(name: str, kind: int, shape: list[int]) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Mul", ["h", "decay"], ["a"]),
            helper.make_node("Add", ["a", "x"], ["b"]),
        ],
        "body",
        [port("i", whole, []), port("go", truth, []), port("h", floats, [4])],
        [port("go_on", truth, []), port("b", floats, [4])],
    )
    constants = [
        helper.make_tensor("decay", floats, [], [DECAY]),
        helper.make_tensor("true", truth, [], [True]),
    ]
    graph = helper.make_graph(
        [helper.make_node("Loop", ["n", "true", "x"], ["y"], body=body)],
        "network",
        [port("x", floats, [4]), port("n", whole, [])],
        [port("y", floats, [4])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = {"x": start(), "n": np.array(iterations, np.int64)}
    return lambda: session.run(None, feed)[0]


def compiled(iterations: int, threads: int) -> dict[str, Call]:
    """All contenders of the compiled loop. Raises ValueError if one disagrees with the loop written by hand."""
    calls = {
        "graphml": counted(iterations),
        "graphml, no bound": endless(iterations),
        "lax.while_loop": by_hand(iterations),
        "onnxruntime": in_onnxruntime(iterations, threads),
    }
    wanted = calls["lax.while_loop"]()
    for name, call in calls.items():
        if not np.allclose(call(), wanted, rtol=1e-3):
            raise ValueError(f"{name} gives {call()}, the loop by hand {wanted}")
    return calls


def growing(iterations: int) -> Call:
    """Each iteration appends an element, so its shapes differ."""
    body = _network().add("reduceSum", "sum", ["h"], ["s"], axes=(0,), keep_dims=True).add("sin", "sin", ["s"], ["t"])
    body.add("concatND", "append", ["h", "t"], ["g"], axis=0).add("copy", "again", ["g"], ["h"])
    builder = _program(x=1, n=1).add("copy", "start", ["x"], ["h"])
    builder.add("loop", "loop", ["n"], [], body_network=body).add("copy", "end", ["h"], ["y"])
    return _predict(builder, x=np.ones(1, np.float32), n=np.array([iterations], np.float32))


def reading(iterations: int) -> Call:
    """Each iteration selects the elements above zero; the host reads their number."""
    body = _network().add("greaterThan", "above", ["h"], ["m"], alpha=0.0).add("whereNonZero", "where", ["m"], ["at"])
    body.add("gatherND", "taken", ["h", "at"], ["some"])
    body.add("reduceMean", "mean", ["some"], ["mean"], axes=(0,), keep_dims=True)
    body.add("multiply", "little", ["mean"], ["c"], alpha=0.01).add("addBroadcastable", "sum", ["h", "c"], ["b"])
    body.add("copy", "again", ["b"], ["h"])
    builder = _program(x=4, n=1).add("copy", "start", ["x"], ["h"])
    builder.add("loop", "loop", ["n"], [], body_network=body).add("copy", "end", ["h"], ["y"])
    return _predict(builder, x=np.array([3.0, -50.0, 1.0, 2.0], np.float32), n=np.array([iterations], np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=10_000, help="of the compiled loops")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    timing.pin(options.threads)

    one = timing.measure(compiled(options.iterations, options.threads), rounds=options.rounds)
    by_host = timing.measure({"growing": growing(GROWN), "reading": reading(READ)}, rounds=options.rounds)
    if options.json:
        print(json.dumps(timing.as_json(timing.machine(options.threads), {"compiled": one, "host": by_host}), indent=2))
        return
    print(f"{options.iterations} iterations, milliseconds of CPU time (medians), and as multiples")
    for name, each in one.items():
        ratios = ", ".join(f"{each.cpu / one[peer].cpu:.3g} x {peer}" for peer in ("lax.while_loop", "onnxruntime"))
        print(f"  {name:18} {each.cpu:8.3f}   {ratios}")
    print("driven by the host, microseconds of CPU and of wall time for each iteration, once warm")
    for name, iterations in (("growing", GROWN), ("reading", READ)):
        each = by_host[name]
        print(f"  {name:18} {1e3 * each.cpu / iterations:8.1f} {1e3 * each.wall_p10 / iterations:8.1f}")


if __name__ == "__main__":
    main()
