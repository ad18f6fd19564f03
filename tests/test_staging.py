"""Networks whose shapes depend on values: what is compiled, what the host reads, and that the answers are right."""

from __future__ import annotations

import signal
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graphml.build import NeuralNetworkBuilder
from graphml.errors import ShapeError, UnsupportedError
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.interpreter import interruptible
from graphml.interpreter import stages as staging
from graphml.interpreter.interruptible import InterruptibleLoop
from graphml.interpreter.lower import lower
from graphml.interpreter.stages import Staged


def part() -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder({}, {})


def one(value) -> np.ndarray:
    return np.float32([value])


class Program:
    """A network by itself: `program(x)` runs it in stages; `traced` says what was compiled."""

    def __init__(self, builder, inputs=("x",), output="y", **options):
        ports = tuple(Port(name, None) for name in inputs)
        self.lowered = lower(*read_network(builder.network, ports, (Port(output, None),)), **options)
        self.traced: list[str] = []
        self.staged = Staged(self.lowered, traced=lambda what, seconds: self.traced.append(what))
        self._inputs, self._output = inputs, output

    def __call__(self, *values):
        named = dict(zip(self._inputs, values, strict=True))
        return self.staged(self.lowered.params, named)[self._output]

    def pure(self, *values, **keyword):
        named = dict(zip(self._inputs, values, strict=True))
        return self.lowered.fn(self.lowered.params, named, **keyword)[self._output]


def allocation() -> NeuralNetworkBuilder:
    """y = x * 5; z = malloc(y); for i in 0..<y: z[i] = x + 1."""
    body = part().add("add", "plus", ["x"], ["v"], alpha=1.0)
    body.add("scatter", "put", ["z", "i", "v"], ["z2"], axis=0).add("copy", "keep", ["z2"], ["z"])
    body.add("add", "next", ["i"], ["i2"], alpha=1.0).add("copy", "count", ["i2"], ["i"])
    builder = part().add("multiply", "five", ["x"], ["y"], alpha=5.0)
    builder.add("fillDynamic", "malloc", ["y"], ["z"], value=0.0)
    builder.add("loadConstantND", "zero", [], ["i0"], data=np.float32([0])).add("copy", "begin", ["i0"], ["i"])
    return builder.add("loop", "for", ["y"], [], body_network=body)


def test_memory_of_a_computed_size():
    program = Program(allocation(), output="z")
    for x in (1, 2, 1, 2):
        np.testing.assert_array_equal(program(one(x)), np.full(5 * x, x + 1))
    assert program.staged.stages == 3  # up to the allocation, and the rest once for each size
    assert program.staged.host_reads == 4
    np.testing.assert_array_equal(jax.grad(lambda x: program(x).sum())(one(2)), [10])


def test_under_jit_the_value_is_named_and_can_be_given():
    program = Program(allocation(), output="z")
    with pytest.raises(UnsupportedError, match=r"layer 'malloc'.*\n.*the value of 'y' decides a shape") as caught:
        jax.jit(program.pure)(one(2))
    assert "static={'y': ...}" in str(caught.value)
    run = jax.jit(lambda x: program.pure(x, static={"y": 10}))
    np.testing.assert_array_equal(run(one(2)), np.full(10, 3))
    np.testing.assert_array_equal(jax.jit(jax.grad(lambda x: program.pure(x, static={"y": 10}).sum()))(one(2)), [10])
    with pytest.raises(ShapeError, match="static gives 2 values for 'y', which has shape"):
        jax.jit(lambda x: program.pure(x, static={"y": [1, 2]}))(one(2))
    with pytest.raises(UnsupportedError, match=r"layer 'malloc'.*\n.*'y'"):
        jax.jit(program)(one(2))


def test_only_sizes_are_read_where_only_sizes_matter():
    fields = {"strides": (1,) * 5, "begin_masks": (False,) * 5}  # as common converters write them, for five axes
    builder = part().add("sliceDynamic", "cut", ["x", "from", "to"], ["y"], **fields)
    program = Program(builder, ("x", "from", "to"))
    x = np.arange(8, dtype=np.float32)
    for begin, end in ((0, 3), (2, 5), (-4, 7), (5, 8), (-3, 99)):
        np.testing.assert_array_equal(program(x, one(begin), one(end)), x[begin:end])
    assert program.staged.stages == 2  # each slice holds three
    np.testing.assert_array_equal(program(x, one(4), one(2)), x[4:2])


@pytest.mark.parametrize("stride", [1, 2, -1, -3])
@pytest.mark.parametrize("masks", [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1)])
def test_dynamic_slices_from_sizes_equal_those_from_values(stride, masks):
    inputs = ("x", "from", "to", "step", "open", "close", "squeeze")
    program = Program(part().add("sliceDynamic", "cut", list(inputs), ["y"]), inputs)
    x = np.arange(10, dtype=np.float32).reshape(5, 2)
    for begin, end in ((1, 4), (-2, -5), (-9, 9), (4, 0)):
        if masks[2] and not -5 <= begin < 5:
            continue  # a position that does not exist cannot be taken
        lists = ([begin, 0], [end, 2], [stride, 1], [masks[0], 1], [masks[1], 1], [masks[2], 0])
        values = [np.float32(each) for each in lists]
        rows = slice(None if masks[0] else begin, None if masks[1] else end, stride)
        np.testing.assert_array_equal(program(x, *values), x[begin] if masks[2] else x[rows])


