"""Loops: how often they iterate, what ends them, and their derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sub_networks import constant, one, part, program

from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import GraphError, SpecError, UnsupportedError
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.inspect.flow import as_text, flow
from graphml.interpreter.lower import lower
from graphml.interpreter.stages import Staged
from graphml.models import ModelConfiguration, load


def counting(iterations=None, *, most=0, step=8.0):
    """x += 8, again and again; y = 10 x afterwards."""
    body = part().add("add", "plus", ["h"], ["t"], alpha=step).add("copy", "back", ["t"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add(
        "loop", "l", [] if iterations is None else [iterations], [], max_loop_iterations=most, body_network=body
    )
    return builder.add("multiply", "ten", ["h"], ["y"], alpha=10.0)


def test_loop_of_fixed_count():
    run = program(counting(most=5))
    for each in (run, jax.jit(run)):
        np.testing.assert_allclose(each(one(1.0)), [10 * (1 + 5 * 8)])
    np.testing.assert_allclose(jax.grad(lambda v: jax.jit(run)(v).sum())(one(1.0)), [10])
    jaxpr = str(jax.make_jaxpr(run)(one(1.0)))
    assert (jaxpr.count("scan["), jaxpr.count("while[")) == (1, 0)


def test_loop_of_given_count():
    run = program(counting("n"), inputs=("x", "n"))
    for n in (0.0, 1.0, 7.9):
        for each in (run, jax.jit(run)):
            np.testing.assert_allclose(each(one(1.0), one(n)), [10 * (1 + int(n) * 8)])
    mapped = jax.vmap(run)(np.float32([[1], [1], [1]]), np.float32([[0], [3], [1]]))
    np.testing.assert_allclose(mapped, [[10], [250], [90]])


@pytest.mark.parametrize("iterations", [2**24 + 2, 2**24 + 3])
def test_iterations_are_counted_in_integers(iterations):
    """float32 has no number between 2^24 and 2^24 + 2: a counter in floats would never leave 2^24."""
    body = part().add("multiply", "minus", ["h"], ["t"], alpha=-1.0).add("copy", "back", ["t"], ["h"])
    fields = {"max_loop_iterations": iterations, "body_network": body}
    forms = {
        "in the layer": ([], fields),
        "with a condition": (
            [],
            {**fields, "condition_network": part().add("copy", "c", ["x"], ["on"]), "condition_var": "on"},
        ),
    }
    if iterations % 2 == 0:  # which an input can say
        forms["given"] = (["n"], {"body_network": body})
    for inputs, loop in forms.values():
        builder = part().add("copy", "start", ["x"], ["h"]).add("loop", "l", inputs, [], **loop)
        run = jax.jit(program(builder.add("copy", "end", ["h"], ["y"]), inputs=("x", "n")))
        np.testing.assert_array_equal(run(one(1.0), one(iterations)), [(-1.0) ** iterations])


def counts_up(stop: float) -> NeuralNetworkBuilder:
    """h = x; n times, or as long as h < stop: h += 1."""
    condition = part().add("lessThan", "below", ["h"], ["on"], alpha=stop)
    body = part().add("add", "plus", ["h"], ["t"], alpha=1.0).add("copy", "back", ["t"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    networks = {"condition_network": condition, "condition_var": "on", "body_network": body}
    return builder.add("loop", "l", ["n"], [], **networks).add("copy", "end", ["h"], ["y"])


@pytest.mark.parametrize("count", [2.0**31, 1e10, np.inf])
def test_a_count_beyond_integers_is_no_bound(count):
    run = program(counts_up(5.0), inputs=("x", "n"))
    for each in (run, jax.jit(run), jax.jit(lambda x, n: run(x, count * np.ones(1, np.float32)))):
        np.testing.assert_array_equal(each(one(1.0), one(count)), [5])
    with pytest.raises(UnsupportedError, match="a loop must have fewer than 2147483647 iterations, got 2147483647"):
        program(powers(), inputs=("x", "n"))(one(1.0), one(count))
    huge = part().add(
        "loop", "l", [], [], max_loop_iterations=2**40, body_network=part().add("copy", "c", ["x"], ["y"])
    )
    with pytest.raises(UnsupportedError, match="iterations, got 1099511627776"):
        program(huge)(one(1.0))


@pytest.mark.parametrize(("count", "said"), [(3e9, "3000000000"), (np.inf, "inf"), (2.0**31, "2147483648")])
def test_an_input_that_asks_for_too_many_iterations_is_refused_before_a_program_runs(count, said, tmp_path):
    builder = NeuralNetworkBuilder({"x": array(1), "n": array(1)}, {"y": array(1)})
    body = part().add("add", "plus", ["h"], ["t"], alpha=8.0).add("copy", "back", ["t"], ["h"])
    builder.add("copy", "start", ["x"], ["h"]).add("loop", "l", ["n"], [], body_network=body)
    model = load(builder.add("copy", "end", ["h"], ["y"]).spec)
    few, many = ({"x": np.ones(1, np.float32), "n": np.full(1, n, np.float32)} for n in (2.0, count))
    lowered = model.lower()
    kept = [load(builder.spec, configuration=ModelConfiguration(cache_directory=tmp_path)) for _ in range(2)]
    for run in (
        model.predict,
        *(each.predict for each in kept),  # the second finds the program of the first
        lambda inputs: model.predict_batch([few, inputs])[-1],
        lambda inputs: Staged(lowered)(lowered.params, inputs),
    ):
        assert np.asarray(run(few)["y"]).tolist() == [17]
        with pytest.raises(
            UnsupportedError, match=rf"layer 'l' \(loop\), number 2\n  a loop must .* iterations, got {said}"
        ):
            run(many)


@pytest.mark.parametrize("count", [-1.0, -np.inf, np.nan, 0.7])
def test_a_count_below_one_means_no_iteration(count):
    run = program(counts_up(5.0), inputs=("x", "n"))
    for each in (run, jax.jit(run)):
        np.testing.assert_array_equal(each(one(1.0), one(count)), [1])


def test_a_given_count_replaces_the_number_in_the_layer():
    run = jax.jit(program(counting("n", most=2), inputs=("x", "n")))
    np.testing.assert_allclose(run(one(1.0), one(4.0)), [330])


def test_gradient_of_a_loop_needs_a_bound():
    x, n = one(1.0), one(3.0)

    def gradient(**options):
        run = program(powers(), inputs=("x", "n"), **options)
        return jax.jit(jax.grad(lambda v, n: run(v, n).sum()))

    np.testing.assert_allclose(gradient(max_iterations=10)(one(2.0), n), [4 * 2.0**3])
    with pytest.raises(UnsupportedError, match="max_iterations"):
        gradient()(x, n)


@pytest.mark.parametrize("most", [3, 10])
def test_a_loop_with_a_bound_keeps_it(most):
    """A count, known or not, and the number of iterations in a layer with a condition, are not cut off."""
    x, n = one(1.0), one(5.0)
    for run in (
        lambda x, n: program(powers(), inputs=("x", "n"), max_iterations=most)(2 * x, n),
        lambda x, n: program(counts_up(100.0), inputs=("x", "n"), max_iterations=most)(59 * x, n),
        lambda x, _: program(halving(5), max_iterations=most)(2048 * x),
    ):
        np.testing.assert_allclose(run(x, n), [64])
        np.testing.assert_allclose(jax.jit(run)(x, n), [64])
        np.testing.assert_allclose(jax.jit(lambda x, run=run: run(x, n))(x), [64])


def test_a_count_that_is_no_bound_is_bounded():
    run = program(counts_up(100.0), inputs=("x", "n"), max_iterations=3)
    for each in (run, jax.jit(run), jax.jit(lambda x, n: run(x, np.float32([np.inf])))):
        np.testing.assert_array_equal(each(one(1.0), one(np.inf)), [4])


def test_a_derivative_with_more_iterations_than_are_unrolled_is_nan():
    x, n = one(2.0), one(3.0)

    def gradient(most):
        run = program(powers(), inputs=("x", "n"), max_iterations=most)
        return jax.jit(jax.value_and_grad(lambda v, n: run(v, n).sum()))(x, n)

    value, derivative = gradient(3)
    assert (value, derivative.tolist()) == (16, [32])
    assert np.isnan(gradient(2)[1]).all()


def halving(iterations):
    """h = x; as long as h > 1, `iterations` times at most: h /= 2."""
    condition = part().add("greaterThan", "above", ["h"], ["on"], alpha=1.0)
    body = part().add("multiply", "half", ["h"], ["t"], alpha=0.5).add("copy", "back", ["t"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    networks = {"condition_network": condition, "condition_var": "on", "body_network": body}
    return builder.add("loop", "l", [], [], max_loop_iterations=iterations, **networks).add("copy", "end", ["h"], ["y"])


def powers():
    """y = x^(n + 1)."""
    body = part().add("multiplyBroadcastable", "times", ["h", "x"], ["t"]).add("copy", "back", ["t"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add("loop", "l", ["n"], [], body_network=body)
    return builder.add("copy", "end", ["h"], ["y"])


def newton(most=0):
    """Square root by Newton's method: h = (h + x / h) / 2 until h^2 is within 1e-3 of x."""
    condition = part().add("multiplyBroadcastable", "square", ["h", "h"], ["s"])
    condition.add("subtractBroadcastable", "gap", ["s", "x"], ["g"]).add("unary", "size", ["g"], ["a"], type="ABS")
    condition.add("greaterThan", "far", ["a"], ["far"], alpha=1e-3)
    body = part().add("divideBroadcastable", "d", ["x", "h"], ["q"]).add("addBroadcastable", "sum", ["h", "q"], ["t"])
    body.add("multiply", "half", ["t"], ["u"], alpha=0.5).add("copy", "back", ["u"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    networks = {"condition_network": condition, "body_network": body}
    builder.add("loop", "l", [], [], max_loop_iterations=most, condition_var="far", **networks)
    return builder.add("copy", "end", ["h"], ["y"])


def test_while_to_convergence_and_its_gradient():
    run = program(newton())
    for x in (1.0, 2.0, 9.0, 100.0):
        for each in (run, jax.jit(run)):
            np.testing.assert_allclose(each(one(x)), [np.sqrt(x)], rtol=1e-3)
    bounded = program(newton(most=30))
    total = lambda x: jax.vmap(bounded)(x).sum()  # noqa: E731
    gradients = jax.jit(lambda x: (jax.vmap(jax.grad(lambda v: bounded(v).sum()))(x), jax.grad(total)(x)))
    for each in gradients(np.float32([[9], [25]])):
        np.testing.assert_allclose(each, [[1 / 6], [1 / 10]], rtol=1e-3)
    np.testing.assert_allclose(jax.vmap(run)(np.float32([[4], [25]])), [[2], [5]], rtol=1e-3)


def test_iterations_that_only_other_rows_make_have_no_gradient():
    """As long as h < 4: h += sqrt(4 - h). A row that has ended would compute the root of a negative number."""
    condition = part().add("lessThan", "below", ["h"], ["on"], alpha=4.0)
    body = part().add("multiply", "minus", ["h"], ["m"], alpha=-1.0).add("add", "gap", ["m"], ["g"], alpha=4.0)
    body.add("unary", "root", ["g"], ["r"], type="SQRT", scale=1.0)
    body.add("addBroadcastable", "sum", ["h", "r"], ["t"]).add("copy", "back", ["t"], ["h"])
    networks = {"condition_network": condition, "condition_var": "on", "body_network": body}
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add("loop", "l", [], [], max_loop_iterations=9, **networks).add("copy", "end", ["h"], ["y"])
    run, wanted = program(builder), []
    for h in (0.0, 3.9):
        wanted.append([1.0])
        while h < 4:
            h, wanted[-1][0] = h + (4 - h) ** 0.5, wanted[-1][0] * (1 - 0.5 / (4 - h) ** 0.5)
    gradient = jax.jit(jax.grad(lambda x: jax.vmap(run)(x).sum()))
    np.testing.assert_allclose(gradient(np.float32([[0], [3.9]])), wanted, rtol=1e-4)


def test_the_bound_of_a_while_loop_ends_it():
    for each in (lambda f: f, jax.jit):
        np.testing.assert_allclose(each(program(newton(most=1)))(one(9.0)), [5.0])


def test_a_bounded_loop_differentiates_as_one_scan():
    bounded = program(newton(most=30))
    jaxpr = str(jax.make_jaxpr(jax.grad(lambda v: bounded(v).sum()))(one(9.0)))
    assert jaxpr.count("scan[") == 2  # forward and backward
    assert jaxpr.count("while[") == 0
    assert jaxpr.count("div") < 12, "the body must not be unrolled"


def exits(kind: str, *, inside_branch: bool = True):
    """for i in 0..<10: h += 1; if h > 4: break or continue; s += h."""
    leave = part().add(kind, "leave", [], [])
    body = part().add("add", "plus", ["h"], ["t"], alpha=1.0).add("copy", "back", ["t"], ["h"])
    if inside_branch:
        body.add("greaterThan", "p", ["h"], ["p"], alpha=4.0).add("branch", "b", ["p"], [], if_branch=leave)
    else:
        body.add(kind, "leave", [], [])
    body.add("addBroadcastable", "sum", ["s", "h"], ["u"]).add("copy", "keep", ["u"], ["s"])
    builder = constant(part(), "zero", 0.0)
    builder.add("copy", "s0", ["zero"], ["s"]).add("copy", "h0", ["x"], ["h"])
    builder.add("loop", "l", [], [], max_loop_iterations=10, body_network=body)
    return builder.add("stack", "both", ["h", "s"], ["y"], axis=0)


def exits_in_python(kind: str, h: float, always: bool = False) -> list[float]:
    s = 0.0
    for _ in range(10):
        h += 1
        if always or h > 4:
            if kind == "loopBreak":
                break
            continue
        s += h
    return [h, s]


@pytest.mark.parametrize("kind", ["loopBreak", "loopContinue"])
@pytest.mark.parametrize("x", [-20.0, 0.0, 2.5, 9.0])
def test_break_and_continue(kind, x):
    run = program(exits(kind))
    wanted = np.float32(exits_in_python(kind, x))
    for each in (run, jax.jit(run)):
        np.testing.assert_allclose(np.ravel(each(one(x))), wanted)
    gradient = jax.jit(jax.grad(lambda v: run(v)[1].sum()))(one(x))
    step = 1e-2
    ahead, behind = (exits_in_python(kind, x + s)[1] for s in (step, -step))
    if x != 0.0:  # at 0 the last iteration is exactly at the edge of the branch
        np.testing.assert_allclose(gradient, [(ahead - behind) / (2 * step)], rtol=1e-3, atol=1e-3)
    wanted = np.float32(exits_in_python(kind, x, always=True))
    run = program(exits(kind, inside_branch=False))
    for each in (run, jax.jit(run)):
        np.testing.assert_allclose(np.ravel(each(one(x))), wanted)


def nested_with_continue():
    """for i in 0..<4: for j in 0..<5: k += 1; if k mod 3 = 0: continue; s += k."""
    inner = part().add("add", "plus", ["k"], ["t"], alpha=1.0).add("copy", "back", ["t"], ["k"])
    inner.add("modBroadcastable", "mod", ["k", "three"], ["m"]).add("lessThan", "p", ["m"], ["p"], alpha=0.5)
    inner.add("branch", "b", ["p"], [], if_branch=part().add("loopContinue", "next", [], []))
    inner.add("addBroadcastable", "sum", ["s", "k"], ["u"]).add("copy", "keep", ["u"], ["s"])
    outer = part().add("loop", "inner", [], [], max_loop_iterations=5, body_network=inner)
    builder = constant(constant(part(), "three", 3.0), "zero", 0.0)
    builder.add("copy", "s0", ["zero"], ["s"]).add("copy", "k0", ["x"], ["k"])
    builder.add("loop", "outer", [], [], max_loop_iterations=4, body_network=outer)
    return builder.add("copy", "end", ["s"], ["y"])


def test_nested_loops_with_continue():
    run = program(nested_with_continue())
    wanted = sum(k for k in range(1, 21) if k % 3)
    for each in (run, jax.jit(run)):
        np.testing.assert_allclose(each(one(0.0)), [wanted])


def test_a_blob_that_only_the_body_writes():
    body = part().add("add", "plus", ["x"], ["y"], alpha=1.0)
    builder = part().add("loop", "l", ["n"], [], body_network=body)
    run = jax.jit(program(builder, inputs=("x", "n")))
    np.testing.assert_array_equal(run(one(2.0), one(3.0)), [3])
    np.testing.assert_array_equal(run(one(2.0), one(0.0)), [0])  # zeros of its shape after no iteration
    with pytest.raises(SpecError, match="bodyNetwork has no layers"):
        program(part().add("loop", "l", [], [], max_loop_iterations=2, body_network=part()))


def test_a_loop_that_changes_shapes_is_unrolled():
    body = part().add("concatND", "grow", ["h", "x"], ["t"], axis=0).add("copy", "back", ["t"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add("loop", "l", [], [], max_loop_iterations=3, body_network=body).add("copy", "end", ["h"], ["y"])
    np.testing.assert_array_equal(jax.jit(program(builder))(one(2.0)), [2, 2, 2, 2])
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add("loop", "l", ["n"], [], body_network=body).add("copy", "end", ["h"], ["y"])
    with pytest.raises(UnsupportedError, match="another shape") as caught:
        jax.jit(program(builder, inputs=("x", "n")))(one(2.0), one(3.0))
    assert "layer 'l' (loop)" in str(caught.value)


def test_weights_inside_a_loop_are_parameters_and_get_gradients():
    body = part().add("innerProduct", "fc", ["h"], ["t"], weights=np.float32([[0.5]])).add("copy", "back", ["t"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add("loop", "l", [], [], max_loop_iterations=3, body_network=body).add("copy", "end", ["h"], ["y"])
    lowered = lower(*read_network(builder.network, (Port("x", None),), (Port("y", None),)))
    assert list(lowered.params) == ["l/body/fc"]
    gradient = jax.jit(jax.grad(lambda p: lowered.fn(p, {"x": jnp.ones((1, 1))})["y"].sum()))(lowered.params)
    np.testing.assert_allclose(gradient["l/body/fc"]["weights"], [[3 * 0.5**2]])


def deep(depth: int):
    """Loops in loops, each of two iterations around x += 1."""
    body = part().add("add", "plus", ["h"], ["t"], alpha=1.0).add("copy", "back", ["t"], ["h"])
    for level in range(depth):
        body = part().add("loop", f"l{level}", [], [], max_loop_iterations=2, body_network=body)
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.network.layers.extend(body.network.layers)
    return builder.add("copy", "end", ["h"], ["y"])


def many_continues(count: int):
    body = part().add("add", "plus", ["h"], ["t"], alpha=1.0).add("copy", "back", ["t"], ["h"])
    for i in range(count):
        body.add("greaterThan", f"p{i}", ["h"], [f"p{i}"], alpha=float(i))
        body.add("branch", f"b{i}", [f"p{i}"], [], if_branch=part().add("loopContinue", "next", [], []))
        body.add("add", f"a{i}", ["h"], [f"t{i}"], alpha=0.5).add("copy", f"c{i}", [f"t{i}"], ["h"])
    builder = part().add("copy", "start", ["x"], ["h"])
    builder.add("loop", "l", [], [], max_loop_iterations=3, body_network=body)
    return builder.add("copy", "end", ["h"], ["y"])


@pytest.mark.parametrize(("make", "few", "many"), [(deep, 2, 6), (many_continues, 2, 6)])
def test_tracing_grows_with_the_program_not_exponentially(make, few, many, monkeypatch):
    from graphml import catalogue

    def rows_evaluated(size: int) -> int:
        calls = []
        row = catalogue.rows("layer")["add"]
        counted = catalogue.replace(row, function=lambda *a, **k: (calls.append(1), row.function(*a, **k))[1])
        with monkeypatch.context() as patch:
            patch.setitem(catalogue._rows, ("layer", "add", 1), counted)
            jax.make_jaxpr(program(make(size)))(one(0.0))
        return len(calls)

    a, b = rows_evaluated(few), rows_evaluated(many)
    assert b <= a * (many / few) * 1.5 + 4
    assert np.asarray(jax.jit(program(deep(5)))(one(0.0))) == 2**5


# Empty sub-networks ---------------------------------------------------------------------------------------------------


def below(stop: float):
    """A condition network: whether the blob 'k' is below a number."""
    return part().add("lessThan", "c", ["k"], ["on"], alpha=stop)


def test_an_empty_condition_network_is_no_condition():
    builder = counting(most=5)
    (loop,) = (layer.loop for layer in builder.network.layers if layer.WhichOneof("layer") == "loop")
    loop.conditionNetwork.SetInParent()  # as the common builder writes it
    run = program(builder)
    for each in (run, jax.jit(run)):
        np.testing.assert_array_equal(each(one(1.0)), program(counting(most=5))(one(1.0)))
    lowered = lower(*read_network(builder.network, (Port("x", None),), (Port("y", None),)))
    assert "5 times" in as_text(flow(lowered))
    np.testing.assert_array_equal(Staged(lowered)(lowered.params, {"x": one(1.0)}, None)["y"], run(one(1.0)))


@pytest.mark.parametrize(
    ("kind", "inputs", "fields", "message"),
    [
        ("loop", [], {"max_loop_iterations": 2}, r"layer 'l' \(loop\), number 1\n.*bodyNetwork has no layers"),
        ("branch", ["x"], {}, "ifBranch has no layers"),
        ("branch", ["x"], {"else_branch": part().add("copy", "c", ["x"], ["y"])}, "ifBranch has no layers"),
    ],
)
def test_a_sub_network_that_must_not_be_empty_is_named(kind, inputs, fields, message):
    builder = part().add(kind, "l", inputs, [], **fields).add("copy", "end", ["x"], ["y"])
    with pytest.raises(SpecError, match=message):
        program(builder)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"condition_var": "on"}, "needs both a condition network and conditionVar, or neither"),
        ({"condition_network": below(1.0)}, "needs both a condition network and conditionVar, or neither"),
        (
            {"condition_network": below(1.0), "condition_var": "k"},
            "the condition network does not write conditionVar 'k'",
        ),
    ],
)
def test_a_condition_needs_its_network_and_its_blob(fields, message):
    body = part().add("add", "plus", ["k"], ["t"], alpha=1.0).add("copy", "back", ["t"], ["k"])
    builder = part().add("copy", "start", ["x"], ["k"])
    builder.add("loop", "l", [], [], max_loop_iterations=3, body_network=body, **fields).add("copy", "e", ["k"], ["y"])
    with pytest.raises(GraphError, match=message):
        program(builder)(one(0.0))
