"""Programs that people know, as networks: each as its few layers and as the same thing in Python.

Predicted, jitted where no size depends on a value, mapped over a batch, and differentiated where it is smooth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest
from compiling import QUICK

import graphml
from graphml.build import NeuralNetworkBuilder, array
from graphml.models.network import NeuralNetwork
from graphml.spec.validate import validate


def network() -> NeuralNetworkBuilder:
    """A sub-network to be filled."""
    return NeuralNetworkBuilder({}, {})


def program(outputs: list[str], **inputs: Any) -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder({name: array(*shape) for name, shape in inputs.items()}, dict.fromkeys(outputs))


def constant(builder: NeuralNetworkBuilder, name: str, values: Any) -> NeuralNetworkBuilder:
    return builder.add("loadConstantND", name, [], [name], data=np.float32(values))


def start(builder: NeuralNetworkBuilder, name: str, values: Any) -> NeuralNetworkBuilder:
    """A blob that begins as a constant and is overwritten later."""
    return constant(builder, f"{name}_0", values).add("copy", f"{name}_start", [f"{name}_0"], [name])


def put(builder: NeuralNetworkBuilder, source: str, target: str) -> NeuralNetworkBuilder:
    return builder.add("copy", f"{source}_into_{target}", [source], [target])


# The programs --------------------------------------------------------------------------------------------------------


def if_else() -> NeuralNetworkBuilder:
    """if x > 0: y = x * 2; else: y = x - 1."""
    builder = program(["y"], x=(1,)).add("greaterThan", "positive", ["x"], ["p"], alpha=0.0)
    then = network().add("multiply", "twice", ["x"], ["y"], alpha=2.0)
    otherwise = network().add("add", "less", ["x"], ["y"], alpha=-1.0)
    return builder.add("branch", "if", ["p"], [], if_branch=then, else_branch=otherwise)


def five_times() -> NeuralNetworkBuilder:
    """for i in 1...5: x = x + 8; out = 10 * x."""
    body = put(network().add("add", "plus", ["h"], ["t"], alpha=8.0), "t", "h")
    builder = put(program(["out"], x=(1,)), "x", "h")
    builder.add("loop", "for", [], [], max_loop_iterations=5, body_network=body)
    return builder.add("multiply", "ten", ["h"], ["out"], alpha=10.0)


def allocation() -> NeuralNetworkBuilder:
    """y = x * 5; z = malloc(y); for i in 0..<y: z[i] = x + 1."""
    body = network().add("add", "value", ["x"], ["v"], alpha=1.0).add("scatter", "put", ["z", "i", "v"], ["z1"], axis=0)
    body.add("add", "next", ["i"], ["i1"], alpha=1.0)
    put(put(body, "z1", "z"), "i1", "i")
    builder = program(["z"], x=(1,)).add("multiply", "five", ["x"], ["y"], alpha=5.0)
    start(builder.add("fillDynamic", "malloc", ["y"], ["z"], value=0.0), "i", [0])
    return builder.add("loop", "for", ["y"], [], body_network=body)


def until_large() -> NeuralNetworkBuilder:
    """for i in 0..<8: h = h * x; if h > 50: break; s = s + h."""
    body = put(network().add("multiplyBroadcastable", "times", ["h", "x"], ["t"]), "t", "h")
    body.add("greaterThan", "large", ["h"], ["p"], alpha=50.0)
    body.add("branch", "if", ["p"], [], if_branch=network().add("loopBreak", "break", [], []))
    put(body.add("addBroadcastable", "sum", ["s", "h"], ["s1"]), "s1", "s")
    builder = start(put(program(["s"], x=(1,)), "x", "h"), "s", [0])
    return builder.add("loop", "for", [], [], max_loop_iterations=8, body_network=body)


def square_root() -> NeuralNetworkBuilder:
    """h = x; while |h^2 - x| > 1e-3: h = (h + x / h) / 2."""
    condition = network().add("multiplyBroadcastable", "square", ["h", "h"], ["s"])
    condition.add("subtractBroadcastable", "gap", ["s", "x"], ["g"]).add("unary", "size", ["g"], ["a"], type="ABS")
    condition.add("greaterThan", "far", ["a"], ["far"], alpha=1e-3)
    body = network().add("divideBroadcastable", "over", ["x", "h"], ["q"])
    body.add("addBroadcastable", "sum", ["h", "q"], ["t"])
    put(body.add("multiply", "half", ["t"], ["u"], alpha=0.5), "u", "h")
    builder = put(program(["h"], x=(1,)), "x", "h")
    return builder.add("loop", "while", [], [], condition_var="far", condition_network=condition, body_network=body)


def multiples() -> NeuralNetworkBuilder:
    """for i in 0..<3: for j in 0..<4: k = k + 1; if k mod 3 == 0: continue; s = s + k * x."""
    inner = put(network().add("add", "plus", ["k"], ["k1"], alpha=1.0), "k1", "k")
    inner.add("modBroadcastable", "mod", ["k", "three"], ["m"]).add("lessThan", "third", ["m"], ["p"], alpha=0.5)
    inner.add("branch", "if", ["p"], [], if_branch=network().add("loopContinue", "continue", [], []))
    inner.add("multiplyBroadcastable", "times", ["k", "x"], ["kx"]).add("addBroadcastable", "sum", ["s", "kx"], ["s1"])
    outer = network().add("loop", "j", [], [], max_loop_iterations=4, body_network=put(inner, "s1", "s"))
    builder = start(start(constant(program(["s"], x=(1,)), "three", [3]), "k", [0]), "s", [0])
    return builder.add("loop", "i", [], [], max_loop_iterations=3, body_network=outer)


def fibonacci() -> NeuralNetworkBuilder:
    """f = [1, 1]; n times: f.append(f[-2] + f[-1])."""
    body = network().add("getShape", "length", ["f"], ["n1"]).add("add", "two_before", ["n1"], ["b"], alpha=-2.0)
    body.add("sliceDynamic", "last", ["f", "b", "n1"], ["two"], strides=(1,))
    body.add("reduceSum", "sum", ["two"], ["next"], axes=(0,), keep_dims=True)
    put(body.add("concatND", "append", ["f", "next"], ["f1"], axis=0), "f1", "f")
    return start(program(["f"], n=(1,)), "f", [1, 1]).add("loop", "grow", ["n"], [], body_network=body)


_RANDOM = np.random.default_rng(6)
_WORDS, _HIDDEN, _END, _MOST = 5, 4, 0, 6
_TABLE = _RANDOM.normal(size=(_HIDDEN, _WORDS)).astype(np.float32) * 2
_OUT = _RANDOM.normal(size=(_WORDS, _HIDDEN)).astype(np.float32) * 2
_GATES = [
    _RANDOM.normal(size=(2, _HIDDEN, _HIDDEN)).astype(np.float32) for _ in range(4)
]  # input, forget, output, cell


def decoder() -> NeuralNetworkBuilder:
    """Greedy decoding: word = most probable after word, in an LSTM, until the end or six words."""
    step = network().add(
        "embeddingND", "table", ["word"], ["e"], vocab_size=_WORDS, embedding_size=_HIDDEN, weights=_TABLE
    )
    step.add("reshapeStatic", "as_sequence", ["e"], ["es"], target_shape=(1, 1, _HIDDEN, 1, 1))
    states, later = ["y", "c"], ["y1", "c1"]
    step.add_unilstm(
        "lstm", [g[1] for g in _GATES], [g[0] for g in _GATES], None, _HIDDEN, _HIDDEN, ["es", *states], ["all", *later]
    )
    step.add("reshapeStatic", "as_row", ["all"], ["row"], target_shape=(1, _HIDDEN))
    step.add("innerProduct", "scores", ["row"], ["s"], input_channels=_HIDDEN, output_channels=_WORDS, weights=_OUT)
    step.add("argMax", "best", ["s"], ["next"], axis=-1)
    put(put(put(step, "next", "word"), "y1", "y"), "c1", "c")
    step.add("lessThan", "at_end", ["word"], ["p"], alpha=_END + 0.5)
    step.add("branch", "if", ["p"], [], if_branch=network().add("loopBreak", "break", [], []))
    step.add("reshapeStatic", "one", ["word"], ["w"], target_shape=(1,))
    put(step.add("concatND", "append", ["sentence", "w"], ["longer"], axis=0), "longer", "sentence")
    builder = program(["sentence"], first=(1,)).add("reshapeStatic", "one", ["first"], ["f"], target_shape=(1, 1))
    put(put(builder, "f", "word"), "first", "sentence")
    for state in states:
        builder.add("fillStatic", f"{state}0", [], [f"{state}0"], value=0.0, target_shape=(1, 1, _HIDDEN, 1, 1))
        put(builder, f"{state}0", state)
    return builder.add("loop", "decode", [], [], max_loop_iterations=_MOST, body_network=step)


def power_iteration() -> NeuralNetworkBuilder:
    """20 times: v = A v / |A v|; then the largest eigenvalue is v' A v."""
    plain = {"transpose_a": False, "transpose_b": False}
    body = network().add("batchedMatmul", "product", ["a", "v"], ["av"], **plain)
    body.add("reduceL2", "norm", ["av"], ["n"], axes=(0, 1), keep_dims=True)
    put(body.add("divideBroadcastable", "unit", ["av", "n"], ["u"]), "u", "v")
    builder = start(program(["e"], a=(3, 3)), "v", np.ones((3, 1)))
    builder.add("loop", "iterate", [], [], max_loop_iterations=20, body_network=body)
    builder.add("batchedMatmul", "once_more", ["a", "v"], ["last"], **plain)
    return builder.add("batchedMatmul", "rayleigh", ["v", "last"], ["e"], transpose_a=True, transpose_b=False)