def fibonacci() -> NeuralNetworkBuilder:
    """f = [1, 1]; x times: f.append(f[-2] + f[-1])."""
    body = part().add("getShape", "length", ["f"], ["n"]).add("add", "two_before", ["n"], ["b"], alpha=-2.0)
    body.add("sliceDynamic", "last", ["f", "b", "n"], ["two"], strides=(1,))
    body.add("reduceSum", "sum", ["two"], ["next"], axes=(0,), keep_dims=True)
    body.add("concatND", "append", ["f", "next"], ["f2"], axis=0).add("copy", "keep", ["f2"], ["f"])
    builder = part().add("loadConstantND", "ones", [], ["s"], data=np.float32([1, 1]))
    builder.add("copy", "start", ["s"], ["f"])
    return builder.add("loop", "l", ["x"], [], body_network=body).add("multiply", "out", ["f"], ["y"], alpha=1.0)


def test_a_sequence_that_grows_is_never_traced_twice_for_a_length():
    program = Program(fibonacci())
    np.testing.assert_array_equal(program(one(5)), [1, 1, 2, 3, 5, 8, 13])
    assert program.staged.stages == 1 + 5 + 1  # before the loop, an iteration for each length, after it
    assert program.staged.host_reads == 1  # the count: lengths are facts
    np.testing.assert_array_equal(program(one(4)), [1, 1, 2, 3, 5, 8])
    assert program.staged.stages == 8  # only what follows a loop of four iterations was new
    program(one(5))
    assert program.staged.stages == 8


def test_the_cache_of_stages_is_bounded(monkeypatch):
    monkeypatch.setattr(staging, "CAPACITY", 4)
    program = Program(fibonacci())
    np.testing.assert_array_equal(program(one(6))[-1], 21)
    assert program.staged.stages == 4


def test_the_stage_that_was_used_longest_ago_goes_first(monkeypatch):
    builder = (
        part().add("fillDynamic", "f", ["n"], ["a"], value=1.0).add("multiplyBroadcastable", "m", ["a", "x"], ["y"])
    )
    monkeypatch.setattr(staging, "CAPACITY", 3)  # the first stage, and one for each of two sizes
    program = Program(builder, ("n", "x"))
    for n, traces in ((2, 2), (3, 3), (2, 3), (4, 4), (2, 4), (4, 4), (3, 5)):
        assert program(one(n), one(5.0)).tolist() == [5] * n
        assert len(program.traced) == traces, n
    assert program.staged.stages == 3


def test_a_loop_in_slices_that_was_just_used_stays(monkeypatch):
    made = []
    monkeypatch.setattr(staging, "CAPACITY", 5)
    make = InterruptibleLoop.__init__
    monkeypatch.setattr(InterruptibleLoop, "__init__", lambda *given: made.append(1) or make(*given))
    program = Program(counting(3))
    for shape in ((1,), (1,), (1, 1)):  # three stages for each of two shapes; what comes before the first loop goes
        program(np.ones(shape, np.float32))
    assert program.staged.stages == 5
    monkeypatch.setattr(program.staged._kept, "_most", 6)
    program(np.ones(1, np.float32))
    assert len(made) == 2


def test_branches_of_different_shapes_cut_the_network_at_the_predicate():
    builder = part().add("multiply", "before", ["x"], ["h"], alpha=2.0)
    sides = {
        "if_branch": part().add("tile", "twice", ["h"], ["t"], reps=(2,)),
        "else_branch": part().add("tile", "thrice", ["h"], ["t"], reps=(3,)),
    }
    builder.add("greaterThan", "p", ["x"], ["p"], alpha=0.0).add("branch", "b", ["p"], [], **sides)
    program = Program(builder.add("add", "after", ["t"], ["y"], alpha=1.0))
    for _ in range(2):
        np.testing.assert_array_equal(program(one(1)), [3, 3])
        np.testing.assert_array_equal(program(one(-1)), [-1, -1, -1])
    assert len(program.traced) == 5  # before, the branches, and what follows each of them
    np.testing.assert_array_equal(jax.grad(lambda x: program(x).sum())(one(-1)), [6])


