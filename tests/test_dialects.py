"""The interpreter on a second dialect: types, versions, control flow, state, and graphs that are made by hand."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toy_dialect import TOY, graph, node, region

from graphml import catalogue
from graphml.catalogue import Dialect, Signature
from graphml.errors import GraphError, UnsupportedError
from graphml.graph import ABSENT, Graph, Node, Region
from graphml.interpreter.lower import lower
from graphml.interpreter.stages import Staged

HALF, INT = np.float16, np.int32


def run(program: Graph, **inputs):
    """The only output, run eagerly, compiled and in stages, which all agree."""
    lowered = lower(program)
    (name,) = program.outputs
    found = [each(lowered.params, inputs)[name] for each in (lowered.fn, jax.jit(lowered.fn), Staged(lowered))]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
        assert other.dtype == found[0].dtype
    return found[0]


# Types ---------------------------------------------------------------------------------------------------------------


def test_values_keep_their_types():
    program = graph("x", "y", node("const", "", "c", val=HALF([1, 2])), node("add", "x c", "y"))
    assert run(program, x=HALF([1, 1])).dtype == HALF
    assert run(program, x=np.float32([1, 1])).dtype == np.float32
    program = graph("i", "y", node("const", "", "c", val=INT([3, 2**24 + 1])), node("add", "i c", "y"))
    sums = run(program, i=INT([1, 0]))
    assert sums.dtype == INT
    assert sums.tolist() == [4, 2**24 + 1]  # float32 does not have that number
    assert run(graph("i", "y", node("less", "i i", "y")), i=INT([1, 0])).dtype == bool
    program = graph("x", "y", node("less", "x x", "b"), node("cast", "b", "y", dtype="float16"))
    assert run(program, x=np.float32([1])).dtype == HALF


def test_a_function_is_shared_with_the_layers():
    x = HALF([[1, 2, 3], [0, 0, 4]])
    y = run(graph("x", "y", node("softmax", "x", "y", axis=-1)), x=x)
    assert y.dtype == HALF
    np.testing.assert_allclose(y, jax.nn.softmax(np.float32(x), -1), atol=1e-3)


def test_a_scalar_array_stays_scalar():
    program = graph("x", "y", node("const", "", "c", val=np.array(2, INT)), node("add", "x c", "y"))
    y = run(program, x=np.array(3, INT))
    assert y.shape == ()
    assert y == 5
    found = lower(program).intermediates(lower(program).params, {"x": np.array(3, INT)})
    assert {name: blob.shape for name, blob in found.items()} == {"c": (), "y": ()}
    mapped = jax.vmap(lambda x: lower(program).fn(lower(program).params, {"x": x})["y"])(np.arange(3, dtype=INT))
    assert mapped.tolist() == [2, 3, 4]


def test_integers_decide_shapes():
    shape = node("const", "", "two", val=INT([2])), node("shape", "x", "s"), node("add", "s two", "t")
    program = graph("x", "y", *shape, node("gather", "x t", "y", axis=0))
    assert run(program, x=np.float32([5, 6, 7])).tolist() == [7]
    program = graph("x", "y", node("const", "", "rows", val=INT([3, -1])), node("reshape", "x rows", "y"))
    lowered = lower(program)
    assert lowered.known == {"rows"}
    assert jax.jit(lowered.fn)(lowered.params, {"x": np.arange(6, dtype=INT)})["y"].shape == (3, 2)


def test_derivatives_go_through_half_precision_and_around_integers():
    nodes = node("const", "", "w", val=HALF([1, 2])), node("const", "", "i", val=INT([1])), node("add", "x w", "h")
    lowered = lower(graph("x", "y", *nodes, node("gather", "h i", "y", axis=0)))
    gradient = jax.jit(jax.grad(lambda x: lowered.fn(lowered.params, {"x": x})["y"].sum()))(HALF([0, 0]))
    assert gradient.dtype == HALF
    assert gradient.tolist() == [0, 1]
    gradient = jax.grad(lambda w: lowered.fn({**lowered.params, "w": {"val": w}}, {"x": HALF([0, 0])})["y"].sum())
    assert gradient(HALF([1, 2])).tolist() == [0, 1]


def test_an_input_may_be_absent_before_another():
    top = node("const", "", "top", val=np.float32(2))
    assert run(graph("x", "y", top, node("clip", f"x {ABSENT} top", "y")), x=np.float32([-9, 9])).tolist() == [-9, 2]
    assert run(graph("x", "y", top, node("clip", "x top", "y")), x=np.float32([-9, 9])).tolist() == [2, 9]


def test_nodes_of_two_dialects_run_in_one_graph():
    relu = Node("r", "r", "layer", "clip", ("h",), ("y",), {"min_val": 0.0, "max_val": 9.0})
    assert run(graph("x", "y", node("add", "x x", "h"), relu), x=np.float32([-1, 2])).tolist() == [0, 4]


# Versions ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "wanted"), [(1, [30, 20]), (2, [30, 20]), (3, [10, 30]), (9, [10, 30])])
def test_the_row_is_the_newest_that_is_not_newer_than_the_node(version, wanted):
    program = graph("x i", "y", node("gather", "x i", "y", version, axis=0))
    assert run(program, x=np.float32([10, 20, 30]), i=INT([-1, 4])).tolist() == wanted


def test_a_node_older_than_its_operator_is_refused():
    with pytest.raises(UnsupportedError, match=r"toy operation 'y' \(add\), number 1: no operator runs .* version 1"):
        lower(graph("x", "y", node("add", "x x", "y", 0)))


# Control flow --------------------------------------------------------------------------------------------------------


def absolute() -> Graph:
    """A branch with results: y = x if x > 0 else -1 + x, and its type is that of x."""
    then = region(node("identity", "x", "a"), node("identity", "a", "y"))
    otherwise = region(node("add", "x minus", "b"), replace(node("identity", "b", "y"), key="y else"))
    nodes = node("const", "", "zero", val=HALF(0)), node("const", "", "minus", val=HALF(-1))
    branch = node("cond", "p", "", **{"if": then, "else": otherwise})
    return graph("x", "y", *nodes, node("less", "zero x", "p"), branch)


def test_a_branch_with_results():
    for x, wanted in ((2, 2), (-2, -3), (0, -1)):
        y = run(absolute(), x=HALF(x))
        assert (y.dtype, y.shape, y) == (HALF, (), wanted)
    lowered = lower(absolute())

    def fn(x):
        return lowered.fn(lowered.params, {"x": x})["y"]

    assert "cond" in str(jax.make_jaxpr(fn)(HALF(1)))
    assert jax.vmap(fn)(HALF([2, -2])).tolist() == [2, -3]
    assert jax.vmap(jax.grad(fn))(HALF([2, -2])).tolist() == [1, 1]


def test_a_constant_predicate_selects_one_branch():
    program = absolute()
    known = node("const", "", "p", val=np.array(False))
    nodes = [known if each.outputs == ("p",) else each for each in program.body.nodes]
    lowered = lower(replace(program, body=Region(tuple(nodes))))
    assert "cond" not in str(jax.make_jaxpr(lambda x: lowered.fn(lowered.params, {"x": x}))(HALF(1)))


def counting() -> Graph:
    """i = 0; while i < n: i += 1, x += x."""
    start = node("const", "", "zero", val=np.array(0, INT)), node("const", "", "one", val=np.array(1, INT))
    condition = region(node("less", "i n", "go"))
    body = region(
        node("add", "i one", "i2"),
        node("add", "x x", "x2"),
        replace(node("identity", "i2", "i"), key="next i"),
        replace(node("identity", "x2", "x"), key="next x"),
    )
    loop = node("while_loop", "", "", go="go", condition=condition, body=body)
    return graph("x n", "y i", *start, node("identity", "zero", "i"), loop, node("identity", "x", "y"))


def test_an_integer_while_loop():
    lowered = lower(counting(), max_iterations=8)
    x = np.float32([1, 3])

    def fn(x, n):
        return lowered.fn(lowered.params, {"x": x, "n": n})

    for n in (0, 1, 5):
        for each in (fn, jax.jit(fn), lambda x, n: Staged(lowered)(lowered.params, {"x": x, "n": n})):
            found = each(x, np.array(n, INT))
            np.testing.assert_array_equal(found["y"], x * 2**n)
            assert (found["i"].dtype, found["i"].shape, found["i"]) == (INT, (), n)
    many = jax.jit(jax.vmap(fn, in_axes=(None, 0)))(x, np.arange(4, dtype=INT))
    np.testing.assert_array_equal(many["i"], np.arange(4))
    np.testing.assert_array_equal(many["y"], x * 2.0 ** np.arange(4)[:, None])
    gradient = jax.jit(jax.grad(lambda x, n: fn(x, n)["y"].sum()))(x, np.array(5, INT))
    np.testing.assert_array_equal(gradient, [32, 32])


def test_an_integer_loop_without_a_bound_counts_beyond_float32():
    lowered = lower(counting())
    n = 2**24 + 3
    found = Staged(lowered)(lowered.params, {"x": np.zeros((), INT), "n": np.array(n, INT)})
    assert (found["i"], found["y"].dtype) == (n, INT)


def test_a_block_is_traced_again_for_a_constant_of_another_type():
    """int32 0 and float32 0 have the same bytes."""
    side = region(node("add", "k k", "y"), replace(node("identity", "y", "h"), key="h"))
    branch = {"if": side, "else": side}
    first, second = (node("const", "", "k", val=np.zeros(1, dtype)) for dtype in (INT, np.float32))
    nodes = first, node("identity", "k", "k1"), replace(second, key="k again"), node("identity", "k", "k2")
    blobs = [node("identity", name, f"copy {number}".replace(" ", "")) for number, name in enumerate(("k1", "k2"))]
    outer = [replace(node("identity", f"copy{number}", "k"), key=f"set {number}") for number in range(2)]
    calls = [Node(f"c{i}", "", TOY.name, "cond", ("p",), (), regions=_own(branch, i), version=3) for i in range(2)]
    ends = [node("identity", "h", f"end{number}") for number in range(2)]
    order = (*nodes, *blobs, outer[0], calls[0], ends[0], outer[1], calls[1], ends[1])
    lowered = lower(graph("p", "end0 end1", *order))
    found = jax.jit(lowered.fn)(lowered.params, {"p": np.array(True)})
    assert (found["end0"].dtype, found["end1"].dtype) == (INT, np.float32)


def _own(branch: dict[str, Region], number: int) -> dict[str, Region]:
    """The branches, each with its own key."""
    return {
        name: Region(tuple(replace(each, key=f"{number}/{name}/{each.key}") for each in side.nodes))
        for name, side in branch.items()
    }


# State ---------------------------------------------------------------------------------------------------------------


def accumulator() -> Graph:
    """total += x where x > 0; y = total + x."""
    then = region(node("add", "total x", "sum"), replace(node("identity", "sum", "total"), key="write"))
    nodes = node("const", "", "zero", val=np.float32(0)), node("less", "zero x", "p")
    return graph("x", "y", *nodes, node("cond", "p", "", **{"if": then}), node("add", "total x", "y"), state="total")


def test_state_goes_in_and_out():
    lowered = lower(accumulator())
    prepared = lowered.prepare(lowered.params)
    for fn in (
        lambda x, state: lowered.fn(lowered.params, {"x": x}, state=state),
        jax.jit(lambda x, state: lowered.fn(lowered.params, {"x": x}, state=state)),
        lambda x, state: lowered.run_prepared(prepared, {"x": x}, state=state),
        lambda x, state: Staged(lowered)(lowered.params, {"x": x}, state=state),
    ):
        state = {"total": jnp.float32(0)}
        for x, total, y in ((2, 2, 4), (-1, 2, 1), (3, 5, 8)):
            outputs, state = fn(np.float32(x), state)
            assert (state["total"], outputs["y"]) == (total, y)

    def last(x):
        return lowered.fn(lowered.params, {"x": x}, state={"total": jnp.float32(1)})[1]["total"]

    assert jax.vmap(last)(np.float32([4, -4])).tolist() == [5, 1]
    assert jax.grad(last)(np.float32(4)) == 1


def test_a_loop_carries_state():
    count, write = node("add", "i one", "j"), replace(node("identity", "j", "i"), key="write")
    loop = node("while_loop", "", "", go="go", condition=region(node("less", "i n", "go")), body=region(count, write))
    program = graph("n", "y", node("const", "", "one", val=INT([1])), loop, node("identity", "i", "y"), state="i")
    lowered = lower(program)
    outputs, state = jax.jit(lambda n, s: lowered.fn(lowered.params, {"n": n}, state=s))(INT([7]), {"i": INT([3])})
    assert (outputs["y"].tolist(), state["i"].tolist(), state["i"].dtype) == ([7], [7], INT)


def test_state_that_is_missing_or_unknown_is_named():
    lowered = lower(accumulator())
    with pytest.raises(GraphError, match=r"the state 'total' is missing: pass state=\{name: array\}"):
        lowered.fn(lowered.params, {"x": np.float32(1)})
    with pytest.raises(GraphError, match="no state 'sum'; its states are total"):
        lowered.fn(lowered.params, {"x": np.float32(1)}, state={"sum": 1})


# Graphs that are made by hand ----------------------------------------------------------------------------------------

_SIDE = region(node("identity", "x", "y"))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            graph("x", "y", node("add", "x z", "y")),
            r"toy operation 'y' \(add\), number 1 reads 'z', which is neither an input nor written",
        ),
        (graph("x", "y", node("add", "x x", "z")), "nothing writes the output 'y'"),
        (graph("x", "y", node("less", "x x", "p"), node("cond", "p", "", **{"if": _SIDE})), "one branch of .* only"),
        (graph("x", "x", node("add", "x x", "h"), node("add", "x x", "h")), "the key 'h' is used 2 times"),
        (graph("x", "y", node("add", "x", "y")), "it has 1 inputs; add takes 2"),
        (graph("x", "y", node("clip", "x x x x", "y")), "it has 4 inputs; clip takes 1 to 3"),
        (graph("x", "y", node("softmax", "x", "y")), r"\(softmax\), number 1\n  it lacks the attribute 'axis'"),
        (graph("x", "y", node("add", "x x", "h", inner=_SIDE)), "add has no region 'inner'; it has none"),
        (
            graph("x", "y", replace(node("add", "x x", "y"), weights={"w": np.ones(1)})),
            "add has no weight 'w'; it has none",
        ),
    ],
    ids=[
        "dangling",
        "no output",
        "one branch",
        "key twice",
        "few inputs",
        "many inputs",
        "attribute",
        "region",
        "weight",
    ],
)
def test_a_graph_that_is_wired_wrongly_is_refused(program, message):
    with pytest.raises(GraphError, match=message):
        lower(program)


def test_unknown_operators_and_dialects_are_all_listed():
    stranger = Node("s", "s", "strange thing", "add", ("x", "x"), ("y",))
    with pytest.raises(UnsupportedError) as caught:
        lower(graph("x", "y", node("divide", "x x", "h"), stranger))
    assert "toy operation 'h' (divide), number 1: no operator runs toy operations of kind divide" in str(caught.value)
    assert "there is no dialect 'strange thing'; the dialects are 'layer', 'operation', 'toy operation'" in str(
        caught.value
    )


def test_inputs_are_checked_by_name():
    lowered = lower(graph("x", "y", node("add", "x x", "y")))
    with pytest.raises(GraphError, match="the input 'x' is missing"):
        lowered.fn(lowered.params, {})
    with pytest.raises(GraphError, match="no input 'z'; its inputs are x"):
        lowered.fn(lowered.params, {"x": 1, "z": 1})


def test_a_dialect_checks_its_operators():
    with pytest.raises(TypeError, match="the format has no operation 'divide'"):
        TOY.operator("divide")(lambda x: x)
    with pytest.raises(TypeError, match=r"clip: unknown attributes \['low'\]"):

        @TOY.operator("clip", version=2)
        def clip(x, *, low):
            return x

    with pytest.raises(TypeError, match="the dialect 'layer' is already registered"):
        Dialect("layer", lambda kind, version: Signature())


def test_rows_of_a_dialect_are_the_newest():
    rows = catalogue.rows(TOY.name)
    assert {kind for kind, row in rows.items() if row.version > 1} == {"gather"}
    assert "softmaxND" not in rows