def pyramid() -> NeuralNetworkBuilder:
    """s = [largest pixel]; while the image is at least 2 x 2: image = means of 2 x 2; s.append(largest pixel)."""
    masks = dict.fromkeys(("begin_masks", "end_masks", "squeeze_masks"), (False,))
    condition = network().add("getShape", "shape", ["h"], ["n"])
    condition.add("sliceStatic", "sides", ["n"], ["hw"], begin_ids=(2,), end_ids=(4,), strides=(1,), **masks)
    condition.add("reduceMin", "smallest", ["hw"], ["m"], axes=(0,), keep_dims=True)
    condition.add("greaterEqual", "large_enough", ["m"], ["go"], alpha=2.0)
    body = network()
    body.add_pooling("halve", 2, 2, 2, 2, "AVERAGE", "VALID", "h", "half")
    body.add("reduceMax", "brightest", ["half"], ["b"], reduce_all=True, keep_dims=False)
    put(put(body.add("concatND", "append", ["s", "b"], ["s1"], axis=0), "half", "h"), "s1", "s")
    builder = put(NeuralNetworkBuilder({"image": array()}, {"s": None}), "image", "h")
    put(builder.add("reduceMax", "brightest", ["h"], ["b0"], reduce_all=True, keep_dims=False), "b0", "s")
    networks = {"condition_network": condition, "body_network": body}
    return builder.add("loop", "while", [], [], condition_var="go", **networks)