def test_leaving_a_loop_of_changing_shapes():
    """while true: x = x ++ x; if sum(x) > 20: break."""
    body = part().add("concatND", "double", ["h", "h"], ["d"], axis=0).add("copy", "keep", ["d"], ["h"])
    body.add("reduceSum", "sum", ["h"], ["s"], axes=(0,), keep_dims=True)
    body.add("greaterThan", "large", ["s"], ["p"], alpha=20.0)
    body.add("branch", "b", ["p"], [], if_branch=part().add("loopBreak", "leave", [], []))
    body.add("add", "more", ["n"], ["n1"], alpha=1.0).add("copy", "count", ["n1"], ["n"])
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add("loadConstantND", "zero", [], ["z"], data=np.float32([0])).add("copy", "c", ["z"], ["n"])
    builder.add("loop", "l", [], [], body_network=body).add("concatND", "out", ["h", "n"], ["y"], axis=0)
    np.testing.assert_array_equal(Program(builder)(one(3)), [3] * 8 + [2])


def counting(to: float) -> NeuralNetworkBuilder:
    """while h < to: h += 1."""
    condition = part().add("lessThan", "c", ["h"], ["go"], alpha=to)
    body = part().add("add", "plus", ["h"], ["t"], alpha=1.0).add("copy", "back", ["t"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add("loop", "l", [], [], condition_var="go", condition_network=condition, body_network=body)
    return builder.add("multiply", "out", ["h"], ["y"], alpha=1.0)


def test_an_endless_loop_runs_in_slices(monkeypatch):
    monkeypatch.setattr(interruptible, "_SECONDS", np.inf)  # each call has twice as many iterations
    program = Program(counting(5000))
    np.testing.assert_array_equal(program(one(1)), [5000])
    assert program.staged.host_reads == 3  # after 1024, 3072 and 4999 iterations
    np.testing.assert_array_equal(program(one(6000)), [6000])


def test_a_runaway_loop_can_be_bounded():
    program = Program(counting(np.inf), max_iterations=3000)
    np.testing.assert_array_equal(program(one(0)), [3000])
    np.testing.assert_array_equal(jax.jit(program.pure)(one(0)), [3000])


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
def test_a_runaway_loop_can_be_interrupted():
    program = Program(counting(np.inf))
    threading.Timer(1.0, lambda: signal.raise_signal(signal.SIGINT)).start()
    begin = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        program(one(0))
    assert time.perf_counter() - begin < 30  # it would run for ever


def test_random_numbers_are_those_of_the_plain_function():
    builder = part().add("reduceSum", "size", ["x"], ["n"], axes=(0,), keep_dims=True)
    builder.add("randomNormalDynamic", "draw", ["n"], ["y"], mean=0.0, std_dev=1.0, seed=-1)
    program = Program(builder)
    key = jax.random.key(3)
    drawn = program.staged(program.lowered.params, {"x": np.float32([1, 2])}, key)["y"]
    np.testing.assert_array_equal(drawn, program.pure(np.float32([1, 2]), key=key))
    assert drawn.shape == (3,)


def test_second_derivatives_go_through_stages():
    builder = part().add("whereNonZero", "w", ["x"], ["at"]).add("gatherND", "g", ["x", "at"], ["v"])
    program = Program(builder.add("unary", "cube", ["v"], ["y"], type="POWER", alpha=3.0))
    second = jax.jvp(jax.grad(lambda x: program(x).sum()), (jnp.asarray([0.0, 2.0]),), (jnp.ones(2),))[1]
    np.testing.assert_allclose(second, [0, 12])


def test_a_value_that_was_read_keeps_its_derivative():
    builder = part().add("fillDynamic", "f", ["n"], ["a"], value=1.0).add("addBroadcastable", "m", ["a", "n"], ["y"])
    program = Program(builder, ("n",))
    for n in (3, 2, 3):  # the stages of predictions and of derivatives are different ones
        assert program(one(n)).tolist() == [n + 1] * n
        np.testing.assert_array_equal(jax.grad(lambda x: program(x).sum())(one(n)), [n])
    assert program.staged.stages == 1 + 2 + 2


def test_a_value_that_was_read_is_forgotten_when_its_blob_is_written_again():
    """y = fill(n), then n = n * n and y = y * fill(n), once more in a branch."""
    builder = part().add("copy", "start", ["x"], ["n"]).add("fillDynamic", "f", ["n"], ["a"], value=1.0)
    builder.add("multiply", "square", ["n", "n"], ["n2"]).add("copy", "again", ["n2"], ["n"])
    builder.add("fillDynamic", "g", ["n"], ["b"], value=1.0)
    side = part().add("multiply", "third", ["n", "x"], ["n3"]).add("copy", "inside", ["n3"], ["n"])
    builder.add("greaterThan", "p", ["x"], ["p"], alpha=0.0).add("branch", "i", ["p"], [], if_branch=side)
    builder.add("fillDynamic", "h", ["n"], ["c"], value=1.0)
    builder.add("concatND", "all", ["a", "b", "c"], ["abc"], axis=0)
    program = Program(builder.add("multiplyBroadcastable", "out", ["abc", "n"], ["y"]))
    x = one(2)
    assert program(x).tolist() == [8] * (2 + 4 + 8)
    gradient = jax.grad(lambda x: program(x).sum())(x)
    np.testing.assert_allclose(gradient, [14 * 3 * 2**2])