_FIRST, _SECOND = (_RANDOM.normal(size=(3, 3)).astype(np.float32) for _ in range(2))


def early_exit() -> NeuralNetworkBuilder:
    """p = softmax(W x); if no probability is above 0.8: p = softmax(V tanh(W x))."""
    builder = program(["p"], x=(1, 3))
    sizes = {"input_channels": 3, "output_channels": 3}
    builder.add("innerProduct", "first", ["x"], ["h"], weights=_FIRST, **sizes)
    put(builder.add("softmaxND", "quick", ["h"], ["q"], axis=-1), "q", "p")
    builder.add("reduceMax", "confidence", ["q"], ["c"], reduce_all=True, keep_dims=False)
    builder.add("lessThan", "unsure", ["c"], ["more"], alpha=0.8)
    then = (
        network()
        .add("tanh", "tanh", ["h"], ["t"])
        .add("innerProduct", "second", ["t"], ["l"], weights=_SECOND, **sizes)
    )
    put(then.add("softmaxND", "slow", ["l"], ["r"], axis=-1), "r", "p")
    return builder.add("branch", "if", ["more"], [], if_branch=then)


# The same in Python --------------------------------------------------------------------------------------------------


def until_large_in_python(x: float) -> float:
    h, s = x, 0.0
    for _ in range(8):
        h = h * x
        if h > 50:
            break
        s = s + h
    return s


def multiples_in_python(x: float) -> float:
    return sum(k * x for k in range(1, 13) if k % 3)


def fibonacci_in_python(n: float) -> list[float]:
    f = [1.0, 1.0]
    for _ in range(int(n)):
        f.append(f[-2] + f[-1])
    return f


def decoder_in_python(first: float) -> list[float]:
    word, sentence = int(first), [first]
    y = c = np.zeros(_HIDDEN)
    for _ in range(_MOST):
        i, f, o, z = (g[0] @ _TABLE[:, word] + g[1] @ y for g in _GATES)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(z)
        y = _sigmoid(o) * np.tanh(c)
        word = int(np.argmax(_OUT @ y))
        if word == _END:
            break
        sentence.append(word)
    return sentence


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def pyramid_in_python(image: np.ndarray) -> list[float]:
    h = np.asarray(image, np.float64)[0, 0]
    s = [h.max()]
    while min(h.shape) >= 2:
        rows, columns = (n // 2 for n in h.shape)
        h = h[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
        s.append(h.max())
    return s


def early_exit_in_python(x: np.ndarray) -> np.ndarray:
    def softmax(v):
        return np.exp(v) / np.exp(v).sum()

    h = _FIRST.astype(np.float64) @ x[0]
    p = softmax(h)
    return p if p.max() >= 0.8 else softmax(_SECOND @ np.tanh(h))


# Their laws ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    """inputs: values to try, all of one shape where the program is mapped. smooth: inputs at which the gradient is
    checked. bound: iterations at most, for the derivative of a loop without one."""

    make: Callable[[], NeuralNetworkBuilder]
    answer: Callable[[Any], Any]
    inputs: list[Any]
    jit: bool = True
    vmap: bool = True
    smooth: tuple[Any, ...] = ()
    bound: int | None = None


_SYMMETRIC = np.float32([[2, 0.5, 0], [0.5, 1, 0.25], [0, 0.25, 3]])
_IMAGES = [np.random.default_rng(n).normal(size=(1, 1, n, 9)).astype(np.float32) for n in (4, 9)]
_POINTS = [np.float32([[0.1, 0.2, -0.3]]), np.float32([[3, -2, 4]])]

PROGRAMS: Mapping[str, Program] = {
    "if else": Program(if_else, lambda x: 2 * x if x > 0 else x - 1, [3.0, -2.0], smooth=(3.0, -2.0)),
    "five times": Program(five_times, lambda x: 10 * (x + 5 * 8), [1.0, 2.5], smooth=(1.0,)),
    "allocation": Program(allocation, lambda x: np.full(5 * int(x), x + 1), [1.0, 2.0, 1.0], jit=False, vmap=False),
    "break": Program(until_large, until_large_in_python, [1.0, 2.5, 4.0, 9.0], smooth=(1.1, 2.5, 9.0)),
    "square root": Program(square_root, lambda x: x**0.5, [2.0, 9.0, 100.0], smooth=(2.0, 90.0), bound=12),
    "continue": Program(multiples, multiples_in_python, [1.0, -0.5], smooth=(2.0,)),
    "fibonacci": Program(fibonacci, fibonacci_in_python, [3.0, 0.0, 5.0], jit=False, vmap=False),
    "decoder": Program(decoder, decoder_in_python, [1.0, 2.0, 3.0, 4.0], jit=False, vmap=False),
    "power iteration": Program(
        power_iteration, lambda a: np.linalg.eigvals(np.float64(a)).real.max(), [_SYMMETRIC], smooth=(_SYMMETRIC,)
    ),
    "pyramid": Program(pyramid, pyramid_in_python, _IMAGES, vmap=False, smooth=(_IMAGES[0],)),
    "early exit": Program(early_exit, early_exit_in_python, _POINTS, smooth=tuple(_POINTS)),
}


def _model(name: str) -> NeuralNetwork:
    spec = PROGRAMS[name].make().spec
    validate(spec)
    model = graphml.load(spec.SerializeToString())
    assert isinstance(model, NeuralNetwork)
    return model


def _given(value: Any) -> np.ndarray:
    return np.float32([value]) if isinstance(value, float) else value


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_in_python(name):
    each, model = PROGRAMS[name], _model(name)
    (x,), (y,) = model.graph.inputs, model.graph.outputs
    lowered = model.lower()

    def run(value):
        return lowered.fn(lowered.params, {x: value})[y]

    jitted = jax.jit(run, compiler_options=QUICK)
    for value in each.inputs:
        wanted = np.ravel(each.answer(value))
        for got in [model.predict({x: _given(value)})[y], *([jitted(_given(value))] if each.jit else [])]:
            np.testing.assert_allclose(np.ravel(got), wanted, rtol=1e-3, atol=1e-5)
    if each.vmap:
        rows = [_given(value) for value in each.inputs]
        for got, value in zip(jax.jit(jax.vmap(run), compiler_options=QUICK)(np.stack(rows)), each.inputs, strict=True):
            np.testing.assert_allclose(np.ravel(got), np.ravel(each.answer(value)), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in PROGRAMS if PROGRAMS[name].smooth])
def test_gradients(name):
    each, model = PROGRAMS[name], _model(name)
    lowered = model.lower(max_iterations=each.bound)
    (x,), (y,) = model.graph.inputs, model.graph.outputs
    weights = np.cos(np.arange(9))

    def total(value):
        out = lowered.fn(lowered.params, {x: value})[y].ravel()
        return (out * weights[: out.size]).sum()

    def total_in_python(value: np.ndarray) -> float:
        out = np.ravel(each.answer(float(value[0]) if value.shape == (1,) else value))
        return float((out * weights[: out.size]).sum())

    gradient = jax.jit(jax.grad(total), compiler_options=QUICK)
    for value in map(_given, each.smooth):
        wanted = np.zeros(value.shape)
        for place in np.ndindex(value.shape):
            ends = [np.array(value, np.float64) for _ in range(2)]
            ends[0][place] += 1e-3
            ends[1][place] -= 1e-3
            wanted[place] = (total_in_python(ends[0]) - total_in_python(ends[1])) / 2e-3
        np.testing.assert_allclose(gradient(value), wanted, rtol=5e-3, atol=5e-3)
